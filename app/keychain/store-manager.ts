import { existsSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import { asKeywrightError, because, KeywrightError, type SecretBytes, type StoreStatus } from '../contract/index.ts';
import { createSealed, openSealed, readHeader, RECORD_PREFIX, type SealedStorage, type StoreHeader } from '../storage/sealed/index.ts';
import type { Storage } from '../storage/storage.ts';
import type { EventBus } from './events.ts';
import { Gate } from './gate.ts';
import type { Begun, Config, CoreKind, Ports } from './ports.ts';
import { RecentStores } from './recent-stores.ts';
import { openSession, type Session } from './session.ts';
import { dataFolder, factsMissing, giveBack, makeFolder, newDataFolder, newIncomingFolder, readFacts, removeIncoming, takeIncoming, writeFacts, type StoreFacts } from './store-folder.ts';

/** A storage that is locked for so long is closed. */
const REST_AFTER_MS = 1000;
/** Kinds of storage that a folder is looked through for when nothing says which one it has. */
const KINDS_HERE = ['sqlite', 'file'];

/** One store at a time: absent, locked or unlocked. All transitions run one after the other. */
export class StoreManager implements AsyncDisposable {
  readonly #ports: Ports;
  readonly #config: Config;
  readonly #events: EventBus;
  readonly #owner: StoreStatus['owner'];
  readonly #recent: RecentStores;
  readonly #gate = new Gate();
  #folder: string;
  #facts: StoreFacts | null = null;
  /** Open while the store is unlocked, and for a moment around that: a database's thread is a fifth of an idle core's memory. */
  #raw: Storage | null = null;
  #resting: NodeJS.Timeout | undefined;
  #header: StoreHeader | null = null;
  /** Why what is in the folder cannot be opened. It can still be restored. */
  #trouble: KeywrightError | null = null;
  #session: Session | null = null;
  #lastUse = Date.now();
  /** Calls under way, which an idle lock would cut off. */
  #inUse = 0;
  #idle: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #begun: Begun | undefined;

  constructor(folder: string, kind: CoreKind, ports: Ports, config: Config, events: EventBus) {
    this.#folder = folder;
    this.#ports = ports;
    this.#config = config;
    this.#events = events;
    this.#owner = { pid: process.pid, kind, since: new Date().toISOString() };
    this.#recent = new RecentStores(folder);
    this.#begun = ports.begun;
  }

  /** Looks at what is in the folder. A store that cannot be opened is told by {@link status}, so that it can be restored. */
  async start(): Promise<void> {
    await this.#look().catch((thrown: unknown) => {
      this.#trouble = asKeywrightError(thrown);
    });
  }

  get folder(): string {
    return this.#folder;
  }

  get state(): StoreStatus['state'] {
    return this.#session !== null ? 'unlocked' : this.#facts === null && this.#trouble === null ? 'absent' : 'locked';
  }

  /** @throws STORE_LOCKED, or NOT_FOUND when there is no store yet. */
  get session(): Session {
    if (this.#session !== null) return this.#session;
    if (this.#trouble !== null) throw this.#trouble;
    throw this.#facts === null
      ? new KeywrightError('NOT_FOUND', because('store.none', {}))
      : new KeywrightError('STORE_LOCKED', because('store.locked', {}));
  }

  status(): StoreStatus {
    const header = this.#session?.storage.header ?? this.#header;
    return {
      state: this.state,
      id: header?.id ?? null,
      name: header?.name ?? basename(this.#folder),
      folder: this.#folder,
      kind: this.#facts?.kind ?? null,
      formatVersion: header?.formatVersion ?? null,
      createdAt: header?.createdAt ?? null,
      keys: this.#session?.inventory.size ?? null,
      records: this.#session === null ? null : this.#session.storage.size,
      hasRecoveryCode: header?.slots.some(({ kind }) => kind === 'recovery-code') ?? null,
      idleLockMinutes: this.#idleMinutes,
      problems: this.#trouble === null
        ? (this.#session?.storage.problems ?? []).map(({ record, detail }) => ({ record, detail }))
        : [{ record: this.#trouble.facts.where ?? 'store', detail: [this.#trouble.message, this.#trouble.facts.remedy].filter(Boolean).join(' ') }],
      owner: this.#owner,
    };
  }

  /** @throws ALREADY_EXISTS, INVALID_INPUT for the kind, STORAGE_FULL, STORAGE_READ_ONLY */
  create(kind: string, name: string, passphrase: SecretBytes): Promise<Session> {
    return this.#next(async () => {
      if (this.state !== 'absent') throw new KeywrightError('ALREADY_EXISTS', because('store.exists', { folder: this.#folder }));
      const storage = await this.#ports.storageKind(kind);
      await makeFolder(this.#folder);
      const folder = await newDataFolder(this.#folder);
      let raw: Storage | undefined;
      let sealed: SealedStorage;
      try {
        raw = await storage.open({ folder, create: true, brief: this.#owner.kind === 'cli' });
        sealed = await createSealed(raw, { name, passphrase, ...(this.#ports.passphraseCost === undefined ? {} : { kdf: this.#ports.passphraseCost }) });
        await writeFacts(this.#folder, { kind, format: 1 });
      } catch (thrown) {
        // What this call made is no store yet, and must not be in the way of the next try.
        await Promise.resolve(raw?.[Symbol.asyncDispose]()).catch(() => undefined);
        await giveBack(this.#folder, null);
        throw thrown;
      }
      this.#raw = raw;
      this.#facts = { kind, format: 1 };
      return this.#begin(sealed);
    });
  }

  /** @throws PIN_INCORRECT, RATE_LIMITED after several wrong ones, CORRUPT_RECORD, NOT_FOUND */
  unlock(secret: { kind: 'passphrase' | 'recovery-code'; secret: SecretBytes }): Promise<Session> {
    return this.#next(async () => {
      if (this.#session !== null) return this.#session;
      this.#gate.enter();
      if (this.#raw === null) await this.#look(); // it may have been mended meanwhile
      if (this.#raw === null) return this.session;
      const sealed = await openSealed(this.#raw, secret, this.#ports.begun?.ahead).catch((thrown: unknown) => {
        if (thrown instanceof KeywrightError && thrown.code === 'PIN_INCORRECT') this.#gate.failed();
        throw thrown;
      });
      this.#gate.passed();
      return this.#begin(sealed);
    });
  }

  /** Looks again at a store that could not be opened. @throws CORRUPT_RECORD, STORE_TOO_NEW, STORAGE_READ_ONLY when it still cannot: before anybody is asked for a passphrase. */
  prepare(): Promise<void> {
    return this.#next(async () => {
      if (this.#raw === null) await this.#look();
    });
  }

  lock(): Promise<void> {
    return this.#next(() => this.#end());
  }

  /** Closes this store and goes on with the one in another folder, or with none there. @throws INVALID_INPUT, CONFLICT when another process owns that one, and whatever is wrong with the other one; this one stays then */
  open(folder: string): Promise<void> {
    return this.#next(async () => {
      if (!isAbsolute(folder) || folder.includes('\0')) throw new KeywrightError('INVALID_INPUT', { detail: 'The folder of a store must be named by its absolute path.', where: '/folder', remedy: 'Choose a folder.' });
      const claim = await this.#ports.claim?.(folder);
      await this.#close();
      const before = this.#folder;
      this.#folder = folder;
      try {
        await this.#look();
      } catch (thrown) {
        this.#folder = before;
        claim?.release();
        await this.start();
        throw thrown;
      }
      await claim?.keep();
      this.#announce();
    });
  }

  /**
   * Makes the store anew: in a folder of its own, which takes the store's place once it is complete and can be opened.
   * What was there is set aside under another name.
   * @returns where the old one lies, or null.
   */
  restore(kind: string, fill: (raw: Storage) => Promise<void>): Promise<string | null> {
    return this.#next(async () => {
      if (kind === 'memory') throw new KeywrightError('INVALID_INPUT', { detail: 'A backup is not restored into memory, where nothing stays.', where: '/kind', alternatives: ['sqlite', 'file'] });
      const storage = await this.#ports.storageKind(kind);
      await makeFolder(this.#folder);
      try {
        await using raw = await storage.open({ folder: await newIncomingFolder(this.#folder), create: true, brief: this.#owner.kind === 'cli' });
        await fill(raw);
      } catch (thrown) {
        await removeIncoming(this.#folder);
        throw thrown;
      }
      const old = this.#facts;
      await this.#close();
      const aside = await takeIncoming(this.#folder);
      try {
        await writeFacts(this.#folder, { kind, format: 1 });
        await this.#look();
      } catch (thrown) {
        await this.#close();
        await giveBack(this.#folder, aside);
        if (old !== null) await writeFacts(this.#folder, old);
        await this.start();
        throw thrown;
      } finally {
        this.#announce();
      }
      return aside;
    });
  }

  recent(): ReturnType<RecentStores['list']> {
    return this.#recent.list();
  }

  /** Somebody works with the store: it does not lock by itself until that has ended, and for a while after. To be followed by {@link useEnds}. */
  useBegins(): void {
    this.#inUse += 1;
  }

  useEnds(): void {
    this.#inUse -= 1;
    this.#lastUse = Date.now();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#next(() => this.#close());
    this.#ports.begun?.ahead?.[Symbol.dispose]();
  }

  async #close(): Promise<void> {
    await this.#end();
    clearTimeout(this.#resting);
    await this.#raw?.[Symbol.asyncDispose]();
    this.#raw = null;
    await this.#recent.settled();
  }

  get #idleMinutes(): number {
    const minutes = this.#config.get('store.idleLockMinutes');
    return typeof minutes === 'number' ? minutes : 0;
  }

  async #begin(sealed: SealedStorage): Promise<Session> {
    const session = await openSession(sealed, this.#ports, {
      strictAudit: this.#config.get('audit.durability') === 'strict',
      emit: (event) => this.#events.emit(event),
      keepPinMinutes: () => Number(this.#config.get('tokens.keepPinMinutes')),
      onAudit: () => this.#events.emitSparsely({ type: 'audit.changed' }),
    }).catch(closing(sealed));
    this.#session = session;
    if (this.#owner.kind !== 'cli') void session.found.watch();
    this.#header = sealed.header;
    this.#lastUse = Date.now();
    this.#watchIdle();
    this.#recent.note(this.#folder, sealed.header.name);
    this.#announce();
    return session;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    const session = this.#session;
    if (session === null) return;
    this.#header = session.storage.header;
    this.#session = null;
    this.#announce();
    await session[Symbol.asyncDispose]();
    this.#restSoon();
  }

  /** Closes the database of a store that stays locked; unlocking opens it again. A storage of another kind costs nothing, or is gone once it is closed. */
  #restSoon(): void {
    clearTimeout(this.#resting);
    if (this.#facts?.kind !== 'sqlite' || this.#owner.kind === 'cli') return;
    this.#resting = setTimeout(() => {
      void this.#next(async () => {
        if (this.#session !== null) return;
        const raw = this.#raw;
        this.#raw = null;
        await raw?.[Symbol.asyncDispose]();
      });
    }, REST_AFTER_MS).unref();
  }

  #watchIdle(): void {
    clearTimeout(this.#idle);
    // Looks again at each end, since the setting may have changed meanwhile.
    const wait = this.#idleMinutes === 0 ? 60_000 : Math.max(1000, (this.#inUse > 0 ? Date.now() : this.#lastUse) + this.#idleMinutes * 60_000 - Date.now());
    this.#idle = setTimeout(() => {
      if (this.#idleMinutes > 0 && this.#inUse === 0 && Date.now() - this.#lastUse >= this.#idleMinutes * 60_000) void this.lock();
      else this.#watchIdle();
    }, Math.min(wait, 60_000));
    this.#idle.unref();
  }

  /** @throws CORRUPT_RECORD, STORE_TOO_NEW, STORAGE_READ_ONLY when what is in the folder cannot be opened. */
  async #look(): Promise<void> {
    this.#facts = null;
    this.#header = null;
    this.#trouble = null;
    try {
      await makeFolder(this.#folder);
      this.#facts = await readFacts(this.#folder);
      if (this.#facts === null) {
        await this.#refuseOrphan();
        return;
      }
      const raw = await this.#openRaw(this.#facts.kind);
      const header = await readHeader(raw).catch(closing(raw));
      if (header === undefined) await closing(raw)(missing('The header of the store is missing.', 'header'));
      this.#header = header ?? null;
      this.#raw = raw;
      this.#restSoon();
    } catch (thrown) {
      this.#trouble = asKeywrightError(thrown);
      throw thrown;
    }
  }

  /** Storage that holds records, without the file that says of which kind it is: no creation that was cut off, and no place for a new store. @throws CORRUPT_RECORD */
  async #refuseOrphan(): Promise<void> {
    const folder = dataFolder(this.#folder);
    if (!existsSync(folder)) return;
    for (const kind of KINDS_HERE) {
      const storage = await this.#ports.storageKind(kind);
      const raw = await storage.open({ folder, create: false, brief: true }).catch(() => undefined);
      if (raw === undefined) continue;
      await using opened = raw;
      if ((await readHeader(opened)) === undefined || (await opened.list(RECORD_PREFIX, { limit: 1 })).items.length === 0) return;
      throw factsMissing(folder, kind);
    }
  }

  async #openRaw(kind: string): Promise<Storage> {
    const begun = this.#begun;
    this.#begun = undefined;
    if (begun?.folder === this.#folder && begun.kind === kind) return begun.raw;
    await begun?.[Symbol.asyncDispose]();
    const storage = await this.#ports.storageKind(kind);
    const folder = dataFolder(this.#folder);
    if (kind !== 'memory' && !existsSync(folder)) throw missing(`The folder of the storage, ${folder}, is missing.`, 'store');
    return storage.open({ folder, create: false, brief: this.#owner.kind === 'cli' }).catch((thrown: unknown) => {
      throw thrown instanceof KeywrightError && thrown.code === 'NOT_FOUND' ? missing(`There is no storage of the kind ${kind} in ${folder} any more.`, 'store') : thrown;
    });
  }

  #announce(): void {
    this.#events.emit({ type: 'store.changed', state: this.state });
    this.#events.emit({ type: 'keys.changed' });
    this.#events.emit({ type: 'backends.changed' });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function missing(detail: string, where: string): KeywrightError {
  return new KeywrightError('CORRUPT_RECORD', { detail, where, remedy: 'Restore a backup (`keywright store restore`): what is here is set aside, not deleted.' });
}

/** @returns a handler that closes what was opened before it passes the error on. */
function closing(resource: AsyncDisposable): (thrown: unknown) => Promise<never> {
  return async (thrown) => {
    await resource[Symbol.asyncDispose]();
    throw thrown;
  };
}
