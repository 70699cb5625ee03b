import { createPublicKey } from 'node:crypto';
import { DerReader } from '../../formats/der.ts';
import type { Finding } from './finding.ts';

/** What is weak about a public key, told by the key alone. */

/** Primes below 168: Infineon's library made primes whose residues modulo each are powers of 65537 (CVE-2017-15361, Nemec et al. 2017). */
const ROCA_PRIMES = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167];
let residues: readonly { readonly prime: bigint; readonly powers: ReadonlySet<bigint> }[] | undefined;

/** Whether a modulus bears the fingerprint; others do so once in 2^27 or less. */
export function isRoca(modulus: bigint): boolean {
  residues ??= ROCA_PRIMES.map((number) => {
    const prime = BigInt(number);
    const powers = new Set<bigint>();
    for (let power = 1n; !powers.has(power); power = (power * 65537n) % prime) powers.add(power);
    return { prime, powers };
  });
  return residues.every(({ prime, powers }) => powers.has(modulus % prime));
}

/** The largest whole number whose square is not above `value`, by Newton's method. */
function rootOf(value: bigint): bigint {
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (let next = (root + value / root) >> 1n; next < root; next = (root + value / root) >> 1n) root = next;
  return root;
}

/** Faulty generators took the second prime from just behind the first, which is found in the first steps; no more are worth their time. */
const FERMAT_STEPS = 100;
/** Longer ones would take long, and nobody uses them. */
const FERMAT_BITS = 16_384;

/** 9 · 5 · 7 · 11 · 13. */
const SIEVE = 45_045;
let squares: { readonly of64: Uint8Array; readonly ofSieve: Uint8Array } | undefined;

/** Whether a number is a square modulo 64 and {@link SIEVE}: one in a hundred others is. */
function mayBeSquare(value: bigint): boolean {
  if (squares === undefined) {
    squares = { of64: new Uint8Array(64), ofSieve: new Uint8Array(SIEVE) };
    for (let root = 0; root < SIEVE; root += 1) {
      squares.of64[(root * root) % 64] = 1;
      squares.ofSieve[(root * root) % SIEVE] = 1;
    }
  }
  return squares.of64[Number(value & 63n)] === 1 && squares.ofSieve[Number(value % BigInt(SIEVE))] === 1;
}

/** Whether the primes of a modulus lie so close together that Fermat's method finds them at once (CVE-2022-26320). */
export function isOfClosePrimes(modulus: bigint): boolean {
  if (modulus < 9n || modulus % 2n === 0n || modulus >> BigInt(FERMAT_BITS) !== 0n) return false;
  let middle = rootOf(modulus);
  if (middle * middle < modulus) middle += 1n;
  for (let step = 0; step < FERMAT_STEPS; step++, middle += 1n) {
    const square = middle * middle - modulus;
    // Few numbers are squares modulo 64 and these primes, which spares nearly all roots.
    if (!mayBeSquare(square)) continue;
    const root = rootOf(square === 0n ? 1n : square);
    if (square === 0n || root * root === square) return true;
  }
  return false;
}

/** @param spki SubjectPublicKeyInfo, DER. @returns the numbers of an RSA key (RFC 8017 §A.1.1); undefined for others, and for what OpenSSL reads and DER forbids. */
export function rsaNumbersOf(spki: Uint8Array): { readonly n: bigint; readonly e: bigint } | undefined {
  try {
    const info = new DerReader(spki).enter('the public key');
    if (!RSA_TYPES.includes(info.enter('the algorithm').oid('the algorithm'))) return undefined;
    const bits = info.next('the key');
    const key = new DerReader(spki, bits.from + 1, bits.to).enter('the RSA public key');
    return { n: key.integer('the modulus'), e: key.integer('the public exponent') };
  } catch {
    return undefined;
  }
}

/** rsaEncryption and id-RSASSA-PSS (RFC 8017 §A). */
const RSA_TYPES = ['1.2.840.113549.1.1.1', '1.2.840.113549.1.1.10'];

/** What to do about a key that is weak. */
export const NEW_KEY_REMEDY = 'Generate a new key (ec-p256 or rsa-3072) and have its certificates issued anew.';

/** @param spki SubjectPublicKeyInfo, DER. @returns findings; none for what cannot be loaded. */
export function weaknessesOf(spki: Uint8Array): Finding[] {
  const findings: Finding[] = [];
  const add = (level: Finding['level'], code: string, detail: string): void => { findings.push({ level, code, detail, remedy: NEW_KEY_REMEDY, mend: [{ kind: 'new-key' }] }); };
  let key;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return [];
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  if (type === 'rsa' || type === 'rsa-pss') {
    const { modulusLength = 0, publicExponent = 65537n } = details;
    const n = rsaNumbersOf(spki)?.n;
    if (modulusLength < 2048) add(modulusLength < 1024 ? 'broken' : 'weak', 'rsa-short', `An RSA key of ${modulusLength} bits; 2048 is the least (SP 800-131A rev. 2 §3).`);
    if (publicExponent < 65537n) add('odd', 'rsa-exponent', `The public exponent is ${publicExponent}; less than 65537 leaves no margin for faulty padding (SP 800-56B §6.2).`);
    if (publicExponent > 0xffffffffn) add('odd', 'rsa-exponent', 'The public exponent is larger than 32 bits, which some programs refuse and which makes each check slow.');
    if (n !== undefined && isOfClosePrimes(n)) add('broken', 'close-primes', 'The two primes of the key lie so close together that anybody can compute its private key (Fermat’s method, CVE-2022-26320).');
    if (n !== undefined && isRoca(n)) add('broken', 'roca', 'The key bears the fingerprint of Infineon’s faulty library (ROCA, CVE-2017-15361): its private key can be computed.');
  }
  if (type === 'dsa') add('weak', 'dsa', 'DSA is no longer approved (FIPS 186-5 §4).');
  if (type === 'ec' && ['secp192r1', 'prime192v1', 'secp160r1', 'secp160k1', 'secp128r1'].includes(details.namedCurve ?? '')) add('weak', 'curve-short', `The curve ${details.namedCurve} is too short (SP 800-186).`);
  return findings;
}
