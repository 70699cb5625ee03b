import type { Findings } from './changes.ts';
import { type Differences, keysOf } from './differences.ts';
import { fieldOf, fieldsOf, type FormField } from './fields.ts';
import { isName, PdfDict, PdfRef, type PdfValue } from './values.ts';

/** What became of a document's form: fields that were filled in, signed, or added to be signed. */

/** What is filled in, and how it is shown. */
const FILLED = new Set(['V', 'AP', 'AS', 'I', 'RV', 'Ff', 'F', 'DA', 'Q', 'MK']);
/** Of a signature's field while it is being signed. */
const SIGNED = new Set(['V', 'AP', 'AS', 'F', 'Ff', 'MK']);
/** Says nothing: when it changed, and which page it is on, where it is found anyway. */
const SILENT = new Set(['M', 'NM']);
const HIDDEN = 0x02 | 0x20;

export class FormChanges {
  readonly #differences: Differences;
  readonly #found: Findings;
  readonly #before: ReadonlyMap<number, FormField>;
  readonly #after: ReadonlyMap<number, FormField>;

  constructor(differences: Differences, found: Findings) {
    this.#differences = differences;
    this.#found = found;
    [this.#before, this.#after] = [differences.older, differences.newer].map((document) => new Map(fieldsOf(document).flatMap((field) => (field.ref === undefined ? [] : [[field.ref.number, field] as const])))) as [Map<number, FormField>, Map<number, FormField>];
  }

  /** Whether an object is a field, or a widget of one, in both versions. */
  has(number: number): boolean {
    return this.#before.has(number) && this.#after.has(number);
  }

  isNew(number: number): boolean {
    return !this.#before.has(number) && this.#after.has(number);
  }

  /** A field that was there, and is now shown on a page. */
  shown(number: number, place: string): void {
    if (this.#after.get(number)?.type === 'Sig') this.#found.showsNewField ||= isVisible(this.#after.get(number)?.dict);
    else this.#found.other(`${place}: a field that was not shown there`);
  }

  compare(was: PdfValue | undefined, is: PdfValue | undefined): void {
    const { older, newer } = this.#differences;
    const [before, after] = [older.dict(was), newer.dict(is)];
    if (after === undefined) {
      if (before !== undefined) this.#found.other('the form was taken away');
      return;
    }
    if (after.twice !== undefined) this.#found.other(`the form has ${after.twice} twice`);
    for (const key of keysOf(before, after)) {
      const [from, to] = [before?.get(key), after.get(key)];
      if (key === 'Fields') this.#lists(older.array(from) ?? [], newer.array(to) ?? [], undefined, undefined);
      else if (key === 'DR') this.#resources(older.dict(from), newer.dict(to));
      else if (key === 'NeedAppearances') {
        if (this.#differences.first(from, to, key) !== undefined) this.#found.kinds.add('form');
      } else if (key !== 'SigFlags' && !(key === 'DA' && from === undefined)) this.#strict(from, to, `the form’s ${key}`);
    }
  }

  /** Fonts may be added; those that were there are shown in fields. */
  #resources(before: PdfDict | undefined, after: PdfDict | undefined): void {
    const { older, newer } = this.#differences;
    for (const key of before?.keys() ?? []) {
      const [from, to] = [older.get(before?.get(key)), newer.get(after?.get(key))];
      if (from instanceof PdfDict && to instanceof PdfDict) for (const [name, value] of from) this.#strict(value, to.get(name), `the form’s ${key} ${name}`);
      else this.#strict(from, to, `the form’s ${key}`);
    }
  }

  #strict(from: PdfValue | undefined, to: PdfValue | undefined, where: string): void {
    const place = this.#differences.first(from, to, where);
    if (place !== undefined) this.#found.other(place);
  }

  #lists(older: readonly PdfValue[], newer: readonly PdfValue[], parentBefore: FormField | undefined, parentAfter: FormField | undefined): void {
    const places = new Set<number>();
    const positions = new Map(newer.flatMap((other, at) => (other instanceof PdfRef ? [[other.number, at] as const] : [])));
    for (const one of older) {
      const index = one instanceof PdfRef ? (positions.get(one.number) ?? -1) : newer.findIndex((other, at) => !places.has(at) && !(other instanceof PdfRef) && this.#differences.first(one, other, '') === undefined);
      const before = this.#differences.older.dict(one);
      if (before === undefined) continue;
      const field = fieldOf(this.#differences.older, one instanceof PdfRef ? one : undefined, before, parentBefore);
      const after = index < 0 ? undefined : this.#differences.newer.dict(newer[index]);
      if (after === undefined) {
        this.#found.other(`the field “${field.name}” was taken away`);
        continue;
      }
      places.add(index);
      this.#field(field, fieldOf(this.#differences.newer, field.ref, after, parentAfter));
    }
    newer.forEach((one, index) => {
      const after = places.has(index) ? undefined : this.#differences.newer.dict(one);
      if (after !== undefined) this.#newField(fieldOf(this.#differences.newer, one instanceof PdfRef ? one : undefined, after, parentAfter));
    });
  }

  #field(before: FormField, after: FormField): void {
    const { older, newer } = this.#differences;
    const isSignature = before.type === 'Sig';
    const signedNow = isSignature && older.get(before.value) === null && newer.get(after.value) !== null;
    if (after.dict.twice !== undefined && after.dict !== before.dict) this.#found.other(`the field “${before.name}” has ${after.dict.twice} twice`);
    let changed = false;
    for (const key of keysOf(before.dict, after.dict)) {
      const [from, to] = [before.dict.get(key), after.dict.get(key)];
      if (key === 'Kids') this.#lists(older.array(from) ?? [], newer.array(to) ?? [], before, after);
      else if (SILENT.has(key) || ((key === 'P' || key === 'StructParent') && from === undefined)) continue;
      else if (signedNow ? SIGNED.has(key) : !isSignature && FILLED.has(key)) changed ||= this.#differences.first(from, to, key) !== undefined;
      else this.#strict(from, to, `the field “${before.name}”: ${key}`);
    }
    if (signedNow) this.#signed(after, changed);
    else if (changed) this.#found.form(before.name);
  }

  #signed(field: FormField, counts: boolean): void {
    if (!counts) return;
    const signature = this.#differences.newer.dict(field.value);
    const isTimestamp = isName(signature?.get('Type'), 'DocTimeStamp') || isName(signature?.get('SubFilter'), 'ETSI.RFC3161');
    this.#found.add(isTimestamp ? 'timestamp' : 'signature');
    if (!isTimestamp && this.#before.has(field.ref?.number ?? -1)) this.#found.fields.push(field.name);
  }

  #newField(field: FormField): void {
    const { newer } = this.#differences;
    if (field.type !== 'Sig' || field.dict.twice !== undefined) return this.#found.other(`there is a new field “${field.name}”`);
    if (field.dict.has('AA') || field.dict.has('A')) return this.#found.other(`the new field “${field.name}” acts by itself`);
    const isFilled = newer.get(field.value) !== null;
    if (isFilled) this.#signed(field, true);
    else this.#found.kinds.add('form');
    for (const widget of [field.dict, ...(newer.array(field.dict.get('Kids')) ?? []).map((kid) => newer.dict(kid))]) {
      if (!isVisible(widget)) continue;
      this.#found.showsNewField = true;
      // Nobody signed it, yet it shows something.
      if (!isFilled && widget?.has('AP') === true) this.#found.add('annotation');
    }
  }
}

/** Whether it takes a place on its page, and is not hidden (ISO 32000-2 §12.5.3). */
function isVisible(widget: PdfDict | undefined): boolean {
  const [rect, flags] = [widget?.get('Rect'), widget?.get('F')];
  if (typeof flags === 'number' && (flags & HIDDEN) !== 0) return false;
  if (rect === undefined) return false;
  if (!Array.isArray(rect)) return true;
  const [left, bottom, right, top] = rect;
  return left !== right && bottom !== top;
}
