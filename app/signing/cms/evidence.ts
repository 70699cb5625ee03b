import { type Beside, Certificate, ocspResponseAround, parseOcspResponse, RevocationList } from '../../certificates/index.ts';
import { whole } from '../../certificates/reading/asn1.ts';
import { contextTag, DerReader, TAG } from '../../formats/der.ts';
import { CMS } from './identifiers.ts';
import type { CmsSigner, SignedData } from './read.ts';

/** What a CMS signature brings with it of certificates, revocation lists and OCSP responses. What cannot be read is passed over: it is evidence, and no part of the signature. */

const MAX_EACH = 100;

/** @param more what came beside it: in the message that holds a timestamp. */
export function evidenceOf({ certificates, crls }: Pick<SignedData, 'certificates' | 'crls'>, { unsigned }: Pick<CmsSigner, 'unsigned'>, more: Beside = { certificates: [] }): Required<Beside> {
  const found: { certificates: Certificate[]; crls: RevocationList[]; ocsp: NonNullable<Beside['ocsp']>[number][] } = { certificates: [...certificates, ...more.certificates], crls: [...(more.crls ?? [])], ocsp: [...(more.ocsp ?? [])] };
  // RevocationInfoChoices (RFC 5652 §10.2.1, RFC 5940 §3)
  if (crls !== null) each(crls, (element) => {
    if (element[0] === TAG.sequence) found.crls.push(new RevocationList(element));
    else {
      const other = new DerReader(element).enter('other revocation information', contextTag(1));
      if (other.oid('its type') === CMS.ocspResponse) found.ocsp.push(parseOcspResponse(whole(other, other.next('an OCSP response'))));
    }
  }, contextTag(1));
  const values = (oid: string): readonly Uint8Array[] => unsigned.filter((one) => one.oid === oid).flatMap((one) => one.values);
  // CertificateValues and RevocationValues (ETSI EN 319 122-1 §A.1.1.2, §A.1.2.2)
  for (const value of values(CMS.certificateValues)) each(value, (element) => found.certificates.push(new Certificate(element)));
  for (const value of values(CMS.revocationValues)) each(value, (part) => {
    if (part[0] === contextTag(0)) inside(part, contextTag(0), (element) => found.crls.push(new RevocationList(element)));
    if (part[0] === contextTag(1)) inside(part, contextTag(1), (element) => found.ocsp.push(parseOcspResponse(ocspResponseAround(element))));
  });
  return found;
}

const inside = (part: Uint8Array, tag: number, take: (element: Uint8Array) => unknown): void => {
  const reader = new DerReader(part).enter('the values', tag);
  each(whole(reader, reader.next('the values', TAG.sequence)), take);
};

function each(list: Uint8Array, take: (element: Uint8Array) => unknown, tag: number = TAG.sequence): void {
  passingOver(() => {
    const reader = new DerReader(list).enter('a list', tag);
    for (let count = 0; !reader.atEnd && count < MAX_EACH; count++) {
      const element = whole(reader, reader.next('an element'));
      passingOver(() => take(element));
    }
  });
}

function passingOver(work: () => unknown): void {
  try {
    work();
  } catch {
    // Evidence that cannot be read says nothing.
  }
}
