import { randomBytes } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { toBigInt } from '../../formats/der.ts';
import type { Trust } from '../format.ts';
import { PURPOSE_OIDS } from '../../certificates/index.ts';
import { certificateOf } from '../cms/verify.ts';
import { type Imprint, readTimestampResponse, readTimestampToken, timestampRequest, type TimestampToken } from './token.ts';
import { judgeToken } from './verify.ts';

/** Asks an authority for a timestamp over HTTP (RFC 3161 §3.4). Nothing but the digest leaves this machine. */

const MAX_ANSWER = 1024 * 1024;
const PATIENCE = 30_000;

/**
 * @param url which the caller named: none is asked on its own account.
 * @param patience milliseconds until an authority that says nothing, or does not finish, is given up.
 * @returns the token, a CMS structure, once it is certain that it is of this imprint, answers this request, its signature fits, and its authority's certificate, which is in it, is one for timestamps and had not ended.
 * @throws INVALID_INPUT for a URL that is none of HTTP, BACKEND_UNAVAILABLE for an authority that does not answer, refuses, or answers wrongly, AbortError
 */
export async function askForTimestamp(url: string, imprint: Imprint, signal: AbortSignal, patience = PATIENCE): Promise<Uint8Array> {
  const where = new URL(url);
  if (where.protocol !== 'http:' && where.protocol !== 'https:') throw new KeywrightError('INVALID_INPUT', { detail: 'A timestamp authority is asked over http or https.', where: '/timestamp', remedy: 'Give its URL.' });
  const nonce = toBigInt(randomBytes(8)) | 1n;
  const answer = await post(where, timestampRequest(imprint, nonce), signal, patience);
  const wrong = (detail: string, cause?: unknown): KeywrightError => new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The timestamp authority at ${where.host} ${detail}`, remedy: 'Try again, or ask another authority.', ...(cause === undefined ? {} : { cause }) });
  try {
    const { status, text, token } = readTimestampResponse(answer);
    if (status > 1 || token === null) throw wrong(`gave no timestamp: ${text.slice(0, 300)}`);
    const read = readTimestampToken(token);
    if (read.info.nonce !== nonce) throw wrong('answered another request than ours.');
    const fault = faultOf(read);
    if (fault !== null) throw wrong(fault);
    const trust: Trust = { keys: [], named: false, at: new Date() };
    const verdict = await judgeToken(read, async (name) => (name === imprint.hash ? imprint.digest : Buffer.alloc(0)), trust);
    if (!verdict.intact) throw wrong(`answered with a timestamp that does not hold: ${verdict.problem}`);
    return token;
  } catch (thrown) {
    throw thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT' ? wrong(`gave an answer that cannot be read: ${thrown.message}`, thrown) : thrown;
  }
}

/** @returns why nobody could ever trust a timestamp, in half a sentence, although its signature fits; null when nothing is wrong (RFC 3161 §2.3). */
function faultOf({ info, data }: TimestampToken): string | null {
  const [signer] = data.signers;
  const certificate = signer === undefined ? undefined : certificateOf(signer, data.certificates);
  if (certificate === undefined) return 'gave a timestamp without its certificate, which was asked for.';
  const { notBefore, notAfter, extendedKeyUsages } = certificate;
  if (info.at > notAfter.date) return `stamps by a certificate that ended on ${notAfter.date.toISOString()}.`;
  if (info.at < notBefore.date) return `stamps by a certificate that begins on ${notBefore.date.toISOString()}.`;
  return extendedKeyUsages?.includes(PURPOSE_OIDS.timestamp) === true ? null : 'stamps by a certificate that is not for timestamps.';
}

async function post(url: URL, request: Uint8Array, signal: AbortSignal, patience: number): Promise<Uint8Array> {
  const unavailable = (detail: string, cause?: unknown): KeywrightError => new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The timestamp authority at ${url.host} ${detail}`, remedy: 'Check the URL and the network.', ...(cause === undefined ? {} : { cause }) });
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    const response = await fetch(url, { method: 'POST', body: Buffer.from(request), headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' }, redirect: 'manual', signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]) });
    if (!response.ok) throw unavailable(`answered with HTTP status ${response.status}.`);
    for await (const piece of response.body ?? []) {
      bytes += piece.length;
      if (bytes > MAX_ANSWER) throw unavailable('answered with more than a timestamp.');
      pieces.push(piece);
    }
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof KeywrightError) throw thrown;
    const waited = thrown instanceof Error && thrown.name === 'TimeoutError';
    throw unavailable(waited ? `did not answer within ${patience / 1000} s.` : bytes > 0 ? 'broke off its answer.' : 'did not answer.', thrown);
  }
  return Buffer.concat(pieces);
}
