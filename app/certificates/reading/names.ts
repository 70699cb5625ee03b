import { type DerReader, der, derOid, derSequence, TAG } from '../../formats/der.ts';
import { malformed, malformedAt } from '../../formats/malformed.ts';
import { STRING_TAGS, whole } from './asn1.ts';
import { ATTRIBUTES } from './oids.ts';
import { decodeString, harmless, isPrintableString, isStringTag } from './text.ts';

/** Distinguished names (X.501; RFC 5280 §4.1.2.4): read, written, compared and shown. */

export interface Attribute {
  readonly oid: string;
  readonly tag: number;
  readonly text: string;
  /** What is wrong with the value. */
  readonly fault?: string;
  /** The value's element, DER. */
  readonly value: Uint8Array;
}

export interface Name {
  /** Most general first, as in the DER. */
  readonly rdns: readonly (readonly Attribute[])[];
  readonly der: Uint8Array;
  /** RFC 4514: the most specific first; harmless to show. */
  readonly text: string;
  /** Equal for names that RFC 5280 §7.1 says are the same. */
  readonly canonical: string;
  /** The canonical form of each RDN, for name constraints. */
  readonly canonicalRdns: readonly string[];
}

const MAX_RDNS = 200;

/** Reads Name. @throws INVALID_INPUT with the offset. Values that their type does not allow are told as faults. */
export function readName(reader: DerReader, what: string): Name {
  const element = reader.next(what, TAG.sequence);
  return nameOf(reader.inside(element), whole(reader, element), what);
}

/** @param content within the SEQUENCE. @param bytes the whole of it. */
export function nameOf(content: DerReader, bytes: Uint8Array, what: string): Name {
  const rdns: Attribute[][] = [];
  while (!content.atEnd) {
    if (rdns.length === MAX_RDNS) throw malformed(`${what} has more than ${MAX_RDNS} parts.`, content.offset);
    rdns.push(readRdn(content, what));
  }
  const canonicalRdns = rdns.map(canonicalRdn);
  return { rdns, der: bytes, text: textOf(rdns), canonical: canonicalRdns.join('\u0001'), canonicalRdns };
}

/** Reads RelativeDistinguishedName, under an implicit tag too. */
export function readRdn(reader: DerReader, what: string, tag: number = TAG.set): Attribute[] {
  const { offset } = reader;
  const set = reader.enter(`a part of ${what}`, tag);
  const attributes: Attribute[] = [];
  while (!set.atEnd) {
    if (attributes.length === 50) throw malformed(`A part of ${what} has more than 50 attributes.`, set.offset);
    const attribute = set.enter(`an attribute of ${what}`);
    const oid = attribute.oid(`the type of an attribute of ${what}`);
    const value = attribute.next(`the value of an attribute of ${what}`);
    attribute.finish(`an attribute of ${what}`);
    const content = attribute.content(value);
    const decoded = isStringTag(value.tag) ? decodeString(value.tag, content) : { text: `#${Buffer.from(whole(attribute, value)).toString('hex')}` };
    attributes.push({ oid, tag: value.tag, value: whole(attribute, value), ...decoded });
  }
  if (attributes.length === 0) throw malformed(`A part of ${what} is empty (X.501 §9.3).`, offset);
  return attributes;
}

/** RFC 5280 §7.1, RFC 4518: case, width and white space do not tell names apart; what is no text is compared as it stands. */
function canonicalRdn(attributes: readonly Attribute[]): string {
  return attributes.map(({ oid, tag, text, value, fault }) => `${oid}=${isStringTag(tag) && fault === undefined ? canonicalText(text) : `#${Buffer.from(value).toString('hex')}`}`).sort().join('\u0000');
}

const canonicalText = (text: string): string => text.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' ').replaceAll(/[\u0000\u0001]/g, (character) => `\\${character.charCodeAt(0)}`);

/** @returns the canonical form of a name with one more part below it, as names relative to the issuer of a revocation list are meant (RFC 5280 §4.2.1.13). */
export const canonicalBelow = ({ canonicalRdns }: Name, rdn: readonly Attribute[]): string => [...canonicalRdns, canonicalRdn(rdn)].join('\u0001');

/** @returns a distinguished name as RFC 4514 writes it: the last RDN first, with what cannot be shown made harmless. */
export function textOf(rdns: readonly (readonly Attribute[])[]): string {
  return rdns.toReversed().map((attributes) => attributes.map(({ oid, text, tag, fault }) => `${ATTRIBUTES[oid] ?? oid}=${isStringTag(tag) ? escaped(text) : text}${fault === undefined ? '' : ` (${fault})`}`).join('+')).join(', ');
}

/** RFC 4514 §2.4. */
function escaped(text: string): string {
  return harmless(text.replaceAll(/[\\",+<>;]/g, '\\$&').replace(/^[ #]/, '\\$&').replace(/(?<!\\) $/, '\\ '));
}

/** @returns the values of an attribute type, in the order of the name. */
export function attributesOf(name: Name, oid: string): string[] {
  return name.rdns.flatMap((attributes) => attributes.filter((attribute) => attribute.oid === oid).map(({ text }) => text));
}

export const COMMON_NAME = '2.5.4.3';
export const EMAIL_ADDRESS = '1.2.840.113549.1.9.1';

const BY_SHORT_NAME = new Map<string, string>();
for (const [oid, name] of Object.entries(ATTRIBUTES)) BY_SHORT_NAME.set(name.toLowerCase(), oid);
for (const [alias, oid] of Object.entries({
  commonname: '2.5.4.3', surname: '2.5.4.4', countryname: '2.5.4.6', country: '2.5.4.6', localityname: '2.5.4.7', locality: '2.5.4.7', stateorprovincename: '2.5.4.8', state: '2.5.4.8', s: '2.5.4.8', street: '2.5.4.9', streetaddress: '2.5.4.9',
  organizationname: '2.5.4.10', organization: '2.5.4.10', organizationalunitname: '2.5.4.11', organizationalunit: '2.5.4.11', givenname: '2.5.4.42', domaincomponent: '0.9.2342.19200300.100.1.25', userid: '0.9.2342.19200300.100.1.1',
  e: '1.2.840.113549.1.9.1', email: '1.2.840.113549.1.9.1', t: '2.5.4.12', dnq: '2.5.4.46',
})) BY_SHORT_NAME.set(alias, oid);

/** Upper bounds of RFC 5280 appendix A.1. */
const UPPER_BOUNDS: Readonly<Record<string, number>> = { '2.5.4.3': 64, '2.5.4.7': 128, '2.5.4.8': 128, '2.5.4.10': 64, '2.5.4.11': 64, '2.5.4.5': 64, '2.5.4.12': 64, '2.5.4.65': 128, '1.2.840.113549.1.9.1': 255 };

/**
 * @param text RFC 4514 (`CN=Ada Example,O=Example`, the most specific first), or OpenSSL's form (`/O=Example/CN=Ada Example`, the most general first).
 * @returns Name, DER. Values are UTF8String; PrintableString where RFC 5280 wants it (country, serial number); IA5String for DC and e-mail addresses.
 * @throws INVALID_INPUT with where it is wrong
 */
export function buildName(text: string, where = '/subject'): Buffer {
  const trimmed = text.trim();
  const rdns = trimmed === '' ? [] : trimmed.startsWith('/') ? splitSlashes(trimmed, where) : splitCommas(trimmed, where).reverse();
  return derSequence(...rdns.map((attributes) => derSet(attributes.map(({ type, value }) => derSequence(derOid(type), valueOf(type, value, where))))));
}

/** X.690 §11.6: the members of a SET OF in ascending order. */
export function derSet(members: readonly Buffer[]): Buffer {
  return der(TAG.set, ...members.toSorted(Buffer.compare));
}

interface Given { readonly type: string; readonly value: string | { readonly der: Buffer } }

function valueOf(type: string, value: Given['value'], where: string): Buffer {
  if (typeof value !== 'string') return value.der;
  const most = UPPER_BOUNDS[type];
  const name = ATTRIBUTES[type] ?? type;
  if (value === '') throw wrong(`${name} is empty.`, where);
  if (most !== undefined && [...value].length > most) throw wrong(`${name} has ${[...value].length} characters; ${most} is the most (RFC 5280 appendix A.1).`, where);
  if (type === '2.5.4.6') {
    if (!/^[A-Za-z]{2}$/.test(value)) throw wrong(`C is a country code of two letters (RFC 5280 appendix A.1), not “${harmless(value.slice(0, 40))}”.`, where);
    return der(STRING_TAGS.printable, Buffer.from(value.toUpperCase()));
  }
  if (type === '2.5.4.5' || type === '2.5.4.46') {
    if (!isPrintableString(value)) throw wrong(`${name} may hold the characters of a PrintableString alone.`, where);
    return der(STRING_TAGS.printable, Buffer.from(value));
  }
  if (type === '0.9.2342.19200300.100.1.25' || type === EMAIL_ADDRESS) {
    if (!/^[\x20-\x7e]*$/.test(value)) throw wrong(`${name} may hold ASCII alone (RFC 5280 appendix A.1).`, where);
    return der(STRING_TAGS.ia5, Buffer.from(value));
  }
  return der(STRING_TAGS.utf8, Buffer.from(value, 'utf8'));
}

function typeOf(text: string, where: string): string {
  const name = text.trim().replace(/^oid\./i, '');
  if (/^[012](\.(0|[1-9]\d*))+$/.test(name)) return name;
  const oid = BY_SHORT_NAME.get(name.toLowerCase());
  if (oid === undefined) throw wrong(`“${harmless(name.slice(0, 40))}” is no attribute of a name that is known here.`, where, 'Use CN, O, OU, C, ST, L, DC, UID, emailAddress …, or an object identifier.');
  return oid;
}

function splitSlashes(text: string, where: string): Given[][] {
  return text.slice(1).split(/(?<!\\)\//).filter((part) => part !== '').map((part) => {
    const at = part.indexOf('=');
    if (at < 0) throw wrong(`“${harmless(part.slice(0, 40))}” in the name is not TYPE=VALUE.`, where);
    return [{ type: typeOf(part.slice(0, at), where), value: part.slice(at + 1).replaceAll(/\\(.)/g, '$1').trim() }];
  });
}

/** RFC 4514 §3, with white space around separators. */
function splitCommas(text: string, where: string): Given[][] {
  const rdns: Given[][] = [[]];
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf('=', at);
    if (equals < 0) throw wrong(`“${harmless(text.slice(at, at + 40).trim())}” in the name is not TYPE=VALUE.`, where, 'Write CN=Ada Example,O=Example; a comma within a value as \\,.');
    const type = typeOf(text.slice(at, equals), where);
    const { value, next, separator } = readValue(text, equals + 1, where);
    rdns.at(-1)!.push({ type, value });
    at = next;
    if (separator === ',' || separator === ';') rdns.push([]);
    if (separator !== '' && text.slice(at).trim() === '') throw wrong('The name ends with a separator.', where);
  }
  return rdns;
}

function readValue(text: string, from: number, where: string): { value: Given['value']; next: number; separator: string } {
  let at = from;
  while (text[at] === ' ') at += 1;
  if (text[at] === '#') {
    const hex = /^#((?:[0-9a-fA-F]{2})+)\s*(?:([,;+])|$)/.exec(text.slice(at));
    if (hex === null) throw wrong('A value that begins with # should be hexadecimal digits (RFC 4514 §2.4).', where);
    return { value: { der: Buffer.from(hex[1]!, 'hex') }, next: at + hex[0].length, separator: hex[2] ?? '' };
  }
  const quoted = text[at] === '"';
  if (quoted) at += 1;
  const bytes: number[] = [];
  let keep = 0;
  for (; at < text.length; ) {
    const character = String.fromCodePoint(text.codePointAt(at)!);
    if (character === '\\') {
      const pair = /^[0-9a-fA-F]{2}/.exec(text.slice(at + 1));
      if (pair !== null) bytes.push(Number.parseInt(pair[0], 16));
      else bytes.push(...Buffer.from(String.fromCodePoint(text.codePointAt(at + 1) ?? 0x5c), 'utf8'));
      at += pair === null ? 1 + String.fromCodePoint(text.codePointAt(at + 1) ?? 0x5c).length : 3;
      keep = bytes.length;
      continue;
    }
    if (quoted ? character === '"' : ',;+'.includes(character)) break;
    bytes.push(...Buffer.from(character, 'utf8'));
    if (quoted || character !== ' ') keep = bytes.length;
    at += character.length;
  }
  if (quoted) {
    if (text[at] !== '"') throw wrong('A quoted value in the name never ends.', where);
    at += 1;
    while (text[at] === ' ') at += 1;
    if (at < text.length && !',;+'.includes(text[at]!)) throw wrong('Something follows a quoted value in the name.', where);
  }
  return { value: Buffer.from(bytes.slice(0, keep)).toString('utf8'), next: at + 1, separator: text[at] ?? '' };
}

const wrong = (detail: string, where: string, remedy?: string): Error => malformedAt(where, detail, remedy);
