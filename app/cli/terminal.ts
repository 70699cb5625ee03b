import { closeSync, openSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { ReadStream } from 'node:tty';
import { KeywrightError } from '../contract/errors.ts';
import { LAST_TRY, problemOfSecret } from '../contract/ask.ts';
import type { PromptAnswer, PromptRequest } from '../contract/prompts.ts';
import { printable } from './printable.ts';
import { hasTerminal, TERMINAL } from './surroundings.ts';

/** A person at a terminal. */
export interface Terminal {
  /** @throws CANCELLED */
  ask(request: PromptRequest, signal: AbortSignal): Promise<PromptAnswer>;
}

/** @returns the terminal itself (never standard input), or undefined when there is none. */
export function openTerminal(): Terminal | undefined {
  return hasTerminal() ? new ProcessTerminal() : undefined;
}

class ProcessTerminal implements Terminal {
  async ask(request: PromptRequest, signal: AbortSignal): Promise<PromptAnswer> {
    const line = new TerminalLine(signal);
    try {
      return await converse(request, line);
    } finally {
      line.close();
    }
  }
}

/** One line of writing, and one of reading. */
export interface Line {
  write(text: string): void;
  /** @param hidden what is typed is not shown. @throws CANCELLED on Ctrl+C or Ctrl+D */
  read(hidden: boolean): Promise<string>;
}

/** Asks what the request asks, in words that fit a terminal. @throws CANCELLED */
export async function converse(request: PromptRequest, line: Line): Promise<PromptAnswer> {
  const { title, subject, note } = request;
  line.write(`${printable(title)}${subject === undefined ? '' : ` (${printable(subject)})`}\n`);
  if (note !== undefined) line.write(`  ${printable(note)}\n`);
  switch (request.kind) {
    case 'secret': {
      if (request.triesLeft !== undefined) line.write(`  ${request.triesLeft} ${request.triesLeft === 1 ? 'try' : 'tries'} left\n`);
      const lastTry = request.triesLeft === 1;
      if (lastTry) {
        line.write(`  If it is wrong, it is blocked. Type “${LAST_TRY}” to go on: `);
        if ((await line.read(false)).trim() !== LAST_TRY) throw new KeywrightError('CANCELLED', 'The last try was not spent. Nothing was sent.');
      }
      line.write(`${nameOf(request.purpose)}: `);
      return { kind: 'secret', secret: await line.read(true), ...(lastTry ? { lastTry } : {}) };
    }
    // Nothing to type: the touch ends it through the signal, Ctrl+C cancels.
    case 'touch': for (;;) await line.read(true);
    case 'new-secret': return { kind: 'secret', secret: await choose(request, line) };
    case 'confirm': {
      if (request.typed !== undefined) {
        line.write(`Type “${printable(request.typed)}” to go on: `);
        return { kind: 'confirmed', typed: await line.read(false) };
      }
      line.write(`${printable(request.action)}? [y/N] `);
      if (/^y(es)?$/i.test((await line.read(false)).trim())) return { kind: 'confirmed' };
      throw new KeywrightError('CANCELLED', 'It was not confirmed. Nothing was changed.');
    }
    case 'show-secret': {
      line.write(`\n    ${printable(request.secret)}\n\nPress Enter once you have kept it. `);
      await line.read(true);
      return { kind: 'confirmed' };
    }
  }
}

/** Typed twice, until both are the same and as long as they must be. */
async function choose(request: PromptRequest & { kind: 'new-secret' }, line: Line): Promise<string> {
  const { minLength = 8, maxLength, purpose } = request;
  const lengths = maxLength === undefined ? `at least ${minLength}` : maxLength === minLength ? String(minLength) : `${minLength} to ${maxLength}`;
  const name = nameOf(purpose);
  for (;;) {
    line.write(`New ${/^[A-Z]{2}/.test(name) ? name : name.toLowerCase()} (${lengths} characters): `);
    const first = await line.read(true);
    const problem = problemOfSecret(first, request);
    if (problem !== null) {
      line.write([...first].length < minLength ? `That is shorter than ${minLength} characters.\n` : `${problem.detail}\n`);
      continue;
    }
    line.write('Again: ');
    if ((await line.read(true)) === first) return first;
    line.write('These differ.\n');
  }
}

const SECRET_NAMES: Readonly<Record<string, string>> = { 'recovery-code': 'Recovery code', pin: 'PIN', puk: 'PUK', 'so-pin': 'SO PIN', 'management-key': 'Management key (hex)', 'dkek-password': 'Password of the DKEK share' };

function nameOf(purpose: string): string {
  if (purpose.endsWith('passphrase')) return 'Passphrase';
  return SECRET_NAMES[purpose.replace(/^new-/, '')] ?? 'Password';
}

/** The terminal in raw mode: what is typed is shown by us, or not at all. */
class TerminalLine implements Line {
  readonly #signal: AbortSignal;
  readonly #in: ReadStream;
  readonly #out: number;
  readonly #restore: () => void;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.#out = openSync(TERMINAL.out, 'w');
    this.#in = new ReadStream(openSync(TERMINAL.in, 'r'));
    this.#in.setRawMode(true);
    // However the process ends, the person's terminal shows again what is typed.
    this.#restore = () => void this.#in.setRawMode(false);
    process.on('exit', this.#restore);
  }

  write(text: string): void {
    writeSync(this.#out, text);
  }

  read(hidden: boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const editor = new LineEditor();
      const end = (how: () => void): void => {
        this.#in.off('data', onData);
        this.#in.pause();
        this.#signal.removeEventListener('abort', onAbort);
        this.write('\n');
        how();
      };
      const onAbort = (): void => end(() => reject(this.#signal.reason as Error));
      const onData = (bytes: Buffer): void => {
        const before = editor.text;
        const state = editor.type(bytes);
        if (!hidden) this.write(shownChange(before, editor.text));
        if (state === 'done') end(() => resolve(editor.text));
        if (state === 'cancelled') end(() => reject(new KeywrightError('CANCELLED', 'The prompt was cancelled. Nothing was changed.')));
      };
      this.#signal.addEventListener('abort', onAbort, { once: true });
      this.#in.on('data', onData);
      this.#in.resume();
    });
  }

  close(): void {
    this.#restore();
    process.off('exit', this.#restore);
    this.#in.destroy();
    closeSync(this.#out);
  }
}

function shownChange(before: string, after: string): string {
  if (after.startsWith(before)) return after.slice(before.length);
  return '\b \b'.repeat([...before].length) + after;
}

/** A line as it is typed: characters, Backspace, Ctrl+U; Enter ends it, Ctrl+C and Ctrl+D (on an empty line) cancel it. */
export class LineEditor {
  text = '';
  #escape = false;
  /** A character may come in pieces, over a slow line or at the end of what is read at once. */
  readonly #decoder = new StringDecoder('utf8');

  /** @param typed keys, or their UTF-8. */
  type(typed: string | Buffer): 'open' | 'done' | 'cancelled' {
    for (const key of typeof typed === 'string' ? typed : this.#decoder.write(typed)) {
      if (this.#escape) {
        // An arrow or function key: ends with a letter or a tilde.
        if (/[A-Za-z~]/.test(key) && key !== 'O') this.#escape = false;
        continue;
      }
      if (key === '\r' || key === '\n') return 'done';
      if (key === '\x03' || (key === '\x04' && this.text === '')) return 'cancelled';
      if (key === '\x7f' || key === '\b') this.text = [...this.text].slice(0, -1).join('');
      else if (key === '\x15') this.text = '';
      else if (key === '\x1b') this.#escape = true;
      else if (key >= ' ') this.text += key;
    }
    return 'open';
  }
}
