import { berToDer } from './ber.ts';
import { contextTag, der, derInteger, derOid, DerReader, derSequence, TAG } from './der.ts';
import { malformed, notSupported } from './malformed.ts';

/** PKCS#7 bundles (.p7b, .p7c): SignedData without signers that carries certificates and revocation lists (RFC 2315 §9, RFC 5652 §5). */

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const DATA = '1.2.840.113549.1.7.1';
const MAX_MEMBERS = 20_000;

interface Pkcs7Bundle {
  /** DER, each. */
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
  /** How many have signed; a bundle has none. */
  readonly signers: number;
}

/** @param content BER or DER of a ContentInfo. @throws INVALID_INPUT with the offset, CAPABILITY_MISSING for other messages than SignedData */
export function readPkcs7(content: Uint8Array): Pkcs7Bundle {
  const bytes = berToDer(content);
  const outer = new DerReader(bytes);
  const info = outer.enter('the message');
  outer.finish('the message');
  const type = info.oid('the type of the message');
  if (type !== SIGNED_DATA) throw notSupported('This message of CMS or PKCS#7 is encrypted or of another kind: it carries no certificates.', 'Give a file with certificates.');
  const wrapper = info.enter('the content of the message', contextTag(0));
  const signed = wrapper.enter('the signed data');
  signed.smallInteger('the version', 5);
  signed.next('the hashes', TAG.set);
  signed.next('what was signed', TAG.sequence);
  const certificates = members(signed, 'the certificates', contextTag(0));
  const crls = members(signed, 'the revocation lists', contextTag(1));
  const signers = signed.enter('the signers', TAG.set);
  let count = 0;
  for (; !signers.atEnd; count++) signers.next('a signer');
  signed.finish('the signed data');
  return { certificates, crls, signers: count };
}

/** Those that are plain certificates and lists (SEQUENCE); attribute certificates and other kinds are tagged, and passed over. */
function members(signed: DerReader, what: string, tag: number): Uint8Array[] {
  const set = signed.optional(what, tag);
  const found: Uint8Array[] = [];
  if (set === undefined) return found;
  for (const inside = signed.inside(set); !inside.atEnd;) {
    const element = inside.next(what);
    if (element.tag !== TAG.sequence) continue;
    if (found.length === MAX_MEMBERS) throw malformed(`The file holds more than ${MAX_MEMBERS} of ${what}.`, element.offset);
    found.push(inside.bytes.subarray(element.offset, element.to));
  }
  return found;
}

/** @param certificates DER, in the order in which they shall be met. @returns ContentInfo, DER. */
export function writePkcs7(certificates: readonly Uint8Array[], crls: readonly Uint8Array[] = []): Buffer {
  const lists = crls.length === 0 ? [] : [der(contextTag(1), ...crls)];
  const signed = derSequence(derInteger(1n), der(TAG.set), derSequence(derOid(DATA)), der(contextTag(0), ...certificates), ...lists, der(TAG.set));
  return derSequence(derOid(SIGNED_DATA), der(contextTag(0), signed));
}
