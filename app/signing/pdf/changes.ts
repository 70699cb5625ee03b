import type { SignedChange } from '../../contract/index.ts';
import { malformed } from '../../formats/malformed.ts';
import { Differences, keysOf } from './differences.ts';
import type { PdfDocument } from './document.ts';
import { fieldsOf, pagesOf } from './fields.ts';
import { FormChanges } from './form-changes.ts';
import { elementsOf, StructureChanges } from './structure-changes.ts';
import { isName, PdfDict, PdfRef, type PdfValue } from './values.ts';

/**
 * What became of a document after a version of it (ISO 32000-2 §12.8.2.2.2). Everything that the newer version's catalog leads to must
 * be as it was, but for what is listed here as harmless and named: an object that was exchanged is found wherever it shows.
 */
export type ChangeKind = SignedChange;

export interface Changes {
  readonly kinds: ReadonlySet<ChangeKind>;
  /** What of the kind `other` there is, in words. */
  readonly others: readonly string[];
  /** Names of form fields whose value or look changed. */
  readonly fields: readonly string[];
  /** A new field shows itself on a page. */
  readonly showsNewField: boolean;
}

/** What programs add to the trailer and write anew each time. */
const TRAILER_OF_ITS_OWN = new Set(['Size', 'Prev', 'XRefStm', 'Type', 'W', 'Index', 'Length', 'Filter', 'DecodeParms', 'ID', 'Root', 'Info']);
const MAX_OTHERS = 5;

/** @throws INVALID_INPUT for what cannot be read */
export function changesBetween(older: PdfDocument, newer: PdfDocument): Changes {
  return new Comparison(older, newer).run();
}

/** Collects what was found. */
export class Findings {
  readonly kinds = new Set<ChangeKind>();
  readonly others: string[] = [];
  readonly fields: string[] = [];
  showsNewField = false;

  add(kind: Exclude<ChangeKind, 'other' | 'form'>): void {
    this.kinds.add(kind);
  }

  form(field: string): void {
    this.kinds.add('form');
    if (!this.fields.includes(field)) this.fields.push(field);
  }

  other(what: string): void {
    this.kinds.add('other');
    if (this.others.length < MAX_OTHERS && !this.others.includes(what)) this.others.push(what);
  }
}

class Comparison {
  readonly #older: PdfDocument;
  readonly #newer: PdfDocument;
  readonly #found = new Findings();
  readonly #differences: Differences;
  readonly #form: FormChanges;

  constructor(older: PdfDocument, newer: PdfDocument) {
    this.#older = older;
    this.#newer = newer;
    const [before, after] = [governedIn(older), governedIn(newer)];
    this.#differences = new Differences(older, newer, new Set([...before].flatMap(([number, role]) => (after.get(number) === role ? [number] : []))));
    this.#form = new FormChanges(this.#differences, this.#found);
  }

  run(): Changes {
    this.#trailers();
    this.#catalogs();
    return this.#found;
  }

  #trailers(): void {
    const [before, after] = [this.#older.trailer, this.#newer.trailer];
    const root = before.get('Root');
    if (!(root instanceof PdfRef) || !root.is(after.get('Root'))) this.#found.other('the catalog is another one');
    if (this.#differences.first(before.get('Info'), after.get('Info'), 'Info') !== undefined) this.#found.add('metadata');
    for (const key of keysOf(before, after)) if (!TRAILER_OF_ITS_OWN.has(key)) this.#strict(before.get(key), after.get(key), `the trailer’s ${key}`);
  }

  #catalogs(): void {
    const [before, after] = [this.#older.root, this.#newer.root];
    if (after.twice !== undefined) this.#found.other(`the catalog has ${after.twice} twice`);
    for (const key of keysOf(before, after)) {
      const [was, is] = [before.get(key), after.get(key)];
      switch (key) {
        case 'Pages': this.#page(was, is, { pages: 0, depth: 0 }, new Set()); break;
        case 'AcroForm': this.#form.compare(was, is); break;
        case 'StructTreeRoot': new StructureChanges(this.#differences, this.#found, (number) => this.#form.isNew(number) || this.#form.has(number)).compare(was, is); break;
        case 'DSS': if (this.#differences.first(was, is, key) !== undefined) this.#found.add('validation-data'); break;
        case 'Metadata': case 'Extensions': case 'Version': if (this.#differences.first(was, is, key) !== undefined) this.#found.add('metadata'); break;
        default: this.#strict(was, is, `the catalog’s ${key}`);
      }
    }
  }

  #strict(older: PdfValue | undefined, newer: PdfValue | undefined, where: string): void {
    const place = this.#differences.first(older, newer, where);
    if (place !== undefined) this.#found.other(place);
  }

  #page(was: PdfValue | undefined, is: PdfValue | undefined, count: { pages: number; depth: number }, seen: Set<number>): void {
    if (!(was instanceof PdfRef) || !was.is(is)) return this.#found.other(count.pages === 0 ? 'the pages are others' : `after page ${count.pages} there is another one`);
    if (seen.has(was.number) || (count.depth += 1) > 100) throw malformed('The tree of pages runs in circles.');
    seen.add(was.number);
    const [before, after] = [this.#older.dict(was), this.#newer.dict(is)];
    if (before === undefined || after === undefined) return this.#found.other(`page ${count.pages + 1} is gone`);
    const isLeaf = isName(this.#older.get(before.get('Type')), 'Page') || !before.has('Kids');
    if (isLeaf) count.pages += 1;
    const place = isLeaf ? `page ${count.pages}` : 'what pages have in common';
    if (after.twice !== undefined && after !== before) this.#found.other(`${place} has ${after.twice} twice`);
    for (const key of keysOf(before, after)) {
      const [older, newer] = [before.get(key), after.get(key)];
      if (isLeaf && key === 'Annots') this.#annotations(this.#older.array(older) ?? [], this.#newer.array(newer) ?? [], place);
      else if (!isLeaf && key === 'Kids') this.#kids(this.#older.array(older) ?? [], this.#newer.array(newer) ?? [], count, seen);
      else this.#strict(older, newer, `${place}: ${key}`);
    }
    count.depth -= 1;
  }

  #kids(older: readonly PdfValue[], newer: readonly PdfValue[], count: { pages: number; depth: number }, seen: Set<number>): void {
    if (older.length !== newer.length) this.#found.other(older.length < newer.length ? 'there are more pages' : 'there are fewer pages');
    for (const [index, kid] of older.entries()) if (index < newer.length) this.#page(kid, newer[index], count, seen);
  }

  #annotations(older: readonly PdfValue[], newer: readonly PdfValue[], place: string): void {
    const positions = new Map(newer.flatMap((value, index) => (value instanceof PdfRef ? [[value.number, index] as const] : [])));
    const kept = new Set<number>();
    let last = -1;
    for (const one of older) {
      const index = one instanceof PdfRef ? positions.get(one.number) : newer.findIndex((other, at) => !kept.has(at) && !(other instanceof PdfRef) && this.#differences.first(one, other, place) === undefined);
      if (index === undefined || index < 0) {
        if (isWidget(this.#older.get(one))) this.#found.other(`${place}: a field was taken away`);
        else if (this.#older.get(one) !== null) this.#found.add('annotation');
        continue;
      }
      kept.add(index);
      if (index < last) this.#found.add('annotation');
      last = Math.max(last, index);
      this.#annotation(one, newer[index] as PdfValue, place);
    }
    newer.forEach((one, index) => {
      if (!kept.has(index)) this.#added(one, place);
    });
  }

  #annotation(was: PdfValue, is: PdfValue, place: string): void {
    if (was instanceof PdfRef && this.#form.has(was.number)) return;
    const [before, after] = [this.#older.get(was), this.#newer.get(is)];
    const differs = before instanceof PdfDict && after instanceof PdfDict
      ? [...keysOf(before, after)].some((key) => this.#differences.first(before.get(key), after.get(key), key) !== undefined) : this.#differences.first(was, is, place) !== undefined;
    if (!differs) return;
    if (isWidget(before) || isWidget(after) || !(after instanceof PdfDict)) this.#found.other(`${place}: an annotation of a kind that should not change`);
    else this.#found.add('annotation');
  }

  #added(value: PdfValue, place: string): void {
    const added = this.#newer.get(value);
    if (added === null || (value instanceof PdfRef && this.#form.isNew(value.number))) return;
    if (value instanceof PdfRef && this.#form.has(value.number)) return this.#form.shown(value.number, place);
    if (!(added instanceof PdfDict) || isWidget(added) || added.twice !== undefined) this.#found.other(`${place}: something that is no annotation was added among them`);
    else this.#found.add('annotation');
  }
}

const isWidget = (value: PdfValue): boolean => value instanceof PdfDict && isName(value.get('Subtype'), 'Widget');

/** Objects with a rule of their own, and which. */
function governedIn(document: PdfDocument): Map<number, string> {
  const governed = new Map<number, string>();
  const take = (value: PdfValue | undefined, role: string): void => {
    if (value instanceof PdfRef && document.get(value) instanceof PdfDict) governed.set(value.number, role);
  };
  for (const page of pagesOf(document)) {
    for (const annotation of document.array(page.dict.get('Annots')) ?? []) take(annotation, 'annotation');
    for (let node: PdfValue | undefined = page.ref, depth = 0; node instanceof PdfRef && depth < 100; node = document.dict(node)?.get('Parent'), depth++) take(node, 'page');
  }
  for (const number of elementsOf(document)) governed.set(number, 'element');
  for (const { ref } of fieldsOf(document)) take(ref, 'field');
  take(document.root.get('AcroForm'), 'form');
  take(document.root.get('StructTreeRoot'), 'structure');
  take(document.trailer.get('Root'), 'catalog');
  return governed;
}
