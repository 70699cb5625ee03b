import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compactVerify, flattenedVerify, generalVerify, importJWK, type JWK, jwtVerify } from 'jose';
import { createMessage, readKey, readSignature, verify as verifyOpenpgp } from 'openpgp';
import { ContentInfo, SignedData } from 'pkijs';
import { describe, expect, test } from 'vitest';
import { callOf, missingForSoftHsm, openSource, PIN, SoftHsm, tokenIn } from '../backends/pkcs11/testing/softhsm.ts';
import { plug } from '../backends/yubikey/testing/plug.ts';
import { because, KEY_ALGORITHMS, type KeyAlgorithmName, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureFormatName } from '../contract/index.ts';
import { readCbor, writeCbor, type CborTag } from '../formats/cbor.ts';
import { ecdsaP1363ToDer, writePublicKey } from '../formats/index.ts';
import { hasTool, HAS_OPENSSL, HAS_SSH_KEYGEN, materialOf, pairOf, PAIRS, run, SECRETS, temporaryFolder } from '../formats/testing/keys.ts';
import type { Certificate } from '../certificates/index.ts';
import type { SigningKey } from './format.ts';
import { certifiedKey, certify } from './testing/certificates.ts';
import { openpgpPublicKey } from './openpgp/index.ts';
import { formatsOf, judgeFormat, SIGNATURE_FORMATS, SIGNATURE_FORMAT_NAMES } from './table.ts';
import { extracted } from './pdf/testing/documents.ts';
import { sampleFor } from './testing/samples.ts';
import { contentOf, signAs, signingKey, trusting, verifyAs } from './testing/keys.ts';

/** The table, walked: each pair that it offers signs and an independent tool verifies it; each pair that it refuses says why. */

const TEXT = '{"sub":"ada","iss":"The Magic Words are Squeamish Ossifrage"}';
/** SLH-DSA's slow sets go the same way as the quick ones, and take seconds each. */
const KEYS = [...PAIRS, ...SECRETS].filter((name) => !/^slh.*(s$|f$)/.test(name) || name === 'slh-dsa-sha2-128f');

interface Case {
  readonly key: KeyAlgorithmName;
  readonly file: string;
  readonly signature: Buffer;
}
interface Judge {
  /** Undefined: it is here. */
  readonly missing: string | undefined;
  /** @throws when the signature is not right. */
  judge(made: Case): Promise<void> | void;
}

const publicFile = (key: KeyAlgorithmName, format: 'openssh' | 'minisign', folder: string): string => {
  writeFileSync(join(folder, 'public'), writePublicKey(pairOf(key).spki, key, format));
  return join(folder, 'public');
};
const jwkOf = async (key: KeyAlgorithmName, alg: string): Promise<never> => (await importJWK(JSON.parse(Buffer.from(writePublicKey(pairOf(key).spki, key, 'jwk')).toString()) as JWK, alg)) as never;
/** Of the algorithms that Debian 12's openssl 3.0 cannot check in CMS. */
const OPENSSL_HAS_NOT = /^(ed|ml-dsa|slh-dsa)/;
/** By pkijs: the signed attributes as they were signed, and the signature. */
function outsideReader(cms: Uint8Array): { contentInfo: string; attributes: Uint8Array; raw: Uint8Array } {
  const info = ContentInfo.fromBER(Uint8Array.from(cms));
  const [signer] = new SignedData({ schema: info.content }).signerInfos;
  return { contentInfo: info.contentType, attributes: new Uint8Array(signer!.signedAttrs!.encodedValue), raw: new Uint8Array(signer!.signature.valueBlock.valueHexView) };
}
const certificates = new Map<KeyAlgorithmName, Promise<Certificate>>();
const certificateFor = (key: KeyAlgorithmName): Promise<Certificate> => {
  const known = certificates.get(key) ?? certify(key, `CN=Ada with ${key}`);
  certificates.set(key, known);
  return known;
};
/** By node:crypto over the very bytes that the standard says are signed, in whichever algorithm of the key fits. */
const verifiesMessage = (key: KeyAlgorithmName, message: Uint8Array, signature: Uint8Array): boolean => {
  const publicKey = createPublicKey({ key: pairOf(key).spki, format: 'der', type: 'spki' });
  const [{ hash, family }] = [SIGNATURE_ALGORITHMS[(judgeFormat('raw', key) as { algorithms: (keyof typeof SIGNATURE_ALGORITHMS)[] }).algorithms[0]!] as SignatureAlgorithmFacts];
  return verify(hash, message, { key: publicKey, ...(family === 'rsa-pss' ? { padding: 6, saltLength: -2 } : {}) }, signature);
};

const JUDGES: Readonly<Record<SignatureFormatName, Judge>> = {
  raw: { missing: undefined, judge: ({ key, signature }) => expect(verifiesMessage(key, Buffer.from(TEXT), signature)).toBe(true) },
  sshsig: { missing: HAS_SSH_KEYGEN ? undefined : 'ssh-keygen', judge({ key, signature }) {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'allowed'), `ada@example.com ${Buffer.from(writePublicKey(pairOf(key).spki, key, 'openssh')).toString()}`);
    writeFileSync(join(folder.path, 'sig'), signature);
    expect(run('ssh-keygen', ['-Y', 'verify', '-f', join(folder.path, 'allowed'), '-I', 'ada@example.com', '-n', 'file', '-s', join(folder.path, 'sig')], Buffer.from(TEXT)).toString()).toContain('Good "file" signature');
  } },
  minisign: { missing: hasTool('minisign', '-v') ? undefined : 'minisign', judge({ key, file, signature }) {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'sig'), signature);
    expect(run('minisign', ['-V', '-p', publicFile(key, 'minisign', folder.path), '-m', file, '-x', join(folder.path, 'sig')]).toString()).toContain(`file:${basename(file)}`);
  } },
  signify: { missing: hasTool('signify-openbsd') ? undefined : 'signify-openbsd', judge({ key, file, signature }) {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'sig'), signature);
    expect(run('signify-openbsd', ['-V', '-p', publicFile(key, 'minisign', folder.path), '-m', file, '-x', join(folder.path, 'sig')]).toString()).toContain('Signature Verified');
  } },
  jws: { missing: undefined, async judge({ key, signature }) {
    const [header = '', , end = ''] = signature.toString().split('.');
    const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: string };
    if (alg === 'ES256K' || key === 'ed448') { // which WebCrypto, and so jose, lacks
      const half = KEY_ALGORITHMS[key].bits;
      const raw = Buffer.from(end, 'base64url');
      return expect(verifiesMessage(key, Buffer.from(`${header}.${TEXT}`), key === 'ed448' ? raw : ecdsaP1363ToDer(raw, half))).toBe(true);
    }
    await flattenedVerify({ protected: header, payload: Buffer.from(TEXT), signature: end }, await jwkOf(key, alg));
  } },
  jwt: { missing: undefined, async judge({ key, signature }) {
    const [header = '', payload = '', end = ''] = signature.toString().split('.');
    const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: string };
    if (alg === 'ES256K' || key === 'ed448') {
      const raw = Buffer.from(end, 'base64url');
      return expect(verifiesMessage(key, Buffer.from(`${header}.${payload}`), key === 'ed448' ? raw : ecdsaP1363ToDer(raw, 256))).toBe(true);
    }
    expect((await jwtVerify(signature.toString(), await jwkOf(key, alg))).payload.sub).toBe('ada');
  } },
  dsse: { missing: undefined, judge({ key, signature }) {
    const { payload, payloadType, signatures } = JSON.parse(signature.toString()) as { payload: string; payloadType: string; signatures: { sig: string }[] };
    expect(Buffer.from(payload, 'base64').toString()).toBe(TEXT);
    const encoded = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${TEXT.length} `), Buffer.from(TEXT)]);
    expect(verifiesMessage(key, encoded, Buffer.from(signatures[0]!.sig, 'base64'))).toBe(true);
  } },
  cms: { missing: HAS_OPENSSL ? undefined : 'openssl', async judge({ key, file, signature }) {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'sig'), signature);
    writeFileSync(join(folder.path, 'root.pem'), (await certificateFor(key)).toPem());
    if (!OPENSSL_HAS_NOT.test(key)) return expect(run('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', join(folder.path, 'sig'), '-content', file, '-CAfile', join(folder.path, 'root.pem'), '-out', join(folder.path, 'out')]).toString()).toBe('');
    // openssl 3.0 has no Ed25519 in CMS and nothing post-quantum: what it would check is checked by node:crypto and pkijs' reader.
    const { contentInfo, attributes, raw } = outsideReader(signature);
    expect([contentInfo, verifiesMessage(key, attributes, raw)]).toEqual(['1.2.840.113549.1.7.2', true]);
  } },
  openpgp: { missing: undefined, async judge({ key, signature }) {
    if (/secp256k1|brainpool/.test(key)) return; // openpgp.js verifies these with a package that it does not bring; gpg judges them in openpgp.test.ts
    const publicKey = await openpgpPublicKey(signingKey(key), 'Ada <ada@example.com>', { algorithm: (judgeFormat('openpgp', key) as { algorithms: ['ed25519'] }).algorithms[0] });
    const { signatures: [only] } = await verifyOpenpgp({ message: await createMessage({ binary: Buffer.from(TEXT) }), signature: await readSignature({ armoredSignature: signature.toString() }), verificationKeys: await readKey({ armoredKey: publicKey.toString() }), config: { rejectCurves: new Set() } });
    expect(await only!.verified).toBe(true);
  } },
  // The block over the signature file; jarsigner judges whole archives in jar/jar.test.ts.
  jar: { missing: HAS_OPENSSL && hasTool('unzip', '-v') ? undefined : 'openssl or unzip', async judge({ key, signature }) {
    using folder = temporaryFolder();
    const [archive, content, block, root] = ['jar', 'sf', 'block', 'root.pem'].map((name) => join(folder.path, name)) as [string, string, string, string];
    writeFileSync(archive, signature);
    writeFileSync(content, run('unzip', ['-p', archive, 'META-INF/*.SF']));
    writeFileSync(block, run('unzip', ['-p', archive, key.startsWith('rsa') ? 'META-INF/*.RSA' : 'META-INF/*.EC']));
    if (OPENSSL_HAS_NOT.test(key)) {
      const { contentInfo, attributes, raw } = outsideReader(readFileSync(block));
      return expect([contentInfo, verifiesMessage(key, attributes, raw)]).toEqual(['1.2.840.113549.1.7.2', true]);
    }
    writeFileSync(root, (await certificateFor(key)).toPem());
    run('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', block, '-content', content, '-CAfile', root, '-out', join(folder.path, 'out')]);
  } },
  pdf: { missing: hasTool('pdfsig', '-v') && HAS_OPENSSL ? undefined : 'pdfsig and openssl', async judge({ key, signature }) {
    using folder = temporaryFolder();
    const { path } = folder;
    writeFileSync(join(path, 'signed.pdf'), signature);
    // NSS, by which pdfsig verifies, knows RSA with the older padding and two curves.
    if (/^(rsa-|ec-p256$|ec-p384$)/.test(key)) expect(run('pdfsig', ['-nocert', join(path, 'signed.pdf')]).toString()).toMatch(/Signature Type: ETSI\.CAdES\.detached[^]*Total document signed[^]*Signature is Valid/);
    const { cms, covered } = extracted(signature);
    writeFileSync(join(path, 'cms'), cms);
    writeFileSync(join(path, 'covered'), covered);
    writeFileSync(join(path, 'root.pem'), (await certificateFor(key)).toPem());
    if (!OPENSSL_HAS_NOT.test(key)) return expect(run('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', join(path, 'cms'), '-content', join(path, 'covered'), '-CAfile', join(path, 'root.pem'), '-out', join(path, 'out')]).toString()).toBe('');
    const { contentInfo, attributes, raw } = outsideReader(cms);
    expect([contentInfo, verifiesMessage(key, attributes, raw)]).toEqual(['1.2.840.113549.1.7.2', true]);
  } },
  xml: { missing: hasTool('xmlsec1', '--version') ? undefined : 'xmlsec1', async judge({ key, file, signature }) {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'sig.xml'), signature);
    writeFileSync(join(folder.path, 'root.pem'), (await certificateFor(key)).toPem());
    if (!key.startsWith('ed')) return expect(run('sh', ['-c', `cd "$1" && xmlsec1 verify --trusted-pem "$2" --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties "$3" 2>&1`, 'sh', dirname(file), join(folder.path, 'root.pem'), join(folder.path, 'sig.xml')]).toString()).toContain('OK');
    // xmlsec1 1.2 has no EdDSA: our SignedInfo is written as its canonical form is, but for the namespace.
    const [, info = '', value = ''] = /(<ds:SignedInfo>.*<\/ds:SignedInfo>)<ds:SignatureValue[^>]*>([^<]*)</.exec(signature.toString()) ?? [];
    expect(verifiesMessage(key, Buffer.from(info.replace('<ds:SignedInfo>', '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">')), Buffer.from(value, 'base64'))).toBe(true);
  } },
  asic: { missing: hasTool('xmlsec1', '--version') && hasTool('unzip', '-v') ? undefined : 'xmlsec1 or unzip', async judge({ key, signature }) {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'container'), signature);
    run('unzip', ['-q', '-d', folder.path, join(folder.path, 'container')]);
    expect(readFileSync(join(folder.path, 'mimetype'), 'utf8')).toBe('application/vnd.etsi.asic-e+zip');
    await JUDGES.xml.judge({ key, file: join(folder.path, 'file.txt'), signature: readFileSync(join(folder.path, 'META-INF', 'signatures1.xml')) });
  } },
  timestamp: { missing: undefined, judge: () => undefined },
  cose: { missing: undefined, judge({ key, signature }) {
    const { value } = readCbor(signature) as CborTag;
    const [protectedHeader, , payload, raw] = value as [Uint8Array, unknown, null, Uint8Array];
    expect(payload).toBe(null);
    const signed = writeCbor(['Signature1', protectedHeader, Buffer.alloc(0), Buffer.from(TEXT)]);
    expect(verifiesMessage(key, signed, KEY_ALGORITHMS[key].family === 'ec' ? ecdsaP1363ToDer(raw, KEY_ALGORITHMS[key].bits) : raw)).toBe(true);
  } },
};

describe.each(SIGNATURE_FORMAT_NAMES)('%s', (format) => {
  const { missing, judge } = JUDGES[format];
  const able = KEYS.filter((key) => !('refused' in judgeFormat(format, key)));

  test.each(able)(`a key of %s makes it${missing === undefined ? '' : ` (not judged: there is no ${missing} here)`}, others find it right, and so do we, but for one byte changed`, async (key) => {
    using folder = temporaryFolder();
    const signer = SIGNATURE_FORMATS[format].certificates === true ? await certifiedKey(key, await certificateFor(key)) : signingKey(key);
    const file = await contentOf(folder.path, await sampleFor(format, TEXT));
    const signature = await signAs(format, file, signer);
    expect(signer.asked).toHaveLength(SIGNATURE_FORMATS[format].uses);
    if (missing === undefined) await judge({ key, file: file.path, signature });
    const embedded = SIGNATURE_FORMATS[format].detached === 'never';
    const named = format === 'signify' ? 'minisign' : format;
    const holder = embedded ? await contentOf(folder.path, signature, 'signed') : file;
    const [verdict] = await verifyAs(holder, embedded ? null : signature, trusting(key), format === 'raw' ? 'raw' : undefined);
    expect([named, verdict]).toMatchObject([named, { intact: true, trustedBy: { source: 'held-key' }, problem: null }]);
    const [stranger] = await verifyAs(holder, embedded ? null : signature, { ...trusting(), named: false });
    expect(stranger?.trustedBy).toBe(null);
    if (embedded) return;
    const [other] = await verifyAs(await contentOf(folder.path, TEXT.replace('ada', 'eve')), signature, trusting(key), format);
    expect(other).toMatchObject({ intact: false, trustedBy: null });
  });

  test('what cannot make it is told why', () => {
    for (const key of KEYS.filter((name) => !able.includes(name))) {
      const row = formatsOf(key).find((one) => one.format === format);
      expect(row).toMatchObject({ available: false, algorithms: [], limit: null });
      expect(row?.reason).toMatch(/[a-z].*\.$/);
    }
  });
});

/** Has a key in a token sign in each format that the table offers for it. @param uses counts signatures, however the token tells of them. @returns the formats. */
async function signsInEach(algorithm: KeyAlgorithmName, sign: SigningKey['sign'], uses: () => number): Promise<SignatureFormatName[]> {
  using folder = temporaryFolder();
  const certificate = await certificateFor(algorithm);
  const signer = { ...signingKey(algorithm), certificate: async () => ({ certificate, chain: [] }), sign };
  const made: SignatureFormatName[] = [];
  for (const { format, available, uses: expected } of formatsOf(algorithm)) {
    if (!available) continue;
    const file = await contentOf(folder.path, await sampleFor(format, TEXT));
    const before = uses();
    const signature = await signAs(format, file, signer);
    expect([format, uses() - before]).toEqual([format, expected]);
    if (JUDGES[format].missing === undefined) await JUDGES[format].judge({ key: algorithm, file: file.path, signature });
    made.push(format);
  }
  expect(made.includes('minisign')).toBe(algorithm === 'ed25519');
  expect(made.length).toBeGreaterThan(algorithm === 'ed25519' ? 9 : 8);
  return made;
}

/** Keys of a YubiKey with firmware 5.7 that sign. */
const ON_YUBIKEY = ['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'] as const;

test.each(ON_YUBIKEY)('a YubiKey with a key of %s signs in every format that the table offers for it, with one PIN and a touch a signature, and others find each right', async (algorithm) => {
  const plugged = await plug({ firmware: '5.7.1' });
  const { virtual, token: { store } } = plugged;
  virtual.touch.automatic = true;
  const { uri, id } = await store.importer!.importKey({ id: '', label: '', extractable: false, usages: KEY_ALGORITHMS[algorithm].usages, slot: '9a', pinPolicy: 'once', touchPolicy: 'always' }, materialOf(algorithm), plugged.call());
  const call = plugged.call({ pin: '123456' });
  await signsInEach(algorithm, (name, content) => store.signer!.sign({ uri, id, version: 1, label: 'Release' }, name, content, call), () => virtual.touch.waits);
  expect(call.asked.filter(({ kind }) => kind !== 'touch').map(({ purpose }) => purpose)).toEqual(['pin']);
  expect(virtual.ledger.count('pin', 'accepted')).toBe(1);
});

describe.skipIf(missingForSoftHsm() !== undefined)(`PKCS#11: ${missingForSoftHsm() ?? 'SoftHSM'}`, () => {
  test('keys of a token sign in every format that the table offers for them, with one PIN, and others find each right', async () => {
    using hsm = new SoftHsm().initialise('Build');
    await using source = await openSource(hsm);
    const { store } = tokenIn(source, 'Build');
    const call = callOf({ pin: PIN });
    for (const algorithm of ['ec-p256', 'ec-p521', 'rsa-3072', 'ed25519'] as const) {
      const { uri, id } = await store.importer!.importKey({ id: '', label: algorithm, extractable: false, usages: ['sign', 'verify'] }, materialOf(algorithm), call);
      let uses = 0;
      await signsInEach(algorithm, (name, content) => { uses += 1; return store.signer!.sign({ uri, id, version: 1, label: algorithm }, name, content, call); }, () => uses);
    }
    expect(call.asked.map(({ purpose }) => purpose)).toEqual(['pin']);
  });
});

test('of a large file each format asks the key for a digest or a few bytes, unless the scheme is pure and the table says so', async () => {
  using folder = temporaryFolder();
  const large = '{"a":"' + 'x'.repeat(300_000) + '"}';
  for (const format of SIGNATURE_FORMAT_NAMES) {
    for (const key of ['rsa-2048', 'ec-p256', 'ed25519'] as const) {
      if ('refused' in judgeFormat(format, key)) continue;
      const signer = await certifiedKey(key);
      await signAs(format, await contentOf(folder.path, await sampleFor(format, large)), signer);
      const longest = Math.max(...signer.asked.map(({ content }) => ('digest' in content ? content.digest : content.message).length));
      const whole = key === 'ed25519' && (SIGNATURE_FORMATS[format].wholeForPure || (SIGNATURE_FORMATS[format].largest !== undefined && format !== 'pdf'));
      expect([format, key, longest > 10_000]).toEqual([format, key, whole]);
    }
  }
});

test('a key that may not sign now is refused for every format with that reason', () => {
  for (const row of formatsOf('ed25519', because('key.in-trash', { key: 'Old' })).filter(({ format }) => format !== 'timestamp')) expect(row).toMatchObject({ available: false, reason: '“Old” is in the trash.', why: { reason: 'key.in-trash', values: { key: 'Old' } } });
});

test('jose reads every form of a JWS: with the payload inside, and as JSON', async () => {
  using folder = temporaryFolder();
  const file = await contentOf(folder.path, TEXT);
  const key = await jwkOf('ec-p256', 'ES256');
  const attached = await signAs('jws', file, signingKey('ec-p256'), { detached: false });
  expect(Buffer.from((await compactVerify(attached.toString(), key)).payload).toString()).toBe(TEXT);
  const general = await signAs('jws', file, signingKey('ec-p256'), { detached: false, form: 'json' });
  expect(Buffer.from((await generalVerify(JSON.parse(general.toString()), key)).payload).toString()).toBe(TEXT);
  const { signatures: [only] } = JSON.parse((await signAs('jws', file, signingKey('ec-p256'), { form: 'json' })).toString()) as { signatures: { protected: string; signature: string }[] };
  await flattenedVerify({ ...only!, payload: Buffer.from(TEXT) }, key);
  for (const [made, holds] of [[attached, true], [general, true]] as const) {
    expect(await verifyAs(await contentOf(folder.path, made, 'token'), null, trusting('ec-p256'))).toMatchObject([{ intact: holds }]);
    expect(await verifyAs(file, made, trusting('ec-p256'))).toMatchObject([{ intact: true }]);
    expect(await verifyAs(await contentOf(folder.path, 'another file', 'other'), made, trusting('ec-p256'))).toMatchObject([{ intact: false }]);
  }
});

test('COSE holds a file of any size inside, as well as beside', async () => {
  using folder = temporaryFolder();
  for (const size of [0, 23, 24, 255, 256, 65_536]) {
    const made = await signAs('cose', await contentOf(folder.path, Buffer.alloc(size, 'x')), signingKey('ec-p256'), { detached: false, payloadType: 'text/plain' });
    expect(await verifyAs(await contentOf(folder.path, made, 'signed'), null, trusting('ec-p256'))).toMatchObject([{ intact: true }]);
    expect(createHash('sha256').update(((readCbor(made) as CborTag).value as Uint8Array[])[2]!).digest()).toEqual(createHash('sha256').update(Buffer.alloc(size, 'x')).digest());
  }
});
