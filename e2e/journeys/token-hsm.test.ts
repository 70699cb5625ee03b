import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from '@playwright/test';
import { pictureOf } from '../support/axe.ts';
import { collected, dropped } from '../support/drop.ts';
import { openssl } from '../support/openssl.ts';
import { heading, person } from '../support/person.ts';
import { chooseSecret, confirmTyped, keepPasswordPart, touchPrompt, typePasswordPart, typeSecret } from '../support/prompts.ts';
import { expect, test } from '../support/smartcardhsm.ts';
import { text } from '../support/texts.ts';

const [PIN, NEW_PIN, OLD_PIN, SO_PIN, KEY] = ['481516', '234242', '648219', '3537363231383830', 'Release signing'];

test('a SmartCard-HSM is set up for backup, signs, and its key lives on in a second card', async ({ program, hsm, folder }) => {
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
    const made = [...first.card.memory.keys.entries()].find(([reference]) => reference !== 0)![1];
    writeFileSync(publicKey, made.publicKey.export({ type: 'spki', format: 'pem' }));
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

  await test.step('the key is wrapped into a file, and comes alive in a second card with the same DKEK', async () => {
    await page.getByRole('row', { name: new RegExp(KEY) }).click();
    await inMenu(slot, text('tokens.slotAction.wrap-key'));
    await program.saving(wrapped, async () => {
      await press('tokens.wrapKey.action');
      await typeSecret(program, /^Wrap the key/, 'pin', NEW_PIN);
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
  });

  for (const { card: { ledger } } of [first, second]) expect([ledger.repeats, ledger.unentered]).toEqual([0, 0]);
});
