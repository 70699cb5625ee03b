import { createCipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import { StatusWord, SW, type Command } from '../apdu.ts';
import { tlv, valueOf, type Tlv } from '../tlv.ts';
import { SLOT, TOUCH_POLICY, type Piv } from './state.ts';

const TRIPLE_DES = 0x03;
/** Cipher and key length by algorithm reference (SP 800-78, table for card management keys). */
const CIPHERS: Readonly<Record<number, { cipher: string; keyLength: number; block: number }>> = {
  [TRIPLE_DES]: { cipher: 'des-ede3-ecb', keyLength: 24, block: 8 },
  0x08: { cipher: 'aes-128-ecb', keyLength: 16, block: 16 },
  0x0a: { cipher: 'aes-192-ecb', keyLength: 24, block: 16 },
  0x0c: { cipher: 'aes-256-ecb', keyLength: 32, block: 16 },
};

function encrypt(algorithm: number, key: Buffer, block: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHERS[algorithm]?.cipher ?? '', key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

function same(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

/** GENERAL AUTHENTICATE with the management key (SP 800-73-4 part 2 §3.2.4, appendix A.1): the client alone, or both sides. */
export async function authenticateManagement(piv: Piv, p1: number, objects: readonly Tlv[]): Promise<Buffer> {
  const { algorithm, key, touchPolicy } = piv.memory.management;
  const { block } = CIPHERS[algorithm] ?? { block: 0 };
  // 0 stands for 3DES (SP 800-78).
  if ((p1 === 0 ? TRIPLE_DES : p1) !== algorithm) throw new StatusWord(SW.wrongData);
  const witness = valueOf(objects, 0x80);
  const challenge = valueOf(objects, 0x81);
  const response = valueOf(objects, 0x82);
  const pending = piv.session.challenge;
  piv.session.challenge = undefined;
  piv.session.managementAuthenticated = false;

  if (witness?.length === 0 && (challenge === undefined || challenge.length === 0)) {
    const secret = randomBytes(block);
    piv.session.challenge = { kind: 'witness', expected: secret };
    return tlv(0x7c, tlv(0x80, encrypt(algorithm, key, secret)));
  }
  if (challenge?.length === 0) {
    const sent = randomBytes(block);
    piv.session.challenge = { kind: 'challenge', expected: encrypt(algorithm, key, sent) };
    return tlv(0x7c, tlv(0x81, sent));
  }
  const mutual = pending?.kind === 'witness' && witness !== undefined && challenge?.length === block;
  const single = pending?.kind === 'challenge' && response !== undefined;
  if (pending === undefined || (!mutual && !single)) throw new StatusWord(SW.wrongData);
  if (!same(pending.expected, (mutual ? witness : response) as Buffer)) throw new StatusWord(SW.securityStatus);
  const touched = touchPolicy === TOUCH_POLICY.never || (touchPolicy === TOUCH_POLICY.cached && piv.touch.isCached()) || (await piv.touch.wait());
  if (!touched) throw new StatusWord(SW.securityStatus);
  piv.session.managementAuthenticated = true;
  return mutual ? tlv(0x7c, tlv(0x82, encrypt(algorithm, key, challenge))) : Buffer.alloc(0);
}

/** Yubico's SET MANAGEMENT KEY: P2 is ff without touch, fe with, fd when a touch counts for 15 seconds. */
export function setManagementKey(piv: Piv, { p1, p2, data }: Command): Buffer {
  if (!piv.session.managementAuthenticated) throw new StatusWord(SW.securityStatus);
  const { has } = piv.model;
  const touchPolicy = p2 === 0xff ? TOUCH_POLICY.never : p2 === 0xfe && has.policies ? TOUCH_POLICY.always : p2 === 0xfd && has.cachedTouch ? TOUCH_POLICY.cached : undefined;
  if (p1 !== 0xff || touchPolicy === undefined) throw new StatusWord(SW.wrongP1P2);
  const [algorithm = 0, slot, length] = data;
  const key = data.subarray(3);
  const cipher = algorithm === TRIPLE_DES || has.aesManagementKey ? CIPHERS[algorithm] : undefined;
  if (cipher === undefined || slot !== SLOT.management || length !== key.length) throw new StatusWord(SW.wrongData);
  if (key.length !== cipher.keyLength) throw new StatusWord(SW.wrongLength);
  if (algorithm === TRIPLE_DES && isWeak(key)) throw new StatusWord(SW.wrongData);
  piv.memory.management = { algorithm, key: Buffer.from(key), touchPolicy };
  return Buffer.alloc(0);
}

/** The weak and semi-weak keys of DES (SP 800-67 §3.3.2), with odd parity. */
const WEAK_DES = new Set([
  '0101010101010101', 'fefefefefefefefe', 'e0e0e0e0f1f1f1f1', '1f1f1f1f0e0e0e0e', '011f011f010e010e', '1f011f010e010e01', '01e001e001f101f1', 'e001e001f101f101',
  '01fe01fe01fe01fe', 'fe01fe01fe01fe01', '1fe01fe00ef10ef1', 'e01fe01ff10ef10e', '1ffe1ffe0efe0efe', 'fe1ffe1ffe0efe0e', 'e0fee0fef1fef1fe', 'fee0fee0fef1fef1',
]);

function isWeak(key: Buffer): boolean {
  return [0, 8, 16].some((at) => WEAK_DES.has(Buffer.from(key.subarray(at, at + 8).map(oddParity)).toString('hex')));
}

function oddParity(byte: number): number {
  let bits = byte & 0xfe;
  for (let shift = 4; shift > 0; shift >>= 1) bits ^= bits >> shift;
  return (byte & 0xfe) | (bits & 1 ? 0 : 1);
}
