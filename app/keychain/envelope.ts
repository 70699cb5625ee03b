import { KeywrightError, type EncryptionAlgorithmName } from '../contract/index.ts';
import type { Ciphertext } from '../keystore/keystore.ts';

/**
 * A ciphertext that names its key: "KWE1", algorithm (1 byte), key id (16), version (4, big-endian), length of nonce (1)
 * and of tag (1), nonce, tag, ciphertext. All up to the nonce is associated data of an AEAD, so that a ciphertext
 * cannot be passed off as another key's or version's.
 */

const MAGIC = Buffer.from('KWE1', 'latin1');
const HEADER = 27;
/** By code. Codes are for ever: append only. */
const ALGORITHMS: readonly EncryptionAlgorithmName[] = ['aes-gcm', 'aes-cbc', 'aes-ctr', 'chacha20-poly1305'];

export interface Envelope {
  readonly algorithm: EncryptionAlgorithmName;
  /** 32 hex digits. */
  readonly keyId: string;
  readonly version: number;
}

export function hasEnvelope(algorithm: EncryptionAlgorithmName): boolean {
  return ALGORITHMS.includes(algorithm);
}

/** @returns what comes before the nonce: 27 bytes. Nonce and tag lengths follow from the algorithm. */
export function envelopeHeader({ algorithm, keyId, version }: Envelope): Buffer {
  const header = Buffer.alloc(HEADER);
  MAGIC.copy(header);
  header[4] = ALGORITHMS.indexOf(algorithm);
  header.set(Buffer.from(keyId, 'hex'), 5);
  header.writeUInt32BE(version, 21);
  const aead = isAead(algorithm);
  header[25] = aead ? 12 : 16;
  header[26] = aead ? 16 : 0;
  return header;
}

export function seal(envelope: Envelope, { ciphertext, nonce, tag }: Ciphertext): Buffer {
  return Buffer.concat([envelopeHeader(envelope), nonce ?? new Uint8Array(), tag ?? new Uint8Array(), ciphertext]);
}

/** @returns undefined for bytes that are no envelope. @throws INVALID_INPUT for one that is cut short or of a later version. */
export function open(bytes: Uint8Array): (Envelope & { readonly parts: Ciphertext; readonly header: Uint8Array }) | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 4 || !buffer.subarray(0, 4).equals(MAGIC)) return undefined;
  const algorithm = ALGORITHMS[buffer[4] ?? -1];
  if (algorithm === undefined) throw new KeywrightError('INVALID_INPUT', { detail: 'The ciphertext is of an unknown kind.', where: 'offset 4' });
  const nonceLength = isAead(algorithm) ? 12 : 16;
  const tagLength = isAead(algorithm) ? 16 : 0;
  const start = HEADER + nonceLength + tagLength;
  if (buffer.length < start || buffer[25] !== nonceLength || buffer[26] !== tagLength) throw new KeywrightError('INVALID_INPUT', { detail: 'The ciphertext is damaged or cut short.', where: `offset ${Math.min(buffer.length, 25)}` });
  return {
    algorithm, keyId: buffer.toString('hex', 5, 21), version: buffer.readUInt32BE(21), header: buffer.subarray(0, HEADER),
    parts: {
      nonce: buffer.subarray(HEADER, HEADER + nonceLength), ciphertext: buffer.subarray(start),
      ...(tagLength === 0 ? {} : { tag: buffer.subarray(HEADER + nonceLength, start) }),
    },
  };
}

export function isAead(algorithm: EncryptionAlgorithmName): boolean {
  return algorithm === 'aes-gcm' || algorithm === 'chacha20-poly1305';
}
