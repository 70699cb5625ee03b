import { KEY_ALGORITHMS, type KeyAlgorithmFacts, type KeyAlgorithmName } from '../contract/index.ts';
import { type CborKey, type CborValue, readCbor, writeCbor } from './cbor.ts';
import { fromBigInt, toBigInt } from './der.ts';
import { rsaBySize } from './identifiers.ts';
import { malformed, notSupported } from './malformed.ts';
import { buildSpki, checkRsaPublic, parseSpki, type PublicParts, uncompressedPoint } from './spki.ts';

/** COSE_Key (RFC 9052 §7): RFC 9053 §7 (OKP, EC2), RFC 8230 §4 (RSA), and IANA's registry (secp256k1: RFC 8812 §3.1; AKP: ML-DSA). */

const [KTY, ALG] = [1n, 3n] as const;
const EC2_CURVES: Readonly<Partial<Record<KeyAlgorithmName, bigint>>> = { 'ec-p256': 1n, 'ec-p384': 2n, 'ec-p521': 3n, 'ec-secp256k1': 8n };
const OKP_CURVES: Readonly<Partial<Record<KeyAlgorithmName, bigint>>> = { x25519: 4n, x448: 5n, ed25519: 6n, ed448: 7n };
const AKP_ALGORITHMS: Readonly<Partial<Record<KeyAlgorithmName, bigint>>> = { 'ml-dsa-44': -48n, 'ml-dsa-65': -49n, 'ml-dsa-87': -50n };

/** @returns whether COSE has a number for keys of this algorithm (RFC 9053 §7, RFC 8230 §4). */
export function hasCoseKey(algorithm: KeyAlgorithmName): boolean {
  return KEY_ALGORITHMS[algorithm].family === 'rsa' || [EC2_CURVES, OKP_CURVES, AKP_ALGORITHMS].some((names) => names[algorithm] !== undefined);
}

/** @returns the public key as COSE_Key, CBOR. @throws CAPABILITY_MISSING for what COSE has no name for */
export function coseKey(parts: PublicParts): Buffer {
  const map = (entries: readonly (readonly [CborKey, CborValue])[]): Buffer => writeCbor(new Map(entries));
  if (parts.kind === 'rsa') return map([[KTY, 3n], [-1n, fromBigInt(parts.n)], [-2n, fromBigInt(parts.e)]]);
  const { algorithm, bytes } = parts;
  const [ec, okp, akp] = [EC2_CURVES[algorithm], OKP_CURVES[algorithm], AKP_ALGORITHMS[algorithm]];
  const half = (bytes.length - 1) / 2;
  if (ec !== undefined) return map([[KTY, 2n], [-1n, ec], [-2n, bytes.subarray(1, 1 + half)], [-3n, bytes.subarray(1 + half)]]);
  if (okp !== undefined) return map([[KTY, 1n], [-1n, okp], [-2n, bytes]]);
  if (akp !== undefined) return map([[KTY, 7n], [ALG, akp], [-1n, bytes]]);
  throw notSupported(`COSE has no name for ${algorithm}.`, 'Write it as SPKI.', ['pem', 'der']);
}

/** @returns the public key in a COSE_Key; a private one gives its public part. @throws INVALID_INPUT, CAPABILITY_MISSING for types and curves that are not handled */
export function readCoseKey(content: Uint8Array): PublicParts {
  const key = readCbor(content);
  if (!(key instanceof Map)) throw malformed('A COSE key should be a map.', 0);
  const bytes = (label: bigint, what: string): Uint8Array => {
    const value: CborValue = key.get(label);
    if (value instanceof Uint8Array) return value;
    throw malformed(`${what} of the COSE key should be a byte string.`, 0);
  };
  const named = (names: Readonly<Partial<Record<KeyAlgorithmName, bigint>>>, value: CborValue): KeyAlgorithmName => {
    const found = (Object.keys(names) as KeyAlgorithmName[]).find((name) => names[name] === value);
    if (found === undefined) throw notSupported('The COSE key has a curve or algorithm that is not handled.', 'Use one of those named.', Object.keys(names));
    return found;
  };
  switch (key.get(KTY)) {
    case 1n: return checked(named(OKP_CURVES, key.get(-1n)), bytes(-2n, 'x'));
    case 2n: {
      const algorithm = named(EC2_CURVES, key.get(-1n));
      const y: CborValue = key.get(-3n);
      const point = typeof y === 'boolean' ? Buffer.concat([Buffer.of(y ? 3 : 2), bytes(-2n, 'x')]) : Buffer.concat([Buffer.of(4), bytes(-2n, 'x'), bytes(-3n, 'y')]);
      return { kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, point) };
    }
    case 3n: {
      const [n, e] = [toBigInt(bytes(-1n, 'the modulus')), toBigInt(bytes(-2n, 'the exponent'))];
      checkRsaPublic({ n, e });
      return { kind: 'rsa', algorithm: rsaBySize(n.toString(2).length), n, e };
    }
    case 7n: return checked(named(AKP_ALGORITHMS, key.get(ALG)), bytes(-1n, 'the public key'));
    default: throw notSupported('The COSE key is of a type that is not handled.', 'Use an OKP, EC2, RSA or AKP key.');
  }
}

/** Lets OpenSSL judge keys that are bytes alone. */
function checked(algorithm: KeyAlgorithmName, bytes: Uint8Array): PublicParts {
  return parseSpki(buildSpki({ kind: 'bytes', algorithm, bytes }));
}

/** Labels of private and secret COSE keys and what JWK calls them: OKP and EC2 (RFC 9053 §7), RSA (RFC 8230 §4), symmetric keys and AKP. */
const PRIVATE_MEMBERS: Readonly<Record<string, readonly (readonly [label: bigint, name: string])[]>> = {
  OKP: [[-2n, 'x'], [-4n, 'd']], EC: [[-2n, 'x'], [-3n, 'y'], [-4n, 'd']], oct: [[-1n, 'k']], AKP: [[-1n, 'pub'], [-2n, 'priv']],
  RSA: [[-1n, 'n'], [-2n, 'e'], [-3n, 'd'], [-4n, 'p'], [-5n, 'q'], [-6n, 'dp'], [-7n, 'dq'], [-8n, 'qi']],
};
const TYPES: Readonly<Record<string, bigint>> = { OKP: 1n, EC: 2n, RSA: 3n, oct: 4n, AKP: 7n };
/** RFC 9053 §3.1, §4.1, §4.3 and §6.2.1: what a secret key is for. */
const SECRET_ALGORITHMS: Readonly<Record<string, bigint>> = { A128GCM: 1n, A192GCM: 2n, A256GCM: 3n, HS256: 5n, HS384: 6n, HS512: 7n, A128KW: -3n, A192KW: -4n, A256KW: -5n, C20P: 24n };

/** @param jwk private or secret. @returns it as COSE_Key, CBOR; the caller wipes it. @throws CAPABILITY_MISSING for what COSE has no name for */
export function coseOfJwk(jwk: Readonly<Record<string, string>>, algorithm: KeyAlgorithmName): Buffer {
  const kty = jwk['kty'] ?? '';
  const map = new Map<CborKey, CborValue>([[KTY, TYPES[kty] ?? 0n]]);
  const curve = EC2_CURVES[algorithm] ?? OKP_CURVES[algorithm];
  if (kty === 'oct') map.set(ALG, SECRET_ALGORITHMS[jwk['alg'] ?? ''] ?? 0n);
  else if (kty === 'AKP') {
    if (AKP_ALGORITHMS[algorithm] === undefined) throw notSupported(`COSE has no name for ${algorithm}.`, 'Write it as PKCS#8.', ['pkcs8']);
    map.set(ALG, AKP_ALGORITHMS[algorithm]);
  } else if (kty !== 'RSA') map.set(-1n, curve);
  for (const [label, name] of PRIVATE_MEMBERS[kty] ?? []) if (jwk[name] !== undefined) map.set(label, Buffer.from(jwk[name], 'base64url'));
  return writeCbor(map);
}

/** @returns the JWK of a private or secret COSE_Key, or undefined when it is a public one. @throws INVALID_INPUT, CAPABILITY_MISSING */
export function jwkOfCose(content: Uint8Array): Record<string, string> | undefined {
  const key = readCbor(content);
  if (!(key instanceof Map)) throw malformed('A COSE key should be a map.', 0);
  const kty = Object.keys(TYPES).find((name) => TYPES[name] === key.get(KTY));
  if (kty === undefined) throw notSupported('The COSE key is of a type that is not handled.', 'Use an OKP, EC2, RSA, AKP or symmetric key.');
  const jwk: Record<string, string> = { kty };
  for (const [label, name] of PRIVATE_MEMBERS[kty] ?? []) {
    const value: CborValue = key.get(label);
    if (value instanceof Uint8Array) jwk[name] = Buffer.from(value).toString('base64url');
    else if (typeof value === 'boolean') throw notSupported('The COSE key has its point in the short form.', 'Write it with both coordinates.');
  }
  if (jwk['d'] === undefined && jwk['k'] === undefined && jwk['priv'] === undefined) return undefined;
  const named = (names: Readonly<Record<string, bigint | undefined>>, value: CborValue): string | undefined => Object.keys(names).find((name) => names[name] === value);
  if (kty === 'oct') {
    const alg = named(SECRET_ALGORITHMS, key.get(ALG));
    return alg === undefined ? jwk : { ...jwk, alg };
  }
  if (kty === 'AKP') return { ...jwk, alg: named(AKP_ALGORITHMS, key.get(ALG))?.toUpperCase() ?? `COSE ${typeof key.get(ALG) === 'bigint' ? String(key.get(ALG)) : '?'}` };
  if (kty === 'RSA') return jwk;
  const algorithm = named({ ...EC2_CURVES, ...OKP_CURVES }, key.get(-1n)) as KeyAlgorithmName | undefined;
  if (algorithm === undefined) throw notSupported('The COSE key is on a curve that is not handled.', 'Use one of those named.', Object.keys({ ...EC2_CURVES, ...OKP_CURVES }));
  return { ...jwk, crv: (KEY_ALGORITHMS[algorithm] as KeyAlgorithmFacts).jwkCurve ?? '' };
}

/** Whether these bytes are a CBOR map with a key type. */
export function looksLikeCoseKey(content: Uint8Array): boolean {
  const first = content[0] ?? 0;
  if (first < 0xa1 || first > 0xbf || content.length > 64 * 1024) return false;
  try {
    const map = readCbor(content);
    return map instanceof Map && (typeof map.get(KTY) === 'bigint' || typeof map.get(KTY) === 'string');
  } catch {
    return false;
  }
}
