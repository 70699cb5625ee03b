import type { Page } from '@playwright/test';
import { isAccessible } from '../support/axe.ts';
import { expect, test } from '../support/fixture.ts';
import { heading, person } from '../support/person.ts';
import { chooseSecret, keepRecoveryCode } from '../support/prompts.ts';
import { PASSPHRASE, STORE } from '../support/person.ts';
import type { Program } from '../support/program.ts';
import { text } from '../support/texts.ts';
import { test as withYubiKey } from '../support/yubikey.ts';

/** The pages are the same in both: the browser shows them in every theme. */
const themesIn = ({ kind }: Program): readonly string[] | undefined => (kind === 'electron' ? ['dark'] : undefined);

async function pictures(program: Program, name: string): Promise<void> {
  for (const [width, height] of [[1280, 800], [800, 600]] as const) {
    if (program.kind === 'browser') await program.page.setViewportSize({ width, height });
    await program.page.screenshot({ path: `e2e/screenshots/${program.kind}-${name}-${width}.png` });
    if (program.kind === 'electron') break;
  }
  if (program.kind === 'browser') await program.page.setViewportSize({ width: 1280, height: 800 });
}

test('axe finds nothing on any page, in any dialog, in any theme', async ({ program }) => {
  test.slow();
  const { page } = program;
  const ada = person(program);

  const seen = async (what: string, where: Page = page) => {
    if (where === page) await pictures(program, what.replaceAll(' ', '-'));
    await isAccessible(where, what, themesIn(program));
  };

  await expect(page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
  await seen('first run');
  for (const [button, title] of [['store.openAnother', 'store.openTitle'], ['store.restore', 'store.restoreTitle']] as const) {
    await page.getByRole('button', { name: text(button), exact: true }).click();
    await expect(page.getByRole('dialog', { name: text(title) })).toBeVisible();
    await seen(title);
    await page.keyboard.press('Escape');
  }

  await page.getByRole('button', { name: text('store.create'), exact: true }).click();
  const prompt = await program.prompt();
  await expect(prompt.getByRole('form')).toBeVisible();
  await prompt.screenshot({ path: `e2e/screenshots/${program.kind}-prompt-new-secret.png` });
  await seen('prompt for a new passphrase', prompt);
  await seen('waiting for the prompt');
  await chooseSecret(program, text('ask.storePassphrase'), 'new-store-passphrase', PASSPHRASE);
  const codePage = await program.prompt();
  await expect(codePage.getByRole('form', { name: text('ask.keepRecoveryCode') })).toBeVisible();
  await codePage.screenshot({ path: `e2e/screenshots/${program.kind}-prompt-recovery-code.png` });
  await seen('recovery code', codePage);
  await keepRecoveryCode(program);

  await expect(heading(page, 'keys.title')).toBeVisible();
  await seen('no keys');
  await ada.makesAKey('Release signing');
  await ada.makesAKey('Vault', 'AES 256');
  for (const place of ['certificates', 'files', 'backends', 'health', 'activity', 'settings', 'keys'] as const) {
    await ada.goesTo(place);
    await seen(place);
    if (place === 'certificates') {
      for (const dialog of ['examine', 'import', 'make'] as const) {
        await page.getByRole('button', { name: text(`certificates.${dialog}.open`), exact: true }).first().click();
        await expect(page.getByRole('dialog', { name: text(`certificates.${dialog}.title`) })).toBeVisible();
        await seen(`certificates ${dialog}`);
        await page.keyboard.press('Escape');
      }
    }
    if (place === 'files') {
      for (const mode of ['verify', 'encrypt', 'decrypt', 'inspect'] as const) {
        await page.getByRole('radio', { name: text(`files.mode.${mode}`), exact: true }).check({ force: true });
        await seen(`files ${mode}`);
      }
    }
    if (place === 'backends') {
      await page.getByRole('button', { name: text('backends.add'), exact: true }).first().click();
      await expect(page.getByRole('dialog', { name: text('backends.addTitle') })).toBeVisible();
      await seen('add a backend');
      await page.keyboard.press('Escape');
      await page.getByRole('row').nth(1).click();
      await seen('backend');
    }
    if (place === 'activity' || place === 'settings') {
      for (const tab of (await page.getByRole('tab').allTextContents()).slice(1)) {
        await page.getByRole('tab', { name: tab, exact: true }).click();
        await seen(`${place} ${tab}`);
      }
    }
    if (place === 'settings') {
      await page.getByRole('tab', { name: text('settings.access'), exact: true }).click();
      await page.getByRole('button', { name: text('settings.grant'), exact: true }).first().click();
      await expect(page.getByRole('dialog')).toBeVisible();
      await seen('grant access');
      await page.keyboard.press('Escape');
    }
  }

  await page.getByRole('button', { name: text('keys.new.open'), exact: true }).first().click();
  await expect(page.getByRole('dialog', { name: text('keys.new.title') })).toBeVisible();
  await seen('new key');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: text('keys.import.open'), exact: true }).click();
  await expect(page.getByRole('dialog', { name: text('keys.import.title') })).toBeVisible();
  await seen('import');
  await page.keyboard.press('Escape');

  const detail = await ada.opensKey('Release signing');
  await seen('key');
  await detail.getByRole('button', { name: text('keys.useButton.sign'), exact: true }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await seen('use');
  await page.keyboard.press('Escape');
  await detail.getByRole('button', { name: text('keys.export.open'), exact: true }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await seen('export');
  await page.keyboard.press('Escape');
  await ada.picks(detail, text('keys.edit.open'));
  await expect(page.getByRole('dialog')).toBeVisible();
  await seen('edit');
  await page.keyboard.press('Escape');

  await page.keyboard.press('Control+Shift+P');
  await expect(page.getByRole('dialog')).toBeVisible();
  await seen('palette');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+/');
  await expect(page.getByRole('dialog')).toBeVisible();
  await seen('shortcuts');
  await page.keyboard.press('Escape');

  await detail.getByRole('button', { name: text('common.more'), exact: true }).click();
  await expect(page.getByRole('menu')).toBeVisible();
  await seen('menu');
  await page.keyboard.press('Escape');

  await ada.locks();
  await seen('locked');
  await page.getByRole('button', { name: text('store.unlock'), exact: true }).click();
  const unlocking = await program.prompt();
  await expect(unlocking.getByRole('form', { name: text('ask.unlock', { name: STORE }) })).toBeVisible();
  await seen('prompt for the passphrase', unlocking);
});

withYubiKey('axe finds nothing about tokens: their cards, slots, dialogs and prompts', async ({ program, yubikey }) => {
  withYubiKey.slow();
  const { page } = program;
  const ada = person(program);
  const seen = async (what: string) => {
    await pictures(program, `token-${what.replaceAll(' ', '-')}`);
    await isAccessible(page, what, themesIn(program));
  };
  const closes = async (what: string) => {
    await expect(page.getByRole('dialog')).toBeVisible();
    await seen(what);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toBeHidden();
  };
  await ada.createsAStore();
  await ada.goesTo('tokens');
  await expect(page.getByText(text('tokens.none'))).toBeVisible();
  await seen('nothing plugged in');
  await page.getByRole('button', { name: text('tokens.module.open'), exact: true }).first().click();
  await closes('add a module');

  await yubikey.plugIn();
  const row = page.getByRole('row', { name: /^9c/ });
  await expect(row).toBeVisible();
  await expect(page.getByText(text('finding.yubikey.default-pin.detail'))).toBeVisible();
  await seen('plugged in');
  await page.getByRole('button', { name: text('tokens.setUp.open'), exact: true }).click();
  const setUp = page.getByRole('dialog', { name: text('tokens.setUp.title', { name: yubikey.name }) });
  await expect(setUp.getByText(text('tokens.setUp.secretsWhat'))).toBeVisible();
  await seen('set up, its secrets');
  await setUp.getByRole('button', { name: text('tokens.setUp.leaveSecrets'), exact: true }).click();
  await closes('set up, its key');
  for (const action of ['change-pin', 'set-management-key', 'set-retries', 'reset'] as const) {
    await page.getByRole('region', { name: text('tokens.detail'), exact: true }).getByRole('button', { name: text('common.more'), exact: true }).click();
    if (action === 'change-pin') await seen('menu');
    await page.getByRole('menuitem', { name: text(`tokens.action.${action}`) }).click();
    await closes(action);
  }

  await row.click();
  await seen('empty slot');
  const slot = page.getByRole('region', { name: text('tokens.slotDetail'), exact: true });
  await slot.getByRole('button', { name: text('tokens.slotAction.generate'), exact: true }).click();
  const dialog = page.getByRole('dialog');
  await seen('key for a slot');
  await dialog.getByRole('button', { name: text('keys.new.action'), exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(slot.getByText(text('tokens.noCertificate'))).toBeVisible();
  await seen('slot with a key');
  for (const action of ['put-certificate', 'move-key', 'delete-key', 'attest', 'try'] as const) {
    await slot.getByRole('button', { name: text('common.more'), exact: true }).click();
    await page.getByRole('menuitem', { name: text(`tokens.slotAction.${action}`) }).click();
    if (action === 'attest') await expect(dialog.getByText(text('tokens.attest.says'))).toBeVisible();
    await closes(action);
  }

  await yubikey.pull();
  await expect(page.getByText(text('tokens.putBack', { name: yubikey.name, n: 1 }))).toBeVisible();
  await seen('pulled out');
});
