import { sign as signBytes } from 'node:crypto';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { pairOf, temporaryFolder } from '../../formats/testing/keys.ts';
import type { SignOptions } from '../../signing/format.ts';
import { addVersion, buildPdf, FORM, objectsOf, PAGE_TEXT } from '../../signing/pdf/testing/documents.ts';
import { certified, cmsOf, signedByHand, signer } from '../../signing/pdf/testing/signed.ts';
import { certifiedKey, certify } from '../../signing/testing/certificates.ts';
import { contentOf, signAs } from '../../signing/testing/keys.ts';
import { type Asks, judgeFamily, Tables } from './testing/family.ts';

/** PDF over REST: ranges, contents and later versions. The attacks of the literature, one by one, are in `app/signing/pdf/attacks.test.ts`. */

const tables = new Tables();
const KEYS = ['ec-p256', 'rsa-2048', 'ec-p384'] as const satisfies readonly KeyAlgorithmName[];
const people = new Map(await Promise.all(KEYS.map(async (key) => [key, await certify(key, `CN=Ada with ${key}`)] as const)));
const byHand = await signer();
const roots = { roots: Buffer.from([...people.values(), byHand].map((one) => one.toPem()).join('')) };
async function signed(document: Buffer, key: (typeof KEYS)[number] = 'ec-p256', options: Partial<SignOptions> = {}): Promise<Buffer> {
  using folder = temporaryFolder();
  return await signAs('pdf', await contentOf(folder.path, document), await certifiedKey(key, people.get(key)), options);
}
const good = (name: string, file: Buffer, says = 'trusted: by CN=Ada', asks: Asks = roots): void => tables.good(name, { file, asks }, says);
const OPTIONS: Readonly<Record<string, Partial<SignOptions>>> = { 'invisible': {}, 'visible': { rectangle: '50,50,250,110' }, 'with a reason and a place': { reason: 'I approve', location: 'Köln' }, 'with a name and how to reach her': { signerName: 'Ada', contact: 'ada@example.com' } };
for (const key of KEYS) for (const [name, options] of Object.entries(OPTIONS)) good(`${key}, ${name}`, await signed(buildPdf(), key, options));
for (const layout of ['table', 'stream', 'packed', 'hybrid'] as const) {
  good(`a document whose objects lie as: ${layout}`, await signed(buildPdf(objectsOf(), layout)));
  good(`a document of two versions, as: ${layout}`, await signed(addVersion(buildPdf(objectsOf(), layout), { 60: '(two)' }, { layout })));
  good(`signed by hand, as: ${layout}`, await signedByHand({ layout }));
}
const one = await signed(buildPdf());
good('two signatures', await signed(one, 'rsa-2048'), 'trusted: by CN=Ada with ec-p256 & by CN=Ada with rsa-2048');
good('three signatures', await signed(await signed(one, 'rsa-2048'), 'ec-p384'));
good('a form', await signed(buildPdf(objectsOf(FORM))));
good('a field of the form that waits for it', await signed(buildPdf(objectsOf({ ...FORM, 6: '<</Fields [7 0 R 8 0 R] /SigFlags 3>>', 8: '<</Type /Annot /Subtype /Widget /FT /Sig /T (approval) /Rect [72 500 300 560] /P 3 0 R /F 4>>' })), 'ec-p256', { field: 'approval' }));
good('certified', await signedByHand({ entries: certified(2) }));
good('with SHA-512', await signedByHand({ contents: async (covered) => cmsOf(covered) }));
good('a key that is named', one, 'trusted: by a key', { publicKey: pairOf('ec-p256').spki });

const bad = (name: string, says: string, file: Buffer, asks: Asks = roots): void => tables.bad(name, says, { file, asks });
const replaced = (from: string, to: string, file: Buffer = one): Buffer => Buffer.from(file.toString('latin1').replace(from, to), 'latin1');
bad('a word of the page', 'invalid: one that was signed: its digest differs', replaced('100 euros', '900 euros'));
bad('white space between', 'invalid: one that was signed: its digest differs', replaced('endobj\n', 'endobj '));
const reasoned = await signed(buildPdf(), 'ec-p256', { reason: 'I approve' });
for (const [name, key, says] of [['the reason for it', '/Reason', 'invalid: its digest differs'], ['its time', '/M ', 'INVALID_INPUT: string in hexadecimal has other characters']] as const) bad(name, says, Buffer.from(reasoned.map((byte, index) => (index === reasoned.indexOf(key) + key.length + 4 ? byte ^ 1 : byte))));
const bits = [['0', 0, 'unsigned: There is no signature'], ['7', 7, 'invalid: its digest differs'], ['200', 200, 'invalid: its digest differs'], ['the ranges', one.indexOf('/ByteRange'), 'INVALID_INPUT: something else than a name'], ['the end', one.length - 3, 'invalid: what it covers ends within one']] as const;
for (const [name, at, says] of bits) bad(`one bit, at ${name}`, says, Buffer.from(one.map((byte, index) => (index === at ? byte ^ 1 : byte))));
const contents = one.indexOf('/Contents <') + 11;
bad('a bit of the signature', 'invalid: or the certificate is not the signer’s', Buffer.from(one.map((byte, index) => (index === contents + 1500 ? (byte === 0x30 ? 0x31 : 0x30) : byte))));
bad('a signature of zeros', 'invalid: be SEQUENCE, but tag 0x00 is there', Buffer.from(one.map((byte, index) => (index >= contents && index < one.indexOf('>', contents) ? 0x30 : byte))));
const [, ...range] = /\/ByteRange ?\[ ?(\d+) (\d+) (\d+) (\d+)/.exec(one.toString('latin1'))!.map(Number);
const ranged = (...numbers: readonly number[]): Buffer => Buffer.from(one.toString('latin1').replace(/\/ByteRange ?\[([^\]]*)\]/, (all, inner: string) => all.replace(inner, numbers.join(' ').padEnd(inner.length))), 'latin1');
const [start, first, second, rest] = range as [number, number, number, number];
bad('ranges: the end left out', 'invalid: cross-reference section is (startxref) is not told', ranged(start, first, second, rest - 20));
bad('ranges: the beginning left out', 'invalid: bytes of the document are not covered', ranged(10, first - 10, second, rest));
bad('ranges: a gap before the signature', 'invalid: not covered, or the ranges were moved', ranged(start, first - 20, second, rest));
bad('ranges: a gap behind it', 'invalid: not covered, or the ranges were moved', ranged(start, first, second + 9, rest - 9));
bad('ranges: more than there is', 'invalid: the document has: it was cut off', ranged(start, first, second, rest + 9));
bad('ranges: one alone', 'invalid: signature covers are not two ranges (ByteRange)', ranged(start, first));
bad('ranges: negative', 'invalid: signature covers are not two ranges (ByteRange)', ranged(-1, first, second, rest));
bad('ranges: exchanged', 'invalid: bytes of the document are not covered', ranged(second, rest, start, first));
bad('ranges: none', 'invalid: bytes it covers: it has no ByteRange', replaced('/ByteRange', '/ByteRangX'));
bad('later: another page’s text', 'invalid: after it was signed: page 1: Contents', addVersion(one, { 4: `<</Length ${PAGE_TEXT.length}>>\nstream\n${PAGE_TEXT.replace('100', '900')}\nendstream` }));
bad('later: another page', 'invalid: page 1: a field was taken away', addVersion(one, { 3: '<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]>>' }));
bad('later: a script that runs', 'unsigned: The document has no signature', addVersion(one, { 1: '<</Type /Catalog /Pages 2 0 R /OpenAction <</S /JavaScript /JS (app.alert\\(1\\))>>>>' }));
bad('later: the signature taken out', 'unsigned: The document has no signature', addVersion(one, { 1: '<</Type /Catalog /Pages 2 0 R>>' }));
bad('later: another document', 'unsigned: The document has no signature', Buffer.concat([one, buildPdf()]));
bad('later: bytes behind the end', 'invalid: were added that belong to no version', Buffer.concat([one, Buffer.from('900 euros')]));
bad('bytes before the beginning', 'INVALID_INPUT: a whole number of at most 1099511627776', Buffer.concat([Buffer.from('900 euros\n'), one]));
bad('cut off', 'INVALID_INPUT: cross-reference section is (startxref) is not told', one.subarray(0, -200));
bad('never signed', 'unsigned: The document has no signature', buildPdf());
bad('by hand: of another document', 'invalid: one that was signed: its digest differs', await signedByHand({ contents: async () => cmsOf(Buffer.from('another')) }));
bad('by hand: bare bytes for a signature', 'invalid: be OBJECT IDENTIFIER, but INTEGER is there', await signedByHand({ contents: async (covered) => signBytes('sha256', covered, pairOf('ec-p256').privateKey) }));
bad('by hand: of an unknown kind', 'invalid: kind adbe.x509.rsa_sha1, which Keywright does not judge', await signedByHand({ subFilter: '/adbe.x509.rsa_sha1' }));
bad('somebody whom nobody trusts', 'untrusted: [issuer]', one, { roots: Buffer.from(people.get('rsa-2048')!.toPem()) });
bad('a time at which the certificate is not valid', 'untrusted: [validity]', one, { ...roots, at: '2099-01-01T00:00:00Z' });

/** The signature's own place is not signed, and its digits may be large or small, with white space between; all else must be as it was. */
const covered = (file: Buffer): string => file.toString('latin1').replace(/\/Contents <[0-9a-fA-F\s]*>/g, (place) => `(${place.length})`);
judgeFamily('pdf', tables, { same: (mutant, original) => covered(mutant) === covered(original) });
