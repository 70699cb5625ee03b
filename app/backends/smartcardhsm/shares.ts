import { generatePrimeSync, randomBytes } from 'node:crypto';
import { KeywrightError, SecretBytes } from '../../contract/index.ts';

/**
 * A password that is split (Shamir, "How to share a secret", 1979), in the form of `sc-hsm-tool`: a secret of 63 bits, a prime of 64, and for each
 * custodian a point (share ID, share value) of a polynomial whose value at 0 is the secret.
 */

/** One custodian's part: as `sc-hsm-tool` prints it. */
export interface PasswordPart {
  /** null: only the first part that is given needs it. */
  readonly prime: bigint | null;
  readonly id: bigint;
  readonly value: bigint;
}

const SECRET_BYTES = 8;
const PRIME_BITS = 64;
/** The longest number that a part may hold. */
const MOST_BYTES = 64;

/**
 * @param threshold how many parts are needed. @param total how many there are.
 * @returns the password, 8 bytes, of which the first is from 1 to 127: tools drop leading zeros when they put it together again.
 */
export function splitPassword(threshold: number, total: number): { password: SecretBytes; parts: PasswordPart[] } {
  if (threshold < 2 || threshold > total || total < 3) throw new KeywrightError('INVALID_INPUT', { detail: `A password cannot be split so that ${threshold} of ${total} parts are needed.`, where: threshold > total ? '/threshold' : '/total', remedy: 'Make three parts or more, of which two or more are needed.' });
  const bytes = randomBytes(SECRET_BYTES);
  bytes[0] = ((bytes[0] as number) % 0x7f) + 1;
  const secret = numberOf(bytes);
  const prime = generatePrimeSync(PRIME_BITS, { bigint: true });
  const coefficients = [secret, ...Array.from({ length: threshold - 1 }, () => below(prime))];
  const parts = Array.from({ length: total }, (_, index) => {
    const id = BigInt(index + 1);
    return { prime, id, value: coefficients.reduceRight((sum, coefficient) => (sum * id + coefficient) % prime, 0n) };
  });
  return { password: new SecretBytes(bytes), parts };
}

/** @param parts as many as are needed. @returns the password, without leading zeros. @throws INVALID_INPUT for parts that do not belong together. */
export function joinPassword(parts: readonly PasswordPart[]): SecretBytes {
  const primes = new Set(parts.flatMap(({ prime }) => (prime === null ? [] : [prime])));
  const [prime] = primes;
  if (prime === undefined) throw misfit('None of the parts has the prime.');
  if (primes.size > 1) throw misfit('The parts have different primes, so they are not of one password.');
  if (new Set(parts.map(({ id }) => id)).size < parts.length) throw misfit('One part was given twice.');
  if (parts.some(({ id, value }) => id <= 0n || id >= prime || value >= prime)) throw misfit('A part has an ID or a value that is none of this prime.');
  let secret = 0n;
  for (const { id, value } of parts) {
    let [numerator, denominator] = [1n, 1n];
    for (const other of parts) {
      if (other.id === id) continue;
      numerator = (numerator * other.id) % prime;
      denominator = (denominator * (other.id - id + prime)) % prime;
    }
    secret = (secret + value * numerator * power(denominator, prime - 2n, prime)) % prime;
  }
  return new SecretBytes(bytesOf(secret));
}

/** @returns what a custodian keeps: `Prime: FA:01… Share ID: 1 Share value: 0B:…`. */
export function writePart({ prime, id, value }: PasswordPart): string {
  return `Prime: ${colons(prime ?? 0n)}  Share ID: ${id}  Share value: ${colons(value)}`;
}

const PART = /\s*(?:prime\s*:\s*([0-9a-f:]+)[\s;,]+)?share\s+id\s*:\s*(\d{1,3})[\s;,]+share\s+value\s*:\s*([0-9a-f:]+)(?=\s|[;,]|$)[\s;,]*/giy;

/**
 * Reads what {@link writePart} and `sc-hsm-tool` show, each part on one line or on three, one after another; the prime may be left out.
 * @throws INVALID_INPUT, without what was typed
 */
export function readParts(text: string): PasswordPart[] {
  const parts: PasswordPart[] = [];
  let end = 0;
  for (const found of text.matchAll(PART)) {
    const [whole, prime, id, value] = found;
    end = found.index + whole.length;
    parts.push({ prime: prime === undefined ? null : hexNumber(prime), id: BigInt(id as string), value: hexNumber(value as string) });
  }
  if (parts.length > 0 && end === text.length) return parts;
  throw new KeywrightError('INVALID_INPUT', { detail: 'That is no part of a split password.', remedy: 'Type it as it was shown: “Prime: … Share ID: … Share value: …”, the numbers in hexadecimal digits with colons between. Several parts go one after another.' });
}

function hexNumber(text: string): bigint {
  const digits = text.replaceAll(':', '');
  if (digits === '' || digits.length > 2 * MOST_BYTES) throw misfit('A number of the part is empty or too long.');
  return BigInt(`0x${digits}`);
}

function misfit(detail: string): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail, remedy: 'Give the parts as they were shown when the share was made, each once.' });
}

const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

function bytesOf(value: bigint): Buffer {
  const digits = value.toString(16);
  return value === 0n ? Buffer.alloc(0) : Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
}

const colons = (value: bigint): string => (bytesOf(value).toString('hex').toUpperCase().match(/../g) ?? ['00']).join(':');

function below(limit: bigint): bigint {
  // 64 bits more than the limit has: what remains of the division is even to one in 2^64.
  return numberOf(randomBytes(2 * SECRET_BYTES)) % limit;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, base % modulus];
  for (let rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % modulus) if ((rest & 1n) === 1n) result = (result * square) % modulus;
  return result;
}
