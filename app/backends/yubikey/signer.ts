import { constants, createHash, createPublicKey, publicDecrypt, verify } from 'node:crypto';
import { HASH_SIZES, KEY_ALGORITHMS, KeywrightError, SIGNATURE_ALGORITHMS, signatureAlgorithmsOf, type SignatureAlgorithmFacts } from '../../contract/index.ts';
import { curveOf } from '../../formats/curves.ts';
import { digestInfo, emsaPss } from '../../formats/emsa.ts';
import { parseSpki } from '../../formats/spki.ts';
import type { Content, Signer } from '../../keystore/keystore.ts';
import { cannot } from '../software/refusals.ts';
import { heldKey } from './held.ts';
import type { SlotKey } from './slots.ts';
import { useKey } from './use.ts';
import type { YubiKey } from './yubikey.ts';

/** Bytes of an APDU's data around what is signed. */
const TEMPLATE = 16;

/**
 * Signs with the private key in a slot. The card neither hashes nor pads: it gets a digest (ECDSA), a padded block (RSA) or the
 * message itself (Ed25519), so that a file of any size costs one command, but for Ed25519.
 */
export function signerOf(key: YubiKey): Signer {
  return {
    async sign(ref, algorithm, content, call) {
      const { slot, held } = await heldKey(key, ref);
      const facts: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
      if (!facts.keys.includes(held.algorithm)) throw cannot(ref, held.algorithm, `sign as ${algorithm}`, signatureAlgorithmsOf(held.algorithm));
      const value = inputOf(key, held, algorithm, facts, content);
      const signature = await useKey(key, { ref, slot, held, input: { tag: 0x81, value }, verb: 'sign', result: 'signature' }, call);
      if (!held.certain) await assertOwn(slot.name, held, facts, value, signature);
      return signature;
    },
  };
}

function inputOf(key: YubiKey, held: SlotKey, name: string, { family, hash }: SignatureAlgorithmFacts, content: Content): Uint8Array {
  if (hash === null) {
    if ('digest' in content) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${name} signs the message itself (it hashes it in its own way, more than once): a digest cannot stand in for it.`, remedy: 'Give the message.' });
    const most = key.gates.buffer - TEMPLATE;
    if (content.message.length > most) {
      throw new KeywrightError('CAPABILITY_MISSING', {
        detail: `${name} needs the whole message in the token, and ${key.title} takes ${most} bytes at once; these are ${content.message.length}.`,
        remedy: 'Sign in a format that signs a digest (SSHSIG, CMS, pre-hashed minisign), or with an EC or RSA key.', alternatives: ['sshsig', 'cms', 'minisign'],
      });
    }
    return content.message;
  }
  const digest = 'digest' in content ? content.digest : createHash(hash).update(content.message).digest();
  if (digest.length !== HASH_SIZES[hash]) throw new KeywrightError('INVALID_INPUT', { detail: `${name} needs a digest of ${HASH_SIZES[hash]} bytes, and this one has ${digest.length}.`, where: '/content/digest' });
  const length = KEY_ALGORITHMS[held.algorithm].bits / 8;
  if (family === 'rsa-pss') return emsaPss(hash, digest, length);
  return family === 'rsa-pkcs1' ? emsaPkcs1(digestInfo(hash, digest), length) : fitted(digest, length);
}

/** EMSA-PKCS1-v1_5 (RFC 8017 §9.2). @returns `length` bytes. */
function emsaPkcs1(info: Uint8Array, length: number): Buffer {
  return Buffer.concat([Buffer.of(0, 1), Buffer.alloc(length - info.length - 3, 0xff), Buffer.of(0), info]);
}

/** A digest as the number that ECDSA takes of it (FIPS 186-5 §6.4.1): its leftmost bits, as many as the order has. */
function fitted(digest: Uint8Array, length: number): Uint8Array {
  return digest.length >= length ? digest.subarray(0, length) : Buffer.concat([Buffer.alloc(length - digest.length), digest]);
}

/** Where the device does not tell which key is in the slot, its signature does. @throws CONFLICT */
async function assertOwn(slot: string, held: SlotKey, { family }: SignatureAlgorithmFacts, input: Uint8Array, signature: Uint8Array): Promise<void> {
  if (await isOwn(held, family, input, signature).catch(() => false)) return;
  throw new KeywrightError('CONFLICT', { detail: `The key in slot ${slot} is another one than its certificate or this store says; the signature was thrown away.`, remedy: 'Put the key’s certificate into the slot, or make a new key.' });
}

async function isOwn({ algorithm, publicKey }: SlotKey, family: SignatureAlgorithmFacts['family'], input: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const spki = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  if (family === 'rsa-pkcs1' || family === 'rsa-pss') return publicDecrypt({ key: spki, padding: constants.RSA_NO_PADDING }, signature).equals(input);
  if (family === 'eddsa') return verify(null, input, spki, signature);
  const parts = parseSpki(publicKey);
  return parts.kind === 'ec' && (await curveOf(algorithm)).verify(signature, input, parts.bytes, { prehash: false, lowS: false, format: 'der' });
}
