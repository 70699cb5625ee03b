import { KeywrightError, SecretBytes, type CertificateRecord, type certificateOperations, type InputOf } from '../../contract/index.ts';
import { Certificate, eachCertificate, titleOf } from '../../certificates/index.ts';
import { checkWritable, type FoundCertificate, readPkcs7, publicJwkOf, readContents, recognise, writeKey, writePkcs12, writePkcs7 } from '../../formats/index.ts';
import { writeAside } from '../../signing/write-aside.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';
import { primary } from '../inventory.ts';
import { bytesOf, outputOf, writeSecret } from '../files/places.ts';
import { chainOf } from './certificate-chain.ts';
import { keepCertificate, livingKeys, writtenRecord } from './certificate-records.ts';
import { Turns } from '../turns.ts';
import { found } from './certificate-reference.ts';
import { exported, exportPassphrase, importPassphrase, LEGACY_NOTE } from './exporting.ts';
import { fileNameOf } from './file-names.ts';
import { exportSsh, importSsh } from './ssh-certificates.ts';
import type { HandlersOf } from './handlers.ts';

/** Certificates in files: alone, in bundles, beside keys. */

const MAX_FILE = 16 * 1024 * 1024;
/** Certificates from one word of progress to the next. */
const STEP = 50;
const EXTENSIONS = { pem: 'pem', der: 'cer', pkcs7: 'p7b', pkcs12: 'p12', jwk: 'jwk' } as const;
/** Files of which certificates are one part. */
const CONTAINERS: ReadonlySet<string> = new Set(['cms', 'pkcs12', 'jks', 'bks', 'jwk', 'jwk-set', 'jwe-passphrase']);
type ExportInput = Omit<InputOf<typeof certificateOperations.exportCertificate>, 'format'> & { readonly format: keyof typeof EXTENSIONS };

export const certificateFileHandlers: Pick<HandlersOf<'certificates'>, 'certificates.import' | 'certificates.export'> = {
  async 'certificates.import'(input, context) {
    const content = await bytesOf(input.content, input.from, 'content', MAX_FILE, context);
    if (recognise(content).what === 'openssh-certificate') return importSsh(content, input, context);
    const { certificates, notes } = await certificatesIn(content, context);
    const label = (index: number, own: string | undefined): string | undefined => (input.label === undefined ? own : certificates.length > 1 ? `${input.label} ${index + 1}` : input.label);
    return { ...(await keepCertificates(certificates.map((one, index) => ({ ...one, label: label(index, one.label) })), { trusted: input.trusted, tags: input.tags }, context, (event) => context.call.progress(event))), notes };
  },

  async 'certificates.export'(asked, context) {
    const { session } = context;
    const stored = await found(asked.certificate, context);
    if (stored.type === 'openssh') return exportSsh(stored, asked, context);
    if (asked.format === 'openssh') throw new KeywrightError('CAPABILITY_MISSING', { detail: 'This is a certificate of X.509: OpenSSH has certificates of its own.', remedy: 'Issue one: keywright certificates issue --profile ssh-user.', alternatives: ['pem', 'der', 'pkcs7', 'pkcs12', 'jwk'] });
    const input = { ...asked, format: asked.format ?? 'pem' };
    const chain = input.withChain ? (await chainOf(stored, session)).chain : [stored];
    if (input.format === 'der' && chain.length > 1) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'DER holds one certificate; this chain has several.', remedy: 'Use PEM, or leave the chain out.', alternatives: ['pem', 'pkcs7', 'pkcs12'] });
    if (input.withKey && (input.format === 'der' || input.format === 'pkcs7')) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${input.format === 'der' ? 'DER' : 'PKCS#7'} has no place for a private key.`, remedy: 'Use PKCS#12, or leave the key out.', alternatives: ['pkcs12', 'pem', 'jwk'] });
    const certificates = await Promise.all(chain.map(({ id }) => session.certificates.read(id)));
    context.subject(`certificate:${stored.id}`);
    const content = input.withKey ? await withKey(stored, certificates, input, context) : await withoutKey(stored, certificates, input, context);
    const name = fileNameOf(stored.label, EXTENSIONS[input.format]);
    const answer = { format: input.format, fileName: name, certificates: certificates.length, withKey: input.withKey, notes: input.format === 'pkcs12' && input.profile === 'legacy' ? [LEGACY_NOTE] : [] };
    if (input.to === undefined) return { ...answer, content };
    using _content = new SecretBytes(content);
    if (input.withKey) return { ...answer, written: await writeSecret(content, input.to, name, context) };
    const place = await outputOf(input.to, name, context);
    await writeAside(place.path, { overwrite: place.overwrite, signal: context.call.signal }, (write) => write(content));
    return { ...answer, written: place.written };
  },
};

async function certificatesIn(content: Uint8Array, context: Context): Promise<{ certificates: FoundCertificate[]; notes: string[] }> {
  const { what } = recognise(content);
  const bundle = what === 'cms' && content[0] === 0x30 ? readPkcs7(content) : undefined;
  if (bundle !== undefined && bundle.certificates.length > 0) return { certificates: bundle.certificates.map((der) => ({ der })), notes: bundle.crls.length === 0 ? [] : [`${bundle.crls.length} revocation ${bundle.crls.length === 1 ? 'list' : 'lists'} beside them: import the file with \`keywright certificates crl import\` too.`] };
  if (!CONTAINERS.has(what)) return { certificates: await ders(content, context), notes: [] };
  const { certificates, crls, notes } = await readContents(content, { want: 'certificates', signal: context.call.signal, passphrase: importPassphrase(context) });
  return { certificates, notes: [...notes, ...(crls.length === 0 ? [] : [`${crls.length} revocation lists were passed over.`])] };
}

/** Malformed ones are told by their place in the file. */
async function ders(content: Uint8Array, context: Context): Promise<FoundCertificate[]> {
  const turns = new Turns(context.call.signal);
  const found: FoundCertificate[] = [];
  for (const { der } of eachCertificate(content)) {
    found.push({ der });
    await turns.next();
  }
  return found;
}

/**
 * Keeps certificates that were found in a file, each once.
 * @param progress told every now and then: certificates done, of how many, and the next one's name
 * @throws INVALID_INPUT for one that is malformed, with its place in the list
 */
export async function keepCertificates(list: readonly (Pick<FoundCertificate, 'der'> & { label?: string | undefined })[], facts: { trusted: boolean; tags: readonly string[] }, context: Context, progress?: (event: { done: number; total: number; label: string }) => void): Promise<{ certificates: CertificateRecord[]; alreadyHeld: string[] }> {
  const turns = new Turns(context.call.signal);
  const read = new Map<string, { certificate: Certificate; label: string | undefined }>();
  for (const { der, label } of list) {
    const certificate = new Certificate(Uint8Array.from(der));
    if (!read.has(certificate.id)) read.set(certificate.id, { certificate, label });
    await turns.next();
  }
  const subjects = Map.groupBy([...read.values()].map(({ certificate }) => certificate), ({ subject }) => subject.canonical);
  const certificates: CertificateRecord[] = [];
  const alreadyHeld: string[] = [];
  for (const { certificate, label } of read.values()) {
    if (certificates.length % STEP === 0) progress?.({ done: certificates.length, total: read.size, label: label ?? titleOf(certificate) });
    const { stored, held } = await keepCertificate(context, certificate, { origin: 'imported', trusted: facts.trusted, tags: facts.tags, ...(label === undefined ? {} : { label }) });
    if (held) alreadyHeld.push(certificate.id);
    certificates.push(await importedRecord(stored, certificate, subjects, context));
    await turns.next();
  }
  return { certificates, alreadyHeld };
}

/** What was imported together is joined together: none of it is in the inventory before the call commits. */
async function importedRecord(stored: StoredCertificate, certificate: Certificate, subjects: ReadonlyMap<string, readonly Certificate[]>, context: Context): Promise<CertificateRecord> {
  const among = subjects.get(certificate.issuer.canonical)?.find((candidate) => certificate.isSignedBy(candidate));
  if (among !== undefined) return writtenRecord(stored, context, among.id);
  for (const candidate of context.session.certificates.withSubject(stored.issuerId)) if (certificate.isSignedBy(await context.session.certificates.read(candidate.id))) return writtenRecord(stored, context, candidate.id);
  return writtenRecord(stored, context, null);
}

async function withoutKey(stored: StoredCertificate, certificates: readonly Certificate[], { format, profile }: ExportInput, context: Context): Promise<Uint8Array> {
  const [first] = certificates as [Certificate];
  switch (format) {
    case 'der': return first.der;
    case 'pem': return Buffer.from(certificates.map((one) => one.toPem()).join(''));
    case 'pkcs7': return writePkcs7(certificates.map(({ der }) => der));
    case 'jwk': return publicJwkOf(first.spki, { kid: stored.label, x5c: certificates.map(({ der }) => der) });
    case 'pkcs12': {
      using passphrase = await exportPassphrase(stored.label, context);
      return await writePkcs12(certificates.map(({ der }, index) => ({ certificate: der, ...(index === 0 ? { friendlyName: stored.label } : {}) })), passphrase, profile);
    }
  }
}

async function withKey(stored: StoredCertificate, certificates: readonly Certificate[], { format, profile }: ExportInput, context: Context): Promise<Uint8Array> {
  if (!context.call.principal.permissions.has('keys:admin')) throw new KeywrightError('PERMISSION_DENIED', { detail: 'This caller may export certificates, but no private keys.', remedy: 'Ask for the permission keys:admin, or leave the key out.' });
  const [key] = livingKeys(stored.publicKey, context.session).sort((a, b) => Number(b.extractable) - Number(a.extractable));
  if (key === undefined) throw new KeywrightError('NOT_FOUND', { detail: `No key held here belongs to the certificate “${stored.label}”.`, remedy: 'Import its key first, or leave the key out.' });
  const [own, ...issuers] = certificates as [Certificate, ...Certificate[]];
  const permit = (): Promise<SecretBytes> => {
    checkWritable(key.algorithm, { format: format === 'pem' ? 'pkcs8' : format === 'jwk' ? 'jwe' : 'pkcs12', encoding: 'pem', encrypted: true, seedless: primary(key).seedless === true });
    return exportPassphrase(stored.label, context);
  };
  return exported(key, undefined, context, permit, async (material, passphrase) => {
    if (format !== 'pem') return writeKey(material, { format: format === 'jwk' ? 'jwe' : 'pkcs12', encoding: 'pem', label: stored.label, passphrase, profile, certificate: own.der, chain: issuers.map(({ der }) => der) });
    const pem = await writeKey(material, { format: 'pkcs8', encoding: 'pem', passphrase });
    return Buffer.concat([pem, ...certificates.map((one) => Buffer.from(one.toPem()))]);
  });
}
