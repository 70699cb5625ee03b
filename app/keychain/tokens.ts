import { KeywrightError } from '../contract/index.ts';
import type { KeyStore } from '../keystore/keystore.ts';
import type { Finding } from '../keystore/registry.ts';
import type { Token, TokenSource } from '../keystore/tokens.ts';

export interface PresentToken {
  readonly token: Token;
  /** The configured instance that it came from, and that instance's type. */
  readonly instance: string;
  readonly type: string;
}

type TokenChange =
  | { readonly type: 'inserted'; readonly present: PresentToken }
  | { readonly type: 'removed'; readonly id: string; readonly present: PresentToken }
  | { readonly type: 'changed'; readonly id: string; readonly present: PresentToken }
  | { readonly type: 'findings'; readonly instance: string };

interface OpenSource {
  readonly source: TokenSource;
  readonly stop: () => void;
}

/** The tokens that are plugged in now, of all instances whose source is open. */
export class Tokens implements AsyncDisposable {
  readonly #sources = new Map<string, OpenSource>();
  readonly #present = new Map<string, PresentToken>();
  readonly #listeners = new Set<(change: TokenChange) => void>();

  /** Takes over what an instance's source sees, now and later. */
  attach(instance: string, type: string, source: TokenSource): void {
    const stop = source.onChange((event) => {
      if (event.type === 'inserted') this.#insert({ token: event.token, instance, type });
      else if (event.type === 'removed') this.#remove(event.id);
      else if (event.type === 'findings') this.#tell({ type: 'findings', instance });
      else {
        const present = this.#present.get(event.id);
        if (present !== undefined) this.#tell({ type: 'changed', id: event.id, present });
      }
    });
    this.#sources.set(instance, { source, stop });
    for (const token of source.tokens()) this.#insert({ token, instance, type });
  }

  /** An instance was switched off, changed or removed: its tokens are gone for us. */
  async detach(instance: string): Promise<void> {
    const open = this.#sources.get(instance);
    if (open === undefined) return;
    this.#sources.delete(instance);
    open.stop();
    for (const [id, present] of this.#present) if (present.instance === instance) this.#remove(id);
    await open.source[Symbol.asyncDispose]();
  }

  sourceOf(instance: string): TokenSource | undefined {
    return this.#sources.get(instance)?.source;
  }

  all(): PresentToken[] {
    return [...this.#present.values()];
  }

  get(id: string): PresentToken | undefined {
    return this.#present.get(id);
  }

  has(id: string): boolean {
    return this.#present.has(id);
  }

  /** What the sources found; several may have found the same, such as that there is no smart-card service. */
  findings(): Finding[] {
    const all = [...this.#sources.values()].flatMap(({ source }) => [...source.findings()]);
    return [...new Map(all.map((finding) => [`${finding.code} ${finding.detail}`, finding])).values()];
  }

  /** @returns the only token of an instance. @throws BACKEND_UNAVAILABLE for none, INVALID_INPUT for several, with their ids. */
  onlyOf(instance: string, title: string): KeyStore {
    const [first, ...others] = this.all().filter((present) => present.instance === instance);
    if (first === undefined) {
      const problem = this.#sources.get(instance)?.source.findings().find(({ level }) => level === 'problem');
      throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `There is no token of “${title}” here.${problem === undefined ? '' : ` ${problem.detail}`}`, remedy: problem?.remedy ?? 'Plug it in and try again.' });
    }
    if (others.length > 0) {
      throw new KeywrightError('INVALID_INPUT', { detail: `There are ${others.length + 1} tokens of “${title}” here.`, where: '/backend', remedy: 'Name the one that is meant.', alternatives: [first, ...others].map(({ token }) => token.facts.id) });
    }
    return first.token.store;
  }

  onChange(listener: (change: TokenChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
    await Promise.all([...this.#sources.keys()].map((instance) => this.detach(instance)));
  }

  #insert(present: PresentToken): void {
    const { id } = present.token.facts;
    if (this.#present.get(id)?.token === present.token) return;
    this.#present.set(id, present);
    this.#tell({ type: 'inserted', present });
  }

  #remove(id: string): void {
    const present = this.#present.get(id);
    if (present === undefined) return;
    this.#present.delete(id);
    this.#tell({ type: 'removed', id, present });
  }

  #tell(change: TokenChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
