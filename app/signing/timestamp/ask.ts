import { randomBytes } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { toBigInt } from '../../formats/der.ts';
import type { Trust } from '../format.ts';
import { type Imprint, readTimestampResponse, readTimestampToken, timestampRequest } from './token.ts';
import { judgeToken } from './verify.ts';

/** Asks an authority for a timestamp over HTTP (RFC 3161 §3.4). Nothing but the digest leaves this machine. */

const MAX_ANSWER = 1024 * 1024;
const PATIENCE = 30_000;

/**
 * @param url which the caller named: none is asked on its own account.
 * @returns the token, a CMS structure, once it is certain that it is of this imprint, answers this request, and its signature fits.
 * @throws INVALID_INPUT for a URL that is none of HTTP, BACKEND_UNAVAILABLE for an authority that does not answer, refuses, or answers wrongly, AbortError
 */
export async function askForTimestamp(url: string, imprint: Imprint, signal: AbortSignal): Promise<Uint8Array> {
  const where = new URL(url);
  if (where.protocol !== 'http:' && where.protocol !== 'https:') throw new KeywrightError('INVALID_INPUT', { detail: 'A timestamp authority is asked over http or https.', where: '/timestamp', remedy: 'Give its URL.' });
  const nonce = toBigInt(randomBytes(8)) | 1n;
  const answer = await post(where, timestampRequest(imprint, nonce), signal);
  const wrong = (detail: string, cause?: unknown): KeywrightError => new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The timestamp authority at ${where.host} ${detail}`, remedy: 'Try again, or ask another authority.', ...(cause === undefined ? {} : { cause }) });
  try {
    const { status, text, token } = readTimestampResponse(answer);
    if (status > 1 || token === null) throw wrong(`gave no timestamp: ${text.slice(0, 300)}`);
    const read = readTimestampToken(token);
    if (read.info.nonce !== nonce) throw wrong('answered another request than ours.');
    const trust: Trust = { keys: [], named: false, at: new Date() };
    const verdict = await judgeToken(read, async (name) => (name === imprint.hash ? imprint.digest : Buffer.alloc(0)), trust);
    if (!verdict.intact) throw wrong(`answered with a timestamp that does not hold: ${verdict.problem}`);
    return token;
  } catch (thrown) {
    throw thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT' ? wrong(`gave an answer that cannot be read: ${thrown.message}`, thrown) : thrown;
  }
}

async function post(url: URL, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const unavailable = (detail: string, cause?: unknown): KeywrightError => new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The timestamp authority at ${url.host} ${detail}`, remedy: 'Check the URL and the network.', ...(cause === undefined ? {} : { cause }) });
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', body: Buffer.from(request), headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' }, redirect: 'error', signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]) });
  } catch (cause) {
    signal.throwIfAborted();
    throw unavailable('did not answer.', cause);
  }
  if (!response.ok) throw unavailable(`answered with HTTP status ${response.status}.`);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_ANSWER) throw unavailable('answered with more than a timestamp.');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
