import { askSecret, SecretBytes } from '../../contract/index.ts';
import { decryptPkcs8, encryptPkcs8 } from '../../formats/index.ts';
import type { KeyCall, KeyRef } from '../../keystore/keystore.ts';
import { nameOf } from './refusals.ts';

/**
 * Keys with a passphrase of their own: within the sealed record, the secret is EncryptedPrivateKeyInfo (RFC 5958 §3,
 * PBES2). It is asked for at each use, and neither the passphrase nor the opened key is kept.
 */

/** @param secret PKCS#8, DER. @returns what is stored. */
export function lockSecret(secret: Uint8Array, passphrase: SecretBytes): Promise<Uint8Array> {
  return encryptPkcs8(secret, passphrase);
}

/**
 * Asks for the key's passphrase and opens what is stored.
 * @returns PKCS#8, DER; the caller wipes it.
 * @throws PIN_REQUIRED when nobody can be asked, PIN_INCORRECT, CANCELLED
 */
export async function unlockSecret(stored: Uint8Array, ref: KeyRef, call: KeyCall): Promise<SecretBytes> {
  using passphrase = await askSecret({ kind: 'secret', purpose: 'key-passphrase', title: `Passphrase of the key ${nameOf(ref)}`.slice(0, 300), subject: ref.uri.slice(0, 300) }, call);
  return new SecretBytes(await decryptPkcs8(stored, passphrase, call.signal));
}

/** Asks for a passphrase for a new version of a key whose versions have one. The caller wipes it. */
export function askNewPassphrase(ref: Pick<KeyRef, 'uri' | 'label'>, call: KeyCall): Promise<SecretBytes> {
  return askSecret({
    kind: 'new-secret', purpose: 'new-key-passphrase', title: `Choose a passphrase for the new version of ${nameOf(ref)}`.slice(0, 300), subject: ref.uri.slice(0, 300),
    note: 'It is needed at each use of the key. It cannot be recovered.',
  }, call);
}
