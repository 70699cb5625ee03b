import { type KeyAlgorithmName, KeywrightError } from '../../contract/index.ts';
import { algorithmOfSpki, fingerprint } from '../../formats/index.ts';
import { Spending } from '../../formats/spending.ts';
import type { Draft, Finding } from './finding.ts';
import { weaknessesOf } from './weaknesses.ts';

export type Fact = readonly [name: string, value: string | undefined];
export type Item = Partial<Omit<Draft, 'parent' | 'facts' | 'publicKey' | 'algorithm'>> & Pick<Draft, 'kind' | 'title' | 'detail'> & { readonly facts?: readonly Fact[]; /** SubjectPublicKeyInfo of the key that it is or names. */ readonly spki?: Uint8Array };

const MAX_ITEMS = 2000;
const MAX_VALUE = 500;
// Control and bidirectional characters must not dress up what is shown.
const DANGEROUS = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const plain = (text: string, most: number): string => text.slice(0, most).replaceAll(DANGEROUS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** @returns null for a key that we do not handle. */
function algorithmOf(spki: Uint8Array): KeyAlgorithmName | null {
  try {
    return algorithmOfSpki(spki);
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return null;
    throw thrown;
  }
}

/** What an inspection collects: a tree as a list, and what could not be read. */
export class Tree {
  readonly items: Draft[] = [];
  readonly problems: { code: string; detail: string; where: string | null }[] = [];
  /** Where a key came first, by kind and fingerprint. */
  /** What opening all that is in the file costs. */
  readonly spending = new Spending();
  readonly #keys = new Map<string, number>();
  readonly #heldBy: (fingerprint: string) => string[];

  constructor(heldBy: (fingerprint: string) => string[]) {
    this.#heldBy = heldBy;
  }

  /** Nothing that is added is shown any more. */
  get isFull(): boolean {
    return this.items.length > MAX_ITEMS;
  }

  /** @returns the position of the item, as the parent of others. */
  add(parent: number | null, { spki, facts = [], findings = [], held = [], actions = [], where = null, locked = false, certificate = null, ...item }: Item): number {
    if (this.items.length >= MAX_ITEMS) {
      if (this.items.length === MAX_ITEMS) this.items.push({ parent: null, kind: 'more', title: '…', detail: `There are more than ${MAX_ITEMS} things in the file; the rest is not shown.`, facts: [], findings: [], held: [], actions: [], where: null, locked: false, publicKey: null, algorithm: null, certificate: null });
      return MAX_ITEMS;
    }
    const again = spki === undefined ? [] : this.#sameKey(fingerprint(spki), item.kind);
    const keyFacts: Fact[] = spki === undefined ? [] : [['Public key', fingerprint(spki)]];
    const same = spki === undefined ? [] : this.#heldBy(fingerprint(spki));
    this.items.push({
      parent, kind: item.kind, title: plain(item.title, 200), detail: plain(item.detail, 2000), where, locked, certificate, publicKey: spki === undefined ? null : fingerprint(spki), algorithm: spki === undefined ? null : algorithmOf(spki),
      facts: [...facts, ...keyFacts].flatMap(([name, value]) => (value === undefined || value === '' ? [] : [{ name, value: plain(value, MAX_VALUE) }])),
      findings: [...findings, ...(spki === undefined ? [] : weaknessesOf(spki)), ...again], held: [...held, ...same], actions: [...actions],
    });
    return this.items.length - 1;
  }

  /** The same key in several things of a kind: who has one private key has all of them. A key beside its own certificate is as it should be. */
  #sameKey(print: string, kind: string): Finding[] {
    const name = `${kind} ${print}`;
    const before = this.#keys.get(name);
    if (before !== undefined) return [{ level: 'odd', code: 'same-key', detail: `It has the same key as number ${before + 1} (“${this.items[before]?.title ?? ''}”): what one of them loses, all lose.`, remedy: 'Generate a key for each: keywright keys generate, and have its certificate issued anew (certificates renew --new-key).', mend: [{ kind: 'new-key' }] }];
    this.#keys.set(name, this.items.length);
    return [];
  }

  /** Runs `work`; what it throws of ours is a problem of the file, with its place, and nothing else stops. */
  async attempt(place: string | null, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      // A person's answer is no fault of the file.
      if (!(thrown instanceof KeywrightError) || !['INVALID_INPUT', 'CAPABILITY_MISSING'].includes(thrown.code)) throw thrown;
      // A block of PEM is read as a file of its own, in which it begins at line 1.
      const within = place?.startsWith('line ') === true ? thrown.facts.where?.replace(/^line 1(?:, |$)/, '') : thrown.facts.where;
      const where = [place, within === '' ? undefined : within].filter((part) => part !== null && part !== undefined).join(', ');
      this.problems.push({ code: thrown.code, detail: thrown.message, where: where === '' ? null : where });
    }
  }
}
