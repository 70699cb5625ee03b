import { expect, test } from 'vitest';
import { DerivedAhead, openSealed } from './index.ts';
import { filled, freshMemory, open, PASSPHRASE, text, valueOf } from './testing.ts';
import { parseHeader } from './header.ts';

test('a key that was derived ahead unlocks once, with the passphrase that it was derived from', async () => {
  const raw = await freshMemory();
  await filled(raw, { a: 'one' });
  const stored = await raw.get('header');
  const [slot] = parseHeader(stored!.value).header.slots;
  const ahead = (await DerivedAhead.begin(raw, text(PASSPHRASE)))!;
  expect(ahead.take(slot!.kdf, text('another'))).toBeUndefined();
  expect(ahead.take({ ...slot!.kdf, salt: '00'.repeat(16) }, text(PASSPHRASE))).toBeUndefined();
  await using store = await openSealed(raw, { kind: 'passphrase', secret: text(PASSPHRASE) }, ahead);
  expect(await valueOf(store, 'a')).toBe('one');
  expect(ahead.take(slot!.kdf, text(PASSPHRASE))).toBeUndefined();
});

test('what was derived from another passphrase opens nothing, and hinders nothing', async () => {
  const raw = await freshMemory();
  await filled(raw, { a: 'one' });
  using wrong = await DerivedAhead.begin(raw, text('wrong'));
  await expect(openSealed(raw, { kind: 'passphrase', secret: text('wrong') }, wrong)).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
  using other = await DerivedAhead.begin(raw, text('wrong'));
  await using store = await openSealed(raw, { kind: 'passphrase', secret: text(PASSPHRASE) }, other);
  expect(await valueOf(store, 'a')).toBe('one');
});

test('nothing is derived where there is no store, where its header is damaged, or for a passphrase that is none', async () => {
  const raw = await freshMemory();
  expect(await DerivedAhead.begin(raw, text(PASSPHRASE))).toBeUndefined();
  await filled(raw, {});
  expect(await DerivedAhead.begin(raw, text(''))).toBeUndefined();
  await raw.put('header', new TextEncoder().encode('{}'), { ifRevision: 'any' });
  expect(await DerivedAhead.begin(raw, text(PASSPHRASE))).toBeUndefined();
  await expect(open(raw)).rejects.toMatchObject({ code: 'CORRUPT_RECORD' });
});
