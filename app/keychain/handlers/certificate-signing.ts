import { KeywrightError, signatureAlgorithmsOf, type SignatureAlgorithmName } from '../../contract/index.ts';
import type { Sign, Subject } from '../../certificates/index.ts';
import { assertCapable } from '../capabilities.ts';
import type { Context } from '../context.ts';
import type { StoredKey } from '../inventory.ts';
import { facet, publicKeyOf, refOf } from './key-records.ts';
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
 * @throws CAPABILITY_MISSING for a key that cannot sign, or not with `wanted`
 */
export async function signingKey(key: StoredKey, wanted: SignatureAlgorithmName | undefined, purpose: string, context: Context): Promise<SigningKey> {
  assertCapable(key, 'sign');
  const algorithm = signatureAlgorithm(key, wanted ?? recommended(key));
  const spki = await publicKeyOf(key, context);
  return {
    key, spki, algorithm,
    async sign(name, message) {
      const store = await context.session.backends.storeOf(key);
      context.call.signal.throwIfAborted();
      return facet(store.signer, store, 'sign').sign({ ...refOf(key), purpose: purpose.slice(0, 200) }, name, { message }, context.keyCall);
    },
  };
}

/** @returns what a certificate for a key is about. */
export async function subjectOf(key: StoredKey, context: Context): Promise<Subject> {
  return { spki: await publicKeyOf(key, context), encrypts: key.usages.some((usage) => usage === 'decrypt' || usage === 'unwrap' || usage === 'agree') };
}

/** @throws INVALID_INPUT unless exactly one of several ways is used */
export function exactlyOne(given: Readonly<Record<string, unknown>>, detail: string): string {
  const names = Object.entries(given).filter(([, value]) => value !== undefined).map(([name]) => name);
  if (names.length !== 1) throw new KeywrightError('INVALID_INPUT', { detail, where: `/${names[1] ?? Object.keys(given)[0] ?? ''}`, alternatives: Object.keys(given) });
  return names[0]!;
}
