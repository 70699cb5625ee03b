/**
 * A thread that reads and writes small files with calls that wait. The way to the thread pool and back costs such a file
 * many times what the file system takes for it, and there are some twenty such ways; here it takes part in two messages
 * with all others of its moment. Imports nothing but types of messages: it is started for each batch.
 */
import { type BigIntStats, closeSync, fchmodSync, fstatSync, fsync, linkSync, lstatSync, openSync, readSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { type KindsRequest, type PlaceReply, type PlaceRequest, type ReadReply, type ReadRequest, type Reply, type Request, SMALL } from './messages.ts';

const port = parentPort!;

port.on('message', (requests: readonly Request[]) => {
  const read: Reply[] = [];
  const contents: ArrayBuffer[] = [];
  const places: PlaceRequest[] = [];
  for (const request of requests) {
    if ('place' in request) places.push(request);
    else if ('kinds' in request) read.push(kindsOf(request));
    else {
      const reply = readSmall(request);
      if (reply.whole !== null) contents.push(reply.whole.buffer as ArrayBuffer);
      read.push(reply);
    }
  }
  if (read.length > 0) port.postMessage(read, contents);
  if (places.length > 0) void placeAll(places).then((replies) => port.postMessage(replies));
});

function kindsOf({ id, kinds }: KindsRequest): Reply {
  return { id, kinds: kinds.map((path) => {
    const facts = quietly(() => statSync(path, { throwIfNoEntry: false }));
    return facts === undefined ? '-' : facts.isDirectory() ? 'd' : 'f';
  }).join('') };
}

function readSmall({ id, read: path, beside }: ReadRequest): ReadReply {
  const taken = beside !== null && quietly(() => lstatSync(beside, { throwIfNoEntry: false })) !== undefined;
  const nothing = { id, whole: null, facts: null, taken };
  let file: number | undefined;
  try {
    if (!statSync(path).isFile()) return nothing; // before opening, which would wait for a pipe's writer
    file = openSync(path, 'r');
    const before = fstatSync(file, { bigint: true });
    if (before.size > SMALL) return nothing;
    const size = Number(before.size);
    const whole = new Uint8Array(size);
    for (let done = 0; done < size;) {
      const bytes = readSync(file, whole, done, size - done, done);
      if (bytes === 0) return nothing;
      done += bytes;
    }
    if (!isSame(before, fstatSync(file, { bigint: true }))) return nothing;
    const { mtimeNs, ctimeNs, ino, dev } = before;
    return { id, whole, facts: { size: before.size, mtimeNs, ctimeNs, ino, dev }, taken };
  } catch {
    return nothing;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

interface Placing {
  readonly request: PlaceRequest;
  /** Open while it is written. */
  file: number | undefined;
  /** It lies aside, and must not remain there. */
  made: boolean;
  fault: PlaceReply['fault'];
}

/** Writes all, then has all sent to the disk, which does many at once, and then gives them their names: as `writeAside` does with one. */
async function placeAll(requests: readonly PlaceRequest[]): Promise<PlaceReply[]> {
  const placing = requests.map((request): Placing => ({ request, file: undefined, made: false, fault: null }));
  for (const one of placing) step(one, writeOne);
  await Promise.all(placing.map(async (one) => {
    const thrown = one.fault === null ? await sync(one.file as number) : null;
    if (thrown !== null) one.fault = faultOf(thrown);
  }));
  for (const one of placing) step(one, nameOne);
  const folders = Map.groupBy(placing.filter(({ fault }) => fault === null), ({ request }) => dirname(request.place));
  await Promise.all([...folders].map(async ([folder, within]) => {
    const thrown = await syncFolder(folder);
    if (thrown !== null) for (const one of within) one.fault = faultOf(thrown);
  }));
  for (const { file, made, request } of placing) {
    if (file !== undefined) quietly(() => closeSync(file));
    if (made) quietly(() => unlinkSync(request.aside));
  }
  return placing.map(({ request: { id }, fault }) => ({ id, fault }));
}

function step(one: Placing, work: (one: Placing) => void): void {
  if (one.fault !== null) return;
  try {
    work(one);
  } catch (thrown) {
    one.fault = faultOf(thrown);
  }
}

function writeOne(one: Placing): void {
  const { aside, place, bytes, mayReplaceAside } = one.request;
  if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) throw Object.assign(new Error('The file exists.'), { code: 'EEXIST' });
  try {
    one.file = openSync(aside, 'wx', 0o600);
  } catch (thrown) {
    if (!mayReplaceAside || (thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    unlinkSync(aside);
    one.file = openSync(aside, 'wx', 0o600);
  }
  one.made = true;
  for (let done = 0; done < bytes.length;) done += writeSync(one.file, bytes, done, bytes.length - done);
}

/** By a hard link, which fails when the name was taken meanwhile. */
function nameOne(one: Placing): void {
  const { aside, place, mode } = one.request;
  const file = one.file as number;
  fchmodSync(file, mode);
  one.file = undefined;
  closeSync(file);
  linkSync(aside, place);
  unlinkSync(aside);
  one.made = false;
}

/** @returns the fault, or null. */
function sync(file: number): Promise<unknown> {
  return new Promise((resolve) => { fsync(file, resolve); });
}

/** Makes the new names durable, where the file system lets us. @returns the fault, or null */
async function syncFolder(folder: string): Promise<unknown> {
  if (process.platform === 'win32') return null;
  let file: number | undefined;
  try {
    file = openSync(folder, 'r');
    const thrown = await sync(file);
    if (thrown !== null) throw thrown;
    return null;
  } catch (thrown) {
    return ['EINVAL', 'ENOTSUP', 'EACCES', 'EPERM'].includes((thrown as NodeJS.ErrnoException).code ?? '') ? null : thrown;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function isSame(before: BigIntStats, after: BigIntStats): boolean {
  return after.size === before.size && after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs && after.ino === before.ino && after.dev === before.dev;
}

function faultOf(thrown: unknown): NonNullable<PlaceReply['fault']> {
  const { code, message } = thrown as NodeJS.ErrnoException;
  return { code, message };
}

function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
