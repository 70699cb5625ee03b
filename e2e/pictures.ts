import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from '@playwright/test';
import { ROOT } from '../scripts/paths.ts';
import { person, PASSPHRASE } from './support/person.ts';
import { chooseSecret, keepRecoveryCode, typeSecret } from './support/prompts.ts';
import type { Program } from './support/program.ts';
import { text } from './support/texts.ts';
import { expect, test } from './support/yubikey.ts';

/** Nine days from now: what ends soon has a mark of its own in the list. */
const soon = new Date(Date.now() + 9 * 86_400_000).toISOString().slice(0, 10);
const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
const PIN = '481516';

/** What stands in the list beside the YubiKey's key. */
const KEYS = [
  ['ec-p384', 'api-signer', '--not-after', soon], ['aes-256', 'Backup encryption'], ['x25519', 'Mail'], ['ml-dsa-65', 'Post-quantum trial'],
  ['ec-p256', 'Release signing', '--tag', 'release'], ['rsa-4096', 'Root CA'], ['ed25519', 'ssh laptop'],
] as const;

/** Pictures in the folder of the README's. Two with a theme in their names where the README has both. */
async function picture(page: Page, name: string, themes: readonly string[]): Promise<void> {
  const messages = page.getByRole('region', { name: text('common.messages') }).getByRole('button', { name: text('common.dismiss') });
  while (await messages.count() > 0) await messages.first().click();
  await page.mouse.move(640, 799);
  for (const theme of themes) {
    await page.evaluate((chosen) => { document.documentElement.dataset['theme'] = chosen; }, theme);
    // What fades from one theme to the other.
    await page.waitForTimeout(400);
    await page.screenshot({ path: join(ROOT, 'docs', 'images', `${name}${themes.length > 1 ? `-${theme}` : ''}.png`) });
  }
  await page.evaluate(() => { document.documentElement.dataset['theme'] = 'light'; });
}

const BOTH = ['light', 'dark'];

test('pictures of the README', async ({ program, yubikey, folder }) => {
  const { page } = program;
  const ada = person(program);
  const keywright = (...args: string[]) => promisify(execFile)(join(ROOT, 'bin', 'keywright'), ['--data-dir', join(folder, 'data'), ...args]);

  await page.getByRole('button', { name: text('store.create'), exact: true }).click();
  await chooseSecret(program, text('ask.storePassphrase'), 'new-store-passphrase', PASSPHRASE);
  const code = await program.prompt();
  await expect(code.getByRole('form', { name: text('ask.keepRecoveryCode') })).toBeVisible();
  await picture(code, 'recovery-code', ['light']);
  await keepRecoveryCode(program);

  for (const [algorithm, label, ...more] of KEYS) await keywright('keys', 'generate', '--backend', 'software', '--algorithm', algorithm, '--label', label, ...more);
  await keywright('certificates', 'self-sign', 'Root CA', '--profile', 'root', '--subject', 'CN=Example Root CA,O=Example,C=DE', '--not-before', ago(400));
  await keywright('certificates', 'issue', '--issuer', 'Example Root CA', '--key', 'Release signing', '--profile', 'code-signing', '--subject', 'CN=Ada Example,O=Example');
  await keywright('certificates', 'issue', '--issuer', 'Example Root CA', '--key', 'api-signer', '--profile', 'tls-server', '--san', 'dns:api.example.org', '--subject', 'CN=api.example.org', '--not-before', ago(70), '--not-after', ago(-20));

  await yubikey.plugIn();
  await ada.goesTo('tokens');
  await setUp(program, yubikey.name);
  await page.getByRole('row', { name: /^9c/ }).click();
  await expect(page.getByText(text('tokens.noCertificate')).first()).toBeVisible();
  await picture(page, 'tokens', BOTH);

  await ada.goesTo('keys');
  await page.getByRole('button', { name: text('keys.new.open'), exact: true }).first().click();
  await expect(page.getByRole('dialog', { name: text('keys.new.title') })).toBeVisible();
  await page.getByRole('dialog').getByLabel(text('keys.name'), { exact: true }).fill('Invoices');
  await picture(page, 'new-key', ['light']);
  await page.keyboard.press('Escape');
  await ada.opensKey('Release signing');
  await picture(page, 'keys', BOTH);

  const report = join(folder, 'report.txt');
  writeFileSync(report, 'All is well.\n');
  await keywright('files', 'sign', report, '--key', 'Release signing', '--format', 'cms', '--out', `${report}.p7s`);
  await ada.goesTo('files');
  await verifies(program, report);
  await picture(page, 'verdict', BOTH);

  await ada.goesTo('certificates');
  await page.getByRole('row', { name: /api\.example\.org/ }).click();
  await picture(page, 'certificates', BOTH);

  await ada.goesTo('health');
  await page.getByRole('row', { name: /api\.example\.org/ }).click();
  await expect(page.getByText(text('health.looking'))).toBeHidden();
  await picture(page, 'health', ['light']);
});

/** Changes what the token was delivered with, and makes a key. */
async function setUp(program: Program, name: string): Promise<void> {
  const { page } = program;
  const dialog = page.getByRole('dialog', { name: text('tokens.setUp.title', { name }) });
  await page.getByRole('button', { name: text('tokens.setUp.open'), exact: true }).click();
  await dialog.getByRole('button', { name: text('tokens.changeWhat', { what: text('tokens.secret.pin') }), exact: true }).click();
  await typeSecret(program, 'Change the PIN', 'pin', '123456');
  await chooseSecret(program, 'Choose a new PIN', 'new-pin', PIN);
  await dialog.getByRole('button', { name: text('tokens.changeWhat', { what: text('tokens.secret.puk') }), exact: true }).click();
  await typeSecret(program, 'Change the PUK', 'puk', '12345678');
  await chooseSecret(program, 'Choose a new PUK', 'new-puk', '23421337');
  await dialog.getByRole('button', { name: text('tokens.changeWhat', { what: text('tokens.secret.management-key') }), exact: true }).click();
  await page.getByRole('button', { name: text('tokens.managementKey.action'), exact: true }).click();
  await dialog.getByRole('button', { name: text('tokens.setUp.next'), exact: true }).click();
  await dialog.getByLabel(text('keys.name'), { exact: true }).fill('Contracts');
  await dialog.getByRole('button', { name: text('keys.new.action'), exact: true }).click();
  await typeSecret(program, 'Make a key in slot 9c', 'pin', PIN);
  await expect(dialog.getByText(text('tokens.setUp.keyMade', { name: 'Contracts' }))).toBeVisible();
  await page.keyboard.press('Escape');
}

/** What somebody signed as CMS, and what is said of it. */
async function verifies(program: Program, file: string): Promise<void> {
  const { page } = program;
  await page.getByRole('radio', { name: text('files.mode.verify'), exact: true }).check({ force: true });
  const choose = (what: 'choose' | 'chooseOne') => page.getByRole('button', { name: text(`files.${what}`), exact: true }).first().click();
  await program.choosing([file], () => choose('choose'));
  await program.choosing([`${file}.p7s`], () => choose('chooseOne'));
  await page.getByRole('button', { name: text('files.verifyAction'), exact: true }).click();
  await expect(page.getByText(text('files.intact'), { exact: true })).toBeVisible();
}
