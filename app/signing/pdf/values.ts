/** The values that a PDF is made of (ISO 32000-2 §7.3), as they were read; and how they are written. */

export class PdfName {
  readonly value: string;

  /** @param value without the slash, #xx resolved; one character a byte. */
  constructor(value: string) {
    this.value = value;
  }
}

export class PdfString {
  readonly bytes: Buffer;
  /** Where it lies with its delimiters, in the bytes that it was read from. */
  readonly from: number;
  readonly to: number;
  readonly hex: boolean;

  constructor(bytes: Buffer, place: { readonly from: number; readonly to: number; readonly hex: boolean } = { from: 0, to: 0, hex: false }) {
    this.bytes = bytes;
    this.from = place.from;
    this.to = place.to;
    this.hex = place.hex;
  }
}

/** An indirect reference (§7.3.10). */
export class PdfRef {
  readonly number: number;
  readonly generation: number;

  constructor(number: number, generation = 0) {
    this.number = number;
    this.generation = generation;
  }

  is(other: PdfValue | undefined): boolean {
    return other instanceof PdfRef && other.number === this.number && other.generation === this.generation;
  }
}

export class PdfDict extends Map<string, PdfValue> {
  /** A key that is there twice: readers differ in which one they take. */
  twice: string | undefined;
}

export class PdfStream {
  readonly dict: PdfDict;
  /** As they lie in the file: still compressed. */
  readonly bytes: Buffer;

  constructor(dict: PdfDict, bytes: Buffer) {
    this.dict = dict;
    this.bytes = bytes;
  }
}

export type PdfValue = null | boolean | number | PdfName | PdfString | PdfRef | PdfDict | PdfStream | PdfValue[];

export const name = (value: string): PdfName => new PdfName(value);
export const dict = (entries: Readonly<Record<string, PdfValue>>): PdfDict => new PdfDict(Object.entries(entries));
export const isName = (value: PdfValue | undefined, ...names: readonly string[]): boolean => value instanceof PdfName && names.includes(value.value);

/** A text string (§7.9.2.2): in the plain alphabet where that has all of it, else in UTF-16 with its mark. */
export function textString(text: string): PdfString {
  if (/^[\x20-\x7e]*$/.test(text)) return new PdfString(Buffer.from(text, 'latin1'));
  return new PdfString(Buffer.concat([Buffer.of(0xfe, 0xff), Buffer.from(text, 'utf16le').swap16()]));
}

/** @returns what a text string says. Bytes of PDFDocEncoding that differ from Latin-1 are rare in names, and come out as Latin-1 has them. */
export function textOf(value: PdfValue | undefined): string | undefined {
  if (!(value instanceof PdfString)) return undefined;
  const { bytes } = value;
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return Buffer.from(bytes.subarray(2, bytes.length - (bytes.length % 2))).swap16().toString('utf16le');
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.toString('utf8', 3);
  return bytes.toString('latin1');
}

/** @returns a date (§7.9.4) in UTC; undefined for what is none. */
export function dateOf(value: PdfValue | undefined): Date | undefined {
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', zone = 'Z', hours = '00', minutes = '00'] =
    /^D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([Z+-])(?:(\d\d)'?(?:(\d\d)'?)?)?)?$/.exec(textOf(value) ?? '') ?? [];
  if (year === undefined) return undefined;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone === 'Z' ? 'Z' : `${zone}${hours}:${minutes}`}`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

export function dateString(at: Date): PdfString {
  return new PdfString(Buffer.from(`D:${at.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}+00'00'`));
}

/** @returns a value as a file has it; streams are written by who places objects. */
export function serialise(value: PdfValue): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Number.isInteger(value) ? value.toFixed(0) : value.toFixed(10).replace(/0+$/, '').replace(/\.$/, '');
  if (value instanceof PdfName) return `/${value.value.replaceAll(/[^!-~]|[#%()/<>[\]{}]/g, (character) => `#${character.charCodeAt(0).toString(16).padStart(2, '0')}`)}`;
  if (value instanceof PdfString) return `<${value.bytes.toString('hex')}>`;
  if (value instanceof PdfRef) return `${value.number} ${value.generation} R`;
  if (Array.isArray(value)) return `[${value.map(serialise).join(' ')}]`;
  return `<<${[...(value instanceof PdfStream ? value.dict : value)].map(([key, member]) => `${serialise(new PdfName(key))} ${serialise(member)}`).join(' ')}>>`;
}
