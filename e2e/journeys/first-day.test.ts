import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '../support/fixture.ts';
import { openssl } from '../support/openssl.ts';
import { person } from '../support/person.ts';
import { chooseSecret } from '../support/prompts.ts';
import { text } from '../support/texts.ts';

const EXPORT_PASSPHRASE = 'paper boats on a lake 31';
const SECRET_TEXT = 'The meeting is at noon.';

test('from the first run to a signed file, an exported key, a rotation and an undo', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);

  await test.step('the first run makes a store, and its recovery code is confirmed', async () => {
    await expect(page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
    const code = await ada.createsAStore();
    expect(code.split('-').length).toBeGreaterThan(3);
    // Who came by the keyboard goes on with it.
    await expect(page.getByRole('grid', { name: text('keys.title') })).toBeFocused();
  });

  const report = join(folder, 'report.txt');
  const signature = join(folder, 'report.txt.sig');
  const publicKey = join(folder, 'public.pem');
  writeFileSync(report, 'All is well.\n');

  await test.step('a new key, and its public key as PEM', async () => {
    await ada.makesAKey('Release signing');
    const pem = ada.detail('Release signing').locator(`pre[aria-label="${text('keys.publicKey')}"]`);
    await expect(pem).toContainText('BEGIN PUBLIC KEY');
    writeFileSync(publicKey, await pem.innerText());
  });

  await test.step('a file is signed, and openssl verifies it', async () => {
    await ada.goesTo('files');
    await program.choosing([report], () => page.getByRole('button', { name: text('files.choose'), exact: true }).click());
    await expect(page.getByRole('listitem').filter({ hasText: 'report.txt' })).toBeVisible();
    await program.saving(signature, () => page.getByRole('button', { name: text('files.signAction', { n: 1 }), exact: true }).click());
    await expect(page.getByText(text('files.signedTitle', { n: 1 }), { exact: true })).toBeVisible();
    expect(openssl(['dgst', '-sha256', '-verify', publicKey, '-signature', signature, report])).toContain('Verified OK');
  });

  await test.step('the key is exported with a passphrase, and openssl opens it', async () => {
    await ada.goesTo('keys');
    const detail = await ada.opensKey('Release signing');
    await detail.getByRole('button', { name: text('keys.export.open'), exact: true }).click();
    const dialog = page.getByRole('dialog', { name: text('keys.export.title', { name: 'Release signing' }) });
    const exported = join(folder, 'release.pem');
    await program.saving(exported, async () => {
      await dialog.getByRole('button', { name: text('keys.export.action'), exact: true }).click();
      await chooseSecret(program, text('ask.exportPassphrase', { name: 'Release signing' }), 'export-passphrase', EXPORT_PASSPHRASE);
    });
    expect(openssl(['pkey', '-in', exported, '-passin', 'stdin', '-pubout'], `${EXPORT_PASSPHRASE}\n`)).toBe(readFileSync(publicKey, 'utf8').trimEnd() + '\n');
  });

  let ciphertext = '';
  await test.step('a message is encrypted with an AES key', async () => {
    await ada.makesAKey('Vault', 'AES 256');
    await ada.detail('Vault').getByRole('button', { name: text('keys.useButton.encrypt'), exact: true }).click();
    const dialog = page.getByRole('dialog', { name: text('keys.use.title', { name: 'Vault' }) });
    await dialog.getByLabel(text('keys.use.plaintext'), { exact: true }).fill(SECRET_TEXT);
    await dialog.getByRole('button', { name: text('keys.use.encrypt'), exact: true }).click();
    ciphertext = await dialog.getByRole('region', { name: text('keys.use.ciphertext') }).locator('pre').innerText();
    await dialog.getByRole('button', { name: text('common.close'), exact: true }).last().click();
    await expect(dialog).toBeHidden();
  });

  await test.step('locked, nothing of the keys is left; a wrong passphrase is told; unlocked, they are back', async () => {
    await ada.locks();
    await expect(page.getByText('Release signing')).toHaveCount(0);
    await ada.unlocks('not the passphrase');
    await expect(page.getByRole('alert')).toContainText(text('errors.PIN_INCORRECT'));
    await ada.unlocks();
    await expect(page.getByRole('row', { name: /Vault/ })).toBeVisible();
  });

  await test.step('after a rotation the old ciphertext decrypts', async () => {
    const detail = await ada.opensKey('Vault');
    await ada.picks(detail, text('keys.rotate'));
    await expect(page.getByText(text('keys.rotated', { name: 'Vault', version: 2 }))).toBeVisible();
    await ada.picks(detail, text('keys.useButton.decrypt'));
    const dialog = page.getByRole('dialog', { name: text('keys.use.title', { name: 'Vault' }) });
    await dialog.getByLabel(text('keys.use.ciphertextIn'), { exact: true }).fill(ciphertext);
    await dialog.getByRole('button', { name: text('keys.use.decrypt'), exact: true }).click();
    await expect(dialog.getByRole('region', { name: text('keys.use.plaintext') })).toContainText(SECRET_TEXT);
    await expect(dialog.getByText(text('keys.use.decryptedBy', { version: 1 }))).toBeVisible();
    await dialog.getByRole('button', { name: text('common.close'), exact: true }).last().click();
  });

  await test.step('a key goes to the trash, and undo brings it back', async () => {
    const detail = await ada.opensKey('Release signing');
    await ada.picks(detail, text('keys.trash'));
    await expect(page.getByText(text('keys.trashed', { name: 'Release signing', until: '\u0000' }).split('\u0000')[0]!)).toContainText(String(new Date(Date.now() + 30 * 24 * 60 * 60 * 1000).getDate()));
    await expect(page.getByRole('row', { name: /Release signing/ })).toHaveCount(0);
    await expect(page.getByRole('grid', { name: text('keys.title') })).toBeFocused();
    // The navigation counts what the list shows, not what lies in the trash.
    const shown = (await page.getByRole('grid', { name: text('keys.title') }).getByRole('row').count()) - 1;
    expect(shown).toBeGreaterThan(0);
    await expect(page.getByRole('navigation', { name: text('shell.navigation') }).getByRole('link', { name: new RegExp(`^${text('shell.keys')}`) })).toHaveText(`${text('shell.keys')}${shown}`);
    await page.getByRole('button', { name: text('common.undo'), exact: true }).click();
    await expect(page.getByRole('row', { name: /Release signing/ })).toBeVisible();
    await expect(page.getByRole('grid', { name: text('keys.title') })).toBeFocused();
  });

  await test.step('back leads to the list, forward to the key again, and a reload stays with it', async () => {
    await ada.opensKey('Release signing');
    await ada.opensKey('Vault');
    await page.goBack();
    await expect(ada.detail('Vault')).toHaveCount(0);
    await page.goForward();
    await expect(ada.detail('Vault')).toBeVisible();
    await page.reload();
    await expect(ada.detail('Vault')).toBeVisible();
  });

  await test.step('what was typed into a form that was closed is there the next time, until the store is locked', async () => {
    const title = text('keys.edit.title', { name: 'Vault' });
    const name = page.getByRole('dialog', { name: title }).getByLabel(text('keys.name'), { exact: true });
    const edits = async () => ada.picks(ada.detail('Vault'), text('keys.edit.open'));
    await edits();
    await name.fill('Vault of the office');
    await page.keyboard.press('Escape');
    await edits();
    await expect(name).toHaveValue('Vault of the office');
    await page.keyboard.press('Escape');
    await ada.locks();
    await ada.unlocks();
    await edits();
    await expect(name).toHaveValue('Vault');
    await page.keyboard.press('Escape');
  });

  await test.step('the keyboard’s menu of a row is the menu of the detail, and the list says how many are selected', async () => {
    const entries = async () => (await page.getByRole('menu').getByRole('menuitem').allTextContents()).join('\n');
    await ada.detail('Vault').getByRole('button', { name: text('common.more'), exact: true }).click();
    const inDetail = await entries();
    await page.keyboard.press('Escape');
    const list = page.getByRole('grid', { name: text('keys.title') });
    await list.focus();
    await page.keyboard.type('Vault');
    await page.keyboard.press('ContextMenu');
    await expect(page.getByRole('menu')).toBeVisible();
    expect(await entries()).toBe(inDetail);
    await page.getByRole('menuitem', { name: text('common.copyAsCommand') }).press('ArrowRight');
    await expect(page.getByRole('menuitem', { name: text('keys.rotate'), exact: true }).last()).toBeFocused();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await expect(list).toBeFocused();
    await page.keyboard.press('Control+a');
    await expect(page.getByText(text('common.selected', { n: 2, shown: '2' }), { exact: true })).toBeVisible();
  });
});
