import { KEY_ALGORITHMS, KeywrightError, type FileIn, type SecretBytes } from '../../contract/index.ts';
import type { z } from 'zod';
import { hybridRecipient, isHybridRecipient, isP256Recipient, p256Point, p256Recipient, scryptRecipient, sshRecipient, writeP256Recipient, writeX25519Recipient, x25519Raw, x25519Recipient, type Recipient } from '../../encryption/age/index.ts';
import { readPublicKey } from '../../formats/index.ts';
import type { Context } from '../context.ts';
import { publicKeyOf } from '../handlers/key-records.ts';
import type { StoredKey } from '../inventory.ts';
import { bytesOf } from './places.ts';

/** Who shall be able to open a file, from what a caller names. */

const MOST_LIST = 4 * 1024 * 1024;

export interface Named {
  readonly recipients: readonly string[];
  readonly recipientFiles: readonly z.output<typeof FileIn>[];
  readonly toPassphrase: boolean;
}

/** @param passphrase gives it when it is a recipient, by wish or since nobody else is; wiped after each use. @throws NOT_FOUND, INVALID_INPUT, CAPABILITY_MISSING with the keys that would serve */
export async function recipientsFor({ recipients, recipientFiles, toPassphrase }: Named, context: Context, passphrase: () => Promise<SecretBytes>): Promise<Recipient[]> {
  const found: Recipient[] = [];
  for (const [index, text] of recipients.entries()) found.push(await recipientFor(text, `/recipients/${index}`, context));
  for (const file of recipientFiles) found.push(...(await listed(file, context)));
  return !toPassphrase && found.length > 0 ? found : [...found, scryptRecipient(passphrase)];
}

async function recipientFor(text: string, where: string, context: Context): Promise<Recipient> {
  const known = outsider(text);
  if (known !== undefined) return known;
  const key = context.session.inventory.resolve(text);
  context.subject(key.uri);
  return keyRecipient(key, await publicKeyOf(key, context), where);
}

/** @returns somebody named by a public key; undefined when it is none. */
function outsider(text: string): Recipient | undefined {
  if (isP256Recipient(text)) return p256Recipient(text);
  if (isHybridRecipient(text)) return hybridRecipient(text);
  if (/^age1[a-z0-9]+$/i.test(text)) return x25519Recipient(text);
  if (!/^(?:ssh|ecdsa)-[\w@.-]+ /.test(text)) return undefined;
  const { spki, algorithm } = readPublicKey(Buffer.from(text));
  return sshRecipient(text.split(' ').slice(0, 2).join(' '), spki, algorithm);
}

function keyRecipient(key: StoredKey, spki: Uint8Array, where: string): Recipient {
  const { algorithm, label } = key;
  const needed = algorithm === 'x25519' || algorithm === 'ec-p256' ? 'agree' : 'decrypt';
  if (algorithm !== 'ed25519' && !key.usages.includes(needed)) throw cannotReceive(key, `it was not made to ${needed === 'agree' ? 'agree on secrets' : 'decrypt'}`, where);
  if (key.trashedUntil !== null) throw cannotReceive(key, 'it is in the trash', where);
  if (algorithm === 'x25519') return { ...x25519Recipient(writeX25519Recipient(x25519Raw(spki))), name: label };
  if (algorithm === 'ec-p256') return { ...p256Recipient(writeP256Recipient(p256Point(spki))), name: label };
  if (algorithm === 'ed25519' && key.hardware !== null) throw cannotReceive(key, 'a token signs with Ed25519 and does not decrypt', where);
  if (algorithm === 'ed25519' && !key.extractable) throw cannotReceive(key, 'age decrypts with the key itself, and this one is not extractable', where);
  if (algorithm === 'ed25519' || KEY_ALGORITHMS[algorithm].family === 'rsa') return sshRecipient(label, spki, algorithm);
  throw cannotReceive(key, `age has no recipients for ${algorithm}`, where);
}

function cannotReceive({ label }: StoredKey, why: string, where: string): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', { detail: `A file cannot be encrypted for “${label}”: ${why}.`, where, remedy: 'Choose an X25519, P-256, RSA or (in software) Ed25519 key.', alternatives: ['x25519', 'ec-p256', 'rsa-3072', 'ed25519'] });
}

/** A file with recipients, a line each (`#` begins a comment), or one public key. */
async function listed(file: z.output<typeof FileIn>, context: Context): Promise<Recipient[]> {
  const content = await bytesOf(undefined, file, 'recipientFiles', MOST_LIST, context);
  const lines = Buffer.from(content).toString('utf8').split(/\r?\n/).map((line) => line.trim());
  const named = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (named.length > 0 && outsider(named[0] as string) !== undefined) {
    return named.map((line) => {
      const found = outsider(line);
      if (found === undefined) throw new KeywrightError('INVALID_INPUT', { detail: 'A line of the recipients’ file names no recipient.', where: `line ${lines.indexOf(line) + 1}`, remedy: 'Each line is age1…, ssh-ed25519 … or ssh-rsa ….' });
      return found;
    });
  }
  const { spki, algorithm } = readPublicKey(content);
  if (algorithm === 'x25519') return [x25519Recipient(writeX25519Recipient(x25519Raw(spki)))];
  if (algorithm === 'ec-p256') return [p256Recipient(writeP256Recipient(p256Point(spki)))];
  return [sshRecipient('path' in file ? file.path : 'the public key', spki, algorithm)];
}
