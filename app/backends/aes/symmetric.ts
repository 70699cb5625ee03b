import { createSecretKey, randomBytes } from 'node:crypto';
import { KEY_ALGORITHMS, SecretBytes } from '../../contract/index.ts';
import { der, derInteger, DerReader, derSequence, TAG } from '../../formats/der.ts';
import { symmetricMaterial } from '../../formats/index.ts';
import { throwIfEnded } from '../software/cancel.ts';
import type { KeyKind, NewSecret } from '../software/keys.ts';
import { AES_CAPABILITIES } from './capabilities.ts';

/** Symmetric keys: the secret is the key itself, raw. */
export const SYMMETRIC: KeyKind = {
  type: 'aes',
  capabilities: AES_CAPABILITIES,

  async make(algorithm, signal) {
    throwIfEnded(signal);
    return newSecret(new SecretBytes(randomBytes(KEY_ALGORITHMS[algorithm].bits / 8)));
  },

  async check({ algorithm, secret }) {
    return newSecret(symmetricMaterial(algorithm, secret.reveal()).secret);
  },

  load: (secret) => createSecretKey(secret),

  /** PKCS#8 has no form for raw keys: its version and its privateKey alone, so that a wrong passphrase is told from a right one. */
  pack: (secret) => derSequence(derInteger(0n), der(TAG.octetString, secret)),

  unpack(privateKeyInfo) {
    const info = new DerReader(privateKeyInfo).enter('the secret key');
    info.smallInteger('the version', 0);
    return Uint8Array.from(info.octets('the key itself'));
  },
};

function newSecret(secret: SecretBytes): NewSecret {
  return { secret, publicKey: null, seedless: false, [Symbol.dispose]: () => secret.wipe() };
}
