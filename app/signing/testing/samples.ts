import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SignatureFormatName } from '../../contract/index.ts';
import { temporaryFolder } from '../../formats/testing/keys.ts';
import { readAnywhere } from '../raw.ts';
import { entryBytes, readZip } from '../zip/read.ts';
import { buildPdf, objectsOf } from '../pdf/testing/documents.ts';
import { type NewEntry, ZipWriter } from '../zip/write.ts';

/** Files of the kinds that formats sign. */

export async function zipOf(entries: readonly NewEntry[], comment = ''): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const writer = new ZipWriter(async (piece) => { pieces.push(Buffer.from(piece)); });
  for (const entry of entries) await writer.add(entry);
  await writer.finish({ comment: Buffer.from(comment) });
  return Buffer.concat(pieces);
}

const { signal } = new AbortController();

export async function unpacked(archive: Buffer): Promise<{ name: string; content: Buffer }[]> {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, 'zip'), archive);
  return await readAnywhere(join(folder.path, 'zip'), { signal }, async (reader) => {
    const { entries } = await readZip(reader);
    return Promise.all(entries.map(async (entry) => ({ name: entry.name, content: await entryBytes(entry, reader, 2 ** 24) })));
  });
}

/** Packs the archive again with some entries changed: a name that is given null is taken out, and what is new is added. */
export async function repacked(archive: Buffer, changes: Readonly<Record<string, Buffer | string | null | ((before: Buffer) => Buffer | string)>>): Promise<Buffer> {
  const before = await unpacked(archive);
  const entries: NewEntry[] = before.flatMap(({ name, content }) => {
    const change = Object.hasOwn(changes, name) ? changes[name] : content;
    return change === null || change === undefined ? [] : [{ name, content: Buffer.from(typeof change === 'function' ? change(content) : change) }];
  });
  for (const [name, change] of Object.entries(changes)) if (!before.some((one) => one.name === name) && change !== null && typeof change !== 'function') entries.push({ name, content: Buffer.from(change) });
  return zipOf(entries);
}

/** @returns a file that the format can sign, with the text in it. */
export async function sampleFor(format: SignatureFormatName, text: string): Promise<Buffer> {
  switch (format) {
    case 'jar': return zipOf([{ name: 'com/', content: Buffer.alloc(0) }, { name: 'com/example/Ada.txt', content: Buffer.from(text) }, { name: 'com/example/stored.bin', content: Buffer.from('as it is'), stored: true }]);
    case 'pdf': return buildPdf(objectsOf({ 6: `(${text})` }));
    default: return Buffer.from(text);
  }
}
