import { closeSync, fdatasync, fsyncSync, ftruncateSync, openSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { syncFolder, writeFully } from '../disk.ts';
import { corrupt } from '../faults.ts';
import { frameOf, scanFrames } from '../frames.ts';

/** A record as it will lie in its file, or undefined for one that is deleted. */
export type Change = readonly [key: string, record: Buffer | undefined];

const PUT = 1;
const DELETE = 0;

/**
 * The changes that are not yet in the records' own files. A commit is one frame (see `frames.ts`), made durable by one
 * fsync: that is its acknowledgement. Files are named by the number of their first commit; once all changes of a file are
 * in the records' files, durably, it is removed.
 */
export class Journal {
  readonly #folder: string;
  /** All files, the newest last. */
  readonly #paths: string[];
  #file: number;
  #position: number;
  #next: number;
  #tailDirty = false;

  private constructor(folder: string, paths: string[], file: number, position: number, next: number) {
    this.#folder = folder;
    this.#paths = paths;
    this.#file = file;
    this.#position = position;
    this.#next = next;
  }

  /** @returns the journal, and the changes that it holds in their order. @throws CORRUPT_RECORD for damage in a commit that was acknowledged. */
  static open(folder: string): { readonly journal: Journal; readonly changes: readonly Change[] } {
    const paths = readdirSync(folder).filter((name) => /^\d{16}\.journal$/.test(name)).sort().map((name) => join(folder, name));
    const changes: Change[] = [];
    let position = 0;
    let next = 1;
    for (const [index, path] of paths.entries()) {
      const first = Number(basename(path).slice(0, 16));
      const following = paths[index + 1];
      const contents = readFileSync(path);
      const scan = scanFrames(contents, first, following === undefined ? undefined : Number(basename(following).slice(0, 16)) - 1);
      if (scan.damaged.length > 0) throw corrupt(`journal/${basename(path)}`, `Changes ${scan.damaged[0]!.from} to ${scan.damaged[0]!.to} cannot be read.`);
      for (const { start, end } of scan.frames) changes.push(...decodeChanges(contents.subarray(start, end), path));
      position = scan.end;
      next = scan.next;
    }
    const newest = paths.at(-1);
    if (newest === undefined) return { journal: Journal.begin(folder), changes };
    const file = openSync(newest, 'r+');
    try {
      ftruncateSync(file, position);
      // A commit that was not acknowledged may be whole and in the page cache alone: from now on it counts.
      fsyncSync(file);
    } catch (thrown) {
      closeSync(file);
      throw thrown;
    }
    return { journal: new Journal(folder, paths, file, position, next), changes };
  }

  /** Begins the first file of a new storage. */
  static begin(folder: string): Journal {
    const path = join(folder, nameOf(1));
    return new Journal(folder, [path], create(folder, path), 0, 1);
  }

  /** How much is in the newest file. */
  get bytes(): number {
    return this.#position;
  }

  /** Makes one commit durable. @throws as the disk does; nothing of it is left then. */
  async append(changes: readonly Change[]): Promise<void> {
    const frame = frameOf(this.#next, this.#next - 1, changes.flatMap(encodeChange));
    try {
      if (this.#tailDirty) this.#dropTail();
      writeFully(this.#file, frame, this.#position);
      await new Promise<void>((resolve, reject) => fdatasync(this.#file, (error) => (error === null ? resolve() : reject(error))));
    } catch (thrown) {
      this.#tailDirty = true;
      try {
        this.#dropTail();
      } catch {
        // Tried again before the next commit.
      }
      throw thrown;
    }
    this.#position += frame.length;
    this.#next += 1;
  }

  /** Begins another file. @returns the finished ones, to be removed when what they hold is elsewhere. */
  rotate(): readonly string[] {
    if (this.#tailDirty) this.#dropTail();
    if (this.#position > 0) {
      const path = join(this.#folder, nameOf(this.#next));
      const file = create(this.#folder, path);
      closeSync(this.#file);
      this.#file = file;
      this.#position = 0;
      this.#paths.push(path);
    }
    return this.#paths.slice(0, -1);
  }

  /**
   * Removes finished files, the oldest first, and each durably before the next (of the last one, the next
   * {@link rotate} sees to it), so that an older change is never replayed over a newer one.
   */
  remove(paths: readonly string[]): void {
    for (const [index, path] of paths.entries()) {
      if (index > 0) syncFolder(this.#folder);
      unlinkSync(path);
      this.#paths.splice(this.#paths.indexOf(path), 1);
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #dropTail(): void {
    ftruncateSync(this.#file, this.#position);
    fsyncSync(this.#file);
    this.#tailDirty = false;
  }
}

function nameOf(first: number): string {
  return `${String(first).padStart(16, '0')}.journal`;
}

function create(folder: string, path: string): number {
  const file = openSync(path, 'w+', 0o600);
  try {
    syncFolder(folder);
    return file;
  } catch (thrown) {
    closeSync(file);
    unlinkSync(path);
    throw thrown;
  }
}

function encodeChange([key, record]: Change): Buffer[] {
  const bytes = record ?? Buffer.from(key, 'latin1');
  const head = Buffer.alloc(5);
  head.writeUInt8(record === undefined ? DELETE : PUT, 0);
  head.writeUInt32LE(bytes.length, 1);
  // A put tells its key in the record's own head.
  return [head, bytes];
}

function decodeChanges(commit: Buffer, path: string): Change[] {
  const changes: Change[] = [];
  for (let offset = 0; offset < commit.length; ) {
    const bytes = Buffer.from(commit.subarray(offset + 5, offset + 5 + commit.readUInt32LE(offset + 1)));
    if (commit.readUInt8(offset) === DELETE) changes.push([bytes.toString('latin1'), undefined]);
    else changes.push([keyIn(bytes, path), bytes]);
    offset += 5 + bytes.length;
  }
  return changes;
}

function keyIn(record: Buffer, path: string): string {
  if (record.length < 24) throw corrupt(`journal/${basename(path)}`, 'It holds a change that is no record.');
  return record.toString('latin1', 24, 24 + record.readUInt16LE(4));
}
