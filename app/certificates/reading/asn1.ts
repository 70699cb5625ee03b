import { der, type DerElement, type DerReader, TAG } from '../../formats/der.ts';
import { malformed } from '../../formats/malformed.ts';

/** What certificates need of DER beyond what keys need: BOOLEAN, bits, times, and elements as they stand. */

export const STRING_TAGS = {
  utf8: 0x0c, numeric: 0x12, printable: 0x13, teletex: 0x14, ia5: 0x16, visible: 0x1a, universal: 0x1c, bmp: 0x1e,
} as const;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const ENUMERATED = 0x0a;

/** @returns the element with its tag and length: a view, not a copy. */
export function whole(reader: DerReader, element: DerElement): Uint8Array {
  return reader.bytes.subarray(element.offset, element.to);
}

/** @returns the value of BOOLEAN (X.690 §11.1: 0x00 or 0xff). */
export function readBoolean(reader: DerReader, what: string, tag: number = TAG.boolean): boolean {
  const element = reader.next(what, tag);
  const content = reader.content(element);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed(`${what} is no BOOLEAN of DER.`, element.offset);
  return content[0] === 0xff;
}

export interface Bits {
  readonly bytes: Uint8Array;
  /** Of the last byte, from the right. */
  readonly unused: number;
}

/** @returns a BIT STRING, whose unused bits must be zero (X.690 §11.2.1). */
export function readBits(reader: DerReader, what: string, tag: number = TAG.bitString): Bits {
  const element = reader.next(what, tag);
  const [unused = 8] = reader.content(element);
  const bytes = reader.bytes.subarray(element.from + 1, element.to);
  if (unused > 7 || (bytes.length === 0 && unused > 0)) throw malformed(`${what} is no BIT STRING.`, element.offset);
  if (unused > 0 && ((bytes.at(-1) as number) & ((1 << unused) - 1)) !== 0) throw malformed(`${what} has unused bits that are not zero.`, element.offset);
  return { bytes, unused };
}

/** @returns the numbers of the bits that are set, of a named bit list (X.680 §22.7), and whether it ends in a bit that is set (X.690 §11.2.2). */
export function readNamedBits(reader: DerReader, what: string, tag: number = TAG.bitString): { set: number[]; minimal: boolean } {
  const { offset } = reader;
  const { bytes, unused } = readBits(reader, what, tag);
  if (bytes.length > 16) throw malformed(`${what} has ${bytes.length} bytes of bits.`, offset);
  const set: number[] = [];
  bytes.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit++) if ((byte & (0x80 >> bit)) !== 0) set.push(8 * index + bit);
  });
  const length = 8 * bytes.length - unused;
  return { set, minimal: (set.at(-1) ?? -1) === length - 1 };
}

/** @returns a named bit list in its shortest form. */
export function derNamedBits(numbers: readonly number[], tag: number = TAG.bitString): Buffer {
  const highest = Math.max(-1, ...numbers);
  const bytes = Buffer.alloc(Math.ceil((highest + 1) / 8));
  for (const number of numbers) bytes[number >> 3] = (bytes[number >> 3] as number) | (0x80 >> (number & 7));
  return der(tag, Buffer.of(highest < 0 ? 0 : 7 - (highest & 7)), bytes);
}

export const derBoolean = (value: boolean): Buffer => der(TAG.boolean, Buffer.of(value ? 0xff : 0));

/** A point in time and how it was written, since RFC 5280 §4.1.2.5 says which form which year has. */
export interface Asn1Time {
  readonly date: Date;
  readonly form: 'utc' | 'generalized';
}

/**
 * Reads UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5.1 and §4.1.2.5.2 restrict them: with seconds, in UTC, no fraction.
 * @throws INVALID_INPUT also for a day that no calendar has
 */
export function readTime(reader: DerReader, what: string): Asn1Time {
  const element = reader.next(what);
  if (element.tag !== UTC_TIME && element.tag !== GENERALIZED_TIME) throw malformed(`${what} is neither UTCTime nor GeneralizedTime.`, element.offset);
  return { date: parseTime(reader, element, what), form: element.tag === UTC_TIME ? 'utc' : 'generalized' };
}

/** Reads GeneralizedTime, under an implicit tag too. */
export function readGeneralizedTime(reader: DerReader, what: string, tag: number = GENERALIZED_TIME): Date {
  return parseTime(reader, reader.next(what, tag), what);
}

function parseTime(reader: DerReader, element: DerElement, what: string): Date {
  const text = Buffer.from(reader.content(element)).toString('latin1');
  const long = element.tag !== UTC_TIME;
  const found = (long ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(text);
  if (found === null) throw malformed(`${what} is not written as ${long ? 'YYYYMMDDHHMMSSZ' : 'YYMMDDHHMMSSZ'} (RFC 5280 §4.1.2.5).`, element.offset);
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number) as [number, number, number, number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(long ? year : year + (year >= 50 ? 1900 : 2000), month - 1, day);
  date.setUTCHours(hour, minute, second);
  const fits = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour && date.getUTCMinutes() === minute && date.getUTCSeconds() === second;
  if (!fits) throw malformed(`${what} is a time that does not exist.`, element.offset);
  return date;
}

/** @returns UTCTime through 2049, GeneralizedTime from then on and before 1950 (RFC 5280 §4.1.2.5). Milliseconds are dropped. */
export function derTime(date: Date): Buffer {
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050 ? der(UTC_TIME, Buffer.from(`${digits(date).slice(2)}Z`)) : derGeneralizedTime(date);
}

/** @returns a GeneralizedTime in UTC to the second (RFC 5280 §4.1.2.5.2), DER. @param tag in its place where it is implicit @throws INVALID_INPUT outside of the years 0 to 9999 */
export function derGeneralizedTime(date: Date, tag: number = GENERALIZED_TIME): Buffer {
  return der(tag, Buffer.from(`${digits(date)}Z`));
}

function digits(date: Date): string {
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 0 || date.getUTCFullYear() > 9999) throw malformed('A time should lie between the years 0 and 9999.');
  return date.toISOString().replace(/\.\d+Z$/, '').replaceAll(/[-T:]/g, '');
}

/** @returns the elements that a reader holds, each read by `read`. @throws INVALID_INPUT for more than `max` */
export function readAll<T>(reader: DerReader, what: string, max: number, read: (reader: DerReader) => T): T[] {
  const found: T[] = [];
  while (!reader.atEnd) {
    if (found.length === max) throw malformed(`There are more than ${max} ${what}.`, reader.offset);
    found.push(read(reader));
  }
  return found;
}
