import { createCipheriv, createDecipheriv, createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { derInteger, derSequence } from '../../../app/formats/der.ts';
import { StatusWord, SW } from '../apdu.ts';
import { readTlvs } from '../tlv.ts';
import { curveOfPrime, domainOf } from './curves.ts';
import { ecKeyOf, pointOf, scalarOf, type CardKey } from './keys.ts';

/** The device key encryption key, and key blobs under it (CardContact's *SmartCard-HSM key blob* description). */
export interface Dkek {
  readonly shares: number;
  outstanding: number;
  /** 32 bytes: the exclusive or of all shares. */
  readonly value: Buffer;
}

const TYPE = { rsaCrt: 6, ec: 12 } as const;
/** Of either type. */
const PARTS = 7;
const ALGORITHM = { rsa: '04007f00070202020102', ec: '04007f00070202020203' } as const;
const MAC_LENGTH = 16;

/** @param shares 0: the card makes the key itself. */
export function newDkek(shares: number): Dkek {
  return { shares, outstanding: shares, value: shares === 0 ? randomBytes(32) : Buffer.alloc(32) };
}

function keyCheckValue({ value }: Dkek): Buffer {
  return createHash('sha256').update(value).digest().subarray(0, 8);
}

/** What IMPORT DKEK SHARE answers: shares, those outstanding, and the key check value or zeros. */
export function dkekStatus(dkek: Dkek): Buffer {
  return Buffer.concat([Buffer.of(dkek.shares, dkek.outstanding), dkek.outstanding > 0 ? Buffer.alloc(8) : keyCheckValue(dkek)]);
}

/** @throws StatusWord 6985 when none is awaited, 6700 for another length than 32. */
export function importShare(dkek: Dkek, share: Buffer): void {
  if (share.length !== 32) throw new StatusWord(SW.wrongLength);
  if (dkek.outstanding === 0) throw new StatusWord(SW.conditionsOfUse);
  for (let index = 0; index < 32; index += 1) dkek.value[index] = (dkek.value[index] as number) ^ (share[index] as number);
  dkek.outstanding -= 1;
}

/** @returns the key, encrypted and authenticated. */
export function wrap(dkek: Dkek, key: CardKey): Buffer {
  const [type, algorithm, content] = key.curve === undefined ? [TYPE.rsaCrt, ALGORITHM.rsa, rsaContent(key)] : [TYPE.ec, ALGORITHM.ec, ecContent(key)];
  const plain = Buffer.concat([randomBytes(8), content, Buffer.of(0x80)]);
  const padded = Buffer.concat([plain, Buffer.alloc((16 - (plain.length % 16)) % 16)]);
  const cipher = createCipheriv('aes-256-cbc', derived(dkek, 1), Buffer.alloc(16)).setAutoPadding(false);
  // After the algorithm: allowed algorithms, access conditions and the key's OID, none of which this card knows.
  const head = Buffer.concat([keyCheckValue(dkek), Buffer.of(type), counted(Buffer.from(algorithm, 'hex')), Buffer.alloc(6), cipher.update(padded)]);
  return Buffer.concat([head, cmac(derived(dkek, 2), head)]);
}

/** @throws StatusWord 6A80 when it is for another DKEK, was changed, or holds no key. */
export function unwrap(dkek: Dkek, blob: Buffer): CardKey {
  const head = blob.subarray(0, -MAC_LENGTH);
  if (blob.length < 33 + MAC_LENGTH || !blob.subarray(0, 8).equals(keyCheckValue(dkek)) || !cmac(derived(dkek, 2), head).equals(blob.subarray(-MAC_LENGTH))) throw new StatusWord(SW.wrongData);
  try {
    let at = 9;
    for (let field = 0; field < 4; field += 1) at += 2 + head.readUInt16BE(at);
    const cipher = createDecipheriv('aes-256-cbc', derived(dkek, 1), Buffer.alloc(16)).setAutoPadding(false);
    const parts = partsOf(cipher.update(head.subarray(at)).subarray(10));
    return blob[8] === TYPE.ec ? ecFrom(parts) : blob[8] === TYPE.rsaCrt ? rsaFrom(parts) : refuse();
  } catch (error) {
    throw error instanceof StatusWord ? error : new StatusWord(SW.wrongData);
  }
}

function refuse(): never {
  throw new StatusWord(SW.wrongData);
}

const counted = (value: Uint8Array): Buffer => Buffer.concat([Buffer.of(value.length >> 8, value.length & 0xff), value]);
const size = (bits: number): Buffer => Buffer.of(bits >> 8, bits & 0xff);

/** Size in bits, then a, b, prime, order, base point, secret and public point. */
function ecContent(key: CardKey): Buffer {
  const curve = key.curve as NonNullable<CardKey['curve']>;
  const { a, b, prime, order, generator } = domainOf(curve);
  return Buffer.concat([size(curve.name === 'secp521r1' ? 521 : curve.bytes * 8), ...[a, b, prime, order, generator, scalarOf(key), pointOf(key)].map(counted)]);
}

function ecFrom([, , prime, , , secret]: Buffer[]): CardKey {
  const curve = curveOfPrime(prime ?? Buffer.alloc(0));
  return curve === undefined || secret === undefined ? refuse() : ecKeyOf(curve, secret);
}

/** Size in bits, then dP, dQ, p, qInv, q, modulus and public exponent. */
function rsaContent({ privateKey }: CardKey): Buffer {
  const [, n, e, , p, q, dp, dq, qInv] = readTlvs(readTlvs(privateKey.export({ type: 'pkcs1', format: 'der' }))[0]?.value ?? Buffer.alloc(0)).map(({ value }) => (value[0] === 0 ? value.subarray(1) : value));
  return Buffer.concat([size(privateKey.asymmetricKeyDetails?.modulusLength ?? 0), ...[dp, dq, p, qInv, q, n, e].map((value) => counted(value ?? Buffer.alloc(0)))]);
}

function rsaFrom(parts: Buffer[]): CardKey {
  const [dp = 0n, dq = 0n, p = 0n, qInv = 0n, q = 0n, n = 0n, e = 0n] = parts.map((part) => BigInt(`0x${part.toString('hex') || '0'}`));
  const d = inverse(e, (p - 1n) * (q - 1n));
  const privateKey = createPrivateKey({ key: derSequence(...[0n, n, e, d, p, q, dp, dq, qInv].map((part) => derInteger(part))), format: 'der', type: 'pkcs1' });
  return { privateKey, publicKey: createPublicKey(privateKey), curve: undefined };
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
}

function partsOf(content: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; parts.length < PARTS;) {
    const length = content.readUInt16BE(at);
    if (at + 2 + length > content.length) refuse();
    parts.push(content.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return parts;
}

/** Key 1 encrypts, key 2 authenticates. */
function derived({ value }: Dkek, counter: 1 | 2): Buffer {
  return createHash('sha256').update(value).update(Buffer.of(0, 0, 0, counter)).digest();
}

/** AES-CMAC (SP 800-38B §6.2). */
export function cmac(key: Buffer, message: Buffer): Buffer {
  const block = (input: Uint8Array): Buffer => createCipheriv('aes-256-ecb', key, null).setAutoPadding(false).update(input);
  const doubled = (input: Buffer): Buffer => {
    const number = BigInt(`0x${input.toString('hex')}`) << 1n;
    return Buffer.from(((number & ((1n << 128n) - 1n)) ^ (number >> 128n === 1n ? 0x87n : 0n)).toString(16).padStart(32, '0'), 'hex');
  };
  const xor = (left: Uint8Array, right: Uint8Array): Buffer => Buffer.from(left.map((byte, index) => byte ^ (right[index] as number)));
  const first = doubled(block(Buffer.alloc(16)));
  const whole = message.length > 0 && message.length % 16 === 0;
  const last = message.subarray(whole ? message.length - 16 : message.length - (message.length % 16));
  let state: Buffer = Buffer.alloc(16);
  for (let at = 0; at < message.length - last.length; at += 16) state = block(xor(state, message.subarray(at, at + 16)));
  const filled = whole ? xor(last, first) : xor(Buffer.concat([last, Buffer.of(0x80), Buffer.alloc(15 - last.length)]), doubled(first));
  return block(xor(state, filled));
}
