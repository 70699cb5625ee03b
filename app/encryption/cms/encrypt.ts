import { createCipheriv, randomBytes } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { contextPrimitive, contextTag, der, derInteger, derOid, derSequence, fromBigInt, TAG } from '../../formats/der.ts';
import type { Party } from '../parties.ts';
import { release } from '../release.ts';
import type { ByteSource } from '../source.ts';
import { AES256_GCM, AUTH_ENVELOPED_DATA, DATA } from './identifiers.ts';
import { recipientInfo } from './recipients.ts';

/** AuthEnvelopedData with AES-256-GCM (RFC 5083, RFC 5084), in DER. */

const [KEY, NONCE, MAC] = [32, 12, 16];
const PIECE = 1024 * 1024;
/** What GCM takes under one key and nonce (SP 800-38D §5.2.1.1). */
const MOST = 2 ** 36 - 32;

/** @param size of what the source gives. @throws CONFLICT when it gives another, and what the recipients do */
export async function encryptCms(source: ByteSource, size: number, parties: readonly Party[], write: (piece: Uint8Array) => Promise<void>): Promise<void> {
  if (parties.length === 0) throw new KeywrightError('INVALID_INPUT', { detail: 'Nobody is named who shall be able to open the file.', where: '/recipients' });
  if (size > MOST) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'AES-GCM encrypts at most 64 GiB in one piece.', remedy: 'Encrypt it with age, which does so in chunks.', alternatives: ['age'] });
  const [key, nonce] = [randomBytes(KEY), randomBytes(NONCE)];
  const recipients: Buffer[] = [];
  for (const party of parties) recipients.push(await recipientInfo(party, key));
  // SET OF in DER is sorted (X.690 §11.6).
  const set = der(TAG.set, ...recipients.sort(Buffer.compare));
  const cipherIdentifier = derSequence(derOid(AES256_GCM), derSequence(der(TAG.octetString, nonce), derInteger(BigInt(MAC))));
  const before = Buffer.concat([derOid(DATA), cipherIdentifier, head(contextPrimitive(0), size)]);
  const macHead = head(TAG.octetString, MAC);
  const version = derInteger(0n);
  const contentInfo = head(TAG.sequence, before.length + size);
  const inner = version.length + set.length + contentInfo.length + before.length + size + macHead.length + MAC;
  const sequence = head(TAG.sequence, inner);
  const explicit = head(contextTag(0), sequence.length + inner);
  const type = derOid(AUTH_ENVELOPED_DATA);
  await write(Buffer.concat([head(TAG.sequence, type.length + explicit.length + sequence.length + inner), type, explicit, sequence, version, set, contentInfo, before]));

  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: MAC });
  let done = 0;
  for (;;) {
    const piece = await source.read(PIECE);
    if (piece.length === 0) break;
    done += piece.length;
    const sealed = cipher.update(piece);
    await write(sealed);
    release(sealed);
  }
  if (done !== size) throw new KeywrightError('CONFLICT', { detail: 'The file changed while it was read.', remedy: 'Try again when nobody writes to it any more.' });
  cipher.final();
  await write(Buffer.concat([macHead, cipher.getAuthTag()]));
  key.fill(0);
}

/** @returns tag and length of an element whose content is written afterwards. */
function head(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.of(tag, length);
  const bytes = fromBigInt(BigInt(length));
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length), bytes]);
}
