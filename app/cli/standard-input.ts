import { addAbortSignal, type Readable } from 'node:stream';
import { asKeywrightError, KeywrightError } from '../contract/errors.ts';

/** Standard input, which can be read by one option alone. */
export class StandardInput {
  readonly #stream: () => Readable;
  readonly #signal: AbortSignal;
  #taken: string | undefined;

  /** @param signal ends the reading: whoever writes may never do so. */
  constructor(stream: () => Readable, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
  }

  /** @throws INVALID_INPUT when another option reads it, or when there is more than `most` bytes. */
  async read(most: number, option: string): Promise<Buffer> {
    return collect(this.stream(option), most, option);
  }

  /** @throws INVALID_INPUT when another option reads it. */
  stream(option: string): Readable {
    if (this.#taken !== undefined) {
      throw new KeywrightError('INVALID_INPUT', { detail: `Both ${this.#taken} and ${option} read standard input.`, where: option, remedy: 'Give one of them by a file.' });
    }
    this.#taken = option;
    return addAbortSignal(this.#signal, this.#stream());
  }
}

/** @returns all pieces. @throws INVALID_INPUT when there are more than `most` bytes. */
export async function collect(pieces: AsyncIterable<Buffer | string>, most: number, option: string): Promise<Buffer> {
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    const buffer = typeof piece === 'string' ? Buffer.from(piece) : piece;
    bytes += buffer.length;
    if (bytes > most) throw tooLong(option, most);
    read.push(buffer);
  }
  return Buffer.concat(read);
}

/** @returns the error for a file that cannot be read. */
export function unreadable(path: string, option: string, cause: unknown): KeywrightError {
  if (cause instanceof KeywrightError) return cause;
  if (cause instanceof Error && cause.name === 'AbortError') return asKeywrightError(cause);
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new KeywrightError('NOT_FOUND', { detail: `There is no file ${path}.`, where: option, remedy: 'Check its name.', cause });
  if (code === 'EACCES' || code === 'EPERM') return new KeywrightError('PERMISSION_DENIED', { detail: `${path} may not be read.`, where: option, remedy: 'Mend its permissions.', cause });
  if (code === 'EISDIR') return new KeywrightError('INVALID_INPUT', { detail: `${path} is a folder, not a file.`, where: option, cause });
  return new KeywrightError('INVALID_INPUT', { detail: `${path} cannot be read (${code ?? 'unknown'}).`, where: option, cause });
}

/** @returns the error for more bytes than fit. */
export function tooLong(option: string, most: number): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: `This is longer than the ${most} bytes that fit here.`, where: option, remedy: 'Give a shorter one; files of any size are signed with `keywright files sign`.' });
}
