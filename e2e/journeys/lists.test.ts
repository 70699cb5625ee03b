import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { picturesOf } from '../support/axe.ts';
import { expect, test } from '../support/fixture.ts';
import { person } from '../support/person.ts';
import type { Program } from '../support/program.ts';
import { text } from '../support/texts.ts';

/** More than the list loads ahead of what is to be seen. */
const MANY = 900;

/** Calls operations as the page does, one of them many times. */
async function calls(program: Program, operation: string, inputs: readonly object[]): Promise<void> {
  const failed = await program.page.evaluate(async ([id, given]) => {
    const { keywright } = globalThis as unknown as { keywright?: { call(operation: string, input: unknown): Promise<{ ok: boolean }> } };
    const call = async (input: unknown): Promise<boolean> => (keywright === undefined
      ? (await fetch(`/ipc/${id as string}`, { method: 'POST', headers: { 'X-Keywright': '1', 'Content-Type': 'application/json' }, body: JSON.stringify(input) })).ok
      : (await keywright.call(id as string, input)).ok);
    let count = 0;
    for (let at = 0; at < given!.length; at += 20) count += (await Promise.all((given as object[]).slice(at, at + 20).map(call))).filter((ok) => !ok).length;
    return count;
  }, [operation, inputs] as const);
  expect(failed).toBe(0);
}

const key = (label: string, more: object = {}) => ({ algorithm: 'aes-128', label, ...more });

test('typing in a long list leads to the first name that begins so, though it is not loaded', async ({ program }) => {
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  await calls(program, 'keys.generate', [...Array.from({ length: MANY }, (_, index) => key(`key ${String(index).padStart(4, '0')}`)), key('Zoë'), key('zone 1'), key('zone 2')]);
  const grid = page.getByRole('grid', { name: text('keys.title') });
  await expect(page.getByText(text('keys.count', { n: MANY + 3, shown: String(MANY + 3) }))).toBeVisible();
  await grid.focus();
  await page.keyboard.type('zo');
  await expect(page.getByRole('row', { name: /Zoë|zone 1/, selected: true })).toBeInViewport();
  await page.waitForTimeout(800); // a pause begins a new name
  await page.keyboard.type('zone 2');
  await expect(page.getByRole('row', { name: /zone 2/, selected: true })).toBeInViewport();
  await expect(ada.detail('zone 2')).toBeVisible();
  await page.waitForTimeout(800);
  await page.keyboard.type('key 0450');
  await expect(page.getByRole('row', { name: /key 0450/, selected: true })).toBeInViewport();
});

test('several selected keys are summed up, tagged, exported and moved to the trash together', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);
  const detail = page.getByRole('region', { name: text('keys.detail'), exact: true });
  const press = (name: string, values?: Record<string, string | number>): Promise<void> => page.getByRole('button', { name: text(name, values), exact: true }).click();
  await ada.createsAStore();
  await calls(program, 'keys.generate', [key('Backup', { tags: ['cold'] }), key('Laptop', { algorithm: 'ed25519' }), key('Release', { algorithm: 'ec-p256' }), key('Stays')]);
  await page.getByRole('row', { name: /Backup/ }).click();
  await page.getByRole('row', { name: /Release/ }).click({ modifiers: ['Shift'] });

  await test.step('what they are', async () => {
    await expect(detail.getByRole('heading', { name: text('keys.severalSelected', { n: 3, shown: '3' }) })).toBeVisible();
    for (const words of ['AES 128 (1), EC P-256 (1), Ed25519 (1)', `${text('keys.thisComputer')} (3)`, 'cold (1)']) await expect(detail.getByText(words, { exact: true })).toBeVisible();
    await picturesOf(program, page, 'several-keys');
  });

  await test.step('tags are added to all and taken from those that have them, and that can be taken back', async () => {
    await press('keys.tag');
    const dialog = page.getByRole('dialog', { name: text('keys.tagTitle', { n: 3, shown: '3' }) });
    await dialog.getByLabel(text('keys.addTags'), { exact: true }).fill('release, ci');
    await dialog.getByText(text('keys.counted', { value: 'cold', n: '1' })).click();
    await picturesOf(program, page, 'tag-keys');
    await page.keyboard.press('Enter');
    await expect(dialog).toBeHidden();
    await expect(detail.getByText('release', { exact: true })).toBeVisible();
    await expect(detail.getByText(/cold/)).toBeHidden();
    await press('common.undo');
    await expect(detail.getByText('cold (1)', { exact: true })).toBeVisible();
    await expect(detail.getByText('release', { exact: true })).toBeHidden();
  });

  await test.step('their public keys go into one file; that one has none is told', async () => {
    await press('keys.publicSet.open');
    const dialog = page.getByRole('dialog', { name: text('keys.publicSet.title', { n: 2, shown: '2' }) });
    await expect(dialog.getByText(text('keys.publicSet.without', { n: 1, shown: '1' }))).toBeVisible();
    await picturesOf(program, page, 'export-public-keys');
    const file = join(folder, 'public.pem');
    await program.saving(file, () => dialog.getByRole('button', { name: text('keys.publicSet.action'), exact: true }).click());
    await expect(dialog).toBeHidden();
    const blocks = readFileSync(file, 'utf8').match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? [];
    expect(blocks.map((block) => createPublicKey(block).asymmetricKeyType)).toEqual(['ed25519', 'ec']);
  });

  await test.step('in a narrow window the list stays, with a menu of what can be done', async () => {
    if (program.kind === 'electron') return;
    await page.setViewportSize({ width: 640, height: 600 });
    await expect(page.getByRole('row', { name: /Release/ })).toBeVisible();
    await page.getByRole('button', { name: text('common.more'), exact: true }).last().click();
    await expect(page.getByRole('menuitem', { name: text('keys.tag') })).toBeVisible();
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  await test.step('to the trash, and back', async () => {
    await press('keys.trash');
    await expect(page.getByRole('row', { name: /Release/ })).toBeHidden();
    await expect(page.getByRole('row', { name: /Stays/ })).toBeVisible();
    await expect(detail).toBeHidden();
    const undo = page.getByRole('region', { name: text('common.messages'), includeHidden: true }).getByRole('button', { name: text('common.undo'), includeHidden: true }).last();
    await page.keyboard.press('Control+n');
    await expect(page.getByRole('dialog', { name: text('keys.new.title') })).toBeVisible();
    await expect(undo).toBeHidden(); // it would lie over the dialog's buttons, and pressing it would close the dialog
    await page.keyboard.press('Escape');
    await undo.click();
    await expect(page.getByRole('row', { name: /Release/ })).toBeVisible();
  });
});

test('the keys list names a backend that is switched off, with the way there', async ({ program }) => {
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  await calls(program, 'backends.add', [{ type: 'aes', name: 'archive' }]);
  await expect(page.getByText(text('keys.count', { n: 0, shown: '0' }), { exact: true })).toBeVisible();
  await expect(page.getByRole('status').getByText('archive')).toBeHidden();
  await calls(program, 'backends.disable', [{ name: 'archive' }]);
  const said = text('keys.missing', { n: 1, list: text('keys.missing.disabled', { name: 'archive' }) });
  await picturesOf(program, page, 'missing-backend');
  await page.getByRole('button', { name: said }).click();
  await expect(page.getByRole('region', { name: 'archive', exact: true })).toBeVisible();
  await ada.goesTo('activity');
  await expect(page.getByText(text('common.asOf', { when: '' }).trim()).first()).toBeVisible();
});
