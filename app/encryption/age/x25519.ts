import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { KeywrightError, SecretBytes } from '../../contract/index.ts';
import { decodeBech32, encodeBech32 } from '../../formats/bech32.ts';
import { badHeader, toBase64 } from './header.ts';
import type { Identity, Recipient } from './stanzas.ts';
import { bytesArgument, derive, openFileKey, requireArguments, sealFileKey } from './wrapping.ts';

/** Recipients of type X25519: `age1…` and `AGE-SECRET-KEY-1…`. */

const TYPE = 'X25519';
const INFO = 'age-encryption.org/v1/X25519';
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

const x25519Spki = (raw: Uint8Array): Buffer => Buffer.concat([SPKI, raw]);
export const x25519Raw = (spki: Uint8Array): Buffer => Buffer.from(spki.subarray(spki.length - 32));
export const x25519Key = (raw: Uint8Array): KeyObject => createPublicKey({ key: x25519Spki(raw), format: 'der', type: 'spki' });
export const x25519Private = (raw: Uint8Array): KeyObject => createPrivateKey({ key: Buffer.concat([PKCS8, raw]), format: 'der', type: 'pkcs8' });

/** @param publicKey 32 bytes @returns `age1…` */
export function writeX25519Recipient(publicKey: Uint8Array): string {
  return encodeBech32('age', publicKey);
}

/** @throws INVALID_INPUT */
export function x25519Recipient(text: string): Recipient {
  const { prefix, bytes } = decodeBech32(text);
  if (prefix !== 'age' || bytes.length !== 32) throw new KeywrightError('INVALID_INPUT', { detail: 'This is no recipient of age for X25519.', remedy: 'Such a one begins with age1.' });
  return {
    name: text,
    wrap(fileKey) {
      const { publicKey, privateKey } = generateKeyPairSync('x25519');
      const share = x25519Raw(publicKey.export({ type: 'spki', format: 'der' }));
      let shared: Buffer;
      try {
        shared = diffieHellman({ privateKey, publicKey: x25519Key(bytes) });
      } catch (cause) {
        throw new KeywrightError('INVALID_INPUT', { detail: `${text} is a point of low order, which everybody can decrypt for.`, cause });
      }
      return { type: TYPE, args: [toBase64(share)], body: sealFileKey(derive(shared, Buffer.concat([share, bytes]), INFO), fileKey) };
    },
  };
}

/** @param own the public key, 32 bytes. @param agree gives the shared secret with a peer (SPKI, DER), here or in a token; it throws INVALID_INPUT for points of low order. */
export function x25519Identity(name: string, own: Uint8Array, agree: (peer: Uint8Array) => Promise<SecretBytes>): Identity {
  return {
    name,
    async unwrap(stanzas) {
      for (const { args: [argument, ...more], body } of stanzas.filter(({ type }) => type === TYPE)) {
        requireArguments([argument, ...more].filter((each) => each !== undefined), 1, TYPE);
        const share = bytesArgument(argument as string, 32, 'the share of a stanza of type X25519');
        if (body.length !== 32) throw badHeader('the file key in a stanza has a wrong length');
        using shared = await agree(x25519Spki(share)).catch((thrown: unknown) => {
          throw thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT' ? badHeader('the share of a stanza is a point of low order') : thrown;
        });
        const fileKey = openFileKey(derive(shared.reveal(), Buffer.concat([share, own]), INFO), body);
        if (fileKey !== undefined) return fileKey;
      }
      return undefined;
    },
  };
}

/** An identity from its text. @throws INVALID_INPUT */
export function x25519IdentityOf(text: string): Identity {
  const { prefix, bytes } = decodeBech32(text);
  if (prefix !== 'age-secret-key-' || bytes.length !== 32) throw new KeywrightError('INVALID_INPUT', { detail: 'This is no identity of age for X25519.', remedy: 'Such a one begins with AGE-SECRET-KEY-1.' });
  const privateKey = x25519Private(bytes);
  const own = x25519Raw(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
  return x25519Identity(writeX25519Recipient(own), own, async (peer) => {
    try {
      return new SecretBytes(diffieHellman({ privateKey, publicKey: createPublicKey({ key: Buffer.from(peer), format: 'der', type: 'spki' }) }));
    } catch (cause) {
      throw new KeywrightError('INVALID_INPUT', { detail: 'A point of low order.', cause });
    }
  });
}
