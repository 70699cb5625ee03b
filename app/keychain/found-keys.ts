import { randomUUID } from 'node:crypto';
import { asKeywrightError, KeywrightError, type Call, type CoreEvent, type Principal } from '../contract/index.ts';
import { fingerprint } from '../formats/index.ts';
import type { KeyDescription } from '../keystore/keystore.ts';
import type { Token, TokenContents, TokenFacts } from '../keystore/tokens.ts';
import type { SealedStorage } from '../storage/sealed/index.ts';
import type { AuditFacts, AuditTrail } from './audit.ts';
import type { Backends } from './backends.ts';
import { CERTIFICATE_PREFIX, type CertificateInventory } from './certificate-inventory.ts';
import type { Context } from './context.ts';
import { KEY_PREFIX, primary, PUBLIC_PREFIX, type Inventory, type StoredKey } from './inventory.ts';
import type { Ports } from './ports.ts';
import { KnownTokens } from './known-tokens.ts';
import { storedKey, titleOf } from './stored-key.ts';
import type { PresentToken } from './tokens.ts';
import { UnitOfWork } from './unit.ts';

/** After a change, so long nothing more may change before the token is read: generating says several times that it did. */
const SETTLE_MS = 150;
/** A commit that takes longer has failed. */
const HOLD_MS = 10_000;

interface Parts {
  readonly storage: SealedStorage;
  readonly inventory: Inventory;
  readonly certificates: CertificateInventory;
  readonly backends: Backends;
  readonly audit: AuditTrail;
  readonly signal: AbortSignal;
  readonly emit: (event: CoreEvent) => void;
  readonly log: Ports['log'];
}

const KEYWRIGHT: Principal = { id: 'keywright', name: 'Keywright', face: 'ipc', permissions: new Set() };

/**
 * Brings what is in tokens into the inventory: keys that were found are entered, keys that a token surely no longer holds leave it,
 * and keys of a token that is out stay. Reading asks for no PIN.
 */
export class FoundKeys implements AsyncDisposable {
  readonly known: KnownTokens;
  readonly #parts: Parts;
  readonly #contents = new Map<string, { readonly token: Token; readonly contents: TokenContents }>();
  readonly #held = new Map<string, number>();
  /** Counts holds that began or ended: what was read across one may be from before it. */
  readonly #holds = new Map<string, number>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #reading = new Map<string, Promise<void>>();
  readonly #stop: () => void;
  #opened: Promise<void> | undefined;
  readonly #unopened = new Set<string>();

  private constructor(parts: Parts, known: KnownTokens) {
    this.#parts = parts;
    this.known = known;
    this.#stop = parts.backends.tokens.onChange((change) => {
      if (change.type === 'findings') parts.emit({ type: 'backends.changed' });
      if (change.type === 'findings') return;
      const id = change.type === 'inserted' ? change.present.token.facts.id : change.id;
      if (change.type === 'removed') this.#forget(id);
      else this.#readSoon(id, change.type === 'inserted' ? 0 : SETTLE_MS);
      if (change.type === 'inserted') void this.known.seen(change.present).catch((thrown: unknown) => this.#failed(thrown));
      parts.emit({ type: 'tokens.changed', id });
      parts.emit({ type: 'keys.changed' });
    });
  }

  static async open(parts: Parts): Promise<FoundKeys> {
    return new FoundKeys(parts, await KnownTokens.open(parts.storage));
  }

  /** Opens the sources of all instances with tokens that are not open yet. Resolves when what is plugged in has been recognised; never fails. */
  watch(): Promise<void> {
    this.#opened = this.#openAll();
    return this.#opened;
  }

  /** Resolves when what is plugged in has been recognised and read once. @param everywhere also where no token can be, for whoever is told why */
  async settled({ everywhere = false }: { readonly everywhere?: boolean } = {}): Promise<void> {
    if (everywhere) await this.watch();
    else await (this.#opened = this.#openAll((name) => this.#parts.backends.mayHaveTokens(name)));
    for (const { token } of this.#parts.backends.tokens.all()) await this.contents(token.facts.id).catch(() => undefined); // told by the token's own view
  }

  /**
   * @returns what was read last; reads it now if it never was, or when `refresh` is set.
   * @throws BACKEND_UNAVAILABLE, TOKEN_REMOVED
   */
  async contents(id: string, refresh = false): Promise<TokenContents> {
    const present = this.#parts.backends.tokens.get(id);
    if (present === undefined) throw new KeywrightError('TOKEN_REMOVED', { detail: 'The token is not plugged in.', remedy: 'Plug it in and try again.' });
    const before = this.#contents.get(id);
    if (!refresh && before?.token === present.token) return before.contents;
    await this.#read(id, present);
    const after = this.#contents.get(id);
    if (after?.token === present.token) return after.contents;
    throw new KeywrightError('TOKEN_REMOVED', { detail: 'The token was removed while it was read.', remedy: 'Put it back and try again.' });
  }

  /**
   * While held, changes of a token are not entered: the call that makes them enters its key itself. Held until that has committed, or
   * until the handler fails.
   */
  hold(id: string, context: Pick<Context, 'committed'>): Disposable {
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
    this.#countHold(id);
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      this.#countHold(id);
      clearTimeout(overdue);
      const left = (this.#held.get(id) ?? 1) - 1;
      if (left > 0) this.#held.set(id, left);
      else this.#held.delete(id);
      this.#readSoon(id, SETTLE_MS);
    };
    context.committed(release);
    let overdue: NodeJS.Timeout | undefined;
    // A handler that ends is about to commit; one whose commit fails is not told, so that the hold ends by itself.
    return { [Symbol.dispose]: () => { overdue = setTimeout(release, HOLD_MS).unref(); } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    await Promise.allSettled([this.#opened, ...this.#reading.values()]);
  }

  #countHold(id: string): void {
    this.#holds.set(id, (this.#holds.get(id) ?? 0) + 1);
  }

  async #openAll(which: (name: string) => boolean = () => true): Promise<void> {
    const { backends } = this.#parts;
    await Promise.all(backends.tokenInstances().filter(which).map(async (name) => {
      try {
        await (await backends.openTokens(name))?.ready();
        this.#unopened.delete(name);
      } catch (thrown) {
        // Told once; the instance's own state says so all the time.
        if (!this.#unopened.has(name)) this.#failed(thrown);
        this.#unopened.add(name);
      }
    }));
  }

  #forget(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#contents.delete(id);
  }

  #readSoon(id: string, delay: number): void {
    clearTimeout(this.#timers.get(id));
    if (this.#parts.signal.aborted || !this.#parts.backends.tokens.has(id)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(id);
      const present = this.#parts.backends.tokens.get(id);
      if (present === undefined) return;
      this.#read(id, present).catch((thrown: unknown) => this.#failed(thrown));
    }, delay);
    timer.unref();
    this.#timers.set(id, timer);
  }

  /** One at a time for each token. */
  #read(id: string, present: PresentToken): Promise<void> {
    const reading = (this.#reading.get(id) ?? Promise.resolve()).catch(() => undefined).then(() => this.#readNow(id, present));
    this.#reading.set(id, reading);
    void reading.catch(() => undefined).then(() => {
      if (this.#reading.get(id) === reading) this.#reading.delete(id);
    });
    return reading;
  }

  async #readNow(id: string, { token }: PresentToken): Promise<void> {
    const { signal, emit } = this.#parts;
    const call: Call = { id: randomUUID(), principal: KEYWRIGHT, signal, prompt: NOBODY, progress: () => undefined, discarded: () => undefined };
    let holds: number | undefined;
    let contents: TokenContents;
    do {
      holds = this.#holds.get(id);
      contents = await token.contents(call);
      if (signal.aborted || this.#parts.backends.tokens.get(id)?.token !== token) return;
      // A key that came or went while it was read would be taken for gone or found.
    } while (!this.#held.has(id) && this.#holds.get(id) !== holds);
    this.#contents.set(id, { token, contents });
    if (!this.#held.has(id)) await this.#enter(token, contents);
    emit({ type: 'tokens.changed', id });
  }

  /** Makes the inventory's keys of a token what the token says they are. */
  async #enter(token: Token, contents: TokenContents): Promise<void> {
    const { inventory, certificates, storage } = this.#parts;
    const unit = new UnitOfWork(storage);
    const changed: { id: string; key: StoredKey | undefined }[] = [];
    const left = new Map(inventory.ofToken(token.facts.id).map((key) => [key.uri, key]));
    const put = async (key: StoredKey): Promise<void> => void changed.push({ id: key.id, key: await inventory.put(key, unit) });
    for (const description of contents.keys) {
      const before = left.get(description.uri);
      left.delete(description.uri);
      const found = storedKey(description, token.store, { label: labelOf(description, token.facts), tags: [], origin: 'found' }, token);
      if (before !== undefined && sameKey(before, found)) {
        if (differs(before, found)) await put({ ...before, algorithm: found.algorithm, usages: found.usages, extractable: found.extractable, hardware: found.hardware });
        continue;
      }
      // Another key is in the slot now, or the key was moved by another program: its label goes with it.
      const moved = [...left.values()].find((key) => sameKey(key, found) && !contents.keys.some(({ uri }) => uri === key.uri));
      if (before !== undefined) {
        await inventory.remove(before.id, unit);
        changed.push({ id: before.id, key: undefined });
      }
      for (const { publicKey } of description.versions) if (publicKey !== null) await unit.put(PUBLIC_PREFIX + fingerprint(publicKey), publicKey, { ifRevision: 'any' });
      if (moved === undefined) await put(found);
      else {
        left.delete(moved.uri);
        await put({ ...moved, uri: found.uri, ref: found.ref, hardware: found.hardware });
      }
    }
    const unclear = new Set(contents.slots.filter(({ state }) => state === 'unknown').map(({ slot }) => slot));
    for (const key of left.values()) {
      if (!contents.complete || (key.hardware?.slot !== null && unclear.has(key.hardware?.slot ?? ''))) continue;
      await inventory.remove(key.id, unit);
      changed.push({ id: key.id, key: undefined });
    }
    const certificatesChanged = await certificates.enterFound({ id: token.facts.id, title: titleOf(token.facts) }, contents.slots, unit);
    await this.#commit(unit, changed, certificatesChanged);
  }

  async #commit(unit: UnitOfWork, changed: readonly { id: string; key: StoredKey | undefined }[], certificatesChanged: Awaited<ReturnType<CertificateInventory['enterFound']>>): Promise<void> {
    if (changed.length + certificatesChanged.length === 0) return;
    const { inventory, certificates, audit, emit } = this.#parts;
    const facts: AuditFacts = {
      at: new Date().toISOString(), request: randomUUID(), principal: KEYWRIGHT.id, principalName: KEYWRIGHT.name, face: KEYWRIGHT.face, operation: 'tokens.watch', effect: 'write', outcome: 'ok',
      subjects: [...changed.flatMap(({ key }) => (key === undefined ? [] : [key.uri])), ...certificatesChanged.map(({ id }) => `certificate:${id}`)], detail: 'what a token holds was entered into the inventory',
    };
    const stored = await unit.commit((tx) => audit.record(facts, tx));
    for (const { id, key } of changed) {
      const record = stored.get(KEY_PREFIX + id);
      inventory.applied(id, key === undefined || record === undefined ? undefined : { key, revision: record.revision });
    }
    for (const { id, certificate } of certificatesChanged) {
      const record = stored.get(CERTIFICATE_PREFIX + id);
      certificates.applied(id, certificate === undefined || record === undefined ? undefined : { certificate, revision: record.revision });
    }
    await audit.settle(facts);
    if (certificatesChanged.length > 0) emit({ type: 'certificates.changed' });
    if (changed.length > 0) emit({ type: 'keys.changed', ids: changed.map(({ id }) => id) });
  }

  #failed(thrown: unknown): void {
    if (this.#parts.signal.aborted) return;
    const error = asKeywrightError(thrown);
    if (error.code !== 'TOKEN_REMOVED') this.#parts.log('warning', 'a token could not be read', { operation: 'tokens.watch', error });
  }
}

const NOBODY: Call['prompt'] = {
  interactive: false,
  ask: () => Promise.reject(new KeywrightError('PIN_REQUIRED', 'Nobody is asked when a token is looked at.')),
};

function sameKey(a: StoredKey, b: StoredKey): boolean {
  const [of, and] = [primary(a).fingerprint, primary(b).fingerprint];
  return of === and && (of !== null || a.uri === b.uri);
}

function differs(before: StoredKey, found: StoredKey): boolean {
  // The inventory keeps usages and fields in an order of its own.
  const told = ({ algorithm, usages, extractable, hardware }: StoredKey): string => JSON.stringify([algorithm, [...usages].sort(), extractable, Object.entries(hardware ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))]);
  return told(before) !== told(found);
}

function labelOf({ label, hardware }: KeyDescription, facts: TokenFacts): string {
  if (label !== null && label.trim() !== '') return label.trim().slice(0, 200);
  const place = hardware?.slotTitle ?? hardware?.slot ?? 'Key';
  return `${place}, ${titleOf(facts)}`.slice(0, 200);
}
