import { inflateSync } from 'node:zlib';
import { malformed, notSupported } from '../../formats/malformed.ts';
import type { Budget } from './budget.ts';
import { type PdfDict, PdfName, type PdfStream, type PdfValue } from './values.ts';

/** Opens the streams that hold a PDF's own structure: cross-reference streams and object streams. Pages' streams are never opened. */

/** @throws INVALID_INPUT for what cannot be opened or is too large, CAPABILITY_MISSING for filters that no structure needs */
export function openStream({ dict, bytes }: PdfStream, what: string, offset: number, budget: Budget): Buffer {
  const filters = listOf(dict.get('Filter') ?? dict.get('F'));
  const parameters = listOf(dict.get('DecodeParms') ?? dict.get('DP'));
  let content = bytes;
  if (filters.length > 2) throw malformed(`${what} is packed ${filters.length} times.`, offset);
  filters.forEach((filter, index) => {
    const name = filter instanceof PdfName ? filter.value : '';
    if (name !== 'FlateDecode' && name !== 'Fl') throw notSupported(`${what} is packed by ${name === '' ? 'an unknown filter' : name}, which is not read here.`, 'Save the document anew with another program.');
    content = inflate(content, what, offset, budget);
    const facts = parameters[index];
    if (facts instanceof Map) content = unpredict(content, facts, what, offset);
  });
  return content;
}

function inflate(packed: Buffer, what: string, offset: number, budget: Budget): Buffer {
  try {
    const content = inflateSync(packed, { maxOutputLength: Math.max(1, budget.most) });
    budget.spend(content.length);
    return content;
  } catch (thrown) {
    const isTooLarge = (thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw malformed(isTooLarge ? `${what} holds more than ${budget.most} bytes.` : `${what} cannot be unpacked.`, offset);
  }
}

/** PNG's predictors (§7.4.4.4); that of TIFF is used for images alone. */
function unpredict(content: Buffer, facts: PdfDict, what: string, offset: number): Buffer {
  const number = (key: string, otherwise: number): number => {
    const value = facts.get(key);
    return typeof value === 'number' ? value : otherwise;
  };
  const predictor = number('Predictor', 1);
  if (predictor === 1) return content;
  const width = (number('Colors', 1) * number('BitsPerComponent', 8) * number('Columns', 1)) / 8;
  if (predictor < 10 || !Number.isInteger(width) || width < 1 || width > 1000 || number('BitsPerComponent', 8) !== 8) throw malformed(`${what} has a predictor that is not known.`, offset);
  const pixel = number('Colors', 1);
  const rows = Math.ceil(content.length / (width + 1));
  const out = Buffer.alloc(rows * width);
  for (let row = 0; row < rows; row++) {
    const kind = content[row * (width + 1)] as number;
    if (kind > 4) throw malformed(`${what} has a predictor that is not known.`, offset);
    for (let column = 0; column < width; column++) {
      const raw = content[row * (width + 1) + 1 + column] ?? 0;
      const left = column >= pixel ? (out[row * width + column - pixel] as number) : 0;
      const up = row > 0 ? (out[(row - 1) * width + column] as number) : 0;
      const corner = row > 0 && column >= pixel ? (out[(row - 1) * width + column - pixel] as number) : 0;
      out[row * width + column] = raw + [0, left, up, (left + up) >> 1, paeth(left, up, corner)][kind]!;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function listOf(value: PdfValue | undefined): PdfValue[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}
