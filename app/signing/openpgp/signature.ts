import { KEY_ALGORITHMS, SIGNATURE_ALGORITHMS, type HashName, type KeyAlgorithmName, type SignatureAlgorithmFacts, type SignatureAlgorithmName, signatureAlgorithmsOf } from '../../contract/index.ts';
import { derInteger, DerReader, derSequence, fromBigInt, toBigInt } from '../../formats/der.ts';
import { malformed, notSupported } from '../../formats/malformed.ts';
import { ECDSA, ED25519, ED448, EDDSA, openpgpAlgorithm, openpgpFingerprint, openpgpKeyId, type OpenpgpVersion, RSA } from '../../formats/openpgp-key.ts';
import { mpi, packet, packetLength, PacketReader, uint16, uint32 } from '../../formats/openpgp-packets.ts';
import type { Content } from '../../keystore/keystore.ts';
import type { Frame } from '../raw.ts';

/** Signature packets of OpenPGP, versions 4 and 6 (RFC 9580 §5.2): what they hold, and what is hashed. */

export const SIGNATURE = 2;
export const TYPES = { binary: 0x00, text: 0x01, certification: 0x13, subkey: 0x18, directKey: 0x1f } as const;
const SUBPACKETS = { created: 2, expires: 3, issuerKeyId: 16, keyFlags: 27, features: 30, hashes: 21, ciphers: 11, aeads: 39, issuerFingerprint: 33 } as const;
/** Subpackets that may be critical without harm: each is understood, or says nothing of a file. No notation is among them, since none is known here (RFC 9580 §5.2.3.24). */
const UNDERSTOOD: ReadonlySet<number> = new Set([2, 3, 16, 21, 22, 23, 24, 25, 26, 27, 28, 30, 33, 34, 35]);
const HASHES: Readonly<Record<number, { readonly name: HashName; readonly salt: number }>> = { 8: { name: 'sha256', salt: 16 }, 9: { name: 'sha384', salt: 24 }, 10: { name: 'sha512', salt: 32 } };
const hashNumber = (name: HashName): number => Number(Object.keys(HASHES).find((number) => HASHES[Number(number)]?.name === name));
export const saltSize = (name: HashName): number => HASHES[hashNumber(name)]!.salt;

/** @returns signature algorithms with which a key makes OpenPGP signatures, the recommended one first; RSA has one padding there. */
export function openpgpAlgorithmsOf(key: KeyAlgorithmName): SignatureAlgorithmName[] {
  if (openpgpAlgorithm(key, 4) === undefined && openpgpAlgorithm(key, 6) === undefined) return [];
  const own = signatureAlgorithmsOf(key).filter((name) => SIGNATURE_ALGORITHMS[name].family !== 'rsa-pss');
  return KEY_ALGORITHMS[key].family === 'rsa' ? [...own].sort((a, b) => Number(b === 'rsa-pkcs1-sha512') - Number(a === 'rsa-pkcs1-sha512')) : own;
}

/** EdDSA signs the hash, which is short; SHA-512 goes with both curves (RFC 9580 §5.2.3.4 wants 256 bits for Ed25519, 512 for Ed448). */
export function openpgpHash(algorithm: SignatureAlgorithmName): HashName {
  const { hash }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
  return hash ?? 'sha512';
}

export interface NewSignature {
  readonly type: number;
  readonly algorithm: SignatureAlgorithmName;
  readonly key: KeyAlgorithmName;
  /** Body of the signer's Public-Key packet. */
  readonly keyBody: Uint8Array;
  readonly created: Date;
  readonly salt: Uint8Array;
  readonly more?: readonly Uint8Array[];
}

/** The part that is hashed behind the data, and how the packet is finished. */
export interface Draft {
  readonly hash: HashName;
  readonly frame: Frame;
  /** @param digest what was signed. @param signature as our keys give it. @returns the packet */
  finish(digest: Uint8Array, signature: Uint8Array): Buffer;
}

export const subpacket = (type: number, body: Uint8Array): Buffer => Buffer.concat([packetLength(body.length + 1), Buffer.of(type), body]);
/** Certify, sign; encrypt messages and files (RFC 9580 §5.2.3.29). */
const [SIGNS, RECEIVES] = [0x03, 0x0c];
/** What a key that signs and certifies says of itself: flags, hashes, ciphers, features. Version 6 of keys reads version 2 of encrypted content. */
export const selfSubpackets = (version: OpenpgpVersion, receives: boolean): Buffer[] =>
  [subpacket(SUBPACKETS.keyFlags, Buffer.of(receives ? SIGNS | RECEIVES : SIGNS)), subpacket(SUBPACKETS.hashes, Buffer.of(10, 9, 8)), subpacket(SUBPACKETS.ciphers, Buffer.of(9, 8, 7)),
    ...(version === 6 ? [subpacket(SUBPACKETS.aeads, Buffer.of(9, 2, 7, 2))] : []), subpacket(SUBPACKETS.features, Buffer.of(version === 6 ? 0x09 : 0x01))];
export const receivingSubkey = (): Buffer[] => [subpacket(SUBPACKETS.keyFlags, Buffer.of(RECEIVES))];

export function draftSignature({ type, algorithm, key, keyBody, created, salt, more = [] }: NewSignature): Draft {
  const version = keyBody[0] as OpenpgpVersion;
  const hash = openpgpHash(algorithm);
  const number = openpgpAlgorithm(key, version) as number;
  const hashed = Buffer.concat([
    subpacket(0x80 | SUBPACKETS.created, uint32(Math.floor(created.getTime() / 1000))), subpacket(SUBPACKETS.issuerFingerprint, Buffer.concat([Buffer.of(version), openpgpFingerprint(keyBody)])), ...more,
  ]);
  const size = version === 6 ? uint32 : uint16;
  const head = Buffer.concat([Buffer.of(version, type, number, hashNumber(hash)), size(hashed.length), hashed]);
  const unhashed = version === 4 ? subpacket(SUBPACKETS.issuerKeyId, openpgpKeyId(keyBody)) : Buffer.alloc(0);
  return {
    hash, frame: { before: version === 6 ? salt : Buffer.alloc(0), after: trailer(head) },
    finish: (digest, signature) => packet(SIGNATURE, head, size(unhashed.length), unhashed, digest.subarray(0, 2), ...(version === 6 ? [Buffer.of(salt.length), salt] : []), writeSignature(number, signature)),
  };
}

/** RFC 9580 §5.2.4. */
function trailer(head: Uint8Array): Buffer {
  return Buffer.concat([head, Buffer.of(head[0] as number, 0xff), uint32(head.length)]);
}

function writeSignature(number: number, signature: Uint8Array): Buffer {
  if (number === RSA) return mpi(signature);
  if (number === ED25519 || number === ED448) return Buffer.from(signature);
  if (number === EDDSA) return Buffer.concat([mpi(signature.subarray(0, 32)), mpi(signature.subarray(32))]);
  const pair = new DerReader(signature).enter('the ECDSA signature');
  return Buffer.concat([mpi(fromBigInt(pair.integer('r'))), mpi(fromBigInt(pair.integer('s')))]);
}

export interface ReadSignature {
  readonly version: OpenpgpVersion;
  readonly type: number;
  readonly hash: HashName | null;
  readonly frame: Frame;
  readonly created: Date | null;
  readonly expires: Date | null;
  /** Hex, of who the signature says that it is by; it is not signed in v4, and proves nothing. */
  readonly issuer: string | null;
  /** What a key of this algorithm would have made: ECDSA in DER. undefined for another kind of key. */
  signatureFor(key: KeyAlgorithmName): { readonly algorithm: SignatureAlgorithmName; readonly signature: Uint8Array } | undefined;
  /** Why it proves nothing, whatever the key. */
  readonly problem: string | null;
}

/** @param body of a Signature packet. @throws INVALID_INPUT with the offset, CAPABILITY_MISSING for versions that are not handled */
export function readSignature(body: Uint8Array): ReadSignature {
  const reader = new PacketReader(body);
  const version = reader.number(1, 'the version');
  if (version !== 4 && version !== 6) throw notSupported(`OpenPGP signatures of version ${version} are not handled.`, 'Use one of version 4 or 6.');
  const type = reader.number(1, 'the type');
  const number = reader.number(1, 'the algorithm');
  const hashed = HASHES[reader.number(1, 'the hash')];
  const size = version === 6 ? 4 : 2;
  const subpackets = readSubpackets(reader.take(reader.number(size, 'the hashed subpackets'), 'the hashed subpackets'));
  const head = body.subarray(0, reader.offset);
  const unhashed = readSubpackets(reader.take(reader.number(size, 'the other subpackets'), 'the other subpackets'));
  reader.take(2, 'the beginning of the digest');
  const salt = version === 6 ? reader.take(reader.number(1, 'the salt'), 'the salt') : Buffer.alloc(0);
  const values = readValues(number, reader);
  reader.finish('the signature');
  const at = (kind: number, list = subpackets): Uint8Array | undefined => list.find((one) => one.type === kind)?.body;
  const created = at(SUBPACKETS.created);
  const createdAt = created?.length === 4 ? new Date(Number(toBigInt(created)) * 1000) : null;
  const lasts = at(SUBPACKETS.expires);
  const seconds = lasts?.length === 4 ? Number(toBigInt(lasts)) : 0;
  const strange = subpackets.find((one) => one.critical && !UNDERSTOOD.has(one.type));
  const issuer = at(SUBPACKETS.issuerFingerprint)?.subarray(1) ?? at(SUBPACKETS.issuerKeyId) ?? at(SUBPACKETS.issuerKeyId, unhashed);
  return {
    version, type, hash: hashed?.name ?? null, frame: { before: salt, after: trailer(head) }, created: createdAt, issuer: issuer === undefined ? null : Buffer.from(issuer).toString('hex').toUpperCase(),
    expires: createdAt === null || seconds === 0 ? null : new Date(createdAt.getTime() + seconds * 1000),
    problem: hashed === undefined ? 'The signature hashes with something that is not safe, or not known.' : createdAt === null ? 'The signature does not say when it was made (RFC 9580 §5.2.3.11).'
      : version === 6 && salt.length !== hashed.salt ? 'The salt of the signature is not as long as its hash asks for (RFC 9580 §5.2.3).'
      : strange === undefined ? null : `The signature asks for something that Keywright does not know (subpacket ${strange.type}), and says that it must not be ignored.`,
    signatureFor: (key) => (hashed !== undefined && (openpgpAlgorithm(key, version) === number || (number === ED25519 && key === 'ed25519')) ? fitted(key, number, hashed.name, values) : undefined),
  };
}

function readValues(number: number, reader: PacketReader): Uint8Array[] {
  switch (number) {
    case RSA: case 3: return [reader.mpi('the signature')];
    case ECDSA: case EDDSA: case 17: return [reader.mpi('r'), reader.mpi('s')];
    case ED25519: return [reader.take(64, 'the signature')];
    case ED448: return [reader.take(114, 'the signature')];
    default: throw notSupported(`OpenPGP’s signature algorithm ${number} is not handled.`, 'Use RSA, ECDSA or Ed25519.');
  }
}

function fitted(key: KeyAlgorithmName, number: number, hash: HashName, values: readonly Uint8Array[]): { algorithm: SignatureAlgorithmName; signature: Uint8Array } | undefined {
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = values;
  const { family, bits } = KEY_ALGORITHMS[key];
  if (number === RSA) {
    const length = bits / 8;
    return first.length > length ? undefined : { algorithm: `rsa-pkcs1-${hash}`, signature: Buffer.concat([Buffer.alloc(length - first.length), first]) };
  }
  if (family === 'ec') return { algorithm: `ecdsa-${hash}`, signature: derSequence(derInteger(toBigInt(first)), derInteger(toBigInt(second))) };
  if (number === EDDSA) return first.length > 32 || second.length > 32 ? undefined : { algorithm: 'ed25519', signature: Buffer.concat([Buffer.alloc(32 - first.length), first, Buffer.alloc(32 - second.length), second]) };
  return { algorithm: key as 'ed25519', signature: first };
}

function readSubpackets(bytes: Uint8Array): { type: number; critical: boolean; body: Uint8Array }[] {
  const found: { type: number; critical: boolean; body: Uint8Array }[] = [];
  const reader = new PacketReader(bytes);
  while (reader.offset < bytes.length) {
    if (found.length === 200) throw malformed('There are more than 200 subpackets.');
    const first = reader.number(1, 'a subpacket');
    const length = first < 192 ? first : first < 255 ? ((first - 192) << 8) + reader.number(1, 'a subpacket') + 192 : reader.number(4, 'a subpacket');
    if (length === 0) throw malformed('A subpacket is empty.');
    const [type = 0, ...rest] = reader.take(length, 'a subpacket');
    found.push({ type: type & 0x7f, critical: (type & 0x80) !== 0, body: Buffer.from(rest) });
  }
  return found;
}

/** @returns what a key is given: the digest where its scheme hashes, and the digest as a message for EdDSA. */
export function signedContent(algorithm: SignatureAlgorithmName, digest: Uint8Array): Content {
  const { hash }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
  return hash === null ? { message: digest } : { digest };
}
