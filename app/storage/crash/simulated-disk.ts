import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TraceEvent } from './trace.ts';

interface File {
  readonly kind: 'file';
  content: Buffer;
  durable: Buffer;
}

interface Folder {
  readonly kind: 'folder';
  entries: Map<string, Node>;
  durable: Map<string, Node>;
}

type Node = File | Folder;

/**
 * What survives a crash: `all` that was written (the process was killed), or only what an fsync covered (`durable`: the
 * power failed and the disk had written nothing on its own), for names in folders and contents of files apart. `even` and
 * `odd`: of what no fsync covered, every other sector was written, so that writes are torn and in another order.
 */
export interface Survival {
  readonly names: 'all' | 'durable';
  readonly contents: 'all' | 'durable' | 'even' | 'odd';
}

/** What a disk writes whole or not at all. */
const SECTOR = 512;

export const SURVIVALS: readonly Survival[] = [
  { names: 'all', contents: 'all' },
  { names: 'durable', contents: 'durable' },
  { names: 'all', contents: 'durable' },
  { names: 'durable', contents: 'all' },
  { names: 'all', contents: 'even' },
  { names: 'all', contents: 'odd' },
];

/** A folder as a trace of system calls left it, in memory and on the disk (fsync(2): a new name needs an fsync of its folder). */
export class SimulatedDisk {
  readonly #root: Folder = { kind: 'folder', entries: new Map(), durable: new Map() };
  readonly #path: string;
  /** What fsyncs that are under way will have made durable, by descriptor and file. */
  readonly #syncing = new Map<string, Buffer | Map<string, Node>>();
  /** Breaches of the order that durability needs, as sentences. */
  readonly breaches: string[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns whether the call changed anything here. */
  apply(event: TraceEvent): boolean {
    const { call, phase, path } = event;
    if (path !== this.#path && !path.startsWith(`${this.#path}/`)) return false;
    if (call === 'fsync' || call === 'fdatasync') {
      this.#sync(event);
      return phase === 'end';
    }
    if (phase === 'start' || path === this.#path) return false;
    switch (call) {
      case 'openat':
        return this.#open(event);
      case 'mkdir':
        this.#parent(path).entries.set(basename(path), { kind: 'folder', entries: new Map(), durable: new Map() });
        return true;
      case 'write':
      case 'pwrite64': {
        const file = this.#file(path);
        const at = call === 'write' ? file.content.length : event.number;
        const content = Buffer.alloc(Math.max(file.content.length, at + event.data!.length));
        file.content.copy(content);
        event.data!.copy(content, at);
        file.content = content;
        return true;
      }
      case 'ftruncate': {
        const file = this.#file(path);
        const content = Buffer.alloc(event.number);
        file.content.copy(content);
        file.content = content;
        return true;
      }
      case 'rename':
        this.#rename(path, event.to!);
        return true;
      case 'unlink':
        this.#unlink(path);
        return true;
      default:
        throw new Error(`${call} is not simulated`);
    }
  }

  /** Makes the folder `path` as a crash at this moment leaves it. @returns a text that is the same for the same state. */
  restore(path: string | undefined, survival: Survival): string {
    return restoreFolder(this.#root, path, survival);
  }

  #open({ path, flags }: TraceEvent): boolean {
    const parent = this.#parent(path);
    const there = parent.entries.get(basename(path));
    if (there === undefined && flags.includes('O_CREAT')) {
      parent.entries.set(basename(path), { kind: 'file', content: Buffer.alloc(0), durable: Buffer.alloc(0) });
      return true;
    }
    if (there?.kind !== 'file' || !flags.includes('O_TRUNC') || there.content.length === 0) return false;
    there.content = Buffer.alloc(0);
    return true;
  }

  #sync({ phase, path, descriptor }: TraceEvent): void {
    const node = path === this.#path ? this.#root : this.#node(path);
    const id = `${descriptor} ${path}`;
    if (phase === 'start') this.#syncing.set(id, node.kind === 'file' ? node.content : new Map(node.entries));
    else if (node.kind === 'file') node.durable = this.#syncing.get(id) as Buffer;
    else node.durable = this.#syncing.get(id) as Map<string, Node>;
  }

  #rename(from: string, to: string): void {
    const node = this.#node(from);
    if (node.kind === 'file' && !node.content.equals(node.durable)) this.breaches.push(`${from} was renamed before it was fsynced`);
    this.#parent(from).entries.delete(basename(from));
    this.#parent(to).entries.set(basename(to), node);
  }

  #unlink(path: string): void {
    if (path.endsWith('.journal')) {
      // One that is older and comes back, or is still there, would be replayed over the newer changes.
      const { entries, durable } = this.#parent(path);
      const older = [...new Set([...entries.keys(), ...durable.keys()])].filter((name) => name.endsWith('.journal') && name < basename(path));
      if (older.length > 0) this.breaches.push(`${path} was removed before it was durable that ${older.join(', ')} is gone`);
      const records = this.#node(join(this.#path, 'records')) as Folder;
      for (const [name, shard] of records.entries) {
        const { entries, durable } = shard as Folder;
        const behind = [...new Set([...entries.keys(), ...durable.keys()])].filter((file) => entries.get(file) !== durable.get(file) && !file.endsWith('.new'));
        if (behind.length > 0) this.breaches.push(`${path} was removed before the folder ${name} was fsynced (${behind.join(', ')})`);
      }
    }
    this.#parent(path).entries.delete(basename(path));
  }

  #parent(path: string): Folder {
    const folder = dirname(path) === this.#path ? this.#root : this.#node(dirname(path));
    if (folder.kind !== 'folder') throw new Error(`${path} is in no folder`);
    return folder;
  }

  #node(path: string): Node {
    const node = this.#parent(path).entries.get(basename(path));
    if (node === undefined) throw new Error(`${path} is unknown`);
    return node;
  }

  #file(path: string): File {
    const node = this.#node(path);
    if (node.kind !== 'file') throw new Error(`${path} is no file`);
    return node;
  }
}

function restoreFolder(folder: Folder, path: string | undefined, survival: Survival): string {
  const entries = [...(survival.names === 'all' ? folder.entries : folder.durable)].sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, node]) => {
    const inside = path === undefined ? undefined : join(path, name);
    if (node.kind === 'folder') {
      if (inside !== undefined) mkdirSync(inside, { mode: 0o700 });
      return `${name}{${restoreFolder(node, inside, survival)}}`;
    }
    const content = surviving(node, survival.contents);
    if (inside !== undefined) writeFileSync(inside, content, { mode: 0o600 });
    return `${name}=${content.toString('base64')}`;
  }).join(';');
}

function surviving({ content, durable }: File, contents: Survival['contents']): Buffer {
  if (contents === 'all') return content;
  if (contents === 'durable') return durable;
  const torn = Buffer.alloc(content.length);
  durable.copy(torn);
  for (let at = contents === 'even' ? 0 : SECTOR; at < content.length; at += 2 * SECTOR) content.copy(torn, at, at, at + SECTOR);
  return torn;
}
