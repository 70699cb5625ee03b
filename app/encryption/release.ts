/**
 * Gives back the memory of what node:crypto or Buffer.concat made, and nobody looks at any more. Left to the collector, which is told of such pieces
 * but sees little of them, they pile up until it goes through the whole heap: with a gigabyte that takes longer than the encrypting.
 * A view of a larger buffer is left alone.
 */
export function release(piece: Buffer): void {
  if (piece.length > 0 && piece.length === piece.buffer.byteLength) (piece.buffer as ArrayBuffer).transfer(0);
}
