import { KeywrightError } from '../../contract/index.ts';
import type { InspectedItem } from '../../contract/inspection.ts';
import { fingerprint } from '../../formats/index.ts';
import { weaknessesOf } from './weaknesses.ts';

export type Fact = readonly [name: string, value: string | undefined];
export type Item = Partial<Omit<InspectedItem, 'parent' | 'facts'>> & Pick<InspectedItem, 'kind' | 'title' | 'detail'> & { readonly facts?: readonly Fact[]; /** SubjectPublicKeyInfo of the key that it is or names. */ readonly spki?: Uint8Array };

const MAX_ITEMS = 2000;
const MAX_VALUE = 500;
// Control and bidirectional characters must not dress up what is shown.
const DANGEROUS = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const plain = (text: string, most: number): string => text.slice(0, most).replaceAll(DANGEROUS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** What an inspection collects: a tree as a list, and what could not be read. */
export class Tree {
  readonly items: InspectedItem[] = [];
  readonly problems: { code: string; detail: string; where: string | null }[] = [];
  readonly #heldBy: (fingerprint: string) => string[];

  constructor(heldBy: (fingerprint: string) => string[]) {
    this.#heldBy = heldBy;
  }

  /** @returns the position of the item, as the parent of others. */
  add(parent: number | null, { spki, facts = [], findings = [], held = [], actions = [], where = null, locked = false, ...item }: Item): number {
    if (this.items.length >= MAX_ITEMS) {
      if (this.items.length === MAX_ITEMS) this.items.push({ parent: null, kind: 'more', title: '…', detail: `There is more than ${MAX_ITEMS} things in the file; the rest is not shown.`, facts: [], findings: [], held: [], actions: [], where: null, locked: false });
      return MAX_ITEMS;
    }
    const keyFacts: Fact[] = spki === undefined ? [] : [['Public key', fingerprint(spki)]];
    const same = spki === undefined ? [] : this.#heldBy(fingerprint(spki));
    this.items.push({
      parent, kind: item.kind, title: plain(item.title, 200), detail: item.detail, where, locked,
      facts: [...facts, ...keyFacts].flatMap(([name, value]) => (value === undefined || value === '' ? [] : [{ name, value: plain(value, MAX_VALUE) }])),
      findings: [...findings, ...(spki === undefined ? [] : weaknessesOf(spki))], held: [...held, ...same], actions: [...actions],
    });
    return this.items.length - 1;
  }

  /** Runs `work`; what it throws of ours is a problem of the file, with its place, and nothing else stops. */
  async attempt(place: string | null, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      // A person's answer is no fault of the file.
      if (!(thrown instanceof KeywrightError) || !['INVALID_INPUT', 'CAPABILITY_MISSING'].includes(thrown.code)) throw thrown;
      const where = [place, thrown.facts.where].filter((part) => part !== null && part !== undefined).join(', ');
      this.problems.push({ code: thrown.code, detail: thrown.message, where: where === '' ? null : where });
    }
  }
}
