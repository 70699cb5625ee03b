import { createECDH } from 'node:crypto';
import { KEY_ALGORITHMS, type KeyAlgorithmName } from '../contract/index.ts';
import { contextPrimitive, contextTag, der, derBits, derInteger, derOid, DerReader, derSequence, fromBigInt, TAG, toBigInt } from './der.ts';
import { keyIdentifier, readCurve, readKeyIdentifier, rsaBySize } from './identifiers.ts';
import { malformed, notSupported } from './malformed.ts';
import { checkRsaPublic, type RsaPublicNumbers, uncompressedPoint } from './spki.ts';

/** Private keys taken apart and put together: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017 A.1.2), SEC 1 (RFC 5915). */

interface RsaPrivateNumbers extends RsaPublicNumbers {
  readonly d: bigint;
  readonly p: bigint;
  readonly q: bigint;
  readonly dp: bigint;
  readonly dq: bigint;
  /** Inverse of q modulo p. */
  readonly qi: bigint;
}

export type PrivateParts =
  | ({ readonly kind: 'rsa'; readonly algorithm: KeyAlgorithmName } & RsaPrivateNumbers)
  /** `scalar` as long as the curve's order; `point` uncompressed, as the file gave it, if it did. */
  | { readonly kind: 'ec'; readonly algorithm: KeyAlgorithmName; readonly scalar: Uint8Array; readonly point?: Uint8Array }
  /** `secret`: the content of PKCS#8's privateKey OCTET STRING; `publicBytes` as the file gave them, if it did. */
  | { readonly kind: 'bytes'; readonly algorithm: KeyAlgorithmName; readonly secret: Uint8Array; readonly publicBytes?: Uint8Array };

/**
 * Takes PrivateKeyInfo or OneAsymmetricKey apart (RFC 5958 §2).
 * @throws INVALID_INPUT with the offset, CAPABILITY_MISSING naming an algorithm that is not handled.
 */
export function parsePkcs8(bytes: Uint8Array): PrivateParts {
  const outer = new DerReader(bytes);
  const info = outer.enter('the private key');
  const version = info.smallInteger('the version', 1);
  const identifier = readKeyIdentifier(info);
  const { offset } = info;
  const secret = info.octets('the key itself');
  info.optional('the attributes', contextTag(0));
  const publicAt = info.offset;
  const publicBytes = info.peek() === contextPrimitive(1) ? info.bits('the public key', contextPrimitive(1)) : undefined;
  if ((publicBytes !== undefined) !== (version === 1)) throw malformed('Version 2 of PKCS#8 has the public key at its end, and version 1 does not; here they do not go together.', publicAt);
  info.finish('the private key');
  outer.finish('the private key');
  const from = secret.byteOffset - bytes.byteOffset;
  if (identifier.family === 'rsa') return parsePkcs1(bytes, from, from + secret.length);
  if (identifier.family === 'ec') {
    const parts = parseSec1(bytes, from, from + secret.length, identifier.algorithm);
    return parts.kind === 'ec' && parts.point === undefined && publicBytes !== undefined
      ? { ...parts, point: uncompressedPoint(parts.algorithm, publicBytes, publicAt) } : parts;
  }
  if (secret.length === 0) throw malformed('The key itself is empty.', offset);
  return { kind: 'bytes', algorithm: identifier.algorithm, secret, ...(publicBytes === undefined ? {} : { publicBytes }) };
}

/** Reads RSAPrivateKey (RFC 8017 A.1.2), two primes. */
export function parsePkcs1(bytes: Uint8Array, from = 0, to = bytes.length): PrivateParts {
  const outer = new DerReader(bytes, from, to);
  const key = outer.enter('the RSA private key');
  const { offset } = key;
  if (key.smallInteger('the version', 1) === 1) throw notSupported('An RSA key of more than two primes.', 'Use an RSA key of two primes.');
  const [n, e, d, p, q, dp, dq, qi] = ['the modulus', 'the public exponent', 'the private exponent', 'the first prime', 'the second prime', 'the first exponent', 'the second exponent', 'the coefficient']
    .map((name) => key.integer(name)) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
  key.finish('the RSA private key');
  outer.finish('the RSA private key');
  return rsaParts({ n, e, d, p, q, dp, dq, qi }, offset);
}

/**
 * Puts the numbers of an RSA key in order after having checked that they belong together.
 * That p and q are prime is not asked here: the trial signature of `checkedMaterial` would fail.
 */
export function rsaParts(numbers: RsaPrivateNumbers, offset?: number): PrivateParts {
  const { n, e, d, p, q, dp, dq, qi } = numbers;
  checkRsaPublic(numbers, offset);
  const algorithm = rsaBySize(n.toString(2).length);
  const fits = p > 1n && q > 1n && p !== q && p * q === n && d > 1n && d < n
    && (d * e) % (p - 1n) === 1n && (d * e) % (q - 1n) === 1n
    && dp === d % (p - 1n) && dq === d % (q - 1n) && qi > 0n && qi < p && (qi * q) % p === 1n;
  if (!fits) throw malformed('The numbers of this RSA key do not belong together.', offset, 'The file is damaged or was tampered with: do not use it.');
  return { kind: 'rsa', algorithm, ...numbers };
}

/**
 * Reads ECPrivateKey (RFC 5915 §3).
 * @param curve from around it, if known; both must agree when both are there.
 */
export function parseSec1(bytes: Uint8Array, from = 0, to = bytes.length, curve?: KeyAlgorithmName): PrivateParts {
  const outer = new DerReader(bytes, from, to);
  const key = outer.enter('the EC private key');
  const versionAt = key.offset;
  if (key.smallInteger('the version', 255) !== 1) throw malformed('The version of an EC private key must be 1.', versionAt);
  const scalarAt = key.offset;
  const given = key.octets('the private scalar');
  const curveAt = key.offset;
  let algorithm = curve;
  if (key.peek() === contextTag(0)) {
    const parameters = key.enter('the curve', contextTag(0));
    algorithm = readCurve(parameters);
    parameters.finish('the curve');
    if (curve !== undefined && algorithm !== curve) throw malformed(`The key says twice on which curve it is, ${curve} and ${algorithm}.`, curveAt);
  }
  if (algorithm === undefined) throw malformed('The EC key does not say on which curve it is.', curveAt);
  let point: Uint8Array | undefined;
  if (key.peek() === contextTag(1)) {
    const { offset } = key;
    const wrapper = key.enter('the public key', contextTag(1));
    point = uncompressedPoint(algorithm, wrapper.bits('the public key'), offset);
    wrapper.finish('the public key');
  }
  key.finish('the EC private key');
  outer.finish('the EC private key');
  return ecParts(algorithm, given, point, scalarAt);
}

/** @param scalar big-endian; shorter or longer by zeros than it should be, as some programs write it. */
export function ecParts(algorithm: KeyAlgorithmName, scalar: Uint8Array, point?: Uint8Array, offset?: number): PrivateParts {
  const { bits, openssl } = KEY_ALGORITHMS[algorithm];
  const length = Math.ceil(bits / 8);
  const refused = (): Error => malformed(`The private scalar is not one of ${algorithm}.`, offset);
  if (scalar.length === 0 || scalar.length > length + 8) throw refused();
  let fixed: Buffer;
  try {
    fixed = fromBigInt(toBigInt(scalar), length);
    createECDH(openssl).setPrivateKey(fixed); // refuses what is not from 1 to the order less 1
  } catch {
    throw refused();
  }
  return { kind: 'ec', algorithm, scalar: fixed, ...(point === undefined ? {} : { point }) };
}

/** @returns the uncompressed public point of an EC scalar. */
export function pointOf(algorithm: KeyAlgorithmName, scalar: Uint8Array): Buffer {
  const ecdh = createECDH(KEY_ALGORITHMS[algorithm].openssl);
  ecdh.setPrivateKey(scalar);
  return ecdh.getPublicKey();
}

/** @returns RSAPrivateKey, DER. */
export function buildPkcs1(key: RsaPrivateNumbers): Buffer {
  return derSequence(...[0n, key.n, key.e, key.d, key.p, key.q, key.dp, key.dq, key.qi].map(derInteger));
}

/** @returns ECPrivateKey, DER; with the curve when it stands alone, without it inside PKCS#8, and always with the point. */
export function buildSec1(algorithm: KeyAlgorithmName, scalar: Uint8Array, standalone: boolean): Buffer {
  const curve = KEY_ALGORITHMS[algorithm].oid as string;
  return derSequence(derInteger(1n), der(TAG.octetString, scalar),
    ...(standalone ? [der(contextTag(0), derOid(curve))] : []), der(contextTag(1), derBits(pointOf(algorithm, scalar))));
}

/** @returns PrivateKeyInfo, DER, version 1 (0). */
export function buildPkcs8(parts: PrivateParts): Buffer {
  const secret = parts.kind === 'rsa' ? buildPkcs1(parts) : parts.kind === 'ec' ? buildSec1(parts.algorithm, parts.scalar, false) : parts.secret;
  return derSequence(derInteger(0n), keyIdentifier(parts.algorithm), der(TAG.octetString, secret));
}

/** @returns the algorithm of an unencrypted private key, without checking the key itself. @throws INVALID_INPUT, CAPABILITY_MISSING naming what it is. */
export function algorithmOfPkcs8(bytes: Uint8Array): KeyAlgorithmName {
  const info = new DerReader(bytes).enter('the private key');
  info.smallInteger('the version', 1);
  const identifier = readKeyIdentifier(info);
  if (identifier.family !== 'rsa') return identifier.algorithm;
  const key = info.enter('the key itself', TAG.octetString).enter('the RSA private key');
  key.smallInteger('the version', 1);
  return rsaBySize(key.integer('the modulus').toString(2).length);
}
