import { constants, createPrivateKey, createPublicKey, diffieHellman, generateKeyPair, privateDecrypt, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { p256, p384 } from '@noble/curves/nist.js';
import { StatusWord, SW } from '../apdu.ts';
import { tlv, valueOf, type Tlv } from '../tlv.ts';
import { ALGORITHM } from './state.ts';

const generate = promisify(generateKeyPair);
const RSA_EXPONENT = 65537n;

interface RsaKind { readonly kind: 'rsa'; readonly bits: number }
interface EcKind { readonly kind: 'ec'; readonly curve: 'P-256' | 'P-384'; readonly bytes: number; readonly pkcs8: string }
interface MontgomeryKind { readonly kind: 'ed25519' | 'x25519'; readonly pkcs8: string; readonly importTag: number }
type Kind = RsaKind | EcKind | MontgomeryKind;

/** PKCS#8 (RFC 5958, RFC 8410) up to the private value, which ends it. */
const KINDS: Readonly<Record<number, Kind>> = {
  [ALGORITHM.rsa1024]: { kind: 'rsa', bits: 1024 },
  [ALGORITHM.rsa2048]: { kind: 'rsa', bits: 2048 },
  [ALGORITHM.rsa3072]: { kind: 'rsa', bits: 3072 },
  [ALGORITHM.rsa4096]: { kind: 'rsa', bits: 4096 },
  [ALGORITHM.p256]: { kind: 'ec', curve: 'P-256', bytes: 32, pkcs8: '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420' },
  [ALGORITHM.p384]: { kind: 'ec', curve: 'P-384', bytes: 48, pkcs8: '304e020100301006072a8648ce3d020106052b81040022043730350201010430' },
  [ALGORITHM.ed25519]: { kind: 'ed25519', pkcs8: '302e020100300506032b657004220420', importTag: 0x07 },
  [ALGORITHM.x25519]: { kind: 'x25519', pkcs8: '302e020100300506032b656e04220420', importTag: 0x08 },
};

function kindOf(algorithm: number): Kind {
  const kind = KINDS[algorithm];
  if (kind === undefined) throw new StatusWord(SW.wrongData);
  return kind;
}

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Makes a key pair. Off the event loop: RSA-4096 takes seconds. */
export async function generateKey(algorithm: number): Promise<KeyPair> {
  const kind = kindOf(algorithm);
  if (kind.kind === 'rsa') return generate('rsa', { modulusLength: kind.bits, publicExponent: Number(RSA_EXPONENT) });
  if (kind.kind === 'ec') return generate('ec', { namedCurve: kind.curve });
  return kind.kind === 'ed25519' ? generate('ed25519') : generate('x25519');
}

/** @returns the key pair of IMPORT ASYMMETRIC KEY's objects. @throws StatusWord 6A80 when parts are missing, too long, or belong to no key. */
export function importKey(algorithm: number, objects: readonly Tlv[]): KeyPair {
  const kind = kindOf(algorithm);
  const part = (tag: number, length: number): Buffer => {
    const value = valueOf(objects, tag);
    if (value === undefined || value.length === 0 || value.length > length) throw new StatusWord(SW.wrongData);
    return Buffer.concat([Buffer.alloc(length - value.length), value]);
  };
  try {
    const privateKey = kind.kind === 'rsa' ? rsaFromPrimes(kind.bits, (tag) => part(tag, kind.bits / 16))
      : createPrivateKey({ key: Buffer.concat([Buffer.from(kind.pkcs8, 'hex'), kind.kind === 'ec' ? part(0x06, kind.bytes) : part(kind.importTag, 32)]), format: 'der', type: 'pkcs8' });
    return { privateKey, publicKey: createPublicKey(privateKey) };
  } catch (error) {
    throw error instanceof StatusWord ? error : new StatusWord(SW.wrongData);
  }
}

/** The card is given both primes and the values of the Chinese remainder theorem, and takes 65537 for the public exponent. */
function rsaFromPrimes(bits: number, part: (tag: number) => Buffer): KeyObject {
  const number = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);
  const [p, q, dp, dq, qi] = [0x01, 0x02, 0x03, 0x04, 0x05].map((tag) => number(part(tag))) as [bigint, bigint, bigint, bigint, bigint];
  const n = p * q;
  if (n.toString(2).length !== bits || (dp * RSA_EXPONENT) % (p - 1n) !== 1n || (dq * RSA_EXPONENT) % (q - 1n) !== 1n || (qi * q) % p !== 1n) throw new StatusWord(SW.wrongData);
  const d = inverse(RSA_EXPONENT, (p - 1n) * (q - 1n));
  const field = (value: bigint): string => {
    const hex = value.toString(16);
    return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
  };
  const jwk = { kty: 'RSA', n: field(n), e: field(RSA_EXPONENT), d: field(d), p: field(p), q: field(q), dp: field(dp), dq: field(dq), qi: field(qi) };
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

/** @returns the inverse of `value` modulo `modulus`, which are coprime. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r, nextR, t, nextT] = [modulus, value, 0n, 1n];
  while (nextR !== 0n) {
    const quotient = r / nextR;
    [r, nextR, t, nextT] = [nextR, r - quotient * nextR, nextT, t - quotient * nextT];
  }
  return t < 0n ? t + modulus : t;
}

/** @returns the public key as GENERATE and METADATA tell it: modulus 81 and exponent 82, or the point 86. */
export function publicKeyObjects(publicKey: KeyObject): Buffer {
  const jwk = publicKey.export({ format: 'jwk' });
  const bytes = (field: string | undefined): Buffer => Buffer.from(field ?? '', 'base64url');
  if (jwk.kty === 'RSA') return Buffer.concat([tlv(0x81, bytes(jwk.n)), tlv(0x82, bytes(jwk.e))]);
  if (jwk.kty === 'EC') return tlv(0x86, Buffer.of(4), bytes(jwk.x), bytes(jwk.y));
  return tlv(0x86, bytes(jwk.x));
}

/** The bare private-key operation on what the client padded or hashed. @throws StatusWord 6A80 when the input does not fit. */
export function signOrDecrypt(algorithm: number, key: KeyObject, input: Buffer): Buffer {
  const kind = kindOf(algorithm);
  switch (kind.kind) {
    case 'rsa': {
      if (input.length !== kind.bits / 8) throw new StatusWord(SW.wrongData);
      try {
        return privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, input);
      } catch {
        // The number is not below the modulus.
        throw new StatusWord(SW.wrongData);
      }
    }
    case 'ec': {
      if (input.length === 0 || input.length > kind.bytes) throw new StatusWord(SW.wrongData);
      const scalar = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
      // A short digest is a number with zeros before it (FIPS 186-5 §6.4).
      const digest = Buffer.concat([Buffer.alloc(kind.bytes - input.length), input]);
      return Buffer.from((kind.curve === 'P-256' ? p256 : p384).sign(digest, scalar, { prehash: false, lowS: false, format: 'der' }));
    }
    case 'ed25519':
      return sign(null, input, key);
    case 'x25519':
      throw new StatusWord(SW.wrongData);
  }
}

const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');

/** @returns the shared secret with the other side's public key. @throws StatusWord 6A80 when that is no point of the curve. */
export function agree(algorithm: number, key: KeyObject, peer: Buffer): Buffer {
  const kind = kindOf(algorithm);
  try {
    if (kind.kind === 'ec') {
      if (peer.length !== 1 + 2 * kind.bytes || peer[0] !== 4) throw new StatusWord(SW.wrongData);
      const jwk = { kty: 'EC', crv: kind.curve, x: peer.subarray(1, 1 + kind.bytes).toString('base64url'), y: peer.subarray(1 + kind.bytes).toString('base64url') };
      return diffieHellman({ privateKey: key, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) });
    }
    if (kind.kind === 'x25519') {
      if (peer.length !== 32) throw new StatusWord(SW.wrongData);
      return diffieHellman({ privateKey: key, publicKey: createPublicKey({ key: Buffer.concat([X25519_SPKI, peer]), format: 'der', type: 'spki' }) });
    }
  } catch (error) {
    throw error instanceof StatusWord ? error : new StatusWord(SW.wrongData);
  }
  throw new StatusWord(SW.wrongData);
}
