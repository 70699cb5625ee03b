import { crc32 } from 'node:zlib';

/**
 * How entries lie in a file that is only ever appended to: the append log and the journal of the file storage.
 *
 * | bytes | what |
 * | --- | --- |
 * | 4 | `KWen`, an entry, or `KWsy`, a mark without one |
 * | 4 | length of the entry, little-endian as all that follows |
 * | 6 | number of the entry (of a mark: of the last entry before it) |
 * | 5 | number of the last entry that was known to be durable when this was written |
 * | 1 | how many further entries the frame stands for: they have the numbers after its own, and no byte |
 * | 4 | CRC-32 (ISO 3309) of the 16 bytes before it and of the entry |
 * | … | the entry |
 *
 * The durable number tells a torn tail from damage: bytes that do not check out are a crash's if nothing behind them
 * says that they had been made durable, and damage otherwise.
 */
const ENTRY = 0x6e65574b;
const MARK = 0x7973574b;
export const FRAME_HEADER = 24;

export interface Frame {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

export interface Scan {
  readonly frames: readonly Frame[];
  /** Numbers, inclusive, of entries that had been made durable and cannot be read any more. */
  readonly damaged: readonly { readonly from: number; readonly to: number }[];
  /** Where the next frame goes: what is behind it is a torn tail. */
  readonly end: number;
  readonly next: number;
}

/** Writes the header of a frame at `offset`, whose entry of `length` bytes stands behind it already. */
export function sealFrame(file: Buffer, offset: number, number: number, durable: number, length: number, { further = 0, mark = false } = {}): void {
  file.writeUInt32LE(mark ? MARK : ENTRY, offset);
  file.writeUInt32LE(length, offset + 4);
  file.writeUIntLE(number, offset + 8, 6);
  file.writeUIntLE(durable, offset + 14, 5);
  file.writeUInt8(further, offset + 19);
  file.writeUInt32LE(checksum(file, offset, length), offset + 20);
}

/** @returns a frame with its entry made of `parts`. */
export function frameOf(number: number, durable: number, parts: readonly Uint8Array[]): Buffer {
  const frame = Buffer.concat([Buffer.alloc(FRAME_HEADER), ...parts]);
  sealFrame(frame, 0, number, durable, frame.length - FRAME_HEADER);
  return frame;
}

/** @returns a mark that all entries up to `number` are durable. */
export function markOf(number: number): Buffer {
  const mark = Buffer.alloc(FRAME_HEADER);
  sealFrame(mark, 0, number, number, 0, { mark: true });
  return mark;
}

/**
 * @param first the number of the first entry of the file.
 * @param complete the number of the last entry when the file is known to have been finished durably: no tail is torn then.
 */
export function scanFrames(file: Buffer, first: number, complete?: number): Scan {
  const frames: Frame[] = [];
  const gaps: { from: number; to: number; offset: number; framesBefore: number }[] = [];
  let durable = complete ?? 0;
  let next = first;
  let end = 0;
  let offset = 0;
  while (offset < file.length) {
    const header = headerAt(file, offset);
    const fits = header !== undefined && (header.mark ? header.number === next - 1 : header.number === next);
    const found = fits ? header : resync(file, offset + 1, next);
    if (found === undefined) break;
    const upTo = found.mark ? found.number : found.number - 1;
    if (upTo >= next) gaps.push({ from: next, to: upTo, offset, framesBefore: frames.length });
    if (!found.mark) frames.push({ number: found.number, start: found.offset + FRAME_HEADER, end: found.end });
    for (let number = found.number + 1; number <= found.number + found.further; number++) frames.push({ number, start: found.end, end: found.end });
    durable = Math.max(durable, found.durable);
    next = found.number + found.further + 1;
    end = found.end;
    offset = found.end;
  }
  if (complete !== undefined && next <= complete) {
    gaps.push({ from: next, to: complete, offset: end, framesBefore: frames.length });
    next = complete + 1;
  }
  const torn = gaps.find(({ from }) => from > durable);
  if (torn === undefined) return { frames, damaged: gaps, end, next };
  return { frames: frames.slice(0, torn.framesBefore), damaged: gaps.filter((gap) => gap.offset < torn.offset), end: torn.offset, next: torn.from };
}

interface Header {
  readonly offset: number;
  readonly end: number;
  readonly mark: boolean;
  readonly number: number;
  readonly durable: number;
  readonly further: number;
}

function headerAt(file: Buffer, offset: number): Header | undefined {
  if (offset + FRAME_HEADER > file.length) return undefined;
  const kind = file.readUInt32LE(offset);
  if (kind !== ENTRY && kind !== MARK) return undefined;
  const length = file.readUInt32LE(offset + 4);
  const end = offset + FRAME_HEADER + length;
  if (end > file.length || checksum(file, offset, length) !== file.readUInt32LE(offset + 20)) return undefined;
  return { offset, end, mark: kind === MARK, number: file.readUIntLE(offset + 8, 6), durable: file.readUIntLE(offset + 14, 5), further: file.readUInt8(offset + 19) };
}

/** @returns the next frame that checks out and belongs behind entry `next - 1`, however far away. */
function resync(file: Buffer, from: number, next: number): Header | undefined {
  for (let offset = file.indexOf('KW', from, 'latin1'); offset !== -1; offset = file.indexOf('KW', offset + 1, 'latin1')) {
    const header = headerAt(file, offset);
    if (header !== undefined && header.number >= (header.mark ? next - 1 : next)) return header;
  }
  return undefined;
}

function checksum(file: Buffer, offset: number, length: number): number {
  return crc32(file.subarray(offset + FRAME_HEADER, offset + FRAME_HEADER + length), crc32(file.subarray(offset + 4, offset + 20)));
}
