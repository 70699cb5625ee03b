import { malformed } from './malformed.ts';

/** A JWK has one level, a JWK Set two; members that we ignore (x5c, other extensions) may have a few more. */
const MAX_DEPTH = 16;

/**
 * JSON.parse that cannot be made to nest, and whose errors give the place and nothing of the content, which is secret.
 * @param content UTF-8. @throws INVALID_INPUT with the offset
 */
export function parseJson(content: Uint8Array): unknown {
  checkDepth(content);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw malformed('The JSON is not UTF-8.');
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    const place = /at position (\d+)/.exec(thrown instanceof Error ? thrown.message : '')?.[1];
    throw malformed('This is not JSON.', place === undefined ? text.trimEnd().length : Number(place));
  }
}

function checkDepth(content: Uint8Array): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < content.length; at++) {
    const byte = content[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_DEPTH) throw malformed(`The JSON nests deeper than ${MAX_DEPTH} levels.`, at);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
}
