import { KeywrightError, signatureAlgorithmsOf, type SignatureAlgorithmName } from '../../contract/index.ts';
import type { Sign, Subject } from '../../certificates/index.ts';
import { assertCapable } from '../capabilities.ts';
import type { Context } from '../context.ts';
import type { StoredKey } from '../inventory.ts';
import { facet, keepPublicKeys, mergedVersions, publicKeyOf, refOf, refuseTrashed, writeKey } from './key-records.ts';
import { signatureAlgorithm } from './key-use.ts';

/** Signatures for certificates, by any signing key on any backend: the key never leaves it, and it asks for its PIN and touch itself. */

export interface SigningKey {
  readonly key: StoredKey;
  readonly spki: Uint8Array;
  readonly algorithm: SignatureAlgorithmName;
  readonly sign: Sign;
}

/** X.509 has no ECDSA with a hash shorter than the curve in its recommendations: RFC 5480 §4 pairs them, and {@link signatureAlgorithm} does too. RSA goes with PKCS#1, which everybody reads. */
function recommended(key: StoredKey): SignatureAlgorithmName | undefined {
  return signatureAlgorithmsOf(key.algorithm).find((name) => name === 'rsa-pkcs1-sha256');
}

/**
 * @param purpose for the prompt: what this signature is for.
 * @param publicKey of the version that shall sign: a certificate goes with one version of its key. Default: the primary one.
 * @throws CAPABILITY_MISSING for a key that cannot sign, or not with `wanted`
 */
export async function signingKey(key: StoredKey, wanted: SignatureAlgorithmName | undefined, purpose: string, context: Context, publicKey?: string): Promise<SigningKey> {
  assertCapable(key, 'sign');
  const algorithm = signatureAlgorithm(key, wanted ?? recommended(key));
  const version = versionOf(key, publicKey);
  const ref = refOf(key, version);
  const spki = await publicKeyOf(key, context, version);
  return {
    key, spki, algorithm,
    async sign(name, message) {
      const store = await context.session.backends.storeOf(key);
      context.call.signal.throwIfAborted();
      return facet(store.signer, store, 'sign').sign({ ...ref, purpose: purpose.slice(0, 200) }, name, { message }, context.keyCall);
    },
  };
}

const versionOf = (key: StoredKey, publicKey: string | undefined): number | undefined => (publicKey === undefined ? undefined : key.versions.find(({ fingerprint }) => fingerprint === publicKey)?.version);

/** @returns what a certificate for a key is about. @param publicKey of one of its versions; default: the primary one */
export async function subjectOf(key: StoredKey, context: Context, publicKey?: string): Promise<Subject> {
  return { spki: await publicKeyOf(key, context, versionOf(key, publicKey)), encrypts: key.usages.some((usage) => usage === 'decrypt' || usage === 'unwrap' || usage === 'agree') };
}

/** @returns the key with a new version, within this call. @throws CAPABILITY_MISSING where the backend has no versions */
export async function rotated(key: StoredKey, context: Context): Promise<{ key: StoredKey; publicKey: undefined }> {
  refuseTrashed(key);
  const store = await context.session.backends.storeOf(key);
  if (store.rotator === undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${key.label}” is in ${store.name}, which makes no new versions of a key.`, remedy: 'Generate another key there, and name it (--key).' });
  if (key.protection === 'store+passphrase') throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${key.label}” has a passphrase of its own.`, remedy: 'Rotate it first (`keywright keys rotate`), and renew with --key.' });
  const description = await store.rotator.rotate(refOf(key), {}, context.keyCall);
  await keepPublicKeys(context, description);
  const next = { ...key, versions: mergedVersions(key, description) };
  await writeKey(context, next);
  return { key: next, publicKey: undefined };
}

/** @throws INVALID_INPUT unless exactly one of several ways is used */
export function exactlyOne(given: Readonly<Record<string, unknown>>, detail: string): string {
  const names = Object.entries(given).filter(([, value]) => value !== undefined).map(([name]) => name);
  if (names.length !== 1) throw new KeywrightError('INVALID_INPUT', { detail, where: `/${names[1] ?? Object.keys(given)[0] ?? ''}`, alternatives: Object.keys(given) });
  return names[0]!;
}
