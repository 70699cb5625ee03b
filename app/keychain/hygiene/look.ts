import type { Finding } from '../inspector/finding.ts';
import { NEW_KEY_REMEDY, rsaNumbersOf, weaknessesOf } from '../inspector/weaknesses.ts';
import { sharedPrimes } from './batch-gcd.ts';
import { isListed } from './known-weak.ts';
import type { HygieneResult, HygieneTask } from './messages.ts';

/** What judging each key by itself takes of the whole, for some thousand. */
const SHARE_OF_ONE = 0.2;

/** Looks at many public keys, each by itself and all together. @param progress is told which part of all is done, from 0 to 1 */
export function look({ spkis, listed }: HygieneTask, progress: (fraction: number) => void): HygieneResult {
  const byModulus = new Map<bigint, number[]>();
  const weaknesses = spkis.map((spki, index): Finding[] => {
    const n = rsaNumbersOf(spki)?.n;
    // Less is no modulus, and has something in common with many.
    if (n !== undefined && n > 3n) byModulus.set(n, [...(byModulus.get(n) ?? []), index]);
    progress(SHARE_OF_ONE * (index + 1) / spkis.length);
    const found = weaknessesOf(spki);
    return isListed(spki, listed) ? [LISTED, ...found] : found;
  });
  const moduli = [...byModulus.keys()];
  const groups = sharedPrimes(moduli, (done, total) => progress(SHARE_OF_ONE + (1 - SHARE_OF_ONE) * done / total));
  return {
    weaknesses, compared: moduli.length,
    sharedPrimes: groups.map((group) => group.moduli.flatMap((at) => byModulus.get(moduli[at]!)!).sort((a, b) => a - b)),
    sameModulus: [...byModulus.values()].filter((positions) => positions.length > 1),
  };
}

const LISTED: Finding = { level: 'broken', code: 'known-weak', detail: 'The key is on the list of weak keys that was given: others have its private key.', remedy: NEW_KEY_REMEDY, mend: [{ kind: 'new-key' }] };
