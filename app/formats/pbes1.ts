import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DerReader } from './der.ts';
import { malformed, notSupported } from './malformed.ts';

/**
 * Password-based encryption of old, to read alone: PBES1 (RFC 8018 §6.1) and PKCS#12's own (RFC 7292 C). Those with RC2
 * and RC4 are only named. DES is 3DES with the same key three times.
 */

interface Pbes1Scheme {
  readonly name: string;
  /** Absent: named, not opened. */
  readonly cipher?: { readonly kind: 'des'; readonly hash: 'md5' | 'sha1' } | { readonly kind: '3des'; readonly keyBytes: 16 | 24 };
}

export const PBES1_SCHEMES: Readonly<Record<string, Pbes1Scheme>> = {
  '1.2.840.113549.1.5.1': { name: 'MD2 and DES' },
  '1.2.840.113549.1.5.3': { name: 'MD5 and DES', cipher: { kind: 'des', hash: 'md5' } },
  '1.2.840.113549.1.5.4': { name: 'MD2 and RC2' },
  '1.2.840.113549.1.5.6': { name: 'MD5 and RC2' },
  '1.2.840.113549.1.5.10': { name: 'SHA-1 and DES', cipher: { kind: 'des', hash: 'sha1' } },
  '1.2.840.113549.1.5.11': { name: 'SHA-1 and RC2' },
  '1.2.840.113549.1.12.1.1': { name: '128-bit RC4' },
  '1.2.840.113549.1.12.1.2': { name: '40-bit RC4' },
  '1.2.840.113549.1.12.1.3': { name: '3DES with three keys', cipher: { kind: '3des', keyBytes: 24 } },
  '1.2.840.113549.1.12.1.4': { name: '3DES with two keys', cipher: { kind: '3des', keyBytes: 16 } },
  '1.2.840.113549.1.12.1.5': { name: '128-bit RC2' },
  '1.2.840.113549.1.12.1.6': { name: '40-bit RC2' },
};

/** What helps with a file that is encrypted in a way that we do not open. */
export const CONVERT = 'Convert the file first: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW (with -provider legacy -provider default for RC2, RC4 and DES).';

/** These derivations run in JavaScript and not off the event loop, hence the lower bound. Programs write 1 to 2048, a few 100,000. */
const MAX_ROUNDS = 1_000_000;
const ROUNDS_A_TURN = 5_000;

type Hash = 'md5' | 'sha1';
type DeriveBoth = (passphrase: Uint8Array, signal?: AbortSignal) => Promise<{ key: Buffer; iv: Uint8Array }>;

/** Reads PBEParameter (RFC 8018 A.3): salt and rounds. */
export function deriveForPbes1(scheme: Pbes1Scheme, parameters: DerReader): { cipher: string; derive: DeriveBoth } {
  const { offset } = parameters;
  const salt = parameters.octets('the salt');
  const rounds = readRounds(parameters, MAX_ROUNDS);
  parameters.finish('the parameters of the encryption scheme');
  const { cipher } = scheme;
  if (cipher?.kind === 'des') {
    if (salt.length !== 8) throw malformed('The salt of PBES1 has 8 bytes.', offset);
    return { cipher: 'des-ede3-cbc', derive: async (passphrase, signal) => {
      const bytes = await iterate(cipher.hash, Buffer.concat([passphrase, salt]), rounds, signal);
      const key = bytes.subarray(0, 8);
      return { key: Buffer.concat([key, key, key]), iv: bytes.subarray(8, 16) };
    } };
  }
  return { cipher: 'des-ede3-cbc', derive: async (passphrase, signal) => {
    const wide = bmpString(passphrase);
    const keyBytes = cipher?.keyBytes ?? 24;
    const key = await pkcs12Derive(1, keyBytes, wide, salt, rounds, signal);
    const iv = await pkcs12Derive(2, 8, wide, salt, rounds, signal);
    wide.fill(0);
    return { key: keyBytes === 24 ? key : Buffer.concat([key, key.subarray(0, 8)]), iv };
  } };
}

async function iterate(hash: Hash, first: Buffer, rounds: number, signal?: AbortSignal): Promise<Buffer> {
  let bytes = first;
  for (let round = 0; round < rounds; round++) {
    bytes = createHash(hash).update(bytes).digest();
    if (round % ROUNDS_A_TURN === ROUNDS_A_TURN - 1) await nextTurn(undefined, signal === undefined ? {} : { signal });
  }
  return bytes;
}

/** RFC 7292 B.2 with SHA-1 (u = 20, v = 64). @param id 1: key, 2: initialisation vector */
async function pkcs12Derive(id: 1 | 2, length: number, password: Buffer, salt: Uint8Array, rounds: number, signal?: AbortSignal): Promise<Buffer> {
  const stretch = (bytes: Uint8Array): Buffer => {
    const whole = Buffer.alloc(Math.ceil(bytes.length / 64) * 64);
    for (let at = 0; at < whole.length; at++) whole[at] = bytes[at % bytes.length] as number;
    return whole;
  };
  const state = Buffer.concat([stretch(salt), stretch(password)]);
  const output: Buffer[] = [];
  for (let made = 0; made < length; made += 20) {
    const block = await iterate('sha1', Buffer.concat([Buffer.alloc(64, id), state]), rounds, signal);
    output.push(block);
    const addend = stretch(block);
    for (let from = 0; from < state.length; from += 64) {
      let carry = 1;
      for (let at = 63; at >= 0; at--) {
        carry += (state[from + at] as number) + (addend[at] as number);
        state[from + at] = carry & 0xff;
        carry >>= 8;
      }
    }
  }
  return Buffer.concat(output).subarray(0, length);
}

/** UTF-16, big-endian, with a zero at the end (RFC 7292 B.1). */
function bmpString(passphrase: Uint8Array): Buffer {
  const text = Buffer.from(Buffer.from(passphrase).toString('utf8'), 'utf16le').swap16();
  return Buffer.concat([text, Buffer.alloc(2)]);
}

/** @returns an iteration count. @throws INVALID_INPUT below 1, CAPABILITY_MISSING above `max` */
export function readRounds(parameters: DerReader, max: number): number {
  const { offset } = parameters;
  const rounds = parameters.integer('the number of rounds', 16);
  if (rounds < 1n) throw malformed('The number of rounds must be at least 1.', offset);
  if (rounds > BigInt(max)) throw notSupported(`The key asks for ${rounds} rounds of key derivation; ${max} is the most.`, CONVERT);
  return Number(rounds);
}
