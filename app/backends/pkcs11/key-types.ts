import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS, type KeyAlgorithmFacts, type KeyAlgorithmName, type Usage } from '../../contract/index.ts';
import { curveOf } from '../../formats/curves.ts';
import { DerReader, derOid, TAG, toBigInt } from '../../formats/der.ts';
import { buildSpki, parseRsaPublicKey, uncompressedPoint } from '../../formats/spki.ts';
import { buildRsaPublicKey } from '../../formats/spki.ts';
import { CKK, KEY_TYPE_NAMES } from './constants.ts';

/** From what a token says of a key to our names, and back (PKCS#11 v3.1 §6.1, §6.3, §6.13, §6.8). */

const EC: readonly KeyAlgorithmName[] = KEY_ALGORITHM_NAMES.filter((name) => KEY_ALGORITHMS[name].family === 'ec');
/** Names in PrintableString that tokens made before v3.0 was settled give instead of the object identifier (PKCS#11 v3.1 §6.3.3). */
const CURVE_NAMES: Readonly<Record<string, KeyAlgorithmName>> = { edwards25519: 'ed25519', edwards448: 'ed448', curve25519: 'x25519', curve448: 'x448' };
const PRINTABLE_STRING = 0x13;

/** @returns CKA_EC_PARAMS of a curve: its object identifier, DER. */
export function ecParameters(algorithm: KeyAlgorithmName): Buffer {
  return derOid(KEY_ALGORITHMS[algorithm].oid as string);
}

export function keyTypeOf(algorithm: KeyAlgorithmName): number {
  switch (KEY_ALGORITHMS[algorithm].family) {
    case 'rsa': return CKK.RSA;
    case 'ec': return CKK.EC;
    case 'eddsa': return CKK.EC_EDWARDS;
    case 'xdh': return CKK.EC_MONTGOMERY;
    case 'aes': return CKK.AES;
    default: return CKK.GENERIC_SECRET;
  }
}

/** The RSA algorithm of a size, if it has a name. */
export function rsaOf(bits: number): KeyAlgorithmName | null {
  return KEY_ALGORITHM_NAMES.find((name) => KEY_ALGORITHMS[name].family === 'rsa' && KEY_ALGORITHMS[name].bits === bits) ?? null;
}

/** @param bytes of the key. A generic secret makes the HMAC whose hash is as long as it is (RFC 2104 §3); a typed one says which. */
export function symmetricOf(keyType: number, bytes: number): KeyAlgorithmName | null {
  if (keyType === CKK.AES) return ({ 16: 'aes-128', 24: 'aes-192', 32: 'aes-256' } as const)[bytes] ?? null;
  if (keyType === CKK.SHA256_HMAC) return 'hmac-sha256';
  if (keyType === CKK.SHA384_HMAC) return 'hmac-sha384';
  if (keyType === CKK.SHA512_HMAC) return 'hmac-sha512';
  if (keyType === CKK.GENERIC_SECRET) return ({ 32: 'hmac-sha256', 48: 'hmac-sha384', 64: 'hmac-sha512' } as const)[bytes] ?? null;
  return null;
}

/**
 * @param parameters CKA_EC_PARAMS: a named curve, a curve's name, or all numbers of the curve (RFC 3279 §2.3.5), which some modules give.
 * @returns null for a curve that has no name here.
 */
export async function curveIn(parameters: Uint8Array): Promise<KeyAlgorithmName | null> {
  try {
    const reader = new DerReader(parameters);
    if (reader.peek() === TAG.oid) {
      const oid = reader.oid('the curve');
      return KEY_ALGORITHM_NAMES.find((name) => ['ec', 'eddsa', 'xdh'].includes(KEY_ALGORITHMS[name].family) && KEY_ALGORITHMS[name].oid === oid) ?? null;
    }
    if (reader.peek() === PRINTABLE_STRING) return CURVE_NAMES[Buffer.from(reader.octets('the curve', PRINTABLE_STRING)).toString('latin1')] ?? null;
    const numbers = reader.enter('the curve');
    numbers.integer('its version');
    const field = numbers.enter('its field');
    field.oid('the kind of field');
    const prime = field.integer('the prime');
    numbers.enter('its coefficients');
    const generator = numbers.octets('its generator');
    const order = numbers.integer('its order');
    for (const name of EC) {
      const { Point } = await curveOf(name);
      // Field, order and generator fix the coefficients of a curve of these lengths.
      const point = Buffer.from(Point.BASE.toBytes(false));
      const same = generator[0] === 4 ? point.equals(generator) : Buffer.from(Point.BASE.toBytes(true)).equals(generator);
      if (Point.Fp.ORDER === prime && Point.Fn.ORDER === order && same) return name;
    }
    return null;
  } catch {
    return null;
  }
}

/** @param point CKA_EC_POINT: an OCTET STRING in DER (v2.40 and EC), or the bytes themselves, as some modules give them. @returns SPKI, DER. @throws INVALID_INPUT */
export function spkiOfPoint(algorithm: KeyAlgorithmName, point: Uint8Array): Buffer {
  const { family, bits } = KEY_ALGORITHMS[algorithm];
  const inside = unwrapped(point);
  if (family === 'ec') return buildSpki({ kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, inside) });
  const length = family === 'eddsa' ? Math.ceil((bits + 1) / 8) : Math.ceil(bits / 8);
  return buildSpki({ kind: 'bytes', algorithm, bytes: inside.length === length ? inside : point });
}

export function spkiOfRsa(modulus: Uint8Array, exponent: Uint8Array): Buffer {
  const numbers = { n: toBigInt(modulus), e: toBigInt(exponent) };
  return buildSpki({ kind: 'rsa', ...parseRsaPublicKey(buildRsaPublicKey(numbers)) });
}

function unwrapped(point: Uint8Array): Uint8Array {
  try {
    const reader = new DerReader(point);
    const inside = reader.octets('the point');
    return reader.atEnd ? inside : point;
  } catch {
    return point;
  }
}

/** Which of the token's flags stand for our usages. `derive` is ECDH; with it come the uses that are built on it. */
export interface UsageFlags {
  readonly sign: boolean;
  readonly verify: boolean;
  readonly encrypt: boolean;
  readonly decrypt: boolean;
  readonly wrap: boolean;
  readonly unwrap: boolean;
  readonly derive: boolean;
}

/** @returns in the order of the algorithm's own list. */
export function usagesOf(algorithm: KeyAlgorithmName, flags: UsageFlags): Usage[] {
  const facts: KeyAlgorithmFacts = KEY_ALGORITHMS[algorithm];
  const has = (usage: Usage): boolean => {
    switch (facts.family) {
      case 'ec': case 'xdh': return usage === 'sign' ? flags.sign : usage === 'verify' ? flags.verify : flags.derive;
      case 'hmac': return usage === 'mac' ? flags.sign : usage === 'verify-mac' && flags.verify;
      default: return flags[usage as keyof UsageFlags] ?? false;
    }
  };
  return facts.usages.filter(has);
}

export function flagsOf(algorithm: KeyAlgorithmName, usages: readonly Usage[]): UsageFlags {
  const { family } = KEY_ALGORITHMS[algorithm];
  const has = (...names: Usage[]): boolean => names.some((name) => usages.includes(name));
  const curve = family === 'ec' || family === 'xdh';
  return {
    sign: has('sign', 'mac'), verify: has('verify', 'verify-mac'),
    encrypt: !curve && has('encrypt'), decrypt: !curve && has('decrypt'), wrap: !curve && has('wrap'), unwrap: !curve && has('unwrap'),
    derive: curve && has('agree', 'encrypt', 'decrypt', 'derive'),
  };
}

/** "RSA 1536", "DES3": what a key is that has no name here. */
export function noteOf(keyType: number, bits: number | null): string {
  const name = KEY_TYPE_NAMES[keyType] ?? `key type 0x${keyType.toString(16)}`;
  return bits === null ? name : `${name} ${bits}`;
}
