import { because, KeywrightError, type FileEncryptionFormat } from '../contract/index.ts';
import { derOid } from '../formats/der.ts';
import type { Watch } from '../signing/raw.ts';
import { ageIdentitiesOf, ageRecipientOf, decryptAge, encryptAge, looksLikeAge } from './age/index.ts';
import { decryptCms } from './cms/decrypt.ts';
import { encryptCms } from './cms/encrypt.ts';
import { AUTH_ENVELOPED_DATA, ENVELOPED_DATA } from './cms/identifiers.ts';
import { decryptJwe } from './jwe/decrypt.ts';
import { encryptJwe } from './jwe/encrypt.ts';
import { decryptOpenpgp, looksLikeOpenpgp } from './openpgp/decrypt.ts';
import { encryptOpenpgp } from './openpgp/encrypt.ts';
import type { Openers, Party } from './parties.ts';
import { FileSource } from './source.ts';
import { pemWriter, TextSource } from './text-source.ts';

/** Files encrypted and decrypted, in constant memory but for JWE. */

export interface Encrypting {
  readonly format: FileEncryptionFormat;
  /** As text: age's armour, PEM. */
  readonly armor: boolean;
  /** OpenPGP's version. */
  readonly openpgp?: 'v4' | 'v6' | undefined;
}

export interface Decrypted {
  readonly format: FileEncryptionFormat;
  /** The name of the key, the identity, or "a passphrase". */
  readonly openedBy: string;
  /** False: the cipher does not show whether somebody changed the content. */
  readonly authenticated: boolean;
  /** There is a signature inside, which was not checked. */
  readonly signed: boolean;
}

type Write = (piece: Uint8Array) => Promise<void>;
const BEGINNING = 4096;
const ENCRYPTED_CMS = [ENVELOPED_DATA, AUTH_ENVELOPED_DATA].map((oid) => derOid(oid));

/** File endings that programs expect. */
export const ENCRYPTED_ENDINGS: Readonly<Record<FileEncryptionFormat, string>> = { age: '.age', cms: '.p7m', jwe: '.jwe', openpgp: '.pgp' };

/** @throws what the recipients do, NOT_FOUND, PERMISSION_DENIED, INVALID_INPUT, CONFLICT when the file changes meanwhile */
export async function encryptFile(path: string, parties: readonly Party[], { format, armor, openpgp }: Encrypting, watch: Watch, write: Write): Promise<void> {
  await using source = await FileSource.open(path, watch.signal, watch.progress?.bind(watch));
  if (format === 'age') return await encryptAge(source, parties.map(ageRecipientOf), { armor }, write);
  if (format === 'jwe') return await encryptJwe(source, source.size, parties, write);
  if (format === 'openpgp') return await encryptOpenpgp(source, source.size, parties, { armor, version: openpgp === undefined ? undefined : openpgp === 'v6' ? 6 : 4 }, write);
  const out = armor ? pemWriter('CMS', write) : { write, end: async () => undefined };
  await encryptCms(source, source.size, parties, (piece) => out.write(piece));
  await out.end();
}

/** What was written before an error must be thrown away. @throws INVALID_INPUT for what is damaged or not encrypted; NOT_FOUND when no opener fits; what the openers do */
export async function decryptFile(path: string, openers: Openers, watch: Watch, write: Write): Promise<Decrypted> {
  await using source = await FileSource.open(path, watch.signal, watch.progress?.bind(watch));
  const beginning = Buffer.from(await source.peek(BEGINNING));
  const format = formatOf(beginning);
  switch (format) {
    case 'age': return { format, openedBy: await decryptAge(source, beginning, ageIdentitiesOf(openers), write), authenticated: true, signed: false };
    case 'jwe': return { format, openedBy: await decryptJwe(source, openers, write), authenticated: true, signed: false };
    case 'openpgp': return { format, ...(await decryptOpenpgp(source, beginning, openers, write)), authenticated: true };
    case 'cms': return { format, ...(await decryptCms(beginning[0] === 0x30 ? source : new TextSource(source), openers, write)), signed: false };
  }
}

function formatOf(beginning: Buffer): FileEncryptionFormat {
  if (looksLikeAge(beginning)) return 'age';
  if (beginning[0] === 0x30 && ENCRYPTED_CMS.some((oid) => beginning.subarray(0, 64).includes(oid))) return 'cms';
  if (looksLikeOpenpgp(beginning)) return 'openpgp';
  const text = beginning.toString('latin1');
  if (/-----BEGIN (?:CMS|PKCS7)-----/.test(text) || /^content-type:\s*application\/(?:x-)?pkcs7-mime/im.test(text)) return 'cms';
  if (looksLikeJwe(text)) return 'jwe';
  throw new KeywrightError('INVALID_INPUT', { ...because('file.not-encrypted', {}), alternatives: Object.keys(ENCRYPTED_ENDINGS) });
}

/** Five parts, of which the first is an object's beginning in base64url; or JSON with a ciphertext or with recipients. */
function looksLikeJwe(text: string): boolean {
  const trimmed = text.trimStart();
  return /^ey[\w-]+\.[\w-]*\.[\w-]*\.[\w-]*(?:\.|$)/.test(trimmed) || (trimmed.startsWith('{') && /"(?:ciphertext|encrypted_key|recipients)"\s*:/.test(trimmed));
}
