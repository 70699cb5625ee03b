import { parseJson } from '../../formats/json.ts';
import type { Jwk } from '../../formats/jwk.ts';
import { malformed, malformedAt, notSupported } from '../../formats/malformed.ts';

/** Reads the serializations of JWE: compact (RFC 7516 §7.1), general and flattened JSON (§7.2). */

export interface ReadRecipient {
  /** Protected, shared and own header together. */
  readonly header: Jwk;
  readonly encryptedKey: Uint8Array;
  /** Where it is, for errors. */
  readonly where: string;
}

export interface ReadJwe {
  readonly enc: string;
  /** Deflated before it was encrypted (RFC 7516 §4.1.3). */
  readonly deflated: boolean;
  readonly recipients: readonly ReadRecipient[];
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
  /** What is authenticated beside the content. */
  readonly aad: Uint8Array;
}

const MOST_RECIPIENTS = 1000;
const EMPTY = Buffer.alloc(0);
const PARTS = ['the header', 'the encrypted key', 'the initialization vector', 'the ciphertext', 'the tag'] as const;

/** @throws INVALID_INPUT with the place, CAPABILITY_MISSING for critical headers and compression that are not handled */
export function readJwe(content: Uint8Array): ReadJwe {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  const text = bytes.subarray(0, 1024).toString('latin1').trimStart();
  return text.startsWith('{') ? readJsonForm(parseJson(bytes)) : readCompact(bytes.toString('latin1').trim());
}

function readCompact(text: string): ReadJwe {
  const parts = text.split('.', 6);
  if (parts.length !== 5) throw malformed(`A compact JWE has five parts, and this has ${parts.length > 5 ? 'more' : parts.length}.`, 0);
  const [protectedText, ...others] = parts as [string, string, string, string, string];
  const [encryptedKey, iv, ciphertext, tag] = others.map((part, index) => base64url(part, PARTS[index + 1] as string)) as [Buffer, Buffer, Buffer, Buffer];
  const header = headerOf(protectedText, PARTS[0]);
  return { ...together(header, header), recipients: [{ header, encryptedKey, where: 'the header' }], iv, ciphertext, tag, aad: Buffer.from(protectedText, 'latin1') };
}

function readJsonForm(json: unknown): ReadJwe {
  if (!isObject(json)) throw malformed('A JWE should be a JSON object.', 0);
  const general = json['recipients'] !== undefined;
  if (general && ('header' in json || 'encrypted_key' in json)) throw malformed('The JWE is flattened and general at once.', 0);
  const list = general ? json['recipients'] : [json];
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST_RECIPIENTS) throw malformedAt('/recipients', `There should be recipients, 1 to ${MOST_RECIPIENTS}.`);
  const protectedText = textOf(json, 'protected') ?? '';
  const own = protectedText === '' ? {} : headerOf(protectedText, '/protected');
  const shared = objectOf(json, 'unprotected', '/unprotected');
  const recipients = list.map((one: unknown, index): ReadRecipient => {
    const where = general ? `/recipients/${index}` : '/header';
    if (!isObject(one)) throw malformedAt(where, 'A recipient should be a JSON object.');
    const header = disjoint(where, own, shared, objectOf(one, 'header', where));
    return { header, encryptedKey: base64url(textOf(one, 'encrypted_key') ?? '', `${where}/encrypted_key`), where };
  });
  const aadText = textOf(json, 'aad');
  if (aadText !== undefined) base64url(aadText, '/aad');
  const [first] = recipients as [ReadRecipient];
  const facts = together(first.header, own);
  if (recipients.some(({ header }) => header['enc'] !== facts.enc)) throw malformedAt('/recipients', 'The recipients do not agree on how the content is encrypted (RFC 7516 §7.2.1).');
  return {
    ...facts, recipients, iv: base64url(textOf(json, 'iv') ?? '', '/iv'), ciphertext: base64url(required(json, 'ciphertext'), '/ciphertext'), tag: base64url(textOf(json, 'tag') ?? '', '/tag'),
    aad: Buffer.from(aadText === undefined ? protectedText : `${protectedText}.${aadText}`, 'latin1'),
  };
}

/** @param own the protected header alone. */
function together(header: Jwk, own: Jwk): { enc: string; deflated: boolean } {
  const { enc, zip, crit } = header;
  if (typeof enc !== 'string') throw malformed('The header of the JWE does not say how its content is encrypted (enc).', 0);
  if (crit !== undefined) throw notSupported(`The JWE asks for ${Array.isArray(crit) ? crit.map((name) => `“${String(name).slice(0, 40)}”`).join(', ').slice(0, 200) : 'something'}, which Keywright does not know, and says that it must not be ignored (RFC 7516 §4.1.13).`);
  if (zip === undefined) return { enc, deflated: false };
  if (zip !== 'DEF') throw notSupported('The content of the JWE is compressed in a way that is not handled.', undefined, ['DEF']);
  if (!Object.hasOwn(own, 'zip')) throw malformed('The header zip must be protected (RFC 7516 §4.1.3).', 0);
  return { enc, deflated: true };
}

function headerOf(text: string, where: string): Jwk {
  const header = parseJson(base64url(text, where));
  if (!isObject(header)) throw malformed('The header of the JWE should be a JSON object.', 0);
  return header;
}

function disjoint(where: string, ...headers: readonly Jwk[]): Jwk {
  const all: Record<string, unknown> = {};
  for (const header of headers) {
    for (const [name, value] of Object.entries(header)) {
      if (Object.hasOwn(all, name)) throw malformedAt(where, `The header “${name.slice(0, 40)}” is there twice.`);
      Object.defineProperty(all, name, { value, enumerable: true });
    }
  }
  return all;
}

function objectOf(json: Jwk, name: string, where: string): Jwk {
  const value = json[name] ?? {};
  if (!isObject(value)) throw malformedAt(where, 'A header of the JWE should be a JSON object.');
  return value;
}

function textOf(json: Jwk, name: string): string | undefined {
  const value = json[name];
  if (value !== undefined && typeof value !== 'string') throw malformedAt(`/${name}`, `“${name}” of the JWE should be text.`);
  return value;
}

function required(json: Jwk, name: string): string {
  const value = textOf(json, name);
  if (value === undefined) throw malformedAt(`/${name}`, `The JWE lacks “${name}”.`);
  return value;
}

/** @throws INVALID_INPUT for anything but base64url without padding, in its one canonical form */
export function base64url(text: string, what: string): Buffer {
  if (text === '') return EMPTY;
  const bytes = Buffer.from(text, 'base64url');
  const rest = text.length % 4;
  const canonical = rest !== 1 && bytes.length === Math.floor((text.length * 3) / 4) && (rest === 0 || bytes.subarray(-(rest - 1)).toString('base64url') === text.slice(-rest)) && !/[^\w-]/.test(text);
  if (!canonical) throw malformed(`${what} of the JWE should be base64url without padding.`);
  return bytes;
}

function isObject(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
