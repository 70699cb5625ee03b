import { createHash, type KeyObject, sign } from 'node:crypto';
import { armor, mpi, packet, packetLength, uint16, uint32 } from '../../../formats/openpgp-packets.ts';

/** For tests: Signature packets of OpenPGP (RFC 9580 §5.2) with any field as a test wants it. */

const HASHES: Readonly<Record<number, readonly [string, number]>> = { 1: ['md5', 0], 2: ['sha1', 0], 3: ['rmd160', 0], 8: ['sha256', 16], 9: ['sha384', 24], 10: ['sha512', 32], 11: ['sha224', 0], 12: ['sha3-256', 16] };
export const subpacket = (type: number, body: Uint8Array, critical = false): Buffer => Buffer.concat([packetLength(body.length + 1), Buffer.of(critical ? type | 0x80 : type), body]);
export const created = (at: string, critical = true): Buffer => subpacket(2, uint32(Date.parse(at) / 1000), critical);

export interface SignatureParts {
  readonly key: KeyObject;
  readonly content: Uint8Array;
  readonly version?: number;
  readonly type?: number;
  /** Written, where it is not what was used. */
  readonly shownType?: number;
  readonly hash?: number;
  readonly shownHash?: number;
  readonly hashed?: readonly Uint8Array[];
  /** Written, where it is not what was signed. */
  readonly shown?: readonly Uint8Array[];
  readonly unhashed?: readonly Uint8Array[];
  readonly salt?: Uint8Array;
  /** Of the algorithm of the key; 22 is EdDSA as v4 had it. */
  readonly number?: number;
  readonly prefix?: Uint8Array;
  /** What is hashed behind the content. */
  readonly trailer?: (trailer: Buffer) => Buffer;
  readonly change?: (values: Buffer) => Buffer;
}

/** @returns the body of a packet. */
export function signatureBody(parts: SignatureParts): Buffer {
  const { key, content, version = 4, type = 0, hash = 10, hashed = [created('2024-01-02T03:04:05Z')], unhashed = [], trailer = (same: Buffer) => same, change = (same: Buffer) => same } = parts;
  const kind = key.asymmetricKeyType as string;
  const number = parts.number ?? { rsa: 1, ec: 19, ed25519: version === 4 ? 22 : 27, ed448: 28 }[kind]!;
  const [name, size] = HASHES[hash]!;
  const salt = parts.salt ?? Buffer.alloc(version === 6 ? size : 0, 5);
  const length = version === 6 ? uint32 : uint16;
  const head = (list: readonly Uint8Array[], by = hash, as = type): Buffer => Buffer.concat([Buffer.of(version, as, number, by), length(Buffer.concat(list).length), ...list]);
  const signed = head(hashed);
  const digest = createHash(name).update(version === 6 ? salt : '').update(content).update(trailer(Buffer.concat([signed, Buffer.of(version, 0xff), uint32(signed.length)]))).digest();
  const values = valuesOf(key, number, name, digest, Buffer.concat([version === 6 ? salt : Buffer.alloc(0), content, trailer(Buffer.concat([signed, Buffer.of(version, 0xff), uint32(signed.length)]))]));
  return Buffer.concat([head(parts.shown ?? hashed, parts.shownHash, parts.shownType), length(Buffer.concat(unhashed).length), ...unhashed, parts.prefix ?? digest.subarray(0, 2), ...(version === 6 ? [Buffer.of(salt.length), salt] : []), change(values)]);
}

function valuesOf(key: KeyObject, number: number, hash: string, digest: Buffer, whole: Buffer): Buffer {
  if (number === 1) return mpi(sign(hash, whole, key));
  if (number === 19) {
    const pair = sign(hash, whole, { key, dsaEncoding: 'ieee-p1363' });
    return Buffer.concat([mpi(pair.subarray(0, pair.length / 2)), mpi(pair.subarray(pair.length / 2))]);
  }
  const made = sign(null, digest, key);
  return number === 22 ? Buffer.concat([mpi(made.subarray(0, 32)), mpi(made.subarray(32))]) : made;
}

export const signaturePacket = (parts: SignatureParts): Buffer => packet(2, signatureBody(parts));
export const armored = (bytes: Uint8Array, version = 4): Buffer => Buffer.from(armor('SIGNATURE', bytes, version === 4));
export const literal = (content: Uint8Array, name = '', format = 'b'): Buffer => packet(11, Buffer.from(format), Buffer.of(name.length), Buffer.from(name), Buffer.alloc(4), content);
/** One-Pass Signature, version 3 (RFC 9580 §5.4). */
export const onePass = (type = 0, hash = 10, number = 22, last = true): Buffer => packet(4, Buffer.of(3, type, hash, number), Buffer.alloc(8), Buffer.of(last ? 1 : 0));
