import { malformed } from '../../formats/malformed.ts';
import type { PdfDocument } from './document.ts';
import { PdfDict, PdfName, PdfRef, PdfStream, PdfString, type PdfValue } from './values.ts';

/** Compares all that values of two versions of a document lead to. */

const MAX_STEPS = 20_000_000;

/** Where what is drawn is looked up by names of the author's own choice: a field that stands there is no field, but a list of pictures. */
const DRAWN = new Set(['Resources', 'DR', 'Font', 'XObject', 'ExtGState', 'ColorSpace', 'Pattern', 'Shading', 'Properties', 'CharProcs', 'Encoding', 'AP', 'N', 'R', 'D']);

interface Pair {
  readonly older: PdfValue;
  readonly newer: PdfValue;
  readonly where: string;
  readonly key: string;
}

export class Differences {
  readonly older: PdfDocument;
  readonly newer: PdfDocument;
  /** Objects that have a rule of their own (pages, fields, annotations), and are not looked into on the way. */
  readonly governed: ReadonlySet<number>;
  readonly #equal = new Set<string>();
  #steps = 0;

  constructor(older: PdfDocument, newer: PdfDocument, governed: ReadonlySet<number>) {
    this.older = older;
    this.newer = newer;
    this.governed = governed;
  }

  /** @returns where the first difference is; undefined when all is the same. @throws INVALID_INPUT for what cannot be read, or takes too long */
  first(older: PdfValue | undefined, newer: PdfValue | undefined, where: string): string | undefined {
    const visited = new Set<string>();
    const left: Pair[] = [{ older: older ?? null, newer: newer ?? null, where, key: where.split(/[ /]/).at(-1) as string }];
    for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
      if ((this.#steps += 1) > MAX_STEPS) throw malformed('The versions of the document are too large to be compared.');
      const opened = this.#open(pair, visited);
      if (opened === 'same') continue;
      if (opened === undefined || !this.#shallow(opened, left)) return pair.where;
    }
    for (const pair of visited) this.#equal.add(pair);
    return undefined;
  }

  /** Follows references. @returns `same` for what needs no look, undefined for what must not be exchanged. */
  #open(pair: Pair, visited: Set<string>): Pair | 'same' | undefined {
    const { older, newer, where, key: place } = pair;
    if (!(older instanceof PdfRef) && !(newer instanceof PdfRef)) return pair;
    const [from, to] = [older, newer].map((value) => (value instanceof PdfRef ? value.number : -1)) as [number, number];
    if (from === to && (older as PdfRef).generation === (newer as PdfRef).generation && this.governed.has(from) && !DRAWN.has(place)) return 'same';
    if (from !== to && (this.governed.has(from) || this.governed.has(to))) return undefined;
    if (from >= 0 && to >= 0) {
      const key = `${from}:${to}`;
      if (this.#equal.has(key) || visited.has(key)) return 'same';
      visited.add(key);
    }
    return { older: this.older.get(older), newer: this.newer.get(newer), where, key: place };
  }

  #shallow({ older, newer, where, key: place }: Pair, left: Pair[]): boolean {
    if (older === null || newer === null || typeof older !== 'object' || typeof newer !== 'object') return older === newer;
    if (older instanceof PdfName) return newer instanceof PdfName && newer.value === older.value;
    if (older instanceof PdfString) return newer instanceof PdfString && newer.bytes.equals(older.bytes);
    if (older instanceof PdfStream) {
      if (!(newer instanceof PdfStream) || !(older.bytes === newer.bytes || older.bytes.equals(newer.bytes))) return false;
      return this.#members(older.dict, newer.dict, where, left, 'Length');
    }
    if (Array.isArray(older)) {
      if (!Array.isArray(newer) || newer.length !== older.length) return false;
      older.forEach((member, index) => left.push({ older: member, newer: newer[index] as PdfValue, where, key: place }));
      return true;
    }
    return older instanceof PdfDict && newer instanceof PdfDict && this.#members(older, newer, where, left);
  }

  #members(older: PdfDict, newer: PdfDict, where: string, left: Pair[], except?: string): boolean {
    // Which of two values counts, readers do not agree on.
    if (newer.twice !== undefined && newer !== older) return false;
    for (const key of keysOf(older, newer)) if (key !== except) left.push({ older: older.get(key) ?? null, newer: newer.get(key) ?? null, where: where.length > 120 ? where : `${where}/${key}`, key });
    return true;
  }
}

export function keysOf(older: PdfDict | undefined, newer: PdfDict | undefined): Set<string> {
  return new Set([...(older?.keys() ?? []), ...(newer?.keys() ?? [])]);
}
