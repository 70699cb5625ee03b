import { constants, createHash, createPrivateKey, createPublicKey, generateKeyPair, privateDecrypt, privateEncrypt, randomBytes, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { derOid } from '../../../app/formats/der.ts';
import { StatusWord, SW } from '../apdu.ts';
import { readTlvs, tlv } from '../tlv.ts';
import { domainOf, fitted, type Curve } from './curves.ts';

const generate = promisify(generateKeyPair);

/** A key pair in the card. */
export interface CardKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Undefined: RSA. */
  readonly curve: Curve | undefined;
}

/** Algorithms of SIGN and DECIPHER (SmartCard-HSM user manual, OpenSC's `card-sc-hsm.h`). */
const RSA = { raw: 0x20, decrypt: 0x21, pkcs1: 0x30, pkcs1Sha1: 0x31, pkcs1Sha256: 0x33, pkcs1Sha384: 0x34, pkcs1Sha512: 0x35, pss: 0x40, pssSha1: 0x41, pssSha256: 0x43 } as const;
const EC = { raw: 0x70, sha1: 0x71, sha224: 0x72, sha256: 0x73, sha384: 0x74, sha512: 0x75, agree: 0x80 } as const;
const PKCS1_HASHES: Readonly<Record<number, string>> = { [RSA.pkcs1Sha1]: 'sha1', [RSA.pkcs1Sha256]: 'sha256', [RSA.pkcs1Sha384]: 'sha384', [RSA.pkcs1Sha512]: 'sha512' };
const PSS_HASHES: Readonly<Record<number, string>> = { [RSA.pssSha1]: 'sha1', [RSA.pssSha256]: 'sha256' };
const EC_HASHES: Readonly<Record<number, string>> = { [EC.sha1]: 'sha1', [EC.sha224]: 'sha224', [EC.sha256]: 'sha256', [EC.sha384]: 'sha384', [EC.sha512]: 'sha512' };
const HASH_OF_LENGTH: Readonly<Record<number, string>> = { 20: 'sha1', 32: 'sha256', 48: 'sha384', 64: 'sha512' };

/** Off the event loop: RSA takes seconds. */
export async function generateRsa(bits: number): Promise<CardKey> {
  return { ...(await generate('rsa', { modulusLength: bits, publicExponent: 65537 })), curve: undefined };
}

export async function generateEc(curve: Curve): Promise<CardKey> {
  return { ...(await generate('ec', { namedCurve: curve.name })), curve };
}

/** @returns the private value, as long as a field element (SEC 1 §C.4, ECPrivateKey). */
export function scalarOf({ privateKey, curve }: CardKey): Buffer {
  const parts = readTlvs(readTlvs(privateKey.export({ type: 'sec1', format: 'der' }))[0]?.value ?? Buffer.alloc(0));
  return fitted(parts[1]?.value ?? Buffer.alloc(0), curve?.bytes ?? 0);
}

/** @returns the uncompressed public point, which ends a SubjectPublicKeyInfo. */
export function pointOf({ publicKey, curve }: CardKey): Buffer {
  return Buffer.from(publicKey.export({ type: 'spki', format: 'der' }).subarray(-(1 + 2 * (curve?.bytes ?? 0))));
}

/** @throws Error when it is no scalar of the curve. */
export function ecKeyOf(curve: Curve, scalar: Uint8Array): CardKey {
  const { Point } = curve.arithmetic;
  const secret = fitted(scalar, curve.bytes);
  const point = Point.fromBytes(domainOf(curve).generator).multiply(Point.Fn.fromBytes(secret)).toBytes(false);
  const sec1 = tlv(0x30, tlv(0x02, Buffer.of(1)), tlv(0x04, secret), tlv(0xa0, derOid(curve.oid)), tlv(0xa1, tlv(0x03, Buffer.of(0), point)));
  const privateKey = createPrivateKey({ key: sec1, format: 'der', type: 'sec1' });
  return { privateKey, publicKey: createPublicKey(privateKey), curve };
}

/** SIGN. @param data what the algorithm takes: padded block, DigestInfo, digest or message. @throws StatusWord */
export function signWith(key: CardKey, algorithm: number, data: Buffer): Buffer {
  if (key.curve === undefined) return signRsa(key.privateKey, algorithm, data);
  const hash = EC_HASHES[algorithm];
  if (hash !== undefined) return sign(hash, data, key.privateKey);
  if (algorithm !== EC.raw) throw new StatusWord(SW.conditionsOfUse);
  if (data.length === 0 || data.length > 66) throw new StatusWord(SW.wrongLength);
  // The card draws its nonces: no two signatures are alike.
  return Buffer.from(key.curve.arithmetic.sign(data, scalarOf(key), { prehash: false, lowS: false, extraEntropy: true, format: 'der' }));
}

function signRsa(key: KeyObject, algorithm: number, data: Buffer): Buffer {
  const bytes = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const hash = PKCS1_HASHES[algorithm];
  if (hash !== undefined) return sign(hash, data, key);
  const pssHash = PSS_HASHES[algorithm];
  if (pssHash !== undefined) return raw(key, encodePss(createHash(pssHash).update(data).digest(), pssHash, bytes * 8 - 1));
  if (algorithm === RSA.raw) {
    if (data.length !== bytes) throw new StatusWord(SW.wrongLength);
    return raw(key, data);
  }
  if (algorithm === RSA.pkcs1) {
    if (data.length > bytes - 11) throw new StatusWord(SW.wrongLength);
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, data);
  }
  if (algorithm === RSA.pss) {
    const name = HASH_OF_LENGTH[data.length];
    if (name === undefined) throw new StatusWord(SW.wrongLength);
    return raw(key, encodePss(data, name, bytes * 8 - 1));
  }
  throw new StatusWord(SW.conditionsOfUse);
}

/** DECIPHER: RSA without padding taken off, or Diffie-Hellman that gives the whole point. @throws StatusWord */
export function decipherWith(key: CardKey, algorithm: number, data: Buffer): Buffer {
  if (key.curve === undefined) {
    if (algorithm !== RSA.decrypt) throw new StatusWord(SW.conditionsOfUse);
    if (data.length !== (key.privateKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8) throw new StatusWord(SW.wrongLength);
    return attempt(() => privateDecrypt({ key: key.privateKey, padding: constants.RSA_NO_PADDING }, data));
  }
  if (algorithm !== EC.agree) throw new StatusWord(SW.conditionsOfUse);
  const { Point } = key.curve.arithmetic;
  return attempt(() => Buffer.from(Point.fromBytes(data).multiply(Point.Fn.fromBytes(scalarOf(key))).toBytes(false)));
}

const raw = (key: KeyObject, block: Buffer): Buffer => attempt(() => privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, block));

function attempt(work: () => Buffer): Buffer {
  try {
    return work();
  } catch {
    throw new StatusWord(SW.wrongData);
  }
}

/** EMSA-PSS-ENCODE (RFC 8017 §9.1.1) with a salt as long as the hash. */
function encodePss(digest: Buffer, hash: string, bits: number): Buffer {
  const length = Math.ceil(bits / 8);
  const salt = randomBytes(digest.length);
  const h = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
  const block = Buffer.concat([Buffer.alloc(length - 2 * digest.length - 2), Buffer.of(1), salt]);
  for (let counter = 0, at = 0; at < block.length; counter += 1, at += h.length) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    const mask = createHash(hash).update(h).update(count).digest();
    for (let index = 0; index < mask.length && at + index < block.length; index += 1) block[at + index] = (block[at + index] as number) ^ (mask[index] as number);
  }
  block[0] = (block[0] as number) & (0xff >> (8 * length - bits));
  return Buffer.concat([block, h, Buffer.of(0xbc)]);
}
