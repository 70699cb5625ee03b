import type { Certificate } from '../reading/certificate.ts';
import { EXTENSION } from '../reading/oids.ts';
import { type Content, type Issuer, type Prepared, validity } from './certificate.ts';
import { authorityKeyIdentifierOf, derExtension, keyIdentifierOf, subjectKeyIdentifierOf } from './extensions.ts';
import type { Warning } from './rules.ts';

/** What is about the old key, the old issuing, or somebody's log. */
const LEFT_OUT: ReadonlySet<string> = new Set([EXTENSION.subjectKeyIdentifier, EXTENSION.authorityKeyIdentifier, EXTENSION.timestampList, EXTENSION.timestampPoison]);
const DAY = 86_400_000;

/** @returns the same certificate with a later validity, for the same key or another. Everything that it says is kept as it stands. */
export function prepareRenewal(old: Certificate, spki: Uint8Array, times: Pick<Content, 'days' | 'notBefore' | 'notAfter'>, issuer: Issuer | undefined, now = new Date()): Prepared {
  const warnings: Warning[] = [];
  const before = Math.max(1, Math.round((old.notAfter.date.getTime() - old.notBefore.date.getTime()) / DAY));
  const bounds = validity(times, before, issuer?.certificate, now, warnings);
  const issuing = issuer === undefined ? undefined : (issuer.certificate.subjectKeyIdentifier ?? keyIdentifierOf(issuer.certificate.spki));
  return {
    subject: old.subject.der, spki, ...bounds, warnings,
    extensions: [
      ...old.extensions.filter(({ oid }) => !LEFT_OUT.has(oid)).map(({ oid, value, critical }) => derExtension(oid, value, critical)),
      subjectKeyIdentifierOf(keyIdentifierOf(spki)), ...(issuing === undefined ? [] : [authorityKeyIdentifierOf(issuing)]),
    ],
  };
}
