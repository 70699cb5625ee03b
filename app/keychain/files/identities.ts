import { KEY_ALGORITHMS, KeywrightError, SecretBytes, type FileIn, type Usage } from '../../contract/index.ts';
import type { z } from 'zod';
import { hybridIdentityOf, x25519IdentityOf, type Identity } from '../../encryption/age/index.ts';
import type { HeldKey, HeldSecret, Openers } from '../../encryption/parties.ts';
import { fingerprint } from '../../formats/index.ts';
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
export async function openersFor({ key, identityFiles }: Tried, context: Context, passphrase: () => Promise<SecretBytes>): Promise<Openers> {
  const identities: Identity[] = [];
  for (const file of identityFiles) identities.push(...(await listed(file, context)));
  const keys: HeldKey[] = [];
  const tried = key !== undefined ? [context.key] : identities.length > 0 ? [] : ordered(context);
  for (const each of tried) keys.push(...(await versionsOf(each, context)));
  const secrets = tried.flatMap((each) => secretsOf(each, context));
  if (key !== undefined && keys.length + secrets.length === 0) throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${context.key.label}” is ${context.key.algorithm}, and decrypts no files.`, remedy: 'Choose an X25519, EC, RSA or (in software) Ed25519 key.', alternatives: ['x25519', 'ec-p256', 'rsa-3072', 'ed25519'] });
  return { keys, secrets, identities, passphrase };
}

/** Keys in tokens last: they ask for a PIN or a touch. */
function ordered({ session }: Context): StoredKey[] {
  const held = [...session.inventory.all()].filter(({ trashedUntil }) => trashedUntil === null);
  return [...held.filter(({ hardware }) => hardware === null), ...held.filter(({ hardware }) => hardware !== null)];
}

/** One for each version that may have been the primary one when the file was made, newest first. */
async function versionsOf(key: StoredKey, context: Context): Promise<HeldKey[]> {
  const uses = usesOf(key);
  if (uses === undefined) return [];
  const found: HeldKey[] = [];
  for (const { version, createdAt } of livingVersions(key)) {
    const spki = await publicKeyOf(key, context, version).catch((thrown: unknown) => {
      if (thrown instanceof KeywrightError && thrown.code === 'CORRUPT_RECORD') return undefined; // says nothing of the other keys
      throw thrown;
    });
    if (spki !== undefined) found.push({ name: key.label, spki, algorithm: key.algorithm, created: new Date(createdAt), certificates: await certificatesFor(spki, context), ...uses({ key, version, context }) });
  }
  return found;
}

function secretsOf(key: StoredKey, context: Context): HeldSecret[] {
  if (KEY_ALGORITHMS[key.algorithm].family !== 'aes' || !key.usages.includes('unwrap')) return [];
  return livingVersions(key).map(({ version }) => ({ name: key.label, algorithm: key.algorithm, id: key.id, unwrap: (wrapped) =>
    use({ key, version, context }, 'unwrap', (store, ref) => facet(store.wrapper, store, 'unwrap keys').unwrap(ref, 'aes-kw', wrapped, context.keyCall)) }));
}

/** Files name their recipients by their certificates; one whose record is damaged is passed over. */
async function certificatesFor(spki: Uint8Array, { session: { certificates } }: Context): Promise<Uint8Array[]> {
  const found = await Promise.all(certificates.forKey(fingerprint(spki)).map(({ id }) => certificates.read(id).then(({ der }) => [der], () => [])));
  return found.flat();
}

interface Own {
  readonly key: StoredKey;
  readonly version: number;
  readonly context: Context;
}

function usesOf({ algorithm, usages, hardware, extractable }: StoredKey): ((own: Own) => Pick<HeldKey, 'agree' | 'decrypt' | 'seed'>) | undefined {
  const { family } = KEY_ALGORITHMS[algorithm];
  if (algorithm === 'ed25519' && hardware === null && extractable) return (own) => ({ seed: () => seed(own) });
  if (family === 'rsa' && usages.includes('decrypt')) return (own) => ({ decrypt: (...given) => decrypt(own, ...given) });
  return (family === 'ec' || algorithm === 'x25519') && usages.includes('agree') ? (own) => ({ agree: (peer) => agree(own, peer) }) : undefined;
}

const decrypt = (own: Own, ...[algorithm, ciphertext, label]: Parameters<NonNullable<HeldKey['decrypt']>>): Promise<Uint8Array> =>
  use(own, 'decrypt', (store, ref) => facet(store.decrypter, store, 'decrypt').decrypt(ref, algorithm, { ciphertext, ...(label === undefined ? {} : { aad: label }) }, own.context.keyCall));

const agree = (own: Own, peer: Uint8Array): Promise<SecretBytes> =>
  use(own, 'agree', (store, ref) => facet(store.agreement, store, 'agree on secrets').agree(ref, peer, own.context.keyCall));

/** age uses an Ed25519 key as one of X25519, for which it needs the key itself. */
const seed = (own: Own): Promise<SecretBytes> => use(own, undefined, async (store, ref) => {
  const { secret } = await facet(store.exporter, store, 'give keys away').exportKey(ref, own.context.keyCall);
  using pkcs8 = secret;
  const parts = parsePkcs8(pkcs8.reveal());
  if (!('secret' in parts)) throw new Error('an Ed25519 key without its seed');
  return new SecretBytes(Buffer.from(parts.secret.subarray(-SEED)));
});

async function use<T>({ key, version, context }: Own, usage: Usage | undefined, work: (store: KeyStore, ref: KeyRef) => Promise<T>): Promise<T> {
  if (usage !== undefined) assertCapable(key, usage);
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
