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
