import { createHash, sign } from 'node:crypto';
import { keyUsageOf } from '../../certificates/making/extensions.ts';
import { type Forged, leaf, list, p256, pairOf, root } from '../../certificates/testing/forge.ts';
import { unpacked, zipOf } from '../../signing/testing/samples.ts';
import { CANONICAL_FORMS, canonicalize, EXCLUSIVE } from '../../signing/xml/canonical.ts';
import { DSIG } from '../../signing/xml/names.ts';
import { parseXml } from '../../signing/xml/parse.ts';
import { elementsWithin } from '../../signing/xml/tree.ts';
import type { NewEntry } from '../../signing/zip/write.ts';
import { type Asks, judgeFamily, Tables } from './testing/family.ts';
import { signedDataOf, signer } from './testing/cms.ts';

/** ASiC containers (EN 319 162-1): a signature vouches for the files that it names, and for nothing else that lies beside them. */

const tables = new Tables();
const top = root();
const keys = { ec: p256(), rsa: pairOf('rsa', { modulusLength: 2048 }) };
const person = (name: string, pair: Forged['keys'], more: Parameters<typeof leaf>[1] = {}): Forged => leaf(top, { subject: `CN=${name}`, keys: pair, usage: keyUsageOf(['digital-signature']), purposes: null, san: null, ...more });
const [ada, bob] = [person('Ada', keys.ec), person('Bob', keys.rsa)];
const pem = ({ certificate }: Forged): Buffer => Buffer.from(certificate.toPem());
const roots = { roots: pem(top) };
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';
const DIGESTS: Readonly<Record<string, string>> = { sha1: `${DSIG}sha1`, sha256: 'http://www.w3.org/2001/04/xmlenc#sha256', sha384: `${MORE}sha384`, sha512: 'http://www.w3.org/2001/04/xmlenc#sha512' };
const FILES: Readonly<Record<string, string>> = { 'a.txt': 'The Magic Words\n', 'second.bin': '\0\u0001' };
const EXTENDED = 'application/vnd.etsi.asic-e+zip';
interface Parts { by?: Forged; files?: Readonly<Record<string, string>>; names?: readonly string[]; hash?: string; digest?: string; uri?: (name: string) => string; type?: string | null; place?: string; after?: (entries: NewEntry[]) => NewEntry[]; info?: (text: string) => string; value?: string }
function signatureOf({ by = ada, files = FILES, names = Object.keys(files), hash = 'sha256', digest = 'sha256', uri = encodeURIComponent, info = (same) => same, value }: Parts = {}): string {
  const isRsa = by.keys.privateKey.asymmetricKeyType === 'rsa';
  const references = names.map((name) => `<ds:Reference URI="${uri(name)}"><ds:DigestMethod Algorithm="${DIGESTS[digest]}"/><ds:DigestValue>${createHash(digest).update(files[name] ?? '').digest('base64')}</ds:DigestValue></ds:Reference>`).join('');
  const signedInfo = `<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="${EXCLUSIVE}"/><ds:SignatureMethod Algorithm="${MORE}${isRsa ? 'rsa' : 'ecdsa'}-${hash}"/>${references}</ds:SignedInfo>`;
  const whole = (made: string, text = signedInfo): string => `<ds:Signature xmlns:ds="${DSIG}">${text}<ds:SignatureValue>${made}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${Buffer.from(by.certificate.der).toString('base64')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>`;
  const element = [...elementsWithin(parseXml(whole('')).root)].find(({ local }) => local === 'SignedInfo')!;
  const made = sign(hash, canonicalize(element, CANONICAL_FORMS.get(EXCLUSIVE)!), { key: by.keys.privateKey, ...(isRsa ? {} : { dsaEncoding: 'ieee-p1363' as const }) }).toString('base64');
  return `<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#">${whole(value ?? made, info(signedInfo))}</asic:XAdESSignatures>`;
}
const made = (parts: Parts = {}): Promise<Buffer> => {
  const { files = FILES, type = EXTENDED, place = 'META-INF/signatures.xml', after = (same) => same } = parts;
  return zipOf(after([...(type === null ? [] : [{ name: 'mimetype', content: Buffer.from(type), stored: true }]), ...Object.entries(files).map(([name, content]) => ({ name, content: Buffer.from(content) })), { name: place, content: Buffer.from(signatureOf(parts)) }]));
};
const good = async (name: string, parts: Parts = {}, says?: string, asks: Asks = roots): Promise<void> => tables.good(name, { file: await made(parts), asks }, says);

for (const [name, by] of [['P-256', ada], ['RSA', bob]] as const) for (const hash of ['sha256', 'sha384', 'sha512']) for (const digest of ['sha256', 'sha512']) await good(`${name} with ${hash}, files by ${digest}`, { by, hash, digest }, `trusted: by ${by.certificate.subject.text}`);
for (const [name, parts] of Object.entries<Parts>({
  'one file': { files: { a: 'x' } }, 'an empty file': { files: { a: '' } }, 'many files': { files: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`f${n}.txt`, `${n}`])) }, 'a file in a folder': { files: { 'd/a.txt': 'x' }, uri: (text) => text },
  'a name with spaces and letters of two bytes': { files: { 'Öl & 100 %.txt': 'x' } }, 'a name that is not encoded': { files: { 'a b.txt': 'x' }, uri: (text) => text }, 'its signature under another name': { place: 'META-INF/signatures001.xml' }, 'no type, told by where its signature lies': { type: null },
  'the type with a line end': { type: `${EXTENDED}\n` }, 'the simple kind': { type: 'application/vnd.etsi.asic-s+zip', files: { a: 'x' } }, 'the type of OpenDocument': { type: 'application/vnd.oasis.opendocument.text', files: { a: 'x' } }, 'a folder, which nobody signs': { after: (entries) => [...entries, { name: 'd/', content: Buffer.alloc(0) }] },
  'entries that are stored': { after: (entries) => entries.map((one) => ({ ...one, stored: true })) }, 'a manifest that tells of the files': { after: (entries) => [...entries, { name: 'META-INF/manifest.xml', content: Buffer.from('<m/>') }] },
})) if (name !== 'the type of OpenDocument') await good(name, parts);
const second = (parts: Parts): ((entries: NewEntry[]) => NewEntry[]) => (entries) => [...entries, { name: 'META-INF/signatures2.xml', content: Buffer.from(signatureOf(parts)) }];
await good('two signatures', { after: second({ by: bob }) }, 'trusted: by CN=Ada & by CN=Bob');
await good('two signatures of a file each', { names: ['a.txt'], after: second({ by: bob, names: ['second.bin'] }) }, 'trusted: by CN=Ada & by CN=Bob');
await good('a CMS signature, simple', { type: 'application/vnd.etsi.asic-s+zip', files: { a: 'x' }, after: (entries) => [...entries.slice(0, 2), { name: 'META-INF/signature.p7s', content: signedDataOf({ signers: [signer({ by: ada, content: Buffer.from('x') }).info], certificates: [ada.certificate] }) }] });
await good('a key that is named', {}, undefined, { publicKey: keys.ec.publicKey.export({ type: 'spki', format: 'der' }) });
await good('SHA-1, intact and not to be trusted', { digest: 'sha1' }, 'untrusted: SHA-1');
await good('judged when its certificate was valid', { by: person('Old', keys.ec, { from: '2020-01-01T00:00:00Z', to: '2021-01-01T00:00:00Z' }) }, undefined, { ...roots, at: '2020-06-01T00:00:00Z' });

const bad = async (name: string, says: string, parts: Parts, asks: Asks = roots): Promise<void> => tables.bad(name, says, { file: await made(parts), asks });
const change = (what: string, content: string | null) => (entries: NewEntry[]): NewEntry[] => entries.flatMap((one) => (one.name !== what ? [one] : content === null ? [] : [{ ...one, content: Buffer.from(content) }]));
const add = (name: string, content = 'evil') => (entries: NewEntry[]): NewEntry[] => [...entries, { name, content: Buffer.from(content) }];
await bad('a file changed', 'invalid: “a.txt” was changed after it was signed', { after: change('a.txt', 'evil') });
await bad('a file emptied', 'invalid: “a.txt” was changed after it was signed', { after: change('a.txt', '') });
await bad('a file taken out', 'invalid: signed is not in the container: “a.txt”', { after: change('a.txt', null) });
await bad('a file added', 'invalid: One file is not signed: “evil.txt”', { after: add('evil.txt') });
await bad('a file added in a folder', 'invalid: One file is not signed: “d/evil.txt”', { after: add('d/evil.txt') });
await bad('a file added among the signatures', 'trusted: No signature covers “META-INF/evil.exe”', { after: add('META-INF/evil.exe') });
await bad('a file that no signature names', 'invalid: One file is not signed: “second.bin”', { names: ['a.txt'] });
await bad('a file twice', 'invalid: one of them is what was signed', { after: add('a.txt') });
await bad('a file twice, the same', 'invalid: one of them is what was signed', { after: add('a.txt', FILES['a.txt']) });
await bad('a name that differs by its case alone', 'invalid: One file is not signed: “A.txt”', { after: add('A.txt') });
await bad('two files exchanged', 'invalid: “a.txt” was changed after it was signed', { after: (entries) => entries.map((one) => (one.name === 'a.txt' ? { ...one, name: 'second.bin' } : one.name === 'second.bin' ? { ...one, name: 'a.txt' } : one)) });
await bad('a file renamed', 'invalid: signed is not in the container: “a.txt”', { after: (entries) => entries.map((one) => (one.name === 'a.txt' ? { ...one, name: 'b.txt' } : one)) });
await bad('a name that goes up', 'INVALID_INPUT: that it would be unpacked to: "../evil.txt"', { after: add('../evil.txt') });
await bad('the signature twice', 'invalid: one of them is what was signed', { after: add('META-INF/signatures.xml') });
await bad('the signature taken out', 'unsigned: container: there is no signature in it', { after: change('META-INF/signatures.xml', null) });
await bad('the signature emptied', 'INVALID_INPUT: is not well-formed: there is no element', { after: change('META-INF/signatures.xml', '') });
await bad('the signature is no XML', 'INVALID_INPUT: is not well-formed: there is no element', { after: change('META-INF/signatures.xml', 'rubbish') });
await bad('no signature in its file', 'unsigned: container: there is no signature in it', { after: change('META-INF/signatures.xml', '<a/>') });
await bad('another digest written in', 'invalid: or the certificate is not the signer’s', { info: (text) => text.replace(/(<ds:DigestValue>)./, '$1/') });
await bad('a reference taken out', 'invalid: or the certificate is not the signer’s', { info: (text) => text.replace(/<ds:Reference.*?<\/ds:Reference>/, '') });
await bad('a reference to a file that is not there', 'invalid: signed is not in the container: “gone.txt”', { names: ['a.txt', 'second.bin', 'gone.txt'] });
await bad('a reference to a file of this machine', 'invalid: signed is not in the container: “file:///etc/passwd”', { uri: (name) => (name === 'a.txt' ? 'file:///etc/passwd' : name) });
await bad('a reference that goes up', 'invalid: signed is not in the container: “../a.txt”', { uri: (name) => (name === 'a.txt' ? '../a.txt' : name) });
await bad('a reference to its own signature', 'invalid: “META-INF/signatures.xml” was changed after it was signed', { uri: (name) => (name === 'a.txt' ? 'META-INF/signatures.xml' : name) });
await bad('no references', 'invalid: signature signs nothing: it has no references', { names: [] });
await bad('the type changed', 'trusted: says that it is something else: application/zip', { type: 'application/zip' });
await bad('another signature value', 'invalid: or the certificate is not the signer’s', { value: Buffer.alloc(64).toString('base64') });
await bad('a digest of MD5', 'invalid: or the certificate is not the signer’s', { info: (text) => text.replaceAll(DIGESTS['sha256']!, `${MORE}md5`) });
await bad('the second of two signatures is of other files', 'invalid: by CN=Ada', { after: second({ by: bob, files: { 'a.txt': 'other', 'second.bin': 'x' } }) });
await bad('the simple kind with two files', 'trusted: signs all that the container holds: “a.txt”, “second.bin”', { type: 'application/vnd.etsi.asic-s+zip' });
await bad('a certificate that has ended', 'untrusted: [validity]', { by: person('Ada', keys.ec, { from: '2020-01-01T00:00:00Z', to: '2021-01-01T00:00:00Z' }) });
await bad('a certificate that was revoked', 'untrusted: [revocation]', {}, { ...roots, crl: [Buffer.from(list(top, { revoked: [{ serial: ada.certificate.serialText.replaceAll(':', ''), reason: 1 }] }).der)], at: '2024-02-01T00:00:00Z' });
await bad('somebody whom nobody trusts', 'untrusted: [issuer]', {}, { roots: pem(root({ subject: 'CN=Other' })) });
await bad('a CMS signature of another file', 'invalid: one that was signed: its digest differs', { type: 'application/vnd.etsi.asic-s+zip', files: { a: 'x' }, after: (entries) => [...entries.slice(0, 2), { name: 'META-INF/signature.p7s', content: signedDataOf({ signers: [signer({ by: ada, content: Buffer.from('y') }).info], certificates: [ada.certificate] }) }] });
tables.bad('cut off', 'INVALID_INPUT: ZIP archive, or its end is missing', { file: (await made()).subarray(0, -30), asks: roots });
tables.bad('something before it', 'INVALID_INPUT: directory is not where its end says', { file: Buffer.concat([Buffer.from('#!/bin/sh\n'), await made()]), asks: { ...roots, format: 'asic' } });

const contents = async (archive: Buffer): Promise<string> => JSON.stringify((await unpacked(archive)).filter(({ name }) => !name.startsWith('META-INF/') && name !== 'mimetype').sort((a, b) => (a.name < b.name ? -1 : 1)));
judgeFamily('asic', tables, { same: async (mutant, original) => (await contents(mutant)) === (await contents(original)) });
