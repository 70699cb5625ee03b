import { Certificate, factsOf, titleOf } from '../certificates/index.ts';
import type { SshCertificate } from '../signing/ssh-certificate.ts';
import { factsOfSsh, titleOfSsh } from '../signing/ssh-certificate-words.ts';
import type { StoredCertificate } from './certificate-inventory.ts';

/** @returns the inventory's record of a certificate that has just been made, imported or found. */
export function newCertificate(certificate: Certificate, facts: Pick<StoredCertificate, 'origin' | 'kept' | 'trusted' | 'tags'> & Partial<Pick<StoredCertificate, 'label' | 'tokens'>>): StoredCertificate {
  return { ...factsOf(certificate), label: titleOf(certificate), tokens: [], revoked: null, createdAt: new Date().toISOString(), trashedUntil: null, change: 0, ...facts };
}

/** As {@link newCertificate}, of an OpenSSH certificate. */
export function newSshCertificate(certificate: SshCertificate, blob: Uint8Array, facts: Pick<StoredCertificate, 'origin' | 'tags'> & Partial<Pick<StoredCertificate, 'label'>>): StoredCertificate {
  return { ...factsOfSsh(certificate, blob), type: 'openssh', label: titleOfSsh(certificate), kept: true, trusted: false, tokens: [], revoked: null, createdAt: new Date().toISOString(), trashedUntil: null, change: 0, ...facts };
}

/** @returns what a token's slot holds; undefined when that is no certificate. */
export function readable(der: Uint8Array): Certificate | undefined {
  try {
    return new Certificate(der);
  } catch {
    return undefined;
  }
}
