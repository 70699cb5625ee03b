import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StandardInput } from './standard-input.ts';
import type { Surroundings } from './surroundings.ts';

// Most commands have no pipe: what copies one is loaded by those that do.
const files = (): Promise<typeof import('node:fs/promises')> => import('node:fs/promises');
const streams = (): Promise<typeof import('node:stream/promises')> => import('node:stream/promises');

/**
 * Standard input and output where an operation works with files: it may read its input more than once, and releases nothing before all of it is right. Both are
 * files for this user's eyes alone, in a folder that ends with the command.
 */
export class Pipes implements AsyncDisposable {
  readonly #stdin: StandardInput;
  #folder: Promise<string> | undefined;
  #atExit: (() => void) | undefined;
  #output: string | undefined;
  #input: string | undefined;

  constructor(stdin: StandardInput) {
    this.#stdin = stdin;
  }

  /** Whether standard input was read into a file. */
  get hasInput(): boolean {
    return this.#input !== undefined;
  }

  /** @returns the path of a file with what comes from standard input. @throws INVALID_INPUT when another option reads it */
  async input(option: string): Promise<string> {
    const stream = this.#stdin.stream(option);
    const path = join(await this.#in(), 'standard-input');
    await (await streams()).pipeline(stream, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
    this.#input = path;
    return path;
  }

  /** @returns what is said, with `name` wherever the file is named that stands for standard input: it is nobody's, and soon gone. */
  named<T>(said: T, name: string): T {
    const path = this.#input;
    if (path === undefined) return said;
    const renamed = (value: unknown): unknown => {
      if (typeof value === 'string') return value.replaceAll(path, name);
      if (Array.isArray(value)) return value.map(renamed);
      return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renamed(inner)])) : value;
    };
    return renamed(said) as T;
  }

  /** @returns the path of a file that goes to standard output when the call has succeeded. */
  async output(): Promise<string> {
    return (this.#output ??= join(await this.#in(), 'standard-output'));
  }

  /** @returns whether there was anything to deliver. */
  async deliver(stdout: Surroundings['stdout'], shown: (content: Uint8Array) => string | Uint8Array): Promise<boolean> {
    if (this.#output === undefined) return false;
    if (stdout.isTTY === true) {
      const pieces: Buffer[] = [];
      for await (const piece of createReadStream(this.#output)) pieces.push(piece as Buffer);
      stdout.write(shown(Buffer.concat(pieces)));
    } else {
      // Who reads may have enough before the end, as `head` has.
      await (await streams()).pipeline(createReadStream(this.#output, { highWaterMark: 1024 * 1024 }), stdout, { end: false }).catch((thrown: NodeJS.ErrnoException) => {
        if (thrown.code !== 'EPIPE') throw thrown;
      });
    }
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder !== undefined) await (await files()).rm(await this.#folder, { recursive: true, force: true });
    if (this.#atExit !== undefined) process.off('exit', this.#atExit);
  }

  #in(): Promise<string> {
    return (this.#folder ??= this.#make());
  }

  async #make(): Promise<string> {
    const folder = await (await files()).mkdtemp(join(tmpdir(), 'keywright-')); // 0700
    // A second Ctrl+C ends the process where it stands: what came through the pipe does not stay.
    this.#atExit = () => rmSync(folder, { recursive: true, force: true });
    process.once('exit', this.#atExit);
    return folder;
  }
}
