/** Largest frame between processes that have proved themselves to each other: a 16 MiB message in base64url, and room. */
export const MAX_FRAME = 64 * 1024 * 1024;

const LENGTH_BYTES = 4;

/** @returns one frame: its length in 4 bytes, most significant first, then the JSON in UTF-8. @throws RangeError when it is too long. */
export function encodeFrame(message: unknown, limit: number = MAX_FRAME): Buffer {
  const text = JSON.stringify(message);
  const length = Buffer.byteLength(text);
  if (length > limit) throw new RangeError(`a message of ${length} bytes is longer than ${limit}`);
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + length);
  frame.writeUInt32BE(length, 0);
  frame.write(text, LENGTH_BYTES, 'utf8');
  return frame;
}

/**
 * Puts frames together from pieces as they come. Holds at most one frame of `limit` bytes, and room for it only as its
 * bytes arrive: a peer that announces much and sends nothing costs nothing.
 */
export class FrameReader {
  /** May be raised once the other side has proved itself. */
  limit: number;
  #pieces: Buffer[] = [];
  #held = 0;

  constructor(limit: number = MAX_FRAME) {
    this.limit = limit;
  }

  /** @returns the messages that are complete now. @throws RangeError for a frame over the limit, SyntaxError for one that is no JSON. */
  *push(piece: Buffer): Generator<unknown> {
    this.#pieces.push(piece);
    this.#held += piece.length;
    for (;;) {
      const length = this.#announced();
      if (length === undefined || this.#held < LENGTH_BYTES + length) return;
      const frame = this.#take(LENGTH_BYTES + length);
      yield JSON.parse(frame.toString('utf8', LENGTH_BYTES)) as unknown;
    }
  }

  /** @returns the length of the frame that begins here, if its head is there. */
  #announced(): number | undefined {
    if (this.#held < LENGTH_BYTES) return undefined;
    if (this.#pieces[0]!.length < LENGTH_BYTES) this.#pieces = [Buffer.concat(this.#pieces)];
    const length = this.#pieces[0]!.readUInt32BE(0);
    if (length > this.limit) throw new RangeError(`a frame of ${length} bytes is longer than ${this.limit}`);
    return length;
  }

  #take(bytes: number): Buffer {
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    const rest = all.subarray(bytes);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#held = rest.length;
    return all.subarray(0, bytes);
  }
}
