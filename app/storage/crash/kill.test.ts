import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { DISK_KINDS, openForTest, SCRATCH, type DiskKind } from './open-for-test.ts';
import { judge, judgeLog, newestWrite } from './writes.ts';

const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url));
const WRITES = 10_000;
const KILLS = 20;
/** Milliseconds: more than it takes to write a twentieth of them. */
const LONGEST = 1000;

test.each(DISK_KINDS)(`%s: killed with SIGKILL at ${KILLS} or more random moments of ${WRITES} writes, nothing acknowledged is lost and nothing is unreadable`, { timeout: 900_000 }, async (kind) => {
  const folder = await mkdtemp(join(SCRATCH, 'keywright-kill-'));
  let acknowledged = 0;
  let logged = 0;
  let kills = 0;
  let judged = 0;
  while (acknowledged < WRITES || kills < KILLS) {
    // Some die while they open.
    const delay = kills % 5 === 0 ? undefined : Math.random() * LONGEST;
    const seen = await runAndKill(kind, folder, delay);
    acknowledged = Math.max(acknowledged, seen.acknowledged);
    logged = Math.max(logged, seen.logged);
    kills += 1;
    await using storage = await openForTest(kind, folder);
    expect(await judge(storage, acknowledged, judged - 10)).toEqual([]);
    expect(await judgeLog(storage, logged)).toEqual([]);
    // What was under way counts from now on.
    acknowledged = await newestWrite(storage);
    judged = acknowledged;
  }
  await using storage = await openForTest(kind, folder);
  expect(await judge(storage, acknowledged)).toEqual([]);
  await rm(folder, { recursive: true, force: true });
});

/** @param delay milliseconds after it is open; without, a moment before that. */
async function runAndKill(kind: DiskKind, folder: string, delay: number | undefined): Promise<{ acknowledged: number; logged: number }> {
  const child = spawn(process.execPath, [WRITER, kind, folder, '100000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const seen = { acknowledged: 0, logged: 0 };
  const opened = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'open') resolve();
      else if (line.startsWith('log ')) seen.logged = Number(line.slice(4));
      else if (line.startsWith('flushed ')) return;
      else seen.acknowledged = Number(line);
    });
  });
  if (delay === undefined) await sleep(40 + Math.random() * 100);
  else {
    await Promise.race([opened, gone]);
    await sleep(delay);
  }
  child.kill('SIGKILL');
  await gone;
  // Its last lines may still be in the pipe.
  await new Promise((resolve) => (child.stdout.readableEnded ? resolve(undefined) : child.stdout.once('close', resolve)));
  return seen;
}
