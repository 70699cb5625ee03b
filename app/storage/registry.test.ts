import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { describeStorage } from './conformance.ts';
import { memoryKind } from './memory/index.ts';
import { loadStorageModules, registerStorageKind, storageKind, storageKinds } from './registry.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

await loadStorageModules(['./docs/examples/storage-module/index.js'], ROOT);

describeStorage(await storageKind('lines'));

describe('storage kinds', () => {
  test('sqlite is the first of them, and each opens under its own name', async () => {
    expect(storageKinds()).toEqual(['sqlite', 'file', 'memory', 'lines']);
    for (const name of storageKinds()) expect((await storageKind(name)).kind).toBe(name);
  });

  test('an unknown one is refused, and those that there are are named', async () => {
    await expect(storageKind('postgres')).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { alternatives: ['sqlite', 'file', 'memory', 'lines'] } });
  });

  test('one can be registered once under its name', async () => {
    const kind = { ...memoryKind, kind: 'memory' };
    expect(() => registerStorageKind(kind)).toThrow(expect.objectContaining({ code: 'ALREADY_EXISTS' }));
  });

  test('a module that was loaded is not loaded again', async () => {
    await loadStorageModules([join(ROOT, 'docs/examples/storage-module/index.js')]);
    expect(storageKinds()).toHaveLength(4);
  });

  test('a module that is missing, broken, brings no kind or one that is there is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keywright-modules-'));
    writeFileSync(join(folder, 'broken.mjs'), 'export const storageKind = ;');
    writeFileSync(join(folder, 'empty.mjs'), 'export const other = 1;');
    writeFileSync(join(folder, 'shapeless.mjs'), 'export const storageKind = { kind: "Not A Name", open() {} };');
    writeFileSync(join(folder, 'twice.mjs'), 'export const storageKind = { kind: "sqlite", open() {} };');
    for (const name of ['missing', 'broken', 'empty', 'shapeless']) {
      await expect(loadStorageModules([`./${name}.mjs`], folder)).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: '/storage.modules' } });
    }
    await expect(loadStorageModules(['./twice.mjs'], folder)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(storageKinds()).toHaveLength(4);
    rmSync(folder, { recursive: true });
  });
});
