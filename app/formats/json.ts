import { malformed } from './malformed.ts';

/** A JWK has one level, a JWK Set two; members that we ignore (x5c, other extensions) may have a few more. */
const MAX_DEPTH = 16;

/**
 * JSON.parse that cannot be made to nest, and whose errors give the place and nothing of the content, which is secret.
 * A name that an object has twice is refused: of two programs each would take another of the two (RFC 7515 §4, RFC 7517 §4, RFC 8725 §2.4).
 * @param content UTF-8. @throws INVALID_INPUT with the offset
 */
export function parseJson(content: Uint8Array): unknown {
  const twice = scan(content);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw malformed('The JSON is not UTF-8.');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    const place = /at position (\d+)/.exec(thrown instanceof Error ? thrown.message : '')?.[1];
    throw malformed('This is not JSON.', place === undefined ? text.trimEnd().length : Number(place));
  }
  if (twice !== undefined) throw malformed('A name is there twice in one object of the JSON.', twice);
  return value;
}

/** One pass over the bytes, whether they are JSON or not. @returns where a name stands for the second time in its object. @throws INVALID_INPUT where it nests too deep */
function scan(content: Uint8Array): number | undefined {
  /** The names of each object that is open; null for a list. */
  const open: (Set<string> | null)[] = [];
  let [twice, start, end] = [undefined as number | undefined, -1, -1];
  let inString = false;
  for (let at = 0; at < content.length; at++) {
    const byte = content[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) [inString, end] = [false, at + 1];
    } else if (byte === 0x22) [inString, start] = [true, at];
    else if (byte === 0x7b || byte === 0x5b) {
      if (open.push(byte === 0x7b ? new Set() : null) > MAX_DEPTH) throw malformed(`The JSON nests deeper than ${MAX_DEPTH} levels.`, at);
    } else if (byte === 0x7d || byte === 0x5d) open.pop();
    else if (byte === 0x3a && start >= 0) {
      const names = open.at(-1);
      const name = nameOf(content, start, end);
      if (names?.has(name) === true) twice ??= start;
      names?.add(name);
    }
  }
  return twice;
}

/** As JSON means it: `"\u0061lg"` is `"alg"`. */
function nameOf(content: Uint8Array, start: number, end: number): string {
  const text = Buffer.from(content.buffer, content.byteOffset + start, end - start).toString('utf8');
  try {
    return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1);
  } catch {
    return text;
  }
}
