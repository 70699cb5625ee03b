import {
  constants, createDecipheriv, createHash, createHmac, createPublicKey, decapsulate, diffieHellman, encapsulate, generateKeyPairSync, hkdfSync, createPrivateKey, publicEncrypt, verify,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  ENCRYPTION_ALGORITHMS, encryptionAlgorithmsOf, HASH_SIZES, KEY_ALGORITHMS, SecretBytes, SIGNATURE_ALGORITHMS, signatureAlgorithmsOf, wrapAlgorithmsOf,
  type KeyAlgorithmFacts, type KeyAlgorithmName, type SignatureAlgorithmFacts, type Usage,
} from '../contract/index.ts';
import { refTo, type Bench } from './conformance.ts';
import type { KeyDescription } from './keystore.ts';
import { codeOf, refusalOf } from './testing/calls.ts';

/** Keys act, and an outsider judges: node:crypto with nothing but the public key, or with the exported one. */

/** OAEP with SHA-384 and 1024 bits takes 30 bytes. */
const MESSAGE = Buffer.from('Sixteen tons: what do you get?', 'utf8');
const OTHER = Buffer.from('Another day older and deeper in debt.', 'utf8');

export function describeUses(bench: Bench): void {
  const can = (...usages: Usage[]): boolean => usages.some((usage) => claiming(bench, usage).length > 0);
  if (can('sign')) describe('signing', () => describeSigning(bench));
  if (can('decrypt', 'unwrap')) describe('encrypting and wrapping', () => describeEncrypting(bench));
  if (can('agree', 'decapsulate', 'mac')) describe('agreeing, encapsulating, authenticating, deriving', () => describeSecrets(bench));
}

const claiming = ({ claims, algorithms }: Bench, usage: Usage): KeyAlgorithmName[] =>
  claims.capabilities.includes(usage) ? algorithms.filter((name) => (KEY_ALGORITHMS[name].usages as readonly Usage[]).includes(usage)) : [];

const outsider = (key: KeyDescription): KeyObject => createPublicKey({ key: Buffer.from(key.versions[0]!.publicKey!), format: 'der', type: 'spki' });

const tampered = (bytes: Uint8Array, at = bytes.length - 1): Uint8Array => {
  const changed = Uint8Array.from(bytes);
  changed[at] = (changed[at] as number) ^ 1;
  return changed;
};

function describeSigning(bench: Bench): void {
  for (const algorithm of claiming(bench, 'sign')) {
    for (const scheme of signatureAlgorithmsOf(algorithm)) {
      const { family, hash }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[scheme];
      const padding = family === 'rsa-pss' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
      const holds = (key: KeyDescription, signature: Uint8Array, message = MESSAGE): boolean => verify(hash, message, { key: outsider(key), ...padding }, signature);

      test(`${algorithm} signs a message as ${scheme} so that an outsider can verify`, async () => {
        const key = await bench.key(algorithm);
        const signature = await bench.store.signer!.sign(refTo(key), scheme, { message: MESSAGE }, bench.call());
        expect(holds(key, signature)).toBe(true);
        expect(holds(key, signature, OTHER)).toBe(false);
      });

      if (hash === null) {
        test(`${scheme} signs the message itself and refuses a digest`, async () => {
          const key = await bench.key(algorithm);
          expect(await codeOf(bench.store.signer!.sign(refTo(key), scheme, { digest: Buffer.alloc(32) }, bench.call()))).toBe('CAPABILITY_MISSING');
        });
      } else {
        test(`${algorithm} signs a ready digest as ${scheme}, and refuses one of another length`, async () => {
          const key = await bench.key(algorithm);
          const digest = createHash(hash).update(MESSAGE).digest();
          expect(holds(key, await bench.store.signer!.sign(refTo(key), scheme, { digest }, bench.call()))).toBe(true);
          expect(await codeOf(bench.store.signer!.sign(refTo(key), scheme, { digest: digest.subarray(1) }, bench.call()))).toBe('INVALID_INPUT');
          expect(await codeOf(bench.store.signer!.sign(refTo(key), scheme, { digest: Buffer.alloc(HASH_SIZES[hash] + 1) }, bench.call()))).toBe('INVALID_INPUT');
        });
      }
    }
    test(`${algorithm} refuses a signature of another kind, and names its own`, async () => {
      const foreign = algorithm === 'ed25519' ? 'ed448' : 'ed25519';
      const refusal = await refusalOf(bench.store.signer!.sign(refTo(await bench.key(algorithm)), foreign, { message: MESSAGE }, bench.call()));
      expect(refusal).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: signatureAlgorithmsOf(algorithm) } });
    });
  }
}

function describeEncrypting(bench: Bench): void {
  for (const algorithm of claiming(bench, 'decrypt')) {
    for (const scheme of encryptionAlgorithmsOf(algorithm)) {
      const { authenticated, legacy } = ENCRYPTION_ALGORITHMS[scheme];
      if (legacy) {
        test(`${algorithm} decrypts ${scheme}, and refuses to encrypt with it`, async () => {
          const key = await bench.key(algorithm);
          const padding = scheme === 'rsa-pkcs1' ? { padding: constants.RSA_PKCS1_PADDING } : { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' };
          const ciphertext = publicEncrypt({ key: outsider(key), ...padding }, MESSAGE);
          expect(Buffer.from(await bench.store.decrypter!.decrypt(refTo(key), scheme, { ciphertext }, bench.call())).equals(MESSAGE)).toBe(true);
          expect(await codeOf(bench.store.encrypter!.encrypt(refTo(key), scheme, { plaintext: MESSAGE }, bench.call()))).toBe('CAPABILITY_MISSING');
        });
        continue;
      }
      test(`${algorithm} decrypts what it encrypted as ${scheme}, and nothing that was changed`, async () => {
        const key = await bench.key(algorithm);
        const ref = refTo(key);
        const input = { plaintext: MESSAGE, ...(authenticated ? { aad: OTHER } : {}) };
        const sealed = await bench.store.encrypter!.encrypt(ref, scheme, input, bench.call());
        const again = await bench.store.encrypter!.encrypt(ref, scheme, input, bench.call());
        expect(Buffer.from(sealed.ciphertext).equals(again.ciphertext)).toBe(false);
        const decrypt = (changes: object): Promise<Uint8Array> => bench.store.decrypter!.decrypt(ref, scheme, { ...sealed, ...(authenticated ? { aad: OTHER } : {}), ...changes }, bench.call());
        expect(Buffer.from(await decrypt({})).equals(MESSAGE)).toBe(true);
        if (authenticated) {
          const words = new Set<string>();
          const changes = [{ ciphertext: tampered(sealed.ciphertext, 0) }, { ciphertext: tampered(sealed.ciphertext) }, { aad: MESSAGE }, ...(sealed.tag === undefined ? [] : [{ tag: tampered(sealed.tag) }, { nonce: tampered(sealed.nonce!) }])];
          for (const change of changes) {
            const refusal = await refusalOf(decrypt(change));
            expect(refusal.code).toBe('INVALID_INPUT');
            words.add(JSON.stringify(refusal.facts));
          }
          expect(words.size).toBe(1);
        } else {
          expect(await codeOf(decrypt({ aad: OTHER }))).toBe('INVALID_INPUT');
        }
      });
    }
    test(`${algorithm} refuses an encryption of another kind, and names its own`, async () => {
      const foreign = KEY_ALGORITHMS[algorithm].family === 'aes' ? 'chacha20-poly1305' : 'aes-gcm';
      const refusal = await refusalOf(bench.store.encrypter!.encrypt(refTo(await bench.key(algorithm)), foreign, { plaintext: MESSAGE }, bench.call()));
      expect(refusal).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: encryptionAlgorithmsOf(algorithm) } });
    });
    describeOutsideEncryption(bench, algorithm);
  }

  for (const algorithm of claiming(bench, 'unwrap')) {
    for (const scheme of wrapAlgorithmsOf(algorithm)) {
      test(`${algorithm} unwraps the key that it wrapped as ${scheme}, and nothing that was changed`, async () => {
        const key = await bench.key(algorithm);
        using material = new SecretBytes(createHash('sha256').update('a key').digest().subarray(0, 24));
        const wrapped = await bench.store.wrapper!.wrap(refTo(key), scheme, material, bench.call());
        using unwrapped = await bench.store.wrapper!.unwrap(refTo(key), scheme, wrapped, bench.call());
        expect(Buffer.from(unwrapped.reveal()).equals(material.reveal())).toBe(true);
        const words = new Set<string>();
        for (const changed of [tampered(wrapped, 1), tampered(wrapped), wrapped.subarray(8), new Uint8Array(0)]) {
          const refusal = await refusalOf(bench.store.wrapper!.unwrap(refTo(key), scheme, changed, bench.call()));
          expect(refusal.code).toBe('INVALID_INPUT');
          words.add(JSON.stringify(refusal.facts));
        }
        expect(words.size).toBe(1);
      });
    }
  }
}

function describeOutsideEncryption(bench: Bench, algorithm: KeyAlgorithmName): void {
  const { family, openssl } = KEY_ALGORITHMS[algorithm] as KeyAlgorithmFacts;
  if (family === 'rsa') {
    test(`${algorithm} decrypts what an outsider encrypted with OAEP, and never tells why something does not decrypt`, async () => {
      const key = await bench.key(algorithm);
      for (const hash of (['sha256', 'sha384', 'sha512'] as const).filter((name) => encryptionAlgorithmsOf(algorithm).includes(`rsa-oaep-${name}`))) {
        const ciphertext = publicEncrypt({ key: outsider(key), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash }, MESSAGE);
        expect(Buffer.from(await bench.store.decrypter!.decrypt(refTo(key), `rsa-oaep-${hash}`, { ciphertext }, bench.call())).equals(MESSAGE)).toBe(true);
        for (const wrong of [tampered(ciphertext), ciphertext.subarray(1), new Uint8Array(ciphertext.length).fill(0xff)]) {
          expect(await codeOf(bench.store.decrypter!.decrypt(refTo(key), `rsa-oaep-${hash}`, { ciphertext: wrong }, bench.call()))).toBe('INVALID_INPUT');
        }
      }
      expect(await codeOf(bench.store.encrypter!.encrypt(refTo(key), 'rsa-oaep-sha256', { plaintext: Buffer.alloc(2048) }, bench.call()))).toBe('CAPABILITY_MISSING');
    });
  }
  if ((family === 'aes' || family === 'chacha20') && bench.claims.capabilities.includes('export')) {
    test(`an outsider with the exported ${algorithm} key decrypts what it encrypted`, async () => {
      const key = await bench.key(algorithm);
      using secret = (await bench.store.exporter!.exportKey(refTo(key), bench.call())).secret;
      for (const scheme of encryptionAlgorithmsOf(algorithm)) {
        const { ciphertext, nonce, tag } = await bench.store.encrypter!.encrypt(refTo(key), scheme, { plaintext: MESSAGE }, bench.call());
        const name = family === 'aes' ? `${openssl}-${scheme.slice(4)}` : openssl;
        const decipher = createDecipheriv(name as 'aes-256-gcm', secret.reveal(), nonce!, ...(tag === undefined ? [] : [{ authTagLength: 16 }]));
        if (tag !== undefined) decipher.setAuthTag(tag);
        expect(Buffer.concat([decipher.update(ciphertext), decipher.final()]).equals(MESSAGE)).toBe(true);
      }
    });
  }
}

function describeSecrets(bench: Bench): void {
  for (const algorithm of claiming(bench, 'agree')) {
    test(`${algorithm} agrees on the secret that its peer computes, and refuses a peer on another curve`, async () => {
      const key = await bench.key(algorithm);
      const { family, openssl } = KEY_ALGORITHMS[algorithm];
      const peer = family === 'ec' ? generateKeyPairSync('ec', { namedCurve: openssl }) : generateKeyPairSync(openssl as 'x25519');
      using secret = await bench.store.agreement!.agree(refTo(key), peer.publicKey.export({ type: 'spki', format: 'der' }), bench.call());
      expect(Buffer.from(secret.reveal()).equals(diffieHellman({ privateKey: peer.privateKey, publicKey: outsider(key) }))).toBe(true);
      const stranger = algorithm === 'ec-p384' ? 'x25519' : 'ec';
      const strange = stranger === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'secp384r1' }) : generateKeyPairSync('x25519');
      expect(await codeOf(bench.store.agreement!.agree(refTo(key), strange.publicKey.export({ type: 'spki', format: 'der' }), bench.call()))).toBe('INVALID_INPUT');
      expect(await codeOf(bench.store.agreement!.agree(refTo(key), Buffer.from('no key'), bench.call()))).toBe('INVALID_INPUT');
    });
  }

  for (const algorithm of claiming(bench, 'decapsulate')) {
    test(`${algorithm} shares a secret with an outsider, both ways`, async () => {
      const key = await bench.key(algorithm);
      const theirs = encapsulate(outsider(key));
      using opened = await bench.store.encapsulator!.decapsulate(refTo(key), theirs.ciphertext, bench.call());
      expect(Buffer.from(opened.reveal()).equals(theirs.sharedKey)).toBe(true);
      const ours = await bench.store.encapsulator!.encapsulate(refTo(key), bench.call());
      expect(ours.secret.length).toBe(32);
      if (bench.store.exporter !== undefined) {
        using secret = (await bench.store.exporter.exportKey(refTo(key), bench.call())).secret;
        const own = createPrivateKey({ key: Buffer.from(secret.reveal()), format: 'der', type: 'pkcs8' });
        expect(decapsulate(own, ours.ciphertext).equals(ours.secret.reveal())).toBe(true);
      }
      using other = await bench.store.encapsulator!.decapsulate(refTo(key), tampered(ours.ciphertext), bench.call());
      expect(Buffer.from(other.reveal()).equals(ours.secret.reveal())).toBe(false);
      expect(await codeOf(bench.store.encapsulator!.decapsulate(refTo(key), ours.ciphertext.subarray(1), bench.call()))).toBe('INVALID_INPUT');
    });
  }

  for (const algorithm of bench.claims.capabilities.includes('export') ? claiming(bench, 'mac') : []) {
    test(`${algorithm} makes the MAC and derives the bytes that an outsider with the exported key does`, async () => {
      const key = await bench.key(algorithm);
      using secret = (await bench.store.exporter!.exportKey(refTo(key), bench.call())).secret;
      const mac = await bench.store.macMaker!.mac(refTo(key), MESSAGE, bench.call());
      expect(createHmac(KEY_ALGORITHMS[algorithm].openssl, secret.reveal()).update(MESSAGE).digest().equals(mac)).toBe(true);
      if (!claiming(bench, 'derive').includes(algorithm)) return;
      for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
        using derived = await bench.store.deriver!.hkdf(refTo(key), { hash, salt: OTHER, info: MESSAGE, length: 77 }, bench.call());
        expect(Buffer.from(hkdfSync(hash, secret.reveal(), OTHER, MESSAGE, 77)).equals(derived.reveal())).toBe(true);
        expect(await codeOf(bench.store.deriver!.hkdf(refTo(key), { hash, salt: OTHER, info: MESSAGE, length: 255 * HASH_SIZES[hash] + 1 }, bench.call()))).toBe('INVALID_INPUT');
      }
    });
  }
}
