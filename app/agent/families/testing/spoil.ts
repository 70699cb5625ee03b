import { mutantOf } from '../../../certificates/testing/mutants.ts';

type Chance = (below: number) => number;

/** Text that means something to some reader. */
const WORDS = ['\r\n', '\n\n', '-----BEGIN', ' ', '=', '"', '{"a":1}', '<x/>', '\0', '%%EOF\n', '--', 'Hash: SHA1\n', '\u202E', '../', 'none'].map((text) => Buffer.from(text));

/** @returns the bytes as an enemy, or a bad cable, may leave them: cut, turned, doubled, swapped, or with more in them. @param isDer by its structure then, half of the time */
export function spoiled(bytes: Buffer, chance: Chance, isDer = false): Buffer {
  if (isDer && chance(2) === 0) return mutantOf(bytes, chance);
  let made: Buffer = Buffer.from(bytes);
  for (let count = 1 + Math.max(0, chance(5) - 2); count > 0; count--) made = once(made, chance);
  return made;
}

function once(bytes: Buffer, chance: Chance): Buffer {
  const at = chance(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + chance(chance(3) === 0 ? 400 : 8));
  const [before, middle, after] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
  switch (chance(9)) {
    case 0: return Buffer.from(before);
    case 1: return Buffer.concat([before, after]);
    case 2: return Buffer.concat([before, middle, middle, after]);
    case 3: return Buffer.concat([before, WORDS[chance(WORDS.length)]!, middle, after]);
    case 4: return Buffer.concat([after, middle, before]);
    case 5: return Buffer.concat([bytes, WORDS[chance(WORDS.length)]!, middle]);
    case 6: return Buffer.concat([before, Buffer.from(middle).reverse(), after]);
    default: {
      const turned = Buffer.from(bytes);
      if (turned.length > 0) turned[Math.min(at, turned.length - 1)]! ^= 1 << chance(8);
      return turned;
    }
  }
}
