import { generatePrimeSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { gcd, sharedPrimes } from './batch-gcd.ts';

const prime = (bits: number): bigint => generatePrimeSync(bits, { bigint: true });

/** Each with each, which is what the trees save. */
function eachWithEach(moduli: readonly bigint[]): Set<number> {
  const found = new Set<number>();
  for (const [a, one] of moduli.entries()) for (const [b, other] of moduli.entries()) if (a !== b && gcd(one, other) !== 1n) found.add(a);
  return found;
}

test('primes in common are found among many, whichever way they are shared, and nothing else is', () => {
  const primes = Array.from({ length: 90 }, () => prime(128));
  const sound = Array.from({ length: 41 }, (_, at) => primes[2 * at]! * primes[2 * at + 1]!);
  const [a, b, c, d, e] = primes.slice(84) as [bigint, bigint, bigint, bigint, bigint];
  // A chain, both of whose inner moduli have nothing of their own; and one prime in three moduli.
  const moduli = [a * b, ...sound.slice(0, 20), b * c, c * d, ...sound.slice(20), e * primes[82]!, e * primes[83]!, e * d];
  for (const partBits of [undefined, 256 * 7, 256 * 20, 1]) {
    const groups = sharedPrimes(moduli, undefined, partBits);
    expect(new Set(groups.flatMap((group) => group.moduli))).toEqual(eachWithEach(moduli));
    const at = (...values: bigint[]): number[] => values.map((value) => moduli.indexOf(value));
    expect(groups.map((group) => group.moduli)).toEqual(expect.arrayContaining([at(a * b, b * c), at(b * c, c * d), at(e * primes[82]!, e * primes[83]!, e * d)]));
  }
  expect(sharedPrimes(sound)).toEqual([]);
});

test('three moduli of three primes, two by two, have nothing that is theirs alone, and are found', () => {
  const [a, b, c] = [prime(256), prime(256), prime(256)];
  expect(sharedPrimes([a * b, b * c, c * a]).map((group) => group.moduli)).toEqual(expect.arrayContaining([[0, 1], [1, 2], [0, 2]]));
});

test('few or no moduli are no trouble, and progress ends at its end', () => {
  expect([sharedPrimes([]), sharedPrimes([prime(64) * prime(64)])]).toEqual([[], []]);
  const told: [number, number][] = [];
  sharedPrimes(Array.from({ length: 37 }, () => prime(64) * prime(64)), (done, total) => told.push([done, total]), 1000);
  expect(told.at(-1)![0]).toBe(told[0]![1]);
  expect(told.every(([done], index) => index === 0 || done >= told[index - 1]![0])).toBe(true);
});
