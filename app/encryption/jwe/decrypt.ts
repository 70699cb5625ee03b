import { createDecipheriv, createHmac, timingSafeEqual, type CipherGCMTypes } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { KeywrightError, type SecretBytes } from '../../contract/index.ts';
import { malformed, notSupported } from '../../formats/malformed.ts';
import type { Openers } from '../parties.ts';
import type { ByteSource } from '../source.ts';
import { CONTENT_CIPHERS, type ContentCipher } from './algorithms.ts';
import { LARGEST_JWE, tooLarge } from './encrypt.ts';
import { contentKeys } from './openers.ts';
import { type ReadJwe, readJwe } from './read.ts';

/** Opens a JWE (RFC 7516 §5.2). It is in memory as a whole: nothing of it is handed on before all of it is authenticated. */

/** Base64url of the largest one, and its headers. */
const LARGEST_TEXT = Math.ceil((LARGEST_JWE * 4) / 3) + 4 * 1024 * 1024;
const TAG = 16;

/** @returns the name of what opened it. @throws INVALID_INPUT for what is damaged; NOT_FOUND when none of the openers is among the recipients; CAPABILITY_MISSING beyond 64 MiB and for what is not handled; what the openers do */
export async function decryptJwe(source: ByteSource, openers: Openers, write: (piece: Uint8Array) => Promise<void>): Promise<string> {
  const jwe = readJwe(await whole(source));
  const facts = Object.hasOwn(CONTENT_CIPHERS, jwe.enc) ? CONTENT_CIPHERS[jwe.enc] : undefined;
  if (facts === undefined) throw notSupported(`The content is encrypted with ${jwe.enc.slice(0, 40)}, which is not handled.`, undefined, Object.keys(CONTENT_CIPHERS));
  if (jwe.iv.length !== facts.ivBytes) throw malformed('The initialization vector of the JWE has a wrong length.');
  if (jwe.tag.length !== (facts.mac?.bytes ?? TAG)) throw malformed('The tag of the JWE has a wrong length.');
  for await (const { name, key, certain } of contentKeys(jwe.recipients, facts.keyBytes, jwe.enc, openers)) {
    using secret = key;
    const plaintext = openContent(jwe, facts, secret);
    if (plaintext === undefined && !certain) continue;
    if (plaintext === undefined) break;
    await write(jwe.deflated ? inflated(plaintext) : plaintext);
    return name;
  }
  throw new KeywrightError('INVALID_INPUT', { detail: 'The content of this JWE is not as it was encrypted, or it is for another key. Nothing of it was written.', remedy: 'Get the file anew.' });
}

async function whole(source: ByteSource): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for (;;) {
    const piece = Buffer.from(await source.read(1024 * 1024));
    if (piece.length === 0) return Buffer.concat(pieces);
    length += piece.length;
    if (length > LARGEST_TEXT) throw tooLarge('The file is larger than that');
    pieces.push(piece);
  }
}

/** @param secret of as many bytes as the cipher wants. @returns undefined when the tag does not fit */
export function openContent({ iv, ciphertext, tag, aad }: Pick<ReadJwe, 'iv' | 'ciphertext' | 'tag' | 'aad'>, { cipher, mac }: ContentCipher, secret: SecretBytes): Buffer | undefined {
  const key = secret.reveal();
  if (mac !== undefined) {
    // The first half authenticates, the second encrypts; the length of what else is authenticated comes last, in bits.
    const half = key.length / 2;
    const bits = Buffer.alloc(8);
    bits.writeBigUInt64BE(8n * BigInt(aad.length));
    const made = createHmac(mac.hash, key.subarray(0, half)).update(aad).update(iv).update(ciphertext).update(bits).digest().subarray(0, mac.bytes);
    if (!timingSafeEqual(made, tag)) return undefined;
    return finished(createDecipheriv(cipher, key.subarray(half), iv), ciphertext);
  }
  return finished(createDecipheriv(cipher as CipherGCMTypes, key, iv, { authTagLength: TAG }).setAAD(aad).setAuthTag(tag), ciphertext);
}

function finished(decipher: { update(bytes: Uint8Array): Buffer; final(): Buffer }, ciphertext: Uint8Array): Buffer | undefined {
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** A small file may stand for a huge one: no more is unpacked than a JWE may hold. */
function inflated(packed: Uint8Array): Buffer {
  try {
    return inflateRawSync(packed, { maxOutputLength: LARGEST_JWE });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge('What is compressed in the file is larger than that');
    throw malformed('The content of the JWE is not compressed as it says.');
  }
}
