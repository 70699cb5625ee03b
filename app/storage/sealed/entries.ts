import type { Entry } from './record.ts';

/** The revision of an entry that says "removed". */
export const REMOVED = '0'.repeat(32);

/** The entry of a record that is no more. */
export function removal(name: string): Entry {
  return { name, id: REMOVED, revision: REMOVED, summary: '' };
}

const ID_BYTES = 16;

/**
 * Entries of the index in columns, so that thousands are read by a few slices: count (4 bytes); ids (16 each);
 * revisions (16 each); lengths of names (2 each); lengths of summaries (4 each); names; summaries. Big-endian, ASCII.
 */
export function encodeEntries(entries: readonly Entry[]): Buffer[] {
  const count = entries.length;
  const columns = Buffer.allocUnsafe(4 + count * (2 * ID_BYTES + 6));
  const lengthsAt = 4 + 2 * ID_BYTES * count;
  columns.writeUInt32BE(count, 0);
  const names: string[] = [];
  const summaries: string[] = [];
  entries.forEach((entry, index) => {
    columns.write(entry.id, 4 + ID_BYTES * index, 'hex');
    columns.write(entry.revision, 4 + ID_BYTES * (count + index), 'hex');
    columns.writeUInt16BE(entry.name.length, lengthsAt + 2 * index);
    columns.writeUInt32BE(entry.summary.length, lengthsAt + 2 * count + 4 * index);
    names.push(entry.name);
    summaries.push(entry.summary);
  });
  return [columns, Buffer.from(names.join(''), 'latin1'), Buffer.from(summaries.join(''), 'latin1')];
}

/** @returns the entries; undefined when the bytes are not whole. */
export function decodeEntries(bytes: Buffer): Entry[] | undefined {
  if (bytes.length < 4) return undefined;
  const count = bytes.readUInt32BE(0);
  const revisionsAt = 4 + ID_BYTES * count;
  const nameLengthsAt = revisionsAt + ID_BYTES * count;
  const summaryLengthsAt = nameLengthsAt + 2 * count;
  const namesAt = summaryLengthsAt + 4 * count;
  if (namesAt > bytes.length) return undefined;
  let summariesAt = namesAt;
  for (let index = 0; index < count; index++) summariesAt += bytes.readUInt16BE(nameLengthsAt + 2 * index);
  if (summariesAt > bytes.length) return undefined;
  const ids = bytes.toString('hex', 4, revisionsAt);
  const revisions = bytes.toString('hex', revisionsAt, nameLengthsAt);
  const names = bytes.toString('latin1', namesAt, summariesAt);
  const summaries = bytes.toString('latin1', summariesAt);
  const entries: Entry[] = [];
  let name = 0;
  let summary = 0;
  for (let index = 0; index < count; index++) {
    const nameEnd = name + bytes.readUInt16BE(nameLengthsAt + 2 * index);
    const summaryEnd = summary + bytes.readUInt32BE(summaryLengthsAt + 4 * index);
    const hex = 2 * ID_BYTES * index;
    entries.push({
      name: names.slice(name, nameEnd),
      id: ids.slice(hex, hex + 2 * ID_BYTES),
      revision: revisions.slice(hex, hex + 2 * ID_BYTES),
      summary: summaries.slice(summary, summaryEnd),
    });
    name = nameEnd;
    summary = summaryEnd;
  }
  return summary === summaries.length ? entries : undefined;
}
