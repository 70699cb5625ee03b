import { asKeywrightError, KeywrightError } from '../contract/index.ts';
import { keepOrphans, loadAddon, newClient, READER_STATE, type Addon, type AddonClient } from './addon.ts';
import { Card } from './card.ts';
import { isCardGone, isHeldElsewhere, isServiceGone, pcscCode, serviceGone, tokenRemoved } from './errors.ts';
import { findingsOf, noAddon, noService, type DeviceFinding } from './findings.ts';
import { heldElsewhere } from './holders.ts';
import { PcscLink } from './link.ts';
import { awaitService } from './service.ts';

export interface ReaderState {
  readonly name: string;
  /** Answer to reset of the card that is in, once it is known; null when none is. */
  readonly atr: Uint8Array | null;
}

export type ReaderEvent =
  | { readonly type: 'reader-added' | 'reader-removed'; readonly reader: string }
  | { readonly type: 'inserted'; readonly reader: string; readonly atr: Uint8Array }
  | { readonly type: 'removed'; readonly reader: string }
  | { readonly type: 'service-lost' | 'service-back' }
  /** What {@link Readers.findings} gives has changed. */
  | { readonly type: 'findings' };

/** One reader, and one insertion of a card into it while `present`. */
export interface Known {
  readonly name: string;
  readonly present: boolean;
  /** PC/SC's count of insertions and removals. */
  readonly count: number;
  /** Another program keeps the card to itself. */
  exclusive: boolean;
  readonly mute: boolean;
  atr: Uint8Array | null;
  /** Why the card cannot be looked at. */
  held: KeywrightError | undefined;
  /** Our connections to the card. */
  readonly cards: Set<Card>;
}

/** After the first news of readers, the others of the same moment follow at once. */
const QUIET_MS = 30;
/** With no reader there is no news at all. */
const NO_NEWS_MS = 300;
/** pcscd looks every 400 ms whether a card is still there. */
const REMOVAL_MS = 1_500;
const RECOVER_MS = 100;
const HELD_MS = 1_000;

let shared: Readers | undefined;

/**
 * The readers of this machine and what is in them, as the smart-card service tells. One for the whole process: it watches while somebody
 * listens, in a thread of the addon's own, and survives that the service stops, restarts or is not there.
 */
export class Readers {
  readonly #load: () => Promise<Addon>;
  readonly #listeners = new Set<(event: ReaderEvent) => void>();
  readonly #known = new Map<string, Known>();
  readonly #looking = new Set<Known>();
  #addon: Addon | undefined;
  #client: AddonClient | undefined;
  #waiting: Disposable | undefined;
  #missing: DeviceFinding | undefined;
  #ready = Promise.withResolvers<void>();
  #quiet: NodeJS.Timeout | undefined;
  /** Changes with each start and stop: what belongs to an earlier one is ignored. */
  #run = 0;

  constructor(load: () => Promise<Addon> = loadAddon) {
    this.#load = load;
  }

  /** @returns the one that every backend of this process uses. */
  static shared(): Readers {
    shared ??= new Readers();
    return shared;
  }

  /** Listens until disposed; the first listener starts the watcher and the last one stops it. What is there already is in {@link list}. */
  listen(listener: (event: ReaderEvent) => void): Disposable {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) void this.#start();
    return {
      [Symbol.dispose]: () => {
        if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
      },
    };
  }

  /** Resolves once what is plugged in now is known, or it is known that nothing can be; never while nobody listens. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  list(): ReaderState[] {
    return [...this.#known.values()].map(({ name, atr }) => ({ name, atr }));
  }

  findings(): DeviceFinding[] {
    return findingsOf(this.#missing, [...this.#known.values()], this.#addon?.MAX_READERS ?? 0);
  }

  /**
   * Connects to the card in a reader, shared with other programs.
   * @throws TOKEN_REMOVED when none is in; BACKEND_UNAVAILABLE when another program holds it or there is no service.
   */
  async connect(reader: string): Promise<Card> {
    const known = this.#known.get(reader);
    if (this.#addon === undefined || known === undefined || !known.present) throw tokenRemoved();
    const link = await this.#link(this.#addon, known);
    const card: Card = new Card(link, {
      reader, atr: link.atr, isPresent: () => this.#isStillIn(known, card), onClose: () => known.cards.delete(card), onLost: () => this.#recheck(known),
    });
    known.cards.add(card);
    if (this.#known.get(reader) !== known) card.fail(tokenRemoved());
    return card;
  }

  async #start(): Promise<void> {
    const run = ++this.#run;
    try {
      this.#addon = await this.#load();
    } catch (thrown) {
      if (run !== this.#run) return;
      this.#missing = noAddon(asKeywrightError(thrown));
      this.#ready.resolve();
      this.#tell({ type: 'service-lost' }, { type: 'findings' });
      return;
    }
    if (run === this.#run) this.#watch();
  }

  #stop(): void {
    this.#run += 1;
    this.#quit();
    this.#waiting?.[Symbol.dispose]();
    this.#waiting = undefined;
    clearTimeout(this.#quiet);
    for (const { cards } of this.#known.values()) for (const card of cards) void card.close('leave');
    this.#known.clear();
    this.#looking.clear();
    this.#missing = undefined;
    this.#ready = Promise.withResolvers();
  }

  /** Starts the addon's thread. Each start has a client of its own: one whose service went cannot be started again. */
  #watch(): void {
    const run = this.#run;
    const client = newClient(this.#addon as Addon);
    const current = (): boolean => run === this.#run && this.#client === client;
    this.#client = client;
    try {
      client.start(
        (reader, status) => { if (current()) this.#changed(reader, status); },
        (error) => { if (current()) this.#failed(error); },
      );
    } catch {
      this.#client = undefined;
      this.#lost();
      return;
    }
    this.#waiting?.[Symbol.dispose]();
    this.#waiting = undefined;
    this.#settleIn(NO_NEWS_MS);
    if (this.#missing === undefined) return;
    this.#missing = undefined;
    this.#tell({ type: 'service-back' }, { type: 'findings' });
  }

  #changed(name: string, status: number): void {
    this.#settleIn(QUIET_MS);
    const has = (flag: number): boolean => (status & flag) !== 0;
    const before = this.#known.get(name);
    if (has(READER_STATE.unknown | READER_STATE.unavailable)) {
      if (before === undefined) return;
      this.#known.delete(name);
      this.#eject(before);
      this.#tell({ type: 'reader-removed', reader: name }, { type: 'findings' });
      return;
    }
    const mute = has(READER_STATE.mute);
    const present = has(READER_STATE.present) && !mute;
    const exclusive = has(READER_STATE.exclusive);
    const count = status >>> 16;
    if (before?.present === true && present && before.count === count) {
      const freed = before.exclusive && !exclusive;
      before.exclusive = exclusive;
      if (freed && before.held !== undefined) void this.#look(before);
      return;
    }
    const after: Known = { name, present, count, exclusive, mute, atr: null, held: undefined, cards: new Set() };
    this.#known.set(name, after);
    if (before === undefined) this.#tell({ type: 'reader-added', reader: name });
    else this.#eject(before);
    if (before === undefined || before.mute !== mute) this.#tell({ type: 'findings' });
    if (present) void this.#look(after);
  }

  /** Learns the answer to reset, by which backends tell whether the card is theirs. */
  async #look(known: Known): Promise<void> {
    if (this.#looking.has(known)) return;
    this.#looking.add(known);
    const wasHeld = known.held !== undefined;
    try {
      const link = await this.#link(this.#addon as Addon, known);
      known.held = undefined;
      known.atr = link.atr;
      await link.disconnect('leave').catch(() => undefined);
    } catch (thrown) {
      known.held = asKeywrightError(thrown);
    }
    if (!this.#looking.delete(known) || this.#known.get(known.name) !== known) return;
    if (known.held !== undefined) this.#lookLater(known);
    if (known.atr !== null) this.#tell({ type: 'inserted', reader: known.name, atr: known.atr });
    if (wasHeld !== (known.held !== undefined)) this.#tell({ type: 'findings' });
    this.#settleIn(QUIET_MS);
  }

  /** Some services do not tell that another program has let go of a card. */
  #lookLater(known: Known): void {
    const run = this.#run;
    setTimeout(() => { if (run === this.#run && this.#known.get(known.name) === known && known.held !== undefined) void this.#look(known); }, HELD_MS).unref();
  }

  async #link(addon: Addon, { name }: Known): Promise<PcscLink> {
    try {
      return await PcscLink.connect(addon, name);
    } catch (thrown) {
      if (isHeldElsewhere(thrown)) throw await heldElsewhere(name, thrown);
      if (isServiceGone(thrown)) throw serviceGone(thrown);
      if (isCardGone(thrown)) throw tokenRemoved(thrown);
      throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `No connection to what is in “${name}” (${pcscCode(thrown)}).`, remedy: 'Take it out, put it back, and try again.', cause: thrown });
    }
  }

  #failed(error: Error): void {
    this.#quit();
    if (isServiceGone(error) || pcscCode(error) === '') {
      this.#lost();
      return;
    }
    // News were lost (more at once than the addon holds), or a fault that the next look may not have: begin anew, with what is known.
    const run = this.#run;
    setTimeout(() => { if (run === this.#run && this.#client === undefined) this.#watch(); }, RECOVER_MS).unref();
  }

  #quit(): void {
    const client = this.#client;
    this.#client = undefined;
    try {
      client?.stop();
    } catch {
      // Its service is gone already.
    }
  }

  #lost(): void {
    keepOrphans();
    const news = this.#missing === undefined;
    this.#missing = noService();
    const all = [...this.#known.values()];
    this.#known.clear();
    for (const known of all) this.#eject(known, serviceGone());
    this.#ready.resolve();
    const run = this.#run;
    this.#waiting ??= awaitService(() => { if (run === this.#run && this.#client === undefined) this.#watch(); });
    if (news) this.#tell({ type: 'service-lost' }, { type: 'findings' });
  }

  #eject(known: Known, error = tokenRemoved()): void {
    for (const card of known.cards) card.fail(error);
    if (known.atr !== null) this.#tell({ type: 'removed', reader: known.name });
    if (known.held !== undefined) this.#tell({ type: 'findings' });
  }

  /** A card was gone when it was used: when nobody tells of a removal, another insertion has followed it unseen. */
  #recheck(known: Known): void {
    const run = this.#run;
    setTimeout(() => {
      if (run !== this.#run || this.#known.get(known.name) !== known || !known.present) return;
      const again: Known = { ...known, atr: null, held: undefined, cards: new Set() };
      this.#known.set(known.name, again);
      this.#eject(known);
      void this.#look(again);
    }, REMOVAL_MS).unref();
  }

  /** A command broke off: the removal that may be the cause is told a little later. */
  async #isStillIn(known: Known, card: Card): Promise<boolean> {
    const isIn = (): boolean => card.failure === undefined && this.#known.get(known.name) === known;
    for (let waited = 0; waited < REMOVAL_MS && isIn(); waited += 50) await new Promise((resolve) => { setTimeout(resolve, 50); });
    return isIn();
  }

  #settleIn(delay: number): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => { if (this.#looking.size === 0) this.#ready.resolve(); }, delay);
  }

  #tell(...events: readonly ReaderEvent[]): void {
    for (const event of events) for (const listener of this.#listeners) listener(event);
  }
}
