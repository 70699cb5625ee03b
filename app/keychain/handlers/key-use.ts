import { randomBytes, timingSafeEqual } from 'node:crypto';
import {
  encryptionAlgorithmsOf, HASH_SIZES, KEY_ALGORITHMS, KeywrightError, SIGNATURE_ALGORITHMS, signatureAlgorithmsOf, wrapAlgorithmsOf,
  type EncryptionAlgorithmName, type SecretBytes, type SignatureAlgorithmFacts, type SignatureAlgorithmName, type WrapAlgorithmName,
} from '../../contract/index.ts';
import { algorithmOfPkcs8, ecdsaDerToP1363, ecdsaP1363ToDer, readPublicKey } from '../../formats/index.ts';
import type { Content } from '../../keystore/keystore.ts';
import { verifySignature } from '../../signing/verify.ts';
import type { Context } from '../context.ts';
import * as envelope from '../envelope.ts';
import { primary, type StoredKey } from '../inventory.ts';
import { derivePassword, hkdf } from '../password-derivation.ts';
import { newKeyId, storedKey } from '../stored-key.ts';
import type { HandlersOf } from './handlers.ts';
import { facet, keepPublicKeys, livingVersions, publicKeyOf, refOf, refuseTrashed, usagesFor, writeNewKey } from './key-records.ts';

type UseVerb = 'sign' | 'verify' | 'encrypt' | 'decrypt' | 'wrap' | 'unwrap' | 'agree' | 'derive' | 'derive-password' | 'encapsulate' | 'decapsulate' | 'mac' | 'verify-mac' | 'random';

export const keyUseHandlers: Pick<HandlersOf<'keys'>, `keys.${UseVerb}`> = {
  async 'keys.sign'(input, context) {
    const { key } = context;
    const algorithm = signatureAlgorithm(key, input.algorithm);
    assertContent(algorithm, input.content);
    const store = await context.session.backends.storeOf(key);
    const ref = refOf(key);
    const signature = await facet(store.signer, store, 'sign').sign(ref, algorithm, input.content, context.keyCall);
    return { signature: encodeSignature(signature, algorithm, key, input.encoding), algorithm, key: key.uri, version: ref.version };
  },

  async 'keys.verify'(input, context) {
    const { key } = context;
    const algorithm = signatureAlgorithm(key, input.algorithm);
    assertContent(algorithm, input.content);
    const version = await verifyingVersion(context, algorithm, input.content, input.signature, input.encoding);
    return { valid: version !== null, algorithm, key: key.uri, version };
  },

  async 'keys.encrypt'(input, context) {
    const { key } = context;
    const algorithm = encryptionAlgorithm(key, input.algorithm, true);
    const store = await context.session.backends.storeOf(key);
    const ref = refOf(key);
    const inOnePiece = input.form === 'keywright' && envelope.hasEnvelope(algorithm);
    const facts = { algorithm, keyId: key.id, version: ref.version };
    const aad = inOnePiece && envelope.isAead(algorithm) ? Buffer.concat([envelope.envelopeHeader(facts), input.aad ?? new Uint8Array()]) : input.aad;
    const sealed = await facet(store.encrypter, store, 'encrypt').encrypt(ref, algorithm, { plaintext: input.plaintext, ...(aad === undefined ? {} : { aad }) }, context.keyCall);
    const answer = { algorithm, key: key.uri, version: ref.version };
    return inOnePiece ? { ...answer, ciphertext: envelope.seal(facts, sealed) } : { ...answer, ...sealed };
  },

  async 'keys.decrypt'(input, context) {
    const { key } = context;
    const store = await context.session.backends.storeOf(key);
    const decrypter = facet(store.decrypter, store, 'decrypt');
    const opened = KEY_ALGORITHMS[key.algorithm].kind === 'symmetric' && input.nonce === undefined ? openEnvelope(input.ciphertext, key, context) : undefined;
    if (opened !== undefined) {
      const { algorithm, version, header, parts } = opened;
      const aad = envelope.isAead(algorithm) ? Buffer.concat([header, input.aad ?? new Uint8Array()]) : input.aad;
      const plaintext = await decrypter.decrypt(refOf(key, version), algorithm, { ...parts, ...(aad === undefined ? {} : { aad }) }, context.keyCall);
      return { plaintext, algorithm, key: key.uri, version };
    }
    const algorithm = encryptionAlgorithm(key, input.algorithm, false);
    const { aad, nonce, tag, ciphertext } = input;
    const bare = { ciphertext, ...(aad === undefined ? {} : { aad }), ...(nonce === undefined ? {} : { nonce }), ...(tag === undefined ? {} : { tag }) };
    // What names no version is tried with each that lives, newest first; PKCS#1 v1.5 cannot tell which fits, so it takes the primary alone.
    const candidates = input.version !== undefined ? [input.version] : algorithm === 'rsa-pkcs1' ? [primary(key).version] : livingVersions(key).map(({ version }) => version);
    let failure: unknown;
    for (const version of candidates) {
      try {
        return { plaintext: await decrypter.decrypt(refOf(key, version), algorithm, bare, context.keyCall), algorithm, key: key.uri, version };
      } catch (thrown) {
        if (!(thrown instanceof KeywrightError) || thrown.code !== 'INVALID_INPUT') throw thrown;
        failure = thrown;
      }
    }
    throw failure;
  },

  async 'keys.wrap'(input, context) {
    const { key } = context;
    const algorithm = wrapAlgorithm(key, input.algorithm);
    const target = context.session.inventory.resolve(input.target);
    refuseTrashed(target);
    context.subject(target.uri);
    const [store, source] = await Promise.all([context.session.backends.storeOf(key), context.session.backends.storeOf(target)]);
    const material = await facet(source.exporter, source, 'give keys away').exportKey(refOf(target), context.keyCall);
    using secret = material.secret;
    const ref = refOf(key);
    const wrapped = await facet(store.wrapper, store, 'wrap keys').wrap(ref, algorithm, secret, context.keyCall);
    return { wrapped, algorithm, key: key.uri, version: ref.version };
  },

  async 'keys.unwrap'(input, context) {
    const { key } = context;
    const algorithm = wrapAlgorithm(key, input.algorithm);
    const [store, destination] = await Promise.all([context.session.backends.storeOf(key), context.session.backends.storeFor(input.backend, input.keyAlgorithm)]);
    using secret = await unwrapWithAnyVersion(input.wrapped, algorithm, context);
    if (KEY_ALGORITHMS[input.keyAlgorithm].kind === 'pair') {
      const found = algorithmOfPkcs8(secret.reveal());
      if (found !== input.keyAlgorithm) throw new KeywrightError('INVALID_INPUT', { detail: `The wrapped key is ${found}, not ${input.keyAlgorithm}.`, where: '/keyAlgorithm' });
    }
    const importer = facet(destination.importer, destination, 'take keys in');
    const description = await importer.importKey({
      id: newKeyId(), label: input.label, usages: usagesFor(input.keyAlgorithm, input.usages), extractable: input.extractable ?? destination.exporter !== undefined,
    }, { algorithm: input.keyAlgorithm, secret }, context.keyCall);
    context.subject(description.uri);
    context.note(`unwrapped by ${store.name}`);
    await keepPublicKeys(context, description);
    return writeNewKey(context, storedKey(description, destination, { label: input.label, tags: input.tags, origin: 'imported' }, context.session.backends.tokens.get(destination.name)?.token));
  },

  async 'keys.agree'(input, context) {
    const { key } = context;
    const peer = readPublicKey(input.peer);
    if (peer.algorithm !== key.algorithm) throw new KeywrightError('INVALID_INPUT', { detail: `The peer's key is ${peer.algorithm}, and “${key.label}” is ${key.algorithm}: both must be on one curve.`, where: '/peer' });
    const store = await context.session.backends.storeOf(key);
    const ref = refOf(key);
    using secret = await facet(store.agreement, store, 'agree on secrets').agree(ref, peer.spki, context.keyCall);
    const answer = input.hkdf === undefined ? Uint8Array.from(secret.reveal()) : await hkdf(secret.reveal(), input.hkdf);
    return { secret: answer, key: key.uri, version: ref.version };
  },

  async 'keys.derive'(input, context) {
    const { key } = context;
    const store = await context.session.backends.storeOf(key);
    const ref = refOf(key);
    const empty = new Uint8Array();
    using derived = await facet(store.deriver, store, 'derive keys').hkdf(ref, { hash: input.hash, salt: input.salt ?? empty, info: input.info ?? empty, length: input.length }, context.keyCall);
    return { derived: Uint8Array.from(derived.reveal()), key: key.uri, version: ref.version };
  },

  'keys.derive-password': (input, context) => derivePassword(input, context.call),

  async 'keys.encapsulate'(_input, context) {
    const { key } = context;
    const store = await context.session.backends.storeOf(key);
    const ref = refOf(key);
    const { ciphertext, secret } = await facet(store.encapsulator, store, 'encapsulate').encapsulate(ref, context.keyCall);
    using _ = secret;
    return { ciphertext, secret: Uint8Array.from(secret.reveal()), key: key.uri, version: ref.version };
  },

  async 'keys.decapsulate'(input, context) {
    const { key } = context;
    const store = await context.session.backends.storeOf(key);
    // ML-KEM rejects implicitly: a wrong version gives a wrong secret and no error, so that versions cannot be tried.
    const ref = refOf(key, input.version);
    using secret = await facet(store.encapsulator, store, 'decapsulate').decapsulate(ref, input.ciphertext, context.keyCall);
    return { secret: Uint8Array.from(secret.reveal()), key: key.uri, version: ref.version };
  },

  async 'keys.mac'(input, context) {
    const { key } = context;
    const store = await context.session.backends.storeOf(key);
    const ref = refOf(key);
    return { mac: await facet(store.macMaker, store, 'make MACs').mac(ref, input.message, context.keyCall), key: key.uri, version: ref.version };
  },

  async 'keys.verify-mac'(input, context) {
    const { key } = context;
    const store = await context.session.backends.storeOf(key);
    const macMaker = facet(store.macMaker, store, 'check MACs');
    for (const { version } of livingVersions(key)) {
      const expected = await macMaker.mac(refOf(key, version), input.message, context.keyCall);
      if (expected.length === input.mac.length && timingSafeEqual(expected, input.mac)) return { valid: true, key: key.uri, version };
    }
    return { valid: false, key: key.uri, version: null };
  },

  async 'keys.random'(input, context) {
    if (input.backend === 'software') return { random: randomBytes(input.bytes), backend: input.backend };
    const { algorithms } = context.session.backends.show(input.backend);
    const store = await context.session.backends.storeFor(input.backend, algorithms[0]!);
    return { random: await facet(store.random, store, 'give random bytes').random(input.bytes, context.call), backend: input.backend };
  },
};

/** @returns the algorithm asked for, or the one recommended for the key. @throws CAPABILITY_MISSING with those that fit. */
export function signatureAlgorithm(key: StoredKey, wanted: SignatureAlgorithmName | undefined): SignatureAlgorithmName {
  return fitting(key, wanted, signatureAlgorithmsOf(key.algorithm), 'sign as');
}

function encryptionAlgorithm(key: StoredKey, wanted: EncryptionAlgorithmName | undefined, forEncryption: boolean): EncryptionAlgorithmName {
  const legacy = wanted === 'rsa-pkcs1' || wanted === 'rsa-oaep-sha1';
  const possible = encryptionAlgorithmsOf(key.algorithm);
  if (legacy && forEncryption) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${wanted} is too weak to encrypt with; it only decrypts what is old.`, alternatives: possible.filter((name) => name !== 'rsa-pkcs1' && name !== 'rsa-oaep-sha1') });
  return fitting(key, wanted, possible, 'encrypt as');
}

function wrapAlgorithm(key: StoredKey, wanted: WrapAlgorithmName | undefined): WrapAlgorithmName {
  return fitting(key, wanted, wrapAlgorithmsOf(key.algorithm), 'wrap as');
}

function fitting<A extends string>(key: StoredKey, wanted: A | undefined, possible: readonly A[], what: string): A {
  const algorithm = wanted ?? possible[0];
  if (algorithm !== undefined && possible.includes(algorithm)) return algorithm;
  throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${key.label}” is ${key.algorithm}: it cannot ${what} ${wanted ?? 'anything'}.`, remedy: 'Choose one that fits the key.', alternatives: possible });
}

/** A digest must be as long as the algorithm's hash; pure schemes take the message alone and never a digest in its place. */
function assertContent(algorithm: SignatureAlgorithmName, content: Content): void {
  if (!('digest' in content)) return;
  const { hash }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
  if (hash === null) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${algorithm} signs the message itself; a digest cannot stand in for it.`, remedy: 'Give the message.' });
  if (content.digest.length !== HASH_SIZES[hash]) throw new KeywrightError('INVALID_INPUT', { detail: `${algorithm} needs a digest of ${HASH_SIZES[hash]} bytes, and this one has ${content.digest.length}.`, where: '/content/digest' });
}

function encodeSignature(signature: Uint8Array, algorithm: SignatureAlgorithmName, key: StoredKey, encoding: 'der' | 'p1363'): Uint8Array {
  return encoding === 'p1363' && SIGNATURE_ALGORITHMS[algorithm].family === 'ecdsa' ? ecdsaDerToP1363(signature, KEY_ALGORITHMS[key.algorithm].bits) : signature;
}

/** @returns the newest living version whose public key verifies the signature, or null. */
async function verifyingVersion(context: Context, algorithm: SignatureAlgorithmName, content: Content, signature: Uint8Array, encoding: 'der' | 'p1363'): Promise<number | null> {
  const { key } = context;
  let der = signature;
  if (encoding === 'p1363' && SIGNATURE_ALGORITHMS[algorithm].family === 'ecdsa') {
    const bytes = Math.ceil(KEY_ALGORITHMS[key.algorithm].bits / 8);
    if (signature.length !== 2 * bytes) return null;
    der = ecdsaP1363ToDer(signature, KEY_ALGORITHMS[key.algorithm].bits);
  }
  for (const { version } of livingVersions(key)) {
    if (await verifySignature(await publicKeyOf(key, context, version), algorithm, content, der)) return version;
  }
  return null;
}

function openEnvelope(ciphertext: Uint8Array, key: StoredKey, context: Context): ReturnType<typeof envelope.open> {
  const opened = envelope.open(ciphertext);
  if (opened === undefined || opened.keyId === key.id || key.formerIds.includes(opened.keyId)) return opened;
  const { inventory } = context.session;
  throw new KeywrightError('INVALID_INPUT', {
    detail: inventory.has(opened.keyId) ? `This was encrypted with another key: “${inventory.resolve(opened.keyId).label}”.` : 'This was encrypted with another key, one that is not held here.',
    where: '/ciphertext', ...(inventory.has(opened.keyId) ? { alternatives: [inventory.resolve(opened.keyId).uri] } : {}),
  });
}

async function unwrapWithAnyVersion(wrapped: Uint8Array, algorithm: WrapAlgorithmName, context: Context): Promise<SecretBytes> {
  const { key } = context;
  const store = await context.session.backends.storeOf(key);
  const wrapper = facet(store.wrapper, store, 'unwrap keys');
  let failure: unknown;
  for (const { version } of livingVersions(key)) {
    try {
      return await wrapper.unwrap(refOf(key, version), algorithm, wrapped, context.keyCall);
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError) || thrown.code !== 'INVALID_INPUT') throw thrown;
      failure = thrown;
    }
  }
  throw failure;
}
