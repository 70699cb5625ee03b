import { closeSync, fdatasync, fsyncSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, unlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, writeFully } from './disk.ts';
import { closed, corrupt, storageError } from './faults.ts';
import { FRAME_HEADER, markOf, scanFrames, sealFrame, type Scan } from './frames.ts';
import { requireGroup, requireLogEntry } from './limits.ts';
import type { AppendLog } from './storage.ts';

export interface AppendLogOptions {
  /** A file this long is finished, and a new one begun. */
  readonly segmentBytes?: number;
  /** Milliseconds from the first write to the start of the fsync of its group: well within the 50 that are promised. */
  readonly groupDelay?: number;
}

interface Segment {
  readonly path: string;
  /** The number of its first entry, which is its file's name. */
  readonly first: number;
}

interface Waiting {
  readonly number: number;
  readonly resolve: (number: number) => void;
  readonly reject: (thrown: unknown) => void;
}

/**
 * The append log of all storages on disk: frames (see `frames.ts`) in files of about 4 MiB in `folder`, each named by
 * the number of its first entry.
 *
 * Entries of one turn of the event loop go into one write(2), made at once rather than on the thread pool: into the page cache it
 * takes microseconds, and the pool may be busy with signatures for milliseconds. Only fsync goes to the pool.
 */
export class FileAppendLog implements AppendLog {
  readonly #folder: string;
  readonly #segmentBytes: number;
  readonly #groupDelay: number;
  readonly #segments: Segment[];
  #file: number;
  /** Where the next frame goes in the file. */
  #position: number;
  /** Where the file ends for sure: up to here it is durable. */
  #durablePosition: number;
  #written: number;
  #durable: number;

  #batch = Buffer.allocUnsafeSlow(16 * 1024);
  #batched = 0;
  #batchedEntries = 0;
  #waiting: Waiting[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;
  /** A failed write may have left some of its bytes behind. */
  #tailDirty = false;
  /** After a failed fsync the kernel takes the pages for clean: they must be written again. */
  #rewrite = false;
  #closed = false;

  /** @throws STORAGE_READ_ONLY, STORAGE_FULL. Damage is told by {@link read}, so that all other entries still can be. */
  constructor(folder: string, { segmentBytes = 4 * 1024 * 1024, groupDelay = 20 }: AppendLogOptions = {}) {
    this.#folder = folder;
    this.#segmentBytes = segmentBytes;
    this.#groupDelay = groupDelay;
    try {
      if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) syncFolder(dirname(folder));
      this.#segments = segmentsIn(folder);
      const newest = this.#segments.at(-1);
      if (newest === undefined) {
        this.#file = this.#begin(1);
        this.#position = 0;
        this.#written = 0;
      } else {
        const contents = readFileSync(newest.path);
        const { end, next } = scanFrames(contents, newest.first);
        this.#file = openSync(newest.path, 'r+');
        // What was read may be in the page cache alone, after a kill.
        fsyncSync(this.#file);
        this.#position = end;
        this.#written = next - 1;
        if (end < contents.length) {
          // A torn tail stays where it is, behind the last entry: it is not ours to destroy.
          closeSync(this.#file);
          if (end === 0) {
            renameSync(newest.path, `${newest.path}.torn`);
            this.#segments.pop();
          }
          this.#file = this.#begin(next);
          this.#position = 0;
        }
      }
    } catch (thrown) {
      throw storageError(thrown);
    }
    this.#durable = this.#written;
    this.#durablePosition = this.#position;
  }

  append(entry: Uint8Array): Promise<number> {
    const appended = this.#batchUp(entry, 1);
    if (this.#waiting.length > 0) this.#scheduled ??= setImmediate(() => this.#write());
    return appended;
  }

  /** All in one frame. Writes before it returns, with whatever waits. */
  appendGroup(group: Uint8Array, count: number): Promise<number> {
    const appended = this.#batchUp(group, count);
    this.#write();
    return appended;
  }

  /** @returns the number of the first, once it is written. */
  #batchUp(entry: Uint8Array, count: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    try {
      if (this.#closed) throw closed();
      requireLogEntry(entry);
      requireGroup(count);
    } catch (thrown) {
      reject(thrown);
      return promise;
    }
    const number = this.#written + this.#batchedEntries + 1;
    this.#reserve(FRAME_HEADER + entry.byteLength);
    this.#batch.set(entry, this.#batched + FRAME_HEADER);
    sealFrame(this.#batch, this.#batched, number, this.#durable, entry.byteLength, { further: count - 1 });
    this.#batched += FRAME_HEADER + entry.byteLength;
    this.#batchedEntries += count;
    this.#waiting.push({ number, resolve, reject });
    return promise;
  }

  async flush(): Promise<void> {
    this.#write();
    const target = this.#written;
    while (this.#durable < target || this.#rewrite) {
      await this.#startSync();
    }
  }

  async last(): Promise<number> {
    return this.#written;
  }

  async read(from: number, limit: number): Promise<readonly { readonly number: number; readonly entry: Uint8Array }[]> {
    const found: { number: number; entry: Uint8Array }[] = [];
    const last = this.#written;
    let next = Math.max(from, 1);
    while (next <= last && found.length < limit) {
      const { contents, scan } = await this.#contentsWith(next);
      const start = scan.frames.findIndex(({ number }) => number >= next);
      for (const frame of start === -1 ? [] : scan.frames.slice(start)) {
        if (frame.number !== next || frame.number > last || found.length === limit) break;
        found.push({ number: frame.number, entry: new Uint8Array(contents.subarray(frame.start, frame.end)) });
        next += 1;
      }
      const damage = scan.damaged.find(({ from, to }) => next >= from && next <= to);
      if (damage === undefined) continue;
      // What could be read is told first; who asks on from there hears of the damage.
      if (found.length > 0) return found;
      throw corrupt(`log entry ${next}`, damage.to > damage.from ? `Entries ${next} to ${damage.to} cannot be read.` : 'It cannot be read.');
    }
    return found;
  }

  /** @returns the numbers of all entries that were durable once and cannot be read. */
  async damaged(): Promise<readonly { readonly from: number; readonly to: number }[]> {
    const all: { from: number; to: number }[] = [];
    const [oldest] = this.#segments;
    if (oldest !== undefined && oldest.first > 1) all.push({ from: 1, to: oldest.first - 1 });
    for (const { first } of this.#segments) {
      if (first > this.#written) break;
      all.push(...(await this.#contentsWith(first)).scan.damaged);
    }
    return all;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      clearTimeout(this.#timer);
      closeSync(this.#file);
    }
  }

  async #contentsWith(number: number): Promise<{ contents: Buffer; scan: Scan }> {
    const index = this.#segments.findLastIndex(({ first }) => first <= number);
    const segment = this.#segments[index];
    if (segment === undefined) throw corrupt(`log entry ${number}`, 'The file that held it is gone.');
    const following = this.#segments[index + 1];
    // The newest file is complete up to what this process wrote: it began with a scan, and extended that.
    const complete = following === undefined ? this.#written : following.first - 1;
    const length = following === undefined ? this.#position : undefined;
    try {
      const contents = await readFile(segment.path);
      const whole = length === undefined ? contents : contents.subarray(0, length);
      return { contents: whole, scan: scanFrames(whole, segment.first, complete) };
    } catch (thrown) {
      throw storageError(thrown);
    }
  }

  #reserve(bytes: number): void {
    if (this.#batched + bytes <= this.#batch.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#batch.length * 2, this.#batched + bytes));
    this.#batch.copy(larger, 0, 0, this.#batched);
    this.#batch = larger;
  }

  #write(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    const bytes = this.#batch.subarray(0, this.#batched);
    const entries = this.#batchedEntries;
    this.#waiting = [];
    this.#batched = 0;
    this.#batchedEntries = 0;
    try {
      if (this.#tailDirty) this.#dropTail();
      if (this.#position >= this.#segmentBytes) this.#roll();
      writeFully(this.#file, bytes, this.#position);
    } catch (thrown) {
      this.#tailDirty = true;
      const error = storageError(thrown);
      try {
        this.#dropTail();
      } catch {
        // Tried again before the next write.
      }
      for (const { reject } of waiting) reject(error);
      return;
    }
    this.#position += bytes.length;
    this.#written += entries;
    if (this.#batch.length > 1024 * 1024) this.#batch = Buffer.allocUnsafeSlow(16 * 1024);
    this.#timer ??= setTimeout(() => this.#syncGroup(), this.#groupDelay);
    for (const { number, resolve } of waiting) resolve(number);
  }

  #dropTail(): void {
    ftruncateSync(this.#file, this.#position);
    this.#tailDirty = false;
  }

  #syncGroup(): void {
    this.#timer = undefined;
    // Whoever must know awaits `flush`, which tries again and tells.
    this.#startSync().catch(() => undefined);
  }

  #startSync(): Promise<void> {
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  async #sync(): Promise<void> {
    const target = this.#written;
    const position = this.#position;
    const file = this.#file;
    try {
      if (this.#rewrite) this.#rewriteTail();
      await new Promise<void>((resolve, reject) => fdatasync(file, (error) => (error === null ? resolve() : reject(error))));
    } catch (thrown) {
      // A file that was finished meanwhile has been fsynced then.
      if (file !== this.#file) return;
      this.#rewrite = true;
      throw storageError(thrown);
    }
    if (file !== this.#file) return;
    this.#durable = Math.max(this.#durable, target);
    this.#durablePosition = Math.max(this.#durablePosition, position);
    if (this.#written > target) {
      if (!this.#closed) this.#timer ??= setTimeout(() => this.#syncGroup(), this.#groupDelay);
    } else this.#mark();
  }

  /** Notes that all is durable, for whoever opens the file after a crash. Without it a little less is known, no more. */
  #mark(): void {
    try {
      if (this.#tailDirty) this.#dropTail();
      const mark = markOf(this.#written);
      writeFully(this.#file, mark, this.#position);
      this.#position += mark.length;
    } catch {
      this.#tailDirty = true;
    }
  }

  #rewriteTail(): void {
    const bytes = Buffer.alloc(this.#position - this.#durablePosition);
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.#file, bytes, done, bytes.length - done, this.#durablePosition + done);
      if (read === 0) break;
      done += read;
    }
    writeFully(this.#file, bytes, this.#durablePosition);
    this.#rewrite = false;
  }

  /** Finishes the file and begins the next. Rare enough to wait for the disk, so that no file follows one with a torn tail. */
  #roll(): void {
    if (this.#rewrite) this.#rewriteTail();
    fsyncSync(this.#file);
    const file = this.#begin(this.#written + 1);
    closeSoon(this.#file, this.#syncing);
    this.#file = file;
    this.#position = 0;
    this.#durablePosition = 0;
    this.#durable = this.#written;
  }

  #begin(first: number): number {
    const path = join(this.#folder, `${String(first).padStart(16, '0')}.log`);
    const file = openSync(path, 'w+', 0o600);
    try {
      syncFolder(this.#folder);
    } catch (thrown) {
      // Left behind, it would end the file before it too early.
      closeSync(file);
      unlinkSync(path);
      throw thrown;
    }
    this.#segments.push({ path, first });
    return file;
  }
}

function segmentsIn(folder: string): Segment[] {
  return readdirSync(folder)
    .filter((name) => /^\d{16}\.log$/.test(name))
    .sort()
    .map((name) => ({ path: join(folder, name), first: Number(name.slice(0, 16)) }));
}

/** A number must not name another file while an fsync of it is under way. */
function closeSoon(file: number, syncing: Promise<void> | undefined): void {
  if (syncing === undefined) closeSync(file);
  else void syncing.catch(() => undefined).finally(() => closeSync(file));
}
