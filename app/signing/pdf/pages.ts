import { boxOf, turnOf } from './appearance.ts';
import { PdfDocument } from './document.ts';
import { pagesOf, signatureFields } from './fields.ts';

const MOST_PAGES = 1000;

interface PdfPage {
  /** Counted from 1. */
  readonly page: number;
  /** Points of 1/72 inch. */
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
  readonly top: number;
  readonly turned: 0 | 90 | 180 | 270;
}

/** @returns the first 1000 pages, how many there are, and the names of signature fields that are empty (ISO 32000-2 §7.7.3, §12.7.5.5). @throws INVALID_INPUT with the offset for what is malformed */
export function describePages(bytes: Uint8Array): { pages: PdfPage[]; total: number; fields: string[] } {
  const document = PdfDocument.open(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  const all = pagesOf(document);
  const pages = all.slice(0, MOST_PAGES).map((page, index): PdfPage => {
    const [left, bottom, right, top] = boxOf(page);
    return { page: index + 1, left, bottom, right, top, turned: turnOf(page) };
  });
  return { pages, total: all.length, fields: signatureFields(document).filter(({ ref, value }) => ref !== undefined && document.get(value) === null).map(({ name }) => name) };
}
