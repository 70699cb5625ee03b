import { KeywrightError } from '../../contract/index.ts';
import type { Storage } from '../storage.ts';
import { compareWithRecords } from './compare.ts';
import { corruptHeader, HEADER_KEY, parseHeader, type Header } from './header.ts';
import type { KeyRing } from './keys.ts';
import { loadIndex, type LoadedIndex } from './load-index.ts';
import type { SealedLog } from './log.ts';
import { inBatches, readRaw } from './raw.ts';
import type { Problem, Watch } from './types.ts';

export interface Verifiable {
  readonly raw: Storage;
  readonly keys: KeyRing;
  readonly log: SealedLog;
  readonly header: Header;
  readonly names: readonly string[];
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
  const { raw, keys, log, names } = store;
  const total = names.length;
  const problems = new Map<string, Problem>();
  const { compared, header } = await store.exclusively(async () => {
    const index = await loadIndex(raw, keys);
    return { compared: await compareWithRecords(raw, keys, index), header: await checkHeader(raw, keys, index, store.header.formatVersion) };
  });
  for (const [name, problem] of compared.problems) problems.set(name, problem);
  if (header !== undefined) problems.set('header', header);
  for (let done = 0; done < total; done += WIDTH) {
    throwIfCancelled(signal);
    const batch = names.slice(done, done + WIDTH);
    const fine = await inBatches(batch, WIDTH, store.examine);
    batch.forEach((name, index) => {
      if (fine[index] === false && !problems.has(name)) problems.set(name, { record: name, detail: 'The record is damaged or was put back from another copy.' });
    });
    progress(Math.min(done + WIDTH, total), total);
  }
  await checkLog(log, problems, signal);
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
  const last = await log.last();
  for (let from = 1; from <= last; from += LOG_PAGE) {
    throwIfCancelled(signal);
    for (const { number, damaged } of await log.examine(from, LOG_PAGE)) {
      if (damaged) problems.set(`log ${number}`, { record: `log ${number}`, detail: 'The entry of the log is damaged or not in its place.' });
    }
  }
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new KeywrightError('CANCELLED', 'The check was cancelled.');
}
