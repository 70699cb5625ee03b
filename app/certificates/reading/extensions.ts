import { type DerElement, DerReader, contextPrimitive, contextTag, TAG } from '../../formats/der.ts';
import { malformed } from '../../formats/malformed.ts';
import { ENUMERATED, readAll, readBits, readBoolean, readGeneralizedTime, readNamedBits, whole } from './asn1.ts';
import { type GeneralName, readGeneralName, readGeneralNames } from './general-names.ts';
import { type Attribute, readRdn } from './names.ts';
import { EXTENSION, KEY_USAGES, type KeyUsageName } from './oids.ts';
import { readString } from './text.ts';

/** Extensions (RFC 5280 §4.2 and §5.2): read into values. Each reader takes the content of extnValue and refuses what follows it. */

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of extnValue. */
  readonly value: Uint8Array;
  /** Where the extension begins in the whole. */
  readonly offset: number;
  /** How it departs from DER without being another thing. */
  readonly fault?: string;
}

const MAX_EXTENSIONS = 200;

/** Reads Extensions, the SEQUENCE itself. */
export function readExtensions(reader: DerReader, what: string): Extension[] {
  const list = reader.enter(`the extensions of ${what}`);
  if (list.atEnd) throw malformed(`The extensions of ${what} are an empty list (RFC 5280 §4.1.2.9: at least one).`, list.offset);
  return readAll(list, `extensions of ${what}`, MAX_EXTENSIONS, (one) => {
    const { offset } = one;
    const inside = one.enter('an extension');
    const oid = inside.oid('the identifier of an extension');
    let critical = false;
    let fault: string | undefined;
    if (inside.peek() === TAG.boolean) {
      critical = readBoolean(inside, 'whether an extension is critical');
      if (!critical) fault = 'it spells out that it is not critical, which DER leaves out (X.690 §11.5)';
    }
    const value = inside.octets('the value of an extension');
    inside.finish('an extension');
    return { oid, critical, value, offset, ...(fault === undefined ? {} : { fault }) };
  });
}

export interface BasicConstraints { readonly ca: boolean; readonly pathLength: number | undefined }

function only<T>(value: Uint8Array, what: string, read: (reader: DerReader) => T): T {
  const reader = new DerReader(value);
  const result = read(reader);
  reader.finish(what);
  return result;
}
const onlySequence = <T>(value: Uint8Array, what: string, read: (inside: DerReader) => T): T => only(value, what, (reader) => {
  const inside = reader.enter(what);
  const result = read(inside);
  inside.finish(what);
  return result;
});

/** RFC 5280 §4.2.1.9. Like all readers here it takes the content of the OCTET STRING, DER. @throws INVALID_INPUT with the offset in it */
export const basicConstraints = (value: Uint8Array): BasicConstraints => onlySequence(value, 'basic constraints', (inside) => {
  const ca = inside.peek() === TAG.boolean ? readBoolean(inside, 'cA') : false;
  const pathLength = inside.peek() === TAG.integer ? inside.smallInteger('pathLenConstraint', 2 ** 31) : undefined;
  return { ca, pathLength };
});

/** RFC 5280 §4.2.1.3. @returns `minimal`: whether the BIT STRING is without needless zeros, as DER wants it */
export const keyUsage = (value: Uint8Array): { usages: KeyUsageName[]; minimal: boolean } => only(value, 'key usage', (reader) => {
  const { set, minimal } = readNamedBits(reader, 'key usage');
  return { usages: set.flatMap((bit) => KEY_USAGES[bit] ?? []), minimal };
});

/** RFC 5280 §4.2.1.12. @returns OIDs */
export const extendedKeyUsage = (value: Uint8Array): string[] => onlySequence(value, 'extended key usage', (inside) => {
  if (inside.atEnd) throw malformed('Extended key usage names no purpose (RFC 5280 §4.2.1.12: at least one).', inside.offset);
  return readAll(inside, 'purposes', 1000, (one) => one.oid('a purpose'));
});

/** RFC 5280 §4.2.1.6, §4.2.1.7: the alternative names of subject and issuer. */
export const generalNames = (value: Uint8Array, what = 'the alternative names'): GeneralName[] => onlySequence(value, what, (inside) => readGeneralNames(inside, what));

/** RFC 5280 §4.2.1.2. */
export const subjectKeyIdentifier = (value: Uint8Array): Uint8Array => only(value, 'the subject key identifier', (reader) => reader.octets('the subject key identifier'));

export interface AuthorityKeyIdentifier { readonly keyIdentifier: Uint8Array | undefined; readonly issuer: readonly GeneralName[] | undefined; readonly serial: Uint8Array | undefined }

/** RFC 5280 §4.2.1.1. */
export const authorityKeyIdentifier = (value: Uint8Array): AuthorityKeyIdentifier => onlySequence(value, 'the authority key identifier', (inside) => {
  const part = (tag: number): DerElement | undefined => inside.optional('a part of the authority key identifier', tag);
  const [id, issuer, serial] = [part(contextPrimitive(0)), part(contextTag(1)), part(contextPrimitive(2))];
  return {
    keyIdentifier: id === undefined ? undefined : inside.content(id), issuer: issuer === undefined ? undefined : readGeneralNames(inside.inside(issuer), 'the authority key identifier'), serial: serial === undefined ? undefined : inside.content(serial),
  };
});

/** One subtree; `minimum` and `maximum` must be as RFC 5280 §4.2.1.10 says. */
export interface NameConstraints { readonly permitted: readonly GeneralName[]; readonly excluded: readonly GeneralName[] }

/** RFC 5280 §4.2.1.10. */
export const nameConstraints = (value: Uint8Array): NameConstraints => onlySequence(value, 'the name constraints', (inside) => {
  const subtrees = (tag: number): GeneralName[] => {
    const list = inside.optional('subtrees of the name constraints', tag);
    if (list === undefined) return [];
    const reader = inside.inside(list);
    if (reader.atEnd) throw malformed('A list of subtrees of the name constraints is empty (RFC 5280 §4.2.1.10).', reader.offset);
    return readAll(reader, 'subtrees', 20_000, (one) => {
      const subtree = one.enter('a subtree');
      const base = readGeneralName(subtree, 'the base of a subtree');
      if (!subtree.atEnd) throw malformed('A subtree has a minimum or a maximum, which RFC 5280 §4.2.1.10 forbids.', subtree.offset);
      return base;
    });
  };
  const constraints = { permitted: subtrees(contextTag(0)), excluded: subtrees(contextTag(1)) };
  if (constraints.permitted.length + constraints.excluded.length === 0) throw malformed('The name constraints constrain nothing (RFC 5280 §4.2.1.10).');
  return constraints;
});

interface PolicyInformation { readonly oid: string; readonly qualifiers: readonly { readonly oid: string; readonly text: string | null; readonly raw: Uint8Array }[] }

/** RFC 5280 §4.2.1.4. */
export const certificatePolicies = (value: Uint8Array): PolicyInformation[] => onlySequence(value, 'the certificate policies', (inside) => {
  if (inside.atEnd) throw malformed('The certificate policies are an empty list (RFC 5280 §4.2.1.4).', inside.offset);
  return readAll(inside, 'policies', 1000, (one) => {
    const policy = one.enter('a policy');
    const oid = policy.oid('a policy');
    const qualifiers = policy.atEnd ? [] : readAll(policy.enter('policy qualifiers'), 'qualifiers', 100, (each) => {
      const qualifier = each.enter('a policy qualifier');
      const type = qualifier.oid('a policy qualifier');
      const element = qualifier.next('a policy qualifier');
      qualifier.finish('a policy qualifier');
      return { oid: type, text: qualifierText(qualifier, element), raw: whole(qualifier, element) };
    });
    policy.finish('a policy');
    return { oid, qualifiers };
  });
});

/** A CPS URI, or the text of a user notice. */
function qualifierText(reader: DerReader, element: DerElement): string | null {
  try {
    if (element.tag !== TAG.sequence) return readString(new DerReader(reader.bytes, element.offset, element.to), 'a qualifier');
    const notice = reader.inside(element);
    while (!notice.atEnd) {
      if (notice.peek() === TAG.sequence) notice.next('');
      else return readString(notice, 'a notice');
    }
    return null;
  } catch {
    return null;
  }
}

/** RFC 5280 §4.2.1.5. @returns OIDs, of the issuer’s domain and of the subject’s */
export const policyMappings = (value: Uint8Array): { issuer: string; subject: string }[] => onlySequence(value, 'the policy mappings', (inside) => {
  if (inside.atEnd) throw malformed('The policy mappings are an empty list (RFC 5280 §4.2.1.5).', inside.offset);
  return readAll(inside, 'mappings', 1000, (one) => {
    const pair = one.enter('a policy mapping');
    const mapping = { issuer: pair.oid('a policy'), subject: pair.oid('a policy') };
    pair.finish('a policy mapping');
    return mapping;
  });
});

interface PolicyConstraints { readonly requireExplicit: number | undefined; readonly inhibitMapping: number | undefined }

/** SkipCerts under an implicit tag. */
function skipCerts(reader: DerReader, tag: number): number | undefined {
  const element = reader.optional('a number of certificates', tag);
  if (element === undefined) return undefined;
  const content = reader.content(element);
  if (content.length === 0 || content.length > 4 || (content[0] as number) >= 0x80 || (content.length > 1 && content[0] === 0 && (content[1] as number) < 0x80)) throw malformed('A number of certificates is out of range.', element.offset);
  return Buffer.from(content).readUIntBE(0, content.length);
}

/** RFC 5280 §4.2.1.11. */
export const policyConstraints = (value: Uint8Array): PolicyConstraints => onlySequence(value, 'the policy constraints', (inside) => {
  const constraints = { requireExplicit: skipCerts(inside, contextPrimitive(0)), inhibitMapping: skipCerts(inside, contextPrimitive(1)) };
  if (constraints.requireExplicit === undefined && constraints.inhibitMapping === undefined) throw malformed('The policy constraints are empty (RFC 5280 §4.2.1.11).', inside.offset);
  return constraints;
});

/** RFC 5280 §4.2.1.14. @returns how many certificates further anyPolicy still counts */
export const inhibitAnyPolicy = (value: Uint8Array): number => only(value, 'inhibit anyPolicy', (reader) => reader.smallInteger('inhibit anyPolicy', 2 ** 31));

export interface DistributionPoint {
  readonly names: readonly GeneralName[];
  /** Relative to the issuer of the CRL. */
  readonly relative: readonly Attribute[] | undefined;
  /** Numbers of reason flags (RFC 5280 §4.2.1.13); undefined: all. */
  readonly reasons: readonly number[] | undefined;
  readonly crlIssuer: readonly GeneralName[];
}

function pointName(reader: DerReader, element: DerElement): Pick<DistributionPoint, 'names' | 'relative'> {
  const inside = reader.inside(element);
  const choice = inside.next('the name of a distribution point');
  inside.finish('the name of a distribution point');
  if (choice.tag === contextTag(0)) return { names: readGeneralNames(inside.inside(choice), 'the name of a distribution point'), relative: undefined };
  if (choice.tag === contextTag(1)) return { names: [], relative: readRdn(new DerReader(inside.bytes, choice.offset, choice.to), 'the name of a distribution point', contextTag(1)) };
  throw malformed('The name of a distribution point is neither full nor relative.', choice.offset);
}

/** RFC 5280 §4.2.1.13, and §4.2.1.15 for deltas. */
export const distributionPoints = (value: Uint8Array): DistributionPoint[] => onlySequence(value, 'the CRL distribution points', (inside) => {
  if (inside.atEnd) throw malformed('The CRL distribution points are an empty list (RFC 5280 §4.2.1.13).', inside.offset);
  return readAll(inside, 'distribution points', 1000, (one) => {
    const point = one.enter('a distribution point');
    const name = point.optional('a distribution point', contextTag(0));
    const reasons = point.peek() === contextPrimitive(1) ? readNamedBits(point, 'the reasons', contextPrimitive(1)).set : undefined;
    const issuer = point.optional('a distribution point', contextTag(2));
    point.finish('a distribution point');
    return { ...(name === undefined ? { names: [], relative: undefined } : pointName(point, name)), reasons, crlIssuer: issuer === undefined ? [] : readGeneralNames(point.inside(issuer), 'the issuer of a CRL') };
  });
});

export interface IssuingDistributionPoint extends Pick<DistributionPoint, 'names' | 'relative' | 'reasons'> {
  readonly onlyUsers: boolean; readonly onlyAuthorities: boolean; readonly indirect: boolean; readonly onlyAttributes: boolean; readonly named: boolean;
}

/** RFC 5280 §5.2.5, in revocation lists. */
export const issuingDistributionPoint = (value: Uint8Array): IssuingDistributionPoint => onlySequence(value, 'the issuing distribution point', (inside) => {
  const name = inside.optional('the issuing distribution point', contextTag(0));
  const flag = (number: number): boolean => (inside.peek() === contextPrimitive(number) ? readBoolean(inside, 'the issuing distribution point', contextPrimitive(number)) : false);
  const [onlyUsers, onlyAuthorities] = [flag(1), flag(2)];
  const reasons = inside.peek() === contextPrimitive(3) ? readNamedBits(inside, 'the reasons', contextPrimitive(3)).set : undefined;
  const [indirect, onlyAttributes] = [flag(4), flag(5)];
  return { ...(name === undefined ? { names: [], relative: undefined } : pointName(inside, name)), named: name !== undefined, reasons, onlyUsers, onlyAuthorities, indirect, onlyAttributes };
});

interface AccessDescription { readonly method: string; readonly location: GeneralName }

/** RFC 5280 §4.2.2.1, §4.2.2.2. */
export const informationAccess = (value: Uint8Array): AccessDescription[] => onlySequence(value, 'the information access', (inside) => {
  if (inside.atEnd) throw malformed('The information access is an empty list (RFC 5280 §4.2.2.1).', inside.offset);
  return readAll(inside, 'access descriptions', 1000, (one) => {
    const access = one.enter('an access description');
    const description = { method: access.oid('an access method'), location: readGeneralName(access, 'an access location') };
    access.finish('an access description');
    return description;
  });
});

/** RFC 7633 §4. @returns numbers of TLS extensions: 5 is status_request */
export const tlsFeatures = (value: Uint8Array): number[] => onlySequence(value, 'the TLS features', (inside) => readAll(inside, 'TLS features', 100, (one) => one.smallInteger('a TLS feature', 65_535)));
export const integerValue = (value: Uint8Array): bigint => only(value, 'the number', (reader) => reader.integer('the number', 64));
export const enumeratedValue = (value: Uint8Array): number => only(value, 'the value', (reader) => {
  const element = reader.next('the value', ENUMERATED);
  const [first = 0, ...rest] = reader.content(element);
  if (element.to - element.from !== 1 || rest.length > 0) throw malformed('The value is out of range.', element.offset);
  return first;
});
export const timeValue = (value: Uint8Array): Date => only(value, 'the time', (reader) => readGeneralizedTime(reader, 'the time'));
export const octetsValue = (value: Uint8Array): Uint8Array => only(value, 'the value', (reader) => reader.octets('the value'));
export const bitsValue = (value: Uint8Array): Uint8Array => only(value, 'the value', (reader) => readBits(reader, 'the value').bytes);
export const stringValue = (value: Uint8Array): string => only(value, 'the value', (reader) => readString(reader, 'the value'));
export { EXTENSION };
