import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { KeywrightError, type SecretBytes, type StoreStatus } from '../contract/index.ts';
import { createSealed, openSealed, readHeader, type SealedStorage, type StoreHeader } from '../storage/sealed/index.ts';
import type { Storage } from '../storage/storage.ts';
import type { EventBus } from './events.ts';
import { Gate } from './gate.ts';
import type { Config, CoreKind, Ports } from './ports.ts';
import { RecentStores } from './recent-stores.ts';
import { openSession, type Session } from './session.ts';

/** Beside the storage, in clear: which kind of storage it is. */
interface StoreFacts {
  readonly kind: string;
  readonly format: 1;
}

const FACTS = 'store.json';
const DATA = 'store';

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
  /** Open as long as there is a store, locked or not. */
  #raw: Storage | null = null;
  #header: StoreHeader | null = null;
  #session: Session | null = null;
  #lastUse = Date.now();
  #idle: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(folder: string, kind: CoreKind, ports: Ports, config: Config, events: EventBus) {
    this.#folder = folder;
    this.#ports = ports;
    this.#config = config;
    this.#events = events;
    this.#owner = { pid: process.pid, kind, since: new Date().toISOString() };
    this.#recent = new RecentStores(folder);
  }

  /** Looks at what is in the folder. @throws CORRUPT_RECORD, STORE_TOO_NEW when the store there cannot be opened. */
  async start(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    this.#facts = await readFacts(this.#folder);
    this.#header = null;
    if (this.#facts === null) return;
    const raw = await this.#openRaw(this.#facts.kind, false);
    this.#header = (await readHeader(raw).catch(closing(raw))) ?? null;
    this.#raw = raw;
  }

  get folder(): string {
    return this.#folder;
  }

  get state(): StoreStatus['state'] {
    return this.#session !== null ? 'unlocked' : this.#facts === null ? 'absent' : 'locked';
  }

  /** @throws STORE_LOCKED, or NOT_FOUND when there is no store yet. */
  get session(): Session {
    if (this.#session !== null) return this.#session;
    throw this.#facts === null
      ? new KeywrightError('NOT_FOUND', { detail: 'There is no store here yet.', remedy: 'Create one with `keywright store create`, or in the window.' })
      : new KeywrightError('STORE_LOCKED', { detail: 'The store is locked.', remedy: 'Unlock it with `keywright store unlock`, or in the window.' });
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
      problems: (this.#session?.storage.problems ?? []).map(({ record, detail }) => ({ record, detail })),
      owner: this.#owner,
    };
  }

  /** @throws ALREADY_EXISTS, INVALID_INPUT for the kind, STORAGE_FULL, STORAGE_READ_ONLY */
  create(kind: string, name: string, passphrase: SecretBytes): Promise<Session> {
    return this.#next(async () => {
      if (this.state !== 'absent') throw new KeywrightError('ALREADY_EXISTS', { detail: `There is a store in ${this.#folder} already.`, remedy: 'Unlock it, or choose another folder with --data-dir.' });
      const raw = await this.#openRaw(kind, true);
      const sealed = await createSealed(raw, { name, passphrase }).catch(closing(raw));
      this.#raw = raw;
      await this.#writeFacts({ kind, format: 1 });
      return this.#begin(sealed);
    });
  }

  /** @throws PIN_INCORRECT, RATE_LIMITED after several wrong ones, CORRUPT_RECORD, NOT_FOUND */
  unlock(secret: { kind: 'passphrase' | 'recovery-code'; secret: SecretBytes }): Promise<Session> {
    return this.#next(async () => {
      if (this.#session !== null) return this.#session;
      if (this.#facts === null) return this.session;
      this.#gate.enter();
      this.#raw ??= await this.#openRaw(this.#facts.kind, false);
      const sealed = await openSealed(this.#raw, secret).catch((thrown: unknown) => {
        if (thrown instanceof KeywrightError && thrown.code === 'PIN_INCORRECT') this.#gate.failed();
        throw thrown;
      });
      this.#gate.passed();
      return this.#begin(sealed);
    });
  }

  lock(): Promise<void> {
    return this.#next(() => this.#end());
  }

  /** Closes this store and goes on with the one in another folder, or with none there. */
  open(folder: string): Promise<void> {
    return this.#next(async () => {
      await this.#close();
      const before = this.#folder;
      this.#folder = folder;
      try {
        await this.start();
      } catch (thrown) {
        this.#folder = before;
        await this.start();
        throw thrown;
      }
      this.#announce();
    });
  }

  /**
   * Makes the store anew. What is there is set aside under another name, and put back should `fill` fail.
   * @returns where the old one lies, or null.
   */
  restore(kind: string, fill: (raw: Storage) => Promise<void>): Promise<string | null> {
    return this.#next(async () => {
      await this.#close();
      const aside = this.#facts === null ? null : `${DATA}-before-restore-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
      const old = this.#facts;
      if (aside !== null) await rename(join(this.#folder, DATA), join(this.#folder, aside));
      try {
        const raw = await this.#openRaw(kind, true);
        try {
          await fill(raw);
        } finally {
          await raw[Symbol.asyncDispose]();
        }
        await this.#writeFacts({ kind, format: 1 });
        await this.start();
      } catch (thrown) {
        const failed = `${DATA}-failed-restore-${Date.now()}`;
        await rename(join(this.#folder, DATA), join(this.#folder, failed)).catch(() => undefined);
        if (aside !== null) await rename(join(this.#folder, aside), join(this.#folder, DATA));
        if (old !== null) await this.#writeFacts(old);
        await this.start();
        throw thrown;
      } finally {
        this.#announce();
      }
      return aside === null ? null : join(this.#folder, aside);
    });
  }

  recent(): ReturnType<RecentStores['list']> {
    return this.#recent.list();
  }

  /** Somebody works with the store: it does not lock for a while. */
  touch(): void {
    this.#lastUse = Date.now();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#next(() => this.#close());
  }

  async #close(): Promise<void> {
    await this.#end();
    await this.#raw?.[Symbol.asyncDispose]();
    this.#raw = null;
  }

  get #idleMinutes(): number {
    const minutes = this.#config.get('store.idleLockMinutes');
    return typeof minutes === 'number' ? minutes : 0;
  }

  async #begin(sealed: SealedStorage): Promise<Session> {
    const session = await openSession(sealed, this.#ports, {
      strictAudit: this.#config.get('audit.durability') === 'strict',
      onAudit: () => this.#events.emitSparsely({ type: 'audit.changed' }),
    }).catch(closing(sealed));
    this.#session = session;
    this.#header = sealed.header;
    this.touch();
    this.#watchIdle();
    await this.#recent.note(this.#folder, sealed.header.name);
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
  }

  #watchIdle(): void {
    clearTimeout(this.#idle);
    // Looks again at each end, since the setting may have changed meanwhile.
    const wait = this.#idleMinutes === 0 ? 60_000 : Math.max(1000, this.#lastUse + this.#idleMinutes * 60_000 - Date.now());
    this.#idle = setTimeout(() => {
      if (this.#idleMinutes > 0 && Date.now() - this.#lastUse >= this.#idleMinutes * 60_000) void this.lock();
      else this.#watchIdle();
    }, Math.min(wait, 60_000));
    this.#idle.unref();
  }

  async #openRaw(kind: string, create: boolean): Promise<Storage> {
    const storage = await this.#ports.storageKind(kind);
    const folder = join(this.#folder, DATA);
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ENOSPC'
        ? new KeywrightError('STORAGE_FULL', { detail: `There is no space left in ${this.#folder}.`, remedy: 'Free some space.', cause })
        : new KeywrightError('STORAGE_READ_ONLY', { detail: `${this.#folder} cannot be written.`, remedy: 'Choose another folder with --data-dir, or mend its permissions.', cause });
    });
    return storage.open({ folder, create });
  }

  async #writeFacts(facts: StoreFacts): Promise<void> {
    const path = join(this.#folder, FACTS);
    await writeFile(`${path}.new`, `${JSON.stringify(facts)}\n`, { mode: 0o600, flush: true });
    await rename(`${path}.new`, path);
    this.#facts = facts;
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

async function readFacts(folder: string): Promise<StoreFacts | null> {
  let text: string;
  try {
    text = await readFile(join(folder, FACTS), 'utf8');
  } catch {
    return null;
  }
  try {
    const facts = JSON.parse(text) as StoreFacts;
    if (facts.format > 1) throw new KeywrightError('STORE_TOO_NEW', { detail: 'The store was written by a newer version of Keywright.', remedy: 'Update Keywright.' });
    if (typeof facts.kind === 'string') return facts;
  } catch (thrown) {
    if (thrown instanceof KeywrightError) throw thrown;
  }
  throw new KeywrightError('CORRUPT_RECORD', { detail: `${FACTS} does not say which kind of storage the store is on.`, where: FACTS, remedy: 'Write {"kind":"sqlite","format":1} into it, or restore a backup.' });
}

/** @returns a handler that closes what was opened before it passes the error on. */
function closing(resource: AsyncDisposable): (thrown: unknown) => Promise<never> {
  return async (thrown) => {
    await resource[Symbol.asyncDispose]();
    throw thrown;
  };
}
