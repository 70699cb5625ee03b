import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { corpus } from '../../scripts/corpora.ts';
import { KeywrightError, type SignatureFormatName } from '../contract/index.ts';
import { readPublicKey } from '../formats/index.ts';
import { temporaryFolder } from '../formats/testing/keys.ts';
import type { SignatureVerdict } from './format.ts';
import { securityKeyOfLine } from './ssh-signature.ts';
import { contentOf, trustingSpki, verifyAs } from './testing/keys.ts';

/** Signatures that others made, and what others say of them. */

const [SSH, MINISIGN, JOSE, COSE, WYCHEPROOF] = [corpus('ssh'), corpus('minisign'), corpus('jose-cookbook'), corpus('cose-examples'), corpus('wycheproof')];
const WITHOUT = '(skipped without the corpora)';
type Json = Record<string, any>;

describe.skipIf(SSH === undefined)(`SSHSIG of OpenSSH ${WITHOUT}`, () => {
  const folder = join(SSH ?? '', 'sshsig', 'testdata');
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  const namespace = SSH === undefined ? '' : read('namespace').toString().trim();
  const allowedBy = (name: string): Buffer => Buffer.concat([Buffer.from('ada@example.com '), read(name)]);

  test.each(['rsa', 'ecdsa', 'ed25519', 'ed25519_sk', 'ecdsa_sk'])('%s is right for its namespace and for no other', async (name) => {
    using place = temporaryFolder();
    const file = await contentOf(place.path, read('signed-data'));
    const trust = { keys: [], named: false, at: new Date(), allowedSigners: allowedBy(`${name}.pub`) };
    expect(await verifyAs(file, read(`${name}.sig`), { ...trust, namespace })).toMatchObject([{ intact: true, name: 'ada@example.com', trustedBy: { source: 'allowed-signers' } }]);
    expect(await verifyAs(file, read(`${name}.sig`), trust)).toMatchObject([{ intact: false, trustedBy: null }]);
    const named = securityKeyOfLine(read(`${name}.pub`)) ?? readPublicKey(read(`${name}.pub`)).spki;
    expect(await verifyAs(file, read(`${name}.sig`), { ...trustingSpki(named), namespace })).toMatchObject([{ intact: true, trustedBy: expect.anything() as unknown }]);
    const other = await contentOf(place.path, 'something else', 'other');
    expect(await verifyAs(other, read(`${name}.sig`), { ...trust, namespace })).toMatchObject([{ intact: false }]);
  });

  test.each(['mldsa44-ed25519', 'ecdsa_sk_webauthn'])('%s is named as what we do not check', async (name) => {
    using place = temporaryFolder();
    await expect(verifyAs(await contentOf(place.path, read('signed-data')), read(`${name}.sig`), { ...trustingSpki(readPublicKey(read('ed25519.pub')).spki), namespace })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  });
});

describe.skipIf(MINISIGN === undefined)(`minisign by two implementations ${WITHOUT}`, () => {
  const read = (name: string): Buffer => readFileSync(join(MINISIGN as string, name));
  test.each([
    ['aead/message.txt', 'aead/message.txt.minisig', 'aead/minisign.pub'], ['jedisct1/test', 'jedisct1/legacy.minisig', 'jedisct1/minisign.pub'], ['jedisct1/test', 'jedisct1/prehashed.minisig', 'jedisct1/minisign.pub'],
  ])('%s: %s', async (message, signature, key) => {
    using place = temporaryFolder();
    const trust = trustingSpki(readPublicKey(read(key)).spki);
    const file = await contentOf(place.path, read(message));
    expect(await verifyAs(file, read(signature), trust)).toMatchObject([{ intact: true, time: { according: 'signer' } }]);
    const changed = Buffer.from(read(signature).toString().replace(/timestamp:1/, 'timestamp:2'));
    expect(await verifyAs(file, changed, trust)).toMatchObject([{ intact: false, problem: expect.stringContaining('trusted comment') }]);
    expect(await verifyAs(await contentOf(place.path, 'other', 'other'), read(signature), trust)).toMatchObject([{ intact: false }]);
  });

  test('line ends of Windows are read as well', async () => {
    using place = temporaryFolder();
    expect(await verifyAs(await contentOf(place.path, 'x'), read('aead/robtest.ps1.minisig'), trustingSpki(readPublicKey(read('aead/minisign.pub')).spki))).toMatchObject([{ intact: false }]);
  });
});

/** Verifies a token that holds its payload, or answers with the error's code. */
async function verdictOf(token: Uint8Array, jwk: Json, payload?: Uint8Array, format?: SignatureFormatName): Promise<SignatureVerdict[] | string> {
  using place = temporaryFolder();
  try {
    const trust = trustingSpki(readPublicKey(Buffer.from(JSON.stringify(jwk))).spki);
    return await (payload === undefined ? verifyAs(await contentOf(place.path, token), null, trust, format) : verifyAs(await contentOf(place.path, payload), token, trust));
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return thrown.code;
    throw thrown;
  }
}

describe.skipIf(WYCHEPROOF === undefined)(`JWS of Wycheproof ${WITHOUT}`, () => {
  /** Not ours to refuse: a JWK's own `alg`, `use` and `key_ops` bind no key here, and PSS verifies with a salt of any length. */
  const TAKEN = /^(?:SaltLenChanged|Using[RP]S\d{3}|rejects?Wrong(?:Use|KeyOps)|mismatchedAlgAndCurve|rejectsModifiedKey)$/;

  test.each(['json_web_signature', 'json_web_crypto', 'json_web_key'])('%s: by each public key, what is right holds and nothing else does', async (name) => {
    const { testGroups } = JSON.parse(readFileSync(join(WYCHEPROOF as string, 'testvectors_v1', `${name}_test.json`), 'utf8')) as Json;
    const wrong: string[] = [];
    let right = 0;
    for (const { public: jwk, tests } of testGroups) {
      if (jwk?.kty === undefined) continue; // a MAC proves nothing to others; a set of keys is no key
      for (const { tcId, comment, result, jws } of tests) {
        if (jws === undefined || TAKEN.test(comment)) continue;
        const token = Buffer.from(typeof jws === 'string' ? jws : JSON.stringify(jws));
        // Without a payload it may be of one that is empty, or elsewhere: that must be told.
        const verdict = await verdictOf(token, jwk, comment === 'emptyPayload' ? Buffer.alloc(0) : undefined);
        const holds = typeof verdict !== 'string' && verdict.length > 0 && verdict.every(({ intact }) => intact);
        if (holds !== (result === 'valid')) wrong.push(`${tcId} ${comment}: ${holds}`);
        else if (holds) right += 1;
      }
    }
    expect(wrong).toEqual([]);
    expect(right > 0).toBe(name !== 'json_web_key'); // whose right ones are MACs
  });
});

describe.skipIf(JOSE === undefined)(`the JOSE cookbook (RFC 7520) ${WITHOUT}`, () => {
  const example = (name: string): Json => JSON.parse(readFileSync(join(JOSE as string, name), 'utf8')) as Json;
  test.each(['jws/4_1.rsa_v15_signature.json', 'jws/4_2.rsa-pss_signature.json', 'jws/4_3.ecdsa_signature.json', 'curve25519/jws.json'])('%s', async (name) => {
    const { input, output } = example(name);
    const forms = [output.compact, output.json, output.json_flat].filter((form) => form !== undefined).map((form: unknown) => Buffer.from(typeof form === 'string' ? form : JSON.stringify(form)));
    expect(forms.length).toBeGreaterThan(0);
    for (const form of forms) {
      expect(await verdictOf(form, input.key)).toMatchObject([{ intact: true }]);
      expect(await verdictOf(form, input.key, Buffer.from(input.payload))).toMatchObject([{ intact: true }]);
      expect(await verdictOf(form, input.key, Buffer.from(`${String(input.payload)}!`))).toMatchObject([{ intact: false }]);
    }
  });

  test('of several signatures each has a verdict of its own; a MAC proves nothing', async () => {
    const { input, output } = example('jws/4_8.multiple_signatures.json');
    const verdicts = await verdictOf(Buffer.from(JSON.stringify(output.json)), input.key[0]);
    expect(verdicts).toMatchObject([{ intact: true }, { intact: false }, { intact: false, problem: expect.stringContaining('message authentication code') }]);
  });
});

describe.skipIf(COSE === undefined)(`the COSE working group’s examples ${WITHOUT}`, () => {
  const folders = ['sign1-tests', 'sign-tests', 'ecdsa-examples', 'eddsa-examples', 'rsa-pss-examples', 'RFC8152'];
  const examples = COSE === undefined ? [] : folders.flatMap((folder) => readdirSync(join(COSE, folder)).filter((name) => name.endsWith('.json')).map((name) => `${folder}/${name}`));
  /** Signed together with data that is not in the file, which nobody can give us; or without the tag that says what it is. */
  const BEYOND = /sign1?-tests\/sign-pass-02|sign-fail-01/;
  const signed = examples.filter((name) => {
    const { input } = JSON.parse(readFileSync(join(COSE as string, name), 'utf8')) as Json;
    return (input.sign0 ?? input.sign) !== undefined && !BEYOND.test(name);
  });

  test.each(signed)('%s', async (name) => {
    const { input, output, fail } = JSON.parse(readFileSync(join(COSE as string, name), 'utf8')) as Json;
    const signers = (input.sign0 === undefined ? input.sign.signers : [input.sign0]) as Json[];
    for (const [index, { key }] of signers.entries()) {
      const jwk = Object.fromEntries(Object.entries(key as Json).flatMap(([field, value]) => (field.endsWith('_hex') ? [[field.slice(0, -4), Buffer.from(value as string, 'hex').toString('base64url')]] : ['kty', 'crv', 'x', 'y', 'n', 'e'].includes(field) ? [[field, value]] : [])));
      const verdict = await verdictOf(Buffer.from(output.cbor as string, 'hex'), jwk, undefined, String(output.cbor).startsWith('84') ? 'cose' : undefined);
      const intact = typeof verdict === 'string' ? false : verdict[index]!.intact;
      expect([name, verdict, intact]).toEqual([name, verdict, fail !== true]);
    }
  });

  test('are many', () => expect(signed.length).toBeGreaterThan(25));
});
