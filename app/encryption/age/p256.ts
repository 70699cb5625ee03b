import { createECDH, createHash, ECDH } from 'node:crypto';
import { KeywrightError, type SecretBytes } from '../../contract/index.ts';
import { decodeBech32, encodeBech32 } from '../../formats/bech32.ts';
import { badHeader, toBase64 } from './header.ts';
import type { Identity, Recipient } from './stanzas.ts';
import { bytesArgument, derive, openFileKey, requireArguments, sealFileKey } from './wrapping.ts';

/** Keys on P-256, as age's plugin for PIV tokens has them: `age1yubikey1…`, stanzas of type piv-p256. */

const TYPE = 'piv-p256';
const INFO = 'piv-p256';
const PREFIX = 'age1yubikey';
const CURVE = 'prime256v1';
const POINT = 33;
/** SubjectPublicKeyInfo (RFC 5480 §2) up to the point in uncompressed form. */
const SPKI = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

const compressed = (point: Uint8Array): Buffer => ECDH.convertKey(point, CURVE, undefined, undefined, 'compressed') as Buffer;
const tagOf = (point: Uint8Array): Buffer => createHash('sha256').update(point).digest().subarray(0, 4);

/** @param spki of a key on P-256, DER. @returns the point, compressed: 33 bytes */
export function p256Point(spki: Uint8Array): Buffer {
  return compressed(spki.subarray(SPKI.length));
}

/** @param point compressed: 33 bytes @returns `age1yubikey1…` */
export function writeP256Recipient(point: Uint8Array): string {
  return encodeBech32(PREFIX, point);
}

export const isP256Recipient = (text: string): boolean => text.toLowerCase().startsWith(`${PREFIX}1`);

/** @throws INVALID_INPUT */
export function p256Recipient(text: string): Recipient {
  const { prefix, bytes } = decodeBech32(text);
  if (prefix !== PREFIX || bytes.length !== POINT) throw new KeywrightError('INVALID_INPUT', { detail: 'This is no recipient of age for P-256.', remedy: 'Such a one begins with age1yubikey1.' });
  return {
    name: text,
    wrap(fileKey) {
      const ephemeral = createECDH(CURVE);
      ephemeral.generateKeys();
      const share = ephemeral.getPublicKey(undefined, 'compressed') as Buffer;
      let shared: Buffer;
      try {
        shared = ephemeral.computeSecret(bytes);
      } catch (cause) {
        throw new KeywrightError('INVALID_INPUT', { detail: `${text} is no point on P-256.`, cause });
      }
      return { type: TYPE, args: [toBase64(tagOf(bytes)), toBase64(share)], body: sealFileKey(derive(shared, Buffer.concat([share, bytes]), INFO), fileKey) };
    },
  };
}

/** @param own the public key, compressed: 33 bytes. @param agree gives the shared secret (32 bytes) with a peer (SPKI, DER). */
export function p256Identity(name: string, own: Uint8Array, agree: (peer: Uint8Array) => Promise<SecretBytes>): Identity {
  const ownTag = tagOf(own);
  return {
    name,
    async unwrap(stanzas) {
      for (const { args, body } of stanzas.filter(({ type }) => type === TYPE)) {
        requireArguments(args, 2, TYPE);
        // The tag says whose it is, so that a token is not asked (and touched) in vain.
        if (!bytesArgument(args[0] as string, 4, 'the tag of a stanza of type piv-p256').equals(ownTag)) continue;
        const share = bytesArgument(args[1] as string, POINT, 'the share of a stanza of type piv-p256');
        if (body.length !== 32) throw badHeader('the file key in a stanza has a wrong length');
        using shared = await agree(spkiOf(share));
        const fileKey = openFileKey(derive(shared.reveal(), Buffer.concat([share, own]), INFO), body);
        if (fileKey !== undefined) return fileKey;
      }
      return undefined;
    },
  };
}

function spkiOf(share: Uint8Array): Buffer {
  try {
    return Buffer.concat([SPKI, ECDH.convertKey(share, CURVE, undefined, undefined, 'uncompressed') as Buffer]);
  } catch {
    throw badHeader('the share of a stanza is no point on P-256');
  }
}
