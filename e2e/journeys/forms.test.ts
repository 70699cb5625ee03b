import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { picturesOf } from '../support/axe.ts';
import { expect, test } from '../support/fixture.ts';
import { person } from '../support/person.ts';
import { text } from '../support/texts.ts';
import { test as withYubiKey } from '../support/yubikey.ts';

test('files are signed, verified and encrypted by Enter, and what Enter does is said', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);
  const report = join(folder, 'report.txt');
  writeFileSync(report, 'All is well.\n');
  await ada.createsAStore();
  await ada.makesAKey('Release');
  await ada.goesTo('files');
  const mode = (name: string): Promise<void> => page.getByText(text(`files.mode.${name}`), { exact: true }).first().click();
  const choose = (path: string): Promise<void> => program.choosing([path], () => page.getByRole('button', { name: text('files.choose'), exact: true }).first().click());

  await test.step('Enter in a field signs', async () => {
    await page.keyboard.press('Control+Enter'); // there is nothing to sign yet
    await expect(page.getByRole('button', { name: text('files.signAction', { n: 0 }), exact: true })).toBeDisabled();
    await choose(report);
    await picturesOf(program, page, 'files-enter');
    const key = page.getByRole('combobox', { name: text('files.key') });
    await key.focus();
    await expect(page.getByRole('listbox')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('listbox')).toBeHidden();
    await program.saving(`${report}.sig`, () => key.press('Enter'));
    await expect(page.getByText(text('files.signedTitle', { n: 1 }), { exact: true })).toBeVisible();
    expect(existsSync(`${report}.sig`)).toBe(true);
  });

  await test.step('Ctrl and Enter do so from wherever the keyboard is', async () => {
    await mode('verify');
    await choose(report);
    await program.choosing([`${report}.sig`], () => page.getByRole('button', { name: text('files.chooseOne'), exact: true }).first().click());
    await page.keyboard.press('Control+Enter');
    await expect(page.getByText(text('files.intact'), { exact: true })).toBeVisible();
  });

  await test.step('Enter in the field of a recipient adds it, and encrypts nothing', async () => {
    await mode('encrypt');
    const recipient = page.getByLabel(text('files.recipientText'), { exact: true });
    await recipient.fill('age1example');
    await recipient.press('Enter');
    await expect(recipient).toHaveValue('');
    await expect(page.getByRole('list', { name: text('files.recipients') }).getByText('age1example')).toBeVisible();
    await expect(page.getByRole('alert')).toBeHidden();
  });
});

test('a message that was typed is there again after Esc; what was to be encrypted is not', async ({ program }) => {
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  await ada.makesAKey('Release');
  await ada.makesAKey('Vault', 'AES 256');
  for (const [name, use, field, kept] of [['Release', 'sign', 'message', 'Pay 10'], ['Vault', 'encrypt', 'plaintext', '']] as const) {
    const detail = await ada.opensKey(name);
    const open = (): Promise<void> => detail.getByRole('button', { name: text(`keys.useButton.${use}`), exact: true }).click();
    const typed = page.getByRole('dialog').getByLabel(text(`keys.use.${field}`), { exact: true });
    await open();
    await typed.fill('Pay 10');
    await page.keyboard.press('Escape');
    await expect(typed).toBeHidden();
    await open();
    await expect(typed).toHaveValue(kept);
    await page.keyboard.press('Escape');
  }
});

withYubiKey('what was typed into a dialog of a token is there again after Esc, and gone once it is done', async ({ program, yubikey }) => {
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  await yubikey.plugIn();
  await ada.goesTo('tokens');
  const detail = page.getByRole('region', { name: text('tokens.detail'), exact: true });
  await expect(page.getByRole('radio', { name: yubikey.name })).toBeVisible();
  const dialog = page.getByRole('dialog');
  const typed = dialog.getByLabel(text('keys.name'), { exact: true });
  const open = async (): Promise<void> => {
    await detail.getByRole('button', { name: text('common.more'), exact: true }).click();
    await page.getByRole('menuitem', { name: text('tokens.action.rename') }).click();
  };
  await open();
  await typed.fill('Office key');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await open();
  await expect(typed).toHaveValue('Office key');
  await typed.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('heading', { name: 'Office key', exact: true })).toBeVisible();
  await open();
  await typed.fill('Another');
  await page.keyboard.press('Escape');
});
