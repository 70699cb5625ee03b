import { expect, type Locator, type Page } from '@playwright/test';
import { chooseSecret, keepRecoveryCode, typeSecret } from './prompts.ts';
import type { Program } from './program.ts';
import { text } from './texts.ts';

export const PASSPHRASE = 'a window full of quiet keys 7';
export const STORE = 'Keys';

/** What a person does in the window, by the words that they see. */
export function person(program: Program) {
  const { page } = program;
  return {
    /** First run: makes a store with a recovery code. @returns the code. */
    async createsAStore(): Promise<string> {
      await page.getByRole('button', { name: text('store.create'), exact: true }).click();
      await chooseSecret(program, text('ask.storePassphrase'), 'new-store-passphrase', PASSPHRASE);
      const code = await keepRecoveryCode(program);
      await expect(heading(page, 'keys.title')).toBeVisible();
      return code;
    },

    async locks(): Promise<void> {
      await page.getByRole('button', { name: text('shell.lock'), exact: true }).click();
      await expect(page.getByRole('heading', { name: text('store.locked', { name: STORE }) })).toBeVisible();
    },

    async unlocks(passphrase: string = PASSPHRASE): Promise<void> {
      await page.getByRole('button', { name: text('store.unlock'), exact: true }).click();
      await typeSecret(program, text('ask.unlock', { name: STORE }), 'store-passphrase', passphrase);
    },

    async goesTo(place: 'keys' | 'certificates' | 'files' | 'tokens' | 'backends' | 'health' | 'activity' | 'settings'): Promise<void> {
      await page.getByRole('navigation', { name: text('shell.navigation') }).getByRole('link', { name: new RegExp(`^${text(`shell.${place}`)}`) }).click();
      await expect(heading(page, `${place}.title`)).toBeVisible();
    },

    /** Makes a key and sees its detail. */
    async makesAKey(name: string, algorithm?: string): Promise<void> {
      await page.getByRole('button', { name: text('keys.new.open'), exact: true }).first().click();
      const dialog = page.getByRole('dialog', { name: text('keys.new.title') });
      await dialog.getByLabel(text('keys.name'), { exact: true }).fill(name);
      if (algorithm !== undefined) await chooses(page, dialog.getByRole('combobox', { name: text('keys.algorithm') }), algorithm);
      await dialog.getByRole('button', { name: text('keys.new.action'), exact: true }).click();
      await expect(dialog).toBeHidden();
      await expect(this.detail(name)).toBeVisible();
    },

    /** Makes a certificate for a key that is held, for e-mail and so for signing files. @param key left out: the one that is offered */
    async certifiesAKey(key?: string): Promise<void> {
      await this.goesTo('certificates');
      await page.getByRole('button', { name: text('certificates.make.open'), exact: true }).first().click();
      const dialog = page.getByRole('dialog', { name: text('certificates.make.title') });
      await dialog.getByRole('radio', { name: text('certificates.way.self-signed') }).check({ force: true });
      if (key !== undefined) await chooses(page, dialog.getByRole('combobox', { name: text('certificates.make.key') }), key);
      await dialog.getByRole('button', { name: new RegExp(`${text('certificates.make.profile')}$`) }).click();
      await page.getByRole('option', { name: text('certificates.profile.email') }).click();
      await dialog.getByLabel(text('certificates.make.name'), { exact: true }).fill('Ada Example');
      await dialog.getByLabel(text('certificates.names'), { exact: true }).fill('ada@example.com');
      await dialog.getByRole('button', { name: text('certificates.wayAction.self-signed'), exact: true }).click();
      await expect(dialog).toBeHidden();
    },

    /** The pane with everything about one key. */
    detail(name: string): Locator {
      return page.getByRole('region', { name: text('keys.detail'), exact: true }).filter({ has: page.getByRole('heading', { name }) });
    },

    async opensKey(name: string): Promise<Locator> {
      await page.getByRole('row', { name: new RegExp(escape(name)) }).click();
      const detail = this.detail(name);
      await expect(detail).toBeVisible();
      return detail;
    },

    /** Picks an entry of the menu of a key's further actions. */
    async picks(detail: Locator, entry: string): Promise<void> {
      await detail.getByRole('button', { name: text('common.more'), exact: true }).click();
      await page.getByRole('menuitem', { name: new RegExp(`^${escape(entry)}`) }).click();
    },
  };
}

export function heading(page: Page, key: string): Locator {
  return page.getByRole('heading', { name: text(key), exact: true }).first();
}

/** Chooses in a combination box by typing. */
export async function chooses(page: Page, box: Locator, what: string): Promise<void> {
  await box.fill(what);
  await page.getByRole('option', { name: new RegExp(`^${escape(what)}(\\s|$)`) }).first().click();
}

function escape(words: string): string {
  return words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
