import { randomFillSync } from 'node:crypto';
import type { Summary } from '../storage.ts';

const POOL = Buffer.alloc(8192);
let used = POOL.length;

/** `length` random bytes (at most 8,192). Taken from a pool, since a call for each few bytes costs more than sealing them. */
export function randomBytes(length: number): Buffer {
  if (used + length > POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  const bytes = Buffer.from(POOL.subarray(used, used + length));
  POOL.fill(0, used, used + length);
  used += length;
  return bytes;
}

/** JSON in ASCII alone, so that one byte is one character wherever it is cut. */
export function asciiJson(value: Summary): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uint64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Waits for the event loop, so that a long calculation leaves others their turn. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
