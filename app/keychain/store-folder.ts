import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { because, KeywrightError } from '../contract/index.ts';

/** The data folder of one store: `store.json` beside the folders of its storage. */

/** Beside the storage, in clear: which kind of storage it is. */
export interface StoreFacts {
  readonly kind: string;
  readonly format: 1;
}

const FACTS = 'store.json';
const DATA = 'store';
const INCOMING = 'store-incoming';
/** Errors of the file system that mean: this can never be a folder of ours. */
const NO_FOLDER = new Set(['ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'EINVAL', 'ELOOP', 'ERR_INVALID_ARG_VALUE']);

/** Makes the folder for this user alone. @throws STORAGE_FULL, STORAGE_READ_ONLY, INVALID_INPUT for a path that cannot be one */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((thrown: unknown) => {
    throw folderError(thrown, folder);
  });
}

/** @returns which kind of storage the store is on; null when there is no store. @throws CORRUPT_RECORD, STORE_TOO_NEW */
export async function readFacts(folder: string): Promise<StoreFacts | null> {
  let text: string;
  try {
    text = await readFile(join(folder, FACTS), 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(thrown);
  }
  let facts: Partial<StoreFacts> | null;
  try {
    facts = JSON.parse(text) as StoreFacts | null;
  } catch (thrown) {
    throw unreadable(thrown);
  }
  if (typeof facts?.format === 'number' && facts.format > 1) throw new KeywrightError('STORE_TOO_NEW', because('store.too-new', {}));
  if (typeof facts?.kind !== 'string') throw unreadable(undefined);
  return { kind: facts.kind, format: 1 };
}

/** Durable once it resolves. @throws STORAGE_FULL, STORAGE_READ_ONLY */
export async function writeFacts(folder: string, facts: StoreFacts): Promise<void> {
  const path = join(folder, FACTS);
  try {
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(facts)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await sync(folder);
  } catch (thrown) {
    await rm(`${path}.new`, { force: true }).catch(() => undefined);
    throw folderError(thrown, folder);
  }
}

/** @returns the folder of the storage, which may not be there. */
export function dataFolder(folder: string): string {
  return join(folder, DATA);
}

/** Makes an empty folder for a new storage. A creation that a crash cut off is set aside, never deleted. @throws as {@link makeFolder} */
export async function newDataFolder(folder: string): Promise<string> {
  const data = dataFolder(folder);
  if (existsSync(data) && (await readdir(data)).length > 0) await setAside(folder, 'unfinished');
  await makeFolder(data);
  return data;
}

/** Makes an empty folder in which a backup is unpacked before it takes the store's place. */
export async function newIncomingFolder(folder: string): Promise<string> {
  const incoming = join(folder, INCOMING);
  await removeIncoming(folder);
  await makeFolder(incoming);
  return incoming;
}

export async function removeIncoming(folder: string): Promise<void> {
  await rm(join(folder, INCOMING), { recursive: true, force: true });
}

/** What was unpacked becomes the store's storage. @returns where the old one lies now, or null when there was none. */
export async function takeIncoming(folder: string): Promise<string | null> {
  const aside = existsSync(dataFolder(folder)) ? await setAside(folder, 'before-restore') : null;
  await move(join(folder, INCOMING), dataFolder(folder), folder);
  return aside;
}

/** Undoes {@link takeIncoming}. */
export async function giveBack(folder: string, aside: string | null): Promise<void> {
  await rm(dataFolder(folder), { recursive: true, force: true });
  if (aside !== null) await move(aside, dataFolder(folder), folder);
}

async function setAside(folder: string, why: string): Promise<string> {
  const aside = join(folder, `${DATA}-${why}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
  await move(dataFolder(folder), aside, folder);
  return aside;
}

async function move(from: string, to: string, folder: string): Promise<void> {
  try {
    await rename(from, to);
    await sync(folder);
  } catch (thrown) {
    throw folderError(thrown, folder);
  }
}

async function sync(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @returns the error for a store whose storage is there, and whose `store.json` is not. */
export function factsMissing(folder: string, kind: string): KeywrightError {
  return new KeywrightError('CORRUPT_RECORD', {
    detail: `${folder} holds a store, but ${FACTS} beside it, which says of which kind it is, is missing.`, where: FACTS, remedy: `Write {"kind":"${kind}","format":1} into ${FACTS}, or restore a backup (\`keywright store restore\`).`,
  });
}

function unreadable(cause: unknown): KeywrightError {
  return new KeywrightError('CORRUPT_RECORD', {
    detail: `${FACTS} does not say which kind of storage the store is on.`, where: FACTS, remedy: 'Write {"kind":"sqlite","format":1} into it, or restore a backup (`keywright store restore`).', cause,
  });
}

function folderError(cause: unknown, folder: string): KeywrightError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT') return new KeywrightError('STORAGE_FULL', { ...because('store.full', { folder }), cause });
  if (NO_FOLDER.has(code)) return new KeywrightError('INVALID_INPUT', { ...because('store.no-folder', { folder }), where: '/folder', cause });
  return new KeywrightError('STORAGE_READ_ONLY', { ...because('store.read-only', { folder }), cause });
}
