import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { askSecret, askToConfirm, because, KeywrightError, SecretBytes, type StoreStatus } from '../../contract/index.ts';
import { sizeOf } from '../../signing/raw.ts';
import { writeAside } from '../../signing/write-aside.ts';
import { newRecoveryCode, readBackup, writeBackup } from '../../storage/sealed/index.ts';
import type { Context } from '../context.ts';
import { fileOf, outputOf } from '../files/places.ts';
import { discard } from '../files/spool.ts';
import { handlersOf } from './handlers.ts';

const LEAST_PASSPHRASE = 8;
/** By then a passphrase is being derived on another thread: what most calls need is loaded meanwhile. */
const DERIVATION_BEGUN_MS = 5;

export const storeHandlers = handlersOf('store', {
  async 'store.create'(input, context) {
    const { stores } = context.services;
    if (stores.state !== 'absent') throw new KeywrightError('ALREADY_EXISTS', because('store.exists', { folder: stores.folder }));
    using passphrase = await askNewPassphrase('Choose the passphrase of your store', context);
    const session = await stores.create(input.kind, input.name, passphrase);
    if (input.recoveryCode) await addRecoveryCode(session.storage.slots, context);
    return stores.status();
  },

  async 'store.status'(_input, context) {
    return context.services.stores.status();
  },

  async 'store.unlock'(input, context) {
    const { stores } = context.services;
    if (stores.state === 'unlocked') return stores.status();
    if (stores.state === 'absent') throw noStore(stores.folder);
    await stores.prepare();
    using secret = await askToUnlock(input.with, context);
    const ahead = setTimeout(() => context.services.loadAhead('keys'), DERIVATION_BEGUN_MS);
    await stores.unlock({ kind: input.with, secret }).finally(() => clearTimeout(ahead));
    return stores.status();
  },

  async 'store.lock'(_input, context) {
    const { stores } = context.services;
    // The session ends with the lock, and its trail with it: the entry goes first.
    if (stores.state === 'unlocked') await stores.session.audit.append({ ...whoAsked(context), operation: 'store.lock', effect: 'write', outcome: 'ok', subjects: [], detail: null });
    await stores.lock();
    return stores.status();
  },

  async 'store.change-passphrase'(_input, context) {
    using current = await askSecret({ kind: 'secret', purpose: 'store-passphrase', title: 'The passphrase until now' }, context.call);
    using next = await askNewPassphrase('Choose a new passphrase', context);
    await context.session.storage.changePassphrase(current, next).catch((thrown: unknown) => {
      throw thrown instanceof KeywrightError && thrown.code === 'PIN_INCORRECT' ? new KeywrightError('PIN_INCORRECT', { ...because('secret.until-now-wrong', {}), cause: thrown }) : thrown;
    });
    return changed(context);
  },

  async 'store.slots.list'(_input, context) {
    return { slots: [...context.session.storage.slots.list()] };
  },

  async 'store.slots.add'(input, context) {
    const { slots } = context.session.storage;
    if (input.kind === 'recovery-code') return tell(context, await addRecoveryCode(slots, context, input.label));
    using secret = await askNewPassphrase('Choose another passphrase that unlocks the store', context);
    return tell(context, await slots.add({ kind: 'passphrase', label: input.label ?? 'Passphrase', secret }));
  },

  async 'store.slots.remove'(input, context) {
    const { slots } = context.session.storage;
    const slot = slots.list().find(({ id }) => id === input.id);
    if (slot === undefined) throw new KeywrightError('NOT_FOUND', { detail: 'There is no such way to unlock the store.', remedy: 'See `keywright store slots list`.' });
    await askToConfirm({ purpose: 'confirm', title: `Remove “${slot.label}”`, action: 'Remove it', destructive: true, note: 'It will not unlock the store any more. The other ways still do.' }, context.call);
    await slots.remove(slot.id);
    return { slots: [...tell(context, slots).list()] };
  },

  async 'store.backup'(input, context) {
    const hash = createHash('sha256');
    let bytes = 0;
    const place = await outputOf(input.out, 'keywright-backup.kwb', context);
    const summary = await writeAside(place.path, { overwrite: place.overwrite, signal: context.call.signal }, (write) =>
      writeBackup(context.session.storage, async (chunk) => {
        hash.update(chunk);
        bytes += chunk.length;
        await write(chunk);
      }, watch(context)));
    await context.session.health.backedUp(new Date().toISOString());
    return { written: place.written, records: summary.records, bytes, sha256: hash.digest('hex') };
  },

  async 'store.restore'(input, context) {
    const { stores } = context.services;
    const { path, upload } = await fileOf(input.from, context);
    await sizeOf(path); // before anybody is asked: it must be there, and a file
    if (stores.state !== 'absent') {
      await askToConfirm({
        purpose: 'confirm', title: 'Replace this store by the backup', subject: stores.folder, action: 'Replace the store', typed: 'replace', destructive: true,
        note: 'The store that is here now is set aside under another name, not deleted.',
      }, context.call);
    }
    let records = 0;
    const setAside = await stores.restore(input.kind ?? stores.status().kind ?? String(context.services.config.get('store.kind')), async (raw) => {
      records = (await readBackup(() => createReadStream(path, { highWaterMark: 1024 * 1024 }), raw, watch(context))).records;
    });
    if (upload !== null) await discard(context.services.spoolFolder, upload);
    return { store: stores.status(), records, setAside };
  },

  async 'store.verify'(_input, context) {
    const { records, problems } = await context.session.storage.verify(watch(context));
    context.session.health.verified(problems);
    return { ok: problems.length === 0, records, problems: [...problems] };
  },

  async 'store.open'(input, context) {
    await context.services.stores.open(input.folder);
    return context.services.stores.status();
  },

  async 'store.recent'(_input, context) {
    return { stores: await context.services.stores.recent() };
  },
});

function noStore(folder: string): KeywrightError {
  return new KeywrightError('NOT_FOUND', because('store.none-in', { folder }));
}

function askNewPassphrase(title: string, context: Context): Promise<SecretBytes> {
  return askSecret({ kind: 'new-secret', purpose: 'new-store-passphrase', title, subject: context.services.stores.folder, minLength: LEAST_PASSPHRASE, note: 'It protects every key in the store. Nobody can recover it for you.' }, context.call);
}

function askToUnlock(kind: 'passphrase' | 'recovery-code', context: Context): Promise<SecretBytes> {
  const { name, folder } = context.services.stores.status();
  return askSecret(kind === 'passphrase'
    ? { kind: 'secret', purpose: 'store-passphrase', title: `Unlock “${name}”`, subject: folder }
    : { kind: 'secret', purpose: 'recovery-code', title: `Unlock “${name}” with the recovery code`, subject: folder }, context.call);
}

/** Makes a recovery code, shows it, and only then lets it unlock the store: a code that nobody kept opens nothing. */
async function addRecoveryCode(slots: Context['session']['storage']['slots'], context: Context, label = 'Recovery code'): ReturnType<typeof slots.add> {
  const code = newRecoveryCode();
  await context.call.prompt.ask({
    kind: 'show-secret', purpose: 'show-recovery-code', title: 'Keep this recovery code', secret: code, note: 'It unlocks the store when the passphrase is forgotten. It is shown once. Keep it on paper, away from this computer.',
  }, context.call.signal);
  using secret = SecretBytes.fromText(code);
  return await slots.add({ kind: 'recovery-code', label, secret });
}

function watch(context: Context): { signal: AbortSignal; progress(done: number, total: number): void } {
  return { signal: context.call.signal, progress: (done, total) => context.call.progress({ done, total }) };
}

function whoAsked({ call }: Context): { at: string; request: string; principal: string; principalName: string; face: string } {
  const { id, name, face } = call.principal;
  return { at: new Date().toISOString(), request: call.id, principal: id, principalName: name, face };
}

function changed(context: Context): StoreStatus {
  return tell(context, context.services.stores.status());
}

function tell<T>(context: Context, answer: T): T {
  context.services.events.emit({ type: 'store.changed', state: context.services.stores.state });
  return answer;
}
