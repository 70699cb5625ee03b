import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from '../support/fixture.ts';
import { PASSPHRASE, person } from '../support/person.ts';
import { chooseSecret } from '../support/prompts.ts';
import { text } from '../support/texts.ts';

/** @returns everything that lives in a page's JavaScript heap, as V8 writes it down. */
async function heapOf(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page);
  const pieces: string[] = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => pieces.push(chunk));
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await session.detach();
  return pieces.join('');
}

test('no passphrase and no recovery code is ever in the main window', async ({ program }) => {
  const KEY_PASSPHRASE = 'nine green bottles 88';
  const { page } = program;
  const ada = person(program);
  const code = await ada.createsAStore();
  await page.getByRole('button', { name: text('keys.new.open'), exact: true }).first().click();
  const dialog = page.getByRole('dialog', { name: text('keys.new.title') });
  await dialog.getByLabel(text('keys.name'), { exact: true }).fill('Guarded');
  await dialog.getByText(new RegExp(`^${text('keys.new.ownPassphrase')}`)).click();
  await dialog.getByRole('button', { name: text('keys.new.action'), exact: true }).click();
  await chooseSecret(program, text('ask.newPassphraseFor', { name: 'Guarded' }), 'new-key-passphrase', KEY_PASSPHRASE);
  await expect(ada.detail('Guarded')).toBeVisible();
  await ada.locks();
  await ada.unlocks();
  await expect(page.getByRole('row', { name: /Guarded/ })).toBeVisible();

  const heap = await heapOf(page);
  // That the search finds what is there is part of the test.
  expect(heap).toContain('Guarded');
  for (const secret of [PASSPHRASE, KEY_PASSPHRASE, code, code.split('-').slice(0, 2).join('-')]) expect(heap.includes(secret), 'a secret in the heap').toBe(false);
});

test('no byte of a private key that comes from a file and goes into one is ever in the main window', async ({ program, folder }) => {
  const EXPORT_PASSPHRASE = 'seven silver spoons 61';
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const scalar = Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url');
  const file = join(folder, 'canary.pem');
  writeFileSync(file, pem, { mode: 0o600 });

  await page.getByRole('button', { name: text('keys.import.open'), exact: true }).click();
  const dialog = page.getByRole('dialog', { name: text('keys.import.title') });
  await program.choosing([file], () => dialog.getByRole('button', { name: text('keys.import.choose'), exact: true }).click());
  await dialog.getByLabel(text('keys.name'), { exact: true }).fill('Canary');
  await dialog.getByRole('button', { name: text('keys.import.action'), exact: true }).click();
  const detail = ada.detail('Canary');
  await expect(detail).toBeVisible();
  await detail.getByRole('button', { name: text('keys.export.open'), exact: true }).click();
  await program.saving(join(folder, 'exported.pem'), async () => {
    await page.getByRole('dialog', { name: text('keys.export.title', { name: 'Canary' }) }).getByRole('button', { name: text('keys.export.action'), exact: true }).click();
    await chooseSecret(program, text('ask.exportPassphrase', { name: 'Canary' }), 'export-passphrase', EXPORT_PASSPHRASE);
  });

  const heap = await heapOf(page);
  expect(heap).toContain('Canary');
  const lines = pem.split('\n');
  // In base64 a run of bytes has one of three texts, by where it begins.
  const coded = [0, 1, 2].map((start) => scalar.subarray(start, start + 24).toString('base64'));
  const forms = [lines[1]!, lines[2]!, scalar.toString('hex'), ...coded, ...coded.map((one) => one.replaceAll('+', '-').replaceAll('/', '_')), [...scalar].join(','), EXPORT_PASSPHRASE];
  for (const form of forms) expect(heap.includes(form), 'a private key in the heap').toBe(false);
});
