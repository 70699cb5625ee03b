import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { KEY_ALGORITHMS, KeywrightError, SecretBytes, type KeyAlgorithmName } from '../../contract/index.ts';
import { algorithmOfPkcs8, lacksSeed, materialOfPkcs8, publicOfPkcs8 } from '../../formats/index.ts';
import { untilEnded } from '../software/cancel.ts';
import type { KeyKind, NewSecret } from '../software/keys.ts';
import { PKCS8_CAPABILITIES } from './capabilities.ts';

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The types of node:crypto have no overload for a name that is only known at run time. */
const generatePair = promisify(generateKeyPair as (type: string, options: object, done: (error: Error | null, publicKey: KeyObject, privateKey: KeyObject) => void) => void) as unknown as
  (type: string, options: object) => Promise<Pair>;

/** Key pairs: the secret is PKCS#8 (RFC 5958), DER. */
export const PAIRS: KeyKind = {
  type: 'pkcs8',
  capabilities: PKCS8_CAPABILITIES,

  async make(algorithm, signal) {
    const { privateKey, publicKey } = await untilEnded(generate(algorithm), signal);
    return newSecret(privateKey.export({ type: 'pkcs8', format: 'der' }), publicKey.export({ type: 'spki', format: 'der' }), false);
  },

  async check({ algorithm, secret }) {
    const found = algorithmOfPkcs8(secret.reveal());
    if (found !== algorithm) throw new KeywrightError('INVALID_INPUT', { detail: `The key is ${found}, not ${algorithm}.` });
    const { secret: checked } = await materialOfPkcs8(secret.reveal());
    return newSecret(checked.reveal(), publicOfPkcs8(checked.reveal()), lacksSeed(algorithm, checked.reveal()));
  },

  load: (secret) => createPrivateKey({ key: Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength), format: 'der', type: 'pkcs8' }),
  pack: (secret) => Uint8Array.from(secret),
  unpack: (privateKeyInfo) => Uint8Array.from(privateKeyInfo),
};

function generate(algorithm: KeyAlgorithmName): Promise<Pair> {
  const { family, bits, openssl } = KEY_ALGORITHMS[algorithm];
  if (family === 'rsa') return generatePair('rsa', { modulusLength: bits, publicExponent: 65_537 });
  return family === 'ec' ? generatePair('ec', { namedCurve: openssl }) : generatePair(openssl, {});
}

function newSecret(secret: Uint8Array, publicKey: Uint8Array, seedless: boolean): NewSecret {
  const held = new SecretBytes(secret);
  return { secret: held, publicKey, seedless, [Symbol.dispose]: () => held.wipe() };
}
