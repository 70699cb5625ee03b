import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SCRATCH } from '../crash/open-for-test.ts';
import { storageKind, storageKinds } from '../registry.ts';
import { create, open, valueOf, watch } from './testing.ts';

const WRITES = 10_000;
const KILLS = 20;
/** Milliseconds: more than it takes to write a twentieth of them. */
const LONGEST = 1000;
const WRITER = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));

describe.each(storageKinds().filter((kind) => kind !== 'memory'))('a sealed store over %s', (name) => {
  let folder: string;
  beforeEach(async () => { folder = await mkdtemp(join(SCRATCH, 'keywright-crash-')); });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test(`loses nothing that it acknowledged when its process is killed at ${KILLS} or more random moments of ${WRITES} writes`, { timeout: 900_000 }, async () => {
    const kind = await storageKind(name);
    {
      await using raw = await kind.open({ folder, create: true });
      await (await create(raw))[Symbol.asyncDispose]();
    }
    const logged = new Map<number, string>();
    let written = -1;
    for (let kills = 0; kills < KILLS || written < WRITES; kills++) {
      const lines = await runAndKill([name, folder, String(written + 1)], Math.random() * LONGEST);
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
