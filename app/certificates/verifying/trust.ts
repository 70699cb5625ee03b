import type { Certificate } from '../reading/certificate.ts';
import type { RevocationList } from '../reading/crl.ts';
import type { OcspResponse } from '../reading/ocsp.ts';
import type { VerifyPurpose } from './certificate-checks.ts';
import type { KnownRevocation, Verdict, VerifyInput } from './verdict.ts';
import { verifyCertificate } from './verify.ts';

/** Whom a person trusts to vouch for signers, and the one way from a signature's certificate to a verdict: every signature format asks here. */

export interface CertificateTrust {
  /** What a path may end at. */
  readonly anchors: readonly Certificate[];
  /** Others that may stand between. */
  readonly between: readonly Certificate[];
  /** Certificates by id that are known to be revoked without a list. */
  readonly revoked?: ReadonlyMap<string, KnownRevocation>;
  readonly crls?: readonly RevocationList[];
  readonly ocsp?: readonly OcspResponse[];
  /** For whom the revocation must be known to be good; `off` by default, `given`: where lists or responses were given. Whoever is known to be revoked is refused always. */
  readonly revocation?: VerifyInput['revocation'];
  /** What is told of lists and responses that could not be read, a sentence each. */
  readonly unreadable?: readonly string[];
  /** What the signer's certificate must be for; `file-signing` by default. */
  readonly purpose?: VerifyPurpose;
}

/** What came with a signature: it helps to find a path and to know of a revocation, and proves nothing by itself. */
export interface Beside {
  readonly certificates: readonly Certificate[];
  readonly crls?: readonly RevocationList[];
  readonly ocsp?: readonly OcspResponse[];
}

const MAX_DEPTH = 10;

/**
 * Judges the certificate of who signed something (RFC 5280 §6).
 * @param at the time that counts: a trusted timestamp's where there is one, else the caller's. Who was revoked after it had signed by then, since
 *        evidence up to now is looked at (ETSI EN 319 102-1 §5.2.6).
 * @param purpose where it is not the caller's to choose: `timestamp`.
 * @returns the verdict with its path; `trusted` is all that a signature needs to know.
 */
export function judgeCertificate(certificate: Certificate, beside: Beside, trust: CertificateTrust, at: Date, purpose: VerifyPurpose = trust.purpose ?? 'file-signing'): Verdict {
  return verifyCertificate({
    certificate, untrusted: [...beside.certificates, ...trust.between], roots: trust.anchors, crls: [...(beside.crls ?? []), ...(trust.crls ?? [])], ocsp: [...(beside.ocsp ?? []), ...(trust.ocsp ?? [])], revoked: trust.revoked ?? new Map(),
    at, evidenceUntil: new Date(Math.max(Date.now(), at.getTime())), purpose, names: [], maxDepth: MAX_DEPTH, policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false }, revocation: trust.revocation ?? 'off', strict: false, strictRoots: false, extendedKeyUsages: [], unreadable: trust.unreadable ?? [],
  });
}
