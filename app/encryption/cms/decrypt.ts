import { createDecipheriv, type CipherGCMTypes, type DecipherGCM } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { contextPrimitive, contextTag, DerReader, TAG } from '../../formats/der.ts';
import { malformed, notSupported } from '../../formats/malformed.ts';
import type { Openers } from '../parties.ts';
import { release } from '../release.ts';
import type { ByteSource } from '../source.ts';
import { BerStream, type BerHead } from './ber.ts';
import { AUTH_ENVELOPED_DATA, CONTENT_CIPHERS, ENVELOPED_DATA } from './identifiers.ts';
import { openRecipients } from './openers.ts';

/** EnvelopedData (RFC 5652 §6) and AuthEnvelopedData (RFC 5083), in DER or BER. */

const MOST_RECIPIENTS = 4 * 1024 * 1024;
const MAC = 16;

interface OpenedCms {
  readonly openedBy: string;
  /** False for the old ciphers, which do not show whether somebody changed the content. */
  readonly authenticated: boolean;
}

/** @throws INVALID_INPUT for what is damaged; NOT_FOUND when none of the openers is among the recipients; what the openers do. What was written before an error must be thrown away. */
export async function decryptCms(source: ByteSource, openers: Openers, write: (piece: Uint8Array) => Promise<void>): Promise<OpenedCms> {
  const stream = new BerStream(source);
  await stream.enter('the message', TAG.sequence);
  const type = await oid(stream, 'the type of the message');
  if (type !== ENVELOPED_DATA && type !== AUTH_ENVELOPED_DATA) throw notSupported('This message of CMS is not encrypted.', 'See what it is with `keywright files inspect`.');
  await stream.enter('the content of the message', contextTag(0));
  await stream.enter('the encrypted message', TAG.sequence);
  await stream.element('the version', 16);
  if ((await stream.peek('the recipients')).tag === contextTag(0)) await stream.element('the originator', MOST_RECIPIENTS);
  const recipients = await stream.element('the recipients', MOST_RECIPIENTS);
  await stream.enter('the encrypted content', TAG.sequence);
  await oid(stream, 'the type of the content'); // whatever was encrypted, another message too, is given as it is
  const { cipher, keyBytes, authenticated, iv, macBytes } = readCipher(await stream.element('the cipher', 1024), type);
  const head = await stream.peek('the encrypted content itself');
  if (head.tag !== contextPrimitive(0) && head.tag !== contextTag(0)) throw notSupported('The message is without its content, which is somewhere else.');
  const { name, key } = await openRecipients(recipients, keyBytes, openers);
  using secret = key;
  await stream.enter('the encrypted content itself', head.tag);
  const decipher = createDecipheriv(cipher as CipherGCMTypes, secret.reveal(), iv, authenticated ? { authTagLength: macBytes } : undefined);
  await decrypted(stream, head, decipher, authenticated, macBytes, write);
  await passRest(stream);
  return { openedBy: name, authenticated };
}

async function decrypted(stream: BerStream, head: BerHead, decipher: DecipherGCM, authenticated: boolean, macBytes: number, write: (piece: Uint8Array) => Promise<void>): Promise<void> {
  await stream.string(head, 'the encrypted content itself', async (piece) => {
    const plain = decipher.update(piece);
    await write(plain);
    release(plain);
  });
  if (authenticated) {
    await passEnd(stream);
    if ((await stream.peek('the MAC')).tag === contextTag(1)) throw notSupported('The message has authenticated attributes, which are not handled.'); // they come before the content in what is authenticated, and after it in the file
    const mac = await stream.enter('the MAC', TAG.octetString);
    const bytes = Buffer.from(await stream.bytes(mac.length ?? 0, 'the MAC'));
    if (bytes.length !== macBytes) throw malformed('The MAC has a wrong length.', mac.offset);
    decipher.setAuthTag(bytes);
  }
  try {
    await write(decipher.final());
  } catch (cause) {
    if (cause instanceof KeywrightError || (cause as NodeJS.ErrnoException).syscall !== undefined) throw cause;
    throw new KeywrightError('INVALID_INPUT', { detail: 'The content of this message is not as it was encrypted, or it is for another key. Nothing of it was written.', remedy: 'Get the file anew.', cause });
  }
}

/** The end of EncryptedContentInfo, where its length is indefinite. */
async function passEnd(stream: BerStream): Promise<void> {
  const next = await stream.peek('the MAC');
  if (next.tag === 0 && next.length === 0) await stream.enter('the end of the encrypted content', 0);
}

/** Behind the message: attributes that nobody protects (RFC 5652 §6.1, RFC 5083 §2.1), ends of indefinite lengths, and nothing else. */
async function passRest(stream: BerStream): Promise<void> {
  for (let passed = 0; !(await stream.atEnd()); passed += 1) {
    const { tag, length, offset } = await stream.peek('the end of the message');
    if (tag === 0 && length === 0) await stream.enter('the end of the message', 0);
    else if (passed < 2 && (tag === contextTag(1) || tag === contextTag(2))) await stream.element('the attributes', MOST_RECIPIENTS);
    else throw malformed('Something follows the end of the message.', offset);
  }
}

async function oid(stream: BerStream, what: string): Promise<string> {
  return new DerReader(await stream.element(what, 128)).oid(what);
}

interface Cipher {
  readonly cipher: string;
  readonly keyBytes: number;
  readonly authenticated: boolean;
  readonly iv: Uint8Array;
  readonly macBytes: number;
}

function readCipher(identifier: Uint8Array, type: string): Cipher {
  const fields = new DerReader(identifier).enter('the cipher');
  const name = fields.oid('the cipher');
  const known = CONTENT_CIPHERS[name];
  if (known === undefined) throw notSupported(`The content is encrypted with ${name}, which is not handled.`, undefined, Object.values(CONTENT_CIPHERS).map(({ cipher }) => cipher));
  if (known.authenticated !== (type === AUTH_ENVELOPED_DATA)) throw malformed('The cipher does not go with the kind of message.');
  if (!known.authenticated) {
    const vector = Buffer.from(fields.octets('the initialization vector'));
    if (vector.length !== (known.cipher.startsWith('des') ? 8 : 16)) throw malformed('The initialization vector has a wrong length.');
    return { ...known, iv: vector, macBytes: 0 };
  }
  const parameters = fields.enter('the parameters of GCM');
  const iv = Buffer.from(parameters.octets('the nonce'));
  if (iv.length === 0 || iv.length > 64) throw malformed('The initialization vector has a wrong length.');
  const macBytes = parameters.atEnd ? 12 : parameters.smallInteger('the length of the MAC', MAC);
  if (macBytes < 12) throw malformed('The MAC is shorter than 12 bytes.');
  return { ...known, iv, macBytes };
}

