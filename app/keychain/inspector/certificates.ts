import { Certificate, extensionInWords, inWords, isRequestSigned, OCSP_STATUSES, parseOcspRequest, parseOcspResponse, parseRequest, RevocationList, titleOf } from '../../certificates/index.ts';
import { publicKeyInfo } from '../../certificates/signatures.ts';
import { berToDer } from '../../formats/ber.ts';
import { DerReader } from '../../formats/der.ts';
import { readSignedData } from '../../signing/cms/read.ts';
import { certificateOf } from '../../signing/cms/verify.ts';
import { isTimestampResponse, readTimestampResponse, readTimestampToken } from '../../signing/timestamp/token.ts';
import { AUTH_ENVELOPED_DATA, describeEncryptedCms, ENVELOPED_DATA } from './encrypted-cms.ts';
import type { Tree } from './tree.ts';
import type { Finding, Hint } from './finding.ts';

const DAY = 86_400_000;
const sha1 = (weak: string | undefined, mend: readonly Hint[] = []): Finding[] => (weak === undefined ? [] : [{ level: 'weak', code: 'signature-weak', detail: weak, remedy: 'Have it issued anew with SHA-256.', mend }]);
const RENEWED = 'Renew it (keywright certificates renew), or ask who issued it for a new one.';
const RENEW: readonly Hint[] = [{ kind: 'renew' }];
const BY_ISSUER = 'Tell who issued it: only they can issue one that keeps to the rules.';
const LATER = 'Wait until then, or see to the clock of this computer.';

export function describeCertificate(der: Uint8Array, parent: number | null, where: string | null, tree: Tree): number {
  const certificate = new Certificate(Uint8Array.from(der));
  const words = inWords(certificate);
  const { notBefore, notAfter } = certificate;
  const now = Date.now();
  const findings: Finding[] = certificate.faults.map(({ text }) => ({ level: 'odd', code: 'rfc5280', detail: text, remedy: BY_ISSUER, mend: RENEW }));
  if (notAfter.date.getTime() < now) findings.push({ level: 'odd', code: 'expired', detail: `It ended on ${notAfter.date.toISOString()}.`, remedy: RENEWED, mend: RENEW });
  else if (notAfter.date.getTime() - now < 30 * DAY) findings.push({ level: 'odd', code: 'expiring', detail: `It ends on ${notAfter.date.toISOString()}.`, remedy: RENEWED, mend: RENEW });
  if (notBefore.date.getTime() > now) findings.push({ level: 'odd', code: 'not-yet-valid', detail: `It begins on ${notBefore.date.toISOString()}.`, remedy: LATER });
  findings.push(...sha1(certificate.isSelfIssued ? undefined : certificate.signatureAlgorithm.weak, RENEW));
  const at = tree.add(parent, {
    kind: 'certificate', title: titleOf(certificate), detail: certificate.isSelfIssued ? 'A certificate that its own key has issued.' : 'A certificate.', where, findings, spki: certificate.spki, certificate: certificate.id, actions: ['certificates.import', 'certificates.verify', 'files.encrypt', 'files.convert'],
    facts: words.fields.map(({ name, value }) => [name, value] as const),
  });
  describeExtensions(words.extensions, at, tree);
  return at;
}

function describeExtensions(extensions: ReturnType<typeof inWords>['extensions'], parent: number, tree: Tree): void {
  for (const { name, critical, lines, problem, oid, offset } of extensions) {
    tree.add(parent, { kind: 'extension', title: name, detail: lines.join('; ').slice(0, 1000) || oid, where: `offset ${offset}`, facts: [['Critical', critical ? 'yes' : 'no'], ['OID', oid]], findings: problem === null ? [] : [{ level: 'odd', code: 'extension', detail: problem, remedy: BY_ISSUER }] });
  }
}

export function describeRequest(der: Uint8Array, parent: number | null, where: string | null, tree: Tree): void {
  const request = parseRequest(der);
  const info = publicKeyInfo(request.spki);
  const at = tree.add(parent, {
    kind: 'certificate-request', title: request.subject.text || 'without a subject', detail: 'A certificate signing request: it asks an authority for a certificate.', where, spki: request.spki, actions: ['certificates.issue', 'files.convert'],
    facts: [['Subject', request.subject.text], ['Key', info.name], ['Signature algorithm', request.signatureAlgorithm.name]],
    findings: [...sha1(request.signatureAlgorithm.weak), ...(isRequestSigned(request) ? [] : [{ level: 'broken' as const, code: 'signature', detail: 'Its signature does not fit: who made it did not show that the key is theirs.', remedy: 'Ask for a new request.' }])],
  });
  describeExtensions(request.extensions.map(extensionInWords), at, tree);
}

export function describeCrl(der: Uint8Array, parent: number | null, where: string | null, tree: Tree): void {
  const list = new RevocationList(der);
  const old = list.nextUpdate !== undefined && list.nextUpdate.getTime() < Date.now();
  tree.add(parent, {
    kind: 'crl', title: list.issuer.text, detail: 'A certificate revocation list.', where, actions: ['certificates.crl.import', 'files.convert'],
    facts: [['Issuer', list.issuer.text], ['Number', list.number?.toString()], ['Made', list.thisUpdate.toISOString()], ['Next', list.nextUpdate?.toISOString()], ['Signature algorithm', list.signatureAlgorithm.name]],
    findings: [...list.faults.map((detail) => ({ level: 'odd' as const, code: 'rfc5280', detail, remedy: BY_ISSUER })), ...sha1(list.signatureAlgorithm.weak), ...(old ? [{ level: 'odd' as const, code: 'outdated', detail: 'A newer list was due since.', remedy: 'Fetch the newest one: keywright certificates crl import --fetch CERTIFICATE.' }] : [])],
  });
}

export function describeOcsp(kind: string, der: Uint8Array, parent: number | null, tree: Tree): void {
  if (kind === 'ocsp-request') {
    const { ids, nonce } = parseOcspRequest(der);
    tree.add(parent, { kind, title: `${ids.length} certificates`, detail: 'An OCSP request: a question whether certificates are revoked.', facts: [['Serial numbers', ids.map(({ serial }) => serial).join(', ')], ['Nonce', nonce === undefined ? 'none' : 'yes']], actions: ['certificates.ocsp.respond'] });
    return;
  }
  const { status, producedAt, responses, certificates, signatureAlgorithm, faults } = parseOcspResponse(der);
  const at = tree.add(parent, { kind, title: OCSP_STATUSES[status] ?? `status ${status}`, detail: 'An OCSP response: whether certificates are revoked.', facts: [['Status', OCSP_STATUSES[status]], ['Made', producedAt?.toISOString()], ['Signature algorithm', signatureAlgorithm?.name]], findings: [...faults.map((detail) => ({ level: 'odd' as const, code: 'rfc6960', detail, remedy: 'Ask its responder anew: keywright certificates ocsp check CERTIFICATE.' })), ...sha1(signatureAlgorithm?.weak)], actions: ['certificates.verify'] });
  for (const { id, status: state, revokedAt, thisUpdate, nextUpdate } of responses) tree.add(at, { kind: 'ocsp-answer', title: id.serial, detail: `The certificate is ${state}.`, facts: [['Serial number', id.serial], ['Revoked', revokedAt?.toISOString()], ['As of', thisUpdate.toISOString()], ['Next', nextUpdate?.toISOString()]] });
  for (const one of certificates) describeCertificate(one.der, at, null, tree);
}

/** CMS that is neither signed nor encrypted to recipients (RFC 5652). */
const CMS_TYPES: Readonly<Record<string, readonly [title: string, detail: string]>> = {
  '1.2.840.113549.1.7.1': ['data', 'CMS around bytes that are neither signed nor encrypted.'], 
  '1.2.840.113549.1.7.5': ['a digest', 'A CMS message with its digest alone: it proves nothing (DigestedData).'], '1.2.840.113549.1.7.6': ['encrypted with a key', 'A CMS message that is encrypted with a key or passphrase (EncryptedData).'],
  '1.2.840.113549.1.9.16.1.2': ['authenticated', 'A CMS message that is authenticated for recipients (AuthenticatedData).'], '1.2.840.113549.1.9.16.1.9': ['compressed', 'A CMS message that is compressed.'],
};

export function describeCms(detail: string, content: Uint8Array, parent: number | null, where: string | null, tree: Tree): void {
  const type = new DerReader(berToDer(content)).enter('the CMS structure').oid('the type');
  if (type !== '1.2.840.113549.1.7.2') {
    if (type === ENVELOPED_DATA || type === AUTH_ENVELOPED_DATA) return describeEncryptedCms(type, content, parent, where, tree);
    const [title, told] = CMS_TYPES[type] ?? [type, 'A CMS message of a kind that is not known.'];
    tree.add(parent, { kind: 'cms', title, detail: told, where, facts: [['Type', type]], actions: ['files.decrypt'] });
    return;
  }
  const { certificates, signers, content: signed, contentType, crls } = readSignedData(content);
  const isBundle = signers.length === 0;
  const root = tree.add(parent, {
    kind: 'cms', title: isBundle ? `A bundle of ${certificates.length} certificates` : `${signers.length} ${signers.length === 1 ? 'signature' : 'signatures'}`, detail: isBundle ? 'A PKCS#7 bundle: certificates without a signature.' : detail, where,
    facts: [['Content', isBundle ? undefined : signed === null ? 'not in it: the signature is for a file beside it' : `${signed.length} bytes`], ['Content type', contentType], ['Revocation lists', crls === null ? undefined : 'yes']], actions: isBundle ? ['certificates.import', 'files.convert'] : ['files.verify', 'certificates.import', 'files.convert'],
  });
  for (const signer of signers) {
    const who = certificateOf(signer, certificates);
    tree.add(root, { kind: 'signer', title: who === undefined ? 'a signer whose certificate is not in it' : titleOf(who), detail: 'A signature; whether it fits is told by files verify.', facts: [['Algorithm', signer.algorithm.name], ['Hash', signer.digest ?? 'unknown'], ['Signed attributes', String(signer.attributes.length)]], findings: signer.digest !== null && /sha1$|md5/.test(signer.digest) ? [{ level: 'weak', code: 'signature-weak', detail: `It signs a ${signer.digest.toUpperCase()} digest.`, remedy: 'Sign the file anew with SHA-256, with a timestamp if it must hold for long, or ask its signer to.', mend: [{ kind: 'sign', format: 'cms', spki: who?.spki }] }] : [] });
  }
  for (const one of certificates) describeCertificate(one.der, root, null, tree);
}

export function describeTimestamp(content: Uint8Array, parent: number | null, tree: Tree): void {
  const answer = isTimestampResponse(content) ? readTimestampResponse(content) : { token: content, text: '' };
  const { token } = answer;
  if (token === null) {
    tree.add(parent, { kind: 'timestamp-response', title: answer.text, detail: 'A timestamp authority has refused to give a timestamp.' });
    return;
  }
  const { info } = readTimestampToken(token);
  const root = tree.add(parent, { kind: 'timestamp-response', title: info.at.toISOString(), detail: 'A timestamp (RFC 3161): that something existed at a time.', facts: [['Time', info.at.toISOString()], ['Hash', info.hash ?? 'unknown'], ['Policy', info.policy], ['Serial number', info.serial]], actions: ['files.verify'] });
  for (const one of readSignedData(token).certificates) describeCertificate(one.der, root, null, tree);
}
