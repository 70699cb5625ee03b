import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpus } from '../../../scripts/corpora.ts';
import { extendedKeyUsageOf, keyUsageOf } from '../../certificates/making/extensions.ts';
import { derBoolean } from '../../certificates/reading/asn1.ts';
import { PURPOSE_OIDS } from '../../certificates/reading/oids.ts';
import { authority, type Forged, leaf, list, p256, pairOf, root } from '../../certificates/testing/forge.ts';
import { contextTag, der, derInteger, derOid, derSequence, TAG } from '../../formats/der.ts';
import { CMS, digestIdentifier } from '../../signing/cms/identifiers.ts';
import { attribute, contentType, messageDigest, signedDataOf, type SignedParts, signer, type SignerParts, signingCertificate } from './testing/cms.ts';
import { type Asks, type Bytes, judgeFamily, Tables } from './testing/family.ts';

/** Timestamps (RFC 3161): the token's own fields, who may make one, what it is of, and how one within a signature moves the time at which that is judged. */

const TEXT = Buffer.from('The Magic Words are Squeamish Ossifrage\n');
const tables = new Tables();
const keys = { ec: p256(), rsa: pairOf('rsa', { modulusLength: 2048 }), ed: pairOf('ed25519'), p384: pairOf('ec', { namedCurve: 'P-384' }) };
const TIME = { usage: keyUsageOf(['digital-signature']), purposes: extendedKeyUsageOf([PURPOSE_OIDS.timestamp], true), san: null };
const top = root();
const middle = authority(top);
const clock = (parts: Parameters<typeof leaf>[1] = {}, by: Forged = top): Forged => leaf(by, { subject: 'CN=Clock', keys: keys.ec, ...TIME, ...parts });
const tsa = clock();
const pem = ({ certificate }: Forged): Buffer => Buffer.from(certificate.toPem());
const roots = pem(top);

interface Info { content?: Uint8Array; hash?: 'sha256' | 'sha384' | 'sha512' | 'sha1' | 'md5'; digest?: Uint8Array; hashId?: Buffer; version?: bigint; at?: string; serial?: Buffer; more?: readonly Buffer[]; tail?: readonly Buffer[] }
const infoOf = ({ content = TEXT, hash = 'sha256', digest = createHash(hash).update(content).digest(), hashId = digestIdentifier(hash), version = 1n, at = '20240506070809Z', serial = Buffer.of(0x2a), more = [], tail = [] }: Info = {}): Buffer =>
  Buffer.concat([derSequence(derInteger(version), derOid('1.3.6.1.4.1.55555.3'), derSequence(hashId, der(TAG.octetString, digest)), der(TAG.integer, serial), der(0x18, Buffer.from(at)), ...more), ...tail]);
interface Parts extends Info { by?: Forged; signs?: Partial<SignerParts>; around?: Partial<SignedParts>; info?: Buffer }
function token(parts: Parts = {}): Buffer {
  const { by = tsa, around = {}, info = infoOf(parts) } = parts;
  const own = signer({ by, content: info, attributes: [contentType(CMS.timeStampInfo), messageDigest(info, parts.signs?.digest ?? 'sha256'), signingCertificate(by.certificate)], version: 1n, ...parts.signs }).info;
  return signedDataOf({ signers: [own], certificates: [by.certificate], content: info, type: CMS.timeStampInfo, version: 3n, ...around });
}
const response = (bytes: Buffer, status = 0): Buffer => derSequence(derSequence(derInteger(BigInt(status))), bytes);
const AT = 'trusted: at 2024-05-06T07:08:09.000Z according to the timestamp';
const good = (name: string, parts: Parts = {}, says = AT, asks: Asks = { roots }, file: Bytes = parts.content ?? TEXT): void => tables.good(name, { file, signature: token(parts), asks }, says);

for (const hash of ['sha256', 'sha384', 'sha512'] as const) good(`of ${hash}`, { hash });
for (const [name, pair, digest] of [['RSA', keys.rsa, 'sha256'], ['RSA with SHA-512', keys.rsa, 'sha512'], ['P-384', keys.p384, 'sha384'], ['Ed25519', keys.ed, 'sha512']] as const) good(`by ${name}`, { by: clock({ keys: pair }), signs: { digest } });
good('with fractions of a second', { at: '20240506070809.25Z' }, 'trusted: at 2024-05-06T07:08:09.250Z');
good('with an accuracy', { more: [derSequence(derInteger(1n))] });
good('with a nonce', { more: [derInteger(77n)] });
good('with an ordering', { more: [derBoolean(true)] });
good('with the name of the authority', { more: [der(contextTag(0), der(contextTag(4), tsa.certificate.subject.der))] });
good('with a long serial number', { serial: randomBytes(20).fill(0x11, 0, 1) });
good('of an empty file', { content: Buffer.alloc(0) });
tables.good('in an answer', { file: TEXT, signature: response(token()), asks: { roots } }, AT);
tables.good('in an answer that was granted with changes', { file: TEXT, signature: response(token(), 1), asks: { roots } }, AT);
tables.good('in PEM', { file: TEXT, signature: `-----BEGIN CMS-----\n${token().toString('base64')}\n-----END CMS-----\n`, asks: { roots, format: 'timestamp' } }, AT);
good('by an authority between', between());
good('with the certificate beside', { around: { certificates: [] } }, AT, { roots, untrusted: [pem(tsa)] });
good('with the signing certificate by SHA-1', { signs: { attributes: [contentType(CMS.timeStampInfo), messageDigest(infoOf()), signingCertificate(tsa.certificate, 1)] } });
good('by a certificate that has ended since', { by: clock({ from: '2024-01-01T00:00:00Z', to: '2025-01-01T00:00:00Z' }) });
good('with the list of revocations inside', { around: { crls: [list(top, { revoked: [], thisUpdate: '2024-05-01T00:00:00Z', nextUpdate: '2024-06-01T00:00:00Z' }).der] } });
/** Within a CMS signature: unsigned, over the signature's value. */
const ada = leaf(top, { subject: 'CN=Ada', keys: keys.ec, usage: TIME.usage, purposes: null, san: null, from: '2024-01-01T00:00:00Z', to: '2025-01-01T00:00:00Z' });
const own = signer({ by: ada, content: TEXT });
const stamped = (stamp: Buffer, more: readonly Buffer[] = []): Buffer => signedDataOf({ signers: [signer({ by: ada, content: TEXT, change: () => own.signature, unsigned: [attribute(CMS.timeStampToken, stamp), ...more] }).info], certificates: [ada.certificate] });
const within = (name: string, stamp: Parts, says: string): void => tables.good(`within a signature: ${name}`, { file: TEXT, signature: stamped(token({ content: own.signature, ...stamp })), asks: { roots } }, says);
within('the signer’s certificate was valid then', {}, 'trusted: by CN=Ada & according to the timestamp');
for (const hash of ['sha384', 'sha512'] as const) within(`of ${hash}`, { hash }, 'trusted: by CN=Ada & according to the timestamp');
within('by RSA', { by: clock({ keys: keys.rsa }) }, 'trusted: by CN=Ada');
tables.good('within a signature: judged when the certificate was valid anyway', { file: TEXT, signature: stamped(token({ content: own.signature })), asks: { roots, at: '2024-07-01T00:00:00Z' } }, 'trusted: by CN=Ada');
const CORPUS = corpus('rfc3161');
if (CORPUS !== undefined) {
  const read = (name: string): Buffer => readFileSync(join(CORPUS, 'rfc3161-client', name));
  for (const hash of ['sha256', 'sha384', 'sha512']) tables.good(`by others: sigstage, ${hash}`, { file: 'hello', signature: read(`sigstage/response-${hash}.tsr`), asks: { roots: read('sigstage/ts_chain.pem') } }, 'trusted: 2025-05-09');
  tables.good('by others: identrust', { file: 'hello', signature: read('identrust/issue-104.tsr'), asks: { roots: read('identrust/ts_chain.pem') } }, 'trusted: 2025-03-11');
  tables.good('by others: a certificate that has ended', { file: read('sigstore.mock/payload'), signature: read('sigstore.mock/response-expired.tsr'), asks: { roots: read('sigstore.mock/ts_chain.pem') } }, 'trusted: 2023-02-01');
  tables.bad('by others: a forged one', 'invalid: does not fit', { file: 'hello', signature: read('sigstage/response-invalid-signature.tsr'), asks: { roots: read('sigstage/ts_chain.pem') } });
}
function between(): Parts {
  const by = clock({}, middle);
  return { by, around: { certificates: [by.certificate, middle.certificate] } };
}

const bad = (name: string, says: string, parts: Parts, file: Bytes = TEXT, asks: Asks = { roots }): void => tables.bad(name, says, { file, signature: token(parts), asks });
const as = (name: string, says: string, signature: Buffer, asks: Asks = { roots }): void => tables.bad(name, says, { file: TEXT, signature, asks });
bad('of another file', 'invalid: of something else', {}, 'Pay 1000\n');
bad('of a digest cut short', 'invalid: of something else', { digest: createHash('sha256').update(TEXT).digest().subarray(0, 16) });
bad('of the digest by another hash than it names', 'invalid: of something else', { hashId: digestIdentifier('sha384') });
bad('of a digest by SHA-1', 'invalid: SHA1, of which another file', { hash: 'sha1' });
bad('of a digest by MD5', 'invalid: MD5, of which another file', { hash: 'md5' });
bad('of a digest that nobody knows', 'invalid: a digest that Keywright does not know', { hashId: derSequence(derOid('1.3.6.1.4.1.55555.8')) });
bad('another digest written into what was signed', 'invalid: its digest differs', { content: Buffer.from('x'), around: { content: infoOf() } });
bad('another time written into it', 'invalid: its digest differs', { around: { content: infoOf({ at: '20200101000000Z' }) } });
bad('a certificate without the purpose', 'untrusted: [extended-key-usage]', { by: clock({ purposes: null }) });
bad('a certificate whose purpose is not critical (RFC 3161 §2.3)', 'untrusted: [extended-key-usage]', { by: clock({ purposes: extendedKeyUsageOf([PURPOSE_OIDS.timestamp], false) }) });
bad('a certificate for code as well (RFC 3161 §2.3)', 'untrusted: [extended-key-usage]', { by: clock({ purposes: extendedKeyUsageOf([PURPOSE_OIDS.timestamp, PURPOSE_OIDS['code-signing']], true) }) });
bad('a certificate for code alone', 'untrusted: [extended-key-usage]', { by: clock({ purposes: extendedKeyUsageOf([PURPOSE_OIDS['code-signing']], true) }) });
bad('a certificate for TLS', 'untrusted: [extended-key-usage]', { by: leaf(top, { keys: keys.ec }) });
bad('a certificate whose key may encipher alone', 'untrusted: [key-usage]', { by: clock({ usage: keyUsageOf(['key-encipherment']) }) });
bad('made after the certificate had ended', 'untrusted: [validity]', { by: clock({ from: '2022-01-01T00:00:00Z', to: '2023-01-01T00:00:00Z' }) });
bad('made before the certificate began', 'untrusted: [validity]', { by: clock({ from: '2024-12-01T00:00:00Z' }) });
bad('by a certificate that was revoked', 'untrusted: [revocation]', {}, TEXT, { roots, crl: [Buffer.from(list(top, { revoked: [{ serial: tsa.certificate.serialText.replaceAll(':', ''), reason: 1, at: '2024-02-01T00:00:00Z' }], thisUpdate: '2024-05-01T00:00:00Z', nextUpdate: '2024-06-01T00:00:00Z' }).der)] });
const stranger = root({ keys: p256() });
bad('by a root that nobody trusts', 'untrusted: [issuer]', { by: clock({}, stranger) });
bad('no root at all', 'untrusted: [issuer]', {}, TEXT, { roots: pem(root({ subject: 'CN=Other' })) });
bad('a key that is named is no authority of time', 'untrusted: no root to trust & time [issuer]', {}, TEXT, { publicKey: keys.ec.publicKey.export({ type: 'spki', format: 'der' }) });
bad('another certificate than was meant', 'invalid: another certificate', { signs: { attributes: [contentType(CMS.timeStampInfo), messageDigest(infoOf()), signingCertificate(ada.certificate)] } });
bad('no content type', 'invalid: do not name the type', { signs: { attributes: [messageDigest(infoOf())] } });
bad('the content type of data', 'invalid: do not name the type', { signs: { attributes: [contentType(), messageDigest(infoOf())] } });
bad('no signed attributes', 'invalid: which this type of content must have', { signs: { attributes: null } });
bad('one bit of the signature', 'invalid: does not fit its signed attributes', { signs: { change: (signature) => { const turned = Buffer.from(signature); turned[turned.length - 1]! ^= 1; return turned; } } });
bad('the token’s digest by SHA-1', 'untrusted: SHA1', { by: clock({ keys: keys.rsa }), signs: { digest: 'sha1' } });
bad('nobody', 'INVALID_INPUT: one signer', { around: { signers: [] } });
bad('two signers (RFC 3161 §2.4.2)', 'INVALID_INPUT: one signer', { around: { signers: [tsa, clock({ keys: keys.rsa })].map((by) => signer({ by, content: infoOf() }).info) } });
bad('the certificate is not there', 'invalid: certificate is not there', { around: { certificates: [] } });
bad('version 2', 'INVALID_INPUT: version', { version: 2n });
bad('something behind what it says', 'INVALID_INPUT: follow', { tail: [derInteger(1n)] });
for (const [name, at] of Object.entries({ 'without seconds': '202405060708Z', 'without a zone': '20240506070809', 'in a zone of its own': '20240506070809+0100', 'on a day that does not exist': '20240231070809Z', 'of letters': 'yesterday' })) bad(`a time ${name}`, 'INVALID_INPUT: time', { at });
as('an answer that refuses', 'INVALID_INPUT: gave no timestamp', derSequence(derSequence(derInteger(2n))), { roots, format: 'timestamp' });
as('an answer that refuses, with a token', 'INVALID_INPUT: gave no timestamp', response(token(), 2));
as('signed data that is no timestamp', 'INVALID_INPUT: no timestamp', signedDataOf({ signers: [own.info], certificates: [ada.certificate], content: TEXT }), { roots, format: 'timestamp' });
as('cut off', 'INVALID_INPUT: remain', token().subarray(0, -9), { roots, format: 'timestamp' });
const inside = (name: string, says: string, stamp: Parts, asks: Asks = { roots }): void => tables.bad(`within a signature: ${name}`, says, { file: TEXT, signature: stamped(token({ content: own.signature, ...stamp })), asks });
inside('of another signature', 'untrusted: timestamp does not hold', { content: randomBytes(64) });
inside('of the file, and not of the signature', 'untrusted: timestamp does not hold', { content: TEXT });
inside('of SHA-1', 'untrusted: timestamp does not hold', { hash: 'sha1' });
inside('with a broken signature', 'untrusted: timestamp does not hold', { signs: { change: () => Buffer.alloc(8) } });
inside('before the signer’s certificate began', 'untrusted: [validity]', { at: '20200101000000Z', by: clock({ from: '2019-01-01T00:00:00Z' }) });
inside('after the signer’s certificate had ended', 'untrusted: [validity]', { at: '20250601000000Z' });
inside('by an authority that nobody trusts, so that the time is not certain', 'untrusted: [validity] & authority is not trusted', { by: clock({}, stranger) });
inside('by a certificate without the purpose', 'untrusted: [validity] & authority is not trusted', { by: clock({ purposes: null }) });
inside('by the signer itself', 'untrusted: [validity] & authority is not trusted', { by: ada });
tables.bad('within a signature: none, and the certificate has ended', 'untrusted: [validity]', { file: TEXT, signature: signedDataOf({ signers: [own.info], certificates: [ada.certificate] }), asks: { roots } });

judgeFamily('timestamp', tables, { der: true });
