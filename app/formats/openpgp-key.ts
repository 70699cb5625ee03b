import { createHash } from 'node:crypto';
import { KEY_ALGORITHMS, type KeyAlgorithmName } from '../contract/index.ts';
import { derOid, fromBigInt, toBigInt } from './der.ts';
import { rsaBySize } from './identifiers.ts';
import { malformed, notSupported } from './malformed.ts';
import { mpi, PacketReader, uint16, uint32 } from './openpgp-packets.ts';
import { buildSpki, checkRsaPublic, parseSpki, type PublicParts, uncompressedPoint } from './spki.ts';

/** Public key packets of OpenPGP: RFC 9580 §5.5.2, §5.5.5, and the older EdDSA of v4 (§5.5.5.5). */

export type OpenpgpVersion = 4 | 6;
export const [RSA, ECDSA, EDDSA, ED25519, ED448] = [1, 19, 22, 27, 28] as const;
/** Curves by the bytes of their identifier (RFC 9580 §9.2; secp256k1 is GnuPG's, in v4 alone). */
const CURVES: readonly KeyAlgorithmName[] = ['ec-p256', 'ec-p384', 'ec-p521', 'ec-brainpoolp256r1', 'ec-brainpoolp384r1', 'ec-brainpoolp512r1', 'ec-secp256k1'];
const ED25519_LEGACY = derOid('1.3.6.1.4.1.11591.15.1').subarray(2);
const oidOf = (algorithm: KeyAlgorithmName): Buffer => derOid(KEY_ALGORITHMS[algorithm].oid as string).subarray(2);

/** @returns the algorithm's number, or undefined when that version has none for the key. */
export function openpgpAlgorithm(algorithm: KeyAlgorithmName, version: OpenpgpVersion): number | undefined {
  if (KEY_ALGORITHMS[algorithm].family === 'rsa') return algorithm === 'rsa-1024' ? undefined : RSA;
  if (CURVES.includes(algorithm)) return version === 6 && algorithm === 'ec-secp256k1' ? undefined : ECDSA;
  if (algorithm === 'ed25519') return version === 4 ? EDDSA : ED25519;
  return algorithm === 'ed448' && version === 6 ? ED448 : undefined;
}

/** @returns the body of the Public-Key packet. @throws CAPABILITY_MISSING for keys that this version has no name for */
export function publicKeyBody(spki: Uint8Array, created: Date, version: OpenpgpVersion): Buffer {
  const parts = parseSpki(spki);
  const number = openpgpAlgorithm(parts.algorithm, version);
  if (number === undefined) throw notSupported(`OpenPGP v${version} has no keys of ${parts.algorithm}.`, 'Use a key of RSA, ECDSA or Ed25519.', ['rsa-3072', 'ec-p256', 'ed25519']);
  const material = materialOf(parts, number);
  const head = Buffer.concat([Buffer.of(version), uint32(Math.floor(created.getTime() / 1000)), Buffer.of(number)]);
  return version === 4 ? Buffer.concat([head, material]) : Buffer.concat([head, uint32(material.length), material]);
}

function materialOf(parts: PublicParts, number: number): Buffer {
  if (parts.kind === 'rsa') return Buffer.concat([mpi(fromBigInt(parts.n)), mpi(fromBigInt(parts.e))]);
  const oid = number === EDDSA ? ED25519_LEGACY : oidOf(parts.algorithm);
  if (number === ECDSA) return Buffer.concat([Buffer.of(oid.length), oid, mpi(parts.bytes)]);
  return number === EDDSA ? Buffer.concat([Buffer.of(oid.length), oid, mpi(Buffer.concat([Buffer.of(0x40), parts.bytes]))]) : Buffer.from(parts.bytes);
}

/** What stands before a key's body where it is hashed (RFC 9580 §5.2.4, §5.5.4). */
export function hashedKey(body: Uint8Array): Buffer {
  return body[0] === 6 ? Buffer.concat([Buffer.of(0x9b), uint32(body.length), body]) : Buffer.concat([Buffer.of(0x99), uint16(body.length), body]);
}

/** @returns 20 bytes (v4, SHA-1) or 32 (v6, SHA-256). */
export function openpgpFingerprint(body: Uint8Array): Buffer {
  return createHash(body[0] === 6 ? 'sha256' : 'sha1').update(hashedKey(body)).digest();
}

/** @returns 8 bytes: the end of a v4 fingerprint, the beginning of a v6 one. */
export function openpgpKeyId(body: Uint8Array): Buffer {
  const fingerprint = openpgpFingerprint(body);
  return body[0] === 6 ? fingerprint.subarray(0, 8) : fingerprint.subarray(12);
}

/** @param body of a Public-Key or Public-Subkey packet. @throws INVALID_INPUT, CAPABILITY_MISSING */
export function readPublicKeyBody(body: Uint8Array): { spki: Uint8Array; created: Date } {
  const reader = new PacketReader(body);
  const version = reader.number(1, 'the version');
  if (version !== 4 && version !== 6) throw notSupported(`OpenPGP keys of version ${version} are not handled.`, 'Use a key of version 4 or 6.');
  const created = new Date(reader.number(4, 'the time') * 1000);
  const number = reader.number(1, 'the algorithm');
  if (version === 6) reader.take(4, 'the length');
  const parts = readMaterial(number, reader);
  reader.finish('the key');
  return { spki: buildSpki(parts), created };
}

function readMaterial(number: number, reader: PacketReader): PublicParts {
  if (number === RSA || number === 3) {
    const [n, e] = [toBigInt(reader.mpi('the modulus')), toBigInt(reader.mpi('the exponent'))];
    checkRsaPublic({ n, e });
    return { kind: 'rsa', algorithm: rsaBySize(n.toString(2).length), n, e };
  }
  if (number === ED25519) return checked('ed25519', reader.take(32, 'the key'));
  if (number === ED448) return checked('ed448', reader.take(57, 'the key'));
  if (number !== ECDSA && number !== EDDSA) throw notSupported(`OpenPGP’s algorithm ${number} is not handled.`, 'Use a key of RSA, ECDSA or Ed25519.');
  const oid = Buffer.from(reader.take(reader.number(1, 'the curve'), 'the curve'));
  const point = reader.mpi('the point');
  if (number === EDDSA) {
    if (!oid.equals(ED25519_LEGACY) || point.length !== 33 || point[0] !== 0x40) throw malformed('An EdDSA key of OpenPGP should be on Ed25519.');
    return checked('ed25519', point.subarray(1));
  }
  const algorithm = CURVES.find((name) => oidOf(name).equals(oid));
  if (algorithm === undefined) throw notSupported('The curve of the OpenPGP key is not handled.', 'Use one of those named.', CURVES);
  return { kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, point) };
}

function checked(algorithm: KeyAlgorithmName, bytes: Uint8Array): PublicParts {
  return parseSpki(buildSpki({ kind: 'bytes', algorithm, bytes }));
}
