import { execFile } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../scripts/paths.ts';
import { isAccessible, picturesOf } from '../support/axe.ts';
import { expect, test } from '../support/fixture.ts';
import { person } from '../support/person.ts';
import { chooseSecret, typeSecret } from '../support/prompts.ts';
import { text } from '../support/texts.ts';
import { test as withYubiKey } from '../support/yubikey.ts';

const DAY = 86_400_000;
const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString();

test('what asks for attention stands in one list and is mended where it is told: a certificate that ends, a missing backup, copies of a weak key', async ({ program, folder }) => {
  test.slow();
  const { page } = program;
  const ada = person(program);
  const keywright = (...args: string[]) => promisify(execFile)(join(ROOT, 'bin', 'keywright'), ['--data-dir', join(folder, 'data'), ...args]);
  const detail = page.getByRole('region', { name: text('health.detail'), exact: true });
  const row = (code: string, about = '') => page.getByRole('row', { name: new RegExp(`${text(`health.code.${code}`)}.*${about}`) });
  const place = page.getByRole('navigation', { name: text('shell.navigation') }).getByRole('link', { name: new RegExp(`^${text('shell.health')}`) });
  const does = (name: string, about = '') => detail.getByRole('button', { name: text(`mending.do.${name}`, { about }) });
  const confirms = (name: string) => page.getByRole('alertdialog').getByRole('button', { name: text(`mending.confirm.${name}`), exact: true }).click();

  await test.step('an empty store needs nothing, and says when that was looked at', async () => {
    await ada.createsAStore();
    await ada.goesTo('health');
    await expect(page.getByText(new RegExp(text('health.nothingLooked', { when: '' }).slice(0, 30)))).toBeVisible();
    await expect(place).toHaveText(text('shell.health'));
    await picturesOf(program, page, 'health-nothing');
    await isAccessible(page, 'health with nothing');
  });

  await test.step('a certificate that ends soon, and a store that is nowhere else, are counted without being asked for', async () => {
    await ada.goesTo('keys');
    await ada.makesAKey('Web server');
    await keywright('certificates', 'self-sign', 'Web server', '--profile', 'tls-server', '--san', 'dns:www.example.org', '--label', 'www.example.org', '--not-before', inDays(-80), '--not-after', inDays(9));
    await expect(place).toHaveText(`${text('shell.health')}2`);
    await page.keyboard.press('Control+6');
    await row('certificate.ends-soon', 'www.example.org').click();
    await expect(detail.getByText(/keywright certificates renew/)).toBeVisible();
    await picturesOf(program, page, 'health-certificate');
    await isAccessible(page, 'a finding of health');
  });

  await test.step('renewing mends the one, a backup the other; the count goes with them', async () => {
    await does('renew', 'www.example.org').click();
    await confirms('renew');
    await expect(row('certificate.ends-soon')).toBeHidden();
    await page.getByRole('grid').focus();
    await page.keyboard.press('ArrowDown');
    await does('backup', 'Keys').click();
    await isAccessible(page, 'a remedy of health');
    await program.saving(join(folder, 'keys.kwb'), () => confirms('backup'));
    await expect(row('store.no-backup')).toBeHidden();
    await expect(place).toHaveText(text('shell.health'));
  });

  await test.step('keys are checked from the list of keys; a copy goes to the trash, and its finding with it', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 });
    const file = join(folder, 'weak.pem');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    for (const name of ['Router', 'Router again']) await keywright('keys', 'import', file, '--label', name);
    await ada.goesTo('keys');
    await page.getByRole('button', { name: text('keys.check.open'), exact: true }).click();
    await expect(row('rsa-exponent')).toHaveCount(2);
    await expect(page.getByText(/CVE-2008-0166/)).toBeVisible();
    await expect(place).toHaveText(`${text('shell.health')}3`);
    await row('several-places').click();
    await picturesOf(program, page, 'health-checked');
    await does('trash', 'Router').or(does('trash', 'Router again')).click();
    await confirms('trash');
    await expect(row('several-places')).toBeHidden();
    await expect(row('rsa-exponent')).toHaveCount(1);
    await expect(page.getByText(text('health.checkedChanged'))).toBeVisible();
    const list = join(folder, 'known-weak.txt');
    writeFileSync(list, `${createHash('sha256').update(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })).digest('hex')}\n`);
    await program.choosing([list], () => page.getByRole('button', { name: text('health.checkWithList'), exact: true }).click());
    await expect(row('known-weak')).toHaveCount(1);
    await picturesOf(program, page, 'health-listed');
    await page.getByRole('button', { name: text('health.check'), exact: true }).click();
    await expect(row('known-weak')).toBeHidden();
  });

  await test.step('what is accepted is hidden, and can be shown again', async () => {
    await row('rsa-exponent').click();
    await detail.getByRole('button', { name: text('health.hide'), exact: true }).click();
    await expect(row('rsa-exponent')).toBeHidden();
    await expect(place).toHaveText(text('shell.health'));
    await page.getByRole('button', { name: text('health.showHidden', { n: 1 }), exact: true }).click();
    await row('rsa-exponent').click();
    await isAccessible(page, 'a hidden finding');
    await detail.getByRole('button', { name: text('health.unhide'), exact: true }).click();
    await expect(place).toHaveText(`${text('shell.health')}1`);
    await detail.getByRole('button', { name: text('health.open.key'), exact: true }).click();
    await expect(page.getByRole('region', { name: text('keys.detail'), exact: true }).getByRole('heading', { name: 'Router' }).first()).toBeVisible();
  });
});

withYubiKey('a token with the PIN that it was delivered with is told of once somebody looked; changing it is the remedy', async ({ program, yubikey }) => {
  const { page } = program;
  const ada = person(program);
  const detail = page.getByRole('region', { name: text('health.detail'), exact: true });
  const pin = page.getByRole('row', { name: new RegExp(text('health.code.yubikey.default-pin')) });
  await ada.createsAStore();
  await yubikey.plugIn();
  await ada.goesTo('health');
  await page.getByRole('button', { name: text('health.look'), exact: true }).click();
  await pin.click();
  await expect(detail.getByText(yubikey.name)).toBeVisible();
  await picturesOf(program, page, 'health-token');
  await detail.getByRole('button', { name: text('mending.do.change-pin') }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: text('mending.confirm.change-pin'), exact: true }).click();
  await typeSecret(program, text('ask.token.changePin'), 'pin', '123456');
  await chooseSecret(program, text('ask.token.newPin'), 'new-pin', '481516');
  await expect(pin).toBeHidden();
});
