import { createHash } from 'node:crypto';
import type { Certificate } from '../reading/certificate.ts';
import { generalNameText } from '../reading/general-names.ts';
import { attributesOf, COMMON_NAME } from '../reading/names.ts';
import { PURPOSE_OIDS } from '../reading/oids.ts';
import { harmless } from '../reading/text.ts';

export type PurposeName = 'any' | 'ca' | 'tls-server' | 'tls-client' | 'code-signing' | 'email' | 'ocsp' | 'timestamp' | 'ssh' | 'ssh-user' | 'ssh-host' | 'other';

const BY_OID: Readonly<Record<string, PurposeName>> = { ...Object.fromEntries(Object.entries(PURPOSE_OIDS).map(([name, oid]) => [oid, name as PurposeName])), '1.3.6.1.5.5.7.3.21': 'ssh', '1.3.6.1.5.5.7.3.22': 'ssh' };

/** What lists show of a certificate, without its bytes. */
export interface CertificateFacts {
  readonly id: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly keyAlgorithm: string;
  readonly signatureAlgorithm: string;
  readonly publicKey: string;
  readonly names: readonly string[];
  readonly purposes: readonly PurposeName[];
  readonly authority: boolean;
  readonly selfSigned: boolean;
  /** Equal for equal names: hex SHA-256 of their canonical form. */
  readonly subjectId: string;
  readonly issuerId: string;
}

/** So many names are listed; the rest is in the certificate itself. */
const LISTED_NAMES = 100;

export function factsOf(certificate: Certificate): CertificateFacts {
  const { subject, issuer, notBefore, notAfter, key, signatureAlgorithm } = certificate;
  const names = certificate.alternativeNames;
  const listed = names.slice(0, LISTED_NAMES).map(generalNameText);
  return {
    id: certificate.id, subject: subject.text, issuer: issuer.text, serial: certificate.serialText, notBefore: notBefore.date.toISOString(), notAfter: notAfter.date.toISOString(), keyAlgorithm: key.name, signatureAlgorithm: signatureAlgorithm.name,
    publicKey: certificate.publicKeyId, names: names.length > LISTED_NAMES ? [...listed, `… and ${names.length - LISTED_NAMES} more`] : listed, purposes: purposesOf(certificate),
    authority: certificate.basicConstraints?.ca === true, selfSigned: certificate.isSelfIssued && certificate.isSignedBy(certificate), subjectId: nameId(subject.canonical), issuerId: nameId(issuer.canonical),
  };
}

const nameId = (canonical: string): string => createHash('sha256').update(canonical).digest('hex').slice(0, 32);

function purposesOf(certificate: Certificate): PurposeName[] {
  const extended = certificate.extendedKeyUsages;
  const named = extended === undefined ? [] : extended.map((oid) => BY_OID[oid] ?? 'other');
  const all: PurposeName[] = [...(certificate.basicConstraints?.ca === true ? ['ca' as const] : []), ...named];
  return all.length === 0 ? ['any'] : [...new Set(all)];
}

/** @returns what to call a certificate: its common name, else another part of its subject, else a name of it. */
export function titleOf(certificate: Certificate): string {
  const { subject, alternativeNames } = certificate;
  const [common] = attributesOf(subject, COMMON_NAME);
  const text = common ?? (subject.text === '' ? undefined : subject.text) ?? (alternativeNames[0] === undefined ? undefined : generalNameText(alternativeNames[0]).replace(/^[a-z]+:/, ''));
  return (harmless(text ?? '').trim() || `Certificate ${certificate.serialText.slice(0, 16)}`).slice(0, 200);
}
