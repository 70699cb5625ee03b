import { createCipheriv, createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { CompactEncrypt, compactDecrypt, FlattenedEncrypt, GeneralEncrypt, generalDecrypt } from 'jose';
import { describe, expect, test } from 'vitest';
import { corpus } from '../../../scripts/corpora.ts';
import { KEY_ALGORITHMS, type KeyAlgorithmName, KeywrightError, SecretBytes } from '../../contract/index.ts';
import { readPrivateJwk } from '../../formats/jwk.ts';
import { pairOf, temporaryFolder } from '../../formats/testing/keys.ts';
import { algorithmOfSpki } from '../../formats/index.ts';
import { encryptFile } from '../files.ts';
import { unwrapKey, wrapKey } from '../key-wrap.ts';
import type { HeldSecret, Openers, Party } from '../parties.ts';
import { decrypted, encrypted, held, openers, partyOf, passphrase, PASSPHRASE } from '../testing/parties.ts';
import { MemorySource } from '../source.ts';
import { CONTENT_CIPHERS } from './algorithms.ts';
import { decryptJwe, openContent } from './decrypt.ts';
import { jweRecipient } from './recipients.ts';

const plaintext = randomBytes(3000);
const ALGORITHMS = ['rsa-2048', 'ec-p256', 'ec-p384', 'ec-p521', 'x25519'] as const;
const secretParty = (key: Buffer): Party => ({ kind: 'secret', name: 'A secret', algorithm: `aes-${(key.length * 8) as 256}`, id: 'own', wrap: async (material) => wrapKey(key, material.reveal()) });
const heldSecret = (key: Buffer): HeldSecret => ({ name: 'A secret', algorithm: `aes-${(key.length * 8) as 256}`, id: 'own', async unwrap(wrapped) {
  const content = unwrapKey(key, wrapped);
  if (content === undefined) throw new KeywrightError('INVALID_INPUT', { detail: 'It does not open.' });
  return new SecretBytes(content);
} });

/** Opens a text that is in no file. */
async function opened(text: string, by: Openers): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  await decryptJwe(new MemorySource(Buffer.from(text, 'latin1')), by, async (piece) => void pieces.push(piece));
  return Buffer.concat(pieces);
}

test.each(ALGORITHMS)('jose opens what we encrypt for %s, and our other keys do not', async (algorithm) => {
  using folder = temporaryFolder();
  const path = await encrypted(folder.path, 'jwe', [partyOf(algorithm)], plaintext);
  const { plaintext: theirs } = await compactDecrypt(readFileSync(path), pairOf(algorithm).privateKey);
  expect(Buffer.from(theirs)).toEqual(plaintext);
  expect(await decrypted(path, openers([held(algorithm)]))).toEqual(plaintext);
  await expect(decrypted(path, openers(ALGORITHMS.filter((other) => other !== algorithm).map((other) => held(other))))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const { spki, privateKey } = KEY_ALGORITHMS[algorithm].family === 'rsa' ? pairOf('rsa-3072') : { ...generateAlike(algorithm) };
  await expect(decrypted(path, openers([held(algorithm, [], { spki, privateKey })]))).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

function generateAlike(algorithm: KeyAlgorithmName): { spki: Uint8Array; privateKey: ReturnType<typeof pairOf>['privateKey'] } {
  const { publicKey, privateKey } = algorithm === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('ec', { namedCurve: KEY_ALGORITHMS[algorithm].openssl });
  return { spki: publicKey.export({ type: 'spki', format: 'der' }), privateKey };
}

test.each(ALGORITHMS)('we open what jose encrypts for %s in each of its ways', async (algorithm) => {
  const { publicKey } = pairOf(algorithm);
  const algs = algorithm.startsWith('rsa') ? ['RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512'] : ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'];
  for (const alg of algs) {
    for (const enc of Object.keys(CONTENT_CIPHERS)) {
      const compact = new CompactEncrypt(plaintext).setProtectedHeader({ alg, enc });
      if (alg.startsWith('ECDH')) compact.setKeyManagementParameters({ apu: Buffer.from('Ada'), apv: Buffer.from('Bob') });
      expect(await opened(`${await compact.encrypt(publicKey)}\n`, openers([held('ec-p256', [], generateAlike('ec-p256')), held(algorithm)]))).toEqual(plaintext);
    }
    const flattened = await new FlattenedEncrypt(plaintext).setProtectedHeader({ enc: 'A256GCM' }).setUnprotectedHeader({ alg }).setAdditionalAuthenticatedData(Buffer.from('more')).encrypt(publicKey);
    expect(await opened(JSON.stringify(flattened), openers([held(algorithm)]))).toEqual(plaintext);
  }
});

test('each of several recipients opens it, in general JSON, and jose does', async () => {
  using folder = temporaryFolder();
  const secret = randomBytes(32);
  const path = await encrypted(folder.path, 'jwe', [...ALGORITHMS.map((algorithm) => partyOf(algorithm)), secretParty(secret), passphrase], plaintext);
  const json = JSON.parse(readFileSync(path, 'utf8')) as Parameters<typeof generalDecrypt>[0];
  expect(json.recipients.length).toBe(7);
  for (const algorithm of ALGORITHMS) {
    const { plaintext: theirs } = await generalDecrypt({ ...json, recipients: json.recipients.filter((_, index) => index === ALGORITHMS.indexOf(algorithm)) }, pairOf(algorithm).privateKey);
    expect(Buffer.from(theirs)).toEqual(plaintext);
    expect(await decrypted(path, openers([held(algorithm)]))).toEqual(plaintext);
  }
  expect(await decrypted(path, openers([], 'not this one', { secrets: [heldSecret(secret)] }))).toEqual(plaintext);
  expect(await decrypted(path, openers([], PASSPHRASE, { secrets: [heldSecret(randomBytes(32))] }))).toEqual(plaintext);
  await expect(decrypted(path, openers([], 'not this one'))).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
  const general = await new GeneralEncrypt(plaintext).setProtectedHeader({ enc: 'A256GCM' }).addRecipient(pairOf('ec-p384').publicKey).setUnprotectedHeader({ alg: 'ECDH-ES+A256KW' })
    .addRecipient(createSecretKey(secret)).setUnprotectedHeader({ alg: 'A256KW' }).encrypt();
  expect(await opened(JSON.stringify(general), openers([], '', { secrets: [heldSecret(secret)] }))).toEqual(plaintext);
  expect(await opened(JSON.stringify(general), openers([held('ec-p384')]))).toEqual(plaintext);
});

test('a passphrase and a secret key are read by jose, and theirs by us; too many rounds are refused before anybody waits', async () => {
  using folder = temporaryFolder();
  const path = await encrypted(folder.path, 'jwe', [passphrase], plaintext);
  expect(Buffer.from((await compactDecrypt(readFileSync(path), Buffer.from(PASSPHRASE), { maxPBES2Count: 300_000, keyManagementAlgorithms: ['PBES2-HS512+A256KW'] })).plaintext)).toEqual(plaintext);
  for (const alg of ['PBES2-HS256+A128KW', 'PBES2-HS384+A192KW', 'PBES2-HS512+A256KW']) {
    const theirs = await new CompactEncrypt(plaintext).setProtectedHeader({ alg, enc: 'A128GCM' }).setKeyManagementParameters({ p2c: 3000 }).encrypt(Buffer.from(PASSPHRASE));
    expect(await opened(theirs, openers([]))).toEqual(plaintext);
  }
  for (const bytes of [16, 24, 32]) {
    const key = randomBytes(bytes);
    const made = await encrypted(folder.path, 'jwe', [secretParty(key)], plaintext);
    expect(Buffer.from((await compactDecrypt(readFileSync(made), createSecretKey(key))).plaintext)).toEqual(plaintext);
    expect(await decrypted(made, openers([], '', { secrets: [heldSecret(key)] }))).toEqual(plaintext);
  }
  const header = (rounds: unknown): string => Buffer.from(JSON.stringify({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2s: randomBytes(16).toString('base64url'), p2c: rounds })).toString('base64url');
  const asked = openers([], '', { passphrase: () => { throw new Error('it must not be asked for'); } });
  const rest = `.${randomBytes(40).toString('base64url')}.${randomBytes(12).toString('base64url')}.AAAA.${randomBytes(16).toString('base64url')}`;
  await expect(opened(header(1e12) + rest, asked)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('rounds') });
  for (const rounds of [0, -1, 1.5, '1000', undefined]) await expect(opened(header(rounds) + rest, asked)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('a JWE that was changed or cut anywhere is refused, compact and in JSON', async () => {
  using folder = temporaryFolder();
  const small = plaintext.subarray(0, 100);
  for (const parties of [[partyOf('ec-p256')], [partyOf('rsa-2048')], [partyOf('ec-p256'), partyOf('x25519')]]) {
    const text = readFileSync(await encrypted(folder.path, 'jwe', parties, small), 'latin1').trimEnd();
    const by = openers([held(parties[0]!.algorithm)]);
    for (let at = 0; at < text.length; at += 1) {
      const other = text[at] === 'A' ? 'B' : 'A';
      const changed = text.slice(0, at) + other + text.slice(at + 1);
      const result = await opened(changed, by).catch((thrown: unknown) => thrown);
      // In JSON, the headers of the recipients are not under the tag (RFC 7516 §7.2.1): a change there that leaves the key leaves the content.
      if (parties.length === 1 || Buffer.isBuffer(result) === false) expect([at, result]).toEqual([at, expect.any(KeywrightError)]);
      else expect(result).toEqual(small);
      await expect(opened(text.slice(0, at), by)).rejects.toThrow(KeywrightError);
    }
  }
});

test('what is asked for and not known is refused: critical headers, other compressions, RSA1_5, none', async () => {
  const make = (header: object): string => `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${randomBytes(256).toString('base64url')}.${randomBytes(12).toString('base64url')}.AAAA.${randomBytes(16).toString('base64url')}`;
  const by = openers([held('rsa-2048')]);
  for (const [header, code] of [
    [{ alg: 'RSA-OAEP-256', enc: 'A256GCM', crit: ['exp'], exp: 1 }, 'CAPABILITY_MISSING'], [{ alg: 'RSA-OAEP-256', enc: 'A256GCM', zip: 'GZ' }, 'CAPABILITY_MISSING'], [{ alg: 'RSA1_5', enc: 'A256GCM' }, 'CAPABILITY_MISSING'],
    [{ alg: 'RSA-OAEP-256', enc: 'none' }, 'CAPABILITY_MISSING'], [{ alg: 'RSA-OAEP-256', enc: 'constructor' }, 'CAPABILITY_MISSING'], [{ alg: 'toString', enc: 'A256GCM' }, 'NOT_FOUND'], [{ enc: 'A256GCM' }, 'INVALID_INPUT'],
    [{ alg: 'RSA-OAEP-256', enc: 'A256GCM' }, 'NOT_FOUND'],
  ] as const) await expect(opened(make(header), by)).rejects.toMatchObject({ code });
});

test('one that is too large is refused, and the error names what serves; one that unpacks to something huge is too', async () => {
  using folder = temporaryFolder();
  const path = await encrypted(folder.path, 'jwe', [partyOf('x25519')], Buffer.from('short'));
  truncateSync(join(folder.path, 'plain'), 64 * 1024 * 1024 + 1);
  const watch = { signal: new AbortController().signal };
  await expect(encryptFile(join(folder.path, 'plain'), [partyOf('x25519')], { format: 'jwe', armor: false }, watch, async () => undefined)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: ['age', 'openpgp', 'cms'] } });
  truncateSync(path, 100 * 1024 * 1024);
  await expect(decrypted(path, openers([held('x25519')]))).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  const bomb = deflateRawSync(Buffer.alloc(65 * 1024 * 1024));
  const jwe = await deflated(bomb);
  await expect(opened(jwe, openers([held('x25519')]))).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('compressed') });
  expect(await opened(await deflated(deflateRawSync(plaintext)), openers([held('x25519')]))).toEqual(plaintext);
});

/** What says that it is compressed. */
async function deflated(content: Uint8Array): Promise<string> {
  const [key, iv] = [randomBytes(32), randomBytes(12)];
  const { header, encryptedKey } = await jweRecipient(partyOf('x25519'), key);
  const protectedText = Buffer.from(JSON.stringify({ ...header, enc: 'A256GCM', zip: 'DEF' })).toString('base64url');
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(protectedText));
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()]);
  return [protectedText, ...[encryptedKey, iv, ciphertext, cipher.getAuthTag()].map((part) => Buffer.from(part).toString('base64url'))].join('.');
}

interface Example { title: string; input: { plaintext: string; key?: Record<string, string> | Record<string, string>[]; pwd?: string; alg: string | string[] }; output: { compact?: string; json?: object; json_flat?: object } }
const folder = join(corpus('jose-cookbook') ?? '', 'jwe');
const EXAMPLES = corpus('jose-cookbook') === undefined ? [] : readdirSync(folder).map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8')) as Example] as const);

describe.skipIf(EXAMPLES.length === 0)('the examples of RFC 7520 (skipped without the corpora)', () => {
  test.each(EXAMPLES)('%s', async (_name, { input, output }) => {
    const keys = [input.key ?? []].flat();
    const by = openers([], input.pwd ?? '', { secrets: keys.filter(({ kty }) => kty === 'oct').map((jwk) => ({ ...heldSecret(Buffer.from(jwk['k'] ?? '', 'base64url')), id: jwk['kid'] ?? '' })), keys: await Promise.all(keys.filter(({ kty }) => kty !== 'oct').map(ofJwk)) });
    const algs = [input.alg].flat();
    const refused = algs.every((alg) => ['RSA1_5', 'dir', 'A256GCMKW'].includes(alg));
    for (const form of [output.compact, output.json, output.json_flat].filter((each) => each !== undefined)) {
      const result = opened(typeof form === 'string' ? form : JSON.stringify(form), by);
      if (refused) await expect(result).rejects.toMatchObject({ code: algs.includes('RSA1_5') ? 'CAPABILITY_MISSING' : 'NOT_FOUND' });
      else expect((await result).toString('utf8')).toBe(input.plaintext);
    }
  });
});

async function ofJwk(jwk: Record<string, string>): Promise<ReturnType<typeof held>> {
  using material = (await readPrivateJwk(jwk)).secret;
  const privateKey = createPrivateKey({ key: Buffer.from(material.reveal()), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return held(algorithmOfSpki(spki), [], { spki, privateKey });
}

interface Vectors {
  readonly testGroups: readonly {
    readonly private?: Record<string, string>;
    readonly tests: readonly { readonly tcId: number; readonly comment: string; readonly result: 'valid' | 'invalid'; readonly jwe?: string; readonly pt?: string; readonly key: string; readonly iv: string; readonly aad: string; readonly msg: string; readonly ct: string; readonly tag: string }[];
  }[];
}
const wycheproof = corpus('wycheproof');
const vectorsIn = (name: string): Vectors['testGroups'] => (JSON.parse(readFileSync(join(wycheproof as string, 'testvectors_v1', `${name}_test.json`), 'utf8')) as Vectors).testGroups;

describe.skipIf(wycheproof === undefined)('the vectors of Wycheproof (skipped without the corpora)', () => {
  /** Ways to a content's key that are not handled: RSA1_5 since its padding tells an attacker too much, the others since keys here wrap and do not encrypt keys. */
  const NOT_HANDLED = ['RSA1_5', 'dir', 'A128GCMKW', 'A192GCMKW', 'A256GCMKW'];

  test('of whole JWE: what is right opens, unless in a way that is not handled, and all else is refused', async () => {
    let right = 0;
    const wrong: string[] = [];
    for (const { private: jwk = {}, tests } of [...vectorsIn('json_web_encryption'), ...vectorsIn('json_web_crypto')]) {
      if (tests.every(({ jwe }) => jwe === undefined)) continue;
      const by = jwk['kty'] === 'oct' ? openers([], '', { secrets: [{ ...heldSecret(Buffer.from(jwk['k'] ?? '', 'base64url')), id: jwk['kid'] ?? '' }] }) : openers([await ofJwk(jwk)]);
      for (const { tcId, comment, result, jwe, pt = '666f6f' } of tests) {
        // A JWK's own `alg` binds no key here: what a key may do is in its usages. And JSON is read as well as the compact form.
        if (jwe === undefined || ['GcmKeyUsedWithKw', 'rejectsValidJsonSerialization'].includes(comment)) continue;
        const outcome = await opened(jwe, by).then((plain) => plain.toString('hex'), (thrown: unknown) => (thrown instanceof KeywrightError && thrown.code !== 'INTERNAL' ? 'refused' : String(thrown)));
        const expected = result === 'valid' && !NOT_HANDLED.includes(jwk['alg'] ?? '') && jwk['alg'] !== 'A128GCM' ? pt : 'refused';
        if (outcome !== expected) wrong.push(`${tcId} ${comment}: ${outcome}`);
        else if (expected === pt) right += 1;
      }
    }
    expect(wrong).toEqual([]);
    expect(right).toBe(52);
  });

  test.each([['A128CBC-HS256', 'a128cbc_hs256'], ['A192CBC-HS384', 'a192cbc_hs384'], ['A256CBC-HS512', 'a256cbc_hs512']] as const)('of %s: what is right opens, and all else does not', (enc, name) => {
    const hex = (text: string): Buffer => Buffer.from(text, 'hex');
    for (const { tests } of vectorsIn(name)) {
      for (const { tcId, result, key, iv, aad, msg, ct, tag } of tests) {
        using secret = new SecretBytes(hex(key));
        expect([tcId, openContent({ iv: hex(iv), ciphertext: hex(ct), tag: hex(tag), aad: hex(aad) }, CONTENT_CIPHERS[enc]!, secret)?.toString('hex')]).toEqual([tcId, result === 'valid' ? msg : undefined]);
      }
    }
  });
});
