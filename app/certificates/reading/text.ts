import type { DerElement, DerReader } from '../../formats/der.ts';
import { malformed } from '../../formats/malformed.ts';
import { STRING_TAGS } from './asn1.ts';

/** The string types of ASN.1 as text, and text from strangers made harmless. */

const STRING_NAMES: Readonly<Record<number, string>> = {
  [STRING_TAGS.utf8]: 'UTF8String', [STRING_TAGS.numeric]: 'NumericString', [STRING_TAGS.printable]: 'PrintableString', [STRING_TAGS.teletex]: 'TeletexString',
  [STRING_TAGS.ia5]: 'IA5String', [STRING_TAGS.visible]: 'VisibleString', [STRING_TAGS.universal]: 'UniversalString', [STRING_TAGS.bmp]: 'BMPString',
};

/** What each of the narrow types may hold (X.680 §41.2 to §41.4). */
const ALPHABETS: Readonly<Record<number, RegExp>> = {
  [STRING_TAGS.numeric]: /^[0-9 ]*$/, [STRING_TAGS.printable]: /^[A-Za-z0-9 '()+,\-./:=?]*$/, [STRING_TAGS.ia5]: /^[\x00-\x7f]*$/, [STRING_TAGS.visible]: /^[\x20-\x7e]*$/,
};

export const isStringTag = (tag: number): boolean => tag in STRING_NAMES;
export const stringTypeName = (tag: number): string => STRING_NAMES[tag] ?? `tag 0x${tag.toString(16)}`;
export const isPrintableString = (text: string): boolean => (ALPHABETS[STRING_TAGS.printable] as RegExp).test(text);

/** Text and what is wrong with how it was written, if anything. */
interface ReadText {
  readonly text: string;
  readonly fault?: string;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf16 = new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true });

/** @returns the text of a string; bytes that are none of the type's give the best that can be shown, and a fault. */
export function decodeString(tag: number, content: Uint8Array): ReadText {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  try {
    if (tag === STRING_TAGS.utf8) return { text: utf8.decode(content) };
    if (tag === STRING_TAGS.bmp) return { text: utf16.decode(content) };
    if (tag === STRING_TAGS.universal) return { text: universal(bytes) };
  } catch {
    return { text: bytes.toString('latin1'), fault: `bytes that are no ${stringTypeName(tag)}` };
  }
  const text = bytes.toString('latin1');
  const alphabet = ALPHABETS[tag];
  return alphabet === undefined || alphabet.test(text) ? { text } : { text, fault: `characters that no ${stringTypeName(tag)} has` };
}

function universal(bytes: Buffer): string {
  if (bytes.length % 4 !== 0) throw new RangeError('half a character');
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) text += String.fromCodePoint(bytes.readUInt32BE(at));
  return text;
}

/** @returns the text of a string of any type. @throws INVALID_INPUT when it is no string or not valid */
export function readString(reader: DerReader, what: string): string {
  const element = reader.next(what);
  if (!isStringTag(element.tag)) throw malformed(`${what} should be a string.`, element.offset);
  return strictText(reader, element, what, element.tag);
}

function strictText(reader: DerReader, element: DerElement, what: string, tag: number): string {
  const { text, fault } = decodeString(tag, reader.content(element));
  if (fault !== undefined) throw malformed(`${what} is not valid text: it has ${fault}.`, element.offset);
  return text;
}

/**
 * @returns text as it may stand in a sentence or a list: control characters, marks that turn the direction of writing and
 *   invisible characters are spelled out, so that no name looks like another or moves what stands beside it.
 */
export function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff0-\uffff]/gu,
    (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
}

/** @returns bytes as hex with a space between every two digits, shortened in the middle beyond `max` bytes. */
export function hexOf(bytes: Uint8Array, max = Number.POSITIVE_INFINITY): string {
  const text = (part: Uint8Array): string => Buffer.from(part.buffer, part.byteOffset, part.length).toString('hex').replaceAll(/(..)(?=.)/g, '$1 ');
  return bytes.length <= max ? text(bytes) : `${text(bytes.subarray(0, max))} … (${bytes.length} bytes)`;
}

