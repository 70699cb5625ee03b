import { KEY_ALGORITHMS, type KeyAlgorithmName } from '../contract/index.ts';
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
