import { KeywrightError } from '../contract/index.ts';

/**
 * PKCS#11 URIs (RFC 7512): they name modules, slots, tokens and objects by what is written on them. A PIN in one is refused, be it
 * the PIN itself (`pin-value`) or a place where it is (`pin-source`).
 */

const OBJECT_TYPES = ['cert', 'data', 'private', 'public', 'secret-key'] as const;
type ObjectType = (typeof OBJECT_TYPES)[number];

/** Path attributes of RFC 7512 §2.3, decoded. Each holds exactly what the module says, blanks at the end left out. */
export interface Pkcs11Path {
  readonly token?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly object?: string;
  readonly type?: ObjectType;
  /** CKA_ID. */
  readonly id?: Uint8Array;
  readonly slotDescription?: string;
  readonly slotManufacturer?: string;
  readonly slotId?: number;
  readonly libraryDescription?: string;
  readonly libraryManufacturer?: string;
  readonly libraryVersion?: string;
}

const NAMES = {
  token: 'token', manufacturer: 'manufacturer', model: 'model', serial: 'serial', object: 'object', type: 'type', id: 'id',
  'slot-description': 'slotDescription', 'slot-manufacturer': 'slotManufacturer', 'slot-id': 'slotId',
  'library-description': 'libraryDescription', 'library-manufacturer': 'libraryManufacturer', 'library-version': 'libraryVersion',
} as const satisfies Record<string, keyof Pkcs11Path>;

/** Allowed as they are in a path attribute (RFC 7512 §2.3: unreserved and pk11-res-avail without `&`, which a shell would take). */
const PLAIN = /[^A-Za-z0-9\-._~:[\]@!$'()*+,=]/;

/** @returns `token=…;serial=…;object=…;id=…;type=…`: what follows `pkcs11:`. The same path for the same facts, so that it can be compared. */
export function formatPkcs11Path(path: Pick<Pkcs11Path, 'token' | 'serial' | 'object' | 'id' | 'type'>): string {
  const parts: string[] = [];
  if (path.token !== undefined && path.token !== '') parts.push(`token=${encoded(Buffer.from(path.token))}`);
  if (path.serial !== undefined && path.serial !== '') parts.push(`serial=${encoded(Buffer.from(path.serial))}`);
  if (path.object !== undefined && path.object !== '') parts.push(`object=${encoded(Buffer.from(path.object))}`);
  // All of it encoded: these are bytes, and RFC 7512 §2.3 recommends it.
  if (path.id !== undefined && path.id.length > 0) parts.push(`id=${Buffer.from(path.id).toString('hex').replaceAll(/../g, (byte) => `%${byte.toUpperCase()}`)}`);
  if (path.type !== undefined) parts.push(`type=${path.type}`);
  return parts.join(';');
}

/**
 * @param text with or without `pkcs11:`.
 * @throws INVALID_INPUT with the offset; for a PIN, without repeating it.
 */
export function parsePkcs11Uri(text: string): Pkcs11Path {
  const start = /^pkcs11:/i.test(text) ? 7 : 0;
  const question = text.indexOf('?', start);
  const end = question === -1 ? text.length : question;
  assertNoPin(text);
  const path: Record<string, unknown> = {};
  let at = start;
  for (const part of end === start ? [] : text.slice(start, end).split(';')) {
    const equals = part.indexOf('=');
    if (equals <= 0) throw malformed('A part is not of the form name=value', at);
    const name = part.slice(0, equals);
    const bytes = decoded(part.slice(equals + 1), at + equals + 1);
    // Unknown attributes are vendors' own (RFC 7512 §2.3, pk11-v-attr): they name nothing that we could compare.
    const known = NAMES[name as keyof typeof NAMES];
    if (known !== undefined) {
      if (known in path) throw malformed(`“${name}” is there twice`, at);
      path[known] = valueOf(known, bytes, at);
    } else if (!/^[A-Za-z0-9_-]+$/.test(name)) throw malformed('A name holds other than letters, digits, “-” and “_”', at);
    at += part.length + 1;
  }
  return path as Pkcs11Path;
}

/** @returns whether an object with all of `facts` is meant by `wanted` (RFC 7512 §2.5: every attribute that is given must be equal). */
export function matchesPkcs11Path(wanted: Pkcs11Path, facts: Pkcs11Path): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    const own = facts[name as keyof Pkcs11Path];
    if (value instanceof Uint8Array) return own instanceof Uint8Array && Buffer.from(own).equals(value);
    return own === value;
  });
}

/**
 * Whether a reference that a person gave names the key at `uri`, by fewer attributes or in another order. What says where the object
 * is and not what it is called (slot, library) is not part of a key's URI and is not compared.
 * @throws INVALID_INPUT when the reference is malformed or holds a PIN
 */
export function namesSamePkcs11Object(reference: string, uri: string): boolean {
  const { token, serial, object, id, type } = parsePkcs11Uri(reference);
  const wanted = Object.fromEntries(Object.entries({ token, serial, object, id, type: type === 'public' || type === 'cert' ? undefined : type }).filter(([, value]) => value !== undefined));
  if (Object.keys(wanted).length === 0) throw malformed('It names no token, serial number, object or id', 0);
  return matchesPkcs11Path(wanted, parsePkcs11Uri(uri));
}

function assertNoPin(text: string): void {
  const pin = /[;?&:](pin-value|pin-source)=/i.exec(text);
  if (pin !== null) throw new KeywrightError('INVALID_INPUT', { detail: 'A PIN does not belong into a key URI.', where: '/key', remedy: 'Leave it out: it is asked for, or give --pin-file.' });
}

function valueOf(name: keyof Pkcs11Path, bytes: Buffer, at: number): unknown {
  if (name === 'id') return new Uint8Array(bytes);
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw malformed('A value is not UTF-8', at);
  if (name === 'slotId') {
    if (!/^\d{1,15}$/.test(text)) throw malformed('slot-id is not a number', at);
    return Number(text);
  }
  if (name === 'type' && !(OBJECT_TYPES as readonly string[]).includes(text)) throw malformed(`type is none of ${OBJECT_TYPES.join(', ')}`, at);
  return text;
}

function decoded(text: string, at: number): Buffer {
  const bytes: number[] = [];
  const raw = Buffer.from(text);
  for (let index = 0; index < raw.length; index++) {
    const byte = raw[index] as number;
    if (byte !== 0x25) {
      bytes.push(byte);
      continue;
    }
    const hex = raw.toString('latin1', index + 1, index + 3);
    if (!/^[0-9a-f]{2}$/i.test(hex)) throw malformed('“%” is not followed by two hexadecimal digits', at + index);
    bytes.push(Number.parseInt(hex, 16));
    index += 2;
  }
  return Buffer.from(bytes);
}

function encoded(bytes: Buffer): string {
  return [...bytes].map((byte) => {
    const char = String.fromCharCode(byte);
    return byte >= 0x80 || PLAIN.test(char) ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : char;
  }).join('');
}

function malformed(what: string, offset: number): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: `This is no PKCS#11 URI (RFC 7512): ${what}, at offset ${offset}.`, where: '/key', remedy: 'Write it like pkcs11:token=My%20token;object=Signing.' });
}
