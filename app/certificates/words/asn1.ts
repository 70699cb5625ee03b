import { DerReader } from '../../formats/der.ts';
import { decodeString, harmless, hexOf, isStringTag } from '../reading/text.ts';

const NAMES: Readonly<Record<number, string>> = { 0x01: 'BOOLEAN', 0x02: 'INTEGER', 0x03: 'BIT STRING', 0x04: 'OCTET STRING', 0x05: 'NULL', 0x06: 'OBJECT IDENTIFIER', 0x0a: 'ENUMERATED', 0x17: 'UTCTime', 0x18: 'GeneralizedTime', 0x30: 'SEQUENCE', 0x31: 'SET' };
const MAX_DEPTH = 16;
const MAX_LINES = 200;

/** @returns any DER as an indented list, one element a line; bytes that are none as hex. For what has no words of its own. */
export function asn1Lines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  try {
    walk(new DerReader(bytes), 0, lines);
    return lines;
  } catch {
    return [hexOf(bytes, 256)];
  }
}

function walk(reader: DerReader, depth: number, lines: string[]): void {
  while (!reader.atEnd) {
    if (lines.length >= MAX_LINES) {
      if (lines.at(-1) !== '…') lines.push('…');
      return;
    }
    const element = reader.next('an element');
    const content = reader.content(element);
    const indent = '  '.repeat(depth);
    const name = NAMES[element.tag] ?? ((element.tag & 0xc0) === 0x80 ? `[${element.tag & 0x1f}]` : `tag 0x${element.tag.toString(16)}`);
    if ((element.tag & 0x20) !== 0 && depth < MAX_DEPTH) {
      lines.push(`${indent}${name}`);
      walk(reader.inside(element), depth + 1, lines);
    } else lines.push(`${indent}${name} ${leaf(element.tag, content, reader, element.offset)}`.trimEnd());
  }
}

function leaf(tag: number, content: Uint8Array, reader: DerReader, offset: number): string {
  if (isStringTag(tag)) return `“${harmless(decodeString(tag, content).text.slice(0, 200))}”`;
  if (tag === 0x06) return new DerReader(reader.bytes, offset).oid('it');
  if (tag === 0x02 && content.length <= 8) return new DerReader(reader.bytes, offset).integer('it').toString();
  if (tag === 0x17 || tag === 0x18) return harmless(Buffer.from(content).toString('latin1').slice(0, 40));
  return hexOf(content, 64);
}
