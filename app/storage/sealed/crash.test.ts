import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { storageKind, storageKinds } from '../registry.ts';
import { create, open, valueOf, watch } from './testing.ts';

/** Each kills one writer after some hundred writes; KEYWRIGHT_CRASH_ROUNDS asks for more. */
const ROUNDS = Number(process.env['KEYWRIGHT_CRASH_ROUNDS'] ?? 10);
const WRITER = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));

describe.each(storageKinds().filter((kind) => kind !== 'memory'))('a sealed store over %s', (name) => {
  let folder: string;
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'keywright-crash-')); });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('loses nothing that it acknowledged when its process is killed while it writes', { timeout: 60_000 + ROUNDS * 10_000 }, async () => {
    const kind = await storageKind(name);
    {
      await using raw = await kind.open({ folder, create: true });
      await (await create(raw))[Symbol.asyncDispose]();
    }
    const logged = new Map<number, string>();
    let written = -1;
    for (let round = 0; round < ROUNDS; round++) {
      const lines = await runAndKill([name, folder, String(written + 1)], Math.random() * 300);
      for (const line of lines) {
        const [what, first, second] = line.split(' ');
        if (what === 'put') written = Math.max(written, Number(first));
        else logged.set(Number(first), `entry ${second}`);
      }
      await using raw = await kind.open({ folder, create: false });
      await using store = await open(raw);
      expect(store.problems).toEqual([]);
      // The write that was under way may have been made or not, but wholly or not at all.
      const newest = Number(await valueOf(store, 'newest') ?? -1);
      expect([written, written + 1]).toContain(newest);
      for (let count = Math.max(0, newest - 499); count <= newest; count++) expect(await valueOf(store, `keys/${count % 500}`)).toBe(String(count));
      const last = await store.log.last();
      for (const number of logged.keys()) expect(number).toBeLessThanOrEqual(last);
      for (const { number, entry } of await store.log.read(1, last)) expect(Buffer.from(entry).toString()).toBe(logged.get(number) ?? Buffer.from(entry).toString());
      expect((await store.verify(watch)).problems).toEqual([]);
      written = newest;
    }
    expect(written).toBeGreaterThan(0);
  });
});

/** @returns the whole lines that the writer had printed when it was killed, `delay` milliseconds after its first one. */
function runAndKill(args: string[], delay: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRITER, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    let timer: NodeJS.Timeout | undefined;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      timer ??= setTimeout(() => child.kill('SIGKILL'), delay);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text; });
    child.on('close', (_code, signal) => {
      if (signal === 'SIGKILL') resolve(output.slice(0, output.lastIndexOf('\n') + 1).split('\n').filter(Boolean));
      else reject(new Error(`the writer ended by itself: ${errors}`));
    });
  });
}
