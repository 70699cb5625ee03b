import { buildName, type Certificate, prepareCertificate, signCertificate, signRequest } from '../../certificates/index.ts';
import { writePem } from '../../formats/pem.ts';
import { writeAside } from '../../signing/write-aside.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';
import { outputOf } from '../files/places.ts';
import { keepCertificate, writtenRecord } from './certificate-records.ts';
import { signingKey, subjectOf } from './certificate-signing.ts';
import { fileNameOf } from './file-names.ts';
import type { HandlersOf } from './handlers.ts';
import { refuseTrashed } from './key-records.ts';

type Verb = 'self-sign' | 'request';

export const certificateMakingHandlers: Pick<HandlersOf<'certificates'>, `certificates.${Verb}`> = {
  async 'certificates.self-sign'(input, context) {
    const { key } = context;
    refuseTrashed(key);
    const subject = await subjectOf(key, context);
    const prepared = prepareCertificate(input, { ...subject, ...(input.subject === undefined ? { name: buildName(`CN=${escaped(key.label)}`) } : {}) }, undefined);
    const { algorithm, sign, spki } = await signingKey(key, input.algorithm, 'make a self-signed certificate', context);
    const certificate = await signCertificate(prepared, { name: prepared.subject, spki }, algorithm, sign);
    return made(certificate, prepared.warnings, { trusted: true, tags: input.tags, ...(input.label === undefined ? {} : { label: input.label }) }, null, context);
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
};

/** Keeps a certificate that was made, and answers with it. */
async function made(certificate: Certificate, warnings: readonly { warning: string; rule: string }[], facts: Pick<StoredCertificate, 'trusted' | 'tags'> & Partial<Pick<StoredCertificate, 'label'>>, issuedBy: string | null, context: Context) {
  const { stored } = await keepCertificate(context, certificate, { ...facts, origin: 'made' });
  return { ...(await writtenRecord(stored, context, issuedBy)), warnings: [...warnings], pem: certificate.toPem() };
}

/** As a value of a distinguished name (RFC 4514 §2.4), of at most 64 characters. */
const escaped = (text: string): string => [...text].slice(0, 64).join('').replaceAll(/[\\",+<>;=#]/g, '\\$&');
