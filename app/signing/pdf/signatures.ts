import { KeywrightError } from '../../contract/index.ts';
import { malformed } from '../../formats/malformed.ts';
import type { PdfDocument } from './document.ts';
import { type FormField, signatureFields } from './fields.ts';
import { isName, PdfDict, PdfName, PdfRef, PdfString, type PdfValue } from './values.ts';

/** The signatures of a document, and whether the bytes that each says it covers are those that it must cover (ISO 32000-2 §12.8.1). */

export interface PdfSignature {
  readonly field: FormField;
  /** The signature dictionary (Table 255); undefined when the field's value is none. */
  readonly dict: PdfDict | undefined;
  /** Several fields have this signature as their value. */
  readonly shared: boolean;
}

/** What a signature covers. */
export interface Covered {
  /** Bytes before the gap, where the signature itself lies, and where it ends. */
  readonly gap: { readonly from: number; readonly to: number };
  /** End of the version that was signed. */
  readonly end: number;
  /** CMS, with the zeros that fill its place. */
  readonly contents: Buffer;
  /** The document as it was signed. */
  readonly signed: PdfDocument;
}

const MAX_SIGNATURES = 50;

/** @returns the signatures of the newest version, in the order in which they were made. @throws INVALID_INPUT */
export function signaturesOf(document: PdfDocument): PdfSignature[] {
  const signed = signatureFields(document).filter(({ dict }) => (dict.get('V') ?? null) !== null);
  if (signed.length > MAX_SIGNATURES) throw malformed(`There are ${signed.length} signatures; ${MAX_SIGNATURES} are the most.`);
  const counts = new Map<PdfValue, number>();
  const valueOf = ({ value }: FormField): PdfValue => document.get(value);
  for (const field of signed) counts.set(valueOf(field), (counts.get(valueOf(field)) ?? 0) + 1);
  return signed.map((field) => {
    const value = valueOf(field);
    return { field, dict: value instanceof PdfDict ? value : undefined, shared: value instanceof PdfDict && (counts.get(value) ?? 0) > 1 };
  }).sort((a, b) => endOf(a) - endOf(b));
}

/** @returns where a signature claims to end, to bring them into their order. */
function endOf({ dict }: PdfSignature): number {
  const range = dict?.get('ByteRange');
  const [third, fourth] = Array.isArray(range) ? range.slice(2) : [];
  return typeof third === 'number' && typeof fourth === 'number' ? third + fourth : 0;
}

/** @returns what it covers, or in a sentence why it covers nothing that could be relied on. */
export function coveredBy({ dict, field, shared }: PdfSignature, document: PdfDocument): Covered | string {
  if (dict === undefined) return 'The field holds no signature: its value is something else.';
  if (shared) return 'Several fields share this one signature.';
  if (dict.twice !== undefined) return `The signature says twice what its ${dict.twice} is.`;
  if (field.value instanceof PdfRef && document.entry(field.value.number)?.kind !== 'placed') return 'The signature lies within an object stream, where none can be.';
  const [range, contents] = [dict.get('ByteRange'), dict.get('Contents')];
  if (range === undefined || range === null) return 'The signature does not say which bytes it covers: it has no ByteRange.';
  if (contents === undefined || contents === null) return 'There is no signature in its place: Contents is missing.';
  if (!Array.isArray(range) || range.length !== 4 || !range.every((one) => typeof one === 'number' && Number.isSafeInteger(one) && one >= 0)) return 'The bytes that the signature covers are not two ranges (ByteRange).';
  const [start, before, after, rest] = range as [number, number, number, number];
  if (!(contents instanceof PdfString) || !contents.hex) return 'What should be the signature (Contents) is not a string in hexadecimal.';
  if (start !== 0) return `The first ${start} bytes of the document are not covered.`;
  if (after <= before) return 'The two ranges that the signature covers overlap.';
  const end = after + rest;
  if (end > document.bytes.length) return 'The signature covers more bytes than the document has: it was cut off.';
  if (contents.from !== before || contents.to !== after) return 'The gap in what the signature covers is not the place of the signature itself: something in it is not covered, or the ranges were moved.';
  if (contents.bytes.length * 2 + 2 !== after - before) return 'The place of the signature holds other characters than the signature.';
  return inItsVersion({ gap: { from: before, to: after }, end, contents: contents.bytes }, field, document);
}

/** Line ends, spaces and zeros, which some programs leave behind the end. */
export const isBlank = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0 || byte === 0x0a || byte === 0x0d || byte === 0x20);

/** The covered bytes must be a document themselves, which ends where they end, and in which this signature stands in this field. */
function inItsVersion(covered: Omit<Covered, 'signed'>, field: FormField, document: PdfDocument): Covered | string {
  try {
    const signed = document.before(covered.end);
    if (signed.closedAt === undefined || !isBlank(signed.bytes.subarray(signed.closedAt))) return 'The signature covers neither the whole document nor a whole version of it: what it covers ends within one.';
    const there = signatureFields(signed).find(({ name, ref }) => name === field.name && ref?.number === field.ref?.number);
    const value = there === undefined ? undefined : signed.dict(there.value);
    const contents = value?.get('Contents');
    const isSame = contents instanceof PdfString && contents.from === covered.gap.from && contents.to === covered.gap.to;
    return isSame ? { ...covered, signed } : 'The signature does not stand in this field in the version that it covers: it was put elsewhere.';
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return `What the signature covers is not a document of its own: ${thrown.message}`;
    throw thrown;
  }
}

/** What the author of a certified document allows: 1 nothing, 2 forms and signatures, 3 annotations too (ISO 32000-2 §12.8.2.2). */
export type Permission = 1 | 2 | 3;

interface Restrictions {
  /** Undefined: it is no certification. */
  readonly permission: Permission | undefined;
  /** Which fields must not change any more (§12.8.2.4). */
  locks(field: string): boolean;
}

/** @returns what a signature forbids from then on. */
export function restrictionsOf(signature: PdfDict, document: PdfDocument): Restrictions {
  const references = (document.array(signature.get('Reference')) ?? []).slice(0, 100).map((one) => document.dict(one));
  const parametersOf = (method: string): PdfDict[] => references.flatMap((one) => (one !== undefined && isName(document.get(one.get('TransformMethod')), method) ? [document.dict(one.get('TransformParams')) ?? new PdfDict()] : []));
  const levels = parametersOf('DocMDP').map((one) => document.get(one.get('P')) ?? 2).map((level) => (level === 1 || level === 3 ? level : 2));
  const locks = parametersOf('FieldMDP').map((one) => lockOf(one, document));
  return { permission: levels.length === 0 ? undefined : (Math.min(...levels) as Permission), locks: (field) => locks.some((lock) => lock(field)) };
}

/** A lock dictionary, or the parameters of FieldMDP (Tables 236 and 259). */
function lockOf(parameters: PdfDict, document: PdfDocument): (field: string) => boolean {
  const action = document.get(parameters.get('Action'));
  const names = (document.array(parameters.get('Fields')) ?? []).flatMap((one) => {
    const name = document.get(one);
    return name instanceof PdfString ? [name.bytes.toString('latin1')] : [];
  });
  const isNamed = (field: string): boolean => names.some((name) => field === name || field.startsWith(`${name}.`));
  if (!(action instanceof PdfName)) return () => false;
  return action.value === 'Exclude' ? (field) => !isNamed(field) : action.value === 'Include' ? isNamed : () => true;
}
