import { createHash, hash } from 'node:crypto';
import { KeywrightError, type AuditEntry, type Call } from '../contract/index.ts';
import type { Storage, StorageTransaction } from '../storage/storage.ts';
import { jsonBytes, jsonOf } from './unit.ts';

/** Everything of an entry but its number, which its place in the log gives. */
export type AuditFacts = Omit<AuditEntry, 'number'>;

/**
 * A change's entry, committed with the change. It is appended to the log right after; should the process die between
 * the two, opening the store appends it then.
 */
interface PendingEntry {
  readonly facts: AuditFacts;
  /** Where the log stood: it can never be shorter than this again, nor have another hash there. */
  readonly after: { readonly number: number; readonly hash: string };
}

const PENDING = 'audit/pending/';
const HASH_BYTES = 32;
const PAGE = 1000;
/** Room for what sealing adds to the log's largest entry, 1 MiB. */
const LONGEST = 1024 * 1024 - 4096;

/**
 * The audit trail: a hash chain in the store's append log. Each entry is SHA-256(previous hash ‖ JSON) and the JSON.
 * Uses of keys are appended (written before the answer, fsynced in groups); changes are recorded in their own
 * transaction first, so that a change without its entry, or an entry without its change, cannot be.
 */
export class AuditTrail {
  readonly #storage: Storage;
  readonly #strict: boolean;
  readonly #onAppend: () => void;
  #head: { number: number; hash: Buffer };
  #mending: Promise<void> | undefined;
  /** Pending records whose entries are in the log: deleted with the next change. */
  #settled: string[] = [];
  readonly #cleared = new WeakMap<AuditFacts, string[]>();

  private constructor(storage: Storage, strict: boolean, head: { number: number; hash: Buffer }, onAppend: () => void) {
    this.#storage = storage;
    this.#strict = strict;
    this.#head = head;
    this.#onAppend = onAppend;
  }

  /** Opens the trail and appends what a crash kept from being appended. */
  static async open(storage: Storage, options: { strict: boolean; onAppend: () => void }): Promise<AuditTrail> {
    const trail = new AuditTrail(storage, options.strict, await headOf(storage), options.onAppend);
    await trail.#recover();
    return trail;
  }

  /** Appends an entry; durable within 50 ms, or at once under `audit.durability = "strict"`. */
  async append(facts: AuditFacts): Promise<void> {
    while (this.#mending !== undefined) await this.#mending;
    const json = bytesOf(facts);
    // One piece, hashed in one go with the previous hash where its own then stands: this is on the way of every signature.
    const entry = Buffer.allocUnsafe(HASH_BYTES + json.length);
    entry.set(this.#head.hash);
    entry.set(json, HASH_BYTES);
    const digest = hash('sha256', entry, 'buffer');
    entry.set(digest);
    this.#head = { number: this.#head.number + 1, hash: digest };
    try {
      await this.#storage.log.append(entry);
    } catch (thrown) {
      await (this.#mending ??= this.#mend());
      throw thrown;
    }
    if (this.#strict) await this.#storage.log.flush();
    this.#onAppend();
  }

  /** Records a change within its own transaction; call {@link settle} with the same facts once it has committed. */
  async record(facts: AuditFacts, tx: StorageTransaction): Promise<void> {
    const cleared = [...this.#settled];
    for (const key of cleared) await tx.delete(key, { ifRevision: 'any' });
    this.#cleared.set(facts, cleared);
    bytesOf(facts);
    const pending: PendingEntry = { facts, after: { number: this.#head.number, hash: this.#head.hash.toString('hex') } };
    await tx.put(PENDING + facts.request, jsonBytes(pending), { ifRevision: 'any' });
  }

  /** The change has committed: its entry joins the chain. Should that fail, it stays recorded, and joins when the store is opened next. */
  async settle(facts: AuditFacts): Promise<void> {
    const cleared = this.#cleared.get(facts) ?? [];
    this.#settled = this.#settled.filter((key) => !cleared.includes(key));
    await this.append(facts);
    await this.#storage.log.flush();
    this.#settled.push(PENDING + facts.request);
  }

  get last(): number {
    return this.#head.number;
  }

  /** @returns entries from `from` on, ascending. @throws CORRUPT_RECORD */
  async read(from: number, limit: number): Promise<(AuditEntry & { hash: string })[]> {
    const entries = await this.#storage.log.read(from, limit);
    return entries.map(({ number, entry }) => ({
      number, ...jsonOf<AuditFacts>({ key: `audit entry ${number}`, value: entry.subarray(HASH_BYTES) }), hash: Buffer.from(entry.subarray(0, HASH_BYTES)).toString('hex'),
    }));
  }

  /** Checks the chain from the first entry on, and that it has not been cut behind a recorded change. */
  async verify(call: Pick<Call, 'signal' | 'progress'>): Promise<{ ok: boolean; entries: number; firstBroken: number | null; detail: string }> {
    const total = this.#head.number;
    const anchors = new Map((await this.#pending()).map(({ after }) => [after.number, after.hash]));
    let link: Uint8Array = Buffer.alloc(HASH_BYTES);
    let number = 0;
    const broken = (detail: string): { ok: boolean; entries: number; firstBroken: number; detail: string } => ({ ok: false, entries: total, firstBroken: number, detail });
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

  /** Those that can be read: a damaged one is among the store's problems, and keeps nothing else from being used. */
  async #pending(): Promise<PendingEntry[]> {
    const { items } = await this.#storage.list(PENDING, { limit: 1000 });
    const records = await Promise.all(items.map(({ key }) => this.#storage.get(key).catch(unlessCorrupt)));
    return records.flatMap((record) => (record === undefined ? [] : [jsonOf<PendingEntry>(record)]));
  }

  async #recover(): Promise<void> {
    const pending = (await this.#pending()).sort((a, b) => a.after.number - b.after.number);
    for (const { facts, after } of pending) {
      if (!(await this.#has(facts.request, after.number))) await this.append(facts);
      this.#settled.push(PENDING + facts.request);
    }
    if (pending.length > 0) await this.#storage.log.flush();
  }

  async #has(request: string, after: number): Promise<boolean> {
    // It follows at once, but for what was going on beside the change.
    for (let from = after + 1, many = 4; from <= this.#head.number; from += many, many = PAGE) {
      if ((await this.read(from, many)).some((entry) => entry.request === request)) return true;
    }
    return false;
  }
}

/** @throws INVALID_INPUT for facts that do not fit into an entry of the log, before anything follows from them. */
function bytesOf(facts: AuditFacts): Uint8Array {
  const json = jsonBytes(facts);
  if (json.length <= LONGEST) return json;
  throw new KeywrightError('INVALID_INPUT', { detail: 'The call names more keys than one audit entry can hold.', remedy: 'Name fewer keys at once.' });
}

function unlessCorrupt(thrown: unknown): undefined {
  if (!(thrown instanceof KeywrightError) || thrown.code !== 'CORRUPT_RECORD') throw thrown;
}

async function headOf(storage: Storage): Promise<{ number: number; hash: Buffer }> {
  const number = await storage.log.last();
  const [last] = number === 0 ? [] : await storage.log.read(number, 1);
  return { number, hash: last === undefined ? Buffer.alloc(HASH_BYTES) : Buffer.from(last.entry.subarray(0, HASH_BYTES)) };
}

function chain(previous: Uint8Array, json: Uint8Array): Buffer {
  return createHash('sha256').update(previous).update(json).digest();
}
