import { KeywrightError } from '../../contract/index.ts';
import { type Certificate, readCertificates } from '../../certificates/index.ts';
import { PURPOSE_OIDS } from '../../certificates/reading/oids.ts';
import { fingerprint } from '../../formats/index.ts';
import type { CertificateTrust } from '../../signing/certificate-path.ts';
import type { Context } from '../context.ts';
import type { StoredKey } from '../inventory.ts';

/** Certificates for files: which one a key signs with, and whom a verification trusts. */

export interface SigningCertificate {
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
}

/** Purposes with which files are signed (RFC 5280 §4.2.1.12, RFC 9336, and those of Adobe and Microsoft). Without any purpose a certificate serves for all. */
const FILE_PURPOSES: ReadonlySet<string> = new Set([PURPOSE_OIDS.email, PURPOSE_OIDS['code-signing'], '2.5.29.37.0', '1.3.6.1.5.5.7.3.36', '1.2.840.113583.1.1.5', '1.3.6.1.4.1.311.10.3.12']);
const MAX_CHAIN = 10;

/**
 * @param given a file that the caller named, with the chain if it has one; else what is held for the key.
 * @throws INVALID_INPUT, CAPABILITY_MISSING with what would help: no certificate, one of another key, one that has ended or is for something else
 */
export async function signingCertificate(key: StoredKey, spki: Uint8Array, given: Uint8Array | undefined, context: Context): Promise<SigningCertificate> {
  if (given !== undefined) return fromFile(key, spki, given);
  const { certificates } = context.session;
  const held = certificates.forKey(fingerprint(spki)).filter(({ trashedUntil, revoked }) => trashedUntil === null && revoked === null).sort((a, b) => (a.notAfter < b.notAfter ? 1 : -1));
  let refused: KeywrightError | undefined;
  for (const stored of held) {
    const certificate = await certificates.read(stored.id);
    const reason = whyNotForFiles(certificate, key.label, new Date());
    if (reason !== null) {
      refused ??= reason;
      continue;
    }
    const chain: Certificate[] = [];
    for (let issuer = await certificates.issuerOf(stored); issuer !== undefined && !issuer.selfSigned && chain.length < MAX_CHAIN; issuer = await certificates.issuerOf(issuer)) chain.push(await certificates.read(issuer.id));
    return { certificate, chain };
  }
  throw refused ?? new KeywrightError('CAPABILITY_MISSING', {
    detail: `“${key.label}” has no certificate, and this format names the signer by one.`,
    remedy: `Make one: keywright certificates self-sign "${key.label}" --subject "CN=Your Name". Or have one issued (certificates request), and import it.`, alternatives: ['sshsig', 'jws', 'raw'],
  });
}

function fromFile(key: StoredKey, spki: Uint8Array, given: Uint8Array): SigningCertificate {
  const all = readCertificates(given);
  const own = fingerprint(spki);
  const certificate = all.find(({ publicKeyId }) => publicKeyId === own);
  if (certificate === undefined) throw new KeywrightError('INVALID_INPUT', { detail: `The certificate is not one for “${key.label}”: its public key is another.`, where: '/certificate', remedy: 'Give the certificate of the key that signs.' });
  const reason = whyNotForFiles(certificate, key.label, new Date());
  if (reason !== null) throw reason;
  return { certificate, chain: all.filter((other) => other.id !== certificate.id && !(other.isSelfIssued && other.isSignedBy(other))).slice(0, MAX_CHAIN) };
}

function whyNotForFiles(certificate: Certificate, label: string, now: Date): KeywrightError | null {
  const refusal = (detail: string, remedy: string): KeywrightError => new KeywrightError('CAPABILITY_MISSING', { detail, remedy });
  const name = `The certificate “${certificate.subject.text}” for “${label}”`;
  const again = 'Renew it, or make a new one with `keywright certificates self-sign`.';
  if (now > certificate.notAfter.date) return refusal(`${name} ended on ${certificate.notAfter.date.toISOString()}.`, again);
  if (now < certificate.notBefore.date) return refusal(`${name} is not valid before ${certificate.notBefore.date.toISOString()}.`, 'Check the clock, or use another certificate.');
  const usages = certificate.keyUsages;
  if (usages !== undefined && !usages.includes('digital-signature') && !usages.includes('non-repudiation')) return refusal(`${name} is not for signatures: its key usage is ${usages.join(', ')}.`, 'Use a certificate whose key usage has digital signature.');
  const purposes = certificate.extendedKeyUsages;
  if (purposes !== undefined && !purposes.some((oid) => FILE_PURPOSES.has(oid))) return refusal(`${name} is for other purposes than signing files.`, 'Use one without purposes, or for e-mail or code signing.');
  return null;
}

/** @param roots a file of certificates that alone count; else those of the store that are marked as trusted. */
export async function certificateTrust(roots: Uint8Array | undefined, context: Context): Promise<CertificateTrust> {
  const { certificates } = context.session;
  const held = [...certificates.all()].filter(({ trashedUntil }) => trashedUntil === null);
  const read = (trusted: boolean): Promise<Certificate[]> => Promise.all(held.filter((one) => one.trusted === trusted).map(({ id }) => certificates.read(id)));
  return {
    anchors: roots === undefined ? await read(true) : readCertificates(roots), between: [...(await read(false)), ...(roots === undefined ? [] : await read(true))],
    distrust({ id, subject }) {
      const revoked = certificates.get(id)?.revoked ?? null;
      return revoked === null ? null : `The certificate of “${subject.text}” was revoked on ${revoked.at} (${revoked.reason}).`;
    },
  };
}
