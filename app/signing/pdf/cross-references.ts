import { malformed } from '../../formats/malformed.ts';
import type { Budget } from './budget.ts';
import { openStream } from './filters.ts';
import { readIndirect } from './indirect.ts';
import { PdfParser } from './parser.ts';
import { isName, PdfDict, PdfStream } from './values.ts';

/** Cross-reference tables (ISO 32000-2 §7.5.4), streams (§7.5.8), and files that have both (§7.5.8.4). */

export type Entry = { readonly kind: 'free' } | { readonly kind: 'placed'; readonly offset: number; readonly generation: number } | { readonly kind: 'packed'; readonly container: number; readonly index: number };

/** What one revision says of where its objects are. */
export interface Section {
  readonly offset: number;
  /** Where it ends, so that nobody takes one that runs over the end of an earlier version. */
  readonly end: number;
  readonly isStream: boolean;
  readonly entries: ReadonlyMap<number, Entry>;
  readonly trailer: PdfDict;
}

const MAX_OBJECTS = 1_000_000;
const MAX_REVISIONS = 1000;
const FREE: Entry = { kind: 'free' };

/** What several versions of one file share: what was read from its bytes already. */
export interface Known {
  readonly sections: Map<number, Section>;
  readonly budget: Budget;
}

/**
 * @param offset of the newest section.
 * @returns all sections, the newest first. @throws INVALID_INPUT with the offset for what is damaged or runs in circles
 */
export function readSections(bytes: Buffer, offset: number, known: Known): Section[] {
  const sections: Section[] = [];
  const seen = new Set<number>();
  let objects = 0;
  for (let next: number | undefined = offset; next !== undefined;) {
    if (seen.has(next)) throw malformed('The cross-reference sections refer to each other in a circle.', next);
    if (sections.length === MAX_REVISIONS) throw malformed(`There are more than ${MAX_REVISIONS} revisions.`, next);
    seen.add(next);
    const found = known.sections.get(next);
    const section: Section = found !== undefined && found.end <= bytes.length ? found : readSection(bytes, next, known);
    known.sections.set(next, section);
    sections.push(section);
    if ((objects += section.entries.size) > MAX_OBJECTS) throw malformed(`There are more than ${MAX_OBJECTS} objects.`, next);
    next = previousOf(section);
  }
  return sections;
}

function previousOf({ trailer, offset }: Section): number | undefined {
  const previous = trailer.get('Prev');
  if (previous === undefined || previous === null) return undefined;
  if (typeof previous !== 'number' || !Number.isInteger(previous) || previous < 0) throw malformed('The trailer does not say where the revision before it is.', offset);
  return previous;
}

function readSection(bytes: Buffer, offset: number, known: Known): Section {
  if (offset >= bytes.length) throw malformed(`The cross-reference section should be at ${offset}, behind the end of the file.`, bytes.length);
  const parser = new PdfParser(bytes, offset);
  return parser.takes('xref') ? readTable(parser, offset, known) : readCrossReferenceStream(bytes, offset, known.budget);
}

function readTable(parser: PdfParser, offset: number, known: Known): Section {
  const entries = new Map<number, Entry>();
  while (!parser.takes('trailer')) {
    const first = parser.integer('The first number of a part of the cross-reference table', MAX_OBJECTS * 10);
    const count = parser.integer('The number of entries of the cross-reference table', MAX_OBJECTS);
    for (let index = 0; index < count; index++) {
      const at = parser.integer('An offset in the cross-reference table');
      // An object at 0 is how some programs write one that is not there, with a generation of 65536.
      const generation = parser.integer('A generation in the cross-reference table', at === 0 ? 99_999 : 65_535);
      const isUsed = parser.takes('n');
      if (!isUsed) parser.word('f');
      if (!entries.has(first + index)) entries.set(first + index, isUsed && at > 0 ? { kind: 'placed', offset: at, generation } : FREE);
    }
  }
  const { at } = parser;
  const trailer = parser.value('The trailer');
  if (!(trailer instanceof PdfDict)) throw malformed('The trailer should be a dictionary.', at);
  const { at: end } = parser;
  const beside = trailer.get('XRefStm');
  if (beside !== undefined) {
    if (typeof beside !== 'number' || !Number.isInteger(beside) || beside < 0) throw malformed('The trailer does not say where its cross-reference stream is.', at);
    // Entries of the stream are hidden from old readers: the table has them as free, or not at all.
    for (const [number, entry] of readCrossReferenceStream(parser.bytes, beside, known.budget).entries) if ((entries.get(number) ?? FREE).kind === 'free') entries.set(number, entry);
  }
  return { offset, end, isStream: false, entries, trailer };
}

function readCrossReferenceStream(bytes: Buffer, offset: number, budget: Budget): Section {
  const { value: stream, end } = readIndirect(bytes, offset, undefined, () => undefined);
  if (!(stream instanceof PdfStream) || !isName(stream.dict.get('Type'), 'XRef')) throw malformed('There should be a cross-reference table or stream here, and there is neither.', offset);
  const { dict: trailer } = stream;
  const numbers = (key: string): number[] | undefined => {
    const value = trailer.get(key);
    return Array.isArray(value) && value.every((one) => typeof one === 'number' && Number.isInteger(one) && one >= 0 && one < MAX_OBJECTS * 10) ? (value as number[]) : undefined;
  };
  const size = trailer.get('Size');
  const widths = numbers('W');
  const parts = numbers('Index') ?? (typeof size === 'number' ? [0, size] : undefined);
  if (widths?.length !== 3 || widths.some((width) => width > 8) || parts === undefined || parts.length % 2 !== 0) throw malformed('The cross-reference stream does not say how it is laid out.', offset);
  const [kindWidth, firstWidth, secondWidth] = widths as [number, number, number];
  const width = kindWidth + firstWidth + secondWidth;
  const content = openStream(stream, 'The cross-reference stream', offset, budget);
  const entries = new Map<number, Entry>();
  let at = 0;
  const field = (bytesWide: number): number => {
    let value = 0;
    for (let index = 0; index < bytesWide; index++) value = value * 256 + (content[at++] as number);
    return value;
  };
  for (let part = 0; part < parts.length; part += 2) {
    const [first, count] = parts.slice(part, part + 2) as [number, number];
    if (width === 0 || count * width > content.length - at || entries.size + count > MAX_OBJECTS) throw malformed(`The cross-reference stream claims ${count} entries, which it does not have.`, offset);
    for (let index = 0; index < count; index++) {
      const kind = kindWidth === 0 ? 1 : field(kindWidth);
      const one = field(firstWidth);
      const two = field(secondWidth);
      const entry: Entry = kind === 1 ? { kind: 'placed', offset: one, generation: two } : kind === 2 ? { kind: 'packed', container: one, index: two } : FREE;
      if (!entries.has(first + index)) entries.set(first + index, entry);
    }
  }
  return { offset, end, isStream: true, entries, trailer };
}
