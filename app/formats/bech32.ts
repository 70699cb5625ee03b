import { KeywrightError } from '../contract/index.ts';

/** Bech32 (BIP 173) without its limit of 90 characters, as age writes recipients and identities. */

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CHECKSUM = 6;

function polymod(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    GENERATOR.forEach((generator, bit) => {
      if (((top >>> bit) & 1) === 1) sum ^= generator;
    });
  }
  return sum;
}

function expand(prefix: string): number[] {
  const codes = [...prefix].map((character) => character.charCodeAt(0));
  return [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)];
}

/** Regroups bits. @returns undefined when what is left over is more than padding of zeros. */
function regroup(values: Iterable<number>, from: number, to: number, pad: boolean): number[] | undefined {
  let [bits, held] = [0, 0];
  const out: number[] = [];
  for (const value of values) {
    held = ((held << from) | value) & 0xfff;
    bits += from;
    while (bits >= to) {
      bits -= to;
      out.push((held >>> bits) & ((1 << to) - 1));
    }
  }
  const left = (held << (to - bits)) & ((1 << to) - 1);
  if (pad && bits > 0) out.push(left);
  return !pad && (bits >= from || left !== 0) ? undefined : out;
}

/** BIP 173, without its limit of 90 characters, as age has it. @param prefix lower case. @returns lower case */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  const data = regroup(bytes, 8, 5, true) as number[];
  const checksum = polymod([...expand(prefix), ...data, ...Array.from({ length: CHECKSUM }, () => 0)]) ^ 1;
  const all = [...data, ...Array.from({ length: CHECKSUM }, (_, index) => (checksum >>> (5 * (CHECKSUM - 1 - index))) & 31)];
  return `${prefix}1${all.map((value) => ALPHABET[value]).join('')}`;
}

/** @returns prefix in lower case, and the bytes. @throws INVALID_INPUT, without the text: it may be secret */
export function decodeBech32(text: string): { prefix: string; bytes: Buffer } {
  const lower = text.toLowerCase();
  const split = lower.lastIndexOf('1');
  const prefix = lower.slice(0, split);
  const values = [...lower.slice(split + 1)].map((character) => ALPHABET.indexOf(character));
  const mixed = text !== lower && text !== text.toUpperCase();
  if (mixed || split < 1 || values.length < CHECKSUM || values.includes(-1) || polymod([...expand(prefix), ...values]) !== 1) throw notBech32();
  const bytes = regroup(values.slice(0, -CHECKSUM), 5, 8, false);
  if (bytes === undefined) throw notBech32();
  return { prefix, bytes: Buffer.from(bytes) };
}

function notBech32(): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: 'This is no recipient or identity of age: its checksum does not fit.', remedy: 'Copy it whole, without breaks.' });
}
