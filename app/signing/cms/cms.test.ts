import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { corpus } from '../../../scripts/corpora.ts';
import { readCertificates, signRevocationList } from '../../certificates/index.ts';
import { type KeyAlgorithmName, KeywrightError } from '../../contract/index.ts';
import { contextTag, der, derInteger, derSequence } from '../../formats/der.ts';
import { hasTool, HAS_OPENSSL, pairOf, run, temporaryFolder } from '../../formats/testing/keys.ts';
import { recogniseSignature } from '../recognise.ts';
import { certifiedKey, certify, trustingCertificates } from '../testing/certificates.ts';
import { contentOfMessage } from '../format.ts';
import { contentOf, signAs, signAsTokensDo, trusting, verifyAs } from '../testing/keys.ts';

const TEXT = 'The Magic Words are Squeamish Ossifrage\n';
const openssl = (...args: string[]): string => run('openssl', args).toString();

describe.skipIf(!HAS_OPENSSL)('made by us, judged by openssl cms (skipped without it)', () => {
  test.each([['der', true, 'DER'], ['der', false, 'DER'], ['pem', true, 'PEM'], ['pem', false, 'PEM'], ['smime', false, 'SMIME']] as const)('as %s, detached: %s', async (form, detached, inform) => {
    using folder = temporaryFolder();
    const { path } = folder;
    const certificate = await certify('rsa-2048', 'CN=Ada');
    const file = await contentOf(path, TEXT);
    const made = await signAs('cms', file, await certifiedKey('rsa-2048', certificate), { form, ...(form === 'smime' ? {} : { detached }) });
    writeFileSync(join(path, 'sig'), made);
    writeFileSync(join(path, 'root.pem'), certificate.toPem());
    openssl('cms', '-verify', '-binary', '-inform', inform, '-in', join(path, 'sig'), ...(detached ? ['-content', file.path] : []), '-CAfile', join(path, 'root.pem'), '-out', join(path, 'out'));
    expect(readFileSync(join(path, 'out'), 'utf8')).toBe(TEXT);
    const holder = detached ? file : await contentOf(path, made, 'signed');
    expect(await verifyAs(holder, detached ? made : null, trustingCertificates([certificate]))).toMatchObject([{ intact: true, name: 'CN=Ada', trustedBy: { source: 'root', name: 'CN=Ada' }, time: { according: 'signer' } }]);
  });

  test('within a mail as it was sent, and in the armour of gpgsm', async () => {
    using folder = temporaryFolder();
    const certificate = await certify('ec-p256', 'CN=Ada');
    const signer = await certifiedKey('ec-p256', certificate);
    const mail = `Received: from a\r\n\tby b\r\nFrom: ada@example.com\r\nSubject: hello\r\n${(await signAs('cms', await contentOf(folder.path, TEXT), signer, { form: 'smime' })).toString('latin1')}`;
    const armored = (await signAs('cms', await contentOf(folder.path, TEXT), signer, { form: 'pem', detached: false })).toString('latin1').replaceAll(/(?<=BEGIN |END )[A-Z0-9 #]+(?=-----)/g, 'SIGNED MESSAGE');
    for (const text of [mail, armored]) {
      expect(recogniseSignature(Buffer.from(text))).toBe('cms');
      expect(await verifyAs(await contentOf(folder.path, text, 'm'), null, trustingCertificates([certificate]))).toMatchObject([{ intact: true, name: 'CN=Ada' }]);
    }
  });

  test.each([['rsa-2048', 'rsa-pss-sha384'], ['rsa-3072', 'rsa-pkcs1-sha512'], ['ec-p256', 'ecdsa-sha512'], ['ec-brainpoolp384r1', 'ecdsa-sha384']] as const)('%s with %s', async (key, algorithm) => {
    using folder = temporaryFolder();
    const certificate = await certify(key, 'CN=Ada');
    const file = await contentOf(folder.path, TEXT);
    writeFileSync(join(folder.path, 'sig'), await signAs('cms', file, await certifiedKey(key, certificate), { algorithm }));
    writeFileSync(join(folder.path, 'root.pem'), certificate.toPem());
    openssl('cms', '-verify', '-binary', '-inform', 'DER', '-in', join(folder.path, 'sig'), '-content', file.path, '-CAfile', join(folder.path, 'root.pem'), '-out', join(folder.path, 'out'));
  });

  test('several sign one file, a third signs their signatures, and the chain is inside', async () => {
    using folder = temporaryFolder();
    const { path } = folder;
    const root = await certify('ec-p384', 'CN=Root', { profile: 'root' });
    const middle = await certify('ec-p521', 'CN=Middle', { profile: 'sub-ca' }, { key: 'ec-p384', certificate: root });
    const ada = await certify('ec-p256', 'CN=Ada', {}, { key: 'ec-p521', certificate: middle });
    const bob = await certify('rsa-2048', 'CN=Bob', {}, { key: 'ec-p521', certificate: middle });
    const notary = await certify('ed25519', 'CN=Notary', {}, { key: 'ec-p521', certificate: middle });
    const file = await contentOf(path, TEXT);
    const first = await signAs('cms', file, await certifiedKey('ec-p256', ada, [middle]));
    const both = await signAs('cms', file, await certifiedKey('rsa-2048', bob, [middle]), { existing: first });
    writeFileSync(join(path, 'sig'), both);
    writeFileSync(join(path, 'root.pem'), root.toPem());
    openssl('cms', '-verify', '-binary', '-inform', 'DER', '-in', join(path, 'sig'), '-content', file.path, '-CAfile', join(path, 'root.pem'), '-out', join(path, 'out'), '-signer', join(path, 'signers.pem'));
    expect(readCertificates(readFileSync(join(path, 'signers.pem'))).map(({ subject }) => subject.text).sort()).toEqual(['CN=Ada', 'CN=Bob']);
    const counter = await signAs('cms', file, await certifiedKey('ed25519', notary, [middle]), { existing: both, counter: true });
    writeFileSync(join(path, 'sig'), counter);
    openssl('cms', '-verify', '-binary', '-inform', 'DER', '-in', join(path, 'sig'), '-content', file.path, '-CAfile', join(path, 'root.pem'), '-out', join(path, 'out'));
    const verdicts = await verifyAs(file, counter, trustingCertificates([root]));
    expect(verdicts.map(({ intact, name, trustedBy }) => [intact, name, trustedBy?.name])).toEqual(expect.arrayContaining([[true, 'CN=Ada', 'CN=Root'], [true, 'CN=Bob', 'CN=Root'], [true, 'CN=Notary', 'CN=Root']]));
    expect(verdicts).toHaveLength(4);
    const stranger = await contentOf(path, 'another file', 'other');
    await expect(signAs('cms', stranger, await certifiedKey('rsa-2048', bob), { existing: await signAs('cms', file, await certifiedKey('ec-p256', ada), { detached: false }) })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe.skipIf(!hasTool('gpgsm', '--version'))('made by us, judged by gpgsm (skipped without it)', () => {
  test.each(['rsa-2048', 'ec-p256'] as const)('%s', async (key) => {
    using folder = temporaryFolder();
    const { path } = folder;
    const certificate = await certify(key, 'CN=Ada');
    const file = await contentOf(path, TEXT);
    writeFileSync(join(path, 'sig'), await signAs('cms', file, await certifiedKey(key, certificate)));
    writeFileSync(join(path, 'ada.der'), certificate.der);
    const gpgsm = (...args: string[]): string => run('gpgsm', ['--homedir', path, '--batch', '--disable-crl-checks', '--disable-dirmngr', '--no-secmem-warning', '--status-fd', '1', ...args]).toString();
    try {
      gpgsm('--import', join(path, 'ada.der'));
      writeFileSync(join(path, 'trustlist.txt'), `${openssl('x509', '-inform', 'DER', '-in', join(path, 'ada.der'), '-noout', '-fingerprint', '-sha1').replace(/.*=/, '').trim()} S relax\n`);
      expect(gpgsm('--verify', join(path, 'sig'), file.path)).toContain('GOODSIG');
    } finally {
      run('gpgconf', ['--homedir', path, '--kill', 'all']);
    }
  });
});

describe.skipIf(!HAS_OPENSSL)('made by openssl cms, judged by us (skipped without it)', () => {
  const setUp = async (path: string, key: KeyAlgorithmName) => {
    const certificate = await certify(key, 'CN=Ada');
    writeFileSync(join(path, 'key.pem'), pairOf(key).privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(join(path, 'ada.pem'), certificate.toPem());
    return certificate;
  };
  test.each<[KeyAlgorithmName, ...string[]]>([
    ['rsa-2048'], ['rsa-2048', '-keyopt', 'rsa_padding_mode:pss'], ['rsa-2048', '-keyid'], ['ec-p256'], ['ec-p384', '-md', 'sha384'], ['ec-secp256k1'], ['rsa-2048', '-cades'],
    ['rsa-2048', '-nodetach'], ['rsa-2048', '-nodetach', '-stream'], ['ec-p256', '-noattr'], ['rsa-2048', '-noattr', '-nodetach'], ['rsa-2048', '-md', 'sha512'],
  ])('%s %s %s', async (key, ...options) => {
    using folder = temporaryFolder();
    const { path } = folder;
    const certificate = await setUp(path, key);
    const file = await contentOf(path, TEXT);
    for (const outform of ['DER', 'PEM', 'SMIME']) {
      openssl('cms', '-sign', '-binary', '-in', file.path, '-signer', join(path, 'ada.pem'), '-inkey', join(path, 'key.pem'), '-outform', outform, '-out', join(path, 'sig'), ...options);
      const signature = readFileSync(join(path, 'sig'));
      const inside = options.includes('-nodetach') || outform === 'SMIME';
      const verdict = await verifyAs(inside ? await contentOf(path, signature, 'signed') : file, inside ? null : signature, trustingCertificates([certificate]));
      // S/MIME signs text with line ends of its own, which is why -binary and a multipart do not go together.
      if (outform === 'SMIME' && !options.includes('-nodetach')) continue;
      expect([outform, verdict]).toMatchObject([outform, [{ intact: true, trustedBy: { source: 'root' } }]]);
      if (!inside) expect(await verifyAs(await contentOf(path, 'changed', 'other'), signature, trustingCertificates([certificate]))).toMatchObject([{ intact: false }]);
    }
  });

  test('a signed mail of two parts', async () => {
    using folder = temporaryFolder();
    const certificate = await setUp(folder.path, 'rsa-2048');
    const file = await contentOf(folder.path, TEXT);
    openssl('cms', '-sign', '-text', '-in', file.path, '-signer', join(folder.path, 'ada.pem'), '-inkey', join(folder.path, 'key.pem'), '-out', join(folder.path, 'mail.eml'));
    const mail = readFileSync(join(folder.path, 'mail.eml'));
    expect(await verifyAs(await contentOf(folder.path, mail, 'mail'), null, trustingCertificates([certificate]))).toMatchObject([{ intact: true }]);
    expect(await verifyAs(await contentOf(folder.path, mail.toString().replace('Magic', 'Majic'), 'mail'), null, trustingCertificates([certificate]))).toMatchObject([{ intact: false }]);
  });
});

describe('a verdict keeps apart', () => {
  test('intact from trusted: nobody vouches, the certificate has ended, its authority must not issue, it was revoked, the key is held here', async () => {
    using folder = temporaryFolder();
    const file = await contentOf(folder.path, TEXT);
    const root = await certify('ec-p384', 'CN=Root', { profile: 'root' });
    const ada = await certify('ec-p256', 'CN=Ada', {}, { key: 'ec-p384', certificate: root });
    const made = await signAs('cms', file, await certifiedKey('ec-p256', ada));
    const judge = async (trust: ReturnType<typeof trustingCertificates>) => (await verifyAs(file, made, trust))[0]!;
    expect(await judge(trustingCertificates([root]))).toMatchObject({ intact: true, trustedBy: { name: 'CN=Root' } });
    expect(await judge(trustingCertificates([]))).toMatchObject({ intact: true, trustedBy: null, name: null, problem: expect.stringContaining('no root') });
    expect(await judge(trustingCertificates([await certify('rsa-2048', 'CN=Root', { profile: 'root' })]))).toMatchObject({ intact: true, trustedBy: null });
    expect(await judge(trustingCertificates([root], { at: new Date('2099-01-01') }))).toMatchObject({ intact: true, trustedBy: null, problem: expect.stringContaining('It ended on') });
    const revoking = trustingCertificates([root]);
    expect(await judge({ ...revoking, certificates: { ...revoking.certificates!, revoked: new Map([[ada.id, { at: new Date(0), reason: 'key-compromise' }]]) } })).toMatchObject({ intact: true, trustedBy: null, problem: expect.stringContaining('Revoked on') });
    expect(await judge({ ...trustingCertificates([]), ...trusting('ec-p256'), rootsNamed: false })).toMatchObject({ intact: true, trustedBy: { source: 'held-key' } });
    // Held here, but the caller named roots: those alone count.
    expect(await judge({ ...trustingCertificates([]), keys: trusting('ec-p256').keys })).toMatchObject({ intact: true, trustedBy: null });
  });

  test('who vouches is told certificate by certificate, and a revocation list inside the signature is looked at', async () => {
    using folder = temporaryFolder();
    const file = await contentOf(folder.path, TEXT);
    const root = await certify('ec-p384', 'CN=Root', { profile: 'root' });
    const ada = await certify('ec-p256', 'CN=Ada', {}, { key: 'ec-p384', certificate: root });
    const made = await signAs('cms', file, await certifiedKey('ec-p256', ada));
    const [verdict] = await verifyAs(file, made, trustingCertificates([root]));
    expect(verdict!.path).toMatchObject({ trusted: true, certificates: [{ role: 'certificate', revocation: { state: 'unknown' } }, { role: 'root' }] });
    const { readSignedData } = await import('./read.ts');
    const { signedData } = await import('./write.ts');
    const data = readSignedData(made);
    const list = await signRevocationList({ issuer: root, number: 1n, thisUpdate: new Date(), nextUpdate: new Date(Date.now() + 86_400_000), revoked: [{ serial: ada.serialText, at: new Date(Date.now() - 1000), reason: 'key-compromise' }] }, 'ecdsa-sha384', async (name, message) => signAsTokensDo('ec-p384', name, contentOfMessage(name, message)));
    const { before, after } = signedData({ digestIdentifiers: data.digestIdentifiers, certificates: data.certificateElements, signerInfos: [derSequence(data.signers[0]!.body)], crls: der(contextTag(1), list.der) });
    expect(await verifyAs(file, Buffer.concat([before, after]), trustingCertificates([root]))).toMatchObject([{ intact: true, trustedBy: null, problem: expect.stringContaining('key-compromise') as string }]);
  });

  test('a certificate of no authority issues nothing, whatever it signs', async () => {
    using folder = temporaryFolder();
    const root = await certify('ec-p384', 'CN=Root', { profile: 'root' });
    const leaf = await certify('ec-p521', 'CN=Leaf', {}, { key: 'ec-p384', certificate: root });
    // Made past our own guards: as if the leaf were an authority.
    const authority = await certify('ec-p521', 'CN=Leaf', { profile: 'root' });
    const forged = await certify('ec-p256', 'CN=Forged', {}, { key: 'ec-p521', certificate: authority });
    const file = await contentOf(folder.path, TEXT);
    const made = await signAs('cms', file, await certifiedKey('ec-p256', forged, [leaf]));
    expect(await verifyAs(file, made, trustingCertificates([root]))).toMatchObject([{ intact: true, trustedBy: null, problem: expect.stringContaining('authority') }]);
  });
});

describe('attacks', () => {
  test('signed attributes that were stripped and shown as the file are seen', async () => {
    using folder = temporaryFolder();
    const { path } = folder;
    const certificate = await certify('rsa-2048', 'CN=Ada');
    const made = await signAs('cms', await contentOf(path, TEXT), await certifiedKey('rsa-2048', certificate));
    const { readSignedData } = await import('./read.ts');
    const { signedData, issuerAndSerial } = await import('./write.ts');
    const { TAG } = await import('../../formats/der.ts');
    const { digestIdentifier, signerIdentifier } = await import('./identifiers.ts');
    const [signer] = readSignedData(made).signers;
    const bare = derSequence(derInteger(1n), issuerAndSerial(certificate), digestIdentifier('sha256'), signerIdentifier('rsa-pkcs1-sha256'), der(TAG.octetString, signer!.signature));
    const { before, after } = signedData({ digestIdentifiers: [digestIdentifier('sha256')], certificates: [certificate.der], signerInfos: [bare] });
    const forged = await contentOf(path, Buffer.from(signer!.signedAttributes!), 'forged');
    expect(await verifyAs(forged, Buffer.concat([before, after]), trustingCertificates([certificate]))).toMatchObject([{ intact: false, problem: expect.stringContaining('stripped') }]);
  });

  test('nobody’s signature and bombs are refused', async () => {
    using folder = temporaryFolder();
    const { signedData } = await import('./write.ts');
    const { before, after } = signedData({ digestIdentifiers: [], certificates: [], signerInfos: [] });
    expect(await verifyAs(await contentOf(folder.path, TEXT), Buffer.concat([before, after]), trustingCertificates([]))).toMatchObject([{ intact: false, problem: expect.stringContaining('Nobody') }]);
    const nested = Buffer.concat(Array.from({ length: 5000 }, () => Buffer.from('3080', 'hex')));
    for (const bomb of [nested, Buffer.from('308400ffffff', 'hex'), Buffer.from('30860fffffffffff', 'hex'), Buffer.alloc(100_000, 0x30)]) {
      await expect(verifyAs(await contentOf(folder.path, TEXT), bomb, trustingCertificates([]), 'cms')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });
});

const CORPUS = corpus('cms');
describe.skipIf(CORPUS === undefined)('signatures by others (skipped without the corpora)', () => {
  const read = (name: string): Buffer => readFileSync(join(CORPUS as string, name));
  const judged = async (signature: Buffer, anchors: Buffer[] = [], content?: Buffer): Promise<string> => {
    using folder = temporaryFolder();
    try {
      const trust = trustingCertificates(anchors.flatMap((one) => readCertificates(one)));
      const verdicts = content === undefined ? await verifyAs(await contentOf(folder.path, signature), null, trust, 'cms') : await verifyAs(await contentOf(folder.path, content), signature, trust, 'cms');
      return verdicts.map(({ intact, trustedBy }) => (intact ? (trustedBy === null ? 'intact' : 'trusted') : 'broken')).join(' ');
    } catch (thrown) {
      if (thrown instanceof KeywrightError) return thrown.code;
      throw thrown;
    }
  };

  test.skipIf(corpus('lamps-pq') === undefined)('ML-DSA as RFC 9882 has it', async () => {
    for (const size of ['44', '65', '87']) {
      const root = readFileSync(join(corpus('lamps-pq') as string, 'ml-dsa', `ML-DSA-${size}.crt`));
      const signature = read(`lamps-cms-ml-dsa/mldsa${size}-signed-attrs.pem`);
      expect([size, await judged(signature, [root])]).toEqual([size, 'trusted']);
      expect([size, await judged(Buffer.from(signature.toString('latin1').replace(/(.{600})./s, '$1/'), 'latin1'), [root])]).toEqual([size, expect.not.stringMatching(/trusted/)]);
    }
  });

  test('attributes that are missing, doubled or of the wrong form break it, as openssl says', async () => {
    for (const name of ['bad_signtime_attr', 'ct_multiple_attr', 'no_ct_attr', 'no_md_attr']) expect([name, await judged(read(`openssl/recipes/80-test_cms_data/${name}.cms`))]).toEqual([name, expect.stringMatching(/^(broken|INVALID_INPUT)$/)]);
  });

  test('RSA signatures of RFC 4134 and asn1crypto are intact, though their SHA-1 is not to be trusted; broken ones are broken', async () => {
    const verdicts: Record<string, string> = {};
    for (const name of ['rfc4134/4.2.bin', 'asn1crypto/cms-signed.der', 'asn1crypto/cms-signed.pem', 'asn1crypto/pkcs7-signed.der', 'asn1crypto/cms-signed-digested.der', 'asn1crypto/pkcs7-signed-digested.pem', 'asn1crypto/cms-enveloped.der']) verdicts[name] = await judged(read(name));
    expect(verdicts).toEqual({
      'rfc4134/4.2.bin': 'intact', 'asn1crypto/cms-signed.der': 'intact', 'asn1crypto/cms-signed.pem': 'intact', 'asn1crypto/pkcs7-signed.der': 'intact',
      'asn1crypto/cms-signed-digested.der': 'broken', 'asn1crypto/pkcs7-signed-digested.pem': 'broken', 'asn1crypto/cms-enveloped.der': 'CAPABILITY_MISSING',
    });
  });
});
