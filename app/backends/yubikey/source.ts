import { asKeywrightError, type KeywrightError } from '../../contract/index.ts';
import { type Card, type Readers } from '../../devices/index.ts';
import { RefusedSecrets } from '../../keystore/pins.ts';
import type { BackendDeps, Finding } from '../../keystore/registry.ts';
import type { Token, TokenEvent, TokenSource } from '../../keystore/tokens.ts';
import { discover, mayBeYubiKey } from './discovery.ts';
import type { YubiKeySettings } from './manifest.ts';
import { secretFiles } from './secret-files.ts';
import { furtherRoots } from './further-roots.ts';
import { tokenOf } from './token.ts';
import { YubiKey, type YubiKeyOptions } from './yubikey.ts';

/** A token in a reader. `shadowed`: another one of the same serial is in use. */
interface Inserted {
  readonly key: YubiKey;
  readonly token: Token;
  readonly card: Card;
  shadowed: boolean;
}

/** A card that another program was busy with is asked again so often, so long after. */
const MOST_ATTEMPTS = 5;
const AGAIN_MS = 2_000;

/** The YubiKeys in the readers of this machine, as they come and go. */
export class YubiKeySource implements TokenSource {
  readonly #instance: string;
  readonly #settings: YubiKeySettings;
  readonly #deps: BackendDeps;
  readonly #readers: Readers;
  readonly #listeners = new Set<(event: TokenEvent) => void>();
  /** By reader. */
  readonly #inserted = new Map<string, Inserted>();
  /** What is going on with a reader; a card that is taken out meanwhile ends it. */
  readonly #arriving = new Map<string, { readonly gone: AbortController; readonly done: Promise<void> }>();
  /** By reader: why what is in it cannot be used. */
  readonly #failed = new Map<string, KeywrightError>();
  /** By token: what it refused, while the same secret may come again from a file. */
  readonly #refused = new Map<string, RefusedSecrets>();
  readonly #listening: Disposable;
  #closed = false;

  constructor(instance: string, settings: YubiKeySettings, deps: BackendDeps, readers: Readers) {
    this.#instance = instance;
    this.#settings = settings;
    this.#deps = deps;
    this.#readers = readers;
    this.#listening = readers.listen((event) => {
      if (event.type === 'inserted') this.#arrive(event.reader, event.atr);
      else if (event.type === 'removed') this.#leave(event.reader);
      else if (event.type === 'findings') this.#tell({ type: 'findings' });
    });
    for (const { name, atr } of readers.list()) if (atr !== null) this.#arrive(name, atr);
  }

  tokens(): Token[] {
    return [...this.#inserted.values()].filter(({ shadowed }) => !shadowed).map(({ token }) => token);
  }

  findings(): Finding[] {
    const twins = [...this.#inserted.values()].filter(({ shadowed }) => shadowed);
    return [
      ...this.#readers.findings(),
      ...twins.map(({ key: { title, facts } }): Finding => ({ level: 'warning', code: 'yubikey.same-serial', detail: `There are two tokens of the same serial: ${title} in “${facts.reader}” is not used, since another one says that it is the same.`, remedy: 'Take one of them out. A genuine serial exists once: one of the two is not what it says.' })),
      ...[...this.#failed.values()].map(({ facts }): Finding => ({ level: 'warning', code: 'yubikey.unreadable', detail: facts.detail, ...(facts.remedy === undefined ? {} : { remedy: facts.remedy }) })),
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
    await Promise.all([...this.#inserted.values()].map(async ({ key, card }) => {
      key[Symbol.dispose]();
      // What the card holds as verified must not outlive us; what it holds for others it keeps.
      await card.close(key.trusted ? 'reset' : 'leave');
    }));
    this.#inserted.clear();
    // Last: with its last listener the watcher closes whatever is open, and leaves it as it is.
    this.#listening[Symbol.dispose]();
  }

  #arrive(reader: string, atr: Uint8Array): void {
    this.#leave(reader);
    if (!mayBeYubiKey(atr)) return;
    const gone = new AbortController();
    const done = this.#recognise(reader, gone.signal).finally(() => {
      if (this.#arriving.get(reader)?.gone === gone) this.#arriving.delete(reader);
    });
    this.#arriving.set(reader, { gone, done });
  }

  async #recognise(reader: string, gone: AbortSignal, attempt = 1): Promise<void> {
    let card: Card | undefined;
    try {
      card = await this.#readers.connect(reader);
      const discovered = await card.exclusively((channel) => discover(channel));
      if (discovered === undefined || gone.aborted || this.#closed) {
        await card.close('leave');
        return;
      }
      this.#insert(reader, card, new YubiKey(card, discovered, this.#optionsFor(discovered.serial ?? discovered.guid ?? '')));
    } catch (thrown) {
      const error = asKeywrightError(thrown);
      await card?.close('leave');
      if (gone.aborted || this.#closed || error.code === 'TOKEN_REMOVED') return;
      this.#failed.set(reader, error);
      this.#tell({ type: 'findings' });
      if (attempt < MOST_ATTEMPTS) this.#againLater(reader, gone, attempt + 1);
    }
  }

  #againLater(reader: string, gone: AbortSignal, attempt: number): void {
    setTimeout(() => {
      if (gone.aborted || this.#closed || !this.#failed.delete(reader)) return;
      this.#tell({ type: 'findings' });
      void this.#recognise(reader, gone, attempt);
    }, AGAIN_MS).unref();
  }

  #insert(reader: string, card: Card, key: YubiKey): void {
    const twin = [...this.#inserted.values()].some((other) => other.key.facts.id === key.facts.id && !other.shadowed);
    const inserted: Inserted = { key, card, token: tokenOf(key), shadowed: twin };
    this.#inserted.set(reader, inserted);
    this.#tell(twin ? { type: 'findings' } : { type: 'inserted', token: inserted.token });
  }

  #leave(reader: string): void {
    this.#arriving.get(reader)?.gone.abort();
    this.#arriving.delete(reader);
    if (this.#failed.delete(reader)) this.#tell({ type: 'findings' });
    const left = this.#inserted.get(reader);
    if (left === undefined) return;
    this.#inserted.delete(reader);
    left.key[Symbol.dispose]();
    if (left.shadowed) {
      this.#tell({ type: 'findings' });
      return;
    }
    const { id } = left.key.facts;
    this.#tell({ type: 'removed', id });
    // The same token in another reader, seen there before its removal here; or its twin.
    const next = [...this.#inserted.values()].find((other) => other.key.facts.id === id);
    if (next === undefined) return;
    next.shadowed = false;
    this.#tell({ type: 'inserted', token: next.token }, { type: 'findings' });
  }

  #optionsFor(name: string): YubiKeyOptions {
    const fromFile = secretFiles(this.#settings, name);
    const refused = fromFile === undefined ? new RefusedSecrets() : (this.#refused.get(name) ?? new RefusedSecrets());
    if (fromFile !== undefined) this.#refused.set(name, refused);
    return {
      instance: this.#instance, storage: this.#deps.storage, keepPinMinutes: this.#deps.keepPinMinutes, refused, furtherRoots: () => furtherRoots(this.#settings.attestationRoots),
      ...(fromFile === undefined ? {} : { fromFile }),
      onChange: () => this.#changed(name),
    };
  }

  #changed(name: string): void {
    const changed = [...this.#inserted.values()].find(({ key, shadowed }) => !shadowed && (key.discovered.serial ?? key.discovered.guid ?? '') === name);
    if (changed !== undefined) this.#tell({ type: 'changed', id: changed.key.facts.id });
  }

  #tell(...events: readonly TokenEvent[]): void {
    if (this.#closed) return;
    for (const event of events) for (const listener of this.#listeners) listener(event);
  }
}
