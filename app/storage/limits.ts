import { randomFillSync } from 'node:crypto';
import { KeywrightError } from '../contract/index.ts';
import type { PageRequest } from './storage.ts';

export const MAX_VALUE = 64 * 1024 * 1024;
export const MAX_LOG_ENTRY = 1024 * 1024;
/** What a raw storage takes beyond these two, since `sealed` adds the name, the summary and a few bytes to what it is given. */
export const SEALING_ROOM = 2 * 1024 * 1024;
const MAX_PAGE = 10_000;
/** What fits into the byte of a frame that tells it. */
const MAX_GROUP = 256;

/** @throws INVALID_INPUT unless it is 1 to 512 characters of printable ASCII. */
export function requireKey(key: string): void {
  if (!/^[\x20-\x7e]{1,512}$/.test(key)) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'A record key is 1 to 512 characters of printable ASCII.', where: '/key', remedy: 'Use letters, digits, and `/` between levels.' });
  }
}

/** @throws INVALID_INPUT beyond 64 MiB and `room`. */
export function requireValue(value: Uint8Array, room = SEALING_ROOM): void {
  if (value.byteLength > MAX_VALUE + room) {
    throw new KeywrightError('INVALID_INPUT', { detail: `A record holds at most ${MAX_VALUE} bytes.`, where: '/value', remedy: 'Keep it in several records.' });
  }
}

/** @throws INVALID_INPUT unless the limit is 1 to 10,000. */
export function requirePage({ limit }: PageRequest): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new KeywrightError('INVALID_INPUT', { detail: `A page has 1 to ${MAX_PAGE} records.`, where: '/page/limit', remedy: 'Ask for several pages.' });
  }
}

/** @throws INVALID_INPUT beyond 1 MiB and `room`. */
export function requireLogEntry(entry: Uint8Array, room = SEALING_ROOM): void {
  if (entry.byteLength > MAX_LOG_ENTRY + room) {
    throw new KeywrightError('INVALID_INPUT', { detail: `A log entry holds at most ${MAX_LOG_ENTRY} bytes.`, where: '/entry', remedy: 'Log a digest of it.' });
  }
}

/** @throws INVALID_INPUT unless it is 1 to 256 entries. */
export function requireGroup(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_GROUP) {
    throw new KeywrightError('INVALID_INPUT', { detail: `1 to ${MAX_GROUP} log entries go together.`, where: '/count', remedy: 'Append several groups.' });
  }
}

const pool = Buffer.allocUnsafeSlow(12 * 256);
let used = pool.length;

/** @returns 96 random bits as 16 base64url characters: unlike a counter, no deletion or restore can bring one back. */
export function newRevision(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 12;
  return pool.toString('base64url', used - 12, used);
}
