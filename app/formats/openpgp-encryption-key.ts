import type { KeyAlgorithmName } from '../contract/index.ts';
import { KEY_ALGORITHMS } from '../contract/index.ts';
import { derOid, fromBigInt, toBigInt } from './der.ts';
import { rsaBySize } from './identifiers.ts';
import { malformed, notSupported } from './malformed.ts';
import { openpgpFingerprint, type OpenpgpVersion, RSA } from './openpgp-key.ts';
import { mpi, PacketReader, uint32 } from './openpgp-packets.ts';
import { buildSpki, checkRsaPublic, parseSpki, type PublicParts, uncompressedPoint } from './spki.ts';

/** Public keys of OpenPGP that receive (RFC 9580 §5.5.5.1, §5.5.5.6, §5.5.5.7): RSA, ECDH, and X25519. */

export const [ECDH, X25519] = [18, 25] as const;
/** RFC 9580 §9.2; Curve25519 under ECDH is v4's alone. */
const OIDS: Readonly<Partial<Record<KeyAlgorithmName, Buffer>>> = {
  ...Object.fromEntries((['ec-p256', 'ec-p384', 'ec-p521', 'ec-brainpoolp256r1', 'ec-brainpoolp384r1', 'ec-brainpoolp512r1'] as const).map((name) => [name, derOid(KEY_ALGORITHMS[name].oid as string).subarray(2)])),
  x25519: derOid('1.3.6.1.4.1.3029.1.5.1').subarray(2),
};
/** Hash and cipher of the key derivation, by field bits (RFC 9580 §11.5.1). */
const DERIVATIONS: Readonly<Record<number, readonly [hash: number, cipher: number]>> = { 255: [8, 7], 256: [8, 7], 384: [9, 8], 512: [10, 9], 521: [10, 9] };

export interface OpenpgpEncryptionKey {
  readonly version: OpenpgpVersion;
  /** {@link RSA}, {@link ECDH} or {@link X25519}. */
  readonly number: number;
  readonly spki: Uint8Array;
  readonly algorithm: KeyAlgorithmName;
  readonly fingerprint: Uint8Array;
  /** 8 bytes, which v3 packets of session keys name it by. */
  readonly keyId: Uint8Array;
  /** ECDH: its curve and how keys are derived, as its fingerprint covers them. */
  readonly ecdh?: { readonly oid: Uint8Array; readonly hash: number; readonly cipher: number };
}

/** Whether keys of `algorithm` receive in version 4 of OpenPGP, which each reader has. */
export function receivesInOpenpgp(algorithm: KeyAlgorithmName): boolean {
  return (KEY_ALGORITHMS[algorithm].family === 'rsa' && algorithm !== 'rsa-1024') || OIDS[algorithm] !== undefined;
}

/** @returns the body of a Public-Key or Public-Subkey packet; undefined when that version has none for such a key to receive with. */
export function encryptionKeyBody(spki: Uint8Array, created: Date, version: OpenpgpVersion): Buffer | undefined {
  const parts = parseSpki(spki);
  const written = materialOf(parts, version);
  if (written === undefined) return undefined;
  const { number, material } = written;
  const head = Buffer.concat([Buffer.of(version), uint32(Math.floor(created.getTime() / 1000)), Buffer.of(number)]);
  return version === 4 ? Buffer.concat([head, material]) : Buffer.concat([head, uint32(material.length), material]);
}

function materialOf(parts: PublicParts, version: OpenpgpVersion): { number: number; material: Buffer } | undefined {
  if (parts.kind === 'rsa') return parts.algorithm === 'rsa-1024' ? undefined : { number: RSA, material: Buffer.concat([mpi(fromBigInt(parts.n)), mpi(fromBigInt(parts.e))]) };
  const { algorithm, bytes } = parts;
  if (algorithm === 'x25519' && version === 6) return { number: X25519, material: Buffer.from(bytes) };
  const oid = OIDS[algorithm];
  if (oid === undefined) return undefined;
  const [hash, cipher] = DERIVATIONS[KEY_ALGORITHMS[algorithm].bits] as readonly [number, number];
  const point = algorithm === 'x25519' ? Buffer.concat([Buffer.of(0x40), bytes]) : bytes;
  return { number: ECDH, material: Buffer.concat([Buffer.of(oid.length), oid, mpi(point), Buffer.of(3, 1, hash, cipher)]) };
}

/** @param body of a Public-Key or Public-Subkey packet. @throws INVALID_INPUT, CAPABILITY_MISSING for kinds that do not receive or are not handled */
export function readEncryptionKeyBody(body: Uint8Array): OpenpgpEncryptionKey {
  const reader = new PacketReader(body);
  const version = reader.number(1, 'the version');
  if (version !== 4 && version !== 6) throw notSupported(`OpenPGP keys of version ${version} are not handled.`, 'Use a key of version 4 or 6.');
  reader.take(4, 'the time');
  const number = reader.number(1, 'the algorithm');
  if (version === 6) reader.take(4, 'the length');
  const { parts, ecdh } = readMaterial(number, reader);
  reader.finish('the key');
  const fingerprint = openpgpFingerprint(body);
  return {
    version, number: number === 2 ? RSA : number, spki: buildSpki(parts), algorithm: parts.algorithm, fingerprint, keyId: version === 6 ? fingerprint.subarray(0, 8) : fingerprint.subarray(12), ...(ecdh === undefined ? {} : { ecdh }),
  };
}

function readMaterial(number: number, reader: PacketReader): { parts: PublicParts; ecdh?: OpenpgpEncryptionKey['ecdh'] } {
  if (number === RSA || number === 2) {
    const [n, e] = [toBigInt(reader.mpi('the modulus')), toBigInt(reader.mpi('the exponent'))];
    checkRsaPublic({ n, e });
    return { parts: { kind: 'rsa', algorithm: rsaBySize(n.toString(2).length), n, e } };
  }
  if (number === X25519) return { parts: { kind: 'bytes', algorithm: 'x25519', bytes: reader.take(32, 'the key') } };
  if (number !== ECDH) throw notSupported(`OpenPGP’s algorithm ${number} is not encrypted for.`, 'Use a key of RSA, ECDH or X25519.');
  const oid = Buffer.from(reader.take(reader.number(1, 'the curve'), 'the curve'));
  const algorithm = (Object.keys(OIDS) as KeyAlgorithmName[]).find((name) => OIDS[name]?.equals(oid));
  if (algorithm === undefined) throw notSupported('The curve of the OpenPGP key is not handled.', 'Use one of those named.', Object.keys(OIDS));
  const point = reader.mpi('the point');
  const fields = reader.take(reader.number(1, 'the key derivation'), 'the key derivation');
  const [one, hash = 0, cipher = 0] = fields;
  if (fields.length !== 3 || one !== 1) throw malformed('The key derivation of the OpenPGP key is not valid.');
  const ecdh = { oid, hash, cipher };
  if (algorithm !== 'x25519') return { parts: { kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, point) }, ecdh };
  if (point.length !== 33 || point[0] !== 0x40) throw malformed('A key of OpenPGP on Curve25519 should be 32 bytes behind 0x40.');
  return { parts: { kind: 'bytes', algorithm, bytes: point.subarray(1) }, ecdh };
}
