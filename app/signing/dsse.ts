import { parseJson } from '../formats/json.ts';
import { malformed, malformedAt } from '../formats/malformed.ts';
import { fingerprint } from '../formats/spki.ts';
import { type FormatModule, notIntact } from './format.ts';
import { tryKeys } from './try-keys.ts';

/**
 * DSSE envelopes (Dead Simple Signing Envelope 1.0), as in-toto and Sigstore use them: the payload in base64, its type, and
 * signatures over both by the pre-authentication encoding. The standard leaves the algorithm to who knows the key.
 */
const IN_TOTO = 'application/vnd.in-toto+json';
/** The payload is in the envelope, and the envelope in memory while it is read. */
const MAX_PAYLOAD = 64 * 1024 * 1024;

export const dsse: FormatModule = {
  async sign(file, key, { algorithm, payloadType }) {
    const payload = await file.whole(MAX_PAYLOAD);
    const type = payloadType ?? (isStatement(payload) ? IN_TOTO : 'application/octet-stream');
    if (type === IN_TOTO && !isStatement(payload)) throw malformedAt('/payloadType', 'The file is no in-toto statement: JSON with _type, subject and predicateType.', 'Give another payload type.');
    const signature = await key.sign(algorithm, await file.for(algorithm, { before: preamble(type, file.bytes) }));
    const envelope = { payload: base64(payload), payloadType: type, signatures: [{ keyid: fingerprint(key.spki), sig: base64(signature) }] };
    return { bytes: Buffer.from(`${JSON.stringify(envelope)}\n`) };
  },

  async verify(file, signature, trust) {
    const envelope = readEnvelope(signature ?? (await file.whole(2 * MAX_PAYLOAD)));
    if (signature !== null && !(await file.holds(envelope.payload))) return [notIntact('The envelope holds another file than this one.')];
    const before = preamble(envelope.payloadType, envelope.payload.length);
    const message = Buffer.concat([before, envelope.payload]);
    return Promise.all(envelope.signatures.map(async (one) => {
      const verdict = await tryKeys({ signature: one, ecdsa: 'either', content: async () => ({ message }) }, trust);
      return { ...verdict, notes: [`The payload’s type is ${envelope.payloadType}.`] };
    }));
  },
};

/** PAE: every length is told before what it is the length of, so that no two payloads read alike. */
function preamble(type: string, bytes: number): Buffer {
  return Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${bytes} `);
}

interface Envelope {
  readonly payload: Uint8Array;
  readonly payloadType: string;
  readonly signatures: readonly Uint8Array[];
}

function readEnvelope(content: Uint8Array): Envelope {
  const json = parseJson(content) as { payload?: unknown; payloadType?: unknown; signatures?: unknown } | null;
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw malformed('A DSSE envelope should be a JSON object.', 0);
  if (typeof json.payloadType !== 'string') throw malformedAt('/payloadType', 'The payload’s type should be text.');
  if (!Array.isArray(json.signatures) || json.signatures.length === 0 || json.signatures.length > 100) throw malformedAt('/signatures', 'There should be signatures, 1 to 100.');
  return {
    payload: bytesOf(json.payload, '/payload'), payloadType: json.payloadType,
    signatures: json.signatures.map((one: unknown, index) => bytesOf((one as { sig?: unknown } | null)?.sig, `/signatures/${index}/sig`)),
  };
}

/** The standard allows both base64 alphabets, with padding or without. */
function bytesOf(text: unknown, where: string): Uint8Array {
  if (typeof text !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw malformedAt(where, 'This should be base64.');
  return Buffer.from(text, 'base64');
}

function isStatement(content: Uint8Array): boolean {
  try {
    const json = parseJson(content) as Record<string, unknown> | null;
    return typeof json === 'object' && json !== null && String(json['_type']).startsWith('https://in-toto.io/Statement/') && Array.isArray(json['subject']) && typeof json['predicateType'] === 'string';
  } catch {
    return false;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
