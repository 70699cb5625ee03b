import { randomBytes } from 'node:crypto';
import { encryptionAlgorithmsOf, KEY_ALGORITHMS, because, KeywrightError, signatureAlgorithmsOf, type InputOf, type keyOperations, type KeyRecord, type OutputOf } from '../../contract/index.ts';
import type { KeyRef, KeyStore } from '../../keystore/keystore.ts';
import { verifySignature } from '../../signing/verify.ts';
import type { Context } from '../context.ts';
import { primary, type StoredKey, type StoredVersion } from '../inventory.ts';
import { newKeyId, storedKey } from '../stored-key.ts';
import type { HandlersOf } from './handlers.ts';
import { facet, mergedVersions, publicKeyOf, refOf, writeKey } from './key-records.ts';

type TransferInput = InputOf<typeof keyOperations.copy>;
type TransferOutput = OutputOf<typeof keyOperations.copy>;

const DAY = 24 * 60 * 60 * 1000;

export const keyTransferHandlers: Pick<HandlersOf<'keys'>, 'keys.copy' | 'keys.move'> = {
  'keys.copy': (input, context) => transfer(input, context, false),
  'keys.move': (input, context) => transfer(input, context, true),
};

/**
 * Copies keys with all versions. Every key is checked before the first is touched; each copy must have the same public
 * keys and prove itself in use before a source goes to the trash; all of it commits together.
 */
async function transfer(input: TransferInput, context: Context, move: boolean): Promise<TransferOutput> {
  const { inventory, backends } = context.session;
  const keys = input.keys.map((reference) => inventory.resolve(reference));
  const refused: TransferOutput['refused'] = [];
  const plan: { key: StoredKey; source: KeyStore; destination: KeyStore }[] = [];
  for (const key of new Set(keys)) {
    try {
      plan.push({ key, source: await backends.storeOf(key), destination: await destinationFor(key, input.to, context) });
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError) || thrown.code === 'NOT_FOUND') throw thrown;
      refused.push({ key: key.uri, label: key.label, reason: thrown.message });
    }
  }
  if (input.dryRun) return { transferred: plan.map(({ key, destination }) => ({ from: key.uri, to: preview(key, destination) })), refused, dryRun: true };
  if (refused.length > 0) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${refused.length} of ${keys.length} keys cannot go to “${input.to}”: ${refused[0]!.reason} Nothing was changed.`, remedy: 'Try it with --dry-run, then leave those out.' });
  const transferred: TransferOutput['transferred'] = [];
  for (const { key, source, destination } of plan) {
    context.call.signal.throwIfAborted();
    context.call.progress({ done: transferred.length, total: plan.length, label: key.label });
    const copied = await copyKey(key, source, destination, context);
    await proveInUse(copied, destination, context);
    transferred.push({ from: key.uri, to: await writeKey(context, copied) });
    context.subject(key.uri);
    context.subject(copied.uri);
    if (move) await writeKey(context, { ...key, trashedUntil: new Date(Date.now() + Number(context.services.config.get('trash.days')) * DAY).toISOString() });
  }
  context.call.progress({ done: plan.length, total: plan.length, label: '' });
  return { transferred, refused, dryRun: false };
}

async function destinationFor(key: StoredKey, to: string, context: Context): Promise<KeyStore> {
  const destination = await context.session.backends.storeFor(to, key.algorithm);
  if (key.trashedUntil !== null) throw new KeywrightError('CONFLICT', because('key.in-trash', { key: key.label }));
  if (key.backend === to) throw new KeywrightError('CONFLICT', `“${key.label}” is in “${to}” already.`);
  if (!key.extractable) throw new KeywrightError('PERMISSION_DENIED', because('key.not-extractable', { key: key.label }));
  facet(destination.importer, destination, 'take keys in');
  return destination;
}

function preview(key: StoredKey, destination: KeyStore): KeyRecord {
  const { version, fingerprint } = primary(key);
  const { change: _change, type: _type, formerIds: _formerIds, ref: _ref, versions, ...same } = key;
  return { ...same, hardware: null, present: true, usages: [...key.usages], tags: [...key.tags], backend: destination.name, version, versions: versions.length, fingerprint, certificates: [], revision: '0' };
}

async function copyKey(key: StoredKey, source: KeyStore, destination: KeyStore, context: Context): Promise<StoredKey> {
  const exporter = facet(source.exporter, source, 'give keys away');
  const importer = facet(destination.importer, destination, 'take keys in');
  const id = newKeyId();
  let copied: StoredKey | undefined;
  for (const version of key.versions) {
    // Retired versions go along: retiring is undone by nobody, but their signatures still verify with the public key.
    const material = await exporter.exportKey({ uri: key.uri, id: key.id, version: version.version }, context.keyCall);
    using _ = material.secret;
    if (copied === undefined) {
      const description = await importer.importKey({ id, label: key.label, usages: key.usages, extractable: key.extractable }, material, context.keyCall);
      copied = storedKey(description, destination, { label: key.label, tags: key.tags, origin: key.origin, notBefore: key.notBefore, notAfter: key.notAfter, state: key.state });
    } else {
      const description = await importer.importVersion(copied.id, material, context.keyCall);
      copied = { ...copied, versions: mergedVersions(copied, description) };
    }
  }
  const versions = copied!.versions.map((made, index) => sameVersion(key, key.versions[index], made));
  return { ...copied!, versions, createdAt: key.createdAt, formerIds: [key.id, ...key.formerIds] };
}

function sameVersion(key: StoredKey, before: StoredVersion | undefined, made: StoredVersion): StoredVersion {
  if (before === undefined || before.version !== made.version || before.fingerprint !== made.fingerprint) {
    throw new KeywrightError('INTERNAL', { detail: `The copy of “${key.label}” does not have the same public keys. Nothing was changed.` });
  }
  return { ...made, createdAt: before.createdAt, retired: before.retired };
}

/** The copy must act: what it signs, encrypts or authenticates has to hold. */
async function proveInUse(key: StoredKey, store: KeyStore, context: Context): Promise<void> {
  const ref: KeyRef = refOf(key);
  const message = randomBytes(32);
  const failed = new KeywrightError('INTERNAL', { detail: `The copy of “${key.label}” does not work. Nothing was changed.` });
  const { kind } = KEY_ALGORITHMS[key.algorithm];
  if (key.usages.includes('sign') && store.signer !== undefined) {
    const [algorithm] = signatureAlgorithmsOf(key.algorithm);
    const signature = await store.signer.sign(ref, algorithm!, { message }, context.keyCall);
    if (!(await verifySignature(await publicKeyOf(key, context), algorithm!, { message }, signature))) throw failed;
  } else if (kind === 'symmetric' && key.usages.includes('encrypt') && key.usages.includes('decrypt') && store.encrypter !== undefined && store.decrypter !== undefined) {
    const [algorithm] = encryptionAlgorithmsOf(key.algorithm);
    const sealed = await store.encrypter.encrypt(ref, algorithm!, { plaintext: message }, context.keyCall);
    if (!Buffer.from(await store.decrypter.decrypt(ref, algorithm!, sealed, context.keyCall)).equals(message)) throw failed;
  }
}

