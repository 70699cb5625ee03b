import { expect, type Page } from '@playwright/test';
import type { Program } from './program.ts';
import { PinLedger } from '../devices/pin-ledger.ts';
import { text } from './texts.ts';

/** The form of the prompt with this title, in the prompt surface. */
async function form(program: Program, title: string | RegExp) {
  let page!: Page;
  // The surface of the prompt before may be there still, and go while one looks at it.
  await expect(async () => {
    page = await program.prompt();
    await expect(page.getByRole('form', { name: title })).toBeVisible({ timeout: 3000 });
  }).toPass({ timeout: 20_000 });
  return { page, form: page.getByRole('form', { name: title }) };
}

/** Presses the button that answers. The last answer closes the surface, at times before the press has been acknowledged. */
async function press(page: Page, name: string): Promise<void> {
  try {
    await page.getByRole('button', { name, exact: true }).click();
  } catch (error) {
    if (!page.isClosed()) throw error;
  }
}

/** Types a secret that is asked for. */
export async function typeSecret(program: Program, title: string | RegExp, purpose: string, secret: string): Promise<void> {
  const { page, form: asked } = await form(program, title);
  await asked.getByLabel(text(`ask.field.${purpose}`), { exact: true }).fill(secret);
  PinLedger.typed(secret);
  await press(page, text(`ask.do.${purpose}`));
}

/** Chooses a secret: types it twice. */
export async function chooseSecret(program: Program, title: string | RegExp, purpose: string, secret: string): Promise<void> {
  const { page, form: asked } = await form(program, title);
  await asked.getByLabel(text(`ask.field.${purpose}`), { exact: true }).fill(secret);
  await asked.getByLabel(text('prompt.again'), { exact: true }).fill(secret);
  PinLedger.typed(secret);
  await press(page, text(`ask.do.${purpose}`));
}

/** The notice that a touch is awaited. */
export async function touchPrompt(program: Program, title: string | RegExp): Promise<Page> {
  return (await form(program, title)).page;
}

/** Reads the recovery code as a person would, and types its last group back. @returns the code. */
export async function keepRecoveryCode(program: Program): Promise<string> {
  const { page, form: asked } = await form(program, text('ask.keepRecoveryCode'));
  const groups = await asked.getByRole('group', { name: text('ask.field.show-recovery-code') }).locator('span').allTextContents();
  await asked.getByLabel(text('prompt.typeLastGroup')).fill(groups.at(-1) ?? '');
  await press(page, text('prompt.kept'));
  return groups.join('-');
}
