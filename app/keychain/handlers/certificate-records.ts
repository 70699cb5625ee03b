import { KeywrightError, type CertificateRecord } from '../../contract/index.ts';
import type { Certificate } from '../../certificates/index.ts';
import { CERTIFICATE_PREFIX, validityOf, type StoredCertificate } from '../certificate-inventory.ts';
import { newCertificate } from '../new-certificates.ts';
import type { Context } from '../context.ts';
import type { StoredKey } from '../inventory.ts';
import type { Session } from '../session.ts';

/** What handlers of `certificates` share: between a certificate, the inventory's record of it and the answer. */

/** @returns the record as every face gives it. */
export async function certificateRecord(stored: StoredCertificate, session: Session): Promise<CertificateRecord> {
  const { id, type = 'x509', label, subject, issuer, serial, notBefore, notAfter, keyAlgorithm, signatureAlgorithm, publicKey, names, purposes, authority, selfSigned, trusted, tags, origin, createdAt, trashedUntil, change } = stored;
  const issuedBy = await session.certificates.issuerOf(stored);
  return {
    id, type, label, subject, issuer, serial, notBefore, notAfter, validity: validityOf(stored), fingerprint: `SHA256:${id}`, keyAlgorithm, signatureAlgorithm, publicKey,
    keys: keysFor(publicKey, session), places: placesOf(stored, session), names: [...names], purposes: [...purposes], authority, selfSigned,
    issuedBy: issuedBy?.id ?? null, trusted, tags: [...tags], origin, revocation: revocationOf(stored, issuedBy, session), createdAt, trashedUntil, revision: String(change),
  };
}

/** An authority of our own knows what it has revoked, and what not. */
function revocationOf({ revoked, selfSigned }: StoredCertificate, issuedBy: StoredCertificate | undefined, session: Session): CertificateRecord['revocation'] {
  if (revoked !== null) return { state: 'revoked', at: revoked.at, reason: revoked.reason, source: revoked.source };
  const ours = !selfSigned && issuedBy !== undefined && livingKeys(issuedBy.publicKey, session).length > 0;
  return ours ? { state: 'good', at: null, reason: null, source: 'authority' } : null;
}

function keysFor(publicKey: string, session: Session): CertificateRecord['keys'] {
  return livingKeys(publicKey, session).map((key) => ({ uri: key.uri, id: key.id, label: key.label, backend: key.backend, token: key.hardware?.tokenTitle ?? null, extractable: key.extractable, present: isPresent(key, session) }));
}

const isPresent = ({ hardware }: StoredKey, { backends }: Session): boolean => hardware === null || backends.tokens.has(hardware.token);

/** @returns keys held here for a public key, those that are there now first. */
export function livingKeys(publicKey: string, session: Session): StoredKey[] {
  return session.inventory.byFingerprint(publicKey).filter(({ trashedUntil }) => trashedUntil === null).sort((a, b) => Number(isPresent(b, session)) - Number(isPresent(a, session)));
}

function placesOf({ kept, tokens }: StoredCertificate, { backends }: Session): CertificateRecord['places'] {
  return [
    ...(kept ? [{ kind: 'store' as const, token: null, title: 'This store', slot: null, present: true }] : []),
    ...tokens.map(({ token, title, slot }) => ({ kind: 'token' as const, token, title, slot, present: backends.tokens.has(token) })),
  ];
}

/** Writes a certificate into the call's unit, to be seen once it has committed. @returns it as it will be. */
export async function writeCertificate(context: Context, certificate: StoredCertificate, der?: Uint8Array): Promise<StoredCertificate> {
  const { certificates } = context.session;
  const next = await certificates.put(certificate, context.keyCall.unit, der);
  context.subject(`certificate:${certificate.id}`);
  context.committed((stored) => {
    const record = stored.get(CERTIFICATE_PREFIX + certificate.id);
    if (record !== undefined) certificates.applied(certificate.id, { certificate: next, revision: record.revision });
    context.services.events.emitSparsely({ type: 'certificates.changed' });
  });
  return next;
}

/** Keeps a certificate: one that is here already gets no second record, and comes back from the trash. @returns it, and whether it was here. */
export async function keepCertificate(context: Context, certificate: Certificate, facts: Pick<StoredCertificate, 'origin' | 'trusted' | 'tags'> & Partial<Pick<StoredCertificate, 'label'>>): Promise<{ stored: StoredCertificate; held: boolean }> {
  const before = context.session.certificates.get(certificate.id);
  if (before === undefined) return { stored: await writeCertificate(context, newCertificate(certificate, { ...facts, kept: true }), certificate.der), held: false };
  const next: StoredCertificate = { ...before, kept: true, trashedUntil: null, trusted: before.trusted || facts.trusted, tags: [...new Set([...before.tags, ...facts.tags])], ...(facts.label === undefined ? {} : { label: facts.label }) };
  return { stored: await writeCertificate(context, next), held: true };
}

/** The answer of a call that writes: joined to what it wrote itself, which the inventory does not show yet. */
export async function writtenRecord(stored: StoredCertificate, context: Context, issuedBy: string | null): Promise<CertificateRecord> {
  const { session } = context;
  const known = session.certificates.get(stored.id);
  if (known !== undefined) return { ...(await certificateRecord({ ...stored }, session)), revision: String(stored.change) };
  const record = await certificateRecord({ ...stored, selfSigned: true }, session); // its bytes are not there to look for its issuer yet
  const issuer = issuedBy === null ? undefined : session.certificates.get(issuedBy);
  return { ...record, selfSigned: stored.selfSigned, issuedBy: stored.selfSigned ? stored.id : issuedBy, revocation: revocationOf(stored, issuer, session) };
}

/** @throws CONFLICT for a certificate in the trash */
export function refuseTrashedCertificate({ trashedUntil, label }: StoredCertificate): void {
  if (trashedUntil !== null) throw new KeywrightError('CONFLICT', { detail: `The certificate “${label}” is in the trash.`, remedy: 'Restore it first.' });
}
