import { createSecretKey, randomBytes } from 'node:crypto';
import { KEY_ALGORITHMS, KeywrightError, SecretBytes, type HashName } from '../../contract/index.ts';
import { unpadOaep, unpadPkcs1 } from '../../formats/rsa-unpadding.ts';
import { parseSpki } from '../../formats/spki.ts';
import type { Decrypter, Encrypter, KeyAgreement, KeyCall, KeyRef, KeyWrapper } from '../../keystore/keystore.ts';
import { hpkeOpen } from '../software/hpke.ts';
import { unwrapWithAes } from '../software/key-wrap.ts';
import { assertEncrypts, assertWraps, encryptTo, oaepHashOf, wrapTo, type OaepName } from '../software/public-encryption.ts';
import { assertNoAad, cannot, doesNotOpen, nameOf } from '../software/refusals.ts';
import { heldKey } from './held.ts';
import type { Slot } from './piv.ts';
import type { SlotKey } from './slots.ts';
import { useKey } from './use.ts';
import type { YubiKey } from './yubikey.ts';

/** Decrypting, unwrapping and agreeing: the card does the bare operation, paddings and key derivation are ours. */

/** What stands for a message when a PKCS#1 v1.5 padding is wrong is made from this. */
const substituteSeed = randomBytes(32);

interface Held {
  readonly slot: Slot;
  readonly held: SlotKey;
}

export function encrypterOf(key: YubiKey): Encrypter {
  return {
    async encrypt(ref, algorithm, input) {
      const { held } = await heldKey(key, ref);
      return { ciphertext: await encryptTo(ref, { algorithm: held.algorithm, spki: held.publicKey }, algorithm, input) };
    },
  };
}

export function decrypterOf(key: YubiKey): Decrypter {
  return {
    async decrypt(ref, algorithm, { ciphertext, aad }, call) {
      const found = await heldKey(key, ref);
      const { held } = found;
      assertEncrypts(ref, held.algorithm, algorithm);
      if (algorithm === 'hpke') return hpkeOpen({ recipient: held.publicKey, aad }, (peer) => agree(key, found, ref, peer, 'decrypt', call), ciphertext);
      if (algorithm === 'rsa-pkcs1') {
        assertNoAad(algorithm, aad);
        return unpadPkcs1(await bareRsa(key, found, ref, ciphertext, 'decrypt', call), ciphertext, substituteSeed);
      }
      return openOaep(key, found, ref, algorithm === 'rsa-oaep-sha1' ? 'sha1' : oaepHashOf(algorithm as OaepName), ciphertext, 'decrypt', call, aad);
    },
  };
}

export function wrapperOf(key: YubiKey): KeyWrapper {
  return {
    async wrap(ref, algorithm, material) {
      const { held } = await heldKey(key, ref);
      return wrapTo(ref, { algorithm: held.algorithm, spki: held.publicKey }, algorithm, material.reveal());
    },

    async unwrap(ref, algorithm, wrapped, call) {
      const found = await heldKey(key, ref);
      assertWraps(ref, found.held.algorithm, algorithm);
      if (algorithm !== 'rsa-aes-kwp') return new SecretBytes(await openOaep(key, found, ref, oaepHashOf(algorithm as OaepName), wrapped, 'unwrap a key', call));
      // CKM_RSA_AES_KEY_WRAP (PKCS#11 v3.0 §6.1.21): an AES key under OAEP, then the secret under AES-KWP with it.
      const length = lengthOf(found.held);
      if (wrapped.length < length + 16) throw doesNotOpen();
      using ephemeral = new SecretBytes(await openOaep(key, found, ref, 'sha256', wrapped.subarray(0, length), 'unwrap a key', call));
      if (![16, 24, 32].includes(ephemeral.length)) throw doesNotOpen();
      return unwrapWithAes('aes-kwp', createSecretKey(Buffer.from(ephemeral.reveal())), wrapped.subarray(length));
    },
  };
}

export function agreementOf(key: YubiKey): KeyAgreement {
  return {
    async agree(ref, peer, call) {
      const found = await heldKey(key, ref);
      const { family } = KEY_ALGORITHMS[found.held.algorithm];
      if (family !== 'ec' && family !== 'xdh') throw cannot(ref, found.held.algorithm, 'agree on secrets', []);
      return agree(key, found, ref, peer, 'agree on a secret', call);
    },
  };
}

/** ECDH (SP 800-73-4 part 2, appendix A.5), or X25519. @param peer SPKI, DER. */
async function agree(key: YubiKey, { slot, held }: Held, ref: KeyRef, peer: Uint8Array, verb: string, call: KeyCall): Promise<SecretBytes> {
  const parts = parseSpki(peer);
  if (parts.kind === 'rsa' || parts.algorithm !== held.algorithm) {
    throw new KeywrightError('INVALID_INPUT', { detail: `The peer's key is ${parts.algorithm}, and ${nameOf(ref)} is ${held.algorithm}: both must be on one curve.`, where: '/peer' });
  }
  const secret = new SecretBytes(await useKey(key, { ref, slot, held, input: { tag: 0x85, value: parts.bytes }, verb, result: 'shared secret' }, call));
  // RFC 7748 §6.1: such a secret would not depend on the private key.
  if (held.algorithm === 'x25519' && secret.reveal().every((byte) => byte === 0)) throw new KeywrightError('INVALID_INPUT', { detail: 'With this public key, the shared secret of x25519 would not depend on the private key.', where: '/peer', remedy: 'Do not trust whoever sent it.' });
  return secret;
}

async function openOaep(key: YubiKey, found: Held, ref: KeyRef, hash: HashName | 'sha1', ciphertext: Uint8Array, verb: string, call: KeyCall, label?: Uint8Array): Promise<Uint8Array> {
  const message = unpadOaep(hash, await bareRsa(key, found, ref, ciphertext, verb, call), label);
  if (message === undefined) throw doesNotOpen();
  return message;
}

/** RSADP (RFC 8017 §5.1.2). @returns the block, as long as the modulus. @throws INVALID_INPUT in the words of everything that does not open */
async function bareRsa(key: YubiKey, { slot, held }: Held, ref: KeyRef, ciphertext: Uint8Array, verb: string, call: KeyCall): Promise<Buffer> {
  const parts = parseSpki(held.publicKey);
  const length = lengthOf(held);
  // What is not below the modulus the card would refuse; it need not be asked.
  if (parts.kind !== 'rsa' || ciphertext.length !== length || BigInt(`0x${Buffer.from(ciphertext).toString('hex')}`) >= parts.n) throw doesNotOpen();
  const block = await useKey(key, { ref, slot, held, input: { tag: 0x81, value: ciphertext }, verb, result: 'decrypted message' }, call);
  if (block.length !== length) throw doesNotOpen();
  return block;
}

const lengthOf = ({ algorithm }: SlotKey): number => KEY_ALGORITHMS[algorithm].bits / 8;
