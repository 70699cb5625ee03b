import { Readable } from 'node:stream';
import { createInflate, createInflateRaw } from 'node:zlib';
import { KeywrightError } from '../../contract/index.ts';
import { malformed, notSupported } from '../../formats/malformed.ts';
import type { ByteSource } from '../source.ts';
import { Window } from '../window.ts';
import { PACKETS } from './algorithms.ts';
import { type PacketBody, PacketStream, wholeBody } from './packets.ts';

/** What was encrypted: literal data (RFC 9580 §5.9), perhaps compressed (§5.6), perhaps with signatures around it. */

type Write = (piece: Uint8Array) => Promise<void>;
const PIECE = 64 * 1024;
const LARGEST_SIGNATURE = 64 * 1024;
const MOST_PACKETS = 100;
/** A small file may stand for a huge one: beyond 64 MiB it may unpack to 200 times its size, which no ordinary file reaches. */
const [FREE, MOST_RATIO] = [64 * 1024 * 1024, 200];

/** @throws INVALID_INPUT for what is no message, CAPABILITY_MISSING for compression that is not handled or unpacks to too much */
export async function contentOf(source: ByteSource, write: Write, compressed = false): Promise<{ signed: boolean }> {
  const stream = new PacketStream(source);
  let [written, signed] = [false, false];
  for (let count = 0; ; count += 1) {
    const next = await stream.next();
    if (next === undefined) break;
    if (count === MOST_PACKETS) throw malformed(`There are more than ${MOST_PACKETS} packets in the message.`);
    const { tag, body } = next;
    if (tag === PACKETS.signature || tag === PACKETS.onePassSignature) {
      await wholeBody(body, LARGEST_SIGNATURE, 'A signature');
      signed = true;
    } else if ((tag === PACKETS.literal || tag === PACKETS.compressed) && !written) {
      written = true;
      if (tag === PACKETS.literal) await literal(body, write);
      else if (compressed) throw malformed('What is compressed in the message is compressed again.');
      else ({ signed } = await contentOf(await unpacked(body), write, true));
    } else if (tag !== PACKETS.padding && tag !== PACKETS.marker) throw malformed(`There is a packet of type ${tag} in the message, where it has no place.`);
  }
  if (!written) throw malformed('There is no content in the message.');
  return { signed };
}

async function literal(body: PacketBody, write: Write): Promise<void> {
  const [, name = 0] = await body.read(2);
  const rest = await body.read(name + 4);
  if (rest.length < name + 4) throw malformed('The content of the message is cut off.');
  for (;;) {
    const piece = await body.read(PIECE);
    if (piece.length === 0) return;
    await write(piece);
  }
}

async function unpacked(body: PacketBody): Promise<ByteSource> {
  const [algorithm] = await body.read(1);
  if (algorithm === 0) return body;
  if (algorithm !== 1 && algorithm !== 2) throw notSupported(algorithm === 3 ? 'The content is compressed with bzip2, which is not handled.' : 'The content is compressed in a way that is not handled.', 'Have it encrypted without compression (gpg --compress-algo none).', ['zip', 'zlib']);
  return new Unpacked(body, algorithm === 1);
}

class Unpacked implements ByteSource {
  readonly #pieces: AsyncIterator<Buffer>;
  readonly #held = new Window();
  #ended = false;
  #packed = 0;
  #total = 0;

  constructor(body: ByteSource, raw: boolean) {
    const inflate = raw ? createInflateRaw({ chunkSize: PIECE }) : createInflate({ chunkSize: PIECE });
    const input = Readable.from(this.#each(body), { objectMode: false, highWaterMark: PIECE });
    input.on('error', (error) => inflate.destroy(error));
    this.#pieces = (input.pipe(inflate) as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  async read(length: number): Promise<Buffer> {
    while (this.#held.length < length && !this.#ended) {
      const next = await this.#pieces.next().catch((thrown: unknown) => {
        if (thrown instanceof KeywrightError) throw thrown;
        throw malformed('The content of the message is not compressed as it says.');
      });
      if (next.done === true) this.#ended = true;
      else this.#take(next.value);
    }
    return this.#held.take(length);
  }

  async *#each(body: ByteSource): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = Buffer.from(await body.read(PIECE));
      if (piece.length === 0) return;
      this.#packed += piece.length;
      yield piece;
    }
  }

  #take(piece: Buffer): void {
    this.#total += piece.length;
    if (this.#total > FREE + MOST_RATIO * this.#packed) throw new KeywrightError('CAPABILITY_MISSING', { detail: `What is compressed in this message unpacks to more than ${MOST_RATIO} times its size: it may be made to fill your disk. Nothing of it was written.`, remedy: 'Ask its sender for one that is not compressed, or open it with GnuPG where you know where it comes from.' });
    this.#held.add(piece);
  }
}
