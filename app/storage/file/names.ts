import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** Folders that records are spread over, so that none holds more than a few thousand of 100,000. */
export const SHARDS: readonly string[] = Array.from({ length: 64 }, (_, shard) => shard.toString(16).padStart(2, '0'));

/** What a record is written to before it takes its name. No key leads to such a name, since dots are escaped. */
export const ASIDE = '.new';

const LONGEST = 200;

/** @returns where a record is kept, below the folder of records. */
export function pathOf(key: string): string {
  return join(SHARDS[crc32(key) % SHARDS.length]!, fileNameOf(key));
}

/**
 * @returns the key with all but small letters, digits, `_` and `-` as `%` and two hexadecimal digits: safe on every file system, also on
 * those that do not tell capitals from small letters. Of a key that is too long for a name, `~` and its SHA-256.
 */
export function fileNameOf(key: string): string {
  const name = key.replace(/[^a-z0-9_-]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
  return name.length <= LONGEST ? name : `~${createHash('sha256').update(key).digest('hex')}`;
}

/** @returns the key; `undefined` if the name does not tell it, `'foreign'` as well for a file that is none of ours. */
export function keyOf(name: string): { readonly key: string } | 'hashed' | 'foreign' {
  if (/^~[0-9a-f]{64}$/.test(name)) return 'hashed';
  if (!/^(?:[a-z0-9_-]|%[2-7][0-9a-f])+$/.test(name)) return 'foreign';
  const key = name.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return fileNameOf(key) === name ? { key } : 'foreign';
}
