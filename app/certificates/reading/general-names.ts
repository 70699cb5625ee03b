import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { contextPrimitive, contextTag, der, derOid, derSequence, DerReader, TAG } from '../../formats/der.ts';
import { malformed, malformedAt } from '../../formats/malformed.ts';
import { STRING_TAGS, whole } from './asn1.ts';
import { buildName, nameOf, type Name } from './names.ts';
import { OTHER_NAMES, SMTP_UTF8, UPN } from './oids.ts';
import { decodeString, harmless, isStringTag } from './text.ts';

/** GeneralName (RFC 5280 §4.2.1.6): read, written and shown. */

export type GeneralName =
  | { readonly kind: 'dns' | 'email' | 'uri'; readonly text: string; /** Bytes that no IA5String has. */ readonly fault?: string }
  | { readonly kind: 'ip'; /** 4 or 16 bytes; twice as many in name constraints. */ readonly bytes: Uint8Array }
  | { readonly kind: 'dir'; readonly name: Name }
  | { readonly kind: 'rid'; readonly oid: string }
  | { readonly kind: 'other'; readonly oid: string; /** The value's element, DER. */ readonly value: Uint8Array; readonly text: string | null }
  | { readonly kind: 'x400' | 'edi'; readonly value: Uint8Array };

/** Largest number of names in one list: the 10,000 and room. */
const MAX_NAMES = 20_000;

/** @returns the next GeneralName (RFC 5280 §4.2.1.6); text that its type does not allow comes with its fault. @throws INVALID_INPUT with the offset */
export function readGeneralName(reader: DerReader, what: string): GeneralName {
  const element = reader.next(what);
  const content = reader.content(element);
  switch (element.tag) {
    case contextPrimitive(1): case contextPrimitive(2): case contextPrimitive(6): {
      const { text, fault } = decodeString(STRING_TAGS.ia5, content);
      return { kind: element.tag === contextPrimitive(1) ? 'email' : element.tag === contextPrimitive(2) ? 'dns' : 'uri', text, ...(fault === undefined ? {} : { fault }) };
    }
    case contextPrimitive(7): return { kind: 'ip', bytes: content };
    case contextPrimitive(8): return { kind: 'rid', oid: new DerReader(der(TAG.oid, content)).oid(what) };
    case contextTag(0): {
      const inside = reader.inside(element);
      const oid = inside.oid(what);
      const explicit = inside.enter(what, contextTag(0));
      const value = explicit.next(what);
      explicit.finish(what);
      inside.finish(what);
      const decoded = isStringTag(value.tag) ? decodeString(value.tag, explicit.content(value)) : undefined;
      return { kind: 'other', oid, value: whole(explicit, value), text: decoded === undefined || decoded.fault !== undefined ? null : decoded.text };
    }
    case contextTag(4): {
      const inside = reader.inside(element);
      const name = inside.next(what, TAG.sequence);
      inside.finish(what);
      return { kind: 'dir', name: nameOf(inside.inside(name), whole(inside, name), what) };
    }
    case contextTag(3): return { kind: 'x400', value: whole(reader, element) };
    case contextTag(5): return { kind: 'edi', value: whole(reader, element) };
    default: throw malformed(`${what} is no kind of name that RFC 5280 §4.2.1.6 has.`, element.offset);
  }
}

/** Reads the names to the end of `reader`. @throws INVALID_INPUT when there are none, or more than {@link MAX_NAMES} */
export function readGeneralNames(reader: DerReader, what: string): GeneralName[] {
  const names: GeneralName[] = [];
  if (reader.atEnd) throw malformed(`${what} holds no name (RFC 5280 §4.2.1.6: at least one).`, reader.offset);
  while (!reader.atEnd) {
    if (names.length === MAX_NAMES) throw malformed(`${what} holds more than ${MAX_NAMES} names.`, reader.offset);
    names.push(readGeneralName(reader, what));
  }
  return names;
}

/** @returns `dns:example.org`, harmless to show; what {@link buildGeneralName} takes, for all kinds that it takes. */
export function generalNameText(name: GeneralName): string {
  switch (name.kind) {
    case 'dns': case 'email': case 'uri': return `${name.kind}:${harmless(name.text)}`;
    case 'ip': return `ip:${ipText(name.bytes)}`;
    case 'dir': return `dir:${name.name.text}`;
    case 'rid': return `rid:${name.oid}`;
    case 'other': {
      const known = OTHER_NAMES[name.oid];
      if (known === 'upn' && name.text !== null) return `upn:${harmless(name.text)}`;
      return name.text === null ? `other:${name.oid};der:${Buffer.from(name.value).toString('hex')}` : `other:${name.oid};utf8:${harmless(name.text)}`;
    }
    default: return `${name.kind}:${Buffer.from(name.value).toString('hex')}`;
  }
}

/** @returns an address, or an address with its mask as `10.0.0.0/8`. */
function ipText(bytes: Uint8Array): string {
  if (bytes.length === 8 || bytes.length === 32) {
    const half = bytes.length / 2;
    const bits = [...bytes.subarray(half)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    const prefix = /^1*0*$/.test(bits) ? String(bits.lastIndexOf('1') + 1) : ipText(bytes.subarray(half));
    return `${ipText(bytes.subarray(0, half))}/${prefix}`;
  }
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return `(${bytes.length} bytes: ${Buffer.from(bytes).toString('hex')})`;
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[2 * index] as number) << 8) | (bytes[2 * index + 1] as number)).toString(16));
  const runs = [...groups.join(':').matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  const [longest] = runs;
  if (longest === undefined) return groups.join(':');
  const text = groups.join(':');
  return `${text.slice(0, longest.index).replace(/:$/, '')}::${text.slice(longest.index + longest[0].length).replace(/^:/, '')}`;
}

/** @returns 4 or 16 bytes, or undefined for what is no address. */
export function ipBytes(text: string): Buffer | undefined {
  const version = isIP(text);
  if (version === 4) return Buffer.from(text.split('.').map(Number));
  if (version !== 6 || text.includes('%')) return undefined;
  const four = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = four === null ? undefined : Buffer.from(four[2]!.split('.').map(Number));
  const plain = four === null || tail === undefined ? text : `${four[1]}${tail.readUInt16BE(0).toString(16)}:${tail.readUInt16BE(2).toString(16)}`;
  const [left = '', right] = plain.split('::');
  const parts = (side: string): number[] => (side === '' ? [] : side.split(':').map((group) => Number.parseInt(group, 16)));
  const [head, end] = [parts(left), right === undefined ? [] : parts(right)];
  const bytes = Buffer.alloc(16);
  [...head, ...Array.from({ length: 8 - head.length - end.length }, () => 0), ...end].forEach((group, index) => bytes.writeUInt16BE(group, 2 * index));
  return bytes;
}

const DNS_LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/**
 * @returns a DNS name as it stands in certificates: A-labels for international names (RFC 5280 §7.2, RFC 5891), `*.` in front kept.
 * @throws INVALID_INPUT
 */
function dnsName(text: string, where: string, { wildcard = true } = {}): string {
  const star = wildcard && text.startsWith('*.');
  const rest = star ? text.slice(2) : text;
  const ascii = /^[\x20-\x7e]*$/.test(rest) ? rest : domainToASCII(rest);
  if (ascii === '' || ascii.length > 253 || ascii.endsWith('.') || !ascii.split('.').every((label) => DNS_LABEL.test(label))) {
    throw malformedAt(where, `“${harmless(text.slice(0, 80))}” is no DNS name (RFC 5280 §4.2.1.6, RFC 1034 §3.5).`, text.includes('/') ? 'A URI goes in as uri:…' : 'For example example.org or *.example.org, without a dot at the end.');
  }
  return star ? `*.${ascii}` : ascii;
}

/**
 * @param text `dns:NAME`, `ip:ADDRESS`, `email:ADDRESS`, `uri:URI`, `upn:NAME`, `dir:DN`, `rid:OID`, `other:OID;utf8:TEXT`, `other:OID;der:HEX`.
 * @param constraint as it stands in name constraints: a domain with or without a leading dot, `ip:10.0.0.0/8`, `email:example.org`.
 * @returns GeneralName, DER. @throws INVALID_INPUT
 */
export function buildGeneralName(text: string, where: string, constraint = false): Buffer {
  const found = /^([a-z0-9]+):([^]*)$/i.exec(text.trim());
  if (found === null) throw malformedAt(where, `“${harmless(text.slice(0, 80))}” does not say which kind of name it is.`, 'Write dns:, ip:, email:, uri:, upn:, dir:, rid: or other: in front.');
  const [kind, value] = [found[1]!.toLowerCase(), found[2]!.trim()];
  switch (kind) {
    case 'dns': return ia5(2, constraint ? constraintHost(value, where) : dnsName(value, where));
    case 'email': return constraint ? ia5(1, value.includes('@') ? mailbox(value, where).ascii! : constraintHost(value, where)) : emailName(value, where);
    case 'uri': return ia5(6, constraint ? constraintHost(value, where) : uriName(value, where));
    case 'ip': return der(contextPrimitive(7), constraint ? subnet(value, where) : address(value, where));
    case 'upn': return otherName(UPN, der(STRING_TAGS.utf8, Buffer.from(value, 'utf8')));
    case 'dir': return der(contextTag(4), buildName(value, where));
    case 'rid': return der(contextPrimitive(8), new Uint8Array(contentOf(derOid(oid(value, where)))));
    case 'other': {
      const [, type = '', form, rest = ''] = /^([\d.]+);(utf8|der):([^]*)$/i.exec(value) ?? [];
      if (form === undefined) throw malformedAt(where, 'Another kind of name is written other:OID;utf8:TEXT or other:OID;der:HEX.');
      return otherName(oid(type, where), form.toLowerCase() === 'utf8' ? der(STRING_TAGS.utf8, Buffer.from(rest, 'utf8')) : oneElement(rest, where));
    }
    default: throw malformedAt(where, `“${harmless(kind)}” is no kind of name.`, 'Write dns:, ip:, email:, uri:, upn:, dir:, rid: or other: in front.');
  }
}

const ia5 = (number: number, text: string): Buffer => der(contextPrimitive(number), Buffer.from(text, 'latin1'));
const otherName = (type: string, value: Uint8Array): Buffer => der(contextTag(0), derOid(type), der(contextTag(0), value));
const contentOf = (element: Buffer): Buffer => element.subarray(2);

function oid(text: string, where: string): string {
  if (!/^[012](\.(0|[1-9]\d*))+$/.test(text)) throw malformedAt(where, `“${harmless(text.slice(0, 60))}” is no object identifier.`);
  return text;
}

function oneElement(hex: string, where: string): Buffer {
  const bytes = Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
  const reader = new DerReader(bytes);
  try {
    reader.next('the value');
    reader.finish('the value');
  } catch {
    throw malformedAt(where, 'The value should be one DER element, in hexadecimal digits.');
  }
  return bytes;
}

function constraintHost(text: string, where: string): string {
  if (text === '') return '';
  return text.startsWith('.') ? `.${dnsName(text.slice(1), where, { wildcard: false })}` : dnsName(text, where, { wildcard: false });
}

/** RFC 5321 mailbox; international ones as SmtpUTF8Mailbox (RFC 9598). */
function emailName(text: string, where: string): Buffer {
  const { ascii, utf8 } = mailbox(text, where);
  return ascii === undefined ? otherName(SMTP_UTF8, der(STRING_TAGS.utf8, Buffer.from(utf8, 'utf8'))) : ia5(1, ascii);
}

function mailbox(text: string, where: string): { ascii: string | undefined; utf8: string } {
  const at = text.lastIndexOf('@');
  const [local, host] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || local.length > 64 || /[\s<>()[\],;:\\"]/.test(local)) throw malformedAt(where, `“${harmless(text.slice(0, 80))}” is no e-mail address.`, 'For example ada@example.org.');
  const domain = dnsName(host, where, { wildcard: false });
  return { ascii: /^[\x21-\x7e]+$/.test(local) ? `${local}@${domain}` : undefined, utf8: `${local.normalize('NFC')}@${domain}` };
}

function uriName(text: string, where: string): string {
  if (!/^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(text) || !URL.canParse(text)) throw malformedAt(where, `“${harmless(text.slice(0, 80))}” is no absolute URI (RFC 5280 §4.2.1.6).`, 'For example https://example.org/ada; other characters than ASCII percent-encoded.');
  return text;
}

function address(text: string, where: string): Buffer {
  const bytes = ipBytes(text.replace(/^\[(.*)\]$/, '$1'));
  if (bytes === undefined) throw malformedAt(where, `“${harmless(text.slice(0, 80))}” is no IP address.`, 'For example 192.0.2.1 or 2001:db8::1.');
  return bytes;
}

function subnet(text: string, where: string): Buffer {
  const [head = '', prefix] = text.split('/');
  const bytes = address(head, where);
  const bits = prefix === undefined ? bytes.length * 8 : Number(prefix);
  if (!Number.isInteger(bits) || bits < 0 || bits > bytes.length * 8) throw malformedAt(where, `“${harmless(text.slice(0, 80))}” is no network.`, 'For example 10.0.0.0/8.');
  const mask = Buffer.alloc(bytes.length);
  for (let bit = 0; bit < bits; bit++) mask[bit >> 3] = (mask[bit >> 3] as number) | (0x80 >> (bit & 7));
  if (bytes.some((byte, index) => (byte & ~(mask[index] as number)) !== 0)) throw malformedAt(where, `${harmless(text)} has bits set beyond its prefix.`);
  return Buffer.concat([bytes, mask]);
}

/** @returns the texts of one list, where a text may hold several: `dns:a.example ip:192.0.2.1`. */
export function splitNames(texts: readonly string[]): string[] {
  return texts.flatMap((text) => (/^(dir|other):/i.test(text.trim()) ? [text] : text.trim().split(/[\s,]+(?=(?:dns|ip|email|uri|upn|rid):)/i)));
}

/** @returns GeneralNames, DER. */
export function buildGeneralNames(texts: readonly string[], where: string): Buffer {
  return derSequence(...splitNames(texts).map((text, index) => buildGeneralName(text, `${where}/${index}`)));
}
