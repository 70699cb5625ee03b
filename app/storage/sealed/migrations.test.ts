import { expect, test } from 'vitest';
import { FORMAT_VERSION } from './header.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import { openWith } from './open.ts';
import { bytes, copyOf, filled, flip, freshMemory, open, PASSPHRASE, text, valueOf } from './testing.ts';

const NEXT = FORMAT_VERSION + 1;
const secret = () => ({ kind: 'passphrase', secret: text(PASSPHRASE) });
const step = (run: Migration['run'], from = FORMAT_VERSION): Migration => ({ from, summary: 'made up for this test', run });
const harmless = step(async (tx) => { await tx.put('extra', bytes('made by the step'), { ifRevision: 'absent' }); });

test('there is a step from every older format to this one', () => {
  expect(MIGRATIONS.map(({ from }) => from)).toEqual(Array.from({ length: FORMAT_VERSION - 1 }, (_, index) => index + 1));
});

test('an older store is brought to the newest format by its steps, once', async () => {
  const raw = await freshMemory();
  await filled(raw, { a: '1' });
  for (let round = 0; round < 2; round++) {
    await using store = await openWith(raw, secret(), [harmless], NEXT);
    expect(store.header.formatVersion).toBe(NEXT);
    expect(await valueOf(store, 'a')).toBe('1');
    expect(store.problems).toEqual([]);
    expect((await store.verify({ signal: AbortSignal.timeout(10_000), progress: () => undefined })).problems).toEqual([]);
  }
  expect(Buffer.from((await raw.get('extra'))?.value ?? []).toString()).toBe('made by the step');
  await expect(open(raw)).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
});

test('several steps run in their order', async () => {
  const raw = await freshMemory();
  await filled(raw, {});
  const ran: number[] = [];
  const steps = [2, 1, 0].map((index) => step(async () => { ran.push(FORMAT_VERSION + index); }, FORMAT_VERSION + index));
  await (await openWith(raw, secret(), steps, FORMAT_VERSION + 3))[Symbol.asyncDispose]();
  expect(ran).toEqual([FORMAT_VERSION, FORMAT_VERSION + 1, FORMAT_VERSION + 2]);
});

test('a step that fails leaves the store in its old format, byte for byte', async () => {
  const raw = await freshMemory();
  await filled(raw, { a: '1' });
  const before = await copyOf(raw);
  const failing = step(async (tx) => {
    await tx.put('extra', bytes('half'), { ifRevision: 'any' });
    throw new Error('the step failed');
  });
  await expect(openWith(raw, secret(), [failing], NEXT)).rejects.toThrow('the step failed');
  expect(await copyOf(raw)).toEqual(before);
  await (await open(raw))[Symbol.asyncDispose]();
});

test('a wrong passphrase or a damaged header migrates nothing', async () => {
  const raw = await freshMemory();
  await filled(raw, { a: '1' });
  await expect(openWith(raw, { kind: 'passphrase', secret: text('wrong') }, [harmless], NEXT)).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
  await flip(raw, 'header', 10);
  await expect(openWith(raw, secret(), [harmless], NEXT)).rejects.toMatchObject({ code: 'CORRUPT_RECORD' });
  expect(await raw.get('extra')).toBeUndefined();
});
