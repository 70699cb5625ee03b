import { looksLikePem, parsePem } from '../../formats/pem.ts';
import { malformed } from '../../formats/malformed.ts';

/** The ways in which CMS travels: DER or BER, PEM (RFC 7468 §9), and S/MIME (RFC 8551 §3). */

/** The last two are gpgsm's. */
const LABELS = new Set(['CMS', 'PKCS7', 'PKCS #7 SIGNED DATA', 'SIGNED DATA', 'SIGNED MESSAGE', 'CMS OBJECT']);
const LINE = 64;

/** CMS as it was found. */
interface Enclosed {
  readonly cms: Uint8Array;
  /** What was signed, where S/MIME has it beside. */
  readonly content: Uint8Array | null;
  /** What a reader may see beside it, and nobody signed: text around it, or the headers of a mail. */
  readonly outside: 'text' | 'headers' | null;
}

/** @throws INVALID_INPUT with the place */
export function openEncoding(bytes: Uint8Array): Enclosed {
  if (bytes[0] === 0x30) return { cms: bytes, content: null, outside: null };
  if (looksLikePem(bytes)) {
    const block = parsePem(bytes).find(({ label }) => LABELS.has(label));
    if (block !== undefined) return { cms: block.content, content: null, outside: isAlone(bytes) ? null : 'text' };
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text.toString('latin1', 0, 4096)) && text.toString('latin1', 0, 2) === 'MI') return { cms: fromBase64(text), content: null, outside: null };
  return openMime(text);
}

function openMime(message: Buffer): Enclosed {
  const { headers, body } = splitHeaders(message);
  const type = headers.get('content-type') ?? '';
  if (/^application\/(x-)?pkcs7-mime/i.test(type)) return { cms: decoded(body, headers), content: null, outside: named(headers) };
  const boundary = /^multipart\/signed/i.test(type) ? /boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(type) : null;
  if (boundary === null) throw malformed('The file holds no CMS signature: neither DER nor PEM nor S/MIME.', 0);
  const { parts, around } = partsOf(body, `--${boundary[1] ?? boundary[2]}`);
  const [first, second] = parts;
  if (first === undefined || second === undefined || parts.length !== 2) throw malformed('A signed S/MIME message should have two parts.');
  const signature = splitHeaders(second);
  if (!/^application\/(x-)?pkcs7-signature/i.test(signature.headers.get('content-type') ?? '')) throw malformed('The second part of the message is no S/MIME signature.');
  return { cms: decoded(signature.body, signature.headers), content: canonical(first), outside: USUAL.test(around) ? named(headers) : 'text' };
}

/** Parts between lines that are the boundary; the line end before a boundary belongs to it (RFC 2046 §5.1.1). */
function partsOf(body: Buffer, boundary: string): { parts: Buffer[]; around: string } {
  const parts: Buffer[] = [];
  let start: number | undefined;
  let [begin, rest] = [body.length, body.length];
  for (let at = 0; at <= body.length;) {
    const end = body.indexOf(0x0a, at);
    const line = body.toString('latin1', at, end < 0 ? body.length : end).trimEnd();
    if (line === boundary || line === `${boundary}--`) {
      if (start !== undefined) parts.push(body.subarray(start, Math.max(start, body[at - 2] === 0x0d ? at - 2 : at - 1)));
      start = line === boundary ? end + 1 : undefined;
      begin = Math.min(begin, at);
      if (line !== boundary || parts.length > 10) {
        rest = end < 0 ? body.length : end + 1;
        break;
      }
    }
    if (end < 0) break;
    at = end + 1;
  }
  return { parts, around: `${body.toString('latin1', 0, begin)}${body.toString('latin1', rest)}` };
}

/** What programs write there for readers without MIME. */
const USUAL = /^\s*(?:This is (?:an S\/MIME|a cryptographically) signed message(?: in MIME format)?\.?\s*)?$/;

/** What a reader of mail shows large: who it is from, and what it is about. */
const named = (headers: ReadonlyMap<string, string>): 'headers' | null => (['from', 'subject', 'to', 'date'].some((name) => headers.has(name)) ? 'headers' : null);

function isAlone(text: Uint8Array): boolean {
  return /^\s*-----BEGIN ([^\n]*)-----[\s\S]*-----END \1-----\s*$/.test(Buffer.from(text.buffer, text.byteOffset, text.length).toString('latin1'));
}

function splitHeaders(message: Buffer): { headers: ReadonlyMap<string, string>; body: Buffer } {
  const headers = new Map<string, string>();
  let name = '';
  for (let at = 0; at < message.length && headers.size < 1000;) {
    const end = message.indexOf(0x0a, at);
    if (end < 0 || end - at > 100_000) break;
    const line = message.toString('latin1', at, end).replace(/\r$/, '');
    at = end + 1;
    if (line === '') return { headers, body: message.subarray(at) };
    const colon = line.indexOf(':');
    if (/^[ \t]/.test(line) && name !== '') headers.set(name, `${headers.get(name)} ${line.trim()}`);
    else if (colon > 0) headers.set((name = line.slice(0, colon).trim().toLowerCase()), line.slice(colon + 1).trim());
    else break;
  }
  return { headers, body: message };
}

function decoded(body: Buffer, headers: ReadonlyMap<string, string>): Uint8Array {
  return /base64/i.test(headers.get('content-transfer-encoding') ?? 'base64') ? fromBase64(body) : body;
}

/** Nothing else may stand there: it would be shown, or not, as a reader likes, and nobody signed it. */
function fromBase64(body: Buffer): Buffer {
  const text = body.toString('latin1').replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw malformed('The message should hold base64, and nothing behind it.');
  return Buffer.from(text, 'base64');
}

/** Text is signed with line ends of CR and LF (RFC 8551 §3.1.1). */
function canonical(part: Buffer): Buffer {
  return Buffer.from(part.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
}

/** Writes base64 in lines, piece by piece. */
export function base64Lines(take: (piece: Uint8Array) => Promise<void>): { next(piece: Uint8Array): Promise<void>; end(): Promise<void> } {
  const lineBytes = (LINE / 4) * 3;
  let left = Buffer.alloc(0);
  const lines = (bytes: Buffer): Buffer => Buffer.from((bytes.toString('base64').match(/.{1,64}/g) ?? []).map((line) => `${line}\n`).join(''));
  return {
    async next(piece) {
      const all = Buffer.concat([left, piece]);
      const whole = all.length - (all.length % lineBytes);
      left = Buffer.from(all.subarray(whole));
      if (whole > 0) await take(lines(all.subarray(0, whole)));
    },
    async end() {
      if (left.length > 0) await take(lines(left));
    },
  };
}
