import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../certificates/index.ts';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { hasTool, HAS_OPENSSL, pairOf, run, temporaryFolder } from '../../formats/testing/keys.ts';
import type { Trust } from '../format.ts';
import { certifiedKey, certify, trustingCertificates } from '../testing/certificates.ts';
import { contentOf, signAs, verifyAs } from '../testing/keys.ts';
import { repacked, sampleFor, unpacked, zipOf } from '../testing/samples.ts';

const HAS_JARSIGNER = hasTool('jarsigner', '-version') || hasTool('jarsigner', '-help');
const SIGNERS = ['rsa-2048', 'ec-p256', 'ed25519'] as const;
const certificates = new Map<KeyAlgorithmName, Certificate>();
let trust: Trust;
beforeAll(async () => {
  for (const name of [...SIGNERS, 'ec-p384'] as const) certificates.set(name, await certify(name, `CN=Ada with ${name}`));
  trust = trustingCertificates([...certificates.values()]);
});

/** Signs with each key, one after another. */
async function signed(archive: Buffer, keys: readonly KeyAlgorithmName[] = ['ec-p256'], algorithm?: 'rsa-pss-sha256'): Promise<Buffer> {
  using folder = temporaryFolder();
  let made = archive;
  for (const name of keys) made = await signAs('jar', await contentOf(folder.path, made), { ...(await certifiedKey(name, certificates.get(name))), label: `Ada ${name}` }, algorithm === undefined ? {} : { algorithm });
  return made;
}

async function judged(archive: Buffer, by: Trust = trust): Promise<string[]> {
  using folder = temporaryFolder();
  const verdicts = await verifyAs(await contentOf(folder.path, archive), null, by, 'jar');
  return verdicts.map(({ intact, trustedBy, problem }) => (!intact ? `broken: ${problem}` : trustedBy === null ? `intact: ${problem}` : 'trusted'));
}

const sample = (): Promise<Buffer> => sampleFor('jar', 'The Magic Words are Squeamish Ossifrage\n');
const FILE = 'com/example/Ada.txt';
const MANIFEST = 'META-INF/MANIFEST.MF';
const SF = 'META-INF/ADA_EC-P.SF';
const BLOCK = 'META-INF/ADA_EC-P.EC';

describe.skipIf(!HAS_JARSIGNER)('judged by jarsigner (skipped without it; openssl judges the blocks in table.test.ts)', () => {
  const jarsigner = (...args: string[]): string => execFileSync('jarsigner', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C', JAVA_TOOL_OPTIONS: '' } });

  test('what three of ours sign, one after another, and what Java signs before them', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'archive.jar');
    writeFileSync(path, await sample());
    if (HAS_OPENSSL) {
      writeFileSync(join(folder.path, 'key.pem'), pairOf('ec-p384').privateKey.export({ type: 'pkcs8', format: 'pem' }));
      writeFileSync(join(folder.path, 'ada.pem'), certificates.get('ec-p384')!.toPem());
      run('openssl', ['pkcs12', '-export', '-in', join(folder.path, 'ada.pem'), '-inkey', join(folder.path, 'key.pem'), '-out', join(folder.path, 'store.p12'), '-passout', 'pass:changeit', '-name', 'java']);
      jarsigner('-keystore', join(folder.path, 'store.p12'), '-storepass', 'changeit', path, 'java');
      expect(await judged(readFileSync(path))).toEqual(['trusted']);
    }
    const all = await signed(readFileSync(path), SIGNERS);
    writeFileSync(path, all);
    const said = jarsigner('-verify', '-verbose:all', '-certs', path);
    expect(said).toContain('jar verified.');
    for (const name of [...SIGNERS, ...(HAS_OPENSSL ? ['ec-p384'] : [])]) expect(said).toContain(`CN=Ada with ${name}`);
    expect(await judged(all)).toEqual(Array.from({ length: HAS_OPENSSL ? 4 : 3 }, () => 'trusted'));
    // And with one byte changed, neither of us is content.
    writeFileSync(path, await repacked(all, { [FILE]: 'changed' }));
    expect(() => jarsigner('-verify', '-strict', path)).toThrow();
    expect((await judged(readFileSync(path))).every((one) => one.includes('changed after it was signed'))).toBe(true);
  });

  test.skipIf(!HAS_OPENSSL)('DSA over digests of SHA-1, as old archives have it, fits and is not trusted', async () => {
    using folder = temporaryFolder();
    const at = (name: string): string => join(folder.path, name);
    run('openssl', ['dsaparam', '-noout', '-genkey', '-out', at('dsa.pem'), '1024']);
    run('openssl', ['req', '-x509', '-new', '-key', at('dsa.pem'), '-subj', '/CN=Old', '-days', '30', '-out', at('dsa.crt'), '-sha256']);
    run('openssl', ['pkcs12', '-export', '-in', at('dsa.crt'), '-inkey', at('dsa.pem'), '-out', at('store.p12'), '-passout', 'pass:changeit', '-name', 'old']);
    writeFileSync(at('a.jar'), await sample());
    jarsigner('-keystore', at('store.p12'), '-storepass', 'changeit', '-digestalg', 'SHA-1', '-sigalg', 'SHA256withDSA', at('a.jar'), 'old');
    expect(await judged(readFileSync(at('a.jar')))).toEqual([expect.stringMatching(/^intact: .*(DSA|SHA-1)/)]);
    expect(await judged(await repacked(readFileSync(at('a.jar')), { [FILE]: 'x' }))).toEqual([expect.stringMatching(/^broken/)]);
  });
});

describe('signing', () => {
  test('leaves every byte of the entries as it was, and what others have signed', async () => {
    const before = await zipOf([...(await unpacked(await sample())), { name: 'lib/ada.so', content: Buffer.from('\u007fELF'), stored: true }]);
    const made = await signed(before, ['ec-p256', 'rsa-2048']);
    const start = before.indexOf('PK\u0001\u0002', 0, 'latin1');
    const entries = before.subarray(0, start);
    const at = made.indexOf(entries);
    expect(at).toBeGreaterThan(0);
    // Aligned as it was: stored libraries are read in place by Android.
    expect(at % 16_384).toBe(0);
    expect(await judged(made)).toEqual(['trusted', 'trusted']);
  });

  test('signing again with the same key replaces its signature; what was changed since is signed anew', async () => {
    const once = await signed(await sample());
    const again = await signed(await repacked(once, { [FILE]: 'another text' }));
    expect((await unpacked(again)).filter(({ name }) => name.startsWith('META-INF/')).map(({ name }) => name)).toEqual([MANIFEST, SF, BLOCK]);
    expect(await judged(again)).toEqual(['trusted']);
  });

  test('what was changed after somebody else signed it is not signed over', async () => {
    const once = await signed(await sample(), ['rsa-2048']);
    await expect(signed(await repacked(once, { [FILE]: 'another text' }))).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(FILE) });
  });

  test('long names and names beyond ASCII are folded as the standard says, with PSS too', async () => {
    const long = `${'föö/'.repeat(60)}Ådä ${'x'.repeat(70)}.class`;
    const made = await signed(await zipOf([{ name: long, content: Buffer.from('x') }]), ['rsa-2048'], 'rsa-pss-sha256');
    const [manifest] = await unpacked(made);
    expect(manifest!.content.toString('latin1').split('\r\n').every((line) => line.length <= 72)).toBe(true);
    expect(await judged(made)).toEqual(['trusted']);
  });

  test('an archive that is empty, has two entries of one name, or a newer APK signature is refused', async () => {
    await expect(signed(await zipOf([]))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(signed(await zipOf([{ name: 'a', content: Buffer.from('1') }, { name: 'a', content: Buffer.from('2') }]))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(signed(withApkBlock(await sample()))).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
    await expect(signed(Buffer.from('no archive at all'))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

/** Puts a signature of scheme 2 before the directory. */
function withApkBlock(archive: Buffer): Buffer {
  const end = archive.length - 22;
  const at = archive.readUInt32LE(end + 16);
  const block = Buffer.alloc(40);
  block.writeBigUInt64LE(32n, 0);
  block.writeBigUInt64LE(32n, 16);
  block.write('APK Sig Block 42', 24, 'latin1');
  const made = Buffer.concat([archive.subarray(0, at), block, archive.subarray(at)]);
  made.writeUInt32LE(at + block.length, made.length - 22 + 16);
  return made;
}

describe('thirty archives, valid and tampered', () => {
  const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('base64');
  const section = (name: string, content: string): string => `Name: ${name}\r\nSHA-256-Digest: ${sha256(content)}\r\n\r\n`;
  const cases: readonly (readonly [string, (archive: Buffer) => Promise<Buffer> | Buffer, RegExp])[] = [
    ['as it was made', (archive) => archive, /^trusted$/],
    ['packed again, which changes no entry', (archive) => repacked(archive, {}), /^trusted$/],
    ['with another folder', (archive) => repacked(archive, { 'more/': '' }), /^trusted$/],
    ['with text in a folder’s entry', (archive) => repacked(archive, { 'com/': 'x' }), /One entry is not signed: “com\/”/],
    ['one entry changed', (archive) => repacked(archive, { [FILE]: 'changed' }), /was changed after/],
    ['one entry empty', (archive) => repacked(archive, { [FILE]: '' }), /was changed after/],
    ['one entry missing', (archive) => repacked(archive, { [FILE]: null }), /is missing/],
    ['one entry added', (archive) => repacked(archive, { 'com/example/Eve.class': 'x' }), /One entry is not signed: “com\/example\/Eve\.class”/],
    ['one entry added within META-INF', (archive) => repacked(archive, { 'META-INF/services/x': 'com.Eve' }), /not signed/],
    ['two entries swapped', async (archive) => repacked(archive, { [FILE]: (await unpacked(archive)).find(({ name }) => name === 'com/example/stored.bin')!.content, 'com/example/stored.bin': 'The Magic Words are Squeamish Ossifrage\n' }), /was changed after/],
    ['an entry renamed', (archive) => repacked(archive, { [FILE]: null, 'com/example/Eve.txt': 'The Magic Words are Squeamish Ossifrage\n' }), /is missing/],
    ['one entry changed, and the manifest too', (archive) => repacked(archive, { [FILE]: 'changed', [MANIFEST]: (before) => before.toString().replace(/(Ada\.txt\r\nSHA-256-Digest: ).*/, `$1${sha256('changed')}`) }), /section for “com\/example\/Ada\.txt” was changed/],
    ['one entry changed, the manifest and the signature file too', (archive) => repacked(archive, { [FILE]: 'changed', [MANIFEST]: (before) => before.toString().replace(/(Ada\.txt\r\nSHA-256-Digest: ).*/, `$1${sha256('changed')}`), [SF]: (before) => before.toString().replace(/(Ada\.txt\r\nSHA-256-Digest: ).*/, `$1${sha256(section(FILE, 'changed'))}`) }), /not the one that was signed/],
    ['an entry added, and listed in the manifest', (archive) => repacked(archive, { 'Eve.class': 'x', [MANIFEST]: (before) => before.toString() + section('Eve.class', 'x') }), /One entry is not signed/],
    ['a section taken out of the manifest', (archive) => repacked(archive, { [MANIFEST]: (before) => before.toString().replace(/Name: com\/example\/stored[^]*$/, '') }), /not in the manifest any more/],
    ['the manifest’s main section changed', (archive) => repacked(archive, { [MANIFEST]: (before) => before.toString().replace('1.0\r\n', '1.0\r\nMain-Class: Eve\r\n') }), /main section of the manifest was changed/],
    ['the manifest taken out', (archive) => repacked(archive, { [MANIFEST]: null }), /no manifest/],
    ['the signature file taken out', (archive) => repacked(archive, { [SF]: null }), /is missing/],
    ['the block taken out', (archive) => repacked(archive, { [BLOCK]: null }), /block was taken out/],
    ['all of the signature taken out', (archive) => repacked(archive, { [BLOCK]: null, [SF]: null }), /Nobody signed/],
    ['never signed', async () => sample(), /not signed/],
    ['the signature file changed', (archive) => repacked(archive, { [SF]: (before) => before.toString().replace('Created-By', 'Updated-By') }), /not the one that was signed/],
    ['the block of another archive', async (archive) => repacked(archive, { [BLOCK]: (await unpacked(await signed(await zipOf([{ name: 'b', content: Buffer.from('b') }])))).find(({ name }) => name === BLOCK)!.content }), /not the one that was signed/],
    ['a signature file that signs nothing', (archive) => repacked(archive, { [SF]: 'Signature-Version: 1.0\r\n\r\n' }), /not the one that was signed/],
    ['of a scheme that was taken out', async () => withScheme(), /signed by scheme 2, and that signature was taken out/],
    ['with two entries of one name', async (archive) => zipOf([...(await unpacked(archive)), { name: FILE, content: Buffer.from('other') }]), /two entries/],
    ['with two manifests that differ in case', async (archive) => zipOf([...(await unpacked(archive)), { name: 'META-INF/manifest.mf', content: Buffer.from('Manifest-Version: 1.0\r\n\r\n') }]), /two entries/],
    ['with a name beside that no signature covers', (archive) => repacked(archive, { 'META-INF/SIG-EVE': 'x' }), /^trusted$/],
    ['signed by somebody else besides, whom nobody knows', async (archive) => signed(archive, ['ed448']), /^(trusted|intact: .*)$/],
    ['by digests of SHA-1 alone', async () => withWeakDigests(), /^intact: .*SHA-1/],
    ['with a newer signature of an APK besides', (archive) => withApkBlock(archive), /^trusted$/],
  ];
  /** Archives signed as our own signing does not: by a signature file of other making. */
  const handMade = async (main: string, text: (name: string, content: string) => string): Promise<Buffer> => {
    const { makeSigner, signedData, signerInfo } = await import('../cms/write.ts');
    const manifest = `Manifest-Version: 1.0\r\n\r\n${text('a', 'a')}`;
    const file = Buffer.from(`Signature-Version: 1.0\r\n${main}\r\n${text('a', text('a', 'a'))}`);
    const { key, certificate } = { key: await certifiedKey('ec-p256'), certificate: certificates.get('ec-p256')! };
    const signer = await makeSigner({ key, certificate, algorithm: 'ecdsa-sha256', digest: createHash('sha256').update(file).digest(), contentType: '1.2.840.113549.1.7.1' });
    const { before, after } = signedData({ digestIdentifiers: [signer.digestIdentifier], certificates: [certificate.der], signerInfos: [signerInfo(signer)] });
    return zipOf([{ name: MANIFEST, content: Buffer.from(manifest) }, { name: SF, content: file }, { name: BLOCK, content: Buffer.concat([before, after]) }, { name: 'a', content: Buffer.from('a') }]);
  };
  const withScheme = (): Promise<Buffer> => handMade('X-Android-APK-Signed: 2\r\n', section);
  const withWeakDigests = (): Promise<Buffer> => handMade('', (name, content) => `Name: ${name}\r\nSHA1-Digest: ${createHash('sha1').update(content).digest('base64')}\r\n\r\n`);

  test('there are thirty', () => expect(cases.length).toBeGreaterThanOrEqual(30));
  test.each(cases)('%s', async (_, change, expected) => {
    const verdicts = await judged(await change(await signed(await sample())));
    expect(verdicts.length).toBeGreaterThan(0);
    for (const one of verdicts) expect(one).toMatch(expected);
  });

  test('a stranger’s signature beside a trusted one is told', async () => {
    const both = await signed(await signed(await sample()), ['ed448']);
    expect(await judged(both)).toEqual([expect.stringMatching(/^intact: /), 'trusted']);
    // What the stranger added is signed by the stranger alone, and the first signer did not sign it.
    const added = await signed(await repacked(await signed(await sample()), { 'Eve.class': 'x' }), ['ed448']);
    expect(await judged(added)).toEqual([expect.stringMatching(/^intact/), 'trusted']);
  });
});

describe('archives that are made to harm', () => {
  const end = (archive: Buffer): number => archive.length - 22;
  const changed = (archive: Buffer, change: (bytes: Buffer, directory: number) => Buffer | void): Buffer => {
    const copy = Buffer.from(archive);
    return change(copy, copy.readUInt32LE(end(copy) + 16)) ?? copy;
  };
  const cases: readonly (readonly [string, () => Promise<Buffer> | Buffer])[] = [
    ...['../eve', '/etc/passwd', 'a/../../eve', 'C:\\eve', 'a\\eve', 'a\nName: b', 'a\rb', 'a\0b', ''].map((name) => [`the name ${JSON.stringify(name)}`, () => zipOf([{ name, content: Buffer.from('x') }])] as const),
    ['a bomb', async () => changed(await zipOf([{ name: 'a', content: Buffer.alloc(2 ** 20) }]), (bytes, directory) => { for (const at of [22, directory + 24]) bytes.writeUInt32LE(0xffff_fff0, at); })],
    ['entries that overlap', async () => changed(await zipOf([{ name: 'a', content: Buffer.from('x') }, { name: 'b', content: Buffer.from('x') }]), (bytes, directory) => { bytes.writeUInt32LE(0, directory + 47 + 42); })],
    ['bytes before the first entry', async () => Buffer.concat([Buffer.from('dex\n035\0'), await sample()])],
    ['bytes before the first entry, with the offsets set right', async () => changed(await zipOf([{ name: 'a', content: Buffer.from('x') }]), (bytes, directory) => { bytes.writeUInt32LE(4, directory + 42); bytes.writeUInt32LE(directory + 4, end(bytes) + 16); return Buffer.concat([Buffer.from('MZ\0\0'), bytes]); })],
    ['bytes that belong to no entry', async () => changed(await zipOf([{ name: 'a', content: Buffer.from('x') }]), (bytes, directory) => { bytes.writeUInt32LE(directory + 4, end(bytes) + 16); return Buffer.concat([bytes.subarray(0, directory), Buffer.from('evil'), bytes.subarray(directory)]); })],
    ['bytes behind its end', async () => Buffer.concat([await sample(), Buffer.from('x')])],
    ['an end within its comment', () => zipOf([{ name: 'a', content: Buffer.from('x') }], `PK\u0005\u0006${'\0'.repeat(18)}`)],
    ['a name that differs in the local header', async () => changed(await zipOf([{ name: 'a', content: Buffer.from('x') }]), (bytes) => { bytes[30] = 0x62; })],
    ['a method that differs', async () => changed(await zipOf([{ name: 'a', content: Buffer.from('x') }]), (bytes) => { bytes[8] = 8; })],
    ['a size that differs', async () => changed(await zipOf([{ name: 'a', content: Buffer.from('xx') }]), (bytes) => { bytes[22] = 1; })],
    ['fewer entries than it says', async () => changed(await sample(), (bytes) => { bytes.writeUInt16LE(9, end(bytes) + 8); bytes.writeUInt16LE(9, end(bytes) + 10); })],
    ['several parts', async () => changed(await sample(), (bytes) => { bytes.writeUInt16LE(1, end(bytes) + 4); })],
    ['a ZIP64 end that is not there', async () => changed(await sample(), (bytes) => { bytes.writeUInt32LE(0xffff_ffff, end(bytes) + 16); })],
  ];
  test.each(cases)('%s', async (_, make) => {
    const archive = await make();
    await expect(judged(archive)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(signed(archive)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('content that does not unpack to what the archive says, in small entries and large', async () => {
    for (const content of [Buffer.from('squeamish '.repeat(100)), Buffer.alloc(3 * 2 ** 20, 'ossifrage')]) {
      const archive = await zipOf([{ name: 'a', content }]);
      for (const [at, value] of [[40, 0x55], [14, 0]] as const) {
        const copy = Buffer.from(archive);
        copy[at] = value;
        if (at === 14) copy.copy(copy, copy.readUInt32LE(end(copy) + 16) + 16, 14, 18); // the same wrong checksum in both places
        await expect(signed(copy)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      }
      expect(await judged(await signed(archive))).toEqual(['trusted']);
    }
  });

  test('encrypted entries and other methods are not signed, and say why', async () => {
    const archive = await zipOf([{ name: 'a', content: Buffer.from('x') }]);
    const directory = archive.readUInt32LE(end(archive) + 16);
    for (const [local, central, value] of [[6, 8, 0x0801], [8, 10, 12]] as const) {
      const copy = Buffer.from(archive);
      copy.writeUInt16LE(value, local);
      copy.writeUInt16LE(value, directory + central);
      await expect(signed(copy)).rejects.toMatchObject({ code: expect.stringMatching(/CAPABILITY_MISSING|INVALID_INPUT/) });
    }
  });
});

test.skipIf(!hasTool('unzip', '-v'))('unzip finds archives of ours whole (skipped without it)', async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, 'a.jar'), await signed(await sample(), ['rsa-2048', 'ec-p256']));
  expect(run('unzip', ['-t', join(folder.path, 'a.jar')]).toString()).toContain('No errors detected');
});
