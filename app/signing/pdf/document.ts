import { malformed, notSupported } from '../../formats/malformed.ts';
import { Budget } from './budget.ts';
import { type Entry, readSections, type Section } from './cross-references.ts';
import { openStream } from './filters.ts';
import { readIndirect } from './indirect.ts';
import { PdfParser } from './parser.ts';
import { isName, PdfDict, PdfRef, PdfStream, type PdfValue } from './values.ts';

/** A PDF (ISO 32000-2 §7.5) in one of its versions: those before it are the same bytes, cut off where each ended. */

const END_SEARCH = 1024;
const MAX_PACKED = 200_000;

interface Placed {
  readonly ref: PdfRef;
  readonly value: PdfValue;
  readonly end: number;
}

interface Container {
  readonly content: Buffer;
  readonly numbers: readonly number[];
  readonly offsets: readonly number[];
}

/** What was read already, for all versions. */
class Shared {
  readonly sections = new Map<number, Section>();
  readonly placed = new Map<number, Placed>();
  readonly containers = new WeakMap<PdfStream, Container>();
  readonly budget = new Budget();
}

/** A document as one of its versions leads to it (ISO 32000-2 §7.5). Objects are read when they are asked for; what is ambiguous is INVALID_INPUT with the offset. */
export class PdfDocument {
  readonly bytes: Buffer;
  /** The newest first. */
  readonly sections: readonly Section[];
  /** Behind `%%EOF` and its line end; undefined without them. */
  readonly closedAt: number | undefined;
  readonly #shared: Shared;
  readonly #entries = new Map<number, Entry>();
  readonly #values = new Map<number, PdfValue>();
  readonly #reading = new Set<number>();

  private constructor(bytes: Buffer, shared: Shared) {
    this.bytes = bytes;
    this.#shared = shared;
    const header = bytes.subarray(0, END_SEARCH).indexOf('%PDF-');
    if (header < 0) throw malformed('It does not begin as a PDF does.', 0, 'Check that it is the right file.');
    const { offset, closedAt } = readEnd(bytes);
    this.closedAt = closedAt;
    this.sections = readSections(bytes, offset, shared);
    for (const section of this.sections) for (const [number, entry] of section.entries) if (!this.#entries.has(number)) this.#entries.set(number, entry);
    if (this.sections.some(({ trailer }) => (trailer.get('Encrypt') ?? null) !== null)) throw notSupported('The document is encrypted, so that neither what is signed nor what changed can be told.', 'Take the encryption off with the program that set it, and sign or verify that document.');
  }

  /** @throws INVALID_INPUT with the offset for what is damaged, CAPABILITY_MISSING for what is encrypted */
  static open(bytes: Uint8Array): PdfDocument {
    return new PdfDocument(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), new Shared());
  }

  /** @returns the version that the first `length` bytes were. @throws INVALID_INPUT when they were none */
  before(length: number): PdfDocument {
    return new PdfDocument(this.bytes.subarray(0, length), this.#shared);
  }

  get budget(): Budget {
    return this.#shared.budget;
  }

  get trailer(): PdfDict {
    return (this.sections[0] as Section).trailer;
  }

  get root(): PdfDict {
    const root = this.get(this.trailer.get('Root'));
    if (!(root instanceof PdfDict)) throw malformed('The trailer names no catalog.', this.sections[0]?.offset);
    return root;
  }

  /** The first object number that is free. */
  get size(): number {
    const told = this.trailer.get('Size');
    let size = typeof told === 'number' && Number.isInteger(told) && told > 0 && told < 10_000_000 ? told : 1;
    for (const number of this.#entries.keys()) size = Math.max(size, number + 1);
    return size;
  }

  entry(number: number): Entry | undefined {
    return this.#entries.get(number);
  }

  /** @returns what a reference stands for, and any other value as it is; null for what is not there. */
  get(value: PdfValue | undefined): PdfValue {
    let found = value ?? null;
    for (let hops = 0; found instanceof PdfRef; hops++) {
      if (hops > 20) throw malformed('References lead to references without an end.');
      found = this.#object(found);
    }
    return found;
  }

  dict(value: PdfValue | undefined): PdfDict | undefined {
    const found = this.get(value);
    return found instanceof PdfDict ? found : undefined;
  }

  array(value: PdfValue | undefined): PdfValue[] | undefined {
    const found = this.get(value);
    return Array.isArray(found) ? found : undefined;
  }

  /** @returns the content of a stream that is part of the document's structure. @throws as {@link openStream} */
  open(stream: PdfStream, what: string): Buffer {
    return openStream(stream, what, 0, this.#shared.budget);
  }

  #object(ref: PdfRef): PdfValue {
    const entry = this.#entries.get(ref.number);
    if (entry === undefined || entry.kind === 'free' || (entry.kind === 'placed' ? entry.generation : 0) !== ref.generation) return null;
    const known = this.#values.get(ref.number);
    if (known !== undefined) return known;
    if (this.#reading.has(ref.number)) throw malformed(`Object ${ref.number} needs itself to be read.`);
    this.#reading.add(ref.number);
    try {
      const value = entry.kind === 'placed' ? this.#placed(ref, entry.offset) : this.#packed(ref.number, entry.container, entry.index);
      this.#values.set(ref.number, value);
      return value;
    } finally {
      this.#reading.delete(ref.number);
    }
  }

  #placed(ref: PdfRef, offset: number): PdfValue {
    const known = this.#shared.placed.get(offset);
    if (known?.ref.is(ref) === true && known.end <= this.bytes.length) return known.value;
    const { value, end, lengthElsewhere } = readIndirect(this.bytes, offset, ref, (length) => {
      const number = this.get(length);
      return typeof number === 'number' ? number : undefined;
    });
    if (!lengthElsewhere) this.#shared.placed.set(offset, { ref, value, end });
    return value;
  }

  /** An object in an object stream (§7.5.7). */
  #packed(number: number, container: number, index: number): PdfValue {
    const { content, numbers, offsets } = this.#openContainer(container);
    if (numbers[index] !== number) throw malformed(`Object ${number} should be in the object stream ${container}, and is not.`, this.#offsetOf(container));
    return new PdfParser(content, offsets[index] as number).value(`Object ${number}`);
  }

  #openContainer(number: number): Container {
    const entry = this.#entries.get(number);
    const offset = this.#offsetOf(number);
    if (entry?.kind !== 'placed') throw malformed(`The object stream ${number} is not where it should be.`);
    const stream = this.#object(new PdfRef(number, entry.generation));
    if (!(stream instanceof PdfStream) || !isName(stream.dict.get('Type'), 'ObjStm')) throw malformed(`Object ${number} should be an object stream.`, offset);
    const known = this.#shared.containers.get(stream);
    if (known !== undefined) return known;
    const [count, first] = [this.get(stream.dict.get('N')), this.get(stream.dict.get('First'))];
    const content = openStream(stream, `The object stream ${number}`, offset, this.#shared.budget);
    if (typeof count !== 'number' || typeof first !== 'number' || count < 0 || count > MAX_PACKED || first < 0 || first > content.length) throw malformed(`The object stream ${number} does not say what is in it.`, offset);
    const numbers: number[] = [];
    const offsets: number[] = [];
    const parser = new PdfParser(content, 0, first);
    for (let index = 0; index < count; index++) {
      numbers.push(parser.integer('A number in an object stream'));
      offsets.push(first + parser.integer('An offset in an object stream', content.length));
    }
    const container = { content, numbers, offsets };
    this.#shared.containers.set(stream, container);
    return container;
  }

  #offsetOf(number: number): number {
    const entry = this.#entries.get(number);
    return entry?.kind === 'placed' ? entry.offset : 0;
  }
}

/** The last lines (§7.5.5): where the newest cross-reference section is. */
function readEnd(bytes: Buffer): { offset: number; closedAt: number | undefined } {
  const from = Math.max(0, bytes.length - END_SEARCH);
  const found = bytes.subarray(from).lastIndexOf('startxref');
  if (found < 0) throw malformed('It has no end: where the cross-reference section is (startxref) is not told. It was cut off, or is damaged.', bytes.length, 'Get the file anew, or have another program repair it.');
  const parser = new PdfParser(bytes, from + found);
  parser.word('startxref');
  const offset = parser.integer('The offset of the cross-reference section', bytes.length);
  const close = bytes.indexOf('%%EOF', parser.at, 'latin1');
  if (close < 0) return { offset, closedAt: undefined };
  const after = close + 5;
  return { offset, closedAt: after + (bytes[after] === 0x0d ? (bytes[after + 1] === 0x0a ? 2 : 1) : bytes[after] === 0x0a ? 1 : 0) };
}
