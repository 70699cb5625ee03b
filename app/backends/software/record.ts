import { KEY_ALGORITHMS, KeywrightError, type KeyAlgorithmName, type Usage } from '../../contract/index.ts';
import type { StoredRecord } from '../../storage/storage.ts';

/**
 * How one version of a software key lies in the store, under `material/<instance>/<type>/<id>/<version, 6 digits>`:
 * "KWM1", the length of the head (4 bytes, big-endian), the head as JSON in UTF-8, and to the end the secret: PKCS#8 DER
 * of a pair, the raw bytes of a symmetric key, or either encrypted under the key's own passphrase. The secret is no part
 * of the JSON, since a string cannot be wiped.
 */

const MAGIC = Buffer.from('KWM1', 'latin1');

/** What is known of a version without its secret. */
export interface MaterialHead {
  readonly version: number;
  readonly algorithm: KeyAlgorithmName;
  readonly createdAt: string;
  readonly usages: readonly Usage[];
  readonly extractable: boolean;
  /** `store+passphrase`: the secret is EncryptedPrivateKeyInfo (RFC 5958 §3). */
  readonly protection: 'store' | 'store+passphrase';
  /** SPKI, DER, base64url; null for a symmetric key. */
  readonly publicKey: string | null;
  /** Messages that were encrypted under it elsewhere before it came here. */
  readonly aeadMessages: number;
  /** ML-DSA and ML-KEM: the secret has no seed. */
  readonly seedless?: true;
}

export interface Material {
  readonly head: MaterialHead;
  /** A view of the record's value: whoever read it wipes it. */
  readonly secret: Uint8Array;
}

export function encodeMaterial(head: MaterialHead, secret: Uint8Array): Uint8Array {
  const json = Buffer.from(JSON.stringify(head), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([MAGIC, length, json, secret]);
}

/** @throws CORRUPT_RECORD naming the record; STORE_TOO_NEW for an algorithm that this version does not know. */
export function decodeMaterial({ key, value }: Pick<StoredRecord, 'key' | 'value'>): Material {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const start = 8 + (buffer.length < 8 ? 0 : buffer.readUInt32BE(4));
  if (buffer.length < 8 || !buffer.subarray(0, 4).equals(MAGIC) || start >= buffer.length) throw corrupt(key);
  let head: MaterialHead;
  try {
    head = JSON.parse(buffer.toString('utf8', 8, start)) as MaterialHead;
  } catch {
    throw corrupt(key); // the cause would quote the record
  }
  if (typeof head !== 'object' || head === null || typeof head.version !== 'number' || !Array.isArray(head.usages)) throw corrupt(key);
  if (!Object.hasOwn(KEY_ALGORITHMS, head.algorithm)) {
    throw new KeywrightError('STORE_TOO_NEW', { detail: 'The key has an algorithm that this version does not know.', where: key, remedy: 'Update Keywright.' });
  }
  return { head, secret: value.subarray(start) };
}

function corrupt(key: string): KeywrightError {
  return new KeywrightError('CORRUPT_RECORD', { detail: 'The record of a key is damaged.', where: key, remedy: 'Run `keywright store verify`, and restore a backup.' });
}

/** Names of records. */
export class MaterialNames {
  /** Of all keys of one store: `material/software/pkcs8/`. */
  readonly prefix: string;

  constructor(instance: string, type: string) {
    this.prefix = `material/${instance}/${type}/`;
  }

  /** @throws NOT_FOUND for what cannot be an id: it would otherwise name records of others. */
  ofKey(id: string): string {
    if (!/^[0-9a-f]{32}$/.test(id)) throw new KeywrightError('NOT_FOUND', `There is no key ${JSON.stringify(id.slice(0, 80))}.`);
    return `${this.prefix}${id}/`;
  }

  ofVersion(id: string, version: number): string {
    return this.ofKey(id) + String(version).padStart(6, '0');
  }

  idIn(name: string): string {
    return name.slice(this.prefix.length, name.indexOf('/', this.prefix.length));
  }
}
