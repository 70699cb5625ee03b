import { constants, privateEncrypt, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import {
  HASH_SIZES, KEY_ALGORITHMS, KeywrightError, SIGNATURE_ALGORITHMS, signatureAlgorithmsOf,
  type HashName, type KeyAlgorithmName, type SignatureAlgorithmFacts, type SignatureAlgorithmName,
} from '../../contract/index.ts';
import type { Signer } from '../../keystore/keystore.ts';
import { parsePkcs8 } from '../../formats/private-parts.ts';
import { untilEnded } from '../software/cancel.ts';
import { curveOf } from '../../formats/curves.ts';
import { digestInfo, emsaPss } from '../../formats/emsa.ts';
import { restrictedToPss } from '../../formats/rsa-pss.ts';
import type { LoadedKey, SoftwareKeys } from '../software/keys.ts';
import { cannot } from '../software/refusals.ts';

type SignInput = Parameters<typeof sign>[2];
const signAsync = promisify(sign) as (hash: string | null, message: Uint8Array, key: SignInput) => Promise<Buffer>;

/** Those that take long enough for somebody to lose patience: the others are done before a cancellation could arrive. */
const SLOW: ReadonlySet<KeyAlgorithmName> = new Set((Object.keys(KEY_ALGORITHMS) as KeyAlgorithmName[]).filter((name) => name === 'rsa-8192' || KEY_ALGORITHMS[name].family === 'slh-dsa'));

/** Those that take about as long (some 20 µs) as asking the thread pool does. */
const QUICK: ReadonlySet<KeyAlgorithmName> = new Set(['ec-p256', 'ed25519']);
/** Bytes that are hashed in no more time than that. */
const SHORT = 8 * 1024;

let turnHasOne = false;

/** One signature in each turn of the event loop is made at once: who signs alone need not wait for the pool. Others of that turn go there meanwhile. */
function isFirstOfTurn(): boolean {
  if (turnHasOne) return false;
  turnHasOne = true;
  setImmediate(() => {
    turnHasOne = false;
  });
  return true;
}

/** Signs messages off the event loop (`crypto.sign` with a callback), and ready digests where the scheme has any. */
export function signerOf(keys: SoftwareKeys): Signer {
  return {
    async sign(ref, algorithm, content, call) {
      const loaded = await keys.use(ref, 'sign', call);
      const facts: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
      const own = loaded.head.algorithm;
      if (!facts.keys.includes(own)) throw cannot(ref, own, `sign as ${algorithm}`, signatureAlgorithmsOf(own));
      if ('digest' in content) return signDigest(loaded, algorithm, facts, content.digest);
      if (QUICK.has(own) && content.message.length <= SHORT && isFirstOfTurn()) return sign(facts.hash, content.message, inputOf(loaded, facts));
      const signature = signAsync(facts.hash, content.message, inputOf(loaded, facts));
      return SLOW.has(own) ? untilEnded(signature, call.signal) : signature;
    },
  };
}

/**
 * @returns what `crypto.sign` takes for this key and scheme: bare keys, which ECDSA (DER) and PKCS#1 v1.5 are by default. One for PSS
 *   is made when it is used a second time, since it takes as long to make as it saves in ten signatures.
 */
function inputOf({ key, derived }: LoadedKey, { family, hash }: SignatureAlgorithmFacts): SignInput {
  if (family !== 'rsa-pss' || hash === null) return key;
  const name = `sign ${family} ${hash}`;
  const kept = derived.get(name) as KeyObject | 'used' | undefined;
  if (kept === undefined) {
    derived.set(name, 'used');
    return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  if (kept !== 'used') return kept;
  const restricted = restrictedToPss(key, hash);
  derived.set(name, restricted);
  return restricted;
}

async function signDigest({ head, key }: LoadedKey, algorithm: SignatureAlgorithmName, { family, hash }: SignatureAlgorithmFacts, digest: Uint8Array): Promise<Uint8Array> {
  if (hash === null) {
    throw new KeywrightError('CAPABILITY_MISSING', {
      detail: `${algorithm} signs the message itself (it hashes it in its own way, more than once): a digest cannot stand in for it.`, remedy: 'Give the message.',
    });
  }
  if (digest.length !== HASH_SIZES[hash]) {
    throw new KeywrightError('INVALID_INPUT', { detail: `${algorithm} needs a digest of ${HASH_SIZES[hash]} bytes, and this one has ${digest.length}.`, where: '/content/digest' });
  }
  if (family === 'ecdsa') return signEcdsaDigest(head.algorithm, key, digest);
  return family === 'rsa-pss' ? signPssDigest(key, hash, digest) : privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digestInfo(hash, digest));
}

/** RSASSA-PSS (RFC 8017 §8.1.1) from its second step on. */
function signPssDigest(key: KeyObject, hash: HashName, digest: Uint8Array): Buffer {
  const length = (key.asymmetricKeyDetails?.modulusLength as number) / 8;
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, emsaPss(hash, digest, length));
}

/**
 * ECDSA (FIPS 186-5 §6.4.1) from its second step on. The nonce is that of RFC 6979 with fresh randomness mixed in (§3.6),
 * so that neither a weak generator nor a repeated digest gives the key away.
 */
async function signEcdsaDigest(algorithm: KeyAlgorithmName, key: KeyObject, digest: Uint8Array): Promise<Uint8Array> {
  const curve = await curveOf(algorithm);
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  try {
    const parts = parsePkcs8(pkcs8);
    if (parts.kind !== 'ec') throw new TypeError('not an EC key');
    return curve.sign(digest, parts.scalar, { prehash: false, lowS: false, format: 'der', extraEntropy: true });
  } finally {
    pkcs8.fill(0);
  }
}
