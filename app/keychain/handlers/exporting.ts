import { askSecret, because, KeywrightError, type SecretBytes } from '../../contract/index.ts';
import type { KeyMaterial } from '../../keystore/keystore.ts';
import type { Context } from '../context.ts';
import type { StoredKey } from '../inventory.ts';
import { facet, refOf, refuseTrashed } from './key-records.ts';

/** What handlers share that read and write files of keys. */

export const LEGACY_NOTE = 'Written with 3DES and SHA-1 for old programs: choose a long passphrase, and delete the file once it is imported there.';

/**
 * Takes a key out of its backend for as long as `work` takes, once `permit` has asked whoever is to be asked.
 * @param permit gives the passphrase of the file, which is wiped here. @throws PERMISSION_DENIED when the key is not extractable
 */
export async function exported<P extends SecretBytes | undefined>(
  key: StoredKey, version: number | undefined, context: Context, permit: () => Promise<P>, work: (material: KeyMaterial, passphrase: P) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  refuseTrashed(key);
  const store = await context.session.backends.storeOf(key);
  if (!key.extractable) throw new KeywrightError('PERMISSION_DENIED', { ...because('key.not-extractable', { key: key.label }), remedy: 'Use it where it is, or generate an extractable key.' });
  const passphrase = await permit();
  try {
    context.subject(key.uri);
    const material = await facet(store.exporter, store, 'give keys away').exportKey(refOf(key, version), context.keyCall);
    using _ = material.secret;
    return await work(material, passphrase);
  } finally {
    passphrase?.wipe();
  }
}

/** @returns what asks for the passphrase of a file to read. */
export function importPassphrase(context: Context, title = 'Passphrase of the file to import'): (note?: string) => Promise<SecretBytes> {
  return (note) => askSecret({ kind: 'secret', purpose: 'import-passphrase', title, ...(note === undefined ? {} : { note: note.slice(0, 600) }) }, context.call);
}

/** Asks for the passphrase of a file to write. The caller wipes it. */
export function exportPassphrase(label: string, context: Context): Promise<SecretBytes> {
  return askSecret({ kind: 'new-secret', purpose: 'export-passphrase', title: `Choose a passphrase for the file with “${label}”`.slice(0, 300), note: 'Whoever has the file and this passphrase has the key.' }, context.call);
}
