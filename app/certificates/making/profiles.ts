import type { KeyUsageName } from '../reading/oids.ts';
import { PURPOSE_OIDS } from '../reading/oids.ts';

export type ProfileName = 'root' | 'sub-ca' | 'tls-server' | 'tls-client' | 'code-signing' | 'email' | 'ocsp' | 'timestamp';

export interface Profile {
  readonly title: string;
  readonly authority: boolean;
  readonly days: number;
  readonly usages: readonly KeyUsageName[];
  /** Added for keys that can encrypt or agree (RSA: key encipherment; EC and X25519: key agreement). */
  readonly encrypts: boolean;
  readonly purposes: readonly string[];
  readonly purposesCritical: boolean;
  /** Kinds of alternative names of which one must be there. */
  readonly needsName: readonly string[];
  /** Longest validity before a warning, and who says so. */
  readonly longest?: { readonly days: (at: Date) => number; readonly rule: string };
}

const none: Profile = { title: 'a certificate', authority: false, days: 365, usages: ['digital-signature', 'non-repudiation'], encrypts: true, purposes: [], purposesCritical: false, needsName: [] };
const authority: Profile = { ...none, authority: true, usages: ['key-cert-sign', 'crl-sign'], encrypts: false };

/** CA/Browser Forum baseline requirements §6.3.2: shorter in steps. */
const tlsDays = (at: Date): number => (at < new Date('2026-03-15') ? 398 : at < new Date('2027-03-15') ? 200 : at < new Date('2029-03-15') ? 100 : 47);

/** What each profile puts into a certificate. The general one is for what has no profile: self-signed certificates of keys that sign files. */
export const PROFILES: Readonly<Record<ProfileName | 'general', Profile>> = {
  general: none,
  root: { ...authority, title: 'a root', days: 3650 },
  'sub-ca': { ...authority, title: 'a subordinate authority', days: 1825 },
  'tls-server': { ...none, title: 'a TLS server', days: 90, usages: ['digital-signature'], purposes: [PURPOSE_OIDS['tls-server']], needsName: ['dns', 'ip'], longest: { days: tlsDays, rule: 'CA/Browser Forum baseline requirements §6.3.2' } },
  'tls-client': { ...none, title: 'a TLS client', usages: ['digital-signature'], encrypts: false, purposes: [PURPOSE_OIDS['tls-client']] },
  'code-signing': { ...none, title: 'code signing', usages: ['digital-signature'], encrypts: false, purposes: [PURPOSE_OIDS['code-signing']], longest: { days: () => 460, rule: 'CA/Browser Forum code signing requirements §6.3.2' } },
  email: { ...none, title: 'e-mail', purposes: [PURPOSE_OIDS.email], needsName: ['email'], longest: { days: () => 825, rule: 'CA/Browser Forum S/MIME requirements §6.3.2' } },
  ocsp: { ...none, title: 'an OCSP responder', days: 90, usages: ['digital-signature'], encrypts: false, purposes: [PURPOSE_OIDS.ocsp] },
  // RFC 3161 §2.3: this purpose alone, and critical.
  timestamp: { ...none, title: 'timestamping', days: 1825, usages: ['digital-signature'], encrypts: false, purposes: [PURPOSE_OIDS.timestamp], purposesCritical: true },
};
