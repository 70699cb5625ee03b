import { generateKeyPairSync } from 'node:crypto';
import { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } from '@noble/curves/misc.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { readTlvs, tlv, type Tlv } from '../tlv.ts';

/** What the card does with a curve, beyond what OpenSSL does: signing a ready digest, and Diffie-Hellman that gives the whole point. */
export interface Curve {
  /** OpenSSL's name. */
  readonly name: string;
  readonly oid: string;
  /** Length of a field element. */
  readonly bytes: number;
  readonly arithmetic: Arithmetic;
}

interface Arithmetic {
  sign(digest: Uint8Array, secret: Uint8Array, options: { prehash: false; lowS: false; extraEntropy: true; format: 'der' }): Uint8Array;
  readonly Point: { fromBytes(bytes: Uint8Array): ArithmeticPoint; readonly Fn: { fromBytes(bytes: Uint8Array): bigint } };
}
interface ArithmeticPoint { multiply(scalar: bigint): ArithmeticPoint; toBytes(compressed: boolean): Uint8Array }

export const CURVES: readonly Curve[] = [
  { name: 'prime256v1', oid: '1.2.840.10045.3.1.7', bytes: 32, arithmetic: p256 },
  { name: 'secp384r1', oid: '1.3.132.0.34', bytes: 48, arithmetic: p384 },
  { name: 'secp521r1', oid: '1.3.132.0.35', bytes: 66, arithmetic: p521 },
  { name: 'secp256k1', oid: '1.3.132.0.10', bytes: 32, arithmetic: secp256k1 },
  { name: 'brainpoolP256r1', oid: '1.3.36.3.3.2.8.1.1.7', bytes: 32, arithmetic: brainpoolP256r1 },
  { name: 'brainpoolP384r1', oid: '1.3.36.3.3.2.8.1.1.11', bytes: 48, arithmetic: brainpoolP384r1 },
  { name: 'brainpoolP512r1', oid: '1.3.36.3.3.2.8.1.1.13', bytes: 64, arithmetic: brainpoolP512r1 },
];

/** Domain parameters in the order of TR-03110 part 3 §D.3.3, without the public point: elements and the point as octets of the field's length. */
interface Domain {
  readonly prime: Buffer;
  readonly a: Buffer;
  readonly b: Buffer;
  readonly generator: Buffer;
  readonly order: Buffer;
  readonly cofactor: Buffer;
}

const domains = new Map<string, Domain>();

/** @returns the domain parameters as OpenSSL knows them (SEC 1 §C.2, ECParameters). */
export function domainOf({ name, bytes }: Curve): Domain {
  const known = domains.get(name);
  if (known !== undefined) return known;
  const spki = generateKeyPairSync('ec', { namedCurve: name, paramEncoding: 'explicit' }).publicKey.export({ type: 'spki', format: 'der' });
  const inside = (element: Tlv | undefined): Tlv[] => readTlvs(element?.value ?? Buffer.alloc(0));
  const parameters = inside(inside(inside(readTlvs(spki)[0])[0])[1]);
  const [, field, equation, generator, order, cofactor] = parameters;
  const whole = (value: Buffer | undefined): Buffer => fitted(value ?? Buffer.alloc(0), bytes);
  const domain = {
    prime: whole(inside(field)[1]?.value), a: whole(inside(equation)[0]?.value), b: whole(inside(equation)[1]?.value),
    generator: generator?.value ?? Buffer.alloc(0), order: whole(order?.value), cofactor: cofactor?.value ?? Buffer.of(1),
  };
  domains.set(name, domain);
  return domain;
}

export function curveOfPrime(prime: Uint8Array): Curve | undefined {
  return CURVES.find((curve) => domainOf(curve).prime.equals(prime));
}

/** @returns a number's octets, zeros before it cut off or put before it until there are `length`. */
export function fitted(value: Uint8Array, length: number): Buffer {
  let start = 0;
  while (start < value.length - length && value[start] === 0) start += 1;
  const rest = value.subarray(start);
  return Buffer.concat([Buffer.alloc(Math.max(0, length - rest.length)), rest]);
}

/** @returns the domain parameters as objects of a CVC's public key, 81 to 85. */
export function domainObjects(curve: Curve): Buffer {
  const { prime, a, b, generator, order } = domainOf(curve);
  return Buffer.concat([tlv(0x81, prime), tlv(0x82, a), tlv(0x83, b), tlv(0x84, generator), tlv(0x85, order)]);
}
