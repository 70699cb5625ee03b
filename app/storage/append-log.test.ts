import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FileAppendLog, type AppendLogOptions } from './append-log.ts';
import { FRAME_HEADER, frameOf, markOf, scanFrames } from './frames.ts';

let folder: string;
const open = (options: AppendLogOptions = {}) => new FileAppendLog(join(folder, 'log'), options);
const entryOf = (number: number): Buffer => Buffer.from(`entry ${number} ${'.'.repeat(number % 60)}`);
const files = (): string[] => readdirSync(join(folder, 'log')).sort().map((name) => join(folder, 'log', name));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-log-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function written(count: number, options: AppendLogOptions = {}): Promise<void> {
  const log = open(options);
  for (let number = 1; number <= count; number++) await log.append(entryOf(number));
  await log.close();
}

async function readable(log: FileAppendLog): Promise<{ numbers: number[]; damaged: string[] }> {
  const numbers: number[] = [];
  const damaged: string[] = [];
  for (let from = 1; from <= (await log.last()); ) {
    try {
      const entries = await log.read(from, 7);
      for (const { number, entry } of entries) if (entryOf(number).equals(entry)) numbers.push(number);
      from = entries.at(-1)!.number + 1;
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'CORRUPT_RECORD' });
      damaged.push((thrown as { facts: { where: string } }).facts.where);
      from += 1;
    }
  }
  return { numbers, damaged };
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

describe('the append log on disk', () => {
  test('goes over several files, and reads across them', async () => {
    await written(500, { segmentBytes: 1000 });
    expect(files().length).toBeGreaterThan(10);
    const log = open({ segmentBytes: 1000 });
    expect(await log.append(entryOf(501))).toBe(501);
    expect(await readable(log)).toEqual({ numbers: upTo(501), damaged: [] });
    expect((await log.read(250, 200)).map(({ number }) => number)).toEqual(upTo(449).slice(249));
    await log.close();
  });

  test.each([1, 10, 23, 24, 30])('drops a torn last entry of which %i bytes were written, keeps them, and goes on with its number', async (bytes) => {
    await written(5);
    const torn = frameOf(6, 5, [entryOf(6)]).subarray(0, bytes);
    appendFileSync(files()[0]!, torn);
    const before = readFileSync(files()[0]!);
    const log = open();
    expect(await log.last()).toBe(5);
    expect(await log.append(entryOf(6))).toBe(6);
    await log.close();
    expect(readFileSync(files()[0]!).equals(before)).toBe(true);
    const again = open();
    expect(await readable(again)).toEqual({ numbers: upTo(6), damaged: [] });
    await again.close();
  });

  test('drops a torn first entry', async () => {
    await open().close();
    writeFileSync(files()[0]!, frameOf(1, 0, [entryOf(1)]).subarray(0, 25));
    const log = open();
    expect(await log.append(entryOf(1))).toBe(1);
    expect(await readable(log)).toEqual({ numbers: [1], damaged: [] });
    await log.close();
  });

  test('tells an entry that was damaged, reads all others, and goes on', async () => {
    await written(300, { segmentBytes: 4000 });
    for (const [file, number] of files().slice(0, 3).map((path) => [path, Number(path.match(/(\d+)\.log/)![1]) + 2] as const)) {
      const bytes = readFileSync(file);
      const at = bytes.indexOf(entryOf(number));
      bytes[at] = bytes[at]! ^ 1;
      writeFileSync(file, bytes);
    }
    const log = open({ segmentBytes: 4000 });
    expect(await log.append(entryOf(301))).toBe(301);
    const { numbers, damaged } = await readable(log);
    expect(damaged).toHaveLength(3);
    expect(numbers).toHaveLength(298);
    expect((await log.damaged()).map(({ from }) => `log entry ${from}`)).toEqual(damaged);
    await log.close();
  });

  test('tells the last entry as well, once it was durable', async () => {
    await written(9);
    const bytes = readFileSync(files()[0]!);
    bytes[bytes.indexOf(entryOf(9))] = 0;
    writeFileSync(files()[0]!, bytes);
    const log = open();
    expect(await readable(log)).toEqual({ numbers: upTo(8), damaged: ['log entry 9'] });
    await log.close();
  });

  test('tells what is missing of a file that was cut short in the middle of the log', async () => {
    await written(300, { segmentBytes: 4000 });
    truncateSync(files()[1]!, 500);
    const log = open({ segmentBytes: 4000 });
    const { numbers, damaged } = await readable(log);
    expect(await log.last()).toBe(300);
    expect(numbers.length + damaged.length).toBe(300);
    expect(damaged.length).toBeGreaterThan(5);
    await log.close();
  });

  test('makes entries durable on its own, and notes it', async () => {
    const log = open();
    await log.append(entryOf(1));
    await vi.waitFor(() => expect(readFileSync(files()[0]!).includes(markOf(1))).toBe(true), { timeout: 10_000 });
    await log.close();
  });

  test('takes no entry after it was closed', async () => {
    const log = open();
    await log.close();
    await expect(log.append(entryOf(1))).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });
});

describe('frames', () => {
  const file = Buffer.concat([...upTo(6).map((number) => frameOf(number, Math.max(0, number - 3), [entryOf(number)])), markOf(6)]);
  const numbersIn = (bytes: Buffer) => scanFrames(bytes, 1).frames.map(({ number }) => number);

  test('cut off anywhere, are those that are whole', () => {
    for (let length = 0; length <= file.length; length++) {
      const { frames, damaged, end, next } = scanFrames(file.subarray(0, length), 1);
      expect(damaged).toEqual([]);
      expect(frames.map(({ number }) => number)).toEqual(upTo(next - 1));
      expect(end).toBeLessThanOrEqual(length);
      expect(length - end).toBeLessThan(FRAME_HEADER + 60);
    }
  });

  test('of several entries are there whole or not at all, cut off anywhere or with any bit changed', async () => {
    const log = open();
    await log.append(entryOf(1));
    await log.appendGroup(Buffer.from('two to five'), 4);
    await log.appendGroup(Buffer.from('six to eight'), 3);
    const whole = readFileSync(files()[0]!);
    await log.close();
    expect(numbersIn(whole)).toEqual(upTo(8));
    for (let length = 0; length < whole.length; length++) expect([0, 1, 5]).toContain(scanFrames(whole.subarray(0, length), 1).next - 1);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = changed[at]! ^ 0x10;
      expect([0, 1, 5]).toContain(scanFrames(changed, 1).next - 1);
    }
  });

  test('of several entries, damaged once they were durable, are told with all their numbers', async () => {
    const log = open();
    await log.append(entryOf(1));
    await log.appendGroup(Buffer.from('two to five'), 4);
    await log.append(entryOf(6));
    await log.close();
    const bytes = readFileSync(files()[0]!);
    bytes[bytes.indexOf('two to five')] = 0;
    writeFileSync(files()[0]!, bytes);
    const again = open();
    expect(await again.damaged()).toMatchObject([{ from: 2, to: 5 }]);
    await expect(again.read(3, 1)).rejects.toMatchObject({ code: 'CORRUPT_RECORD', facts: { where: 'log entry 3' } });
    expect((await again.read(6, 1))[0]!.number).toBe(6);
    await again.close();
  });

  test('with any one bit changed, are all but the one that has it', () => {
    for (let at = 0; at < file.length - FRAME_HEADER; at++) {
      const changed = Buffer.from(file);
      changed[at] = changed[at]! ^ 0x10;
      const { damaged, next } = scanFrames(changed, 1);
      expect(damaged).toHaveLength(1);
      expect(next).toBe(7);
      expect(numbersIn(changed)).toEqual(upTo(6).filter((number) => number !== damaged[0]!.from));
    }
  });

  test('that nothing tells to have been durable are dropped from the first that does not check out', () => {
    const tail = Buffer.concat([file, ...[7, 8, 9].map((number) => frameOf(number, 6, [entryOf(number)]))]);
    const changed = Buffer.from(tail);
    changed[file.length + FRAME_HEADER] = 0;
    expect(scanFrames(changed, 1)).toMatchObject({ damaged: [], end: file.length, next: 7 });
    expect(numbersIn(changed)).toEqual(upTo(6));
  });

  test('of no use are skipped: another file’s entries are not taken for this one’s', () => {
    expect(scanFrames(file.subarray(0, file.length - FRAME_HEADER), 7)).toMatchObject({ frames: [], end: 0, next: 7 });
  });
});
