import { createHash } from 'node:crypto';
import { KeywrightError } from '../contract/index.ts';
import { openpgpFingerprint } from './openpgp-key.ts';
import { type Packet, PacketReader, uint32 } from './openpgp-packets.ts';

/** What the packets of an OpenPGP file are, also those of versions and algorithms that nobody here uses. Nothing is verified. */

/** RFC 9580 §9.1, and those of draft-ietf-openpgp-pqc. */
const ALGORITHMS: Readonly<Record<number, string>> = {
  1: 'RSA', 2: 'RSA (encrypts)', 3: 'RSA (signs)', 16: 'ElGamal', 17: 'DSA', 18: 'ECDH', 19: 'ECDSA', 20: 'ElGamal (signs too)', 22: 'EdDSA', 25: 'X25519', 26: 'X448', 27: 'Ed25519', 28: 'Ed448',
  30: 'ML-DSA-65 with Ed25519', 31: 'ML-DSA-87 with Ed448', 32: 'SLH-DSA-SHAKE-128s', 33: 'SLH-DSA-SHAKE-128f', 34: 'SLH-DSA-SHAKE-256s', 35: 'ML-KEM-768 with X25519', 36: 'ML-KEM-1024 with X448',
};
/** How many numbers the public part of a key has (RFC 9580 §5.5.5); `curve`: an identifier before them; `kdf`: parameters behind. */
const PARTS: Readonly<Record<number, { readonly numbers: number; readonly curve?: true; readonly kdf?: true } | { readonly bytes: number }>> = {
  1: { numbers: 2 }, 2: { numbers: 2 }, 3: { numbers: 2 }, 16: { numbers: 3 }, 20: { numbers: 3 }, 17: { numbers: 4 }, 18: { numbers: 1, curve: true, kdf: true }, 19: { numbers: 1, curve: true }, 22: { numbers: 1, curve: true },
  25: { bytes: 32 }, 26: { bytes: 56 }, 27: { bytes: 32 }, 28: { bytes: 57 },
};
const HASHES: Readonly<Record<number, string>> = { 1: 'MD5', 2: 'SHA-1', 3: 'RIPEMD-160', 8: 'SHA-256', 9: 'SHA-384', 10: 'SHA-512', 11: 'SHA-224', 12: 'SHA3-256', 14: 'SHA3-512' };

export const algorithmName = (number: number): string => ALGORITHMS[number] ?? `algorithm ${number}`;

interface OutlinedKey {
  readonly isPrivate: boolean;
  readonly isSubkey: boolean;
  readonly version: number;
  readonly created: Date;
  readonly algorithm: string;
  /** Of the first number of RSA, DSA and ElGamal; null for others. */
  readonly bits: number | null;
  /** Hex, upper case; null where the public part cannot be told from the private one. */
  readonly fingerprint: string | null;
}

/** @param packet of type 5, 6, 7 or 14. @throws INVALID_INPUT */
export function outlineKey({ tag, body }: Packet): OutlinedKey {
  const reader = new PacketReader(body);
  const version = reader.number(1, 'the version');
  const created = new Date(1000 * reader.number(4, 'the time'));
  if (version <= 3) reader.take(2, 'the days');
  const number = reader.number(1, 'the algorithm');
  const length = version >= 5 ? reader.number(4, 'the length') : undefined;
  const start = reader.offset;
  const bits = [1, 2, 3, 16, 17, 20].includes(number) ? reader.number(2, 'the key') : null;
  return { isPrivate: tag === 5 || tag === 7, isSubkey: tag === 7 || tag === 14, version, created, algorithm: algorithmName(number), bits, fingerprint: printOf(body, version, number, start, length) };
}

function printOf(body: Uint8Array, version: number, number: number, start: number, length: number | undefined): string | null {
  const reader = new PacketReader(body);
  reader.take(start, 'the key');
  try {
    if (version <= 3) return createHash('md5').update(reader.mpi('the modulus')).update(reader.mpi('the exponent')).digest('hex').toUpperCase();
    const parts = PARTS[number];
    if (length !== undefined) reader.take(length, 'the key');
    else if (parts === undefined) return null;
    else if ('bytes' in parts) reader.take(parts.bytes, 'the key');
    else {
      if (parts.curve) reader.take(reader.number(1, 'the curve'), 'the curve');
      for (let index = 0; index < parts.numbers; index++) reader.mpi('the key');
      if (parts.kdf) reader.take(reader.number(1, 'the parameters'), 'the parameters');
    }
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return null;
    throw thrown;
  }
  const publicBody = body.subarray(0, reader.offset);
  // Version 5 is LibrePGP's: as 6, behind another byte.
  const print = version === 5 ? createHash('sha256').update(Buffer.concat([Buffer.of(0x9a), uint32(publicBody.length), publicBody])).digest() : openpgpFingerprint(publicBody);
  return print.toString('hex').toUpperCase();
}

interface OutlinedSignature {
  readonly version: number;
  readonly type: number;
  readonly algorithm: string;
  readonly hash: string;
  readonly created: Date | null;
  /** Hex, of the key that it says it is by; proves nothing. */
  readonly issuer: string | null;
}

/** @param body of a Signature packet. @throws INVALID_INPUT */
export function outlineSignature(body: Uint8Array): OutlinedSignature {
  const reader = new PacketReader(body);
  const version = reader.number(1, 'the version');
  if (version <= 3) {
    reader.take(1, 'the length');
    const type = reader.number(1, 'the type');
    const created = new Date(1000 * reader.number(4, 'the time'));
    const issuer = Buffer.from(reader.take(8, 'the key')).toString('hex').toUpperCase();
    return { version, type, created, issuer, algorithm: algorithmName(reader.number(1, 'the algorithm')), hash: hashName(reader.number(1, 'the hash')) };
  }
  const [type, algorithm, hash] = [reader.number(1, 'the type'), reader.number(1, 'the algorithm'), reader.number(1, 'the hash')];
  const size = version >= 6 ? 4 : 2;
  let created: Date | null = null;
  let issuer: string | null = null;
  for (const which of ['the hashed subpackets', 'the other subpackets']) {
    const inside = new PacketReader(reader.take(reader.number(size, which), which));
    while (inside.offset < inside.bytes.length) {
      const first = inside.number(1, 'a subpacket');
      const length = first < 192 ? first : first < 255 ? ((first - 192) << 8) + inside.number(1, 'a subpacket') + 192 : inside.number(4, 'a subpacket');
      const [kind = 0, ...value] = inside.take(length, 'a subpacket');
      if ((kind & 0x7f) === 2 && value.length === 4) created ??= new Date(1000 * Buffer.from(value).readUInt32BE(0));
      // The fingerprint says more than the key's identifier, wherever it stands.
      if ((kind & 0x7f) === 33) issuer = Buffer.from(value).subarray(1).toString('hex').toUpperCase();
      else if ((kind & 0x7f) === 16) issuer ??= Buffer.from(value).toString('hex').toUpperCase();
    }
  }
  return { version, type, algorithm: algorithmName(algorithm), hash: hashName(hash), created, issuer };
}

const hashName = (number: number): string => HASHES[number] ?? `hash ${number}`;
