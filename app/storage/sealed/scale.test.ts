import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { storageKind } from '../registry.ts';
import { bytes, create, open } from './testing.ts';

const COUNT = 100_000;
const nameOf = (index: number) => `keys/${(Math.imul(index, 2654435761) >>> 0).toString(16).padStart(8, '0')}`;
const summaryOf = (index: number) => ({
  label: `Key number ${index}`, backend: 'software', algorithm: 'ec-p256', usages: ['sign', 'verify'], state: 'active', createdAt: '2026-01-01T00:00:00.000Z',
  notBefore: null, notAfter: null, extractable: true, protection: 'store', version: 1, versions: 1, fingerprint: `SHA256:${'0a'.repeat(32)}`, tags: ['release'], origin: 'generated',
});

test('a store of 100,000 records opens, and is listed and searched at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keywright-scale-'));
  try {
    await using raw = await (await storageKind('sqlite')).open({ folder, create: true });
    {
      await using store = await create(raw);
      for (let from = 0; from < COUNT; from += 2000) {
        await store.transaction(async (tx) => {
          for (let index = from; index < from + 2000; index++) await tx.put(nameOf(index), bytes('x'.repeat(300)), { ifRevision: 'absent', summary: summaryOf(index) });
        });
      }
    }
    const start = performance.now();
    await using store = await open(raw);
    const page = await store.list('keys/', { limit: 100 });
    const opened = performance.now();
    const found = [...store.snapshot('keys/')].filter(({ summary }) => (summary as { label: string }).label === 'Key number 77777');
    const searched = performance.now();
    console.log(`100,000 records: open and first page ${Math.round(opened - start)} ms, then all summaries read ${Math.round(searched - opened)} ms`);
    expect(store.problems).toEqual([]);
    expect(store.size).toBe(COUNT);
    expect(page.items.map(({ key }) => key)).toEqual(Array.from({ length: COUNT }, (_, index) => nameOf(index)).sort().slice(0, 100));
    expect(found).toMatchObject([{ key: nameOf(77777), summary: summaryOf(77777) }]);
    expect((await store.get(nameOf(77777)))?.value.length).toBe(300);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
