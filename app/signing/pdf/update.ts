import { malformed, notSupported } from '../../formats/malformed.ts';
import type { PdfDocument } from './document.ts';
import { type PdfDict, PdfRef, PdfStream, type PdfValue, dict, name, serialise } from './values.ts';

/**
 * Adds a version to a document (ISO 32000-2 §7.5.6): new objects and those that changed, behind the bytes that are there, which stay as
 * they are. Its cross-reference section is of the kind that the document has: a stream after a stream, a table after a table.
 */
export class Update {
  readonly document: PdfDocument;
  readonly #objects = new Map<number, { readonly generation: number; readonly value: PdfValue | string }>();
  #next: number;

  /** @param apart numbers between the document's objects and the new ones: one that refers to what is not there must not find a new object. */
  constructor(document: PdfDocument, apart: number) {
    this.document = document;
    this.#next = document.size + apart;
  }

  /** @param value a string is written as it stands. */
  add(value: PdfValue | string): PdfRef {
    const ref = new PdfRef(this.#next++);
    this.#objects.set(ref.number, { generation: 0, value });
    return ref;
  }

  replace(ref: PdfRef, value: PdfValue): void {
    this.#objects.set(ref.number, { generation: ref.generation, value });
  }

  /** @returns what follows the document, and where in the whole file an object's value begins. */
  write(): { readonly bytes: Buffer; startOf(ref: PdfRef): number } {
    const { bytes: before, sections, trailer } = this.document;
    const [newest] = sections;
    if (newest === undefined) throw malformed('The document has no cross-reference section.');
    const pieces: Buffer[] = [];
    let at = before.length;
    const put = (piece: Buffer): void => {
      pieces.push(piece);
      at += piece.length;
    };
    if (before.at(-1) !== 0x0a && before.at(-1) !== 0x0d) put(Buffer.from('\n'));
    const places = new Map<number, { offset: number; generation: number }>();
    const starts = new Map<number, number>();
    for (const [number, { generation, value }] of [...this.#objects].sort(([a], [b]) => a - b)) {
      places.set(number, { offset: at, generation });
      put(Buffer.from(`${number} ${generation} obj\n`, 'latin1'));
      starts.set(number, at);
      put(Buffer.concat([bodyOf(value), Buffer.from('\nendobj\n')]));
    }
    const facts = new Map([...trailer].filter(([key]) => ['Root', 'Info', 'ID'].includes(key)));
    const previous = newest.offset;
    if (at > 0xffff_ffff) throw notSupported('The document is too large for cross-references of four bytes.');
    const place = at;
    if (newest.isStream) {
      places.set(this.#next, { offset: place, generation: 0 });
      const entries = dict({ Type: name('XRef'), Size: this.#next + 1, Prev: previous, W: [1, 4, 2], Index: runsOf(places).flatMap(([first, run]) => [first, run.length]) });
      put(Buffer.from(`${this.#next} 0 obj\n`, 'latin1'));
      put(bodyOf(new PdfStream(merged(entries, facts), streamEntries(places))));
      put(Buffer.from('\nendobj\n'));
    } else {
      put(Buffer.from(`xref\n${runsOf(places).map(([first, run]) => `${first} ${run.length}\n${run.map(({ offset, generation }) => `${String(offset).padStart(10, '0')} ${String(generation).padStart(5, '0')} n\r\n`).join('')}`).join('')}`, 'latin1'));
      put(Buffer.from(`trailer\n${serialise(merged(dict({ Size: this.#next, Prev: previous }), facts))}\n`, 'latin1'));
    }
    put(Buffer.from(`startxref\n${place}\n%%EOF\n`, 'latin1'));
    return { bytes: Buffer.concat(pieces), startOf: ({ number }) => starts.get(number) as number };
  }
}

type Places = ReadonlyMap<number, { readonly offset: number; readonly generation: number }>;

/** Runs of numbers that follow each other. */
function runsOf(places: Places): [number, { offset: number; generation: number }[]][] {
  const runs: [number, { offset: number; generation: number }[]][] = [];
  for (const [number, place] of [...places].sort(([a], [b]) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1].length === number) last[1].push(place);
    else runs.push([number, [place]]);
  }
  return runs;
}

function streamEntries(places: Places): Buffer {
  return Buffer.concat(runsOf(places).flatMap(([, run]) => run.map(({ offset, generation }) => {
    const entry = Buffer.alloc(7);
    entry.writeUInt8(1, 0);
    entry.writeUInt32BE(offset, 1);
    entry.writeUInt16BE(generation, 5);
    return entry;
  })));
}

function merged(first: PdfDict, more: ReadonlyMap<string, PdfValue>): PdfDict {
  for (const [key, value] of more) first.set(key, value);
  return first;
}

function bodyOf(value: PdfValue | string): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'latin1');
  if (!(value instanceof PdfStream)) return Buffer.from(serialise(value), 'latin1');
  value.dict.set('Length', value.bytes.length);
  return Buffer.concat([Buffer.from(`${serialise(value.dict)}\nstream\n`, 'latin1'), value.bytes, Buffer.from('\nendstream')]);
}
