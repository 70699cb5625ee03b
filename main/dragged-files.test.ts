import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DraggedFiles } from './dragged-files.ts';

const parent = mkdtempSync(join(tmpdir(), 'kw-drag-'));
afterAll(() => rmSync(parent, { recursive: true }));

test('what is dragged lies aside under its own name where nobody else can read it, and is gone in the end', () => {
  const dragged = new DraggedFiles(() => parent);
  const [one, again] = [Buffer.from('one'), Buffer.from('again')].map((bytes) => dragged.write(bytes, 'Ada Lovelace.pem')!);
  expect([basename(one!), readFileSync(one!, 'utf8'), basename(again!), readFileSync(again!, 'utf8')]).toEqual(['Ada Lovelace.pem', 'one', 'Ada Lovelace.pem', 'again']);
  if (process.platform !== 'win32') expect([statSync(one!).mode & 0o777, statSync(dirname(one!)).mode & 0o777, statSync(dirname(dirname(one!))).mode & 0o777]).toEqual([0o600, 0o700, 0o700]);
  dragged.clear();
  expect(readdirSync(parent)).toEqual([]);
  expect(existsSync(dragged.write(Buffer.from('x'), 'a.cer')!)).toBe(true);
  dragged.clear();
});

test('names that lead elsewhere or end as a program does are not written, nor is what are no bytes', () => {
  const dragged = new DraggedFiles(() => parent);
  for (const name of ['../a.pem', '/etc/a.pem', 'a/b.pem', 'a\\b.pem', '.a.pem', 'a.desktop', 'a.exe', 'a.pem.lnk', 'a.pem\n.exe', 'a\u202Emep.pem', '', 'pem', undefined, { name: 'a.pem' }, `${'a'.repeat(200)}.pem`]) expect(dragged.write(Buffer.from('x'), name), String(name)).toBeUndefined();
  for (const bytes of ['text', undefined, [1, 2], new Uint8Array(), new Uint8Array(16 * 1024 * 1024 + 1)]) expect(dragged.write(bytes, 'a.pem')).toBeUndefined();
  expect(readdirSync(parent)).toEqual([]);
});
