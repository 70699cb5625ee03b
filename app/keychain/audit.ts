import { createHash, hash } from 'node:crypto';
import { KeywrightError, type AuditEntry, type Call } from '../contract/index.ts';
import type { SealedStorage } from '../storage/sealed/index.ts';
import type { Storage, StorageTransaction } from '../storage/storage.ts';
import { lossFacts, lossIn, lossOf, type Anchor } from './audit-loss.ts';
import { jsonBytes, jsonOf } from './unit.ts';

/** Everything of an entry but its number, which its place in the log gives. */
export type AuditFacts = Omit<AuditEntry, 'number'>;

/**
 * A change's entry, committed with the change. It is appended to the log right after; should the process die between
 * the two, opening the store appends it then.
 */
interface PendingEntry {
  readonly facts: AuditFacts;
  /** Where the log stood. */
  readonly after: Anchor;
}

/** Facts as they lie in the log: of a change, its record was committed before. */
type LoggedFacts = AuditFacts & { readonly change?: true };

/** A storage that may know how long its log was. */
type AuditedStorage = Storage & Partial<Pick<SealedStorage, 'logKnown' | 'acceptShortLog' | 'reportOlder'>>;

interface Head {
  readonly number: number;
  readonly hash: Buffer;
}

/** What of a change's entry is in the log when the store is opened. */
interface Found {
  /** The entry that the change saw last is there, the same one. */
  readonly holds: boolean;
  /** Its own entry is there: its number, else null. */
  readonly joined: number | null;
}

const PENDING = 'audit/pending/';
const HASH_BYTES = 32;
/** So far back from its end the log is searched for a change that the store does not have: after a kill there may be millions of uses. */
const FURTHEST = 10_000;
const PAGE = 1000;
/** Room for what sealing adds to the log's largest entry, 1 MiB. */
const LONGEST = 1024 * 1024 - 4096;

/**
 * The audit trail: a hash chain in the store's append log. Each entry is SHA-256(previous hash ‖ JSON) and the JSON.
 * Uses of keys are appended (written before the answer, fsynced in groups); changes are recorded in their own
 * transaction first, so that a change without its entry, or an entry without its change, cannot be.
 */
export class AuditTrail {
  readonly #storage: AuditedStorage;
  readonly #strict: boolean;
  readonly #onAppend: () => void;
  /** The newest entry, written or about to be. */
  #head: Head;
  /** The newest that is written. */
  #written: Head;
  #mending: Promise<void> | undefined;
  #damage: Awaited<ReturnType<NonNullable<Storage['log']['damaged']>>> | undefined;
  /** Pending records whose entries are in the log: deleted with the next change. */
  #settled: string[] = [];
  readonly #cleared = new WeakMap<AuditFacts, string[]>();

  private constructor(storage: AuditedStorage, strict: boolean, head: Head, onAppend: () => void) {
    this.#storage = storage;
    this.#strict = strict;
    this.#head = head;
    this.#written = head;
    this.#onAppend = onAppend;
  }

  /** Opens the trail, appends what a crash kept from being appended, and tells in an entry of its own if the log has lost its end. */
  static async open(storage: AuditedStorage, options: { strict: boolean; onAppend: () => void }): Promise<AuditTrail> {
    const trail = new AuditTrail(storage, options.strict, await headOf(storage), options.onAppend);
    await trail.#recover();
    return trail;
  }

  /** Appends an entry; durable within 50 ms, or at once under `audit.durability = "strict"`. */
  append(facts: AuditFacts): Promise<void> {
    return this.#append(facts);
  }

  async #append(facts: LoggedFacts): Promise<void> {
    while (this.#mending !== undefined) await this.#mending;
    const json = bytesOf(facts);
    // One piece, hashed in one go with the previous hash where its own then stands: this is on the way of every signature.
    const entry = Buffer.allocUnsafe(HASH_BYTES + json.length);
    entry.set(this.#head.hash);
    entry.set(json, HASH_BYTES);
    const digest = hash('sha256', entry, 'buffer');
    entry.set(digest);
    const head = { number: this.#head.number + 1, hash: digest };
    this.#head = head;
    try {
      await this.#storage.log.append(entry);
    } catch (thrown) {
      await (this.#mending ??= this.#mend());
      throw thrown;
    }
    if (head.number > this.#written.number) this.#written = head;
    if (this.#strict) await this.#storage.log.flush();
    this.#onAppend();
  }

  /** Records a change within its own transaction; call {@link settle} with the same facts once it has committed. */
  async record(facts: AuditFacts, tx: StorageTransaction): Promise<void> {
    const cleared = [...this.#settled];
    for (const key of cleared) await tx.delete(key, { ifRevision: 'any' });
    this.#cleared.set(facts, cleared);
    bytesOf({ ...facts, change: true });
    const pending: PendingEntry = { facts, after: this.#anchor };
    await tx.put(PENDING + facts.request, jsonBytes(pending), { ifRevision: 'any' });
  }

  /** The change has committed: its entry joins the chain. Should that fail, it stays recorded, and joins when the store is opened next. */
  async settle(facts: AuditFacts): Promise<void> {
    const cleared = this.#cleared.get(facts) ?? [];
    this.#settled = this.#settled.filter((key) => !cleared.includes(key));
    await this.#append({ ...facts, change: true });
    await this.#storage.log.flush();
    this.#settled.push(PENDING + facts.request);
  }

  get last(): number {
    return this.#head.number;
  }

  /** @returns entries from `from` on, ascending. @throws CORRUPT_RECORD */
  async read(from: number, limit: number): Promise<(AuditEntry & { hash: string })[]> {
    const entries = await this.#storage.log.read(from, limit);
    return entries.map(({ number, entry }) => {
      const { change: _, ...facts } = jsonOf<LoggedFacts>({ key: `audit entry ${number}`, value: entry.subarray(HASH_BYTES) });
      return { number, ...facts, hash: Buffer.from(entry.subarray(0, HASH_BYTES)).toString('hex') };
    });
  }

  /** @returns of the entries from `from` on those that can be read: damage is told by {@link verify}, and hides nothing else. */
  async readable(from: number, limit: number): Promise<(AuditEntry & { hash: string })[]> {
    const found: (AuditEntry & { hash: string })[] = [];
    const end = Math.min(from + limit - 1, this.#head.number);
    for (let next = from, many = limit; next <= end;) {
      try {
        const page = await this.read(next, Math.min(many, end - next + 1));
        if (page.length === 0) break;
        found.push(...page);
        next += page.length;
        many *= 2;
      } catch (thrown) {
        unlessCorrupt(thrown);
        if (many === 1) next = await this.#behindDamage(next);
        many = 1;
      }
    }
    return found;
  }

  /** Checks the chain from the first entry on, that it has not been cut behind a recorded change, and that no entry tells of others that are gone. */
  async verify(call: Pick<Call, 'signal' | 'progress'>): Promise<{ ok: boolean; entries: number; firstBroken: number | null; detail: string }> {
    const total = this.#head.number;
    const anchors = new Map((await this.#pending()).map(({ after }) => [after.number, after.hash]));
    let link: Uint8Array = Buffer.alloc(HASH_BYTES);
    let number = 0;
    const losses: { readonly number: number; readonly detail: string }[] = [];
    const broken = (detail: string): { ok: boolean; entries: number; firstBroken: number; detail: string } => {
      const [loss] = losses;
      return { ok: false, entries: total, firstBroken: loss?.number ?? number, detail: loss === undefined ? detail : `${detail} Entry ${loss.number} tells of a loss before.` };
    };
    try {
      while (number < total) {
        call.signal.throwIfAborted();
        const page = await this.#storage.log.read(number + 1, PAGE);
        if (page.length === 0) break;
        for (const { number: next, entry } of page) {
          number = next;
          link = chain(link, entry.subarray(HASH_BYTES));
          if (Buffer.compare(link, entry.subarray(0, HASH_BYTES)) !== 0) return broken(`Entry ${number} does not follow from the one before it.`);
          const anchor = anchors.get(number);
          if (anchor !== undefined && anchor !== Buffer.from(link).toString('hex')) return broken(`Entry ${number} is not the one that a later change saw.`);
          const gone = lossIn(entry.subarray(HASH_BYTES));
          if (gone !== undefined) losses.push({ number, detail: gone });
        }
        call.progress({ done: number, total });
      }
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError) || thrown.code !== 'CORRUPT_RECORD') throw thrown;
      number += 1;
      return broken(`Entry ${number} cannot be read: ${thrown.message}`);
    }
    const furthest = Math.max(0, ...anchors.keys());
    if (number < Math.max(total, furthest)) {
      number += 1;
      return broken(`Entries from ${number} on are missing.`);
    }
    const [loss] = losses;
    if (loss !== undefined) return { ok: false, entries: total, firstBroken: loss.number, detail: losses.length === 1 ? `Entry ${loss.number} tells of a loss: ${loss.detail}` : `Entries ${losses.map(({ number }) => number).join(', ')} tell of losses, the first of them: ${loss.detail}` };
    return { ok: true, entries: total, firstBroken: null, detail: `All ${total} entries follow from one another.` };
  }

  /** An entry was not written: the chain goes on from the last one that was. Until then no other joins, which would follow from nothing. */
  async #mend(): Promise<void> {
    try {
      this.#head = await headOf(this.#storage);
    } finally {
      this.#mending = undefined;
    }
  }

  /** @returns the number of the first entry behind the damage that one lies in, as far as the log knows. */
  async #behindDamage(number: number): Promise<number> {
    this.#damage ??= (await this.#storage.log.damaged?.()) ?? [];
    return (this.#damage.find(({ from, to }) => number >= from && number <= to)?.to ?? number) + 1;
  }

  /** Those that can be read: a damaged one is among the store's problems, and keeps nothing else from being used. */
  async #pending(): Promise<PendingEntry[]> {
    const { items } = await this.#storage.list(PENDING, { limit: 1000 });
    const records = await Promise.all(items.map(({ key }) => this.#storage.get(key).catch(unlessCorrupt)));
    return records.flatMap((record) => (record === undefined ? [] : [jsonOf<PendingEntry>(record)]));
  }

  /** Where the log stands for sure, for whoever is to know later. */
  get #anchor(): Anchor {
    return { number: this.#written.number, hash: this.#written.hash.toString('hex') };
  }

  async #recover(): Promise<void> {
    const pending: (PendingEntry & Found)[] = [];
    for (const one of await this.#pending()) pending.push({ ...one, ...(await this.#look(one)) });
    pending.sort((a, b) => a.after.number - b.after.number);
    const lacking = pending.filter(({ joined }) => joined === null).map(({ facts }) => facts);
    const older = await this.#olderThanLog(pending);
    if (older !== undefined) this.#storage.reportOlder?.(older);
    const loss = lossOf(this.#head.number, this.#storage.logKnown ?? 0, pending.map(({ after, holds }) => ({ ...after, holds }))) ?? older;
    const told = loss === undefined ? undefined : await this.#tellLoss(loss, pending);
    for (const facts of told === undefined ? lacking : [told, ...lacking]) await this.#append({ ...facts, change: true });
    this.#settled = [...pending.filter(({ joined }) => told === undefined || joined === null).map(({ facts }) => facts), ...(told === undefined ? [] : [told])].map(({ request }) => PENDING + request);
    if (this.#settled.length > 0) await this.#storage.log.flush();
  }

  /**
   * A change is committed before its entry joins the log, and its record goes only with a later one, which saw that entry. So the newest
   * change in the log is always known to the store, unless the store is a copy from before.
   * @returns that it is one, as a sentence; undefined when it is not, or when that cannot be told.
   */
  async #olderThanLog(pending: readonly (PendingEntry & Found)[]): Promise<string | undefined> {
    const { logKnown } = this.#storage;
    if (logKnown === undefined || logKnown >= this.#head.number) return undefined;
    const { items } = await this.#storage.list(PENDING, { limit: 1000 });
    if (items.length > pending.length) return undefined; // a damaged record may be the one
    const seen = Math.max(0, ...pending.map(({ joined, after }) => joined ?? after.number));
    const newest = await this.#newestChange(Math.max(logKnown, seen, this.#head.number - FURTHEST));
    return newest === undefined ? undefined : `The store is an older copy of itself: entry ${newest} of the log tells of a change that it does not have.`;
  }

  /** @returns the number of the newest change in the log, of those behind `after`. */
  async #newestChange(after: number): Promise<number | undefined> {
    for (let to = this.#head.number; to > after; to -= PAGE) {
      const from = Math.max(after + 1, to - PAGE + 1);
      const page = (await this.#storage.log.read(from, to - from + 1).catch(unlessCorrupt)) ?? [];
      const newest = page.findLast(({ entry }) => Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength).includes('"change":true') && jsonOf<LoggedFacts>({ key: 'audit entry', value: entry.subarray(HASH_BYTES) }).change === true);
      if (newest !== undefined) return newest.number;
    }
    return undefined;
  }

  /**
   * Records the entry about a loss as a change's is, and in the same transaction that the log counts as it is from now on: so
   * each loss is told once, whenever the process dies.
   * @returns the entry; undefined when the disk takes nothing: then the store opens all the same, and it is told when it is opened next.
   */
  async #tellLoss(detail: string, pending: readonly (PendingEntry & Found)[]): Promise<AuditFacts | undefined> {
    const told = lossFacts(detail);
    const after = this.#anchor;
    const work = async (tx: StorageTransaction): Promise<void> => {
      for (const { facts, joined } of pending) {
        if (joined !== null) await tx.delete(PENDING + facts.request, { ifRevision: 'any' });
        else await tx.put(PENDING + facts.request, jsonBytes({ facts, after }), { ifRevision: 'any' });
      }
      await tx.put(PENDING + told.request, jsonBytes({ facts: told, after }), { ifRevision: 'any' });
    };
    try {
      await (this.#storage.acceptShortLog?.(after.number, work) ?? this.#storage.transaction(work));
      return told;
    } catch (thrown) {
      if (thrown instanceof KeywrightError && (thrown.code === 'STORAGE_FULL' || thrown.code === 'STORAGE_READ_ONLY')) return undefined;
      throw thrown;
    }
  }

  /** Looks for a change's entry, and for the one that it saw before itself. */
  async #look({ facts, after }: PendingEntry): Promise<Found> {
    let holds = true;
    // It follows at once, but for what was going on beside the change.
    for (let from = Math.max(1, after.number), many = 5; from <= this.#head.number; from += many, many = PAGE) {
      for (const { number, hash, request } of await this.readable(from, many)) {
        if (number === after.number) holds = hash === after.hash;
        else if (request === facts.request) return { holds, joined: number };
      }
    }
    return { holds, joined: null };
  }
}

/** @throws INVALID_INPUT for facts that do not fit into an entry of the log, before anything follows from them. */
function bytesOf(facts: LoggedFacts): Uint8Array {
  const json = jsonBytes(facts);
  if (json.length <= LONGEST) return json;
  throw new KeywrightError('INVALID_INPUT', { detail: 'The call names more keys than one audit entry can hold.', remedy: 'Name fewer keys at once.' });
}

function unlessCorrupt(thrown: unknown): undefined {
  if (!(thrown instanceof KeywrightError) || thrown.code !== 'CORRUPT_RECORD') throw thrown;
}

async function headOf(storage: Storage): Promise<Head> {
  const number = await storage.log.last();
  // One that is damaged is told by the check of the chain: what comes next cannot follow from it.
  const [last] = number === 0 ? [] : (await storage.log.read(number, 1).catch(unlessCorrupt)) ?? [];
  return { number, hash: last === undefined ? Buffer.alloc(HASH_BYTES) : Buffer.from(last.entry.subarray(0, HASH_BYTES)) };
}

function chain(previous: Uint8Array, json: Uint8Array): Buffer {
  return createHash('sha256').update(previous).update(json).digest();
}
