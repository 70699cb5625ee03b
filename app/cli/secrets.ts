import { closeSync, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { KeywrightError } from '../contract/errors.ts';
import type { Prompter } from '../contract/call.ts';
import type { PromptAnswer, PromptRequest } from '../contract/prompts.ts';
import { SECRET_FILES, type Purpose } from './globals.ts';
import { unreadable, type StandardInput } from './standard-input.ts';
import type { Terminal } from './terminal.ts';

/** As much as a prompt's answer holds. */
const MOST = 4096;

export interface SecretSources {
  /** Option to file: `{ 'passphrase-file': 'pw' }`. */
  readonly files: Readonly<Record<string, string>>;
  /** Purpose to option, where the command's record says that another option's file answers it. */
  readonly also: Readonly<Record<string, string>>;
  readonly stdin: StandardInput;
  /** `--yes` */
  readonly yes: boolean;
  /** Ends the reading of a pipe. */
  readonly signal: AbortSignal;
  /** The terminal itself, or undefined when there is none. */
  readonly terminal: () => Promise<Terminal | undefined>;
  /** Whether there is one; asking must not open it. */
  readonly hasTerminal: boolean;
}

/**
 * Answers what a command asks for: by purpose from files, else on the terminal. A file answers one question once; the same
 * question again means that its answer was wrong, and a wrong secret is never tried twice.
 */
export class CommandPrompter implements Prompter {
  readonly #sources: SecretSources;
  readonly #answered = new Set<string>();
  /** By option, what was read and may be asked for again: standard input and pipes can be read once. */
  readonly #kept = new Map<string, () => string>();

  constructor(sources: SecretSources) {
    this.#sources = sources;
  }

  get interactive(): boolean {
    return this.#sources.hasTerminal;
  }

  async ask(request: PromptRequest, signal: AbortSignal): Promise<PromptAnswer> {
    signal.throwIfAborted();
    if (request.kind === 'confirm' && request.typed === undefined && this.#sources.yes) {
      if (this.#exportsInClear) throw new KeywrightError('INVALID_INPUT', { detail: `${request.title}: a passphrase was given for it all the same. Nothing was written.`, where: '--export-passphrase-file', remedy: 'Choose a format that can be encrypted, or leave the passphrase out.' });
      return { kind: 'confirmed' };
    }
    const option = request.kind === 'secret' || request.kind === 'new-secret' ? this.#optionFor(request.purpose) : undefined;
    if (option !== undefined) return this.#fromFile(option, request);
    const terminal = await this.#sources.terminal();
    if (terminal === undefined) throw nobodyToAsk(request);
    return terminal.ask(request, signal);
  }

  /** Purposes that a file answers. */
  get given(): Purpose[] {
    return [...new Set([...Object.values(SECRET_FILES).flat(), ...(Object.keys(this.#sources.also) as Purpose[])])].filter((purpose) => this.answers(purpose));
  }

  /** Whether a file answers it, so that nobody need be asked. */
  answers(purpose: Purpose): boolean {
    return this.#optionFor(purpose) !== undefined;
  }

  /** @returns the answer to come, if a file gives it: for whoever can begin with it before it is asked for. What is wrong with the file is told when it is. */
  async ahead(purpose: Purpose): Promise<string | undefined> {
    const option = this.#optionFor(purpose);
    const file = option === undefined ? undefined : this.#sources.files[option];
    if (option === undefined || file === undefined || file === '-') return undefined;
    try {
      const secret = await this.#read(option);
      this.#kept.set(option, () => secret);
      return secret;
    } catch (thrown) {
      this.#kept.set(option, () => { throw thrown; });
      return undefined;
    }
  }

  /** All that files and `--yes` answer, for an agent that cannot ask back. */
  async fromFiles(): Promise<Partial<Record<Purpose, string | true>>> {
    const answers: Partial<Record<Purpose, string | true>> = this.#sources.yes && !this.#exportsInClear ? { confirm: true } : {};
    for (const purpose of this.given) answers[purpose] = await this.#read(this.#optionFor(purpose) as string);
    return answers;
  }

  /** Whether a passphrase for what is exported was given and not asked for: then --yes does not mean that it may be in clear. */
  get #exportsInClear(): boolean {
    return this.#sources.files['export-passphrase-file'] !== undefined && ![...this.#answered].some((question) => question.startsWith('export-passphrase\0'));
  }

  #optionFor(purpose: Purpose): string | undefined {
    const { files, also } = this.#sources;
    const own = Object.keys(SECRET_FILES).find((option) => files[option] !== undefined && SECRET_FILES[option]?.includes(purpose) === true);
    if (own !== undefined) return own;
    const other = also[purpose];
    return other !== undefined && files[other] !== undefined ? other : undefined;
  }

  async #fromFile(option: string, { purpose, title, subject, note }: PromptRequest): Promise<PromptAnswer> {
    const file = this.#sources.files[option]!;
    const question = [purpose, title, subject, note].join('\0');
    if (this.#answered.has(question)) {
      throw new KeywrightError('PIN_INCORRECT', { detail: `What is in ${file === '-' ? 'standard input' : file} was not accepted.`, where: `--${option}`, remedy: 'Check the file; it is not tried a second time.' });
    }
    this.#answered.add(question);
    return { kind: 'secret', secret: await this.#read(option) };
  }

  async #read(option: string): Promise<string> {
    const file = this.#sources.files[option]!;
    const kept = this.#kept.get(option);
    if (kept !== undefined) return kept();
    if (file !== '-' && !isPipe(file)) return readSecretFile(file, `--${option}`);
    // A command may ask twice.
    const secret = file === '-' ? asSecret(await this.#sources.stdin.read(MOST + 2, `--${option}`), `--${option}`) : await readSecretPipe(file, `--${option}`, this.#sources.signal);
    this.#kept.set(option, () => secret);
    return secret;
  }
}

/**
 * Reads a secret from a file: UTF-8, one line break at its end not being part of it.
 * @param shared the file may be read by its group (a service credential, whose folder is closed).
 * @throws PERMISSION_DENIED when others may read it, NOT_FOUND, INVALID_INPUT. No error holds what is in it.
 */
export function readSecretFile(path: string, option: string, shared = false): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw unreadable(path, option, cause);
  }
  const buffer = Buffer.alloc(MOST + 2);
  try {
    refuseOpen(fstatSync(file), path, option, shared);
    let length = 0;
    for (;;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
      if (length === buffer.length) break;
    }
    return asSecret(buffer.subarray(0, length), option);
  } catch (cause) {
    throw unreadable(path, option, cause);
  } finally {
    buffer.fill(0);
    closeSync(file);
  }
}

function isPipe(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false; // whoever opens it is told
  }
}

/** A named pipe, or a shell's `<(…)`: waiting for whoever writes must not keep this process from being ended. @throws as {@link readSecretFile}, CANCELLED */
async function readSecretPipe(path: string, option: string, signal: AbortSignal): Promise<string> {
  refuseOpen(statSync(path), path, option, false);
  const bytes = await (await import('./files.ts')).readFileOf(path, MOST + 2, option, signal);
  try {
    return asSecret(bytes, option);
  } finally {
    bytes.fill(0);
  }
}

function refuseOpen({ mode }: Stats, path: string, option: string, shared: boolean): void {
  if (process.platform === 'win32' || (mode & (shared ? 0o007 : 0o077)) === 0) return;
  throw new KeywrightError('PERMISSION_DENIED', { detail: `Others may read ${path}, so it was not used.`, where: option, remedy: `Close it to others (chmod 600 ${path}) and choose another secret if somebody may have read it.` });
}

function asSecret(bytes: Uint8Array, option: string): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    throw new KeywrightError('INVALID_INPUT', { detail: 'The secret is not UTF-8 text.', where: option });
  }
  if (text === '') throw new KeywrightError('INVALID_INPUT', { detail: 'There is no secret in it: it is empty.', where: option });
  if (text.length > MOST) throw new KeywrightError('INVALID_INPUT', { detail: `A secret has at most ${MOST} characters.`, where: option });
  return text;
}

/** @returns the error of a question that nobody is there to answer, with the option that would have. */
function nobodyToAsk(request: PromptRequest): KeywrightError {
  const option = Object.keys(SECRET_FILES).find((name) => SECRET_FILES[name]?.includes(request.purpose) === true);
  if (request.kind === 'confirm') {
    return new KeywrightError('PIN_REQUIRED', {
      detail: `${request.title}: this needs a confirmation, and there is no terminal to ask on.`,
      remedy: request.typed === undefined ? 'Confirm with --yes.' : 'This one must be typed by a person: run it on a terminal, or use the window.',
    });
  }
  if (request.kind === 'show-secret') {
    return new KeywrightError('PIN_REQUIRED', { detail: `${request.title}: there is no terminal to show it on.`, remedy: 'Run it on a terminal, or use the window.' });
  }
  return new KeywrightError('PIN_REQUIRED', {
    detail: `${request.title}: a secret is needed (${request.purpose}), and there is no terminal to ask on.`,
    remedy: option === undefined ? 'Run it on a terminal, or use the window.' : `Give it with --${option} FILE, or run it on a terminal.`,
  });
}
