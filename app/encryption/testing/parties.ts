import { constants, createPublicKey, diffieHellman, privateDecrypt, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FileEncryptionFormat, type KeyAlgorithmName, KeywrightError, SecretBytes } from '../../contract/index.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import { decryptFile, encryptFile, type Encrypting } from '../files.ts';
import type { HeldKey, Openers, Party, PublicParty } from '../parties.ts';

/** Recipients and keys of node:crypto, and files that are encrypted for them, as the tests of the formats share them. */

export const PASSPHRASE = 'another pass phrase 99';
export const passphrase: Party = { kind: 'passphrase', name: 'a passphrase', ask: async () => SecretBytes.fromText(PASSPHRASE) };
const watch = { signal: new AbortController().signal };

export const partyOf = (algorithm: KeyAlgorithmName, certificate?: Uint8Array): PublicParty => ({ kind: 'key', name: algorithm, algorithm, spki: pairOf(algorithm).spki, ...(certificate === undefined ? {} : { certificate }) });

export function held(algorithm: KeyAlgorithmName, certificates: readonly Uint8Array[] = [], { spki, privateKey }: { spki: Uint8Array; privateKey: KeyObject } = pairOf(algorithm)): HeldKey {
  const inputError = (cause: unknown): never => {
    throw new KeywrightError('INVALID_INPUT', { detail: 'It does not open.', cause });
  };
  const key = { name: algorithm, algorithm, spki, certificates, created: new Date(1_700_000_000_000) };
  if (algorithm.startsWith('rsa')) {
    return { ...key, async decrypt(name, ciphertext) {
      try {
        return privateDecrypt(name === 'rsa-pkcs1' ? { key: privateKey, padding: constants.RSA_PKCS1_PADDING } : { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: name.slice(9) }, ciphertext);
      } catch (cause) {
        return inputError(cause);
      }
    } };
  }
  return { ...key, async agree(peer) {
    try {
      return new SecretBytes(diffieHellman({ privateKey, publicKey: createPublicKey({ key: Buffer.from(peer), format: 'der', type: 'spki' }) }));
    } catch (cause) {
      return inputError(cause);
    }
  } };
}

export const openers = (keys: readonly HeldKey[], word = PASSPHRASE, more: Partial<Openers> = {}): Openers => ({ keys, secrets: [], identities: [], passphrase: async () => SecretBytes.fromText(word), ...more });

/** @returns the path of the encrypted file. */
export async function encrypted(folder: string, format: FileEncryptionFormat, parties: readonly Party[], content: Uint8Array, more: Partial<Encrypting> = {}): Promise<string> {
  writeFileSync(join(folder, 'plain'), content);
  const pieces: Buffer[] = [];
  await encryptFile(join(folder, 'plain'), parties, { format, armor: false, ...more }, watch, async (piece) => void pieces.push(Buffer.from(piece)));
  writeFileSync(join(folder, 'ours'), Buffer.concat(pieces));
  return join(folder, 'ours');
}

export async function decrypted(path: string, by: Openers): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await decryptFile(path, by, watch, async (piece) => void pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}
