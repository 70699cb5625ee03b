import { malformed } from '../../formats/malformed.ts';
import { PdfParser } from './parser.ts';
import { PdfDict, PdfRef, PdfStream, type PdfValue } from './values.ts';

interface Indirect {
  readonly value: PdfValue;
  readonly end: number;
  /** The stream's length is told by another object, which another version of the file may have changed. */
  readonly lengthElsewhere: boolean;
}

const END_OF_STREAM = Buffer.from('endstream', 'latin1');

/**
 * Reads an indirect object (ISO 32000-2 §7.3.10), and the stream that may follow (§7.3.8).
 * @param wanted the object that should be here; undefined: whichever is.
 * @param length gives the number that a reference stands for.
 * @throws INVALID_INPUT with the offset
 */
export function readIndirect(bytes: Buffer, offset: number, wanted: PdfRef | undefined, length: (ref: PdfRef) => number | undefined): Indirect {
  if (offset >= bytes.length) throw malformed(`An object should be at ${offset}, behind the end of the file.`, bytes.length);
  const parser = new PdfParser(bytes, offset);
  const number = parser.integer('The number of an object');
  const generation = parser.integer('The generation of an object', 65_535);
  parser.word('obj');
  if (wanted !== undefined && (number !== wanted.number || generation !== wanted.generation)) throw malformed(`Object ${wanted.number} should be here, and object ${number} is.`, offset);
  const value = parser.value(`Object ${number}`);
  if (!(value instanceof PdfDict) || !parser.takes('stream')) {
    // Some programs leave the word out; what follows is another object's.
    parser.takes('endobj');
    return { value, end: parser.at, lengthElsewhere: false };
  }
  if (bytes[parser.at] === 0x0d) parser.at++;
  if (bytes[parser.at] === 0x0a) parser.at++;
  const from = parser.at;
  const told = value.get('Length');
  const size = told instanceof PdfRef ? length(told) : told;
  const to = endOf(bytes, from, typeof size === 'number' && Number.isInteger(size) && size >= 0 ? size : undefined, offset);
  return { value: new PdfStream(value, bytes.subarray(from, to.content)), end: to.end, lengthElsewhere: told instanceof PdfRef };
}

/** Where a stream ends: where its length says, if the word is there, else where the word is. */
function endOf(bytes: Buffer, from: number, size: number | undefined, offset: number): { content: number; end: number } {
  if (size !== undefined && from + size <= bytes.length) {
    const parser = new PdfParser(bytes, from + size);
    if (parser.takes('endstream')) return { content: from + size, end: parser.at };
  }
  const found = bytes.indexOf(END_OF_STREAM, from);
  if (found < 0) throw malformed('A stream has no end.', offset);
  const line = bytes[found - 1] === 0x0a ? (bytes[found - 2] === 0x0d ? 2 : 1) : bytes[found - 1] === 0x0d ? 1 : 0;
  return { content: Math.max(from, found - line), end: found + END_OF_STREAM.length };
}
