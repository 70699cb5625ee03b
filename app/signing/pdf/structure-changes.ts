import type { Findings } from './changes.ts';
import { type Differences, keysOf } from './differences.ts';
import type { PdfDocument } from './document.ts';
import { isName, type PdfDict, PdfRef, type PdfValue } from './values.ts';

/** What became of a document's structure, which screen readers read (ISO 32000-2 §14.7): a field that was added to be signed may stand in it, and nothing else may change. */

const MAX_ELEMENTS = 500_000;
const MAX_DEPTH = 5;
const SPECIAL = new Set(['K', 'ParentTree', 'ParentTreeNextKey']);

/** @returns the numbers of all elements that the root leads to by its children. */
export function elementsOf(document: PdfDocument): Set<number> {
  const found = new Set<number>();
  const left: PdfValue[] = childrenOf(document, document.dict(document.root.get('StructTreeRoot')));
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (!(next instanceof PdfRef) || found.has(next.number) || found.size === MAX_ELEMENTS) continue;
    const element = document.dict(next);
    if (element === undefined || !element.has('S')) continue;
    found.add(next.number);
    left.push(...childrenOf(document, element));
  }
  return found;
}

function childrenOf(document: PdfDocument, element: PdfDict | undefined): PdfValue[] {
  const kids = element?.get('K');
  return document.array(kids) ?? (kids === undefined ? [] : [kids]);
}

export class StructureChanges {
  readonly #differences: Differences;
  readonly #found: Findings;
  readonly #isField: (number: number) => boolean;

  /** @param isField whether an object of the newer version is a field of its form. */
  constructor(differences: Differences, found: Findings, isField: (number: number) => boolean) {
    this.#differences = differences;
    this.#found = found;
    this.#isField = isField;
  }

  compare(was: PdfValue | undefined, is: PdfValue | undefined): void {
    const { older, newer } = this.#differences;
    const [before, after] = [older.dict(was), newer.dict(is)];
    if (before === undefined || after === undefined) return this.#strict(was, is, 'the structure');
    for (const key of keysOf(before, after)) if (!SPECIAL.has(key)) this.#strict(before.get(key), after.get(key), `the structure’s ${key}`);
    this.#parents(numbersIn(older, before.get('ParentTree')), numbersIn(newer, after.get('ParentTree')));
    const seen = new Set<PdfDict>([before]);
    const left: [PdfDict, PdfDict][] = [[before, after]];
    for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
      for (const [from, to] of this.#children(...pair)) {
        if (seen.has(from)) continue;
        seen.add(from);
        for (const key of keysOf(from, to)) if (key !== 'K') this.#strict(from.get(key), to.get(key), `the structure: ${key} of an element`);
        left.push([from, to]);
      }
    }
  }

  /** @returns elements that are in both, in pairs; what is new must be there for a field. */
  #children(before: PdfDict, after: PdfDict): [PdfDict, PdfDict][] {
    const { older, newer } = this.#differences;
    const pairs: [PdfDict, PdfDict][] = [];
    const news = childrenOf(newer, after);
    let at = 0;
    for (const old of childrenOf(older, before)) {
      while (at < news.length && !this.#isSame(old, news[at] as PdfValue)) this.#added(news[at++] as PdfValue);
      if (at === news.length) {
        this.#found.other('the structure lost an element');
        return pairs;
      }
      const [from, to] = [older.dict(old), newer.dict(news[at++])];
      if (old instanceof PdfRef && from?.has('S') === true && to !== undefined) pairs.push([from, to]);
      else this.#strict(old, news[at - 1], 'the structure: what an element holds');
    }
    news.slice(at).forEach((one) => this.#added(one));
    return pairs;
  }

  #isSame(old: PdfValue, other: PdfValue): boolean {
    return old instanceof PdfRef ? old.is(other) : !(other instanceof PdfRef) && this.#differences.first(old, other, '') === undefined;
  }

  #added(value: PdfValue): void {
    if (!this.#isForField(value, 0)) this.#found.other('the structure has a new element');
  }

  /** OBJR (§14.7.5.3) of a field, or elements around it. */
  #isForField(value: PdfValue, depth: number): boolean {
    const { newer } = this.#differences;
    const element = newer.dict(value);
    if (element === undefined || depth > MAX_DEPTH) return false;
    if (isName(element.get('Type'), 'OBJR')) {
      const object = element.get('Obj');
      return object instanceof PdfRef && this.#isField(object.number);
    }
    const kids = childrenOf(newer, element);
    return kids.length > 0 && kids.every((kid) => this.#isForField(kid, depth + 1));
  }

  #parents(before: ReadonlyMap<number, PdfValue>, after: ReadonlyMap<number, PdfValue>): void {
    for (const [number, value] of before) this.#strict(value, after.get(number), 'the structure’s ParentTree');
  }

  #strict(from: PdfValue | undefined, to: PdfValue | undefined, where: string): void {
    const place = this.#differences.first(from, to, where);
    if (place !== undefined) this.#found.other(place);
  }
}

/** The entries of a number tree (§7.9.7). */
function numbersIn(document: PdfDocument, tree: PdfValue | undefined): Map<number, PdfValue> {
  const entries = new Map<number, PdfValue>();
  const seen = new Set<PdfDict>();
  const left: (PdfValue | undefined)[] = [tree];
  while (left.length > 0) {
    const node = document.dict(left.pop());
    if (node === undefined || seen.has(node)) continue;
    seen.add(node);
    const pairs = document.array(node.get('Nums')) ?? [];
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      const key = document.get(pairs[index]);
      if (typeof key === 'number') entries.set(key, pairs[index + 1] as PdfValue);
    }
    left.push(...(document.array(node.get('Kids')) ?? []));
  }
  return entries;
}
