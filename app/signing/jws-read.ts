import { createHash } from 'node:crypto';
import { Certificate } from '../certificates/index.ts';
import { parseJson } from '../formats/json.ts';
import { malformed, malformedAt, within } from '../formats/malformed.ts';

/** Reads the serializations of JWS: compact (RFC 7515 §7.1), general and flattened JSON (§7.2). */

export interface JwsSignature {
  /** As it was signed: base64url of the protected header, or nothing. */
  readonly protectedText: string;
  readonly alg: string;
  /** False: the payload is signed as it is (RFC 7797). */
  readonly encoded: boolean;
  readonly signature: Uint8Array;
  /** `x5c` (RFC 7515 §4.1.6): the signer's first. */
  readonly certificates: readonly Certificate[];
  /** Why it proves nothing, whatever the key: `none`, a MAC, a critical header that we do not know. */
  readonly problem: string | null;
}

interface Jws {
  /** `text` is what was signed, `content` what it means; null when the payload is detached. */
  readonly payload: { readonly text: string; readonly content: Uint8Array } | null;
  readonly signatures: readonly JwsSignature[];
}

type Json = Readonly<Record<string, unknown>>;
const MAX_SIGNATURES = 100;
const MAX_CERTIFICATES = 100;

/** @throws INVALID_INPUT with the place */
export function readJws(content: Uint8Array): Jws {
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('utf8').trim();
  return text.startsWith('{') ? readJsonForm(parseJson(content)) : readCompact(text);
}

function readCompact(text: string): Jws {
  const first = text.indexOf('.');
  const last = text.lastIndexOf('.');
  if (first < 0 || first === last) throw malformed('A compact JWS should be three parts with dots between them.', 0);
  const [protectedText, middle, signature] = [text.slice(0, first), text.slice(first + 1, last), text.slice(last + 1)];
  const one = signatureOf(protectedText, undefined, signature, 'the header');
  if (one.encoded && middle.includes('.')) throw malformed('A compact JWS should be three parts, and there are more.', last, middle.split('.').length === 3 ? 'Five parts are a JWE, which is encrypted.' : undefined);
  return { payload: middle === '' ? null : payloadOf(middle, one.encoded, first + 1), signatures: [one] };
}

function readJsonForm(json: unknown): Jws {
  if (!isObject(json)) throw malformed('A JWS should be a JSON object.', 0);
  const list: unknown = json['signatures'] ?? [json];
  if (json['signatures'] !== undefined && json['signature'] !== undefined) throw malformed('The JWS is flattened and general at once.', 0);
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_SIGNATURES) throw malformedAt('/signatures', `There should be signatures, 1 to ${MAX_SIGNATURES}.`);
  const signatures = list.map((one: unknown, index) => {
    const where = `/signatures/${index}`;
    if (!isObject(one)) throw malformedAt(where, 'A signature should be a JSON object.');
    const { protected: header = '', signature } = one as { protected?: unknown; signature?: unknown };
    if (typeof header !== 'string' || typeof signature !== 'string') throw malformedAt(where, 'The protected header and the signature should be text.');
    return signatureOf(header, one['header'], signature, where);
  });
  const encodings = new Set(signatures.map(({ encoded }) => encoded));
  if (encodings.size > 1) throw malformedAt('/signatures', 'The signatures do not agree on whether the payload is encoded (RFC 7797 §3).');
  const { payload } = json as { payload?: unknown };
  if (payload !== undefined && typeof payload !== 'string') throw malformedAt('/payload', 'The payload should be text.');
  return { payload: payload === undefined ? null : payloadOf(payload, signatures[0]!.encoded, 0), signatures };
}

function payloadOf(text: string, encoded: boolean, at: number): { text: string; content: Uint8Array } {
  return { text, content: encoded ? base64url(text, 'The payload', at) : Buffer.from(text) };
}

function signatureOf(protectedText: string, unprotectedHeader: unknown, signature: string, where: string): JwsSignature {
  const own = protectedText === '' ? {} : parseJson(base64url(protectedText, 'The protected header', 0));
  const other = unprotectedHeader ?? {};
  if (!isObject(own) || !isObject(other)) throw malformedAt(where, 'The header should be a JSON object.');
  for (const name of Object.keys(other)) if (Object.hasOwn(own, name)) throw malformedAt(where, `The header “${name.slice(0, 40)}” is there twice, protected and not.`);
  const { alg } = { ...other, ...own } as { alg?: unknown };
  if (typeof alg !== 'string') throw malformedAt(where, 'The header does not say with which algorithm it was signed.');
  const all: Json = { ...other, ...own };
  const certificates = certificatesOf(all['x5c'], where);
  return { protectedText, alg, encoded: own['b64'] !== false, signature: base64url(signature, 'The signature', 0), certificates, problem: problemOf(alg, own, other) ?? anotherCertificate(all, certificates) };
}

function certificatesOf(x5c: unknown, where: string): Certificate[] {
  if (x5c === undefined) return [];
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > MAX_CERTIFICATES) throw malformedAt(`${where}/x5c`, `“x5c” should be 1 to ${MAX_CERTIFICATES} certificates (RFC 7515 §4.1.6).`);
  return x5c.map((text: unknown, index) => {
    const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : Buffer.alloc(0);
    if (bytes.length === 0 || bytes.toString('base64') !== text) throw malformedAt(`${where}/x5c/${index}`, 'A member of “x5c” should be a certificate in base64.');
    return within(`${where}/x5c/${index}`, () => new Certificate(bytes));
  });
}

/** `x5t` and `x5t#S256` (RFC 7515 §4.1.7, §4.1.8) say which certificate was meant. */
function anotherCertificate(header: Json, [certificate]: readonly Certificate[]): string | null {
  if (certificate === undefined) return null;
  for (const [name, hash] of [['x5t', 'sha1'], ['x5t#S256', 'sha256']] as const) {
    if (header[name] !== undefined && header[name] !== createHash(hash).update(certificate.der).digest('base64url')) return `The JWS was made for another certificate than the one that it carries: “${name}” does not fit.`;
  }
  return null;
}

function problemOf(alg: string, own: Json, other: Json): string | null {
  if (/^none$/i.test(alg)) return 'It is not signed: its algorithm is “none”.';
  if (/^HS\d+$/.test(alg)) return `${alg} is a message authentication code: whoever can check it can make it, so it proves nothing about who did.`;
  if ('crit' in other || 'b64' in other) return 'A header that must be protected (crit, b64) is not.';
  const { crit } = own;
  if (crit === undefined) return 'b64' in own ? 'The header b64 is not marked as critical, so that others read the payload differently.' : null;
  if (!Array.isArray(crit) || crit.length === 0 || crit.some((name) => typeof name !== 'string' || !Object.hasOwn(own, name))) return 'The list of critical headers is not valid.';
  const strange = crit.find((name) => name !== 'b64');
  if (strange !== undefined) return `The JWS asks for “${String(strange).slice(0, 40)}”, which Keywright does not know, and says that it must not be ignored.`;
  return own['b64'] === undefined || typeof own['b64'] === 'boolean' ? null : 'The header b64 is neither true nor false.';
}

function base64url(text: string, what: string, at: number): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw malformed(`${what} should be base64url without padding.`, at);
  return bytes;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
