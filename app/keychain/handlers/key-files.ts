import { askSecret, askToConfirm, KEY_ALGORITHMS, KeywrightError, SecretBytes, type InputOf, type keyOperations, type KeyRecord } from '../../contract/index.ts';
import { algorithmOfPkcs8, MAX_KEY_FILE, readKeys, writeKey as formatKey, type ReadKey } from '../../formats/index.ts';
import type { Context } from '../context.ts';
import { bytesOf, writeSecret } from '../files/places.ts';
import { primary } from '../inventory.ts';
import { newKeyId, storedKey } from '../stored-key.ts';
import type { HandlersOf } from './handlers.ts';
import { facet, inToken, keepPublicKeys, newKeyPassphrase, refOf, refuseTrashed, usagesFor, writeNewKey } from './key-records.ts';

/** Formats that have a place for a passphrase. */
const CAN_ENCRYPT: ReadonlySet<string> = new Set(['pkcs8', 'openssh']);
const EXTENSIONS: Readonly<Record<string, string>> = { pkcs8: 'pem', pkcs1: 'pem', sec1: 'pem', jwk: 'jwk', openssh: 'key', raw: 'bin' };

export const keyFileHandlers: Pick<HandlersOf<'keys'>, 'keys.import' | 'keys.export'> = {
  async 'keys.import'(input, context) {
    const read = await readKeys(await bytesOf(input.content, input.from, 'content', MAX_KEY_FILE, context), {
      ...(input.format === undefined ? {} : { format: input.format }), ...(input.algorithm === undefined ? {} : { algorithm: input.algorithm }), signal: context.call.signal,
      passphrase: (note) => askSecret({ kind: 'secret', purpose: 'import-passphrase', title: 'Passphrase of the file to import', ...(note === undefined ? {} : { note }) }, context.call),
    });
    try {
      const keys: KeyRecord[] = [];
      const alreadyHeld: string[] = [];
      for (const [index, key] of read.entries()) {
        const label = input.label ?? key.label ?? `Imported ${key.material.algorithm}`;
        const { record, held } = await importOne(key, read.length > 1 && input.label !== undefined ? `${label} ${index + 1}` : label, input, context);
        keys.push(record);
        alreadyHeld.push(...held);
      }
      return { keys, alreadyHeld };
    } finally {
      for (const { material } of read) material.secret.wipe();
    }
  },

  async 'keys.export'(input, context) {
    const { key } = context;
    refuseTrashed(key);
    const store = await context.session.backends.storeOf(key);
    if (!key.extractable) throw new KeywrightError('PERMISSION_DENIED', { detail: `“${key.label}” is not extractable: it was made so that it never leaves its place.`, remedy: 'Use it where it is, or generate an extractable key.' });
    const encrypted = input.encrypt && CAN_ENCRYPT.has(input.format) && KEY_ALGORITHMS[key.algorithm].kind === 'pair';
    const passphrase = await permitExport(key.label, input.format, encrypted, context);
    try {
      const material = await facet(store.exporter, store, 'give keys away').exportKey(refOf(key, input.version), context.keyCall);
      using _ = material.secret;
      const content = await formatKey(material, { format: input.format, encoding: input.encoding, label: key.label, ...(passphrase === undefined ? {} : { passphrase }) });
      context.note(encrypted ? `exported as encrypted ${input.format}` : `exported as ${input.format} without encryption`);
      const extension = input.encoding === 'der' && EXTENSIONS[input.format] === 'pem' ? 'der' : EXTENSIONS[input.format]!;
      const fileName = `${key.label.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^[.-]+|-+$/g, '') || 'key'}.${extension}`;
      const answer = { format: input.format, encrypted, fileName };
      if (input.to === undefined) return { ...answer, content };
      using _content = new SecretBytes(content);
      return { ...answer, written: await writeSecret(content, input.to, fileName, context) };
    } finally {
      passphrase?.wipe();
    }
  },
};

async function importOne(
  { material }: ReadKey, label: string, input: InputOf<typeof keyOperations.importKeys>, context: Context,
): Promise<{ record: KeyRecord; held: string[] }> {
  if (KEY_ALGORITHMS[material.algorithm].kind === 'pair' && algorithmOfPkcs8(material.secret.reveal()) !== material.algorithm) throw new KeywrightError('INVALID_INPUT', 'The file says one algorithm and holds a key of another.');
  const store = await context.session.backends.storeFor(input.backend, material.algorithm);
  using _held = context.session.found.hold(store.name, context);
  const passphrase = input.ownPassphrase ? await newKeyPassphrase(label, context) : undefined;
  try {
    const description = await facet(store.importer, store, 'take keys in').importKey({
      id: newKeyId(), label, usages: usagesFor(material.algorithm, input.usages), extractable: input.extractable ?? store.extractableByDefault === true, ...(passphrase === undefined ? {} : { passphrase }), ...inToken(input),
    }, material, context.keyCall);
    context.subject(description.uri);
    await keepPublicKeys(context, description);
    const key = storedKey(description, store, { label, tags: input.tags, origin: 'imported' }, context.session.backends.tokens.get(store.name)?.token);
    const { fingerprint } = primary(key);
    const held = fingerprint === null ? [] : context.session.inventory.byFingerprint(fingerprint).map(({ uri }) => uri);
    return { record: await writeNewKey(context, key), held };
  } finally {
    passphrase?.wipe();
  }
}

/** Asks for the passphrase of the export, or for a confirmation that there shall be none. */
async function permitExport(label: string, format: string, encrypted: boolean, context: Context): Promise<SecretBytes | undefined> {
  if (encrypted) return askSecret({ kind: 'new-secret', purpose: 'export-passphrase', title: `Choose a passphrase for the file with “${label}”`, note: 'Whoever has the file and this passphrase has the key.' }, context.call);
  await askToConfirm({ purpose: 'confirm', title: `Export “${label}” without encryption`, action: 'Export without encryption', note: `The file (${format}) holds the key in clear. Whoever can read it has the key.` }, context.call);
  return undefined;
}
