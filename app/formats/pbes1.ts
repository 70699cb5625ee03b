import type { DerReader } from './der.ts';
import { hashRounds } from './hash-rounds.ts';
import { mostRounds, oldRounds } from './limits.ts';
import { malformed, notSupported } from './malformed.ts';

/** pbeWithSHAAnd3-KeyTripleDES-CBC. */
export const PBE_3DES = '1.2.840.113549.1.12.1.3';

/**
 * Password-based encryption of old, to read alone: PBES1 (RFC 8018 §6.1) and PKCS#12's own (RFC 7292 C). DES is 3DES with
 * the same key three times. Schemes with MD2 are only named.
 */

interface Pbes1Scheme {
  readonly name: string;
  /** Absent: named, not opened. `des` and `rc2`: PBES1; the others derive as PKCS#12 does. */
  readonly cipher?: { readonly kind: 'des' | 'rc2'; readonly hash: 'md5' | 'sha1' } | { readonly kind: '3des' | 'rc2-12' | 'rc4'; readonly keyBytes: 5 | 16 | 24 };
}

export const PBES1_SCHEMES: Readonly<Record<string, Pbes1Scheme>> = {
  '1.2.840.113549.1.5.1': { name: 'MD2 and DES' },
  '1.2.840.113549.1.5.3': { name: 'MD5 and DES', cipher: { kind: 'des', hash: 'md5' } },
  '1.2.840.113549.1.5.4': { name: 'MD2 and RC2' },
  '1.2.840.113549.1.5.6': { name: 'MD5 and RC2', cipher: { kind: 'rc2', hash: 'md5' } },
  '1.2.840.113549.1.5.10': { name: 'SHA-1 and DES', cipher: { kind: 'des', hash: 'sha1' } },
  '1.2.840.113549.1.5.11': { name: 'SHA-1 and RC2', cipher: { kind: 'rc2', hash: 'sha1' } },
  '1.2.840.113549.1.12.1.1': { name: '128-bit RC4', cipher: { kind: 'rc4', keyBytes: 16 } },
  '1.2.840.113549.1.12.1.2': { name: '40-bit RC4', cipher: { kind: 'rc4', keyBytes: 5 } },
  [PBE_3DES]: { name: '3DES with three keys', cipher: { kind: '3des', keyBytes: 24 } },
  '1.2.840.113549.1.12.1.4': { name: '3DES with two keys', cipher: { kind: '3des', keyBytes: 16 } },
  '1.2.840.113549.1.12.1.5': { name: '128-bit RC2', cipher: { kind: 'rc2-12', keyBytes: 16 } },
  '1.2.840.113549.1.12.1.6': { name: '40-bit RC2', cipher: { kind: 'rc2-12', keyBytes: 5 } },
};

/** What helps with a file that is encrypted in a way that we do not open. */
export const CONVERT = 'Convert the file first: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW (with -provider legacy -provider default for old ciphers).';

/** null: the passphrase that is not there at all, which PKCS#12 tells from the empty one. */
type DeriveBoth = (passphrase: Uint8Array | null, signal?: AbortSignal) => Promise<{ key: Buffer; iv: Uint8Array }>;

/** Reads PBEParameter (RFC 8018 A.3): salt and rounds. */
export function deriveForPbes1(scheme: Pbes1Scheme, parameters: DerReader): { cipher: string; cost: number; derive: DeriveBoth } {
  const { offset } = parameters;
  const salt = parameters.octets('the salt');
  const rounds = readRounds(parameters, oldRounds());
  parameters.finish('the parameters of the encryption scheme');
  const { cipher } = scheme;
  if (cipher === undefined) throw notSupported(`The key is encrypted with ${scheme.name}, which is too weak to be supported.`, CONVERT);
  if ('hash' in cipher) {
    if (salt.length !== 8) throw malformed('The salt of PBES1 has 8 bytes.', offset);
    return { cipher: cipher.kind === 'des' ? 'des-ede3-cbc' : 'rc2-64', cost: rounds, derive: async (passphrase, signal) => {
      const bytes = await hashRounds(cipher.hash, Buffer.concat([passphrase ?? Buffer.alloc(0), salt]), rounds, signal);
      const key = bytes.subarray(0, 8);
      return { key: cipher.kind === 'des' ? Buffer.concat([key, key, key]) : key, iv: bytes.subarray(8, 16) };
    } };
  }
  const { kind, keyBytes } = cipher;
  return { cipher: kind === '3des' ? 'des-ede3-cbc' : kind === 'rc4' ? 'rc4' : `rc2-${8 * keyBytes}`, cost: 2 * rounds, derive: async (passphrase, signal) => {
    const wide = passphrase === null ? Buffer.alloc(0) : bmpString(passphrase);
    const key = await pkcs12Derive('sha1', 1, keyBytes, wide, salt, rounds, signal);
    const iv = kind === 'rc4' ? Buffer.alloc(0) : await pkcs12Derive('sha1', 2, 8, wide, salt, rounds, signal);
    wide.fill(0);
    return { key: keyBytes === 16 && kind === '3des' ? Buffer.concat([key, key.subarray(0, 8)]) : key, iv };
  } };
}

/** Hashes with which PKCS#12 derives keys, and the bytes that each takes at a time. */
export const PKCS12_HASH_BLOCKS: Readonly<Record<string, number>> = { md5: 64, sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128, 'sha512-224': 128, 'sha512-256': 128 };

/**
 * RFC 7292 B.2. @param id 1: key, 2: initialisation vector, 3: MAC key
 * @param password as {@link bmpString} gives it; of no bytes for the password that is not there at all
 */
export async function pkcs12Derive(hash: string, id: 1 | 2 | 3, length: number, password: Uint8Array, salt: Uint8Array, rounds: number, signal?: AbortSignal): Promise<Buffer> {
  const size = PKCS12_HASH_BLOCKS[hash] as number;
  const stretch = (bytes: Uint8Array): Buffer => {
    const whole = Buffer.alloc(Math.ceil(bytes.length / size) * size);
    for (let at = 0; at < whole.length; at++) whole[at] = bytes[at % bytes.length] as number;
    return whole;
  };
  const state = Buffer.concat([stretch(salt), stretch(password)]);
  const output: Buffer[] = [];
  for (let made = 0; made < length; made += (output[0] as Buffer).length) {
    const block = await hashRounds(hash, Buffer.concat([Buffer.alloc(size, id), state]), rounds, signal);
    output.push(block);
    const addend = stretch(block).subarray(0, size);
    for (let from = 0; from < state.length; from += size) {
      let carry = 1;
      for (let at = size - 1; at >= 0; at--) {
        carry += (state[from + at] as number) + (addend[at] as number);
        state[from + at] = carry & 0xff;
        carry >>= 8;
      }
    }
  }
  return Buffer.concat(output).subarray(0, length);
}

/** UTF-16, big-endian, with a zero at the end (RFC 7292 B.1). */
export function bmpString(passphrase: Uint8Array): Buffer {
  const text = Buffer.from(Buffer.from(passphrase).toString('utf8'), 'utf16le').swap16();
  return Buffer.concat([text, Buffer.alloc(2)]);
}

/** @returns an iteration count. @throws INVALID_INPUT below 1, CAPABILITY_MISSING above `max` */
export function readRounds(parameters: DerReader, max: number): number {
  const { offset } = parameters;
  const rounds = parameters.integer('the number of rounds', 16);
  if (rounds < 1n) throw malformed('The number of rounds must be at least 1.', offset);
  if (rounds > BigInt(max)) throw notSupported(`The key asks for ${rounds} rounds of key derivation; ${mostRounds(max)}.`, CONVERT);
  return Number(rounds);
}

/** @returns the text of a BMPString. */
export function bmpText(content: Uint8Array): string {
  return Buffer.from(content.subarray(0, content.length & ~1)).swap16().toString('utf16le');
}
