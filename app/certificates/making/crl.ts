import type { SignatureAlgorithmName } from '../../contract/index.ts';
import { contextTag, der, derInteger, derSequence } from '../../formats/der.ts';
import { derTime, ENUMERATED } from '../reading/asn1.ts';
import type { Certificate } from '../reading/certificate.ts';
import { RevocationList } from '../reading/crl.ts';
import { EXTENSION } from '../reading/oids.ts';
import { signatureIdentifier } from '../signatures.ts';
import { type Sign, signed } from './certificate.ts';
import { authorityKeyIdentifierOf, derExtension, distributionPointsOf, keyIdentifierOf } from './extensions.ts';

/** Makes revocation lists (RFC 5280 §5). */

export const REASON_CODES = {
  unspecified: 0, 'key-compromise': 1, 'ca-compromise': 2, 'affiliation-changed': 3, superseded: 4, 'cessation-of-operation': 5, 'certificate-hold': 6, 'remove-from-crl': 8, 'privilege-withdrawn': 9, 'aa-compromise': 10,
} as const;
export type ReasonName = keyof typeof REASON_CODES;

export interface RevokedCertificate { readonly serial: string; readonly at: Date; readonly reason: ReasonName }

interface CrlContent {
  readonly issuer: Certificate;
  readonly number: bigint;
  /** A delta over the list of this number. */
  readonly baseNumber?: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Where its deltas will be (RFC 5280 §5.2.6); full lists alone. */
  readonly deltaUrls?: readonly string[];
  readonly revoked: readonly RevokedCertificate[];
}

/** @param serial hex, as certificates show it */
export const derSerial = (serial: string): Buffer => derInteger(BigInt(`0x${serial}`));

/** @returns the list, verified. @throws INTERNAL when the signer gave garbage */
export async function signRevocationList({ issuer, number, baseNumber, thisUpdate, nextUpdate, deltaUrls = [], revoked }: CrlContent, algorithm: SignatureAlgorithmName, sign: Sign): Promise<RevocationList> {
  const identifier = signatureIdentifier(algorithm);
  const entries = revoked.map(({ serial, at, reason }) => derSequence(derSerial(serial), derTime(at),
    // RFC 5280 §5.3.1: unspecified is not spelled out.
    ...(reason === 'unspecified' ? [] : [derSequence(derExtension(EXTENSION.reasonCode, der(ENUMERATED, Buffer.of(REASON_CODES[reason]))))])));
  const extensions = [
    authorityKeyIdentifierOf(issuer.subjectKeyIdentifier ?? keyIdentifierOf(issuer.spki)), derExtension(EXTENSION.crlNumber, derInteger(number)),
    ...(baseNumber === undefined ? [] : [derExtension(EXTENSION.deltaCrlIndicator, derInteger(baseNumber), true)]),
    ...(deltaUrls.length === 0 ? [] : [distributionPointsOf(deltaUrls, EXTENSION.freshestCrl)]),
  ];
  const tbs = derSequence(derInteger(1n), identifier, issuer.subject.der, derTime(thisUpdate), derTime(nextUpdate), ...(entries.length === 0 ? [] : [derSequence(...entries)]), der(contextTag(0), derSequence(...extensions)));
  return new RevocationList(await signed(tbs, identifier, issuer.spki, algorithm, sign));
}

