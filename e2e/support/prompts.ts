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

/** Types what a confirmation wants typed. */
export async function confirmTyped(program: Program, title: string | RegExp, sentence: string): Promise<void> {
  const { form: asked } = await form(program, title);
  await asked.getByLabel(text('prompt.typeSentence', { sentence }), { exact: true }).fill(sentence);
  await asked.getByRole('button').last().click();
}

/** One part of a split password: prime, share ID and share value. */
export type PasswordPart = readonly [prime: string, id: string, value: string];

/** Writes a part down as a person would, and types its end back. @returns it. */
export async function keepPasswordPart(program: Program, title: string): Promise<PasswordPart> {
  const { page, form: asked } = await form(program, title);
  const [prime = '', id = '', value = ''] = await asked.locator('dd').allTextContents();
  await asked.getByLabel(text('prompt.typeLastGroup')).fill(value.replaceAll(':', '').slice(-4));
  await press(page, text('prompt.kept'));
  return [prime, id, value];
}

export async function typePasswordPart(program: Program, title: string, [prime, id, value]: PasswordPart): Promise<void> {
  const { page, form: asked } = await form(program, title);
  await asked.getByLabel(text('prompt.part.prime'), { exact: true }).fill(prime);
  await asked.getByLabel(text('prompt.part.id'), { exact: true }).fill(id);
  await asked.getByLabel(text('prompt.part.value'), { exact: true }).fill(value);
  await press(page, text('ask.do.dkek-password'));
}
