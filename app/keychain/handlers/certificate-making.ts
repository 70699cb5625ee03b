import { KeywrightError, type SignatureAlgorithmName } from '../../contract/index.ts';
import {
  buildName, type Certificate, type CertificateRequest, type Content, EXTENSION, type Extension, extendedKeyUsage, factsOf, generalNames, generalNameText, isRequestSigned, prepareCertificate, type Prepared, prepareRenewal, PURPOSE_OIDS, readRequest, signCertificate, signRequest, type Subject, verifyCertificate,
} from '../../certificates/index.ts';
import { writePem } from '../../formats/pem.ts';
import { writeAside } from '../../signing/write-aside.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';
import { bytesOf, outputOf } from '../files/places.ts';
import { chainOf } from './certificate-chain.ts';
import { found } from './certificate-reference.ts';
import { keepCertificate, livingKeys, refuseTrashedCertificate, writeCertificate, writtenRecord } from './certificate-records.ts';
import { exactlyOne, rotated, signingKey, type SigningKey, subjectOf } from './certificate-signing.ts';
import { fileNameOf } from './file-names.ts';
import type { HandlersOf } from './handlers.ts';
import { refuseTrashed } from './key-records.ts';
import { issueSsh, isSshProfile, refuseSshWishes, renewSsh } from './ssh-certificates.ts';

type Verb = 'self-sign' | 'request' | 'issue' | 'renew';
const MAX_REQUEST = 1024 * 1024;

export const certificateMakingHandlers: Pick<HandlersOf<'certificates'>, `certificates.${Verb}`> = {
  async 'certificates.self-sign'(input, context) {
    const { key } = context;
    refuseTrashed(key);
    const subject = await subjectOf(key, context);
    const prepared = prepareCertificate(input, { ...subject, name: buildName(`CN=${escaped(key.label)}`) }, undefined);
    const { algorithm, sign, spki } = await signingKey(key, input.algorithm, 'make a self-signed certificate', context);
    const certificate = await signCertificate(prepared, { name: prepared.subject, spki }, algorithm, sign);
    return made(certificate, prepared, { trusted: true, tags: input.tags, ...labelled(input.label) }, null, context);
  },

  async 'certificates.request'(input, context) {
    const { key } = context;
    refuseTrashed(key);
    const subject = await subjectOf(key, context);
    const { algorithm, sign } = await signingKey(key, input.algorithm, 'make a certificate request', context);
    const { request, warnings } = await signRequest(input, subject, algorithm, sign);
    const content = input.format === 'der' ? request.der : writePem('CERTIFICATE REQUEST', request.der);
    const fileName = fileNameOf(key.label, input.format === 'der' ? 'der' : 'csr');
    const answer = { subject: request.subject.text, key: key.uri, fileName, warnings: [...warnings] };
    if (input.to === undefined) return { ...answer, request: content };
    const place = await outputOf(input.to, fileName, context);
    await writeAside(place.path, { overwrite: place.overwrite, signal: context.call.signal }, (write) => write(content));
    return { ...answer, written: place.written };
  },

  async 'certificates.issue'(asked, context) {
    if (isSshProfile(asked.profile)) return issueSsh(asked, context);
    refuseSshWishes(asked);
    const { ssh: _ssh, ...input } = { ...asked, profile: asked.profile };
    const way = exactlyOne({ request: input.request, from: input.from, key: input.key, crossSign: input.crossSign }, 'Say for whom: by a request, a key, or a certificate to cross-sign; exactly one.');
    const { certificate: issuer, stored, signer } = await issuing(input.issuer, input.algorithm, 'issue a certificate', context);
    const { subject, content } = way === 'key' ? { subject: await subjectOf(context.key, context), content: input }
      : way === 'crossSign' ? crossSigned(await context.session.certificates.read((await found(input.crossSign!, context, '/crossSign')).id), input)
        : requested(readRequest(await bytesOf(input.request, input.from, 'request', MAX_REQUEST, context)), input);
    const name = way === 'key' && content.subject === undefined ? { name: buildName(`CN=${escaped(context.key.label)}`) } : {};
    const prepared = prepareCertificate(content, { ...subject, ...name }, { certificate: issuer });
    return issued(prepared, issuer, stored, signer, { tags: input.tags, ...labelled(input.label) }, context);
  },

  async 'certificates.renew'(input, context) {
    if (input.newKey && input.key !== undefined) throw new KeywrightError('INVALID_INPUT', { detail: 'Take a new key, or another one that is there: not both.', where: '/newKey' });
    const old = await found(input.certificate, context);
    refuseTrashedCertificate(old);
    if (old.type === 'openssh') return renewSsh(old, input, context);
    const certificate = await context.session.certificates.read(old.id);
    if (input.key !== undefined) refuseTrashed(context.key);
    const key = input.key === undefined ? keyOf(old, context) : context.key;
    const renewed = input.newKey ? await rotated(key, context) : { key, publicKey: input.key === undefined ? old.publicKey : undefined };
    const tags = input.tags.length > 0 ? input.tags : [...old.tags];
    // The new one goes by the name; the old one by the name and its end.
    if (input.label === undefined || input.label === old.label) await writeCertificate(context, { ...old, label: `${old.label} (until ${old.notAfter.slice(0, 10)})`.slice(0, 200) });
    if (old.selfSigned) {
      const signer = await signingKey(renewed.key, input.algorithm, 'renew a certificate', context, renewed.publicKey);
      const prepared = prepareRenewal(certificate, signer.spki, input, undefined);
      const next = await signCertificate(prepared, { name: certificate.subject.der, spki: signer.spki }, signer.algorithm, signer.sign);
      return made(next, prepared, { trusted: old.trusted, tags, ...labelled(input.label ?? old.label) }, null, context);
    }
    const issuerOf = await context.session.certificates.issuerOf(old);
    if (issuerOf === undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: `Who issued “${old.label}” is not held here: only they can renew it.`, remedy: 'Make a request (`keywright certificates request`), and send it to them.' });
    const { certificate: issuer, stored, signer } = await issuing(issuerOf.id, input.algorithm, 'renew a certificate', context);
    const { spki } = await subjectOf(renewed.key, context, renewed.publicKey);
    return issued(prepareRenewal(certificate, spki, input, { certificate: issuer }), issuer, stored, signer, { tags, ...labelled(input.label ?? old.label) }, context);
  },
};

const labelled = (label: string | undefined): { label?: string } => (label === undefined ? {} : { label });

function keyOf(certificate: StoredCertificate, { session }: Context) {
  const [key] = livingKeys(certificate.publicKey, session);
  if (key === undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The key of “${certificate.label}” is not held here.`, remedy: 'Import it, or name another key (--key).' });
  return key;
}

/** @returns an authority with its key. @throws CAPABILITY_MISSING when the key is not here, CONFLICT when the authority is in the trash or revoked */
export async function issuing(reference: string, algorithm: SignatureAlgorithmName | undefined, purpose: string, context: Context): Promise<{ certificate: Certificate; stored: StoredCertificate; signer: SigningKey }> {
  const stored = await found(reference, context, '/issuer');
  refuseTrashedCertificate(stored);
  if (stored.revoked !== null) throw new KeywrightError('CONFLICT', { detail: `“${stored.label}” was revoked on ${stored.revoked.at.slice(0, 10)}: nothing is issued with it any more.` });
  context.subject(`certificate:${stored.id}`);
  const key = keyOf(stored, context);
  context.subject(key.uri);
  return { stored, certificate: await context.session.certificates.read(stored.id), signer: await signingKey(key, algorithm, `${purpose} as “${stored.label}”`, context, stored.publicKey) };
}

/** Signs for an authority, and keeps what the whole path accepts: what an authority higher up forbids (names, path length) is found here. */
async function issued(prepared: Prepared, issuer: Certificate, stored: StoredCertificate, { algorithm, sign, spki }: SigningKey, facts: Pick<StoredCertificate, 'tags'> & Partial<Pick<StoredCertificate, 'label'>>, context: Context) {
  const certificate = await signCertificate(prepared, { name: issuer.subject.der, spki }, algorithm, sign);
  const { chain } = await chainOf(stored, context.session);
  const above = await Promise.all(chain.map(({ id }) => context.session.certificates.read(id)));
  const { trusted, verdict } = verifyCertificate({
    certificate, roots: above.slice(-1), untrusted: above.slice(0, -1), crls: [], ocsp: [], revoked: new Map(), at: new Date(Math.max(Date.now(), prepared.notBefore.getTime())), purpose: 'any', names: [], maxDepth: 20,
    policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false }, revocation: 'off', strict: false, strictRoots: false, extendedKeyUsages: [],
  });
  if (!trusted) throw new KeywrightError('INVALID_INPUT', { detail: `Nobody would accept this certificate. ${verdict}`, where: '/issuer', remedy: 'Change what it says, or issue it from another authority.' });
  return made(certificate, prepared, { trusted: false, ...facts }, stored.id, context);
}

/** Keeps a certificate that was made, and answers with it. */
async function made(certificate: Certificate, { warnings }: Prepared, facts: Pick<StoredCertificate, 'trusted' | 'tags'> & Partial<Pick<StoredCertificate, 'label'>>, issuedBy: string | null, context: Context) {
  const { stored } = await keepCertificate(context, certificate, { ...facts, origin: 'made' });
  return { ...(await writtenRecord(stored, context, issuedBy)), warnings: [...warnings], pem: certificate.toPem() };
}

/** What a request asks for and an authority may grant: name, alternative names and purpose. Never that it be an authority: that is for the issuer to say. */
function requested(request: CertificateRequest, input: Content): { subject: Subject; content: Content } {
  if (!isRequestSigned(request)) throw new KeywrightError('INVALID_INPUT', { detail: 'The request is not signed by its own key: nobody has proved to hold it.', where: '/request', remedy: 'Have it made again.' });
  const read = <T>(oid: string, reader: (value: Uint8Array) => T): T | undefined => {
    const extension = request.extensions.find((one) => one.oid === oid);
    return extension === undefined ? undefined : reader(extension.value);
  };
  const san = input.san.length > 0 ? input.san : (read(EXTENSION.subjectAltName, generalNames) ?? []).map(generalNameText);
  const mustStaple = input.mustStaple || request.extensions.some(({ oid }) => oid === EXTENSION.tlsFeature);
  return { subject: { spki: request.spki, encrypts: true, name: request.subject.der }, content: { ...input, san, mustStaple, profile: input.profile ?? profileOf(request.extensions) } };
}

/** Profiles that a request may ask for by its one purpose. */
const BY_PURPOSE: Readonly<Record<string, Content['profile']>> = Object.fromEntries((['tls-server', 'tls-client', 'code-signing', 'email', 'timestamp'] as const).map((name) => [PURPOSE_OIDS[name], name]));

function profileOf(extensions: readonly Extension[]): Content['profile'] {
  const extension = extensions.find(({ oid }) => oid === EXTENSION.extendedKeyUsage);
  const purposes = extension === undefined ? [] : extendedKeyUsage(extension.value);
  return purposes.length === 1 ? BY_PURPOSE[purposes[0]!] : undefined;
}

function crossSigned(certificate: Certificate, input: Content): { subject: Subject; content: Content } {
  const { authority } = factsOf(certificate);
  const constraints = certificate.basicConstraints;
  return {
    subject: { spki: certificate.spki, encrypts: true, name: certificate.subject.der },
    content: {
      ...input, san: input.san.length > 0 ? input.san : certificate.alternativeNames.map(generalNameText), profile: input.profile ?? (authority ? 'sub-ca' : undefined),
      ...(input.pathLength === undefined && constraints?.pathLength !== undefined ? { pathLength: constraints.pathLength } : {}),
    },
  };
}

/** As a value of a distinguished name (RFC 4514 §2.4), of at most 64 characters. */
const escaped = (text: string): string => [...text].slice(0, 64).join('').replaceAll(/[\\",+<>;=#]/g, '\\$&');
