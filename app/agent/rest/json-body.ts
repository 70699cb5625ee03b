import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { KeywrightError } from '../../contract/index.ts';

/** 16 MiB of bytes as base64url, twice over what the rest of an input may take. */
const MAX_JSON_BODY = 24 * 1024 * 1024;
/** Far deeper than any input; a recursive reader further in would run out of stack somewhere beyond thousands. */
const MAX_DEPTH = 32;
/** A body that comes in drops holds its connection for no longer. */
const BODY_DEADLINE_MS = 30_000;

/** A body larger than what is taken: 413 (RFC 9110 §15.5.14). */
export class BodyTooLarge extends Error {}

/**
 * Reads the body of a request as JSON (RFC 8259), UTF-8.
 * @returns the value; an empty body is undefined.
 * @throws BodyTooLarge beyond 24 MiB, INVALID_INPUT with the offset in bytes where there is one, TIMEOUT, CANCELLED.
 */
export async function readJsonBody(message: IncomingMessage): Promise<unknown> {
  const bytes = await readBytes(message);
  // What is not would be read as something that nobody wrote.
  if (!isUtf8(bytes)) throw new KeywrightError('INVALID_INPUT', { detail: 'The body is not UTF-8.', where: '/', remedy: 'Send one JSON object (RFC 8259) in UTF-8.' });
  return bytes.length === 0 ? undefined : parseJson(bytes.toString('utf8'));
}

function readBytes(message: IncomingMessage): Promise<Buffer> {
  const declared = Number(message.headers['content-length'] ?? 0);
  if (declared > MAX_JSON_BODY) return Promise.reject(new BodyTooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const deadline = setTimeout(() => end(new KeywrightError('TIMEOUT', { detail: 'The body of the request did not come in time.', remedy: 'Send it at once.' })), BODY_DEADLINE_MS);
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > MAX_JSON_BODY) end(new BodyTooLarge());
      else chunks.push(chunk);
    };
    const done = (): void => end();
    const broken = (): void => end(new KeywrightError('CANCELLED', 'The connection broke before the whole body came.'));
    const end = (error?: Error): void => {
      clearTimeout(deadline);
      message.off('data', take).off('end', done).off('error', broken).off('close', broken);
      if (error !== undefined) {
        message.on('error', () => undefined);
        reject(error);
      } else resolve(chunks.length === 1 ? chunks[0] as Buffer : Buffer.concat(chunks, length));
    };
    message.on('data', take).on('end', done).on('error', broken).on('close', broken);
  });
}

/** @throws INVALID_INPUT with the place; nothing of the text is repeated, which may hold secrets. */
export function parseJson(text: string): unknown {
  const names = countNames(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    const offset = /at position (\d+)/.exec((thrown as Error).message)?.[1] ?? (/end of JSON/.test((thrown as Error).message) ? String(text.length) : undefined);
    throw new KeywrightError('INVALID_INPUT', {
      detail: `The body is not JSON${offset === undefined ? '' : `: it breaks at offset ${offset}`}.`, where: offset === undefined ? '/' : `offset ${offset}`, remedy: 'Send one JSON object (RFC 8259) in UTF-8.',
    });
  }
  // RFC 8259 §4: of two with one name, whoever stands between may have judged the other one.
  if (membersOf(value) !== names) throw new KeywrightError('INVALID_INPUT', { detail: 'A name stands twice in one object of the body.', where: '/', remedy: 'Name each field once.' });
  return value;
}

/** @returns how many members there are in all objects of a value. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let members = inner === value ? 0 : inner.length;
  for (const one of inner) members += membersOf(one);
  return members;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * Counts brackets and names outside strings; strings are leapt over, so that long base64url costs nothing.
 * @returns how many names of members there are, in text that is JSON. @throws INVALID_INPUT when it is nested too deep
 */
function countNames(text: string): number {
  let depth = 0;
  let names = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = endOfString(text, index);
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > MAX_DEPTH) {
        throw new KeywrightError('INVALID_INPUT', { detail: `The body is nested deeper than ${MAX_DEPTH} levels.`, where: `offset ${index}`, remedy: 'No operation takes such an input: see the OpenAPI description.' });
      }
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
    else if (code === COLON) names += 1;
  }
  return names;
}

/** @returns the index of the closing quote, or of the end when there is none: the parser says so. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
  }
  return text.length;
}
