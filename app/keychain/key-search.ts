import type { StoredKey } from './inventory.ts';

/** How the inventory is searched: 100,000 keys, at each keystroke. */

/** A key as the inventory holds it. */
export interface Entry {
  readonly key: StoredKey;
  /** The storage's revision: a write commits only if nobody else wrote since. */
  readonly revision: string;
  /** What words are looked for in, lower case. Begins with the label and a line’s end. */
  readonly haystack: string;
}

/** Entries in some order, with all their haystacks as one text: one search over it takes a tenth of as many small ones. */
export interface Order {
  readonly entries: readonly Entry[];
  readonly text: string;
  /** Where each haystack begins in the text, and where the text ends. */
  readonly starts: Uint32Array;
}

/** @returns the entries as they stand, ready to be searched. */
export function orderOf(entries: readonly Entry[]): Order {
  const starts = new Uint32Array(entries.length + 1);
  let at = 0;
  for (const [index, { haystack }] of entries.entries()) {
    starts[index] = at;
    at += haystack.length + 1;
  }
  starts[entries.length] = at;
  return { entries, text: `${entries.map(({ haystack }) => haystack).join('\n')}\n`, starts };
}

/** Ids and fingerprints are random, and a few digits of them are in many: only longer pieces are looked for there. */
const PIECE_OF_ID = /^(sha256:)?[0-9a-f]{6,}$/;

/** @returns the entries that have all `words`, in their order. @param words lower case, at least one */
export function* withWords({ entries, text, starts }: Order, words: readonly string[]): Generator<Entry> {
  const [rarest, ...others] = words.toSorted((a, b) => b.length - a.length) as [string, ...string[]];
  if (words.some((word) => PIECE_OF_ID.test(word))) {
    for (const entry of entries) if (words.every((word) => entry.haystack.includes(word) || isNamedBy(entry.key, word))) yield entry;
    return;
  }
  let index = 0;
  for (let at = text.indexOf(rarest); at >= 0; at = text.indexOf(rarest, starts[index])) {
    while (starts[index + 1]! <= at) index += 1;
    const entry = entries[index]!;
    if (others.every((word) => entry.haystack.includes(word))) yield entry;
    index += 1;
    if (index === entries.length) return;
  }
}

function isNamedBy({ id, versions }: StoredKey, word: string): boolean {
  return PIECE_OF_ID.test(word) && (id.includes(word) || versions.some(({ fingerprint }) => fingerprint?.toLowerCase().includes(word) === true));
}
