import type { Storage, StorageReader, StorageTransaction } from '../storage.ts';

/** So many records are written over and over; each write adds one more that stays. */
const SLOTS = 7;

const contentOf = (number: number): Buffer => Buffer.from(`write ${number} ${'.'.repeat(number % 400)}`);
const numberIn = (value: Uint8Array): number => Number(/^write (\d+) /.exec(Buffer.from(value).toString())?.[1]);
const keptKey = (number: number): string => `kept/${String(number).padStart(8, '0')}`;

/** So many entries of the log stand for write number n. */
export const groupOf = (number: number): number => (number % 2 === 0 ? 1 : 1 + (number % 7));

/** Write number n: a new record, two that must always be alike, and one that comes and goes. */
export async function write(tx: StorageTransaction, number: number): Promise<void> {
  const slot = number % SLOTS;
  await tx.put(keptKey(number), contentOf(number), { ifRevision: 'absent' });
  await tx.put(`left/${slot}`, contentOf(number), { ifRevision: 'any' });
  await tx.put(`Right/${slot}`, contentOf(number), { ifRevision: 'any' });
  if (number % 3 === 0) await tx.put('sometimes', contentOf(number), { ifRevision: 'any' });
  else if (number % 3 === 2) await tx.delete('sometimes', { ifRevision: 'any' });
}

/** @returns the number of the newest write that is there, 0 for none. */
export async function newestWrite(reader: StorageReader): Promise<number> {
  return (await listAll(reader, 'kept/')).length;
}

/** @returns the number of the newest write that is in the log, 0 for none. */
export async function newestLogged({ log }: Pick<Storage, 'log'>): Promise<number> {
  const entries = await log.read(1, (await log.last()) + 1);
  return Math.max(0, ...entries.filter(({ entry }) => entry.length > 0).map(({ entry }) => Number(Buffer.from(entry).toString())));
}

/**
 * Judges what a crash left behind.
 *
 * @param acknowledged the newest write that was.
 * @param from the first whose own record is read.
 * @returns what is wrong, as sentences.
 */
export async function judge(reader: StorageReader, acknowledged: number, from = 1): Promise<string[]> {
  const wrong: string[] = [];
  const kept = await listAll(reader, 'kept/');
  const newest = kept.length;
  // One write may have been under way.
  if (newest < acknowledged || newest > acknowledged + 1) wrong.push(`${acknowledged} writes were acknowledged, and ${newest} are there`);
  for (const [index, key] of kept.entries()) {
    if (key !== keptKey(index + 1)) wrong.push(`${key} stands where ${keptKey(index + 1)} is expected`);
    if (index + 1 >= from) await expectContent(reader, key, index + 1, wrong);
  }
  for (let slot = 0; slot < SLOTS; slot++) {
    const last = newest - ((newest - slot + SLOTS) % SLOTS);
    await expectContent(reader, `left/${slot}`, last > 0 ? last : undefined, wrong);
    await expectContent(reader, `Right/${slot}`, last > 0 ? last : undefined, wrong);
  }
  const sometimes = newest % 3 === 0 ? newest : newest % 3 === 1 ? newest - 1 : 0;
  await expectContent(reader, 'sometimes', sometimes > 0 ? sometimes : undefined, wrong);
  return wrong;
}

/** @param written the newest entry that was acknowledged. @returns what is wrong, as sentences. */
export async function judgeLog({ log }: Pick<Storage, 'log'>, written: number): Promise<string[]> {
  const last = await log.last();
  const entries = await log.read(1, last + 1);
  const wrong = entries.length === last ? [] : [`the last entry is ${last}, and ${entries.length} can be read`];
  const numbers = new Set<number>();
  for (let index = 0; index < entries.length; ) {
    const number = Number(Buffer.from(entries[index]!.entry).toString());
    const group = entries.slice(index, index + groupOf(number));
    if (number === 0 || group.length < groupOf(number) || group.slice(1).some(({ entry }) => entry.length > 0)) wrong.push(`entry ${index + 1} does not stand with all of its group`);
    // A write that was logged and not made is logged again by the next process.
    numbers.add(number);
    index += group.length;
  }
  for (let number = 1; number <= written; number++) if (!numbers.has(number)) wrong.push(`entry ${number} was acknowledged, and is not there`);
  return wrong;
}

async function expectContent(reader: StorageReader, key: string, expected: number | undefined, wrong: string[]): Promise<void> {
  try {
    const record = await reader.get(key);
    const found = record && numberIn(record.value);
    if (found !== expected || (record && Buffer.compare(record.value, contentOf(expected!)) !== 0)) wrong.push(`${key} is of write ${found}, and ${expected} is expected`);
  } catch (thrown) {
    wrong.push(`${key}: ${(thrown as Error).message}`);
  }
}

async function listAll(reader: StorageReader, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await reader.list(prefix, { limit: 10_000, ...(cursor === undefined ? {} : { cursor }) });
    keys.push(...page.items.map(({ key }) => key));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return keys;
}
