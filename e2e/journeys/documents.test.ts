import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { buildPdf } from '../../app/signing/pdf/testing/documents.ts';
import type { Locator, Page } from '@playwright/test';
import { expect, test } from '../support/fixture.ts';
import { collected } from '../support/drop.ts';
import type { startElectron } from '../support/electron.ts';
import { chooses, person } from '../support/person.ts';
import { text } from '../support/texts.ts';

test('a PDF is told by its content, signed twice to be seen, verified, and found out once it was changed', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);
  const picture = (name: string): Promise<Buffer> => page.screenshot({ path: `e2e/screenshots/${program.kind}-documents-${name}.png` });
  const choose = (path: string, button: 'files.choose' | 'files.chooseOne'): Promise<void> => program.choosing([path], () => page.getByRole('button', { name: text(button), exact: true }).first().click());
  const verdictOf = async (path: string): Promise<void> => {
    await choose(path, 'files.choose');
    await page.getByRole('button', { name: text('files.verifyAction'), exact: true }).click();
  };
  await ada.createsAStore();
  await ada.makesAKey('Contracts');
  await ada.makesAKey('Sealing', 'X25519');
  await ada.goesTo('certificates');
  await page.getByRole('button', { name: text('certificates.make.open'), exact: true }).first().click();
  const dialog = page.getByRole('dialog', { name: text('certificates.make.title') });
  await dialog.getByRole('radio', { name: text('certificates.way.self-signed') }).check({ force: true });
  await chooses(page, dialog.getByRole('combobox', { name: text('certificates.make.key') }), 'Contracts');
  await dialog.getByRole('button', { name: new RegExp(`${text('certificates.make.profile')}$`) }).click();
  await page.getByRole('option', { name: text('certificates.profile.email') }).click();
  await dialog.getByLabel(text('certificates.make.name'), { exact: true }).fill('Ada Example');
  await dialog.getByLabel(text('certificates.names'), { exact: true }).fill('ada@example.com');
  await dialog.getByRole('button', { name: text('certificates.wayAction.self-signed'), exact: true }).click();
  await expect(dialog).toBeHidden();

  // Its name says nothing.
  const contract = join(folder, 'contract');
  const signed = join(folder, 'signed.pdf');
  const both = join(folder, 'both.pdf');
  writeFileSync(contract, buildPdf());
  await ada.goesTo('files');
  await test.step('it is offered as PDF, with a reason, on the page', async () => {
    await choose(contract, 'files.choose');
    await expect(page.getByRole('button', { name: new RegExp(text('files.formatName.pdf').replaceAll(/[()]/g, '\\$&')) })).toBeVisible();
    await page.getByLabel(text('files.pdf.reason'), { exact: true }).fill('I agree');
    await page.getByLabel(text('files.pdf.location'), { exact: true }).fill('Köln');
    await page.getByRole('button', { name: new RegExp(`${text('files.seen')}$`) }).click();
    await page.getByRole('option', { name: text('files.seenName.bottom-left') }).click();
    const box = page.getByRole('button', { name: new RegExp(`^${text('files.placeBox')}`) });
    const where = (x: number, y: number, width: number, height: number): string => text('files.placeWhere', { page: 1, x, y, width, height });
    await expect(page.getByText(where(13, 268, 63, 16), { exact: true })).toBeVisible();
    // By the keyboard: to the right and up, and larger; then dragged.
    for (const key of ['ArrowRight', 'ArrowUp', 'Shift+ArrowRight', 'Shift+ArrowDown']) await box.press(key);
    await expect(page.getByText(where(15, 266, 66, 18), { exact: true })).toBeVisible();
    const { x, y } = (await box.boundingBox())!;
    await page.mouse.move(x + 10, y + 5);
    await page.mouse.down();
    await page.mouse.move(x + 60, y - 95, { steps: 3 });
    await page.mouse.up();
    await expect(page.getByText(where(15, 266, 66, 18), { exact: true })).toHaveCount(0);
    const place = await page.getByLabel(text('files.rectangle'), { exact: true }).inputValue();
    await looks(page, program.kind, 'sign');
    await program.saving(signed, () => page.getByRole('button', { name: text('files.signAction', { n: 1 }), exact: true }).click());
    await expect(page.getByText(text('files.signedTitle', { n: 1 }), { exact: true })).toBeVisible();
    expect(readFileSync(signed, 'latin1')).toContain(`/Rect [${place.replaceAll(',', ' ')}]`);
    expect(readFileSync(signed).subarray(0, readFileSync(contract).length).equals(readFileSync(contract))).toBe(true);
  });
  await test.step('signed again, both signatures hold', async () => {
    await choose(signed, 'files.choose');
    await program.saving(both, () => page.getByRole('button', { name: text('files.signAction', { n: 1 }), exact: true }).click());
    await expect(page.getByText(text('files.signedTitle', { n: 1 }), { exact: true })).toBeVisible();
    if (spawnSync('pdfsig', ['-v']).status !== null) expect(spawnSync('pdfsig', ['-nocert', both], { encoding: 'utf8' }).stdout.match(/Signature is Valid/g)).toHaveLength(2);
    await page.getByRole('radio', { name: text('files.mode.verify'), exact: true }).check({ force: true });
    await verdictOf(both);
    await expect(page.getByText(text('files.intact'), { exact: true })).toBeVisible();
    await expect(page.getByText(text('files.coversVersion', { n: 2, of: 3 }), { exact: true })).toBeVisible();
    await expect(page.getByText(text('files.change.signature'), { exact: true })).toBeVisible();
    await picture('verdict');
    const found = await new AxeBuilder({ page }).exclude('[data-live-announcer]').setLegacyMode(true).analyze();
    expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join('; ')}`)).toEqual([]);
  });
  await test.step('changed, it is found out', async () => {
    const changed = join(folder, 'changed.pdf');
    writeFileSync(changed, Buffer.from(readFileSync(both).toString('latin1').replace('100 euros', '900 euros'), 'latin1'));
    await page.getByRole('button', { name: text('files.clear'), exact: true }).click();
    await verdictOf(changed);
    await expect(page.getByText(text('files.notIntact'), { exact: true })).toBeVisible();
    await picture('changed');
  });
  await test.step('two files go into one container, and the verdict says what it signs', async () => {
    const papers = join(folder, 'papers.asice');
    const [first, second] = ['first.txt', 'second.txt'].map((name) => join(folder, name)) as [string, string];
    for (const path of [first, second]) writeFileSync(path, path);
    await page.getByRole('button', { name: text('files.clear'), exact: true }).click();
    await page.getByRole('radio', { name: text('files.mode.sign'), exact: true }).check({ force: true });
    await program.choosing([first, second], () => page.getByRole('button', { name: text('files.choose'), exact: true }).first().click());
    await page.getByRole('button', { name: new RegExp(`${text('files.format')}$`) }).click();
    await page.getByRole('option', { name: text('files.formatName.asic') }).click();
    await expect(page.getByRole('checkbox', { name: text('files.together') })).toBeChecked();
    await picture('container');
    await program.saving(papers, () => page.getByRole('button', { name: text('files.signAction', { n: 2 }), exact: true }).click());
    await expect(page.getByText(text('files.signedTitle', { n: 2 }), { exact: true })).toBeVisible();
    await page.getByRole('radio', { name: text('files.mode.verify'), exact: true }).check({ force: true });
    await verdictOf(papers);
    await expect(page.getByText(text('files.intact'), { exact: true })).toBeVisible();
    await expect(page.getByText('It signs all that the container holds: “first.txt”, “second.txt”.', { exact: true })).toBeVisible();
    await picture('container-verdict');
  });
  await test.step('a key that cannot is dimmed with the reason; CMS holds its file', async () => {
    const holding = join(folder, 'first.p7m');
    await page.getByRole('button', { name: text('files.clear'), exact: true }).click();
    await page.getByRole('radio', { name: text('files.mode.sign'), exact: true }).check({ force: true });
    await choose(join(folder, 'first.txt'), 'files.choose');
    const keys = page.getByRole('combobox', { name: text('files.key'), exact: true });
    await expect(keys).toHaveValue('Contracts');
    await keys.fill('');
    const sealing = page.getByRole('option', { name: /^Sealing/ });
    await expect(sealing).toBeDisabled();
    await expect(sealing).toContainText('agrees on secrets, and does not sign');
    await picture('keys');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: new RegExp(`${text('files.format')}$`) }).click();
    await page.getByRole('option', { name: text('files.formatName.cms').slice(0, 3) }).click();
    await page.getByRole('radio', { name: text('files.holder.within.file') }).check({ force: true });
    await picture('holder');
    await program.saving(holding, () => page.getByRole('button', { name: text('files.signAction', { n: 1 }), exact: true }).click());
    await page.getByRole('radio', { name: text('files.mode.verify'), exact: true }).check({ force: true });
    await verdictOf(holding);
    await expect(page.getByText(text('files.intact'), { exact: true })).toBeVisible();
    if (spawnSync('openssl', ['version']).status !== null) expect(spawnSync('openssl', ['cms', '-verify', '-inform', 'DER', '-in', holding, '-noverify'], { encoding: 'utf8' }).stdout).toBe(join(folder, 'first.txt'));
  });
  await test.step('a token is made of claims that are typed, and says them', async () => {
    await page.getByRole('button', { name: text('files.clear'), exact: true }).click();
    await page.getByRole('radio', { name: text('files.mode.sign'), exact: true }).check({ force: true });
    await page.getByRole('button', { name: new RegExp(`${text('files.format')}$`) }).click();
    await page.getByRole('option', { name: text('files.formatName.jwt'), exact: true }).click();
    const claim = (name: string): Locator => page.getByLabel(text(`files.jwt.${name}`), { exact: true });
    await claim('subject').fill('ada');
    await claim('audience').fill('one, two');
    await claim('claims').fill('{"role":');
    const make = page.getByRole('button', { name: text('files.jwt.action'), exact: true });
    await expect(make).toBeDisabled();
    await claim('claims').fill('{"role":"reader"}');
    await make.click();
    const made = page.locator('pre');
    await expect(made).toBeVisible();
    await looks(page, program.kind, 'jwt');
    const [head, payload] = (await made.innerText()).split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>);
    expect(head).toMatchObject({ alg: 'ES256', typ: 'JWT' });
    expect(payload).toMatchObject({ sub: 'ada', aud: ['one', 'two'], role: 'reader', exp: (payload?.['iat'] as number) + 3600 });
  });
  await test.step('a folder is verified at once: how many are valid, each with its verdict, and a report of it', async () => {
    const many = join(folder, 'many');
    mkdirSync(many);
    const [one, two, three] = ['one.txt', 'two.txt', 'three.txt'].map((name) => join(many, name)) as [string, string, string];
    for (const path of [one, two, three, join(many, 'four.txt')]) writeFileSync(path, path);
    await program.choosing([one, two, three], () => page.getByRole('button', { name: text('files.choose'), exact: true }).first().click());
    await page.getByRole('button', { name: new RegExp(`${text('files.format')}$`) }).click();
    await page.getByRole('option', { name: text('files.formatName.raw') }).click();
    const all = collected(program, [one, two, three]);
    await page.getByRole('button', { name: text('files.signAction', { n: 3 }), exact: true }).click();
    await expect(page.getByText(text('files.signedTitle', { n: 3 }), { exact: true })).toBeVisible();
    await all();
    await picture('signed');
    writeFileSync(three, 'something else');
    await page.getByRole('radio', { name: text('files.mode.verify'), exact: true }).check({ force: true });
    await program.choosing([many], () => page.getByRole('button', { name: text('files.chooseFolder'), exact: true }).click());
    await page.getByRole('button', { name: program.kind === 'browser' ? text('files.verifyActionMany', { n: 7 }) : text('files.verifyActionFolder'), exact: true }).click();
    await expect(page.getByText(text('files.verifiedTitle', { valid: 2, rest: 1, unsigned: 1 }), { exact: true })).toBeVisible();
    await picture('many');
    await page.getByRole('radio', { name: text('files.kindCount.invalid', { n: 1 }), exact: true }).check({ force: true });
    await expect(page.getByRole('row', { name: /\.txt/ })).toHaveCount(1);
    await page.getByRole('row', { name: /three\.txt/ }).click();
    await expect(page.getByText(text('files.notIntact'), { exact: true })).toBeVisible();
    await looks(page, program.kind, 'many-one');
    const report = join(folder, 'report.json');
    await program.saving(report, async () => {
      await page.getByRole('button', { name: text('files.saveReport'), exact: true }).click();
      await page.getByRole('menuitem', { name: text('files.reportJson') }).click();
    });
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ operation: 'files.verify', counts: { valid: 2, invalid: 1, unsigned: 1 } });
    if (program.kind === 'browser') return;
    const { app } = program as Awaited<ReturnType<typeof startElectron>>;
    const shown = await app.evaluateHandle(({ shell }) => {
      const paths: string[] = [];
      shell.showItemInFolder = (path) => void paths.push(path);
      return paths;
    });
    await page.getByRole('row', { name: /three\.txt/ }).getByRole('button', { name: text('common.more'), exact: true }).click();
    await page.getByRole('menuitem', { name: text('files.showInFolder') }).click();
    await expect.poll(() => shown.jsonValue()).toEqual([three]);
  });
});

const SIZES = { large: { width: 1280, height: 800 }, small: { width: 800, height: 600 } } as const;

/** Pictures in both sizes, light and dark; and whether each can be read. */
async function looks(page: Page, kind: string, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      await page.screenshot({ path: `e2e/screenshots/${kind}-documents-${name}-${colorScheme}-${size}.png` });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(SIZES.large);
  const found = await new AxeBuilder({ page }).exclude('[data-live-announcer]').setLegacyMode(true).analyze();
  expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join('; ')}`)).toEqual([]);
}
