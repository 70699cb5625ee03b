/**
 * Which of many RSA moduli have a prime in common, in little more time than multiplying them: by a product tree and a remainder tree (Bernstein, "How to find smooth parts
 * of integers", 2004; on keys Heninger et al., "Mining your Ps and Qs", 2012). Large sets are cut into parts that are compared two by two (Hastings et al. 2016), which bounds the numbers.
 */

/** Bits of one part: sixteen thousand moduli of 2048 bits. An engine's whole numbers end at 2^30 bits. */
const PART_BITS = 2 ** 25;

/** @returns the greatest common divisor, by Euclid. */
export function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

const bitsOf = (value: bigint): number => value.toString(16).length * 4;

/** Steps of {@link sharedPrimes} for so many moduli of so many bits together: for a bar. */
interface Plan { readonly parts: readonly (readonly number[])[]; readonly steps: number }

function planFor(moduli: readonly bigint[], partBits: number): Plan {
  const parts: number[][] = [];
  let bits = Infinity;
  for (const [index, modulus] of moduli.entries()) {
    const more = bitsOf(modulus);
    if (bits + more > partBits) {
      parts.push([]);
      bits = 0;
    }
    parts.at(-1)!.push(index);
    bits += more;
  }
  const levels = parts.map((part) => Math.ceil(Math.log2(Math.max(2, part.length))));
  const own = parts.reduce((sum, part, at) => sum + part.length * levels[at]! * (1 + parts.length), 0);
  return { parts, steps: own + moduli.length };
}

/** @returns a tree of products: the numbers themselves first, their product last. */
function productTree(numbers: readonly bigint[], step: (count: number) => void): bigint[][] {
  const tree: bigint[][] = [[...numbers]];
  for (let below = tree[0]!; below.length > 1; below = tree.at(-1)!) {
    const level: bigint[] = [];
    for (let at = 0; at < below.length; at += 2) level.push(at + 1 < below.length ? below[at]! * below[at + 1]! : below[at]!);
    tree.push(level);
    step(numbers.length);
  }
  return tree;
}

/** @returns `value` modulo each of the tree's numbers, or modulo their squares, from the root to the leaves. */
function remainders(value: bigint, tree: readonly (readonly bigint[])[], squared: boolean, step: (count: number) => void): bigint[] {
  const leaves = tree[0]!.length;
  let above = [value];
  for (let at = tree.length - 1; at >= 0; at -= 1) {
    const level = tree[at]!;
    let told = 0;
    above = level.map((node, index) => {
      const share = Math.floor((leaves * (index + 1)) / level.length);
      const rest = above[at === tree.length - 1 ? 0 : index >> 1]! % (squared ? node * node : node);
      if (at > 0) step(share - told);
      told = share;
      return rest;
    });
  }
  return above;
}

/** Moduli that have a prime in common. */
interface SharedPrime {
  /** Their positions, in order. */
  readonly moduli: readonly number[];
}

/**
 * @param moduli of RSA keys, each once
 * @param progress is told how much of all is done
 * @returns a group for each prime (or product of primes) that several of them have
 */
export function sharedPrimes(moduli: readonly bigint[], progress: (done: number, total: number) => void = () => undefined, partBits = PART_BITS): SharedPrime[] {
  const { parts, steps } = planFor(moduli, partBits);
  let done = 0;
  const step = (count: number): void => {
    done += count;
    progress(Math.min(done, steps), steps);
  };
  const common = new Map<number, bigint>();
  const products = new Map<number, bigint>();
  for (const [at, part] of parts.entries()) {
    const tree = productTree(part.map((index) => moduli[index]!), step);
    products.set(at, tree.at(-1)![0]!);
  }
  for (const part of parts) {
    const tree = productTree(part.map((index) => moduli[index]!), () => undefined);
    const own = tree.at(-1)![0]!;
    for (const other of products.values()) {
      const isOwn = other === own;
      const rests = remainders(other, tree, isOwn, step);
      for (const [position, index] of part.entries()) {
        const modulus = moduli[index]!;
        // Within its own part a modulus divides the product: what counts is what is left of the others.
        const found = gcd(isOwn ? rests[position]! / modulus : rests[position]!, modulus);
        if (found !== 1n) common.set(index, leastMultiple(common.get(index) ?? 1n, found));
      }
    }
    step(part.length);
  }
  return groups(moduli, common);
}

const leastMultiple = (a: bigint, b: bigint): bigint => (a / gcd(a, b)) * b;

/** @param common by position, what a modulus has in common with all others together */
function groups(moduli: readonly bigint[], common: ReadonlyMap<number, bigint>): SharedPrime[] {
  const primes = new Set([...common].filter(([index, found]) => found !== moduli[index]).map(([, found]) => found));
  // Of some both primes are shared: which they are, their partners tell, and else one look at each other of that kind.
  const whole = [...common].filter(([index, found]) => found === moduli[index]).map(([index]) => index);
  for (const index of whole) {
    if ([...primes].reduce((rest, prime) => rest / gcd(rest, prime), moduli[index]!) === 1n) continue;
    for (const other of common.keys()) {
      const found = other === index ? 1n : gcd(moduli[index]!, moduli[other]!);
      if (found !== 1n) primes.add(found);
    }
  }
  const found = [...primes].map((prime) => ({ moduli: [...common.keys()].filter((index) => gcd(moduli[index]!, prime) !== 1n).sort((a, b) => a - b) })).filter((group) => group.moduli.length > 1);
  const byMembers = new Map(found.map((group) => [group.moduli.join(), group]));
  return [...byMembers.values()];
}
