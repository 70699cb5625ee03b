import { KEY_ALGORITHMS, KeywrightError, SecretBytes, type FileIn } from '../../contract/index.ts';
import type { z } from 'zod';
import { hybridIdentityOf, p256Identity, p256Point, RSA_LABEL, scryptIdentity, sshEd25519Identity, sshRsaIdentity, x25519Identity, x25519IdentityOf, x25519Raw, type Identity } from '../../encryption/age/index.ts';
import { parsePkcs8 } from '../../formats/private-parts.ts';
import type { KeyRef, KeyStore } from '../../keystore/keystore.ts';
import { assertCapable } from '../capabilities.ts';
import type { Context } from '../context.ts';
import { facet, livingVersions, publicKeyOf, refOf } from '../handlers/key-records.ts';
import type { StoredKey } from '../inventory.ts';
import { bytesOf } from './places.ts';

/** Who may be able to open a file: keys held here, identities in files, a passphrase. */

const MOST_IDENTITIES = 1024 * 1024;
/** RFC 8032 §5.1.5. */
const SEED = 32;

export interface Tried {
  readonly key?: string | undefined;
  readonly identityFiles: readonly z.output<typeof FileIn>[];
}

/** @param passphrase asked for only when the file is for one. @throws NOT_FOUND, INVALID_INPUT, CAPABILITY_MISSING for a named key that decrypts no files */
export async function identitiesFor({ key, identityFiles }: Tried, context: Context, passphrase: () => Promise<SecretBytes>): Promise<Identity[]> {
  const named: Identity[] = [];
  for (const file of identityFiles) named.push(...(await listed(file, context)));
  if (key !== undefined) {
    const own = await ofKey(context.key, context);
    if (own.length === 0) throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${context.key.label}” is ${context.key.algorithm}, which decrypts no files.`, remedy: 'Choose an X25519, P-256, RSA or (in software) Ed25519 key.', alternatives: ['x25519', 'ec-p256', 'rsa-3072', 'ed25519'] });
    return [...named, ...own];
  }
  if (named.length > 0) return [...named, scryptIdentity(passphrase)];
  const held = [...context.session.inventory.all()].filter(({ trashedUntil }) => trashedUntil === null);
  // Keys in tokens last: they ask for a PIN or a touch.
  const ordered = [...held.filter(({ hardware }) => hardware === null), ...held.filter(({ hardware }) => hardware !== null)];
  const own: Identity[] = [];
  for (const each of ordered) own.push(...(await ofKey(each, context)));
  return [scryptIdentity(passphrase), ...own];
}

/** One for each version that may have been the primary one when the file was made, newest first. */
async function ofKey(key: StoredKey, context: Context): Promise<Identity[]> {
  const make = kindOf(key);
  if (make === undefined) return [];
  const identities: Identity[] = [];
  for (const { version } of livingVersions(key)) {
    const spki = await publicKeyOf(key, context, version).catch((thrown: unknown) => {
      if (thrown instanceof KeywrightError && thrown.code === 'CORRUPT_RECORD') return undefined; // says nothing of the other keys
      throw thrown;
    });
    if (spki !== undefined) identities.push(make({ key, spki, version, context }));
  }
  return identities;
}

interface Own {
  readonly key: StoredKey;
  readonly spki: Uint8Array;
  readonly version: number;
  readonly context: Context;
}

function kindOf({ algorithm, usages, hardware, extractable }: StoredKey): ((own: Own) => Identity) | undefined {
  if (algorithm === 'ed25519') return hardware === null && extractable ? sshEd25519 : undefined;
  if (KEY_ALGORITHMS[algorithm].family === 'rsa') return usages.includes('decrypt') ? sshRsa : undefined;
  if (!usages.includes('agree')) return undefined;
  return algorithm === 'x25519' ? x25519 : algorithm === 'ec-p256' ? p256 : undefined;
}

const x25519 = (own: Own): Identity => x25519Identity(own.key.label, x25519Raw(own.spki), (peer) => agree(own, peer));
const p256 = (own: Own): Identity => p256Identity(own.key.label, p256Point(own.spki), (peer) => agree(own, peer));

function sshRsa(own: Own): Identity {
  return sshRsaIdentity(own.key.label, own.spki, own.key.algorithm, (ciphertext) => {
    assertCapable(own.key, 'decrypt');
    return use(own, (store, ref) => facet(store.decrypter, store, 'decrypt').decrypt(ref, 'rsa-oaep-sha256', { ciphertext, aad: RSA_LABEL }, own.context.keyCall));
  });
}

/** age uses an Ed25519 key as one of X25519, for which it needs the key itself. */
function sshEd25519(own: Own): Identity {
  return sshEd25519Identity(own.key.label, own.spki, () => use(own, async (store, ref) => {
    const { secret } = await facet(store.exporter, store, 'give keys away').exportKey(ref, own.context.keyCall);
    using pkcs8 = secret;
    const parts = parsePkcs8(pkcs8.reveal());
    if (!('secret' in parts)) throw new Error('an Ed25519 key without its seed');
    return new SecretBytes(Buffer.from(parts.secret.subarray(-SEED)));
  }));
}

function agree(own: Own, peer: Uint8Array): Promise<SecretBytes> {
  assertCapable(own.key, 'agree');
  return use(own, (store, ref) => facet(store.agreement, store, 'agree on secrets').agree(ref, peer, own.context.keyCall));
}

async function use<T>({ key, version, context }: Own, work: (store: KeyStore, ref: KeyRef) => Promise<T>): Promise<T> {
  context.subject(key.uri);
  return work(await context.session.backends.storeOf(key), { ...refOf(key, version), purpose: 'decrypt a file' });
}

/** Identities in a file, a line each; `#` begins a comment. */
async function listed(file: z.output<typeof FileIn>, context: Context): Promise<Identity[]> {
  const content = await bytesOf(undefined, file, 'identityFiles', MOST_IDENTITIES, context);
  const lines = Buffer.from(content).toString('utf8').split(/\r?\n/).map((line) => line.trim());
  const identities = lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    if (/^AGE-SECRET-KEY-PQ-1/i.test(line)) return [hybridIdentityOf(line)];
    if (/^AGE-SECRET-KEY-1/i.test(line)) return [x25519IdentityOf(line)];
    throw new KeywrightError('INVALID_INPUT', { detail: 'A line of the identity file is no identity of age.', where: `line ${index + 1}`, remedy: 'Import keys of other kinds with `keywright keys import`, and decrypt with them.' });
  });
  Buffer.from(content.buffer, content.byteOffset, content.length).fill(0);
  return identities;
}
