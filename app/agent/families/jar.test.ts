import { createHash } from 'node:crypto';
import { basicConstraintsOf, keyUsageOf } from '../../certificates/making/extensions.ts';
import { type Forged, leaf, list, p256, pairOf, root } from '../../certificates/testing/forge.ts';
import { zipOf, unpacked } from '../../signing/testing/samples.ts';
import type { NewEntry } from '../../signing/zip/write.ts';
import { contentType, messageDigest, signedDataOf, signer, type SignerParts, signingTime } from './testing/cms.ts';
import { type Asks, judgeFamily, Tables } from './testing/family.ts';

/** JAR and APK (scheme v1): the block signs the signature file, that the manifest, and that the entries. Each link is broken, and each way round them is tried. */

const tables = new Tables();
const top = root();
const keys = { ec: p256(), rsa: pairOf('rsa', { modulusLength: 2048 }), p384: pairOf('ec', { namedCurve: 'P-384' }) };
const person = (name: string, pair: Forged['keys'], more: Parameters<typeof leaf>[1] = {}): Forged => leaf(top, { subject: `CN=${name}`, keys: pair, usage: keyUsageOf(['digital-signature']), purposes: null, san: null, ...more });
const ada = person('Ada', keys.ec);
const bob = person('Bob', keys.rsa);
const dan = person('Dan', keys.p384);
const pem = ({ certificate }: Forged): Buffer => Buffer.from(certificate.toPem());
const roots = { roots: pem(top) };
const hashed = (bytes: Uint8Array | string, hash = 'sha256'): string => createHash(hash).update(bytes).digest('base64');
const FILES: Readonly<Record<string, string>> = { 'com/Ada.class': 'cafebabe', 'com/readme.txt': 'The Magic Words\n' };
const NAMES: Readonly<Record<string, string>> = { sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512', sha1: 'SHA1', md5: 'MD5' };
const section = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

interface Parts {
  by?: Forged; files?: Readonly<Record<string, string>>; hash?: string; base?: string; main?: readonly string[];
  /** Names that the manifest leaves out. */
  unlisted?: readonly string[];
  /** Of the signature file: the digest of the whole manifest, or of its sections alone. */
  whole?: boolean; sections?: boolean; mainDigest?: boolean; sf?: readonly string[]; sfVersion?: string; sfChange?: (sf: string) => string; manifestChange?: (manifest: string) => string;
  signs?: Partial<SignerParts>; attributes?: boolean; inside?: boolean;
  /** What is done to the archive once it is signed. */
  after?: (entries: NewEntry[]) => NewEntry[];
}
/** A signed archive, each link as a test wants it. */
function entriesOf({ by = ada, files = FILES, hash = 'sha256', base = 'ADA', main = [], unlisted = [], whole = true, sections = true, mainDigest = true, sf = [], sfVersion = '1.0', sfChange = (same) => same, manifestChange = (same) => same, signs = {}, inside = false, after = (same) => same }: Parts = {}): NewEntry[] {
  const parts = Object.entries(files).filter(([name]) => !unlisted.includes(name)).map(([name, content]) => [name, section(`Name: ${name}`, `${NAMES[hash]}-Digest: ${hashed(content, hash)}`)] as const);
  const head = section('Manifest-Version: 1.0', ...main);
  const manifest = manifestChange(head + parts.map(([, text]) => text).join(''));
  const signatureFile = sfChange(section(`Signature-Version: ${sfVersion}`, ...(whole ? [`${NAMES[hash]}-Digest-Manifest: ${hashed(head + parts.map(([, text]) => text).join(''), hash)}`] : []), ...(mainDigest ? [`${NAMES[hash]}-Digest-Manifest-Main-Attributes: ${hashed(head, hash)}`] : []), ...sf)
    + (sections ? parts.map(([name, text]) => section(`Name: ${name}`, `${NAMES[hash]}-Digest: ${hashed(text, hash)}`)).join('') : ''));
  const content = Buffer.from(signatureFile);
  const block = signedDataOf({ signers: [signer({ by, content, ...signs }).info], certificates: [by.certificate], ...(inside ? { content } : {}) });
  const kind = by.keys.privateKey.asymmetricKeyType === 'rsa' ? 'RSA' : 'EC';
  return after([['META-INF/MANIFEST.MF', manifest], [`META-INF/${base}.SF`, content], [`META-INF/${base}.${kind}`, block], ...Object.entries(files)].map(([name, bytes]) => ({ name: name as string, content: Buffer.from(bytes as Buffer) })));
}
const made = (parts: Parts = {}): Promise<Buffer> => zipOf(entriesOf(parts));
const good = async (name: string, parts: Parts = {}, says?: string, asks: Asks = roots): Promise<void> => tables.good(name, { file: await made(parts), asks }, says);

for (const [name, by] of [['RSA', bob], ['P-256', ada], ['P-384', dan]] as const) for (const hash of ['sha256', 'sha384', 'sha512']) await good(`${name}, entries by ${hash}`, { by, hash, ...(by === dan ? { signs: { digest: 'sha384' } } : {}) }, `trusted: by ${by.certificate.subject.text} & signs all 2 entries`);
for (const [name, parts] of Object.entries<Parts>({
  'by sections alone': { whole: false }, 'by the whole manifest, with its sections': { mainDigest: false }, 'without the digest of the main section': { whole: false, mainDigest: false }, 'with a time of signing': { signs: { attributes: undefined as never } },
  'with the signature file inside the block': { inside: true }, 'one file': { files: { a: 'x' } }, 'an empty file': { files: { a: '' } }, 'many files': { files: Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`d/${n}`, `${n}`])) },
  'names beyond ASCII': { files: { 'ü/Å.txt': 'x' } }, 'further attributes in the main section': { main: ['Created-By: a test', 'Main-Class: com.Ada'] }, 'a base name with all that is allowed': { base: 'ADA_1-X' },
  'RSA-PSS': { by: bob, signs: { pss: true } }, 'without signed attributes': { signs: { attributes: null } }, 'attributes of the signature file that nobody knows': { sf: ['X-Note: hello'] }, 'lines that end in LF': { sfChange: (text) => text.replaceAll('\r\n', '\n') },
  'the digest of a stronger hash as well': { sf: [`SHA-512-Digest-Manifest: ${hashed(section('Manifest-Version: 1.0') + Object.entries(FILES).map(([name, content]) => section(`Name: ${name}`, `SHA-256-Digest: ${hashed(content)}`)).join(''), 'sha512')}`] },
})) await good(name, parts.signs !== undefined && 'attributes' in parts.signs && parts.signs.attributes === undefined ? timed() : parts);
function timed(): Parts {
  const sf = entriesOf().find(({ name }) => name.endsWith('.SF'))!.content as Buffer;
  return { signs: { attributes: [contentType(), messageDigest(sf), signingTime('2024-01-01T00:00:00Z')] } };
}
const both = (first: Parts, second: Parts): NewEntry[] => [...entriesOf(first), ...entriesOf(second).filter(({ name }) => name.startsWith(`META-INF/${second.base}`))];
tables.good('two signers', { file: await zipOf(both({}, { by: bob, base: 'BOB' })), asks: roots }, 'trusted: by CN=Ada & by CN=Bob');
await good('a folder, which nobody signs', { after: (entries) => [...entries, { name: 'com/', content: Buffer.alloc(0) }] });
await good('a signed folder entry behind the files', { after: (entries) => [...entries, { name: 'com/sub/', content: Buffer.alloc(0) }] });
await good('entries that are stored', { after: (entries) => entries.map((one) => ({ ...one, stored: true })) });
await good('a key that is named', {}, undefined, { publicKey: keys.ec.publicKey.export({ type: 'spki', format: 'der' }) });
await good('SHA-1, intact and not to be trusted', { hash: 'sha1' }, 'untrusted: SHA-1 or MD5');

const bad = async (name: string, says: string, parts: Parts, asks: Asks = roots): Promise<void> => tables.bad(name, says, { file: await made(parts), asks });
const change = (what: string, content: string | Buffer | null) => (entries: NewEntry[]): NewEntry[] => entries.flatMap((one) => (one.name !== what ? [one] : content === null ? [] : [{ ...one, content: Buffer.from(content) }]));
const add = (name: string, content: string | Buffer) => (entries: NewEntry[]): NewEntry[] => [...entries, { name, content: Buffer.from(content) }];
const FILE = 'com/Ada.class';
await bad('an entry changed', 'invalid: “com/Ada.class” was changed', { after: change(FILE, 'evil') });
await bad('an entry emptied', 'invalid: “com/Ada.class” was changed', { after: change(FILE, '') });
await bad('an entry taken out', 'invalid: “com/Ada.class” is missing', { after: change(FILE, null) });
await bad('an entry added', 'invalid: not signed: “com/Eve.class”', { after: add('com/Eve.class', 'evil') });
await bad('an entry added that the manifest lists, and no signature', 'invalid: One entry is not signed: “com/Ada', { unlisted: [FILE], manifestChange: (text) => text + section(`Name: ${FILE}`, `SHA-256-Digest: ${hashed(FILES[FILE]!)}`), whole: false });
await bad('an entry that the manifest never listed', 'invalid: not signed: “com/Ada.class”', { unlisted: [FILE] });
await bad('an entry twice', 'invalid: two entries “com/Ada.class”', { after: add(FILE, 'evil') });
await bad('an entry twice, the same', 'invalid: two entries “com/Ada.class”', { after: add(FILE, FILES[FILE]!) });
await bad('the manifest twice', 'invalid: two entries “META-INF/MANIFEST.MF”', { after: add('META-INF/MANIFEST.MF', section('Manifest-Version: 1.0')) });
await bad('the manifest in small letters as well', 'invalid: two entries', { after: add('meta-inf/manifest.mf', section('Manifest-Version: 1.0')) });
await bad('the signature file twice', 'invalid: two entries', { after: add('META-INF/ADA.SF', 'x') });
await bad('the block twice', 'INVALID_INPUT: two signature blocks', { after: add('META-INF/ADA.EC', 'x') });
await bad('two blocks for one signature file', 'INVALID_INPUT: two signature blocks', { after: add('META-INF/ADA.RSA', 'x') });
await bad('a file among the signatures', 'invalid: not signed: “META-INF/services/evil”', { after: add('META-INF/services/evil', 'com.Eve') });
await bad('a file of META-INF that is none of a signature', 'invalid: not signed: “META-INF/evil.txt”', { after: add('META-INF/evil.txt', 'x') });
await bad('a name that differs by its case alone', 'invalid: not signed', { after: add('com/ada.class', 'evil') });
await bad('a name with a folder that goes up', 'INVALID_INPUT: folder that it would be unpacked to: "', { after: add('../evil', 'x') });
await bad('a name with a backslash', 'INVALID_INPUT: leads out of the folder', { after: add('com\\Eve.class', 'x') });
await bad('a section of the manifest changed', 'invalid: The manifest’s section for “com/Ada', { manifestChange: (text) => text.replace(hashed(FILES[FILE]!), hashed('evil')), after: change(FILE, 'evil') });
await bad('the same, where sections alone are signed', 'invalid: was changed after it was signed', { whole: false, manifestChange: (text) => text.replace(hashed(FILES[FILE]!), hashed('evil')), after: change(FILE, 'evil') });
await bad('the main section changed', 'invalid: main section of the manifest was changed', { main: ['Main-Class: com.Ada'], manifestChange: (text) => text.replace('com.Ada\r', 'com.Eve\r') });
await bad('a section added to the manifest, with its file', 'invalid: not signed: “com/Eve.class”', { manifestChange: (text) => text + section('Name: com/Eve.class', `SHA-256-Digest: ${hashed('evil')}`), after: add('com/Eve.class', 'evil') });
await bad('a section twice', 'INVALID_INPUT: two sections', { manifestChange: (text) => text + section(`Name: ${FILE}`, `SHA-256-Digest: ${hashed('evil')}`) });
await bad('a section without its digest', 'invalid: not signed', { whole: true, manifestChange: (text) => text, unlisted: [FILE], main: [], sf: [], after: (entries) => entries });
await bad('a digest of a section twice', 'INVALID_INPUT: is there twice', { manifestChange: (text) => text.replace('SHA-256-Digest', `SHA-256-Digest: ${hashed('evil')}\r\nSHA-256-Digest`) });
await bad('the digests by a hash that nobody knows', 'invalid: The manifest’s section for “com/Ada', { manifestChange: (text) => text.replaceAll('SHA-256-Digest', 'SHA-999-Digest'), whole: false });
await bad('the signature file changed', 'invalid: its digest differs', { after: (entries) => entries.map((one) => (one.name.endsWith('.SF') ? { ...one, content: Buffer.concat([one.content as Buffer, Buffer.from(section('Name: x'))]) } : one)) });
await bad('the signature file taken out', 'invalid: is missing', { after: change('META-INF/ADA.SF', null) });
await bad('the block taken out', 'invalid: block was taken out', { after: change('META-INF/ADA.EC', null) });
await bad('both taken out', 'unsigned: Nobody signed', { after: (entries) => change('META-INF/ADA.SF', null)(change('META-INF/ADA.EC', null)(entries)) });
await bad('the manifest taken out', 'invalid: no manifest', { after: change('META-INF/MANIFEST.MF', null) });
await bad('all of META-INF taken out', 'unsigned: no manifest', { after: (entries) => entries.filter(({ name }) => !name.startsWith('META-INF')) });
await bad('version 2 of the signature file', 'invalid: version that is not known', { sfVersion: '2.0' });
await bad('no version of the signature file', 'invalid: version that is not known', { sfChange: (text) => text.replace('Signature-Version: 1.0\r\n', 'X: 1\r\n') });
await bad('the block signs something else', 'invalid: its digest differs', { signs: { attributes: [contentType(), messageDigest(Buffer.from('x'))] } });
await bad('the block holds something else', 'invalid: signs something else than', { after: (entries) => entries.map((one) => (one.name.endsWith('.EC') ? { ...one, content: signedDataOf({ signers: [signer({ by: ada, content: Buffer.from('x') }).info], certificates: [ada.certificate], content: Buffer.from('x') }) } : one)) });
await bad('nobody in the block', 'invalid: nobody signed', { after: change('META-INF/ADA.EC', signedDataOf({ signers: [], certificates: [ada.certificate] })) });
await bad('the block is rubbish', 'INVALID_INPUT: An element claims 117 bytes, but 5 remain', { after: change('META-INF/ADA.EC', 'rubbish') });
await bad('the newer scheme of an APK taken out', 'invalid: was taken out', { sf: ['X-Android-APK-Signed: 2, 3'] });
await bad('by somebody whom nobody trusts', 'untrusted: [issuer]', {}, { roots: pem(root({ subject: 'CN=Other' })) });
await bad('by a certificate that has ended', 'untrusted: [validity]', { by: person('Ada', keys.ec, { from: '2020-01-01T00:00:00Z', to: '2021-01-01T00:00:00Z' }) });
await bad('by an authority as if it were a person', 'untrusted: [key-usage]', { by: person('Ada', keys.ec, { usage: keyUsageOf(['key-cert-sign']), basic: basicConstraintsOf(true, undefined) }) });
await bad('by a certificate that was revoked', 'untrusted: [revocation]', {}, { ...roots, crl: [Buffer.from(list(top, { revoked: [{ serial: ada.certificate.serialText.replaceAll(':', ''), reason: 1 }] }).der)], at: '2024-02-01T00:00:00Z' });
await bad('the signature file’s digest by SHA-1', 'untrusted: SHA1 is broken', { by: bob, signs: { digest: 'sha1' } });
await bad('by another key than the one that is named', 'untrusted: another key', {}, { publicKey: keys.rsa.publicKey.export({ type: 'spki', format: 'der' }) });
tables.bad('two signers, of whom one signed other files', 'invalid: & by CN=Ada'.replace(': & ', ': '), { file: await zipOf(both({}, { by: bob, base: 'BOB', files: { x: 'y' } })), asks: roots });
tables.bad('something before the archive', 'INVALID_INPUT: not where its end says', { file: Buffer.concat([Buffer.from('#!/bin/sh\nexec evil\n'), await made()]), asks: { ...roots, format: 'jar' } });
tables.bad('cut off', 'INVALID_INPUT: no ZIP archive, or its end is missing', { file: (await made()).subarray(0, -30), asks: roots });

const contents = async (archive: Buffer): Promise<string> => JSON.stringify((await unpacked(archive)).filter(({ name }) => !name.startsWith('META-INF/')).sort((a, b) => (a.name < b.name ? -1 : 1)));
judgeFamily('jar', tables, { same: async (mutant, original) => (await contents(mutant)) === (await contents(original)) });
