import type { Finding } from '../inspector/finding.ts';

/** What the thread that looks at many public keys gets, and what it says. */

export interface HygieneTask {
  /** SubjectPublicKeyInfo, DER, each once. */
  readonly spkis: readonly Uint8Array[];
  /** Of keys that are known to be weak: `readWeakList`. */
  readonly listed: ReadonlySet<string>;
}

export interface HygieneResult {
  /** By key: what is weak about it alone. */
  readonly weaknesses: readonly (readonly Finding[])[];
  /** Positions of keys that have a prime in common. */
  readonly sharedPrimes: readonly (readonly number[])[];
  /** Positions of keys that have the same modulus, with exponents that differ. */
  readonly sameModulus: readonly (readonly number[])[];
  /** RSA moduli that were compared with each other. */
  readonly compared: number;
}

export type HygieneMessage = { readonly done: number; readonly total: number } | { readonly result: HygieneResult };
