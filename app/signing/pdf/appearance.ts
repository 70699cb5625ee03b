import { malformedAt } from '../../formats/malformed.ts';
import type { Page } from './fields.ts';
import { dict, name, PdfStream, type PdfValue } from './values.ts';

/** How a visible signature looks: its lines in plain Helvetica on white, within a thin frame (ISO 32000-2 §12.5.5, §8.10). */

/** Letters that are no other letter with an accent. */
const PLAIN: Readonly<Record<string, string>> = { ł: 'l', Ł: 'L', đ: 'd', Đ: 'D', ħ: 'h', Ħ: 'H', ŧ: 't', Ŧ: 'T', ı: 'i' };

export type Rectangle = readonly [left: number, bottom: number, right: number, top: number];

const SMALLEST = 20;
const [LARGEST_TEXT, SMALLEST_TEXT, STEP] = [12, 3, 0.5];
const LINE_HEIGHT = 1.25;
const MARGIN = 4;
/** Widths of the characters from the space to the tilde in Helvetica, in thousandths of the size (Adobe's font metrics). */
const WIDTHS = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
  1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
  333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
/** What Windows' Latin alphabet has beyond Latin-1, as far as names use it (ISO 32000-2 Annex D.2). */
const WINDOWS: Readonly<Record<string, number>> = { '€': 0x80, '…': 0x85, 'Š': 0x8a, 'Œ': 0x8c, 'Ž': 0x8e, '‘': 0x91, '’': 0x92, '“': 0x93, '”': 0x94, '–': 0x96, '—': 0x97, 'š': 0x9a, 'œ': 0x9c, 'ž': 0x9e, 'Ÿ': 0x9f };

/** @param text `left,bottom,right,top` in points from the lower left corner. @throws INVALID_INPUT for what is none, or does not lie on the page */
export function rectangleOn(page: Page, text: string): Rectangle {
  const [a = 0, b = 0, c = 0, d = 0] = text.split(',').map(Number);
  const rectangle = [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)] as const;
  const box = boxOf(page);
  const inside = rectangle[0] >= box[0] && rectangle[1] >= box[1] && rectangle[2] <= box[2] && rectangle[3] <= box[3];
  if (!inside) throw malformedAt('/rectangle', `The rectangle does not lie on the page, which reaches from ${box[0]},${box[1]} to ${box[2]},${box[3]}.`, 'Give left, bottom, right and top in points (1/72 inch), from the lower left corner.');
  if (rectangle[2] - rectangle[0] < SMALLEST || rectangle[3] - rectangle[1] < SMALLEST / 2) throw malformedAt('/rectangle', `The rectangle is too small to read anything in it: ${SMALLEST} by ${SMALLEST / 2} points are the least.`);
  return rectangle;
}

/** @returns what is seen of a page, in points. */
export function boxOf(page: Page): Rectangle {
  const [box] = ['CropBox', 'MediaBox'].map((key) => numbersOf(page.inherited(key))).filter((found) => found !== undefined);
  return box ?? [0, 0, 612, 792];
}

/** @returns four numbers in order; undefined for anything else. */
export function numbersOf(value: PdfValue): Rectangle | undefined {
  if (!Array.isArray(value) || value.length !== 4 || !value.every((one) => typeof one === 'number')) return undefined;
  const [a, b, c, d] = value as [number, number, number, number];
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}

/** @returns a form XObject that fills the rectangle, upright on a page that is turned. */
export function appearance([left, bottom, right, top]: Rectangle, lines: readonly string[], page: Page): PdfStream {
  const turned = turnOf(page);
  const [wide, high] = turned % 180 === 0 ? [right - left, top - bottom] : [top - bottom, right - left];
  const matrix = { 0: undefined, 90: [0, 1, -1, 0, high, 0], 180: [-1, 0, 0, -1, wide, high], 270: [0, -1, 1, 0, 0, wide] }[turned];
  const { size, rows } = fit(lines, wide - 2 * MARGIN, high - 2 * MARGIN);
  const content = [
    'q', '1 g', '0.4 G', '0.5 w', `0.25 0.25 ${number(wide - 0.5)} ${number(high - 0.5)} re`, 'B', '0 g', 'BT', `/Text ${number(size)} Tf`, `${number(size * LINE_HEIGHT)} TL`, `${MARGIN} ${number(high - MARGIN - size)} Td`,
    ...rows.map((row) => `<${encoded(row).toString('hex')}> Tj T*`), 'ET', 'Q', '',
  ].join('\n');
  const font = dict({ Type: name('Font'), Subtype: name('Type1'), BaseFont: name('Helvetica'), Encoding: name('WinAnsiEncoding') });
  return new PdfStream(dict({
    Type: name('XObject'), Subtype: name('Form'), BBox: [0, 0, wide, high], ...(matrix === undefined ? {} : { Matrix: matrix }), Resources: dict({ Font: dict({ Text: font }) }),
  }), Buffer.from(content, 'latin1'));
}

/** @returns by how much a page is turned clockwise when it is seen: 0, 90, 180 or 270 degrees. */
export function turnOf(page: Page): 0 | 90 | 180 | 270 {
  const turn = page.inherited('Rotate');
  const turned = typeof turn === 'number' ? ((turn % 360) + 360) % 360 : 0;
  return turned === 90 || turned === 180 || turned === 270 ? turned : 0;
}

const number = (value: number): string => value.toFixed(2);

/** The largest text that fits, in as many rows as it takes; what does not fit at the smallest is left out. */
function fit(lines: readonly string[], wide: number, high: number): { size: number; rows: readonly string[] } {
  for (let size = LARGEST_TEXT; size > SMALLEST_TEXT; size -= STEP) {
    const rows = lines.flatMap((line) => wrapped(line, wide / size));
    if (rows.length * size * LINE_HEIGHT <= high && rows.every((row) => width(row) <= wide / size)) return { size, rows };
  }
  const rows = lines.flatMap((line) => wrapped(line, wide / SMALLEST_TEXT));
  return { size: SMALLEST_TEXT, rows: rows.slice(0, Math.max(1, Math.floor(high / (SMALLEST_TEXT * LINE_HEIGHT)))) };
}

function wrapped(line: string, wide: number): string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of line.split(/\s+/)) {
    const longer = row === '' ? word : `${row} ${word}`;
    if (row !== '' && width(longer) > wide) {
      rows.push(row);
      row = word;
    } else row = longer;
  }
  return [...rows, row];
}

/** In multiples of the text's size. Letters with accents are as wide as those without. */
function width(text: string): number {
  return [...text.normalize('NFKD').replaceAll(/\p{M}/gu, '')].reduce((sum, character) => sum + (WIDTHS[(character.codePointAt(0) as number) - 0x20] ?? 600) / 1000, 0);
}

/** In the alphabet that every reader has; letters that it lacks lose their accents, or become question marks. */
function encoded(text: string): Buffer {
  return Buffer.from([...text.normalize('NFC')].flatMap((character) => {
    const code = codeOf(character);
    return code !== undefined ? [code] : [...character.normalize('NFKD').replaceAll(/\p{M}/gu, '')].map((part) => codeOf(PLAIN[part] ?? part) ?? 0x3f);
  }));
}

function codeOf(character: string): number | undefined {
  const code = character.codePointAt(0) as number;
  return WINDOWS[character] ?? ((code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code <= 0xff) ? code : undefined);
}
