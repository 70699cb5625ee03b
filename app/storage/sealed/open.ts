import { randomBytes } from 'node:crypto';
import { KeywrightError, SecretBytes } from '../../contract/index.ts';
import type { Storage } from '../storage.ts';
import type { DerivedAhead } from './ahead.ts';
import { Catalogue } from './catalogue.ts';
import { compareWithRecords } from './compare.ts';
import { corruptHeader, describeHeader, encodeHeader, FORMAT_VERSION, HEADER_KEY, parseHeader, type Header, type ParsedHeader } from './header.ts';
import { FIRST_STATE, HEAD_KEY, sealHead } from './index-format.ts';
import { Journal } from './journal.ts';
import { KeyRing } from './keys.ts';
import { loadIndex } from './load-index.ts';
import { SealedLog } from './log.ts';
import { migrate, MIGRATIONS, type Migration } from './migrations.ts';
import { listRaw, readRaw } from './raw.ts';
import { RECORD_PREFIX } from './record.ts';
import { makeSlot, unlockSlots } from './slots.ts';
import { SealedStore } from './store.ts';
import type { CreateOptions, Problem, SealedStorage, StoreHeader, UnlockSecret } from './types.ts';
import { checkHeader } from './verify.ts';

/**
 * Makes a new store in an empty storage.
 * @throws ALREADY_EXISTS when there is one; INVALID_INPUT (name, passphrase, parameters); what the storage throws.
 */
export async function createSealed(raw: Storage, { name, passphrase, kdf }: CreateOptions): Promise<SealedStorage> {
  const title = name.trim();
  if (title.length < 1 || title.length > 100) throw new KeywrightError('INVALID_INPUT', { detail: 'A store has a name of 1 to 100 characters.', where: 'name' });
  if ((await raw.get(HEADER_KEY)) !== undefined) throw alreadyThere();
  const id = randomBytes(16).toString('hex');
  const root = new SecretBytes(new Uint8Array(randomBytes(32)));
  const slot = await makeSlot(id, root, { kind: 'passphrase', label: 'Passphrase', secret: passphrase, ...(kdf === undefined ? {} : { kdf }) });
  const keys = new KeyRing(root, id);
  try {
    const header: Header = { id, name: title, formatVersion: FORMAT_VERSION, createdAt: new Date().toISOString(), slots: [slot] };
    const { value, mac, text } = encodeHeader(keys, header);
    await raw.transaction(async (tx) => {
      await tx.put(HEADER_KEY, value, { ifRevision: 'absent' });
      const head = { sequence: 0, state: FIRST_STATE.toString('hex'), headerMac: mac.toString('hex'), log: 0, runs: [] };
      await tx.put(HEAD_KEY, sealHead(keys, head), { ifRevision: 'absent' });
    });
    return await load(raw, keys, { header, text, mac });
  } catch (thrown) {
    keys[Symbol.dispose]();
    throw thrown instanceof KeywrightError && thrown.code === 'ALREADY_EXISTS' ? alreadyThere() : thrown;
  }
}

/** What the header says, without any secret. @returns undefined when there is no store. @throws CORRUPT_RECORD (`where`: header), STORE_TOO_NEW */
export async function readHeader(raw: Storage): Promise<StoreHeader | undefined> {
  const parsed = await readParsed(raw, FORMAT_VERSION);
  return parsed && describeHeader(parsed.header);
}

/**
 * Unlocks a store; what is damaged in it is told by its `problems`.
 * @param ahead what was derived already from the same secret; it is used if it fits.
 * @throws NOT_FOUND (no store), PIN_INCORRECT, CORRUPT_RECORD (`where`: header), STORE_TOO_NEW
 */
export function openSealed(raw: Storage, secret: UnlockSecret, ahead?: DerivedAhead): Promise<SealedStorage> {
  return openWith(raw, secret, MIGRATIONS, FORMAT_VERSION, ahead);
}

/** {@link openSealed} with other migrations, so that a step can be tested before there is a second format. */
export async function openWith(raw: Storage, secret: UnlockSecret, migrations: readonly Migration[], newest: number, ahead?: DerivedAhead): Promise<SealedStorage> {
  const parsed = await readParsed(raw, newest);
  if (parsed === undefined) throw new KeywrightError('NOT_FOUND', { detail: 'There is no store here.', remedy: 'Create one with `keywright store create`.' });
  const { root } = await unlockSlots(parsed.header.id, parsed.header.slots, secret, ahead);
  const keys = new KeyRing(root, parsed.header.id);
  try {
    if (!keys.isHeaderMac(parsed.text, parsed.mac)) throw corruptHeader('it was altered by somebody who does not know the root key');
    return await load(raw, keys, await migrate(raw, keys, parsed, migrations, newest));
  } catch (thrown) {
    keys[Symbol.dispose]();
    throw thrown;
  }
}

/** From the root key to a store that is ready. */
async function load(raw: Storage, keys: KeyRing, { header, mac }: ParsedHeader): Promise<SealedStorage> {
  // At once: while one is decrypted here, the other is read there.
  const [index, listing] = await Promise.all([loadIndex(raw, keys), Array.fromAsync(listRaw(raw, RECORD_PREFIX))]);
  const { problems, strays, recovered } = await compareWithRecords(raw, keys, index, listing);
  const catalogue = new Catalogue(index.entries);
  for (const entry of recovered) catalogue.set(entry);
  const headerProblem = await checkHeader(raw, keys, index, header.formatVersion);
  if (headerProblem !== undefined) problems.set('header', headerProblem);
  const last = await raw.log.last();
  if (last < index.log) problems.set('log', shortLog(last, index.log));
  const store = new SealedStore({
    raw, keys, header, problems, strays, catalogue,
    journal: new Journal(raw, keys, index, index.headerMac ?? mac),
    log: new SealedLog(raw.log, keys, last),
  });
  await store.startExamining();
  return store;
}

async function readParsed(raw: Storage, newest: number): Promise<ParsedHeader | undefined> {
  const stored = await readRaw(raw, HEADER_KEY);
  if (stored === 'damaged') throw corruptHeader('the storage cannot read it');
  return stored && parseHeader(stored.value, newest);
}

function shortLog(last: number, expected: number): Problem {
  return { record: 'log', detail: `The log ends at entry ${last}, but had ${expected} entries on disk: its end was cut off.` };
}

function alreadyThere(): KeywrightError {
  return new KeywrightError('ALREADY_EXISTS', { detail: 'There is a store here already.', remedy: 'Open it, or choose another folder.' });
}
