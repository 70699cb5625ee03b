import { createCipheriv, randomBytes } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import type { Party } from '../parties.ts';
import type { ByteSource } from '../source.ts';
import { jweRecipient } from './recipients.ts';

/**
 * JWE (RFC 7516) with A256GCM: compact for one recipient, general JSON for several. Its tag comes last and covers all of it, and its readers
 * have it in memory as one text: so that nothing is released before it is authenticated, it is for files of up to 64 MiB.
 */

export const LARGEST_JWE = 64 * 1024 * 1024;
const ENC = 'A256GCM';
const [KEY, IV] = [32, 12];
const encoded = (bytes: Uint8Array | string): string => Buffer.from(bytes as Uint8Array).toString('base64url');

/** @param size of what the source gives. @throws CAPABILITY_MISSING beyond 64 MiB, CONFLICT when the source gives another size, and what the recipients do */
export async function encryptJwe(source: ByteSource, size: number, parties: readonly Party[], write: (piece: Uint8Array) => Promise<void>): Promise<void> {
  if (parties.length === 0) throw new KeywrightError('INVALID_INPUT', { detail: 'Nobody is named who shall be able to open the file.', where: '/recipients' });
  if (size > LARGEST_JWE) throw tooLarge(`The file has ${Math.ceil(size / 2 ** 20)} MiB`);
  const contentKey = randomBytes(KEY);
  try {
    const recipients = [];
    for (const party of parties) recipients.push(await jweRecipient(party, contentKey));
    const [only] = recipients.length === 1 ? recipients : [];
    const protectedText = encoded(JSON.stringify({ ...only?.header, enc: ENC }));
    const iv = randomBytes(IV);
    const cipher = createCipheriv('aes-256-gcm', contentKey, iv).setAAD(Buffer.from(protectedText, 'latin1'));
    const ciphertext = Buffer.concat([await encrypted(source, size, cipher), cipher.final()]);
    const tag = encoded(cipher.getAuthTag());
    if (only !== undefined) return await write(Buffer.from(`${protectedText}.${encoded(only.encryptedKey)}.${encoded(iv)}.${encoded(ciphertext)}.${tag}`, 'latin1'));
    const list = recipients.map(({ header, encryptedKey }) => ({ header, encrypted_key: encoded(encryptedKey) }));
    await write(Buffer.from(`${JSON.stringify({ protected: protectedText, recipients: list, iv: encoded(iv), ciphertext: encoded(ciphertext), tag })}\n`, 'latin1'));
  } finally {
    contentKey.fill(0);
  }
}

async function encrypted(source: ByteSource, size: number, cipher: { update(piece: Uint8Array): Buffer }): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let done = 0;
  for (;;) {
    const piece = await source.read(1024 * 1024);
    if (piece.length === 0) break;
    done += piece.length;
    if (done > size) break;
    pieces.push(cipher.update(piece));
  }
  if (done !== size) throw new KeywrightError('CONFLICT', { detail: 'The file changed while it was read.', remedy: 'Try again when nobody writes to it any more.' });
  return Buffer.concat(pieces);
}

export function tooLarge(what: string): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', {
    detail: `${what}; a JWE takes ${LARGEST_JWE / 2 ** 20} MiB at most here, since it is authenticated as a whole before anything of it is released.`,
    remedy: 'Use age, OpenPGP or CMS, which take files of any size piece by piece.', alternatives: ['age', 'openpgp', 'cms'],
  });
}
