import { hash, randomBytes } from 'node:crypto';
import { KeywrightError, SecretBytes } from '../../contract/index.ts';

/** Crockford's base 32: no I, L, O, U, so that a code survives handwriting. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const DATA = 30; // symbols of five bits: 150 bits
const CHECK = 2;
const GROUP = 4;

/** @returns a new code: eight groups of four symbols, 150 random bits and ten check bits. */
export function newRecoveryCode(): string {
  const data = [...randomBytes(DATA)].map((byte) => ALPHABET[byte & 31]).join(''); // 256 is a multiple of 32: no bias
  return `${data}${checkSymbols(data)}`.replace(/.{4}(?=.)/g, '$&-');
}

/**
 * Reads a code as a person may have typed it: any case, spaces and hyphens anywhere, O for 0, I or L for 1.
 *
 * @returns its 30 data symbols, ASCII, upper case. The caller wipes it.
 * @throws PIN_INCORRECT when it is mistyped: told by its length, its symbols or its check symbols.
 */
export function parseRecoveryCode(typed: SecretBytes): SecretBytes {
  const symbols: number[] = [];
  for (const byte of typed.reveal()) {
    const symbol = canonical(byte);
    if (symbol === undefined) continue;
    if (symbol === -1) throw mistyped('It has a character that no recovery code has.');
    symbols.push(symbol);
  }
  if (symbols.length !== DATA + CHECK) throw mistyped(`It has ${symbols.length} characters, and a recovery code has ${DATA + CHECK}.`);
  const text = String.fromCharCode(...symbols);
  if (checkSymbols(text.slice(0, DATA)) !== text.slice(DATA)) throw mistyped('Its check characters do not match the others.');
  return new SecretBytes(Uint8Array.from(symbols.slice(0, DATA)));
}

function canonical(byte: number): number | undefined {
  const typed = String.fromCharCode(byte);
  if (/[\s\-_]/.test(typed)) return undefined;
  const symbol = typed.toUpperCase().replace('O', '0').replace(/[IL]/, '1');
  return ALPHABET.includes(symbol) ? symbol.charCodeAt(0) : -1;
}

/** The first ten bits of a SHA-256: one typing error in a thousand passes, and then the code simply does not open the store. */
function checkSymbols(data: string): string {
  const digest = hash('sha256', `keywright/recovery-code/1${data}`, 'buffer');
  const bits = digest.readUInt16BE(0) >> 6;
  return `${ALPHABET[bits >> 5]}${ALPHABET[bits & 31]}`;
}

function mistyped(why: string): KeywrightError {
  return new KeywrightError('PIN_INCORRECT', {
    detail: `The recovery code is mistyped. ${why}`,
    remedy: `Type it again as it was shown: ${(DATA + CHECK) / GROUP} groups of ${GROUP} letters and digits.`,
  });
}
