import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../certificates/index.ts';
import { type KeyAlgorithmName, KeywrightError } from '../../contract/index.ts';
import { HAS_OPENSSL, hasTool, pairOf, run, temporaryFolder } from '../../formats/testing/keys.ts';
import type { Trust } from '../format.ts';
import { certifiedKey, certify, trustingCertificates } from '../testing/certificates.ts';
import { contentOf, signAs, verifyAs } from '../testing/keys.ts';
import { repacked, unpacked, zipOf } from '../testing/samples.ts';
import type { NewEntry } from '../zip/write.ts';
import { asic } from './index.ts';
import { isContainer, recogniseSignature } from '../recognise.ts';

const EXTENDED = 'application/vnd.etsi.asic-e+zip';
const SIGNATURES = 'META-INF/signatures1.xml';
const FILE = 'Bericht über Öl & 100 %.txt';
const TEXT = 'The Magic Words are Squeamish Ossifrage\n';
const certificates = new Map<KeyAlgorithmName, Certificate>();
let trust: Trust;
beforeAll(async () => {
  for (const name of ['ec-p256', 'rsa-2048'] as const) certificates.set(name, await certify(name, `CN=Ada with ${name}`));
  trust = trustingCertificates([...certificates.values()]);
});

async function signed(key: KeyAlgorithmName = 'ec-p256', files: Readonly<Record<string, string | Uint8Array>> = { [FILE]: TEXT, 'second.bin': Buffer.from([0, 1, 2]) }): Promise<Buffer> {
  using folder = temporaryFolder();
  const contents = await Promise.all(Object.entries(files).map(([name, content]) => contentOf(folder.path, content, name)));
  const made = await asic.signTogether!(contents, await certifiedKey(key, certificates.get(key)), { algorithm: key === 'rsa-2048' ? 'rsa-pkcs1-sha256' : 'ecdsa-sha256' });
  const pieces: Buffer[] = [];
  if ('write' in made) await made.write(async (piece) => { pieces.push(Buffer.from(piece)); });
  return Buffer.concat(pieces);
}
async function again(container: Buffer, key: KeyAlgorithmName = 'rsa-2048'): Promise<Buffer> {
  using folder = temporaryFolder();
  return await signAs('asic', await contentOf(folder.path, container, 'a.asice'), await certifiedKey(key, certificates.get(key)));
}
async function judged(container: Buffer, by: Trust = trust): Promise<string[]> {
  using folder = temporaryFolder();
  try {
    const verdicts = await verifyAs(await contentOf(folder.path, container), null, by, 'asic');
    return verdicts.map(({ intact, trustedBy, problem }) => (!intact ? `broken: ${problem}` : trustedBy === null ? `intact: ${problem}` : 'trusted'));
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return [`${thrown.code}: ${thrown.message}`];
    throw thrown;
  }
}

describe('signing', () => {
  test('the type comes first and is stored, several files lie together under one signature, and each keeps its bytes', async () => {
    const made = await signed();
    expect(made.toString('latin1', 30, 38 + EXTENDED.length)).toBe(`mimetype${EXTENDED}`);
    expect(recogniseSignature(made)).toBe('asic');
    expect((await unpacked(made)).map(({ name }) => name)).toEqual(['mimetype', FILE, 'second.bin', 'META-INF/manifest.xml', SIGNATURES]);
    expect((await unpacked(made))[1]!.content.toString()).toBe(TEXT);
    expect(await judged(made)).toEqual(['trusted']);
    expect(await judged(made, trustingCertificates([]))).toEqual([expect.stringMatching(/^intact/)]);
  });

  test.skipIf(!hasTool('xmlsec1', '--version') || !hasTool('unzip', '-v'))('a second signer signs all that is in it, xmlsec1 finds both right, and nothing else changes', async () => {
    using folder = temporaryFolder();
    const first = await signed('ec-p256', { 'a file.txt': TEXT, 'second.bin': Buffer.from([0, 1, 2]) });
    const both = await again(first);
    expect(both.includes(first.subarray(0, first.indexOf('PK\u0001\u0002', 0, 'latin1')))).toBe(true);
    expect(await judged(both)).toEqual(['trusted', 'trusted']);
    writeFileSync(join(folder.path, 'c.zip'), both);
    run('unzip', ['-q', '-d', folder.path, join(folder.path, 'c.zip')]);
    for (const [number, key] of [[1, 'ec-p256'], [2, 'rsa-2048']] as const) {
      writeFileSync(join(folder.path, 'root.pem'), certificates.get(key)!.toPem());
      const verify = (): string => run('sh', ['-c', `cd "$1" && xmlsec1 verify --trusted-pem root.pem --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties META-INF/signatures${number}.xml 2>&1`, 'sh', folder.path]).toString();
      expect(verify()).toContain('OK');
      writeFileSync(join(folder.path, 'second.bin'), 'changed');
      expect(verify).toThrow();
      writeFileSync(join(folder.path, 'second.bin'), Buffer.from([0, 1, 2]));
    }
  });

  test('names that mean something in a container, or that no archive should hold, are refused', async () => {
    for (const files of [{ mimetype: 'x' }, { 'META-INF': 'x' }, { 'a\nb': 'x' }]) await expect(signed('ec-p256', files)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    using folder = temporaryFolder();
    using other = temporaryFolder();
    const twice = [await contentOf(folder.path, 'x', 'a'), await contentOf(other.path, 'x', 'a')];
    await expect(asic.signTogether!(twice, await certifiedKey('ec-p256', certificates.get('ec-p256')), { algorithm: 'ecdsa-sha256' })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('Two of the files') });
  });
});

describe('thirty containers, valid and tampered', () => {
  const cases: readonly (readonly [string, (container: Buffer) => Promise<Buffer> | Buffer, RegExp])[] = [
    ['as it was made', (container) => container, /^trusted$/],
    ['packed again', (container) => repacked(container, {}), /^trusted$/],
    ['with a folder', (container) => repacked(container, { 'folder/': '' }), /^trusted$/],
    ['without its list of files', (container) => repacked(container, { 'META-INF/manifest.xml': null }), /^trusted$/],
    ['without its type', (container) => repacked(container, { mimetype: null }), /^trusted$/],
    ['with another file within META-INF', (container) => repacked(container, { 'META-INF/eve.txt': 'x' }), /^trusted$/],
    ['a file changed', (container) => repacked(container, { [FILE]: 'changed' }), /“Bericht über Öl & 100 %.txt” was changed/],
    ['a file emptied', (container) => repacked(container, { 'second.bin': '' }), /“second.bin” was changed/],
    ['a file missing', (container) => repacked(container, { 'second.bin': null }), /not in the container: “second.bin”/],
    ['a file added', (container) => repacked(container, { 'eve.txt': 'x' }), /One file is not signed: “eve.txt”/],
    ['several files added', (container) => repacked(container, { a: 'x', b: 'x', c: 'x', d: 'x' }), /4 files are not signed: “a”, “b”, “c” and 1 more/],
    ['a file added in a folder', (container) => repacked(container, { 'x/mimetype': 'x' }), /One file is not signed/],
    ['a file renamed', (container) => repacked(container, { 'second.bin': null, 'third.bin': Buffer.from([0, 1, 2]) }), /not in the container/],
    ['two files swapped', (container) => repacked(container, { 'second.bin': TEXT, [FILE]: Buffer.from([0, 1, 2]) }), /was changed/],
    ['two entries of one name', async (container) => zipOf([...(await unpacked(container)), { name: FILE, content: Buffer.from('other') }]), /two entries/],
    ['two signature files that differ in case', async (container) => zipOf([...(await unpacked(container)), { name: 'META-INF/Signatures1.xml', content: Buffer.from('<a/>') }]), /two entries/],
    ['the signature taken out', (container) => repacked(container, { [SIGNATURES]: null }), /Nobody signed/],
    ['the signature empty', (container) => repacked(container, { [SIGNATURES]: '<a/>' }), /Nobody signed/],
    ['the signature no XML', (container) => repacked(container, { [SIGNATURES]: 'x' }), /^INVALID_INPUT/],
    ['the signature with a document type', (container) => repacked(container, { [SIGNATURES]: (before) => `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${before.toString().replace(/^.*\n/, '')}` }), /^CAPABILITY_MISSING.*DTD/],
    ['the signature cut off', (container) => repacked(container, { [SIGNATURES]: (before) => before.subarray(0, -40) }), /^INVALID_INPUT/],
    ['the signature’s value changed', (container) => repacked(container, { [SIGNATURES]: (before) => before.toString().replace(/(<ds:SignatureValue[^>]*>)..../, '$1AAAA') }), /does not fit/],
    ['a reference changed', (container) => repacked(container, { [SIGNATURES]: (before) => before.toString().replace('second.bin', 'eve.bin') }), /does not fit/],
    ['a reference taken out', (container) => repacked(container, { [SIGNATURES]: (before) => before.toString().replace(/<ds:Reference Id="r1.*?<\/ds:Reference>/, '') }), /does not fit/],
    ['the signature of another container', async (container) => repacked(container, { [SIGNATURES]: (await unpacked(await signed('ec-p256', { [FILE]: 'other' }))).at(-1)!.content }), /was changed/],
    ['a signature that covers one file alone', async (container) => repacked(container, { [SIGNATURES]: (await unpacked(await signed('ec-p256', { [FILE]: TEXT }))).at(-1)!.content }), /One file is not signed: “second.bin”/],
    ['a signature twice', async (container) => repacked(container, { 'META-INF/signatures9.xml': (await unpacked(container)).at(-1)!.content }), /^trusted$/],
    ['another type', (container) => repacked(container, { mimetype: 'application/zip' }), /^trusted$/],
    ['a name that leads out', async (container) => zipOf([...(await unpacked(container)), { name: '../eve', content: Buffer.from('x') }]), /^INVALID_INPUT/],
    ['bytes in front', (container) => Buffer.concat([Buffer.from('x'), container]), /^INVALID_INPUT/],
    ['cut off', (container) => container.subarray(0, -7), /^INVALID_INPUT/],
    ['one byte of a stored file changed', (container) => { const copy = Buffer.from(container); copy[copy.indexOf('Squeamish')]! ^= 1; return copy; }, /^INVALID_INPUT.*damaged/],
    ['signed by a stranger too', async (container) => again(container, 'ed448'), /^(trusted|intact: .*)$/],
  ];
  test('there are thirty', () => expect(cases.length).toBeGreaterThanOrEqual(30));
  test.each(cases)('%s', async (_, change, expected) => {
    const verdicts = await judged(await change(await signed()));
    expect(verdicts.length).toBeGreaterThan(0);
    for (const one of verdicts) expect(one).toMatch(expected);
  });

  test('what no signature covers is told, also beside one that holds', async () => {
    using folder = temporaryFolder();
    const [verdict] = await verifyAs(await contentOf(folder.path, await repacked(await signed(), { 'META-INF/eve.txt': 'x', mimetype: 'application/zip' })), null, trust, 'asic');
    expect(verdict?.notes.join(' ')).toMatch(/It signs all that the container holds: .*No signature covers “META-INF\/eve\.txt”.*something else: application\/zip/);
  });
});

describe.skipIf(!HAS_OPENSSL)('containers with CMS by openssl (skipped without it)', () => {
  const cms = (content: Buffer): Buffer => {
    using folder = temporaryFolder();
    const at = (name: string): string => join(folder.path, name);
    writeFileSync(at('key.pem'), pairOf('rsa-2048').privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(at('ada.pem'), certificates.get('rsa-2048')!.toPem());
    writeFileSync(at('content'), content);
    run('openssl', ['cms', '-sign', '-binary', '-in', at('content'), '-signer', at('ada.pem'), '-inkey', at('key.pem'), '-outform', 'DER', '-out', at('p7s')]);
    return readFileSync(at('p7s'));
  };
  const simple = (more: readonly NewEntry[] = []): Promise<Buffer> => zipOf([{ name: 'mimetype', content: Buffer.from('application/vnd.etsi.asic-s+zip'), stored: true }, { name: 'a.txt', content: Buffer.from(TEXT) }, ...more]);
  const manifest = (digest: Buffer, method = 'http://www.w3.org/2001/04/xmlenc#sha256'): Buffer => Buffer.from(`<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><asic:SigReference URI="META-INF/signature001.p7s" MimeType="application/x-pkcs7-signature"/><asic:DataObjectReference URI="a.txt"><ds:DigestMethod Algorithm="${method}"/><ds:DigestValue>${digest.toString('base64')}</ds:DigestValue></asic:DataObjectReference></asic:ASiCManifest>`);
  const extended = async (digest = createHash('sha256').update(TEXT).digest(), method?: string): Promise<Buffer> => {
    const list = manifest(digest, method);
    return zipOf([{ name: 'mimetype', content: Buffer.from(EXTENDED), stored: true }, { name: 'a.txt', content: Buffer.from(TEXT) }, { name: 'META-INF/ASiCManifest001.xml', content: list }, { name: 'META-INF/signature001.p7s', content: cms(list) }]);
  };

  test('ASiC-S: one file, one signature', async () => {
    const made = await simple([{ name: 'META-INF/signature.p7s', content: cms(Buffer.from(TEXT)) }]);
    expect(isContainer(made)).toBe(true);
    expect(await judged(made)).toEqual(['trusted']);
    expect(await judged(await repacked(made, { 'a.txt': 'changed' }))).toEqual([expect.stringMatching(/^broken: .*digest differs/)]);
    expect(await judged(await repacked(made, { 'b.txt': 'more' }))).toEqual([expect.stringMatching(/^broken: .*exactly one file/)]);
    await expect(again(made)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  });

  test('ASiC-E: a manifest lists the files, and the signature is of that', async () => {
    const made = await extended();
    expect(await judged(made)).toEqual(['trusted']);
    expect(await judged(await repacked(made, { 'a.txt': 'changed' }))).toEqual([expect.stringMatching(/^broken: .*was changed/)]);
    expect(await judged(await repacked(made, { 'a.txt': null }))).toEqual([expect.stringMatching(/^broken: .*not in the container/)]);
    expect(await judged(await repacked(made, { 'b.txt': 'more' }))).toEqual([expect.stringMatching(/^broken: One file is not signed/)]);
    expect(await judged(await repacked(made, { 'a.txt': 'changed', 'META-INF/ASiCManifest001.xml': manifest(createHash('sha256').update('changed').digest()) }))).toEqual([expect.stringMatching(/^broken: .*digest differs/)]);
    expect(await judged(await repacked(made, { 'META-INF/signature001.p7s': null }))).toEqual([expect.stringMatching(/^broken: .*signature is missing/)]);
    expect(await judged(await repacked(made, { 'META-INF/ASiCManifest001.xml': null }))).toEqual([expect.stringMatching(/^broken/)]);
    expect(await judged(await repacked(made, { 'META-INF/ASiCManifest001.xml': '<a/>' }))).toEqual([expect.stringMatching(/^INVALID_INPUT/)]);
  });

  test('ASiC-E by digests of SHA-1 fits, and is not trusted', async () => {
    expect(await judged(await extended(createHash('sha1').update(TEXT).digest(), 'http://www.w3.org/2000/09/xmldsig#sha1'))).toEqual([expect.stringMatching(/^intact: .*SHA-1/)]);
  });
});
