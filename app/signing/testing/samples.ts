import type { SignatureFormatName } from '../../contract/index.ts';
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

/** @returns a file that the format can sign, with the text in it. */
export async function sampleFor(format: SignatureFormatName, text: string): Promise<Buffer> {
  switch (format) {
    case 'jar': return zipOf([{ name: 'com/', content: Buffer.alloc(0) }, { name: 'com/example/Ada.txt', content: Buffer.from(text) }, { name: 'com/example/stored.bin', content: Buffer.from('as it is'), stored: true }]);
    case 'pdf': return buildPdf(objectsOf({ 6: `(${text})` }));
    default: return Buffer.from(text);
  }
}
