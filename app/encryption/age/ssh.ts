import { constants, createHash, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, type KeyObject, publicEncrypt } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { KeywrightError, SecretBytes, type KeyAlgorithmName } from '../../contract/index.ts';
import { writePublicKey } from '../../formats/index.ts';
import { badHeader, toBase64 } from './header.ts';
import type { Identity, Recipient } from './stanzas.ts';
import { bytesArgument, derive, openFileKey, requireArguments, sealFileKey } from './wrapping.ts';
import { x25519Key, x25519Private, x25519Raw } from './x25519.ts';

/** SSH keys as recipients: `ssh-ed25519` and `ssh-rsa`. */

const ED25519 = 'ssh-ed25519';
const RSA = 'ssh-rsa';
const ED25519_INFO = 'age-encryption.org/v1/ssh-ed25519';
/** The label of RSA-OAEP. */
export const RSA_LABEL = Buffer.from('age-encryption.org/v1/ssh-rsa');

/** The public key as SSH has it (RFC 4253 §6.6). */
function blobOf(spki: Uint8Array, algorithm: KeyAlgorithmName): Buffer {
  const [, text = ''] = Buffer.from(writePublicKey(spki, algorithm, 'openssh')).toString('latin1').split(' ');
  return Buffer.from(text, 'base64');
}

const tagOf = (blob: Uint8Array): Buffer => createHash('sha256').update(blob).digest().subarray(0, 4);

/** @param spki DER. @param name as the user wrote it @throws CAPABILITY_MISSING for other keys than Ed25519 and RSA */
export function sshRecipient(name: string, spki: Uint8Array, algorithm: KeyAlgorithmName): Recipient {
  if (algorithm !== 'ed25519' && !algorithm.startsWith('rsa-')) throw new KeywrightError('CAPABILITY_MISSING', { detail: `age has no recipients for SSH keys of type ${algorithm}.`, remedy: 'Use an Ed25519 or RSA key.', alternatives: ['ed25519', 'rsa-3072'] });
  const blob = blobOf(spki, algorithm);
  if (algorithm !== 'ed25519') {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return { name, wrap: (fileKey) => ({ type: RSA, args: [toBase64(tagOf(blob))], body: publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: RSA_LABEL }, fileKey) }) };
  }
  const montgomery = ed25519.utils.toMontgomery(spki.subarray(spki.length - 32));
  return {
    name,
    wrap(fileKey) {
      const { publicKey, privateKey } = generateKeyPairSync('x25519');
      const share = x25519Raw(publicKey.export({ type: 'spki', format: 'der' }));
      const shared = tweaked(blob, diffieHellman({ privateKey, publicKey: x25519Key(montgomery) }));
      return { type: ED25519, args: [toBase64(tagOf(blob)), toBase64(share)], body: sealFileKey(derive(shared, Buffer.concat([share, montgomery]), ED25519_INFO), fileKey) };
    },
  };
}

/** @param seed the private key (RFC 8032 §5.1.5), asked for only when the file is for it: 32 bytes, wiped after use. */
export function sshEd25519Identity(name: string, spki: Uint8Array, seed: () => Promise<SecretBytes>): Identity {
  const blob = blobOf(spki, 'ed25519');
  const montgomery = ed25519.utils.toMontgomery(spki.subarray(spki.length - 32));
  return {
    name,
    async unwrap(stanzas) {
      for (const { args, body } of stanzas.filter(({ type }) => type === ED25519)) {
        requireArguments(args, 2, ED25519);
        if (!bytesArgument(args[0] as string, 4, 'the tag of an SSH stanza').equals(tagOf(blob))) continue;
        const share = bytesArgument(args[1] as string, 32, 'the share of an SSH stanza');
        if (body.length !== 32) throw badHeader('the file key in a stanza has a wrong length');
        using secret = await seed();
        using scalar = new SecretBytes(ed25519.utils.toMontgomerySecret(secret.reveal()));
        const key = x25519Private(scalar.reveal());
        const fileKey = openFileKey(derive(tweaked(blob, sharedWith(key, share)), Buffer.concat([share, montgomery]), ED25519_INFO), body);
        if (fileKey !== undefined) return fileKey;
      }
      return undefined;
    },
  };
}

/** @param decrypt RSA-OAEP with SHA-256 and {@link RSA_LABEL}; it throws INVALID_INPUT for what is not for the key. */
export function sshRsaIdentity(name: string, spki: Uint8Array, algorithm: KeyAlgorithmName, decrypt: (ciphertext: Uint8Array) => Promise<Uint8Array>): Identity {
  const tag = tagOf(blobOf(spki, algorithm));
  return {
    name,
    async unwrap(stanzas) {
      for (const { args, body } of stanzas.filter(({ type }) => type === RSA)) {
        requireArguments(args, 1, RSA);
        if (!bytesArgument(args[0] as string, 4, 'the tag of an SSH stanza').equals(tag)) continue;
        const fileKey = await decrypt(body).catch((thrown: unknown) => {
          if (thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT') return undefined;
          throw thrown;
        });
        if (fileKey !== undefined && fileKey.length !== 16) throw badHeader('the file key in a stanza has a wrong length');
        if (fileKey !== undefined) return fileKey;
      }
      return undefined;
    },
  };
}

function sharedWith(privateKey: KeyObject, share: Uint8Array): Buffer {
  try {
    return diffieHellman({ privateKey, publicKey: x25519Key(share) });
  } catch {
    throw badHeader('the share of a stanza is a point of low order');
  }
}

/** Binds the shared secret to the SSH key, of which the Montgomery form alone would tell one of two. */
function tweaked(blob: Uint8Array, shared: Uint8Array): Buffer {
  const tweak = Buffer.from(hkdfSync('sha256', Buffer.alloc(0), blob, ED25519_INFO, 32));
  return diffieHellman({ privateKey: x25519Private(tweak), publicKey: x25519Key(shared) });
}
