import type { TokenFacts } from '../keystore/tokens.ts';
import type { Storage } from '../storage/storage.ts';
import type { PresentToken } from './tokens.ts';
import type { StorageTransaction } from '../storage/storage.ts';
import { jsonBytes, jsonOf } from './unit.ts';

/** A token that is or was plugged in. */
export interface KnownToken {
  readonly facts: TokenFacts;
  readonly instance: string;
  readonly type: string;
  /** Given here; null: model and serial serve. */
  readonly name: string | null;
  readonly lastSeenAt: string;
}

const RECORD = 'tokens/known';

/** Tokens are remembered, so that their keys have a place with a name while they are out. */
export class KnownTokens {
  readonly #storage: Storage;
  readonly #known: Map<string, KnownToken>;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(storage: Storage, known: Map<string, KnownToken>) {
    this.#storage = storage;
    this.#known = known;
  }

  static async open(storage: Storage): Promise<KnownTokens> {
    const record = await storage.get(RECORD).catch(() => undefined); // damaged: among the store's problems
    return new KnownTokens(storage, new Map(record === undefined ? [] : Object.entries(jsonOf<Record<string, KnownToken>>(record))));
  }

  all(): KnownToken[] {
    return [...this.#known.values()];
  }

  get(id: string): KnownToken | undefined {
    return this.#known.get(id);
  }

  /** Remembers a token that was plugged in. Written at once when it is new, else with the next change: a date is not worth a write. */
  async seen({ token: { facts }, instance, type }: PresentToken): Promise<void> {
    if (facts.blank === true) return;
    const before = this.#known.get(facts.id);
    this.#known.set(facts.id, { facts, instance, type, name: before?.name ?? null, lastSeenAt: new Date().toISOString() });
    if (before !== undefined && JSON.stringify(before.facts) === JSON.stringify(facts)) return;
    this.#turn = this.#turn.catch(() => undefined).then(() => this.#storage.put(RECORD, this.#bytes(), { ifRevision: 'any' }));
    await this.#turn;
  }

  /** @returns the token under its new name, once the unit commits; {@link named} makes it visible. */
  async rename(known: KnownToken, name: string | null, unit: StorageTransaction): Promise<KnownToken> {
    const renamed = { ...known, name };
    await unit.put(RECORD, jsonBytes({ ...Object.fromEntries(this.#known), [known.facts.id]: renamed }), { ifRevision: 'any' });
    return renamed;
  }

  named(token: KnownToken): void {
    this.#known.set(token.facts.id, token);
  }

  #bytes(): Uint8Array {
    return jsonBytes(Object.fromEntries(this.#known));
  }
}
