import { readFile } from 'node:fs/promises';
import { asKeywrightError, KeywrightError } from '../../contract/index.ts';
import { readSecretFile, type Card, type Readers } from '../../devices/index.ts';
import { RefusedSecrets } from '../../keystore/pins.ts';
import type { KeyStore } from '../../keystore/keystore.ts';
import type { BackendDeps, Finding } from '../../keystore/registry.ts';
import type { Token, TokenEvent, TokenSource } from '../../keystore/tokens.ts';
import type { Pkcs11Token } from '../pkcs11/source.ts';
import { isSmartCardHsm } from './applet.ts';
import { parseCvcs, type Cvc } from './cvc.ts';
import { discover } from './discovery.ts';
import { SmartCardHsm, type HsmOptions } from './hsm.ts';
import type { SmartCardHsmSettings } from './manifest.ts';
import { moduleMissing, openScModule, startOpenSc, type OpenSc } from './opensc.ts';
import { BUILT_IN_ROOTS } from './roots.ts';
import { cardStore } from './store.ts';
import { tokenOf } from './token.ts';

/** A card in a reader, from its recognition to its removal. */
interface Inserted {
  readonly hsm: SmartCardHsm;
  readonly token: Token;
  /** As OpenSC shows it now. */
  keys: Pkcs11Token | undefined;
  store: KeyStore | undefined;
  /** Told to listeners: once OpenSC shows it, or was waited for long enough. */
  shown: boolean;
  /** Another card of the same serial is in use. */
  shadowed: boolean;
}

/** OpenSC's process starts, and reads the card, in about half a second. A token whose keys it does not show then is shown without them. */
const PATIENCE_MS = 5_000;
/** A card that another program was busy with is asked again so often, so long after. */
const MOST_ATTEMPTS = 5;
const AGAIN_MS = 2_000;

/** The SmartCard-HSMs in the readers of this machine, as they come and go: recognised over PC/SC, and joined with what OpenSC shows of them. */
export class SmartCardHsmSource implements TokenSource {
  readonly #instance: string;
  readonly #settings: SmartCardHsmSettings;
  readonly #roots: readonly Cvc[];
  readonly #deps: BackendDeps;
  readonly #readers: Readers;
  readonly #listeners = new Set<(event: TokenEvent) => void>();
  /** By reader. */
  readonly #inserted = new Map<string, Inserted>();
  /** What is going on with a reader; a card that is taken out meanwhile ends it. */
  readonly #arriving = new Map<string, { readonly gone: AbortController; readonly done: Promise<void> }>();
  /** By reader: why what is in it cannot be used. */
  readonly #failed = new Map<string, KeywrightError>();
  /** By serial: what the token refused, while the same PIN may come again from a file. */
  readonly #refused = new Map<string, RefusedSecrets>();
  #listening: Disposable | undefined;
  #starting: Promise<OpenSc> | undefined;
  #opensc: OpenSc | undefined;
  #closed = false;

  private constructor(instance: string, settings: SmartCardHsmSettings, roots: readonly Cvc[], deps: BackendDeps, readers: Readers) {
    this.#instance = instance;
    this.#settings = settings;
    this.#roots = roots;
    this.#deps = deps;
    this.#readers = readers;
  }

  /** @throws INVALID_INPUT when the file with further roots cannot be read */
  static async open(instance: string, settings: SmartCardHsmSettings, deps: BackendDeps, readers: Readers): Promise<SmartCardHsmSource> {
    const source = new SmartCardHsmSource(instance, settings, [...BUILT_IN_ROOTS, ...(await furtherRoots(settings.attestationRoots))], deps, readers);
    source.#listening = readers.listen((event) => {
      if (event.type === 'inserted') source.#arrive(event.reader, event.atr);
      else if (event.type === 'removed') source.#leave(event.reader);
      else if (event.type === 'findings') source.#tell({ type: 'findings' });
    });
    for (const { name, atr } of readers.list()) if (atr !== null) source.#arrive(name, atr);
    return source;
  }

  tokens(): Token[] {
    return [...this.#inserted.values()].filter(({ shown, shadowed }) => shown && !shadowed).map(({ token }) => token);
  }

  findings(): Finding[] {
    const inserted = [...this.#inserted.values()];
    const wanted = inserted.length > 0 && openScModule(this.#settings.module) === null;
    return [
      ...this.#readers.findings(),
      ...(wanted ? [moduleMissing(this.#settings.module)] : []),
      ...(inserted.length > 0 ? this.#opensc?.source.findings() ?? [] : []),
      ...inserted.filter(({ shadowed }) => shadowed).map(({ hsm: { title, facts } }): Finding => ({ level: 'warning', code: 'smartcardhsm.same-serial', detail: `There are two tokens of the same serial: ${title} in “${facts.reader}” is not used.`, remedy: 'Take one of them out. A genuine serial exists once: one of the two is not what it says.' })),
      ...[...this.#failed.values()].map(({ facts }): Finding => ({ level: 'warning', code: 'smartcardhsm.unreadable', detail: facts.detail, ...(facts.remedy === undefined ? {} : { remedy: facts.remedy }) })),
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
    this.#listening?.[Symbol.dispose]();
    for (const { gone } of this.#arriving.values()) gone.abort();
    await this.#opensc?.[Symbol.asyncDispose]();
    await Promise.all([...this.#inserted.values()].map(async ({ hsm }) => {
      hsm[Symbol.dispose]();
      // What the card holds as verified must not outlive us.
      await hsm.session.card.close('reset');
    }));
    this.#inserted.clear();
  }

  #arrive(reader: string, atr: Uint8Array): void {
    this.#leave(reader);
    if (!isSmartCardHsm(atr)) return;
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
      const discovered = await card.exclusively(discover);
      if (discovered === undefined || gone.aborted || this.#closed) {
        await card.close('leave');
        return;
      }
      const hsm = new SmartCardHsm(card, discovered, this.#optionsFor(discovered.serial));
      await this.#insert(reader, hsm, gone);
    } catch (thrown) {
      const error = asKeywrightError(thrown);
      await card?.close('leave');
      if (gone.aborted || this.#closed || error.code === 'TOKEN_REMOVED') return;
      this.#failed.set(reader, error);
      this.#tell({ type: 'findings' });
      if (attempt < MOST_ATTEMPTS) this.#againLater(reader, gone, attempt + 1);
    }
  }

  #optionsFor(serial: string): HsmOptions {
    const { pinFile, pinFor } = this.#settings;
    const options = { instance: this.#instance, keepPinMinutes: this.#deps.keepPinMinutes, roots: this.#roots };
    if (pinFile === undefined || pinFor?.toLowerCase() !== serial.toLowerCase()) return { ...options, refused: new RefusedSecrets() };
    // The same PIN comes again from the file: what was refused once is remembered beyond the insertion.
    const refused = this.#refused.get(serial) ?? new RefusedSecrets();
    this.#refused.set(serial, refused);
    return { ...options, refused, fromFile: async (kind) => (kind === 'pin' ? readSecretFile(pinFile) : undefined) };
  }

  #againLater(reader: string, gone: AbortSignal, attempt: number): void {
    setTimeout(() => {
      if (gone.aborted || this.#closed || !this.#failed.delete(reader)) return;
      this.#tell({ type: 'findings' });
      void this.#recognise(reader, gone, attempt);
    }, AGAIN_MS).unref();
  }

  async #insert(reader: string, hsm: SmartCardHsm, gone: AbortSignal): Promise<void> {
    const { id } = hsm.facts;
    const inserted: Inserted = {
      hsm, keys: undefined, store: undefined, shown: false, shadowed: [...this.#inserted.values()].some((other) => other.hsm.facts.id === id && !other.shadowed),
      token: tokenOf(hsm, this.#keysOf(() => inserted), () => this.#tell({ type: 'changed', id })),
    };
    this.#inserted.set(reader, inserted);
    if (inserted.shadowed) {
      this.#tell({ type: 'findings' });
      return;
    }
    if (hsm.discovered.initialised) await this.#join(inserted, gone);
    if (!gone.aborted && this.#inserted.get(reader) === inserted) this.#show(inserted);
  }

  /** Waits until OpenSC shows the card. */
  async #join(inserted: Inserted, gone: AbortSignal): Promise<void> {
    const opensc = await this.#openSc();
    if (opensc === undefined) return;
    await opensc.source.look();
    for (let waited = 0; waited < PATIENCE_MS && !gone.aborted && !this.#closed; waited += 100) {
      this.#match(inserted);
      if (inserted.keys !== undefined || opensc.source.findings().some(({ level }) => level === 'problem')) return;
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }

  #show(inserted: Inserted): void {
    inserted.shown = true;
    this.#tell({ type: 'inserted', token: inserted.token }, ...(inserted.keys === undefined ? [{ type: 'findings' } as const] : []));
  }

  /** OpenSC is started for the first card, and at work as long as this source. */
  async #openSc(): Promise<OpenSc | undefined> {
    const module = openScModule(this.#settings.module);
    if (module === null || this.#closed) return undefined;
    this.#starting ??= startOpenSc({
      instance: this.#instance, module,
      accepts: (slot) => this.#cardIn(slot.description, slot.token.serial) !== undefined,
      pins: (slot) => (this.#cardIn(slot.description, slot.token.serial) as Inserted).hsm.pins,
      present: (slot, facts) => this.#cardIn(slot.description, slot.token.serial)?.hsm.facts ?? facts,
    }, this.#deps).then((opensc) => {
      this.#opensc = opensc;
      opensc.source.onChange((event) => this.#followOpenSc(event));
      return opensc;
    });
    return this.#starting;
  }

  #cardIn(reader: string, serial: string): Inserted | undefined {
    const inserted = this.#inserted.get(reader);
    return inserted?.hsm.facts.serial === serial && !inserted.shadowed ? inserted : undefined;
  }

  #match(inserted: Inserted): void {
    const { serial, reader } = inserted.hsm.facts;
    const keys = this.#opensc?.source.tokens().find((token) => token.facts.reader === reader && token.facts.serial === serial);
    if (keys === inserted.keys) return;
    inserted.keys = keys;
    inserted.store = keys === undefined ? undefined : cardStore(keys.store, inserted.hsm);
  }

  /** OpenSC's process ended and came back, or shows a card that it did not show before: the same token, with other keys at hand. */
  #followOpenSc(event: TokenEvent): void {
    if (event.type === 'findings') this.#tell({ type: 'findings' });
    for (const inserted of this.#inserted.values()) {
      const before = inserted.keys;
      this.#match(inserted);
      if (inserted.shown && before !== inserted.keys) this.#tell({ type: 'changed', id: inserted.hsm.facts.id });
    }
  }

  #keysOf(inserted: () => Inserted): Parameters<typeof tokenOf>[1] {
    const source = this;
    return {
      get token() { return inserted().keys; },
      get store() { return inserted().store; },
      get missing() { return source.#whyNoKeys(inserted()); },
      async refresh() {
        const { hsm } = inserted();
        if (hsm.session.card.failure !== undefined) return;
        hsm.pins.tokenWasReset();
        const opensc = await source.#openSc();
        await opensc?.source.restart();
        if (hsm.discovered.initialised) await source.#join(inserted(), new AbortController().signal);
      },
    };
  }

  #whyNoKeys({ hsm }: Inserted): KeywrightError {
    if (hsm.session.card.failure !== undefined) return hsm.session.card.failure;
    if (!hsm.discovered.initialised) return new KeywrightError('CONFLICT', { detail: `${hsm.title} was never set up, so that it takes no keys.`, remedy: 'Set it up first: `keywright tokens initialize`.' });
    const [problem] = openScModule(this.#settings.module) === null ? [moduleMissing(this.#settings.module)] : this.#opensc?.source.findings() ?? [];
    return new KeywrightError('BACKEND_UNAVAILABLE', { detail: problem?.detail ?? `OpenSC does not show the keys of ${hsm.title}.`, remedy: problem?.remedy ?? 'Take the token out and put it back.' });
  }

  #leave(reader: string): void {
    this.#arriving.get(reader)?.gone.abort();
    this.#arriving.delete(reader);
    if (this.#failed.delete(reader)) this.#tell({ type: 'findings' });
    const left = this.#inserted.get(reader);
    if (left === undefined) return;
    this.#inserted.delete(reader);
    left.hsm[Symbol.dispose]();
    const { id } = left.hsm.facts;
    if (left.shown) this.#tell({ type: 'removed', id });
    else this.#tell({ type: 'findings' });
    // The same card in another reader, seen there before its removal here; or its twin.
    const next = [...this.#inserted].find(([, other]) => other.shadowed && other.hsm.facts.id === id);
    if (next === undefined) return;
    next[1].shadowed = false;
    void this.#join(next[1], new AbortController().signal).then(() => { if (this.#inserted.get(next[0]) === next[1]) this.#show(next[1]); });
  }

  #tell(...events: readonly TokenEvent[]): void {
    if (this.#closed) return;
    for (const event of events) for (const listener of this.#listeners) listener(event);
  }
}

/** @param path of a file with CVCs one after another, as configured. @throws INVALID_INPUT when it cannot be read */
async function furtherRoots(path: string | undefined): Promise<Cvc[]> {
  if (path === undefined) return [];
  try {
    return parseCvcs(await readFile(path), 'the file with further roots');
  } catch (cause) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'The file with further roots cannot be read as card verifiable certificates.', where: '/settings/attestationRoots', remedy: 'Mend the setting: `keywright backends show smartcardhsm`.', cause });
  }
}
