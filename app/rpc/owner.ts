import { randomBytes } from 'node:crypto';
import { chmodSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Core } from '../contract/core.ts';
import { KeywrightError } from '../contract/errors.ts';
import type { RemoteCore } from './client.ts';
import { findOwner } from './find.ts';
import { greetClient } from './handshake.ts';
import { takeLock } from './lock.ts';
import type { OwnerFacts } from './messages.ts';
import { fileError, makePrivateFolder, ownerFolder, readOwnerRecord, removeOwnerRecord, socketPath, writeOwnerRecord } from './places.ts';
import type { Served } from './server.ts';

export { findOwner } from './find.ts';

/** `cli`: one command, gone in a moment. */
type OwnerKind = 'cli' | 'serve' | 'desktop' | 'background';

const MAX_STRANGERS = 32;
/** A peer that asks nothing for so long is not waited for (ms). */
const QUIET = 300;
/** How long to wait for a process that holds the store and does not listen (ms). */
const TAKE_WITHIN = 30_000;

export interface Owner<C extends Core = Core> extends AsyncDisposable {
  readonly core: C;
  readonly facts: OwnerFacts;
  /** Clients that have proved themselves and are connected. */
  readonly clients: number;
  onClientsChange(listener: () => void): void;
  /**
   * Stops listening, lets clients finish what is under way for at most `patience` ms, closes the core, gives up the store.
   */
  close(options?: { patience?: number }): Promise<void>;
}

export interface OwnerOptions<C extends Core> {
  readonly dataDir: string;
  readonly kind: OwnerKind;
  readonly version: string;
  /** Opens the core; called once the store is ours and not before. It claims the store of any further folder before it opens that. */
  readonly open: (claim: ClaimStore) => Promise<C>;
}

/**
 * Makes the store in another folder ours as well, before a core goes on with that one.
 * @throws CONFLICT when another process owns it; STORAGE_READ_ONLY, STORAGE_FULL
 */
export type ClaimStore = (dataDir: string) => Promise<Claim>;

/** One of the two must be called. */
interface Claim {
  /** The core has gone over: others find its owner there from now on, and the store before is anybody's again. */
  keep(): Promise<void>;
  /** It has not: the store before stays ours. */
  release(): void;
}

/**
 * Becomes the one owner of a store: lock, open the core, listen for other processes of this user.
 *
 * @returns undefined when another process owns it.
 * @throws what `open` throws; STORAGE_READ_ONLY, STORAGE_FULL, PERMISSION_DENIED for a folder that is another's.
 */
export async function becomeOwner<C extends Core>(options: OwnerOptions<C>): Promise<Owner<C> | undefined> {
  const place = Place.take(options.dataDir);
  if (place === undefined) return undefined;
  const owner = new ListeningOwner<C>(options, place);
  try {
    await owner.begin(options.open);
    return owner;
  } catch (thrown) {
    place.release();
    throw thrown;
  }
}

/** What became of {@link ownOrUse}. */
export type Held<C extends Core> = { readonly core: C; readonly owner: Owner<C> } | { readonly core: RemoteCore; readonly owner: undefined };

/**
 * Uses the owner of a store, or becomes it. Of processes that start at once exactly one becomes the owner and the others
 * its clients. Long-lived programs do not lean on a command that is gone in a moment: they wait for its end.
 *
 * @throws as {@link becomeOwner}; BACKEND_UNAVAILABLE when the owner cannot be reached for 30 s.
 */
export async function ownOrUse<C extends Core>(options: OwnerOptions<C> & { readonly alone?: boolean; readonly within?: number; readonly signal?: AbortSignal }): Promise<Held<C>> {
  const until = Date.now() + (options.within ?? TAKE_WITHIN);
  for (let pause = 5; ; pause = Math.min(pause * 2, 100)) {
    options.signal?.throwIfAborted();
    if (options.alone !== true) {
      const found = await findOwner(options.dataDir);
      if (found !== undefined && (options.kind === 'cli' || found.owner?.kind !== 'cli')) return { core: found, owner: undefined };
      await found?.[Symbol.asyncDispose]();
    }
    const owner = await becomeOwner(options);
    if (owner !== undefined) return { core: owner.core, owner };
    // A command is gone in a moment; what stays is not waited for by whoever will not use it.
    const stays = options.alone === true && (readOwnerRecord(options.dataDir)?.kind ?? 'cli') !== 'cli';
    if (stays || Date.now() > until) throw taken(options.dataDir, options.alone === true);
    await sleep(pause, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

function taken(dataDir: string, alone: boolean): KeywrightError {
  const record = readOwnerRecord(dataDir);
  const who = record === undefined ? 'Another process' : `Another process (${record.kind}, process ${record.pid})`;
  return new KeywrightError('BACKEND_UNAVAILABLE', {
    detail: `${who} owns the store in ${dataDir}${record === undefined ? ' and does not listen' : ''}.`,
    remedy: alone ? 'Leave out --no-agent to use it, or end it first (`keywright store lock` ends a background owner).' : 'Wait until it has ended, or end it, then try again.',
  });
}

/** A store that is ours, and where others find its owner. */
class Place {
  readonly dataDir: string;
  readonly #lock: Disposable;
  #server: Server | undefined;
  #path: string | undefined;

  private constructor(dataDir: string, lock: Disposable) {
    this.dataDir = dataDir;
    this.#lock = lock;
  }

  /** @returns undefined when another process has it. */
  static take(dataDir: string): Place | undefined {
    const lock = takeLock(join(makePrivateFolder(ownerFolder(dataDir)), 'lock'));
    if (lock === undefined) return undefined;
    // Whatever a dead owner left cannot be answered by anybody.
    removeOwnerRecord(dataDir);
    return new Place(dataDir, lock);
  }

  async listen(facts: OwnerFacts, onConnection: (socket: Socket, secret: Buffer) => void): Promise<void> {
    const secret = randomBytes(32);
    try {
      const path = socketPath(this.dataDir);
      if (process.platform !== 'win32') rmSync(path, { force: true });
      const server = createServer((socket) => onConnection(socket, secret));
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => {
          server.off('error', reject);
          resolve();
        });
      });
      this.#server = server;
      this.#path = path;
      if (process.platform !== 'win32') chmodSync(path, 0o600);
      writeOwnerRecord(this.dataDir, { socket: path, secret: secret.toString('base64url'), ...facts });
    } catch (thrown) {
      this.unlisten();
      const error = fileError(this.#path ?? this.dataDir, thrown);
      // On a full disk the store can still be read by this process; others wait for their turn. One in the background is of no use to anybody who does not find it.
      if (error.code !== 'STORAGE_FULL' || facts.kind === 'background') throw error;
    }
  }

  /** The record goes first, so that whoever finds it can also connect. */
  unlisten(): void {
    removeOwnerRecord(this.dataDir);
    this.#server?.close();
    this.#server = undefined;
    if (this.#path !== undefined && process.platform !== 'win32') rmSync(this.#path, { force: true });
    this.#path = undefined;
  }

  release(): void {
    this.unlisten();
    this.#lock[Symbol.dispose]();
  }
}

class ListeningOwner<C extends Core> implements Owner<C> {
  readonly facts: OwnerFacts;
  readonly #served = new Map<Socket, Served>();
  readonly #strangers = new Set<Socket>();
  readonly #listeners: (() => void)[] = [];
  #core: C | undefined;
  #place: Place;
  #closing: Promise<void> | undefined;

  constructor({ kind, version }: OwnerOptions<C>, place: Place) {
    this.facts = { pid: process.pid, kind, version };
    this.#place = place;
  }

  get core(): C {
    return this.#core!;
  }

  get clients(): number {
    return this.#served.size;
  }

  onClientsChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async begin(open: OwnerOptions<C>['open']): Promise<void> {
    this.#core = await open((dataDir) => this.#claim(dataDir));
    try {
      await this.#place.listen(this.facts, (socket, secret) => void this.#greet(socket, secret));
    } catch (thrown) {
      await this.#core[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  close({ patience = Infinity }: { patience?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(patience);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #claim(dataDir: string): Promise<Claim> {
    const before = this.#place;
    if (sameFolder(dataDir, before.dataDir)) return { keep: async () => undefined, release: () => undefined };
    const place = Place.take(dataDir);
    if (place === undefined) {
      const { facts } = taken(dataDir, false);
      throw new KeywrightError('CONFLICT', facts);
    }
    return {
      keep: async () => {
        this.#place = place;
        before.release();
        await place.listen(this.facts, (socket, secret) => void this.#greet(socket, secret));
      },
      release: () => place.release(),
    };
  }

  async #close(patience: number): Promise<void> {
    this.#place.unlisten();
    const until = Date.now() + patience;
    let quietSince = Date.now();
    while (this.#served.size > 0 && Date.now() < until) {
      if ([...this.#served.values()].some(({ busy }) => busy > 0)) quietSince = Date.now();
      else if (Date.now() - quietSince > QUIET) break;
      await sleep(20);
    }
    for (const socket of [...this.#served.keys(), ...this.#strangers]) socket.destroy();
    try {
      await this.core[Symbol.asyncDispose]();
    } finally {
      this.#place.release();
    }
  }

  async #greet(socket: Socket, secret: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    if (this.#strangers.size >= MAX_STRANGERS) return void socket.destroy();
    this.#strangers.add(socket);
    try {
      // Most commands that own a store for a moment are asked nothing by anybody.
      const { serveCore } = await import('./server.ts');
      const channel = await greetClient(socket, secret);
      if (this.#closing !== undefined) return void socket.destroy();
      this.#served.set(socket, serveCore(this.core, channel, { owner: this.facts }));
      channel.onClose(() => {
        this.#served.delete(socket);
        this.#changed();
      });
      this.#changed();
    } catch {
      // Not one of ours: it is dropped, and told nothing.
    } finally {
      this.#strangers.delete(socket);
    }
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function sameFolder(left: string, right: string): boolean {
  try {
    return realpathSync(left) === realpathSync(right);
  } catch {
    return resolve(left) === resolve(right);
  }
}
