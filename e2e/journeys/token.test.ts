import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { collected, dropped } from '../support/drop.ts';
import { openssl } from '../support/openssl.ts';
import { heading, person } from '../support/person.ts';
import { chooseSecret, touchPrompt, typeSecret } from '../support/prompts.ts';
import type { Program } from '../support/program.ts';
import { text } from '../support/texts.ts';
import { expect, test, type YubiKeyInHand } from '../support/yubikey.ts';

const [PIN, PUK] = ['481516', '23421337'];
const KEY = 'Release signing';

test('a YubiKey is plugged in, set up, and signs files with one PIN and a touch each', async ({ program, yubikey, folder }) => {
  const { page } = program;
  const ada = person(program);
  const dialog = page.getByRole('dialog', { name: text('tokens.setUp.title', { name: yubikey.name }) });
  const next = () => dialog.getByRole('button', { name: text('tokens.setUp.next'), exact: true }).click();

  await test.step('it appears as it is plugged in', async () => {
    await ada.createsAStore();
    await ada.goesTo('tokens');
    await expect(page.getByText(text('tokens.none'))).toBeVisible();
    await yubikey.plugIn();
    await expect(page.getByRole('radio', { name: yubikey.name })).toBeVisible();
    await expect(page.getByRole('row', { name: /^9c/ })).toContainText(text('tokens.slotState.empty'));
  });

  await test.step('its PIN, PUK and management key are changed from what it was delivered with', async () => {
    await page.getByRole('button', { name: text('tokens.setUp.open'), exact: true }).click();
    await dialog.getByRole('button', { name: text('tokens.changeWhat', { what: text('tokens.secret.pin') }), exact: true }).click();
    await typeSecret(program, 'Change the PIN', 'pin', '123456');
    await chooseSecret(program, 'Choose a new PIN', 'new-pin', PIN);
    // The other two go together: the management key becomes one behind the PIN.
    await dialog.getByRole('button', { name: text('tokens.setUp.changeAll', { n: 2 }), exact: true }).click();
    await typeSecret(program, 'Change the PUK', 'puk', '12345678');
    await chooseSecret(program, 'Choose a new PUK', 'new-puk', PUK);
    await expect(dialog.getByText(text('tokens.setUp.secretsFine'))).toBeVisible();
    // And once more by itself, where one can choose.
    await dialog.getByRole('button', { name: text('tokens.changeWhat', { what: text('tokens.secret.management-key') }), exact: true }).click();
    await page.getByRole('button', { name: text('tokens.managementKey.action'), exact: true }).click();
    await typeSecret(program, text('ask.token.changeManagementKey'), 'pin', PIN);
    await expect(page.getByRole('dialog', { name: text('tokens.action.set-management-key') })).toBeHidden();
    await next();
  });

  await test.step('a key is made in slot 9c that wants a touch for each signature', async () => {
    await dialog.getByLabel(text('keys.name'), { exact: true }).fill(KEY);
    await expect(dialog.getByRole('button', { name: /9c/ })).toBeVisible();
    await dialog.getByRole('radio', { name: text('keys.touchPolicyName.always') }).check({ force: true });
    await dialog.getByRole('button', { name: text('keys.new.action'), exact: true }).click();
    await expect(dialog.getByText(text('tokens.setUp.keyMade', { name: KEY }))).toBeVisible();
    await next();
  });

  await test.step('it signs a certificate of itself, which is put beside it', async () => {
    await dialog.getByRole('button', { name: text('tokens.makeCertificateAction.self-signed'), exact: true }).click();
    await touched(program, yubikey, 'Touch the YubiKey to make a self-signed certificate');
    await expect(dialog.getByText(text('tokens.try.what'))).toBeVisible();
  });

  await test.step('it is tried', async () => {
    await dialog.getByRole('button', { name: text('tokens.try.action'), exact: true }).click();
    await touched(program, yubikey, `Touch the YubiKey to sign with “${KEY}”`);
    await expect(dialog.getByText(text('tokens.try.works'))).toBeVisible();
    await dialog.getByRole('button', { name: text('tokens.signFiles'), exact: true }).click();
    await expect(heading(page, 'files.title')).toBeVisible();
  });

  const names = ['report.txt', 'minutes.txt', 'budget.txt'];
  const paths = names.map((name) => join(folder, name));
  for (const path of paths) writeFileSync(path, `${basename(path)}\n`);

  await test.step('taken out and put in again, it wants its PIN again', async () => {
    await yubikey.pull();
    await expect(page.getByText(text('keys.notPresentTitle', { token: yubikey.name }))).toBeVisible();
    await yubikey.plugIn();
    await expect(page.getByText(text('files.touch.always', { n: 1 }), { exact: false })).toBeVisible();
  });

  await test.step('three files are signed: one PIN, a touch each, all counted', async () => {
    await dropped(program, paths);
    const signed = collected(program, paths);
    await page.getByRole('button', { name: text('files.signAction', { n: 3 }), exact: true }).click();
    await typeSecret(program, `Sign 3 files with “${KEY}”`, 'pin', PIN);
    for (const [index, name] of names.entries()) await touched(program, yubikey, `Touch the YubiKey to sign ${name} (${index + 1} of 3)`);
    await expect(page.getByText(text('files.signedTitle', { n: 3 }), { exact: true })).toBeVisible();
    await signed();
  });

  await test.step('openssl verifies them with the key of the certificate in the slot', async () => {
    await ada.goesTo('tokens');
    await page.getByRole('row', { name: /^9c/ }).click();
    await page.getByRole('button', { name: text('tokens.showPem'), exact: true }).click();
    const pem = await page.locator(`pre[aria-label="${text('tokens.certificate')}"]`).innerText();
    const publicKey = join(folder, 'public.pem');
    writeFileSync(publicKey, openssl(['x509', '-pubkey', '-noout'], pem));
    expect(openssl(['x509', '-subject', '-noout'], pem)).toContain(KEY);
    for (const path of paths) expect(openssl(['dgst', '-sha256', '-verify', publicKey, '-signature', `${path}.sig`, path])).toContain('Verified OK');
  });

  await test.step('pulled out, its key stays listed as not present, and what it signed still verifies', async () => {
    await yubikey.pull();
    await expect(page.getByText(text('tokens.putBack', { name: yubikey.name, n: 1 }))).toBeVisible();
    await ada.goesTo('keys');
    await expect(page.getByRole('row', { name: new RegExp(KEY) })).toContainText(text('keys.notPresent'));
  });

  const { repeats, unentered } = yubikey.card.ledger;
  expect({ repeats, unentered }, 'PINs that were sent and should not have been').toEqual({ repeats: 0, unentered: 0 });
});

/** Touches the YubiKey once it waits, and the prompt says so. */
async function touched(program: Program, { card }: YubiKeyInHand, title: string | RegExp): Promise<void> {
  await card.touch.whenWaiting();
  await touchPrompt(program, title);
  card.touch.touch();
}
