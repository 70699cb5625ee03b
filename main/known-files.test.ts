import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isProgram, KnownFiles } from './known-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'kw-known-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, name, { mode });
  return path;
};

test('a page may have opened what a person chose and what its calls wrote, and nothing else', () => {
  const known = new KnownFiles();
  const [chosen, written, manifest, signature, other] = ['chosen', 'written', 'manifest', 'signature', 'other'].map((name) => file(name)) as [string, string, string, string, string];
  known.choose(chosen);
  known.note({ files: [{ written: { path: written } }, { written: { download: 'x' } }, { written: null }], manifest: { path: manifest, signature: { path: signature } } });
  for (const path of [chosen, written, manifest, signature]) expect(known.require(path)).toBe(path);
  for (const path of [other, folder, `${folder}/../${folder.split('/').at(-1)}/other`, '', undefined, { path: chosen }]) expect(() => known.require(path), String(path)).toThrow();
  rmSync(written);
  expect(() => known.require(written)).toThrow();
  // What a call names without having written it is no such file.
  known.note({ files: [{ name: other, path: other }], signer: { path: other }, detail: { written: { path: other } } });
  expect(() => known.require(other)).toThrow();
});

test('of a chosen folder all that is in it counts, and nothing that a link in it leads to', () => {
  const known = new KnownFiles();
  mkdirSync(join(folder, 'dist', 'deep'), { recursive: true });
  mkdirSync(join(folder, 'dist2'));
  const [inside, beside, linked] = [file('dist/deep/a.txt'), file('dist2/a.txt'), join(folder, 'dist', 'link')];
  symlinkSync(beside, linked);
  known.choose(join(folder, 'dist'));
  expect(known.require(inside)).toBe(inside);
  for (const path of [beside, linked, join(folder, 'dist', '..', 'dist2', 'a.txt'), join(folder, 'dist', 'none')]) expect(() => known.require(path), path).toThrow();
});

test('what a system would run is told by its ending and its mode, also behind a link', () => {
  const script = file('report');
  expect(isProgram(script)).toBe(false);
  expect(isProgram(file('plan.pdf'))).toBe(false);
  for (const name of ['setup.EXE', 'plan.desktop', 'plan.pdf.lnk', 'a.jar']) expect(isProgram(file(name)), name).toBe(true);
  symlinkSync(join(folder, 'setup.EXE'), join(folder, 'invoice.pdf'));
  expect(isProgram(join(folder, 'invoice.pdf'))).toBe(true);
  if (process.platform === 'win32') return;
  chmodSync(script, 0o700);
  expect(isProgram(script)).toBe(true);
});
