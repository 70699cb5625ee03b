import type { Page } from '@playwright/test';
import { isAccessible, pictureOf } from '../support/axe.ts';
import { person } from '../support/person.ts';
import { chooseSecret, touchPrompt, typeSecret } from '../support/prompts.ts';
import { text } from '../support/texts.ts';
import { expect, test } from '../support/yubikey.ts';

const KEY = 'Contracts';
const [PUK, NEW_PIN] = ['12345678', '481516'];

test('a wrong PIN costs one try, the last one is agreed to by typing, and a blocked PIN is set anew with the PUK', async ({ program, yubikey }) => {
  const { page } = program;
  const ada = person(program);
  const { ledger, memory, touch } = yubikey.card;
  const title = `Sign with “${KEY}”`;
  const field = (prompt: Page) => prompt.getByLabel(text('ask.field.pin'), { exact: true });
  const dialog = page.getByRole('dialog');

  await test.step('a key in slot 9c that wants PIN and touch each time', async () => {
    await ada.createsAStore();
    await ada.goesTo('tokens');
    await yubikey.plugIn();
    await page.getByRole('row', { name: /^9c/ }).click();
    const slot = page.getByRole('region', { name: text('tokens.slotDetail'), exact: true });
    await slot.getByRole('button', { name: text('tokens.slotAction.generate'), exact: true }).click();
    await dialog.getByLabel(text('keys.name'), { exact: true }).fill(KEY);
    await dialog.getByRole('radio', { name: text('keys.touchPolicyName.always') }).check({ force: true });
    await dialog.getByRole('button', { name: text('keys.new.action'), exact: true }).click();
    await expect(dialog).toBeHidden();
    await slot.getByRole('button', { name: text('common.more'), exact: true }).click();
    await page.getByRole('menuitem', { name: text('tokens.slotAction.try') }).click();
    await dialog.getByRole('button', { name: text('tokens.try.action'), exact: true }).click();
  });

  await test.step('two wrong ones: the tries that are shown fall by one each, the field is empty, and the first is not sent again', async () => {
    const first = await touchPrompt(program, title);
    await expect(first.getByText(text('errors.triesLeft', { n: 3 }))).toBeVisible();
    await pictureOf(program, first, 'token-prompt-pin');
    await isAccessible(first, 'the prompt for a PIN');
    await typeSecret(program, title, 'pin', '111111');
    const second = await touchPrompt(program, title);
    await expect(second.getByText(text('ask.token.wrongTries', { secret: 'PIN', n: 2 }))).toBeVisible();
    await expect(field(second)).toHaveValue('');
    await typeSecret(program, title, 'pin', '111111');
    const third = await touchPrompt(program, title);
    await expect(third.getByText(text('ask.token.refusedBefore', { secret: 'PIN' }))).toBeVisible();
    expect([ledger.count('pin', 'refused'), ledger.repeats, memory.pin.left]).toEqual([1, 0, 2]);
    await typeSecret(program, title, 'pin', '222222');
  });

  await test.step('the last try wants its sentence typed', async () => {
    const last = await touchPrompt(program, title);
    await expect(last.getByText(text('prompt.lastTry.pin'), { exact: false })).toBeVisible();
    await field(last).fill('333333');
    await expect(last.getByRole('button', { name: text('ask.do.pin'), exact: true })).toBeDisabled();
    await pictureOf(program, last, 'token-prompt-last-try');
    await isAccessible(last, 'the prompt for the last try');
    await last.getByLabel(text('prompt.typeSentence', { sentence: text('prompt.lastTrySentence') }), { exact: true }).fill(text('prompt.lastTrySentence'));
    await typeSecret(program, title, 'pin', '333333');
    await expect(dialog.getByRole('alert')).toBeVisible();
    await pictureOf(program, page, 'token-pin-blocked');
    expect([ledger.count('pin', 'refused'), ledger.repeats, memory.pin.left]).toEqual([3, 0, 0]);
    await page.keyboard.press('Escape');
  });

  await test.step('the PUK sets a new PIN, and the key acts once it was touched', async () => {
    await expect(page.getByRole('radio', { name: yubikey.name })).toContainText(text('tokens.secretState.blocked'));
    await page.getByRole('region', { name: text('tokens.slotDetail'), exact: true }).getByText(yubikey.name).click();
    await page.getByRole('region', { name: text('tokens.detail'), exact: true }).getByRole('button', { name: text('common.more'), exact: true }).first().click();
    await page.getByRole('menuitem', { name: text('tokens.action.unblock-pin') }).click();
    await dialog.getByRole('button', { name: text('tokens.plainAction.unblock-pin'), exact: true }).click();
    await typeSecret(program, text('ask.token.unblockPin'), 'puk', PUK);
    await chooseSecret(program, text('ask.token.newPin'), 'new-pin', NEW_PIN);
    await expect(page.getByText(text('tokens.done.unblock-pin'))).toBeVisible();
    await page.getByRole('row', { name: /^9c/ }).click();
    await page.getByRole('region', { name: text('tokens.slotDetail'), exact: true }).getByRole('button', { name: text('common.more'), exact: true }).click();
    await page.getByRole('menuitem', { name: text('tokens.slotAction.try') }).click();
    await dialog.getByRole('button', { name: text('tokens.try.action'), exact: true }).click();
    // Looked at for longer than a person needs to touch.
    touch.timeout = 120_000;
    await typeSecret(program, title, 'pin', NEW_PIN);
    await touch.whenWaiting();
    const notice = await touchPrompt(program, `Touch the YubiKey to sign with “${KEY}”`);
    await pictureOf(program, notice, 'token-prompt-touch');
    await isAccessible(notice, 'the notice of a touch');
    touch.touch();
    await expect(dialog.getByText(text('tokens.try.works'))).toBeVisible();
  });
});
