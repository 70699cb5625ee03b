import { missingForSoftHsm, SoftHsm } from '../../app/backends/pkcs11/testing/softhsm.ts';
import { pictureOf } from '../support/axe.ts';
import { expect, test as base } from '../support/fixture.ts';
import { person } from '../support/person.ts';
import { chooseSecret, typeSecret } from '../support/prompts.ts';
import { text } from '../support/texts.ts';

const [PIN, SO_PIN, KEY] = ['246810', '13579135', 'Build signing'];

const test = base.extend<{ softhsm: SoftHsm }>({
  softhsm: async ({ kind: _kind }, use, info) => {
    const missing = missingForSoftHsm();
    info.skip(missing !== undefined, missing ?? '');
    using hsm = new SoftHsm();
    await use(hsm);
  },
  surroundings: async ({ softhsm }, use) => use(softhsm.environment),
});

test('a PKCS#11 module is added, its empty token set up, and a key made in it signs', async ({ program, softhsm }) => {
  const { page } = program;
  const ada = person(program);
  const dialog = page.getByRole('dialog');
  const detail = page.getByRole('region', { name: text('tokens.detail'), exact: true });
  const picks = async (action: string): Promise<void> => {
    await detail.getByRole('button', { name: text('common.more'), exact: true }).click();
    await page.getByRole('menuitem', { name: text(`tokens.action.${action}`) }).click();
  };

  await test.step('it is chosen among those that are installed', async () => {
    await ada.createsAStore();
    await ada.goesTo('tokens');
    await page.getByRole('button', { name: text('tokens.module.open'), exact: true }).first().click();
    await dialog.getByRole('radio', { name: 'SoftHSM' }).check({ force: true });
    await pictureOf(program, page, 'token-module');
    await dialog.getByRole('button', { name: text('backends.addNow'), exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByRole('radio', { name: /SoftHSM/ })).toBeVisible();
  });

  await test.step('its token gets a label, an SO PIN and a PIN', async () => {
    await picks('initialize');
    await dialog.getByLabel(text('tokens.label'), { exact: true }).fill('Build');
    await dialog.getByRole('button', { name: text('tokens.initialize.action'), exact: true }).click();
    await chooseSecret(program, /SO PIN/, 'new-so-pin', SO_PIN);
    await expect(page.getByRole('radio', { name: /Build/ })).toBeVisible();
    await page.getByRole('radio', { name: /Build/ }).click();
    await expect(detail.getByRole('heading', { name: /Build/ })).toBeVisible();
    await picks('unblock-pin');
    await dialog.getByRole('button', { name: text('tokens.plainAction.unblock-pin'), exact: true }).click();
    await typeSecret(program, /PIN/, 'so-pin', SO_PIN);
    await chooseSecret(program, text('ask.token.newPin'), 'new-pin', PIN);
    await expect(page.getByText(text('tokens.done.unblock-pin'))).toBeVisible();
    await pictureOf(program, page, 'token-softhsm');
  });

  await test.step('a key is made in it and tried, with one PIN', async () => {
    await page.getByRole('button', { name: text('tokens.setUp.open'), exact: true }).click();
    await dialog.getByRole('button', { name: text('tokens.setUp.next'), exact: true }).click();
    await dialog.getByLabel(text('keys.name'), { exact: true }).fill(KEY);
    await dialog.getByRole('button', { name: text('keys.new.action'), exact: true }).click();
    await typeSecret(program, text('ask.token.generate', { name: KEY }), 'pin', PIN);
    await expect(dialog.getByText(text('tokens.setUp.keyMade', { name: KEY }))).toBeVisible();
    await page.keyboard.press('Escape');
    await page.getByRole('row', { name: new RegExp(KEY) }).click();
    const slot = page.getByRole('region', { name: text('tokens.slotDetail'), exact: true });
    await slot.getByRole('button', { name: text('common.more'), exact: true }).click();
    await page.getByRole('menuitem', { name: text('tokens.slotAction.try') }).click();
    await dialog.getByRole('button', { name: text('tokens.try.action'), exact: true }).click();
    await expect(dialog.getByText(text('tokens.try.works'))).toBeVisible();
    await pictureOf(program, page, 'token-module-tried');
  });

  await test.step('an outsider sees the key in the token', () => {
    expect(softhsm.pkcs11Tool('--token-label', 'Build', '--login', '--pin', PIN, '-O', '--type', 'privkey')).toContain(KEY);
  });
});
