import type { PdfDocument } from './document.ts';
import { PdfDict, PdfName, PdfRef, PdfStream, PdfString, type PdfValue } from './values.ts';

/** Compares all that values of two versions of a document lead to. */

const LONGEST_PLACE = 8;
/** Where what is drawn is looked up by names of the author's own choice: a field that stands there is no field, but a list of pictures. */
const DRAWN = new Set(['Resources', 'DR', 'Font', 'XObject', 'ExtGState', 'ColorSpace', 'Pattern', 'Shading', 'Properties', 'CharProcs', 'Encoding', 'AP', 'N', 'R', 'D']);

interface Pair {
  readonly older: PdfValue;
  readonly newer: PdfValue;
  readonly key: string;
  /** Whose member it is. */
  readonly within: Pair | undefined;
}

/** Pairs of objects that were met: by the number that both have, or by both numbers. */
class Met {
  readonly #one = new Set<number>();
  readonly #two = new Set<string>();

  has(from: number, to: number): boolean {
    return from === to ? this.#one.has(from) : this.#two.has(`${from}:${to}`);
  }

  add(from: number, to: number): void {
    if (from === to) this.#one.add(from);
    else this.#two.add(`${from}:${to}`);
  }

  addAll(others: Met): void {
    for (const number of others.#one) this.#one.add(number);
    for (const pair of others.#two) this.#two.add(pair);
  }
}

/** Compares two versions of a document, object by object, wherever they are led to. */
export class Differences {
  readonly older: PdfDocument;
  readonly newer: PdfDocument;
  /** Objects that have a rule of their own (pages, fields, annotations), and are not looked into on the way. */
  readonly governed: ReadonlySet<number>;
  readonly #equal = new Met();

  constructor(older: PdfDocument, newer: PdfDocument, governed: ReadonlySet<number>) {
    this.older = older;
    this.newer = newer;
    this.governed = governed;
  }

  /** @param where what is compared, its key last. @returns where the first difference is; undefined when all is the same. @throws INVALID_INPUT for what cannot be read, or takes too long */
  first(older: PdfValue | undefined, newer: PdfValue | undefined, where: string): string | undefined {
    const met = new Met();
    const left: Pair[] = [{ older: older ?? null, newer: newer ?? null, key: where.split(/[ /]/).at(-1) as string, within: undefined }];
    for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
      this.newer.budget.step();
      const opened = this.#open(pair, met);
      if (opened === 'same') continue;
      if (opened === undefined || !this.#shallow(opened, left)) return placeOf(pair, where);
    }
    this.#equal.addAll(met);
    return undefined;
  }

  /** Follows references. @returns `same` for what needs no look, undefined for what must not be exchanged. */
  #open(pair: Pair, met: Met): Pair | 'same' | undefined {
    const { older, newer, key, within } = pair;
    if (!(older instanceof PdfRef) && !(newer instanceof PdfRef)) return pair;
    const from = older instanceof PdfRef ? older.number : -1;
    const to = newer instanceof PdfRef ? newer.number : -1;
    if (older instanceof PdfRef && older.is(newer) && this.governed.has(from) && !DRAWN.has(key)) return 'same';
    if (from !== to && (this.governed.has(from) || this.governed.has(to))) return undefined;
    if (from >= 0 && to >= 0) {
      if (this.#equal.has(from, to) || met.has(from, to)) return 'same';
      met.add(from, to);
    }
    return { older: this.older.get(older), newer: this.newer.get(newer), key, within };
  }

  #shallow(pair: Pair, left: Pair[]): boolean {
    const { older, newer, key, within } = pair;
    if (older === null || newer === null || typeof older !== 'object' || typeof newer !== 'object') return older === newer;
    if (older instanceof PdfName) return newer instanceof PdfName && newer.value === older.value;
    if (older instanceof PdfString) return newer instanceof PdfString && newer.bytes.equals(older.bytes);
    if (older instanceof PdfStream) {
      if (!(newer instanceof PdfStream) || !(older.bytes === newer.bytes || older.bytes.equals(newer.bytes))) return false;
      return this.#members(older.dict, newer.dict, pair, left, 'Length');
    }
    if (Array.isArray(older)) {
      if (!Array.isArray(newer) || newer.length !== older.length) return false;
      older.forEach((member, index) => left.push({ older: member, newer: newer[index] as PdfValue, key, within }));
      return true;
    }
    return older instanceof PdfDict && newer instanceof PdfDict && this.#members(older, newer, pair, left);
  }

  #members(older: PdfDict, newer: PdfDict, within: Pair, left: Pair[], except?: string): boolean {
    // Which of two values counts, readers do not agree on.
    if (newer.twice !== undefined && newer !== older) return false;
    for (const [key, value] of older) if (key !== except) left.push({ older: value, newer: newer.get(key) ?? null, key, within });
    if (newer !== older) for (const [key, value] of newer) if (key !== except && !older.has(key)) left.push({ older: null, newer: value, key, within });
    return true;
  }
}

function placeOf(pair: Pair, where: string): string {
  const keys: string[] = [];
  for (let at: Pair | undefined = pair; at?.within !== undefined; at = at.within) keys.unshift(at.key);
  return [where, ...(keys.length > LONGEST_PLACE ? ['…', ...keys.slice(-LONGEST_PLACE)] : keys)].join('/');
}

export function keysOf(older: PdfDict | undefined, newer: PdfDict | undefined): Set<string> {
  return new Set([...(older?.keys() ?? []), ...(newer?.keys() ?? [])]);
}
