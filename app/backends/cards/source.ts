import { asKeywrightError, type KeywrightError, type SecretBytes } from '../../contract/index.ts';
import type { Card, Readers } from '../../devices/index.ts';
import { RefusedSecrets, type TokenSecretKind } from '../../keystore/pins.ts';
import type { Finding } from '../../keystore/registry.ts';
import type { Token, TokenEvent, TokenFacts, TokenSource } from '../../keystore/tokens.ts';

/** What a backend makes of a card that is its own. */
interface CardDevice extends Disposable {
  readonly facts: TokenFacts;
  /** "YubiKey 5C NFC 12345678" */
  readonly title: string;
}

/** A card in a reader, from its recognition to its removal. */
export interface Inserted<D extends CardDevice> {
  readonly reader: string;
  readonly card: Card;
  readonly device: D;
  readonly token: Token;
  /** Aborted when it is taken out. */
  readonly gone: AbortSignal;
  /** Told to listeners. */
  shown: boolean;
  /** Another card of the same serial is in use. */
  shadowed: boolean;
}

/** What is going on with a reader. */
interface Arrival {
  readonly gone: AbortController;
  done: Promise<void>;
}

/** A card that another program was busy with is asked again so often, so long after. */
const MOST_ATTEMPTS = 5;
const AGAIN_MS = 2_000;

/** The configured source of secrets of one token. */
export type SecretFiles = (kind: TokenSecretKind) => Promise<SecretBytes | undefined>;

/** The cards of one kind in the readers of this machine, as they come and go. A backend says which are its own, and what it makes of them. */
export abstract class CardSource<D extends CardDevice> implements TokenSource {
  /** `yubikey`: begins the codes of findings. */
  readonly #type: string;
  readonly #readers: Readers;
  readonly #listeners = new Set<(event: TokenEvent) => void>();
  /** By reader. */
  readonly #inserted = new Map<string, Inserted<D>>();
  readonly #arriving = new Map<string, Arrival>();
  /** By reader: why what is in it cannot be used. */
  readonly #failed = new Map<string, KeywrightError>();
  /** By token: what it refused, while the same secret may come again from a file. */
  readonly #refused = new Map<string, RefusedSecrets>();
  #listening: Disposable | undefined;
  #closed = false;

  constructor(type: string, readers: Readers) {
    this.#type = type;
    this.#readers = readers;
  }

  /** Whether a card with this answer to reset may be one. */
  protected abstract mayBeOurs(atr: Uint8Array): boolean;
  /** Asks a card that may be one. @returns undefined when it is something else. */
  protected abstract recognise(card: Card): Promise<D | undefined>;
  protected abstract tokenOf(inserted: () => Inserted<D>, device: D): Token;
  /** Whether the card holds something as verified that must not outlive us. */
  protected abstract trusts(device: D): boolean;
  /** What must be done before it is shown. */
  protected complete(_inserted: Inserted<D>): Promise<void> | void {}
  /** It was taken out. */
  protected left(_inserted: Inserted<D>): void {}
  protected close(): Promise<void> | void {}

  /** Begins to look; once, by the backend that made it. */
  protected start(): void {
    this.#listening = this.#readers.listen((event) => {
      if (event.type === 'inserted') this.#arrive(event.reader, event.atr);
      else if (event.type === 'removed') this.#leave(event.reader);
      else if (event.type === 'findings') this.tell({ type: 'findings' });
    });
    for (const { name, atr } of this.#readers.list()) if (atr !== null) this.#arrive(name, atr);
  }

  tokens(): Token[] {
    return [...this.#inserted.values()].filter(({ shown, shadowed }) => shown && !shadowed).map(({ token }) => token);
  }

  findings(): Finding[] {
    const twins = [...this.#inserted.values()].filter(({ shadowed }) => shadowed);
    return [
      ...this.#readers.findings(),
      ...twins.map(({ reader, device: { title } }): Finding => ({ level: 'warning', code: `${this.#type}.same-serial`, detail: `There are two tokens of the same serial: ${title} in “${reader}” is not used, since another one says that it is the same.`, remedy: 'Take one of them out. A genuine serial exists once: one of the two is not what it says.' })),
      ...[...this.#failed.values()].map(({ facts }): Finding => ({ level: 'warning', code: `${this.#type}.unreadable`, detail: facts.detail, ...(facts.remedy === undefined ? {} : { remedy: facts.remedy }) })),
    ];
  }

  async ready(): Promise<void> {
    await this.#readers.ready();
    await Promise.all([...this.#arriving.values()].map(({ done }) => done));
  }

  onChange(listener: (event: TokenEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const { gone } of this.#arriving.values()) gone.abort();
    await this.close();
    await Promise.all([...this.#inserted.values()].map(async ({ device, card }) => {
      device[Symbol.dispose]();
      // What the card holds for others it keeps.
      await card.close(this.trusts(device) ? 'reset' : 'leave');
    }));
    this.#inserted.clear();
    // Last: with its last listener the watcher closes whatever is open, and leaves it as it is.
    this.#listening?.[Symbol.dispose]();
  }

  protected get closed(): boolean {
    return this.#closed;
  }

  protected inserted(): Inserted<D>[] {
    return [...this.#inserted.values()];
  }

  /** @returns what a token has refused: remembered beyond its insertion where the same secret comes again from a file. @param name of the token */
  protected refusedBy(name: string, fromFile: SecretFiles | undefined): RefusedSecrets {
    if (fromFile === undefined) return new RefusedSecrets();
    const refused = this.#refused.get(name) ?? new RefusedSecrets();
    this.#refused.set(name, refused);
    return refused;
  }

  protected tell(...events: readonly TokenEvent[]): void {
    if (this.#closed) return;
    for (const event of events) for (const listener of this.#listeners) listener(event);
  }

  #arrive(reader: string, atr: Uint8Array): void {
    this.#leave(reader);
    if (!this.mayBeOurs(atr)) return;
    const arrival: Arrival = { gone: new AbortController(), done: Promise.resolve() };
    this.#arriving.set(reader, arrival);
    arrival.done = this.#recognise(reader, arrival.gone.signal);
  }

  async #recognise(reader: string, gone: AbortSignal, attempt = 1): Promise<void> {
    let card: Card | undefined;
    try {
      card = await this.#readers.connect(reader);
      const device = await this.recognise(card);
      if (device === undefined || gone.aborted || this.#closed) {
        device?.[Symbol.dispose]();
        await card.close('leave');
        return;
      }
      await this.#insert(reader, card, device, gone);
    } catch (thrown) {
      const error = asKeywrightError(thrown);
      await card?.close('leave');
      if (gone.aborted || this.#closed || error.code === 'TOKEN_REMOVED') return;
      this.#failed.set(reader, error);
      this.tell({ type: 'findings' });
      if (attempt < MOST_ATTEMPTS) this.#againLater(reader, gone, attempt + 1);
    }
  }

  #againLater(reader: string, gone: AbortSignal, attempt: number): void {
    setTimeout(() => {
      if (gone.aborted || this.#closed || !this.#failed.delete(reader)) return;
      this.tell({ type: 'findings' });
      void this.#recognise(reader, gone, attempt);
    }, AGAIN_MS).unref();
  }

  async #insert(reader: string, card: Card, device: D, gone: AbortSignal): Promise<void> {
    const { id } = device.facts;
    const shadowed = [...this.#inserted.values()].some((other) => other.device.facts.id === id && !other.shadowed);
    const inserted: Inserted<D> = { reader, card, device, gone, shown: false, shadowed, token: this.tokenOf(() => inserted, device) };
    this.#inserted.set(reader, inserted);
    if (shadowed) this.tell({ type: 'findings' });
    else await this.#show(inserted);
  }

  async #show(inserted: Inserted<D>): Promise<void> {
    await this.complete(inserted);
    if (inserted.gone.aborted || this.#inserted.get(inserted.reader) !== inserted) return;
    inserted.shown = true;
    this.tell({ type: 'inserted', token: inserted.token }, { type: 'findings' });
  }

  /** Ends one insertion: what is told of it later reaches nobody. */
  #leave(reader: string): void {
    this.#arriving.get(reader)?.gone.abort();
    this.#arriving.delete(reader);
    if (this.#failed.delete(reader)) this.tell({ type: 'findings' });
    const left = this.#inserted.get(reader);
    if (left === undefined) return;
    this.#inserted.delete(reader);
    left.device[Symbol.dispose]();
    this.left(left);
    const { id } = left.device.facts;
    this.tell(left.shown ? { type: 'removed', id } : { type: 'findings' });
    // The same token in another reader, seen there before its removal here; or its twin.
    const next = left.shadowed ? undefined : [...this.#inserted.values()].find((other) => other.shadowed && other.device.facts.id === id);
    if (next === undefined) return;
    next.shadowed = false;
    void this.#show(next);
  }
}
