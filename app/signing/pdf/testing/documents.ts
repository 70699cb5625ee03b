import { deflateSync } from 'node:zlib';

/** Small documents, built as programs of different ages build them, and versions that are added to them: rightly, or as an attacker would. */

export type Layout = 'table' | 'stream' | 'packed' | 'hybrid';

export const PAGE_TEXT = 'BT /F1 24 Tf 72 700 Td (I owe Ada 100 euros) Tj ET';
const CONTENT = (text: string): string => `<</Length ${text.length}>>\nstream\n${text}\nendstream`;

/** A document of one page; what is given stands in place of the usual objects, or beside them. */
export function objectsOf(more: Readonly<Record<number, string>> = {}): Record<number, string> {
  return {
    1: '<</Type /Catalog /Pages 2 0 R>>', 2: '<</Type /Pages /Kids [3 0 R] /Count 1>>',
    3: '<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources <</Font <</F1 5 0 R>>>> /Contents 4 0 R>>',
    4: CONTENT(PAGE_TEXT), 5: '<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>', ...more,
  };
}

/** A document with a text field “amount”, a signature field “approval” that is empty, and a comment. */
export const FORM: Readonly<Record<number, string>> = {
  1: '<</Type /Catalog /Pages 2 0 R /AcroForm 6 0 R>>',
  3: '<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources <</Font <</F1 5 0 R>>>> /Contents 4 0 R /Annots [7 0 R 8 0 R 10 0 R]>>',
  6: '<</Fields [7 0 R 8 0 R] /DR <</Font <</Helv 5 0 R>>>> /DA (/Helv 12 Tf)>>',
  7: '<</Type /Annot /Subtype /Widget /FT /Tx /T (amount) /V (100) /Rect [72 600 200 620] /P 3 0 R /F 4 /AP <</N 9 0 R>>>>',
  8: '<</Type /Annot /Subtype /Widget /FT /Sig /T (approval) /Rect [72 500 300 560] /P 3 0 R /F 4>>',
  9: '<</Type /XObject /Subtype /Form /BBox [0 0 128 20] /Length 23>>\nstream\nBT 0 0 Td (100) Tj ET   \nendstream',
  10: '<</Type /Annot /Subtype /Text /Contents (a comment) /Rect [400 700 420 720]>>',
};

export function buildPdf(objects: Readonly<Record<number, string>> = objectsOf(), layout: Layout = 'table', trailer = '/Root 1 0 R'): Buffer {
  return addVersion(Buffer.from('%PDF-1.7\n%\u00e2\u00e3\u00cf\u00d3\n', 'latin1'), objects, { layout, trailer });
}

interface NewVersion {
  readonly layout?: Layout;
  readonly trailer?: string;
  /** Objects that are gone. */
  readonly freed?: readonly number[];
  readonly previous?: number | null;
}

/** @returns the document with another version behind it. */
export function addVersion(document: Buffer, objects: Readonly<Record<number, string>>, { layout = 'table', trailer = '/Root 1 0 R', freed = [], previous }: NewVersion = {}): Buffer {
  const text = document.toString('latin1');
  const before = previous === null || !text.includes('startxref') ? undefined : (previous ?? Number(/startxref\s+(\d+)\s+%%EOF\s*$/.exec(text)?.[1]));
  const size = Math.max(...Object.keys(objects).map(Number), ...[...text.matchAll(/^(\d+) 0 obj/gm)].map(([, number]) => Number(number)), ...[...text.matchAll(/\/Size (\d+)/g)].map(([, number]) => Number(number) - 1)) + 1;
  const pieces: Buffer[] = [document];
  let at = document.length;
  const put = (piece: string | Buffer): void => {
    const bytes = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece;
    pieces.push(bytes);
    at += bytes.length;
  };
  const places = new Map<number, [kind: number, first: number, second: number]>(freed.map((number) => [number, [0, 0, 0]]));
  const isPacked = (body: string): boolean => layout === 'packed' && !body.includes('stream') && !body.includes('/ByteRange');
  for (const [key, body] of Object.entries(objects)) {
    if (isPacked(body)) continue;
    places.set(Number(key), [1, at, 0]);
    put(`${key} 0 obj\n${body}\nendobj\n`);
  }
  const packed = Object.entries(objects).filter(([, body]) => isPacked(body));
  if (packed.length > 0) {
    const offsets = packed.map((_, index) => packed.slice(0, index).reduce((sum, [, body]) => sum + body.length + 1, 0));
    const head = `${packed.map(([key], index) => `${key} ${offsets[index]}`).join(' ')}\n`;
    const content = deflateSync(Buffer.from(`${head}${packed.map(([, body]) => body).join(' ')}`, 'latin1'));
    places.set(size, [1, at, 0]);
    packed.forEach(([key], index) => places.set(Number(key), [2, size, index]));
    put(`${size} 0 obj\n<</Type /ObjStm /N ${packed.length} /First ${head.length} /Filter /FlateDecode /Length ${content.length}>>\nstream\n`);
    put(content);
    put('\nendstream\nendobj\n');
  }
  const previousEntry = before === undefined ? '' : ` /Prev ${before}`;
  const sorted = [...places].sort(([a], [b]) => a - b);
  const hidden = layout === 'hybrid' ? Math.max(...Object.keys(objects).map(Number)) : -1;
  const crossReferences = (entries: [number, [number, number, number]][], number: number, more: string): void => {
    const rows = Buffer.concat(entries.map(([, [kind, first, second]]) => {
      const row = Buffer.alloc(8);
      row.writeUInt8(2, 0);
      row.writeUInt8(kind, 1);
      row.writeUInt32BE(first, 2);
      row.writeUInt16BE(second, 6);
      return row;
    }));
    // With PNG's Up predictor, as most programs write them.
    for (let row = rows.length / 8 - 1; row > 0; row--) for (let column = 1; column < 8; column++) rows[row * 8 + column] = (rows[row * 8 + column]! - rows[(row - 1) * 8 + column]!) & 0xff;
    const content = deflateSync(rows);
    put(`${number} 0 obj\n<</Type /XRef /Size ${number + 1} /W [1 4 2] /Index [${entries.map(([key]) => `${key} 1`).join(' ')}] /Filter /FlateDecode /DecodeParms <</Predictor 12 /Columns 7>> /Length ${content.length} ${more}>>\nstream\n`);
    put(content);
    put('\nendstream\nendobj\n');
  };
  if (layout === 'stream' || layout === 'packed') {
    const place = at;
    crossReferences([...sorted, [size + 1, [1, place, 0]]], size + 1, `${trailer}${previousEntry}`);
    put(`startxref\n${place}\n%%EOF\n`);
    return Buffer.concat(pieces);
  }
  const beside = at;
  if (layout === 'hybrid') crossReferences(sorted.filter(([key]) => key === hidden), size + 1, trailer);
  const place = at;
  put(`xref\n${before === undefined ? '0 1\n0000000000 65535 f \n' : ''}`);
  for (const [key, [kind, first]] of sorted) put(`${key} 1\n${key === hidden || kind === 0 ? '0000000000 00000 f \n' : `${String(first).padStart(10, '0')} 00000 n \n`}`);
  put(`trailer\n<</Size ${size + (layout === 'hybrid' ? 2 : 0)} ${trailer}${previousEntry}${layout === 'hybrid' ? ` /XRefStm ${beside}` : ''}>>\nstartxref\n${place}\n%%EOF\n`);
  return Buffer.concat(pieces);
}

/** What the last signature of a document covers, and the signature itself, taken out as anybody could by hand. */
export function extracted(document: Buffer): { cms: Buffer; covered: Buffer } {
  const [range] = [...document.toString('latin1').matchAll(/\/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]/g)].map((found) => found.slice(1).map(Number)).sort((a, b) => b[2]! + b[3]! - a[2]! - a[3]!);
  const [start, before, after, rest] = range as [number, number, number, number];
  const place = Buffer.from(document.toString('latin1', before + 1, after - 1), 'hex');
  return { cms: place.subarray(0, 4 + place.readUInt16BE(2)), covered: Buffer.concat([document.subarray(start, before), document.subarray(after, after + rest)]) };
}
