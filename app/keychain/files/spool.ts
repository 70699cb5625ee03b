import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { because, KeywrightError } from '../../contract/index.ts';

/** Files on their way in or out for callers that share no file system with us. Each belongs to one principal. */

const LIFETIME = 60 * 60 * 1000;
const ID = /^[a-f0-9]{32}$/;

interface SpoolFacts {
  readonly principal: string;
  readonly name: string;
  readonly direction: 'in' | 'out';
  readonly createdAt: number;
}

/** @returns the path and name of an upload or of a download in the making. */
interface Spooled {
  readonly id: string;
  readonly path: string;
  readonly name: string;
}

/**
 * Takes a file in, as it streams.
 * @returns its id for {@link takeUpload}, its size, and its SHA-256 in hex.
 * @throws STORAGE_FULL, CANCELLED; nothing remains after either.
 */
export async function receiveUpload(folder: string, principal: string, name: string, stream: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<{ upload: string; bytes: number; sha256: string }> {
  const { id, path } = await reserve(folder, { principal, name: basename(name), direction: 'in', createdAt: Date.now() });
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of stream) {
        signal.throwIfAborted();
        hash.update(chunk);
        bytes += chunk.length;
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
  } catch (thrown) {
    await discard(folder, id);
    if ((thrown as NodeJS.ErrnoException).code === 'ENOSPC') throw new KeywrightError('STORAGE_FULL', { detail: 'There is no space left to take the file in.', remedy: 'Free some space, or name a file on this machine by its path.', cause: thrown });
    throw thrown;
  }
  return { upload: id, bytes, sha256: hash.digest('hex') };
}

/** @returns where an upload lies. @throws NOT_FOUND, also for one of another principal. */
export function takeUpload(folder: string, principal: string, id: string): Promise<Spooled> {
  return find(folder, principal, id, 'in');
}

/** Reserves a place for a file that the caller shall fetch. Write to its `path`. */
export function offerDownload(folder: string, principal: string, name: string): Promise<Spooled> {
  return reserve(folder, { principal, name, direction: 'out', createdAt: Date.now() });
}

/** @returns the file as a stream, with its name and size. It can be fetched again until it expires. @throws NOT_FOUND */
export async function openDownload(folder: string, principal: string, id: string): Promise<{ stream: ReadStream; name: string; bytes: number }> {
  const { path, name } = await find(folder, principal, id, 'out');
  const { size } = await stat(path).catch(() => { throw notFound(); });
  return { stream: createReadStream(path, { highWaterMark: 1024 * 1024 }), name, bytes: size };
}

export async function discard(folder: string, id: string): Promise<void> {
  if (!ID.test(id)) return;
  await rm(join(folder, id), { force: true });
  await rm(join(folder, `${id}.json`), { force: true });
}

/** Deletes what is older than an hour, or everything. */
export async function sweepSpool(folder: string, all = false): Promise<void> {
  for (const file of await readdir(folder).catch(() => [])) {
    const id = file.slice(0, 32);
    const facts = all ? undefined : await read(folder, id);
    if (facts === undefined || Date.now() - facts.createdAt > LIFETIME) await discard(folder, id);
  }
}

async function reserve(folder: string, facts: SpoolFacts): Promise<Spooled> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const id = randomBytes(16).toString('hex');
  const path = join(folder, `${id}.json`);
  await writeFile(`${path}.new`, JSON.stringify(facts), { mode: 0o600, flag: 'wx' });
  await rename(`${path}.new`, path);
  return { id, path: join(folder, id), name: facts.name };
}

async function find(folder: string, principal: string, id: string, direction: SpoolFacts['direction']): Promise<Spooled> {
  const facts = ID.test(id) ? await read(folder, id) : undefined;
  if (facts === undefined || facts.principal !== principal || facts.direction !== direction) throw notFound();
  return { id, path: join(folder, id), name: facts.name };
}

async function read(folder: string, id: string): Promise<SpoolFacts | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, `${id}.json`), 'utf8')) as SpoolFacts;
  } catch {
    return undefined;
  }
}

function notFound(): KeywrightError {
  return new KeywrightError('NOT_FOUND', because('file.upload-gone', {}));
}
