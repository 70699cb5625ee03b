import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from '@playwright/test';
import { DIST, platformNode } from '../../scripts/paths.ts';
import type { VirtualSmartCardHsm } from '../devices/smartcardhsm/card.ts';
import { run } from '../devices/tools.ts';
import { pictureOf } from '../support/axe.ts';
import { collected, dropped } from '../support/drop.ts';
import { openssl } from '../support/openssl.ts';
import { heading, person } from '../support/person.ts';
import { chooseSecret, confirmTyped, keepPasswordPart, touchPrompt, typePasswordPart, typeSecret } from '../support/prompts.ts';
import { expect, test } from '../support/smartcardhsm.ts';
import { text } from '../support/texts.ts';

const [PIN, NEW_PIN, NEWER_PIN, OLD_PIN, SO_PIN, NEW_SO_PIN, KEY] = ['481516', '234242', '151617', '648219', '3537363231383830', '0123456789abcdef', 'Release signing'];

test('a SmartCard-HSM is set up for backup, signs, and its key lives on in a second card', async ({ program, hsm, pcscd, folder }) => {
  const { page } = program;
  const ada = person(program);
  const [first, second] = [hsm({ serial: 'XTHSM100001', setUp: { pin: OLD_PIN, officerPin: SO_PIN } }, 0), hsm({ serial: 'XTHSM100002', setUp: { pin: PIN, officerPin: SO_PIN, dkekShares: 1 } }, 1)];
  const dialog = page.getByRole('dialog');
  const detail = page.getByRole('region', { name: text('tokens.detail'), exact: true });
  const slot = page.getByRole('region', { name: text('tokens.slotDetail'), exact: true });
  const inMenu = async (region: Locator, entry: string): Promise<void> => {
    await region.getByRole('button', { name: text('common.more'), exact: true }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  const press = (name: string) => dialog.getByRole('button', { name: text(name), exact: true }).last().click();
  const keywright = async (args: readonly string[]): Promise<void> => {
    const { status, stderr } = await run(platformNode(), [join(DIST, 'keywright.js'), '--data-dir', join(folder, 'data'), ...args], { environment: pcscd.environment });
    expect(status, stderr).toBe(0);
  };
  const [share, wrapped] = [join(folder, 'share.pbe'), join(folder, 'key.wrapped')];

  await test.step('it appears, and is initialised anew: its serial number typed, its SO PIN, a new PIN', async () => {
    await ada.createsAStore();
    await ada.goesTo('tokens');
    await first.plugIn();
    await expect(page.getByRole('radio', { name: first.name })).toBeVisible();
    await inMenu(detail, text('tokens.action.initialize'));
    await dialog.getByLabel(text('tokens.label'), { exact: true }).fill('Signing');
    await dialog.getByLabel(text('tokens.initialize.shares'), { exact: true }).fill('1');
    await pictureOf(program, page, 'hsm-initialize');
    await press('tokens.initialize.action');
    await confirmTyped(program, text('ask.token.setUpAnew', { token: first.name }), first.card.serial);
    await chooseSecret(program, text('ask.token.choosePin'), 'new-pin', PIN);
    await typeSecret(program, text('ask.token.setUpAnew', { token: first.name }), 'so-pin', SO_PIN);
    await expect(page.getByText(text('tokens.done.initialize'))).toBeVisible();
    await expect(detail.getByText('Waits for 1 of 1 shares')).toBeVisible();
  });

  let keyCheckValue = '';
  await test.step('a DKEK share is made whose password three people keep, and two of them import it', async () => {
    await inMenu(detail, text('tokens.action.create-dkek-share'));
    await dialog.getByRole('checkbox', { name: text('tokens.dkek.split') }).check({ force: true });
    const parts: Awaited<ReturnType<typeof keepPasswordPart>>[] = [];
    await program.saving(share, async () => {
      await press('tokens.dkek.create');
      for (const n of [1, 2, 3]) parts.push(await keepPasswordPart(program, text('ask.token.dkekPart', { n, total: 3 })));
    });
    await expect(dialog.getByText(text('tokens.dkek.made'))).toBeVisible({ timeout: 60_000 });
    keyCheckValue = /[0-9A-F]{16}/.exec(await dialog.getByRole('status').innerText())?.[0] ?? '';
    await press('common.close');
    await inMenu(detail, text('tokens.action.import-dkek-share'));
    await program.choosing([share], () => press('tokens.dkek.choose'));
    await dialog.getByRole('checkbox', { name: text('tokens.dkek.wasSplit') }).check({ force: true });
    await press('tokens.dkek.import');
    for (const [index, part] of [parts[2]!, parts[0]!].entries()) await typePasswordPart(program, text('ask.token.dkekImportPart', { share: 1, shares: 1, n: index + 1, total: 2 }), part);
    await expect(dialog.getByText(text('tokens.dkek.complete'))).toBeVisible({ timeout: 60_000 });
    await expect(dialog.getByText(text('tokens.dkek.check', { value: keyCheckValue }))).toBeVisible();
    await pictureOf(program, page, 'hsm-dkek-complete');
    await press('common.close');
    await expect(detail.getByText(keyCheckValue)).toBeVisible();
  });

  await test.step('a key is made in it', async () => {
    await page.getByRole('button', { name: text('tokens.setUp.open'), exact: true }).click();
    await press('tokens.setUp.next');
    await dialog.getByLabel(text('keys.name'), { exact: true }).fill(KEY);
    await press('keys.new.action');
    await typeSecret(program, text('ask.token.generate', { name: KEY }), 'pin', PIN);
    await expect(dialog.getByText(text('tokens.setUp.keyMade', { name: KEY }))).toBeVisible();
    await page.keyboard.press('Escape');
    await page.getByRole('row', { name: new RegExp(KEY) }).click();
    await pictureOf(program, page, 'hsm-key');
  });

  await test.step('its maker vouches for the key, once the root is known: in words, and by the chain', async () => {
    await inMenu(slot, text('tokens.slotAction.attest'));
    await expect(dialog.getByText(text('tokens.attest.notVerified'))).toBeVisible();
    await pictureOf(program, page, 'hsm-attested-not');
    await press('common.close');
    writeFileSync(join(folder, 'root.cvc'), first.card.authority.root);
    await keywright(['backends', 'configure', 'smartcardhsm', '--set', `attestationRoots=${join(folder, 'root.cvc')}`]);
    // The backend opens anew: for a moment there is no such place, and what was opened over it closes.
    await expect(async () => {
      await page.keyboard.press('Escape');
      await slot.getByRole('button', { name: text('common.more'), exact: true }).click({ timeout: 5000 });
      await page.getByRole('menuitem', { name: text('tokens.slotAction.attest') }).click({ timeout: 5000 });
      await expect(dialog.getByText(text('tokens.attest.verified'))).toBeVisible({ timeout: 10_000 });
    }).toPass({ timeout: 60_000 });
    await expect(dialog.getByText(text('tokens.attested.madeInHsm', { serial: first.card.serial }))).toBeVisible();
    await pictureOf(program, page, 'hsm-attested');
    await press('common.close');
  });

  await test.step('a certificate for another key is refused, its own is put beside it and deleted again', async () => {
    const foreign = join(folder, 'foreign.pem');
    openssl(['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'foreign.key'), '-subj', '/CN=Somebody else', '-out', foreign]);
    await inMenu(slot, text('tokens.slotAction.put-certificate'));
    await dialog.getByRole('radio', { name: new RegExp(`^${text('tokens.makeCertificate.file')}`) }).check({ force: true });
    await program.choosing([foreign], () => press('tokens.certificateFile.choose'));
    await press('tokens.makeCertificateAction.file');
    await expect(dialog.getByText(/SHA256:[0-9a-f]{64}.*SHA256:[0-9a-f]{64}/)).toBeVisible();
    await pictureOf(program, page, 'hsm-certificate-refused');
    await dialog.getByRole('radio', { name: new RegExp(`^${text('tokens.makeCertificate.self-signed')}`) }).check({ force: true });
    await expect(dialog.getByText(/SHA256:/)).toBeHidden();
    await press('tokens.makeCertificateAction.self-signed');
    // What a backend is told opens it anew, and the PIN that was kept is gone.
    await typeSecret(program, text('ask.token.selfSign', { name: KEY }), 'pin', PIN);
    await expect(dialog).toBeHidden();
    await expect(slot.getByText(`CN=${KEY}`)).toBeVisible();
    await pictureOf(program, page, 'hsm-certificate');
    await inMenu(slot, text('tokens.slotAction.delete-certificate'));
    await pictureOf(program, page, 'hsm-certificate-delete');
    await press('tokens.deleteCertificate.action');
    await expect(slot.getByText(text('tokens.noCertificate'))).toBeVisible();
  });

  const reports = ['report.txt', 'minutes.txt'].map((name) => join(folder, name));
  for (const path of reports) writeFileSync(path, `${path}\n`);
  const publicKey = join(folder, 'public.pem');
  await test.step('it signs dropped files, and openssl verifies', async () => {
    await slot.getByRole('button', { name: text('tokens.signFiles'), exact: true }).click();
    await expect(heading(page, 'files.title')).toBeVisible();
    await dropped(program, reports);
    const signed = collected(program, reports);
    await page.getByRole('button', { name: text('files.signAction', { n: 2 }), exact: true }).click();
    await expect(page.getByText(text('files.signedTitle', { n: 2 }), { exact: true })).toBeVisible();
    await signed();
    writeFileSync(publicKey, madeIn(first.card).publicKey.export({ type: 'spki', format: 'pem' }));
    for (const path of reports) expect(openssl(['dgst', '-sha256', '-verify', publicKey, '-signature', `${path}.sig`, path])).toContain('Verified OK');
  });

  await test.step('a wrong PIN costs one try, and the PIN is changed', async () => {
    await ada.goesTo('tokens');
    const title = text('ask.token.changePin');
    await inMenu(detail, text('tokens.action.change-pin'));
    await press('tokens.plainAction.change-pin');
    await typeSecret(program, title, 'pin', '111111');
    await chooseSecret(program, text('ask.token.newPin'), 'new-pin', NEW_PIN);
    await expect((await touchPrompt(program, title)).getByText(text('ask.token.wrongTries', { secret: 'PIN', n: 2 }))).toBeVisible();
    expect(first.card.ledger.count('pin', 'refused')).toBe(1);
    await typeSecret(program, title, 'pin', PIN);
    await expect(page.getByText(text('tokens.done.change-pin'))).toBeVisible();
  });

  await test.step('a blocked PIN gets a new one from the SO PIN, which is changed as well', async () => {
    first.card.blockPin();
    await inMenu(detail, text('tokens.action.unblock-pin'));
    await pictureOf(program, page, 'hsm-unblock');
    await press('tokens.plainAction.unblock-pin');
    await typeSecret(program, text('ask.token.setPin'), 'so-pin', SO_PIN);
    await chooseSecret(program, text('ask.token.newPin'), 'new-pin', NEWER_PIN);
    await expect(page.getByText(text('tokens.done.unblock-pin'))).toBeVisible();
    await inMenu(detail, text('tokens.action.change-so-pin'));
    await press('tokens.plainAction.change-so-pin');
    await typeSecret(program, text('ask.token.changeSoPin'), 'so-pin', SO_PIN);
    await chooseSecret(program, text('ask.token.newSoPin'), 'new-so-pin', NEW_SO_PIN);
    await expect(page.getByText(text('tokens.done.change-so-pin'))).toBeVisible();
    await pictureOf(program, page, 'hsm-pins');
    expect([first.card.memory.pin, first.card.memory.officerPin]).toMatchObject([{ value: Buffer.from(NEWER_PIN), left: 3 }, { value: Buffer.from(NEW_SO_PIN, 'hex'), left: 15 }]);
  });

  await test.step('the key is wrapped into a file, and comes alive in a second card with the same DKEK', async () => {
    await page.getByRole('row', { name: new RegExp(KEY) }).click();
    await inMenu(slot, text('tokens.slotAction.wrap-key'));
    await program.saving(wrapped, async () => {
      await press('tokens.wrapKey.action');
      await typeSecret(program, text('ask.token.wrapNamed', { name: KEY }), 'pin', NEWER_PIN);
    });
    await expect(page.getByText(/was wrapped into a file/)).toBeVisible();
    // As if the same share had been imported there: a password is stretched for ten seconds.
    Object.assign(second.card.memory, { dkek: structuredClone(first.card.memory.dkek) });
    await second.plugIn();
    await page.getByRole('radio', { name: second.name }).click();
    await inMenu(detail, text('tokens.action.unwrap-key'));
    await program.choosing([wrapped], () => press('tokens.unwrap.choose'));
    await dialog.getByLabel(text('keys.name'), { exact: true }).fill('Second card');
    await press('tokens.unwrap.action');
    await typeSecret(program, text('ask.token.unwrapKey', { token: second.name }), 'pin', PIN);
    await expect(page.getByText(text('tokens.done.unwrap-key', { name: second.name }))).toBeVisible();
    await pictureOf(program, page, 'hsm-unwrapped');
    await page.getByRole('row', { name: /Second card/ }).click();
    await inMenu(slot, text('tokens.slotAction.try'));
    await press('tokens.try.action');
    await expect(dialog.getByText(text('tokens.try.works'))).toBeVisible();
    await page.keyboard.press('Escape');
  });

  await test.step('it is destroyed in the second card, once the end of its fingerprint was typed', async () => {
    await inMenu(slot, text('tokens.slotAction.delete-key'));
    await pictureOf(program, page, 'hsm-delete-key');
    await press('tokens.deleteKey.action');
    await confirmTyped(program, text('ask.token.destroyNamedIn', { name: 'Second card', token: second.name }), createHash('sha256').update(madeIn(second.card).publicKey.export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 16).replaceAll(/.{4}(?=.)/g, '$& '));
    await expect(page.getByRole('row', { name: /Second card/ })).toBeHidden();
    // Its place has gone with it: the token is shown again.
    await expect(detail.getByText(text('tokens.secrets'))).toBeVisible();
    await pictureOf(program, page, 'hsm-destroyed');
    expect([...second.card.memory.keys.keys()]).toEqual([0]);
  });

  for (const { card: { ledger } } of [first, second]) expect([ledger.repeats, ledger.unentered]).toEqual([0, 0]);
});

/** The one key in a card beside the device's own. */
function madeIn({ memory }: VirtualSmartCardHsm) {
  return [...memory.keys.entries()].find(([reference]) => reference !== 0)![1];
}
