import { KeywrightError } from '../../contract/index.ts';
import type { Storage } from '../storage.ts';
import { compareWithRecords } from './compare.ts';
import { corruptHeader, HEADER_KEY, parseHeader, type Header } from './header.ts';
import { INDEX_PREFIX } from './index-format.ts';
import type { KeyRing } from './keys.ts';
import { loadIndex, type LoadedIndex } from './load-index.ts';
import type { SealedLog } from './log.ts';
import { inBatches, listRaw, readRaw } from './raw.ts';
import { RECORD_PREFIX, type Entry } from './record.ts';
import type { Problem, Watch } from './types.ts';

interface Verifiable {
  readonly raw: Storage;
  readonly keys: KeyRing;
  readonly log: SealedLog;
  readonly header: Header;
  readonly entries: readonly Entry[];
  /** Opens one record: false when it does not open. */
  examine(name: string): Promise<boolean>;
  exclusively<T>(work: () => Promise<T>): Promise<T>;
}

export interface Findings {
  readonly records: number;
  readonly problems: Map<string, Problem>;
  readonly strays: Map<string, string>;
}

const WIDTH = 32;
const LOG_PAGE = 1000;

/** Checks header, index, listing, log, and then opens every record. @throws CANCELLED */
export async function verifyStore(store: Verifiable, { signal, progress }: Watch): Promise<Findings> {
  const { raw, keys, log, entries } = store;
  const total = entries.length;
  const problems = new Map<string, Problem>();
  const { compared, header } = await store.exclusively(async () => {
    const index = await loadIndex(raw, keys);
    const listing = await Array.fromAsync(listRaw(raw, RECORD_PREFIX));
    return { compared: await compareWithRecords(raw, keys, index, listing), header: await checkHeader(raw, keys, index, store.header.formatVersion) };
  });
  for (const [name, problem] of compared.problems) problems.set(name, problem);
  if (header !== undefined) problems.set('header', header);
  for (let done = 0; done < total; done += WIDTH) {
    throwIfCancelled(signal);
    const batch = entries.slice(done, done + WIDTH);
    const fine = await inBatches(batch, WIDTH, ({ name }) => store.examine(name));
    batch.forEach(({ name }, index) => {
      if (fine[index] === false && !problems.has(name)) problems.set(name, { record: name, detail: 'The record is damaged or was put back from another copy.' });
    });
    progress(Math.min(done + WIDTH, total), total);
  }
  await checkLog(log, problems, signal);
  throwIfCancelled(signal);
  for (const { facts } of (await raw.check?.()) ?? []) addFinding(problems, facts.where ?? '', facts.detail, entries);
  return { records: total, problems, strays: compared.strays };
}

/** What the header is, against what the index knows of it. */
export async function checkHeader(raw: Storage, keys: KeyRing, index: LoadedIndex, newest: number): Promise<Problem | undefined> {
  const problem = (detail: string) => ({ record: 'header', detail });
  try {
    const stored = await readRaw(raw, HEADER_KEY);
    if (stored === undefined || stored === 'damaged') throw corruptHeader('it is missing');
    const { text, mac } = parseHeader(stored.value, newest);
    if (!keys.isHeaderMac(text, mac)) return problem('The header was altered outside the store.');
    if (index.headerMac !== undefined && !index.headerMac.equals(mac)) {
      return problem('The header is not the latest one: an older copy was put back, with passphrases that were changed or removed since.');
    }
    return undefined;
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return problem(thrown.facts.detail);
    throw thrown;
  }
}

async function checkLog(log: SealedLog, problems: Map<string, Problem>, signal: AbortSignal): Promise<void> {
  const report = (number: number) => problems.set(`log ${number}`, { record: `log ${number}`, detail: 'The entry of the log is damaged or not in its place.' });
  const last = await log.last();
  for (let from = 1; from <= last;) {
    throwIfCancelled(signal);
    try {
      const examined = await log.examine(from, LOG_PAGE);
      for (const { number, damaged } of examined) if (damaged) report(number);
      from = (examined.at(-1)?.number ?? last) + 1;
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError) || thrown.code !== 'CORRUPT_RECORD') throw thrown;
      report(from++);
    }
  }
}

/** What the raw storage finds by itself, in the names of the records, unless it is known. */
function addFinding(problems: Map<string, Problem>, where: string, detail: string, entries: readonly Entry[]): void {
  const logged = /^log entry (\d+)$/.exec(where);
  const sealed = where.startsWith(RECORD_PREFIX) ? entries.find(({ id }) => RECORD_PREFIX + id === where)?.name : undefined;
  const record = logged ? `log ${logged[1]}` : where.startsWith(INDEX_PREFIX) ? 'index' : (sealed ?? where);
  if ([...problems.values()].some((known) => known.record === record)) return;
  problems.set(record, { record, detail });
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new KeywrightError('CANCELLED', 'The check was cancelled.');
}
