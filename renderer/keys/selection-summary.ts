import type { KeyRecord } from '../../app/contract/index.ts';

/** How often a value occurs among keys. */
export interface Counted {
  readonly value: string;
  readonly n: number;
}

/** What several keys have in common, and in what they differ. */
export interface SelectionSummary {
  readonly algorithms: readonly Counted[];
  readonly places: readonly Counted[];
  readonly states: readonly Counted[];
  readonly tags: readonly Counted[];
  /** When the first of them ends; null when none does. */
  readonly firstEnd: string | null;
  /** How many are in tokens that are not plugged in. */
  readonly absent: number;
}

export const hasPublicKey = ({ fingerprint }: Pick<KeyRecord, 'fingerprint'>): boolean => fingerprint !== null;

/** @param placeOf  what the place of a key is called */
export function summaryOf(keys: readonly KeyRecord[], placeOf: (key: KeyRecord) => string): SelectionSummary {
  const ends = keys.flatMap(({ notAfter }) => (notAfter === null ? [] : [notAfter])).sort();
  return {
    algorithms: counted(keys.map(({ algorithm }) => algorithm)),
    places: counted(keys.map(placeOf)),
    states: counted(keys.map(({ state }) => state)),
    tags: tagCounts(keys),
    firstEnd: ends[0] ?? null,
    absent: keys.filter(({ present }) => !present).length,
  };
}

/** @returns the tags that some of the keys have. */
export const tagCounts = (keys: readonly KeyRecord[]): Counted[] => counted(keys.flatMap(({ tags }) => tags));

/** @returns each value once, the most frequent first, and equally frequent ones by name */
function counted(values: readonly string[]): Counted[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, n]) => ({ value, n })).sort((a, b) => b.n - a.n || (a.value < b.value ? -1 : 1));
}

/** @returns the tags of a key after some are added and others are taken away, each once, those that were there first. */
export function tagsAfter(tags: readonly string[], added: readonly string[], removed: ReadonlySet<string>): string[] {
  return [...new Set([...tags.filter((tag) => !removed.has(tag)), ...added])];
}
