import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { DISK_KINDS, recoverForTest, SCRATCH, type DiskKind } from './open-for-test.ts';
import { SimulatedDisk, SURVIVALS, type Survival } from './simulated-disk.ts';
import { noTracing, readTrace, straceOf, type TraceEvent } from './trace.ts';
import { judge, judgeLog } from './writes.ts';

const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url));
const JOURNAL_WRITER = fileURLToPath(new URL('./journal-writer.ts', import.meta.url));
const WRITES = process.env['KEYWRIGHT_FULL'] === '1' ? 40 : 6;

const skipped = noTracing === undefined ? '' : ` (skipped: ${noTracing})`;

describe.skipIf(noTracing !== undefined)(`power loss, by a trace of system calls${skipped}`, () => {
  describe.each(DISK_KINDS)('%s', (kind) => {
    test('each acknowledgement follows the fsync of what it acknowledges, from every prefix of the calls all of it is recovered', { timeout: 600_000 }, async () => {
      const { events, folder } = trace(kind);
      const { states, breaches } = crashes(events, folder);
      // Each file is fsynced before it is renamed, and each folder before the journal lets go of what is in it.
      expect(breaches).toEqual([]);
      expect(states.at(-1)?.acknowledged).toBeGreaterThan(WRITES);
      for (const state of states) expect({ state, wrong: await recover(kind, events, folder, state) }).toEqual({ state, wrong: [] });
    });
  });
});

test.skipIf(noTracing !== undefined)(`a journal counts with what is durable, and its finished files are removed from the oldest on, each durably before the next, by a trace of system calls${skipped}`, { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'keywright-power-'));
  const [command, ...options] = straceOf(join(folder, 'trace'));
  const store = join(folder, 'store');
  mkdirSync(store);
  expect(spawnSync(command!, [...options, process.execPath, JOURNAL_WRITER, store], { encoding: 'utf8' })).toMatchObject({ stderr: '', stdout: expect.stringContaining('2') });
  const disk = new SimulatedDisk(store);
  const removed: string[] = [];
  for (const event of readTrace(join(folder, 'trace'))) {
    disk.apply(event);
    if (event.phase === 'end' && event.call === 'unlink') removed.push(basename(event.path));
    // Whoever is told of the last commit, which nobody had acknowledged, may rely on it.
    if (event.phase === 'start' && event.call === 'write' && event.descriptor === 1) expect(disk.restore(undefined, { names: 'all', contents: 'durable' })).toBe(disk.restore(undefined, { names: 'all', contents: 'all' }));
  }
  expect(removed).toEqual(['0000000000000001.journal', '0000000000000003.journal']);
  expect(disk.breaches).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

function trace(kind: DiskKind): { events: TraceEvent[]; folder: string } {
  const scratch = mkdtempSync(join(tmpdir(), 'keywright-power-'));
  const folder = join(scratch, 'store');
  const output = join(scratch, 'trace');
  mkdirSync(folder, { mode: 0o700 });
  const [command, ...options] = straceOf(output);
  // The second process finds what the first one left when it was killed: written, and not fsynced.
  const events = ['die', String(WRITES / 2)].flatMap((then) => {
    const ran = spawnSync(command!, [...options, process.execPath, WRITER, kind, folder, then === 'die' ? '1' : String(WRITES), then], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    expect(ran.stderr).toBe('');
    if (then === 'die') expect(ran.signal).toBe('SIGKILL');
    else expect(ran.stdout).toContain('closed');
    return readTrace(output);
  });
  rmSync(scratch, { recursive: true, force: true });
  return { events, folder };
}

interface Crash {
  /** The number of calls that were made. */
  readonly after: number;
  readonly survival: Survival;
  readonly acknowledged: number;
  /** The newest entry of the log that was acknowledged, and the newest that was flushed. */
  readonly logged: number;
  readonly flushed: number;
}

/** @returns every state that a crash can leave, once. */
function crashes(events: readonly TraceEvent[], folder: string): { states: Crash[]; breaches: readonly string[] } {
  const disk = new SimulatedDisk(folder);
  const states: Crash[] = [];
  const seen = new Set<string>();
  const told = { acknowledged: 0, logged: 0, flushed: 0 };
  for (const [index, event] of events.entries()) {
    const changed = disk.apply(event);
    const acknowledged = event.phase === 'start' && event.descriptor === 1 && event.call === 'write';
    if (acknowledged) hear(event.data!.toString(), told);
    if (!changed && !acknowledged) continue;
    for (const survival of SURVIVALS) {
      const state = createHash('sha256').update(JSON.stringify([disk.restore(undefined, survival), told, survival.contents])).digest('hex');
      if (seen.has(state)) continue;
      seen.add(state);
      states.push({ after: index + 1, survival, ...told });
    }
  }
  return { states, breaches: disk.breaches };
}

function hear(line: string, told: { acknowledged: number; logged: number; flushed: number }): void {
  const [, what, number] = /^(log |flushed )?(\d+)$/.exec(line.trim()) ?? [];
  if (number === undefined) return;
  told[what === undefined ? 'acknowledged' : what === 'log ' ? 'logged' : 'flushed'] = Number(number);
}

/** Opens what a crash left. @returns what is wrong, as sentences. */
async function recover(kind: DiskKind, events: readonly TraceEvent[], folder: string, { after, survival, acknowledged, logged, flushed }: Crash): Promise<string[]> {
  const disk = new SimulatedDisk(folder);
  for (const event of events.slice(0, after)) disk.apply(event);
  const restored = mkdtempSync(join(SCRATCH, 'keywright-power-'));
  try {
    disk.restore(restored, survival);
    await using storage = await recoverForTest(kind, restored);
    const killed = survival.names === 'all' && survival.contents === 'all';
    return [...(await judge(storage, acknowledged)), ...(await judgeLog(storage, killed ? logged : flushed))];
  } catch (thrown) {
    return [`it does not open: ${(thrown as Error).message} ${String((thrown as Error).cause ?? '')}`];
  } finally {
    rmSync(restored, { recursive: true, force: true });
  }
}
