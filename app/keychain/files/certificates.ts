import { because, type fileOperations, type InputOf, KeywrightError, type Told } from '../../contract/index.ts';
import { type Certificate, type CertificateTrust, type KnownRevocation, readCertificates } from '../../certificates/index.ts';
import { FILE_PURPOSES } from '../../certificates/reading/oids.ts';
import { fingerprint } from '../../formats/index.ts';
import type { Context } from '../context.ts';
import { filesOf, statusOf } from '../handlers/certificate-judging.ts';
import type { StoredKey } from '../inventory.ts';
import { listsFor } from '../revocation-store.ts';
import { systemRoots } from '../system-roots.ts';

/** Certificates for files: which one a key signs with, and whom a verification trusts. */

type TrustInput = Pick<InputOf<typeof fileOperations.verify>, 'roots' | 'trust' | 'untrusted' | 'crl' | 'ocsp' | 'revocation' | 'purpose'>;

export interface SigningCertificate {
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
}

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
    ...because('certificate.format-needs', { key: key.label }),
    remedy: `Make one: keywright certificates self-sign "${key.label}" --subject "CN=Your Name". Or have one issued (certificates request), and import it.`, alternatives: ['sshsig', 'jws', 'raw'],
  });
}

function fromFile(key: StoredKey, spki: Uint8Array, given: Uint8Array): SigningCertificate {
  const all = readCertificates(given);
  const own = fingerprint(spki);
  const certificate = all.find(({ publicKeyId }) => publicKeyId === own);
  if (certificate === undefined) throw new KeywrightError('INVALID_INPUT', { ...because('certificate.of-another-key', { key: key.label }), where: '/certificate' });
  const reason = whyNotForFiles(certificate, key.label, new Date());
  if (reason !== null) throw reason;
  return { certificate, chain: all.filter((other) => other.id !== certificate.id && !(other.isSelfIssued && other.isSignedBy(other))).slice(0, MAX_CHAIN) };
}

function whyNotForFiles(certificate: Certificate, label: string, now: Date): KeywrightError | null {
  const refusal = (told: Told): KeywrightError => new KeywrightError('CAPABILITY_MISSING', told);
  const which = { name: certificate.subject.text, key: label };
  if (now > certificate.notAfter.date) return refusal(because('certificate.ended', { ...which, at: certificate.notAfter.date.toISOString() }));
  if (now < certificate.notBefore.date) return refusal(because('certificate.not-begun', { ...which, at: certificate.notBefore.date.toISOString() }));
  const usages = certificate.keyUsages;
  if (usages !== undefined && !usages.includes('digital-signature') && !usages.includes('non-repudiation')) return refusal(because('certificate.usage', { ...which, usages: usages.join(', ') }));
  const purposes = certificate.extendedKeyUsages;
  if (purposes !== undefined && !purposes.some((oid) => FILE_PURPOSES.has(oid))) return refusal(because('certificate.purpose', which));
  return null;
}

/**
 * Whom a verification trusts: a file of roots that alone count; else the certificates of the store that are marked as trusted, and those of the system where that is asked for.
 * @param leaves whether a signature may name its signer's certificate without holding it: then all that are held here may be it, and not authorities alone.
 */
export async function certificateTrust({ roots, trust, untrusted, crl, ocsp, revocation, purpose }: TrustInput, leaves: boolean, context: Context): Promise<CertificateTrust> {
  const { certificates, revocations } = context.session;
  const held = [...certificates.all()].filter(({ trashedUntil }) => trashedUntil === null);
  const read = (trusted: boolean): Promise<Certificate[]> => Promise.all(held.filter((one) => one.trusted === trusted && (trusted || leaves || one.authority)).map(({ id }) => certificates.read(id)));
  const [trusted, others] = [await read(true), await read(false)];
  const given = filesOf(untrusted, '/untrusted', readCertificates);
  const status = statusOf({ crl, ocsp, revocation });
  const revoked = new Map<string, KnownRevocation>();
  for (const one of certificates.all()) if (one.revoked !== null) revoked.set(one.id, { at: new Date(one.revoked.at), reason: one.revoked.reason });
  return {
    anchors: roots !== undefined ? filesOf([roots], '/roots', readCertificates) : [...(trust === 'system' ? [] : trusted), ...(trust === 'store' ? [] : systemRoots())],
    between: [...given, ...others, ...(roots === undefined && trust !== 'system' ? [] : trusted)], revoked, crls: [...status.crls, ...(await listsFor([...trusted, ...others], revocations))],
    ocsp: status.ocsp, unreadable: status.unreadable, revocation: revocation ?? (crl.length + ocsp.length > 0 ? 'given' : 'off'), purpose,
  };
}
