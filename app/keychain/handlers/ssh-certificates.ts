import { KeywrightError, type certificateMakingOperations, type certificateOperations, type InputOf, type OutputOf } from '../../contract/index.ts';
import { textOf } from '../../certificates/index.ts';
import { validity } from '../../certificates/making/certificate.ts';
import { fingerprint } from '../../formats/index.ts';
import { sshBlob } from '../../formats/openssh-public.ts';
import { algorithmOfSpki, parseSpki } from '../../formats/spki.ts';
import { sshCertificateBlob, sshCertificateId, sshCertificateLine, readSshCertificate, type SshCertificate } from '../../signing/ssh-certificate.ts';
import { authorityAlgorithm, signSshCertificate, SSH_DAYS, sshContent, type SshCertificateContent, sshSubjectOf } from '../../signing/ssh-certificate-make.ts';
import { sshInWords } from '../../signing/ssh-certificate-words.ts';
import { writeAside } from '../../signing/write-aside.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import { newSshCertificate } from '../new-certificates.ts';
import type { Context } from '../context.ts';
import { bytesOf, outputOf } from '../files/places.ts';
import type { StoredKey } from '../inventory.ts';
import { certificateRecord, livingKeys, writeCertificate, writtenRecord } from './certificate-records.ts';
import { exactlyOne, signingKey, subjectOf } from './certificate-signing.ts';
import { fileNameOf } from './file-names.ts';
import { refuseTrashed } from './key-records.ts';

/** OpenSSH certificates: their authority is a key, and whom they are for a public key. They stand in the one list of certificates. */

type IssueInput = InputOf<typeof certificateMakingOperations.issue>;
type Made = OutputOf<typeof certificateMakingOperations.issue>;
const MAX_SUBJECT = 1024 * 1024;
const DAY = 86_400_000;
/** Beyond that, who loses a key keeps its rights for long: nothing but a list on each server takes them back. */
const LONG = 90;

/** What X.509 alone has: naming it for OpenSSH is a mistake, and not to be passed over. */
const X509_ALONE = ['subject', 'san', 'pathLength', 'permit', 'exclude', 'keyUsage', 'extendedKeyUsage', 'policies', 'crlUrl', 'ocspUrl', 'issuerUrl', 'mustStaple', 'crossSign'] as const;

export const isSshProfile = (profile: IssueInput['profile']): profile is 'ssh-user' | 'ssh-host' => profile === 'ssh-user' || profile === 'ssh-host';

/** @throws INVALID_INPUT for what belongs to the other kind of certificate */
export function refuseSshWishes({ profile, ssh }: IssueInput): void {
  if (ssh !== undefined && !isSshProfile(profile)) throw new KeywrightError('INVALID_INPUT', { detail: 'Principals, key ids and their like are for OpenSSH certificates.', where: '/ssh', remedy: 'Say --profile ssh-user or ssh-host.' });
}

export async function issueSsh(input: IssueInput, context: Context): Promise<Made> {
  const foreign = X509_ALONE.find((field) => (Array.isArray(input[field]) ? (input[field] as unknown[]).length > 0 : input[field] !== undefined && input[field] !== false));
  if (foreign !== undefined) throw new KeywrightError('INVALID_INPUT', { detail: 'OpenSSH certificates do not have this: it belongs to X.509.', where: `/${foreign}`, remedy: foreign === 'san' || foreign === 'subject' ? 'Name users or hosts with --principal, and call the certificate with --key-id.' : 'Leave it out.' });
  const way = exactlyOne({ request: input.request, from: input.from, key: input.key }, 'Say for whom: by a public key, or by a key that is held here; exactly one.');
  const isUser = input.profile === 'ssh-user';
  const subject = way === 'key' ? { blob: sshBlob(parseSpki((await subjectOf(context.key, context)).spki)), comment: context.key.label } : sshSubjectOf(await bytesOf(input.request, input.from, 'request', MAX_SUBJECT, context));
  const content = sshContent(input.ssh ?? {}, isUser, subject.blob, subject.comment || (input.ssh?.principals[0] ?? ''));
  const times = validity(input, isUser ? SSH_DAYS.user : SSH_DAYS.host, undefined, new Date(), []);
  const authority = await authorityKey(input.issuer, context);
  return signed({ ...content, ...times }, authority, undefined, input, subject.comment, context);
}

/** @returns the same certificate with a later end and another serial number. */
export async function renewSsh(old: StoredCertificate, input: InputOf<typeof certificateMakingOperations.renew>, context: Context): Promise<Made> {
  if (input.newKey) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'An OpenSSH certificate is renewed for its own key, or for one that you name.', remedy: 'Rotate the key, and renew with --key.' });
  const { certificate, blob } = await context.session.certificates.readSsh(old.id);
  const [authority] = livingKeys(old.issuerId, context.session);
  if (authority === undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The key of the authority that issued “${old.label}” is not held here: ${old.issuer}.`, remedy: 'Ask them for a new one.' });
  const subject = input.key === undefined ? sshSubjectOf(Buffer.from(sshCertificateLine(blob, ''))).blob : sshBlob(parseSpki((await subjectOf(context.key, context)).spki));
  const { isUser, keyId, principals, criticalOptions, extensions, notBefore, notAfter } = certificate;
  const { serial } = sshContent({ principals }, isUser, subject, keyId);
  const before = notAfter === null || notBefore === null ? (isUser ? SSH_DAYS.user : SSH_DAYS.host) : Math.max(1, Math.round((notAfter.getTime() - notBefore.getTime()) / DAY));
  const times = validity(input, before, undefined, new Date(), []);
  const label = input.label ?? old.label;
  if (label === old.label) await writeCertificate(context, { ...old, label: `${old.label} (until ${old.notAfter.slice(0, 10)})`.slice(0, 200) });
  return signed({ subject, isUser, keyId, principals, serial, criticalOptions, extensions, ...times }, authority, old.issuerId, { algorithm: input.algorithm, label, tags: input.tags.length > 0 ? input.tags : [...old.tags] }, '', context);
}

/** A command that runs by itself has watched nothing: it looks into the tokens when the store does not have the key. */
async function authorityKey(reference: string, { session, services }: Context): Promise<StoredKey> {
  const resolve = (): StoredKey => {
    try {
      return session.inventory.resolve(reference);
    } catch (thrown) {
      if (thrown instanceof KeywrightError) throw new KeywrightError(thrown.code, { ...thrown.facts, ...(thrown.code === 'NOT_FOUND' ? { detail: `There is no key “${reference}”: the authority of an OpenSSH certificate is a key.` } : {}), where: '/issuer' });
      throw thrown;
    }
  };
  try {
    return resolve();
  } catch (thrown) {
    if (services.about.kind !== 'cli' || !(thrown instanceof KeywrightError) || thrown.code !== 'NOT_FOUND') throw thrown;
    await session.found.settled();
    return resolve();
  }
}

/** @param publicKey of the authority's version that signs; default: the primary one. */
async function signed(content: SshCertificateContent, authority: StoredKey, publicKey: string | undefined, wishes: Pick<IssueInput, 'algorithm' | 'label' | 'tags'>, comment: string, context: Context): Promise<Made> {
  refuseTrashed(authority);
  context.subject(authority.uri);
  const signer = await signingKey(authority, authorityAlgorithm(authority.algorithm, wishes.algorithm), `issue an OpenSSH certificate as “${authority.label}”`, context, publicKey);
  const { blob, certificate } = await signSshCertificate(content, signer.spki, signer.algorithm, signer.sign);
  const stored = await keepSsh(certificate, blob, { origin: 'made', tags: wishes.tags, ...(wishes.label === undefined ? {} : { label: wishes.label }) }, context);
  return { ...(await writtenRecord(stored, context, null)), warnings: warningsOf(certificate, signer.spki), pem: sshCertificateLine(blob, comment || stored.label) };
}

function warningsOf({ isUser, key, notBefore, notAfter }: SshCertificate, authority: Uint8Array): Made['warnings'] {
  const days = notBefore === null || notAfter === null ? Number.POSITIVE_INFINITY : (notAfter.getTime() - notBefore.getTime()) / DAY;
  const short = (spki: Uint8Array): boolean => /^rsa-(?:1024|1536)$/.test(algorithmOfSpki(spki));
  return [
    ...(isUser && days > LONG + 1 ? [{ warning: `It is good for ${Math.round(days)} days: until then only a list on each server (RevokedKeys) takes it back.`, rule: 'sshd_config(5), RevokedKeys' }] : []),
    ...(short(key.spki) || short(authority) ? [{ warning: 'An RSA key of less than 2048 bits is in it.', rule: 'SP 800-131A rev. 2 §3' }] : []),
    ...(fingerprint(key.spki) === fingerprint(authority) ? [{ warning: 'The authority’s own key is certified: whoever logs in with it could issue certificates.', rule: 'ssh-keygen(1), CERTIFICATES' }] : []),
  ];
}

async function keepSsh(certificate: SshCertificate, blob: Uint8Array, facts: Pick<StoredCertificate, 'origin' | 'tags'> & Partial<Pick<StoredCertificate, 'label'>>, context: Context): Promise<StoredCertificate> {
  const before = context.session.certificates.get(sshCertificateId(blob));
  if (before === undefined) return writeCertificate(context, newSshCertificate(certificate, blob, facts), blob);
  return writeCertificate(context, { ...before, trashedUntil: null, tags: [...new Set([...before.tags, ...facts.tags])], ...(facts.label === undefined ? {} : { label: facts.label }) });
}

/** Every certificate in lines of `-cert.pub`. @throws INVALID_INPUT with the line */
export async function importSsh(content: Uint8Array, input: InputOf<typeof certificateOperations.importCertificates>, context: Context): Promise<OutputOf<typeof certificateOperations.importCertificates>> {
  if (input.trusted) throw new KeywrightError('INVALID_INPUT', { detail: 'Nothing ends at an OpenSSH certificate: trust is in the authority’s key, on each server.', where: '/trusted', remedy: 'Leave it out.' });
  const lines = Buffer.from(content).toString('utf8').split(/\r?\n/).map((text) => text.trim()).filter((text) => text !== '' && !text.startsWith('#'));
  const certificates: OutputOf<typeof certificateOperations.importCertificates>['certificates'] = [];
  const alreadyHeld: string[] = [];
  const notes: string[] = [];
  const seen = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const { blob, comment } = sshCertificateBlob(Buffer.from(line));
    const certificate = await readSshCertificate(blob);
    const id = sshCertificateId(blob);
    if (seen.has(id)) continue;
    seen.add(id);
    if (!certificate.genuine) notes.push(`The authority’s signature of “${comment || certificate.keyId}” does not count: ${certificate.signatureType === 'ssh-rsa' ? 'it is made with SHA-1' : 'it does not fit'}.`);
    if (context.session.certificates.get(id) !== undefined) alreadyHeld.push(id);
    const label = input.label === undefined ? undefined : lines.length > 1 ? `${input.label} ${index + 1}` : input.label;
    certificates.push(await writtenRecord(await keepSsh(certificate, blob, { origin: 'imported', tags: input.tags, ...(label === undefined ? {} : { label }) }, context), context, null));
  }
  return { certificates, alreadyHeld, notes };
}

export async function showSsh(stored: StoredCertificate, { session }: Context): Promise<OutputOf<typeof certificateOperations.show>> {
  const { certificate, blob } = await session.certificates.readSsh(stored.id);
  const words = sshInWords(certificate, blob, stored.label);
  const [authority] = livingKeys(stored.issuerId, session);
  const fields = words.fields.map((field) => (field.name === 'Authority' && authority !== undefined ? { ...field, value: `${field.value} (“${authority.label}”, held here)` } : field));
  return { ...(await certificateRecord(stored, session)), ...words, fields, sha1: '', text: textOf({ ...words, fields, sha1: '' }) };
}

export async function exportSsh(stored: StoredCertificate, input: InputOf<typeof certificateOperations.exportCertificate>, context: Context): Promise<OutputOf<typeof certificateOperations.exportCertificate>> {
  if (input.format !== undefined && input.format !== 'openssh') throw new KeywrightError('CAPABILITY_MISSING', { detail: `An OpenSSH certificate has a form of its own, and is never ${input.format === 'jwk' ? 'a JWK' : input.format.toUpperCase()}.`, remedy: 'Leave the format out.', alternatives: ['openssh'] });
  if (input.withKey || input.withChain) throw new KeywrightError('CAPABILITY_MISSING', { detail: `An OpenSSH certificate stands alone in its file: ${input.withKey ? 'the private key is a file beside it' : 'its authority is a key, and there is no chain'}.`, remedy: input.withKey ? 'Export the key with `keywright keys export --format openssh`.' : 'Leave the chain out.' });
  const { blob } = await context.session.certificates.readSsh(stored.id);
  const content = Buffer.from(sshCertificateLine(blob, stored.label));
  const fileName = `${fileNameOf(stored.label, 'x').slice(0, -2)}-cert.pub`;
  context.subject(`certificate:${stored.id}`);
  const answer = { format: 'openssh' as const, fileName, certificates: 1, withKey: false, notes: [] };
  if (input.to === undefined) return { ...answer, content };
  const place = await outputOf(input.to, fileName, context);
  await writeAside(place.path, { overwrite: place.overwrite, signal: context.call.signal }, (write) => write(content));
  return { ...answer, written: place.written };
}
