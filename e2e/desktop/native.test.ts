import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startElectron } from '../support/electron.ts';
import { expect, test } from '../support/fixture.ts';
import { person } from '../support/person.ts';
import type { Program } from '../support/program.ts';
import { text } from '../support/texts.ts';

type Desktop = Awaited<ReturnType<typeof startElectron>>;

/** Chooses in the application menu, by the words that stand there. */
function choosesInMenu(program: Program, menu: string, entry: string): Promise<void> {
  return (program as Desktop).app.evaluate(({ Menu }, [first, second]) => {
    const found = Menu.getApplicationMenu()?.items.find(({ label }) => label === first)?.submenu?.items.find(({ label }) => label === second);
    if (found === undefined) throw new Error(`The menu has no ${first} → ${second}.`);
    found.click();
  }, [menu, entry]);
}

test('the menus reach the window’s own commands', async ({ program }) => {
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  await choosesInMenu(program, 'File', 'New key…');
  await expect(page.getByRole('dialog', { name: text('keys.new.title') })).toBeVisible();
  await page.keyboard.press('Escape');
  await choosesInMenu(program, 'View', 'Activity');
  await expect(page.getByRole('heading', { name: text('activity.title') })).toBeVisible();
  await choosesInMenu(program, 'View', 'Command palette…');
  await expect(page.getByRole('dialog', { name: text('shell.palette') })).toBeVisible();
  await page.keyboard.press('Escape');
  await choosesInMenu(program, 'Help', 'Keyboard shortcuts');
  await expect(page.getByRole('dialog', { name: text('shell.shortcuts') })).toBeVisible();
  await page.keyboard.press('Escape');
  await choosesInMenu(program, 'File', 'Settings…');
  await expect(page.getByRole('heading', { name: text('settings.title') })).toBeVisible();
  await choosesInMenu(program, 'File', 'Lock');
  await expect(page.getByRole('button', { name: text('store.unlock'), exact: true })).toBeVisible();
});

test('a file that the system gives to the program is looked into, once the store is open', async ({ program, folder }) => {
  const { page } = program;
  const path = join(folder, 'key.pem');
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', path]);
  const given = (words: readonly string[]): Promise<boolean> => (program as Desktop).app.evaluate(({ app }, line) => app.emit('second-instance', {}, line, '/'), words);
  const ada = person(program);
  await ada.createsAStore();
  await ada.locks();
  await given(['keywright', '--some-switch', path, '/no/such/file']);
  await ada.unlocks();
  await expect(page.getByRole('radio', { name: text('files.mode.inspect'), exact: true })).toBeChecked();
  await expect(page.getByText('key.pem').first()).toBeVisible();
  await ada.goesTo('keys');
  writeFileSync(join(folder, 'report.txt.sig'), 'no signature');
  await given(['keywright', join(folder, 'report.txt.sig')]);
  await expect(page.getByRole('radio', { name: text('files.mode.verify'), exact: true })).toBeChecked();
  await expect(page.getByText('report.txt.sig').first()).toBeVisible();
});

test('menus and prompts follow the language that is chosen in the window', async ({ program }) => {
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  await ada.goesTo('settings');
  await page.getByRole('button', { name: new RegExp(text('settings.language')) }).click();
  await page.getByRole('option', { name: 'Deutsch' }).click();
  await expect(page.getByRole('heading', { name: text('settings.title', {}, 'de') })).toBeVisible();
  await expect.poll(() => choosesInMenu(program, 'Datei', 'Sperren').then(() => true, () => false)).toBe(true);
  await page.getByRole('button', { name: text('store.unlock', {}, 'de'), exact: true }).click();
  const prompt = await program.prompt();
  await expect(prompt.getByRole('form', { name: text('ask.unlock', { name: 'Keys' }, 'de') })).toBeVisible();
});

test.describe('the store is locked', () => {
  for (const event of ['lock-screen', 'suspend'] as const) {
    test(`when the system says ${event}`, async ({ program }) => {
      const ada = person(program);
      await ada.createsAStore();
      await (program as Desktop).app.evaluate(({ powerMonitor }, name) => void powerMonitor.emit(name), event);
      await expect(program.page.getByRole('button', { name: text('store.unlock'), exact: true })).toBeVisible();
    });
  }
});

test('the window comes back where and as large as it was left', async ({ program, folder }) => {
  const bounds = { x: 60, y: 40, width: 940, height: 620 };
  const { app } = program as Desktop;
  await expect(program.page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
  await app.evaluate(({ BrowserWindow }, wanted) => BrowserWindow.getAllWindows()[0]?.setBounds(wanted), bounds);
  const held = (desktop: Desktop) => desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getNormalBounds());
  await expect.poll(() => held(program as Desktop)).toMatchObject({ width: 940, height: 620 });
  const left = await held(program as Desktop);
  await app.close();
  const again = await startElectron(join(folder, 'data'));
  try {
    expect(await held(again)).toEqual(left);
  } finally {
    await again.close();
  }
});
