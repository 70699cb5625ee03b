import { malformed } from '../../formats/malformed.ts';
import type { PdfDocument } from './document.ts';
import { isName, type PdfDict, PdfName, PdfRef, textOf, type PdfValue } from './values.ts';

/** The fields of a document's form (ISO 32000-2 §12.7), signatures among them, and its pages (§7.7.3). */

const MAX_FIELDS = 50_000;
const MAX_PAGES = 200_000;
const MAX_DEPTH = 60;

export interface FormField {
  /** Undefined for one that lies within a list itself. */
  readonly ref: PdfRef | undefined;
  readonly dict: PdfDict;
  /** The names of its parents and its own, with dots between. */
  readonly name: string;
  /** Tx, Btn, Ch, Sig; its own or a parent's. */
  readonly type: string | undefined;
  /** Its own value, or a parent's; not resolved. */
  readonly value: PdfValue;
}

/** @returns all fields and their widgets, in the order of the file. @throws INVALID_INPUT when they run in circles */
export function fieldsOf(document: PdfDocument): FormField[] {
  const fields: FormField[] = [];
  const seen = new Set<number>();
  const walk = (list: readonly PdfValue[], parent: FormField | undefined, depth: number): void => {
    if (depth > MAX_DEPTH) throw malformed(`The form’s fields nest deeper than ${MAX_DEPTH} levels.`);
    for (const member of list) {
      const ref = member instanceof PdfRef ? member : undefined;
      const dict = document.dict(member);
      if (dict === undefined) continue;
      if (ref !== undefined && seen.has(ref.number)) throw malformed(`The form has its field ${ref.number} twice.`);
      if (ref !== undefined) seen.add(ref.number);
      if (fields.length === MAX_FIELDS) throw malformed(`The form has more than ${MAX_FIELDS} fields.`);
      const field = fieldOf(document, ref, dict, parent);
      fields.push(field);
      const kids = document.array(dict.get('Kids'));
      if (kids !== undefined) walk(kids, field, depth + 1);
    }
  };
  walk(document.array(document.dict(document.root.get('AcroForm'))?.get('Fields')) ?? [], undefined, 0);
  return fields;
}

export function fieldOf(document: PdfDocument, ref: PdfRef | undefined, dict: PdfDict, parent: Pick<FormField, 'name' | 'type' | 'value'> | undefined): FormField {
  const own = textOf(document.get(dict.get('T')));
  const type = document.get(dict.get('FT'));
  return {
    ref, dict, name: [...(parent === undefined || parent.name === '' ? [] : [parent.name]), ...(own === undefined ? [] : [own])].join('.'),
    type: type instanceof PdfName ? type.value : parent?.type, value: dict.get('V') ?? parent?.value ?? null,
  };
}

/** Fields that are, or are to be, signed: one each, whatever its widgets. */
export function signatureFields(document: PdfDocument): FormField[] {
  return fieldsOf(document).filter(({ dict, type }) => type === 'Sig' && (dict.has('T') || !dict.has('Parent')));
}

export interface Page {
  readonly ref: PdfRef;
  readonly dict: PdfDict;
  /** What it has itself, or from the nodes above it. */
  inherited(key: string): PdfValue;
}

/** @returns the pages in their order. @throws INVALID_INPUT when they run in circles */
export function pagesOf(document: PdfDocument): Page[] {
  const pages: Page[] = [];
  const seen = new Set<number>();
  const walk = (value: PdfValue | undefined, above: readonly PdfDict[]): void => {
    const dict = document.dict(value);
    if (dict === undefined || !(value instanceof PdfRef)) throw malformed('The pages are not where they should be.');
    if (seen.has(value.number)) throw malformed('The tree of pages runs in circles.');
    if (above.length > MAX_DEPTH || pages.length === MAX_PAGES) throw malformed('The tree of pages is too large.');
    seen.add(value.number);
    const line = [dict, ...above];
    const kids = isName(document.get(dict.get('Type')), 'Page') ? undefined : document.array(dict.get('Kids'));
    if (kids === undefined) pages.push({ ref: value, dict, inherited: (key) => document.get(line.find((one) => one.has(key))?.get(key)) });
    else for (const kid of kids) walk(kid, line);
  };
  walk(document.root.get('Pages'), []);
  return pages;
}
