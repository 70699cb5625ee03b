import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS, type KeyAlgorithmFacts, type KeyAlgorithmName } from '../contract/index.ts';
import type { KeyMaterial } from '../keystore/keystore.ts';
import { fromBigInt, toBigInt } from './der.ts';
import { rsaBySize } from './identifiers.ts';
import { malformed, malformedAt, notSupported, within } from './malformed.ts';
import { checkedMaterial } from './material.ts';
import { ecParts, parsePkcs8, type PrivateParts, rsaParts } from './private-parts.ts';
import { checkRsaPublic, parseSpki, type PublicParts, uncompressedPoint } from './spki.ts';
import { symmetricMaterial } from './symmetric.ts';

/**
 * JSON Web Keys: RFC 7517, RFC 7518 §6 (RSA, EC, oct), RFC 8037 (OKP), RFC 8812 (secp256k1), and the `AKP` type for ML-DSA,
 * ML-KEM and SLH-DSA as OpenSSL's users have it (`alg`, `pub`, `priv`: the seed).
 */

export type Jwk = Readonly<Record<string, unknown>>;

const OKP_SECRET_HEADERS = { 32: [0x04, 0x20], 56: [0x04, 0x38], 57: [0x04, 0x39] } as const;
const AKP_FAMILIES = new Set(['ml-dsa', 'ml-kem', 'slh-dsa']);
const curveName = (algorithm: KeyAlgorithmName): string | undefined => (KEY_ALGORITHMS[algorithm] as KeyAlgorithmFacts).jwkCurve;

/** `alg` of secret keys (RFC 7518 §3.1, §4.1, §5.1; W3C WebCrypto's A128CBC and A128CTR) and the key that it needs. */
function secretByAlg(alg: string): KeyAlgorithmName | undefined {
  const aes = /^A(128|192|256)(?:GCM|KW|GCMKW|CBC|CTR)$/.exec(alg)?.[1];
  if (aes !== undefined) return `aes-${aes as '128'}`;
  const hmac = /^HS(256|384|512)$/.exec(alg)?.[1];
  if (hmac !== undefined) return `hmac-sha${hmac as '256'}`;
  return alg === 'C20P' ? 'chacha20-poly1305' : undefined;
}

/** Whether it holds a private or secret key. */
export function isPrivateJwk(jwk: Jwk): boolean {
  return 'd' in jwk || 'k' in jwk || 'priv' in jwk;
}

/** @param algorithm for an `oct` without `alg`. @throws INVALID_INPUT with a JSON pointer, CAPABILITY_MISSING */
export async function readPrivateJwk(jwk: Jwk, algorithm?: KeyAlgorithmName): Promise<KeyMaterial> {
  if (jwk['kty'] !== 'oct') return checkedMaterial(privateParts(jwk));
  const bytes = octets(jwk, 'k');
  const named = jwk['alg'] === undefined ? undefined : secretByAlg(text(jwk, 'alg'));
  const known = named ?? algorithm;
  if (known === undefined) {
    if (jwk['alg'] === undefined) throw malformed('The JWK is a secret key without "alg", so it does not say what it is for.', undefined, 'Name the algorithm.');
    throw notSupported(`A secret key for "${printable(jwk['alg'])}" is not handled.`, 'Name an algorithm that takes this key.', ['aes-256', 'hmac-sha256']);
  }
  return within('/k', () => symmetricMaterial(known, bytes));
}

function privateParts(jwk: Jwk): PrivateParts {
  const kty = text(jwk, 'kty');
  const publicParts = publicPartsOfJwk(jwk);
  if (publicParts.kind === 'rsa') {
    if (jwk['oth'] !== undefined) throw notSupported('An RSA key of more than two primes.', 'Use an RSA key of two primes.');
    const [d, p, q, dp, dq, qi] = ['d', 'p', 'q', 'dp', 'dq', 'qi'].map((name) => {
      if (jwk[name] === undefined) throw malformedAt(`/${name}`, `The RSA key lacks "${name}".`, 'Write it with all of d, p, q, dp, dq and qi.');
      return toBigInt(octets(jwk, name));
    }) as [bigint, bigint, bigint, bigint, bigint, bigint];
    return rsaParts({ n: publicParts.n, e: publicParts.e, d, p, q, dp, dq, qi });
  }
  const { algorithm, bytes } = publicParts;
  if (kty === 'EC') {
    const scalar = octets(jwk, 'd');
    checkLength(scalar, Math.ceil(KEY_ALGORITHMS[algorithm].bits / 8), 'd');
    return ecParts(algorithm, scalar, bytes);
  }
  if (kty === 'OKP') {
    const secret = octets(jwk, 'd');
    checkLength(secret, bytes.length, 'd');
    return { kind: 'bytes', algorithm, secret: Buffer.from([...OKP_SECRET_HEADERS[secret.length as 32], ...secret]), publicBytes: bytes };
  }
  const parts = parsePkcs8(exported(() => createPrivateKey({ key: { kty, alg: jwk['alg'], priv: jwk['priv'], pub: jwk['pub'] }, format: 'jwk' }).export({ type: 'pkcs8', format: 'der' }), algorithm));
  return parts.kind === 'bytes' ? { ...parts, publicBytes: bytes } : parts;
}

/** @returns the public key. @throws INVALID_INPUT with a JSON pointer, CAPABILITY_MISSING for types and curves that are not handled */
export function publicPartsOfJwk(jwk: Jwk): PublicParts {
  const kty = text(jwk, 'kty');
  if (kty === 'RSA') {
    const n = toBigInt(octets(jwk, 'n'));
    const e = toBigInt(octets(jwk, 'e'));
    checkRsaPublic({ n, e });
    return { kind: 'rsa', algorithm: rsaBySize(n.toString(2).length), n, e };
  }
  if (kty === 'EC' || kty === 'OKP') {
    const crv = text(jwk, 'crv');
    const algorithm = KEY_ALGORITHM_NAMES.find((name) => curveName(name) === crv && (KEY_ALGORITHMS[name].family === 'ec') === (kty === 'EC'));
    if (algorithm === undefined) throw notSupported(`Keys on the JWK curve "${printable(crv)}" are not handled.`, 'Use one of the curves named.', KEY_ALGORITHM_NAMES.flatMap((name) => curveName(name) ?? []));
    const x = octets(jwk, 'x');
    if (kty === 'OKP') {
      checkLength(x, algorithm === 'ed448' ? 57 : Math.ceil(KEY_ALGORITHMS[algorithm].bits / 8), 'x');
      return { kind: 'bytes', algorithm, bytes: x };
    }
    const y = octets(jwk, 'y');
    const length = Math.ceil(KEY_ALGORITHMS[algorithm].bits / 8);
    checkLength(x, length, 'x');
    checkLength(y, length, 'y');
    return { kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, Buffer.concat([Buffer.of(4), x, y])) };
  }
  if (kty === 'AKP') {
    const alg = text(jwk, 'alg');
    const algorithm = KEY_ALGORITHM_NAMES.find((name) => AKP_FAMILIES.has(KEY_ALGORITHMS[name].family) && akpName(name) === alg);
    if (algorithm === undefined) throw notSupported(`Keys for the JWK algorithm "${printable(alg)}" are not handled.`);
    octets(jwk, 'pub');
    return parseSpki(exported(() => createPublicKey({ key: { kty, alg, pub: jwk['pub'] }, format: 'jwk' }).export({ type: 'spki', format: 'der' }), algorithm));
  }
  if (kty === 'oct') throw malformed('A secret key (oct) has no public part.');
  throw notSupported(`The JWK key type "${printable(kty)}" is not handled.`, 'Use a key of one of the types named.', ['RSA', 'EC', 'OKP', 'oct', 'AKP']);
}

/** `ML-DSA-65`, `ML-KEM-768`, `SLH-DSA-SHA2-128s`. */
function akpName(algorithm: KeyAlgorithmName): string {
  return algorithm.startsWith('slh-') ? `SLH-DSA-${algorithm.slice(8).replace(/^(sha2|shake)/, (hash) => hash.toUpperCase())}` : algorithm.toUpperCase();
}

function exported(work: () => Buffer, algorithm: KeyAlgorithmName): Buffer {
  try {
    return work();
  } catch {
    throw malformed(`This JWK is no ${algorithm} key.`);
  }
}

/** @returns the JWK of a public key. @throws CAPABILITY_MISSING for curves without a JWK name */
export function publicJwk(parts: PublicParts): Record<string, string> {
  const { algorithm } = parts;
  if (parts.kind === 'rsa') return { kty: 'RSA', n: encode(fromBigInt(parts.n)), e: encode(fromBigInt(parts.e)) };
  const crv = curveName(algorithm);
  if (parts.kind === 'ec') {
    if (crv === undefined) throw notSupported(`No standard gives the curve of ${algorithm} a JWK name.`, 'Use PKCS#8 or PEM.', ['pkcs8', 'pem', 'der']);
    const length = (parts.bytes.length - 1) / 2;
    return { kty: 'EC', crv, x: encode(parts.bytes.subarray(1, 1 + length)), y: encode(parts.bytes.subarray(1 + length)) };
  }
  return crv === undefined ? { kty: 'AKP', alg: akpName(algorithm), pub: encode(parts.bytes) } : { kty: 'OKP', crv, x: encode(parts.bytes) };
}

/** @returns the JWK thumbprint (RFC 7638 §3) of a public key: what names it to who has it as a JWK. */
export function thumbprint(spki: Uint8Array): string {
  const jwk = publicJwk(parseSpki(spki));
  const required = ({ RSA: ['e', 'kty', 'n'], EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], AKP: ['alg', 'kty', 'pub'] } as Record<string, string[]>)[jwk['kty'] ?? ''] ?? [];
  return createHash('sha256').update(JSON.stringify(Object.fromEntries(required.map((name) => [name, jwk[name]])))).digest('base64url');
}

/** @returns the JWK of a key pair. @throws CAPABILITY_MISSING also for ML-DSA and ML-KEM whose seed is not known */
export function privateJwk(parts: PrivateParts, publicParts: PublicParts, pkcs8: Uint8Array): Record<string, string> {
  const jwk = publicJwk(publicParts);
  if (parts.kind === 'rsa') {
    return { ...jwk, ...Object.fromEntries((['d', 'p', 'q', 'dp', 'dq', 'qi'] as const).map((name) => [name, encode(fromBigInt(parts[name], name === 'd' ? fromBigInt(parts.n).length : undefined))])) };
  }
  if (parts.kind === 'ec') return { ...jwk, d: encode(parts.scalar) };
  if (jwk['kty'] === 'OKP') return { ...jwk, d: encode(parts.secret.subarray(2)) };
  try {
    const { priv } = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }).export({ format: 'jwk' }) as { priv: string };
    return { ...jwk, priv };
  } catch {
    throw notSupported(`JWK and COSE hold a key of ${parts.algorithm} by its seed, and this key came without it.`, 'Use PKCS#8, which has the expanded key too.', ['pkcs8', 'pkcs12']);
  }
}

/** @returns the JWK of a secret key. ChaCha20-Poly1305 has no registered name among them: it is on its way to COSE, which has one. */
export function secretJwk({ algorithm, secret }: KeyMaterial): Record<string, string> {
  const { family, bits } = KEY_ALGORITHMS[algorithm];
  return { kty: 'oct', alg: family === 'chacha20' ? 'C20P' : family === 'aes' ? `A${bits}GCM` : `HS${bits}`, k: encode(secret.reveal()) };
}

const encode = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
const printable = (value: unknown): string => (typeof value === 'string' && /^[\x20-\x7e]{0,64}$/.test(value) ? value.replaceAll('"', "'") : '…');

function text(jwk: Jwk, name: string): string {
  const value = jwk[name];
  if (typeof value === 'string') return value;
  throw malformedAt(`/${name}`, value === undefined ? `The JWK lacks "${name}".` : `"${name}" of the JWK should be a string.`);
}

function octets(jwk: Jwk, name: string): Buffer {
  const value = text(jwk, name);
  const bytes = Buffer.from(value, 'base64url');
  if (bytes.length === 0 || bytes.toString('base64url') !== value) throw malformedAt(`/${name}`, `"${name}" of the JWK should be base64url without padding.`);
  return bytes;
}

function checkLength(bytes: Uint8Array, length: number, name: string): void {
  if (bytes.length !== length) throw malformedAt(`/${name}`, `"${name}" of the JWK should have ${length} bytes, not ${bytes.length}.`);
}
