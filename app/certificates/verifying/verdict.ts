import type { Certificate } from '../reading/certificate.ts';
import type { RevocationList } from '../reading/crl.ts';
import type { OcspResponse } from '../reading/ocsp.ts';
import type { VerifyPurpose } from './certificate-checks.ts';
import type { Check } from './check.ts';
import type { PeerName } from './peer-names.ts';
import type { PolicyInput } from './policies.ts';
import type { RevocationAnswer } from './revocation.ts';
import type { Standing } from './standing.ts';
import type { Work } from './work.ts';

/** What is asked when a certificate is judged, and what is answered. */

export interface KnownRevocation { readonly at: Date; readonly reason: string }

export interface VerifyInput {
  readonly certificate: Certificate;
  /** What may stand between, in any order. */
  readonly untrusted: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly crls: readonly RevocationList[];
  readonly ocsp: readonly OcspResponse[];
  /** Certificates by id that are known to be revoked without a list. */
  readonly revoked: ReadonlyMap<string, KnownRevocation>;
  readonly at: Date;
  /** Lists and responses may be from up to then, and a revocation after `at` does not count. Default: `at`, and every revocation counts. */
  readonly evidenceUntil?: Date;
  readonly purpose: VerifyPurpose;
  /** All of them must be names of the certificate. */
  readonly names: readonly PeerName[];
  /** Authorities between the certificate and the root. */
  readonly maxDepth: number;
  readonly policies: PolicyInput;
  /** For whom the revocation must be known to be good; `given`: the certificate, and authorities whose issuer has a list or response among those given; `soft`: nobody. Whoever is known to be revoked is refused always. */
  readonly revocation: 'off' | 'soft' | 'given' | 'leaf' | 'chain';
  /** What is told of lists and responses that were given and could not be read, a sentence each. */
  readonly unreadable?: readonly string[];
  /** What RFC 5280 and the CA/Browser Forum bind issuers to is refused where it is not kept, also where it does not make the path wrong. */
  readonly strict: boolean;
  /** The form of roots is judged strictly too: for roots that somebody named, not for those that a system has trusted since long ago. */
  readonly strictRoots: boolean;
  /** Ids of the lists whose signers are being judged. */
  readonly resolving?: ReadonlySet<string>;
  /** Algorithms and key sizes that must not be relied on any more (MD5, SHA-1, DSA, RSA below 2048 bits) are told, not refused: for paths of old. */
  readonly allowWeak?: boolean;
  /** OIDs that the certificate's extended key usage must allow, beside the purpose. */
  readonly extendedKeyUsages: readonly string[];
}

export interface JudgedCertificate {
  readonly certificate: Certificate;
  readonly role: 'certificate' | 'authority' | 'root';
  readonly checks: readonly Check[];
  readonly revocation: RevocationAnswer | undefined;
}

export interface JudgedPath {
  readonly trusted: boolean;
  /** The first reason against it, or that it holds. */
  readonly verdict: string;
  readonly certificates: readonly JudgedCertificate[];
  readonly policies: readonly string[];
}

export interface Verdict {
  readonly trusted: boolean;
  readonly verdict: string;
  /** The one that holds, else the one that got furthest. */
  readonly path: JudgedPath | undefined;
  /** Others that were tried and do not hold. */
  readonly others: readonly JudgedPath[];
  readonly revocation: 'good' | 'revoked' | 'unknown';
  /** The search was given up: what was given offers more ways than can be tried, and whether one of them holds is not known. */
  readonly exhausted: boolean;
}

/** One verdict in the making. */
export interface Judging {
  readonly input: VerifyInput;
  readonly standing: Standing;
  readonly work: Work;
  /** @returns whether a certificate that is needed for this verdict, of who signed a list, is trusted itself. */
  readonly trusts: (input: VerifyInput) => boolean;
}
