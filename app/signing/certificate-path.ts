import type { Certificate } from '../certificates/index.ts';
import { EXTENSION } from '../certificates/reading/oids.ts';

/** Whether somebody whom the caller trusts vouches for a signer's certificate (RFC 5280 §6, as far as files need it). */

export interface CertificateTrust {
  /** What a path may end at. */
  readonly anchors: readonly Certificate[];
  /** Others that may stand between. */
  readonly between: readonly Certificate[];
  /** @returns why a certificate must not be relied on although its signatures fit: it was revoked. */
  distrust(certificate: Certificate): string | null;
}

export type PathVerdict = { readonly anchor: Certificate } | { readonly reason: string };

const MAX_DEPTH = 10;
const MAX_TRIES = 500;
/** Extensions that are judged here; another one that is critical makes the certificate useless (RFC 5280 §4.2). */
const JUDGED: ReadonlySet<string> = new Set([EXTENSION.basicConstraints, EXTENSION.keyUsage, EXTENSION.extendedKeyUsage, EXTENSION.subjectAltName, EXTENSION.subjectKeyIdentifier, EXTENSION.authorityKeyIdentifier, EXTENSION.certificatePolicies]);

/** @param at the time for which it is judged. @param embedded certificates that came with the signature: they help to find a path, and prove nothing themselves. */
export function findPath(leaf: Certificate, embedded: readonly Certificate[], trust: CertificateTrust, at: Date): PathVerdict {
  const anchors = new Set(trust.anchors.map(({ id }) => id));
  const candidates = new Map([...trust.anchors, ...trust.between, ...embedded].map((certificate) => [certificate.id, certificate]));
  let reason = 'Nobody whom you trust vouches for the certificate.';
  let tries = 0;
  const walk = (certificate: Certificate, depth: number, seen: ReadonlySet<string>): Certificate | undefined => {
    const fault = faultOf(certificate, depth, trust, at);
    if (fault !== null) {
      reason = fault;
      return undefined;
    }
    if (anchors.has(certificate.id)) return certificate;
    if (depth === MAX_DEPTH) return undefined;
    for (const issuer of candidates.values()) {
      if (issuer.subject.canonical !== certificate.issuer.canonical || seen.has(issuer.id) || (tries += 1) > MAX_TRIES || !certificate.isSignedBy(issuer)) continue;
      const end = walk(issuer, depth + 1, new Set([...seen, issuer.id]));
      if (end !== undefined) return end;
    }
    return undefined;
  };
  const anchor = walk(leaf, 0, new Set([leaf.id]));
  return anchor === undefined ? { reason } : { anchor };
}

function faultOf(certificate: Certificate, depth: number, { distrust }: CertificateTrust, at: Date): string | null {
  const who = `The certificate of “${certificate.subject.text}”`;
  if (at < certificate.notBefore.date) return `${who} is valid from ${certificate.notBefore.date.toISOString()} on.`;
  if (at > certificate.notAfter.date) return `${who} was valid until ${certificate.notAfter.date.toISOString()}.`;
  const distrusted = distrust(certificate);
  if (distrusted !== null) return distrusted;
  if (certificate.signatureAlgorithm.weak !== undefined && !certificate.isSelfIssued) return `${who} is signed in a way that is no longer safe. ${certificate.signatureAlgorithm.weak}`;
  if (certificate.key.problem !== undefined) return `${who} cannot be relied on: ${certificate.key.problem}.`;
  const unknown = certificate.extensions.find(({ oid, critical }) => critical && !JUDGED.has(oid));
  if (unknown !== undefined) return `${who} has a condition (${unknown.oid}) that cannot be judged here.`;
  if (depth === 0) return null;
  const constraints = certificate.basicConstraints;
  if (constraints?.ca !== true) return `${who} is not one of an authority, but issued another.`;
  if (constraints.pathLength !== undefined && depth - 1 > constraints.pathLength) return `${who} allows no more authorities below it.`;
  if (certificate.keyUsages !== undefined && !certificate.keyUsages.includes('key-cert-sign')) return `${who} must not issue certificates.`;
  return null;
}
