/** Bytes that came in pieces and are taken in others, in one buffer that moves with them: a new one for each piece would cost more than what is done with it. */
export class Window {
  #buffer: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;

  get length(): number {
    return this.#to - this.#from;
  }

  /** What was given before is not looked at any more. */
  add(piece: Uint8Array): void {
    if (this.#to + piece.length > this.#buffer.length) this.#makeRoom(piece.length);
    this.#buffer.set(piece, this.#to);
    this.#to += piece.length;
  }

  /** @returns the first bytes, as many as are there: a view that holds until the next {@link add}. */
  take(length: number): Buffer {
    const piece = this.view(0, length);
    this.#from += piece.length;
    return piece;
  }

  /** @returns as {@link take}, without moving on; all by default */
  view(from = 0, to = this.length): Buffer {
    return this.#buffer.subarray(Math.min(this.#from + from, this.#to), Math.min(this.#from + to, this.#to));
  }

  /** Takes bytes off the end. */
  cut(length: number): void {
    this.#to = Math.max(this.#from, this.#to - length);
  }

  #makeRoom(bytes: number): void {
    const needed = this.length + bytes;
    const buffer = needed > this.#buffer.length ? Buffer.allocUnsafeSlow(2 * needed) : this.#buffer;
    this.#buffer.copy(buffer, 0, this.#from, this.#to);
    [this.#buffer, this.#from, this.#to] = [buffer, 0, this.length];
  }
}
