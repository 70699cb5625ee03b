import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pictureOf } from '../support/axe.ts';
import type { startElectron } from '../support/electron.ts';
import { expect, test } from '../support/fixture.ts';
import { person, STORE } from '../support/person.ts';
import { childrenOf, lives } from '../support/processes.ts';
import type { Program } from '../support/program.ts';
import { text } from '../support/texts.ts';

type Desktop = Awaited<ReturnType<typeof startElectron>>;

function coreOf(program: Program): number {
  const main = (program as Desktop).app.process().pid ?? 0;
  const [core, ...others] = childrenOf(main, 'core-host.js');
  expect(others).toEqual([]);
  expect(core).toBeDefined();
  return core ?? 0;
}

/** Calls through the bridge, as the page does. */
function call(program: Program, operation: string, input: unknown): Promise<{ ok: boolean; problem?: { code: string }; output?: unknown }> {
  return program.page.evaluate(([id, given]) => (globalThis as unknown as { keywright: { call(operation: string, input: unknown): Promise<never> } }).keywright.call(id as string, given), [operation, input]);
}

/** @returns the path of a file that takes a while to be signed, though it takes no place: 4 GiB. */
function largeFile(folder: string): string {
  const path = join(folder, 'large.bin');
  writeFileSync(path, '');
  truncateSync(path, 4 * 1024 ** 3);
  return path;
}

test('a core that is killed comes back, the window says so, and the store opens again', async ({ program }) => {
  const ada = person(program);
  await ada.createsAStore();
  await ada.makesAKey('Survivor');
  const before = coreOf(program);
  process.kill(before, 'SIGKILL');
  await expect(program.page.getByText(text('shell.coreRestarted'))).toBeVisible();
  await expect.poll(() => coreOf(program)).not.toBe(before);
  await ada.unlocks();
  await expect(program.page.getByRole('row', { name: /Survivor/ })).toBeVisible();
});

test('a core that is killed under a dialog takes nothing along that was typed there, and the dialog goes on once the store is open again', async ({ program }) => {
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  await ada.makesAKey('Survivor');
  const detail = ada.detail('Survivor');
  await ada.picks(detail, text('keys.edit.open'));
  const dialog = page.getByRole('dialog', { name: text('keys.edit.title', { name: 'Survivor' }) });
  await dialog.getByLabel(text('keys.tags'), { exact: true }).fill('release, ci');
  const before = coreOf(program);
  process.kill(before, 'SIGKILL');
  await expect(dialog.getByText(text('shell.coreRestarted'))).toBeVisible();
  await expect(dialog.getByText(text('shell.typedStays'))).toBeVisible();
  await expect(dialog.getByLabel(text('keys.tags'), { exact: true })).toHaveValue('release, ci');
  await pictureOf(program, page, 'core-lost');
  await ada.unlocks();
  await expect(dialog.getByText(text('shell.coreRestarted'))).toBeHidden();
  await expect(dialog.getByLabel(text('keys.tags'), { exact: true })).toHaveValue('release, ci');
  await dialog.getByRole('button', { name: text('common.save'), exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(detail.getByText('release', { exact: true })).toBeVisible();

  await test.step('who closes the dialog instead stands before the locked store', async () => {
    await ada.picks(detail, text('keys.edit.open'));
    process.kill(coreOf(program), 'SIGKILL');
    await expect(dialog.getByText(text('shell.typedStays'))).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('heading', { name: text('store.locked', { name: STORE }) })).toBeVisible();
    await expect(page.getByText('Survivor')).toBeHidden();
  });
});

test('a call in flight when the core dies fails with a typed error and is not repeated', async ({ program, folder }) => {
  const ada = person(program);
  await ada.createsAStore();
  await ada.makesAKey('Signer');
  const large = largeFile(folder);
  const signing = call(program, 'files.sign', { files: [{ path: large }], key: 'Signer', out: { path: join(folder, 'large.sig') } });
  const core = coreOf(program);
  await expect.poll(async () => JSON.stringify(await call(program, 'jobs.list', {}))).toContain('running');
  process.kill(core, 'SIGKILL');
  const answer = await signing;
  expect(answer).toMatchObject({ ok: false, problem: { code: 'BACKEND_UNAVAILABLE' } });
  await ada.unlocks();
  await expect(program.page.getByRole('row', { name: /Signer/ })).toBeVisible();
  expect(JSON.stringify(await call(program, 'jobs.list', {}))).not.toContain('running');
});

test('no core outlives the main process, however that ends', async ({ program }) => {
  await expect(program.page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
  const core = coreOf(program);
  (program as Desktop).app.process().kill('SIGKILL');
  await expect.poll(() => lives(core)).toBe(false);
});

test('closing the window ends the program and its core', async ({ program }) => {
  await expect(program.page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
  const core = coreOf(program);
  const main = (program as Desktop).app.process().pid ?? 0;
  await program.page.close();
  await expect.poll(() => lives(core) || lives(main)).toBe(false);
});

test('a job goes on when the window is closed, and the program ends after it', async ({ program, folder }) => {
  const ada = person(program);
  await ada.createsAStore();
  await ada.makesAKey('Signer');
  const large = largeFile(folder);
  const out = join(folder, 'large.sig');
  await program.page.evaluate(([path, signature]) => {
    const { keywright } = globalThis as unknown as { keywright: { call(operation: string, input: unknown): Promise<never> } };
    void keywright.call('files.sign', { files: [{ path }], key: 'Signer', out: { path: signature } });
  }, [large, out]);
  await expect.poll(async () => JSON.stringify(await call(program, 'jobs.list', {}))).toContain('running');
  const core = coreOf(program);
  const main = (program as Desktop).app.process().pid ?? 0;
  await program.page.close();
  await expect.poll(() => existsSync(out), { timeout: 150_000 }).toBe(true);
  await expect.poll(() => lives(core) || lives(main)).toBe(false);
});

test('a second start brings the first window to the front and ends', async ({ program, folder }) => {
  await expect(program.page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
  const { spawnSync } = await import('node:child_process');
  const { findElectron, rootSwitches } = await import('../../scripts/runtimes.ts');
  const { ROOT } = await import('../../scripts/paths.ts');
  const second = spawnSync(findElectron(process.env) ?? '', [...rootSwitches(), '--disable-gpu', ROOT, '--data-dir', join(folder, 'data')], { timeout: 30_000 });
  expect(second.status).toBe(0);
  expect((program as Desktop).app.windows()).toHaveLength(1);
});
