import { hash } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { storageKind, storageKinds } from '../registry.ts';
import type { Storage } from '../storage.ts';
import { readBackup, readHeader, writeBackup } from './index.ts';
import { bytes, copyOf, create, filled, flip, freshMemory, names, open, PASSPHRASE, putBack, rawKeyOf, rawKeys, text, valueOf, watch } from './testing.ts';

async function backupOf(store: Storage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const summary = await writeBackup(store, async (chunk) => { chunks.push(Uint8Array.from(chunk)); }, watch);
  const file = Buffer.concat(chunks);
  expect(summary.bytes).toBe(file.length);
  expect(summary.sha256).toBe(hash('sha256', file));
  return file;
}

/** The file in pieces that end anywhere. */
const inPieces = (file: Uint8Array, size = 1000) => async function* () {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
};

async function storeWithLog(): Promise<Storage> {
  const raw = await freshMemory();
  await using store = await create(raw);
  for (let count = 0; count < 200; count++) await store.put(`keys/${count}`, bytes(`value ${count}`), { ifRevision: 'absent', summary: { count } });
  for (const entry of ['a', 'b', 'c']) await store.log.append(bytes(entry));
  return raw;
}

test('a backup restored into another storage has the same records, log and ways to unlock', async () => {
  const raw = await storeWithLog();
  const file = await backupOf(raw);
  const restored = await freshMemory();
  const progress: string[] = [];
  const summary = await readBackup(inPieces(file), restored, { signal: watch.signal, progress: (done, total) => progress.push(`${done}/${total}`) });
  expect(summary).toMatchObject({ records: 200, logEntries: 3, bytes: file.length, sha256: hash('sha256', file) });
  expect(progress.at(-1)).toBe('200/200');
  expect((await readHeader(restored))?.id).toBe(summary.storeId);
  await using store = await open(restored);
  expect(store.problems).toEqual([]);
  expect(names(store)).toHaveLength(200);
  expect(await valueOf(store, 'keys/77')).toBe('value 77');
  expect((await store.log.read(1, 10)).map(({ entry }) => Buffer.from(entry).toString())).toEqual(['a', 'b', 'c']);
  expect(await store.verify(watch)).toEqual({ records: 200, problems: [] });
  await store.put('keys/new', bytes('goes on'), { ifRevision: 'absent' });
});

test('a backup travels from one kind of storage to each other, and comes back byte for byte', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keywright-backup-'));
  try {
    let raw = await storeWithLog();
    const first = await backupOf(raw);
    for (const [index, kind] of [...storageKinds(), storageKinds()[0] ?? ''].entries()) {
      const place = join(folder, String(index));
      await mkdir(place);
      const next = await (await storageKind(kind)).open({ folder: place, create: true });
      await readBackup(inPieces(await backupOf(raw), 65536), next, watch);
      await raw[Symbol.asyncDispose]();
      raw = next;
      await using store = await open(raw);
      expect(store.problems).toEqual([]);
      expect(names(store)).toHaveLength(200);
      expect(await valueOf(store, 'keys/123')).toBe('value 123');
    }
    expect(Buffer.compare(await backupOf(raw), first)).toBe(0);
    await raw[Symbol.asyncDispose]();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a backup of an unlocked store while it is written is of one moment', async () => {
  await using store = await create(await freshMemory());
  for (let count = 0; count < 100; count++) await store.put(`keys/${count}`, bytes(''), { ifRevision: 'absent' });
  let writing = true;
  const writer = (async () => {
    for (let count = 0; writing; count++) await store.put('keys/busy', bytes(String(count)), { ifRevision: 'any' });
  })();
  const files = [await backupOf(store), await backupOf(store), await backupOf(store)];
  writing = false;
  await writer;
  for (const file of files) {
    const restored = await freshMemory();
    await readBackup(inPieces(file), restored, watch);
    await using again = await open(restored);
    expect(again.problems).toEqual([]);
    expect(again.size).toBeGreaterThanOrEqual(100);
  }
});

test('a backup has no entry of the log that came after its records: that could tell of a change that they do not have', async () => {
  const raw = await storeWithLog();
  const before = await raw.log.last();
  const growing = new Proxy(raw, {
    get: (target, name) => {
      const value = Reflect.get(target, name) as unknown;
      if (name === 'transaction') {
        return async (work: Parameters<Storage['transaction']>[0]) => {
          const answer = await raw.transaction(work);
          await raw.log.append(bytes('of a later change'));
          return answer;
        };
      }
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  expect(await writeBackup(growing, async () => undefined, watch)).toMatchObject({ logEntries: before });
  expect(await raw.log.last()).toBe(before + 1);
});

test('a backup cut short anywhere is refused, and nothing is restored', async () => {
  const file = await backupOf(await storeWithLog());
  for (let length = 0; length < file.length; length += 997) {
    const raw = await freshMemory();
    await expect(readBackup(inPieces(file.subarray(0, length)), raw, watch)).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: expect.stringMatching(/^offset \d+$/) } });
    expect(await rawKeys(raw)).toEqual([]);
    expect(await raw.log.last()).toBe(0);
  }
});

test('a backup with any byte altered is refused, and nothing is restored', async () => {
  const file = await backupOf(await storeWithLog());
  for (let at = 0; at < file.length; at += 499) {
    const raw = await freshMemory();
    const altered = Buffer.from(file);
    altered[at] = (altered[at] ?? 0) ^ 0x10;
    const failure = await readBackup(inPieces(altered), raw, watch).then(() => undefined, (thrown: { code: string; facts: { where?: string } }) => thrown);
    expect(['INVALID_INPUT', 'CORRUPT_RECORD']).toContain(failure?.code);
    expect(failure?.facts.where).toBeDefined();
    expect(await rawKeys(raw)).toEqual([]);
  }
});

test('something behind the end, or no backup at all, is refused', async () => {
  const file = await backupOf(await storeWithLog());
  const raw = await freshMemory();
  for (const content of [Buffer.concat([file, bytes('x')]), bytes('hello'), bytes(''), Buffer.concat([file.subarray(0, 19), Buffer.alloc(1000, 0xff)])]) {
    await expect(readBackup(inPieces(content), raw, watch)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  }
  await readBackup(inPieces(file), raw, watch);
});

test('a hostile backup that claims a huge record is refused without holding it', async () => {
  const file = await backupOf(await storeWithLog());
  const hostile = Buffer.from(file);
  hostile.writeUInt32BE(0xffffffff, 19 + 7);
  await expect(readBackup(inPieces(hostile), await freshMemory(), watch)).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: 'offset 26' } });
});

test('a storage that is not empty is not restored into', async () => {
  const file = await backupOf(await storeWithLog());
  const raw = await freshMemory();
  await filled(raw, { mine: 'untouched' });
  await expect(readBackup(inPieces(file), raw, watch)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  await using store = await open(raw);
  expect(await valueOf(store, 'mine')).toBe('untouched');
});

test('a storage that loses what it was given is noticed, and no store is left', async () => {
  const file = await backupOf(await storeWithLog());
  const raw = await freshMemory();
  const get = raw.get.bind(raw);
  raw.get = async (key) => {
    const record = await get(key);
    return record && key.startsWith('r/') ? { ...record, value: record.value.subarray(1) } : record;
  };
  await expect(readBackup(inPieces(file), raw, watch)).rejects.toMatchObject({ code: 'CORRUPT_RECORD' });
  expect(await rawKeys(raw)).toEqual([]);
});

test('a backup by a newer version is told as such, and not as damaged', async () => {
  const file = await backupOf(await storeWithLog());
  file.write('2', 'KEYWRIGHT BACKUP '.length);
  const raw = await freshMemory();
  await expect(readBackup(inPieces(file), raw, watch)).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
  expect(await rawKeys(raw)).toEqual([]);
});

test('a cancelled backup or restore is CANCELLED and leaves no store', async () => {
  const source = await storeWithLog();
  const cancelled = { signal: AbortSignal.abort(), progress: () => undefined };
  await expect(writeBackup(source, async () => undefined, cancelled)).rejects.toMatchObject({ code: 'CANCELLED' });
  const file = await backupOf(source);
  const stop = new AbortController();
  const raw = await freshMemory();
  let reads = 0;
  const late = async function* () {
    if (++reads === 2) stop.abort();
    yield* inPieces(file)();
  };
  await expect(readBackup(late, raw, { signal: stop.signal, progress: () => undefined })).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await rawKeys(raw)).toEqual([]);
});

test('a damaged record travels with the backup and is told by the restored store', async () => {
  const raw = await storeWithLog();
  await flip(raw, await rawKeyOf(raw, 'keys/5'));
  const restored = await freshMemory();
  await readBackup(inPieces(await backupOf(raw)), restored, watch);
  await using store = await open(restored);
  expect(store.problems.map(({ record }) => record)).toEqual(['keys/5']);
});

test('an old backup restored over nothing is the old store; single records of it in the new one are told', async () => {
  const raw = await storeWithLog();
  const restored = await freshMemory();
  await readBackup(inPieces(await backupOf(raw)), restored, watch);
  {
    await using store = await open(raw);
    await store.put('keys/5', bytes('newer'), { ifRevision: 'any' });
    await store.changePassphrase(text(PASSPHRASE), text('next'));
  }
  const old = await copyOf(restored, 'r/');
  await putBack(raw, old.get(await rawKeyOf(raw, 'keys/5', 'next')));
  await using store = await open(raw, 'next');
  expect(store.problems.map(({ record }) => record)).toEqual(['keys/5']);
});
