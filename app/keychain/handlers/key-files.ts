import { Certificate } from '../../certificates/index.ts';
import { askToConfirm, KEY_ALGORITHMS, KeywrightError, SecretBytes, type InputOf, type keyOperations, type KeyRecord, type OutputOf } from '../../contract/index.ts';
import { algorithmOfPkcs8, CAN_ENCRYPT, checkWritable, MAX_KEY_FILE, MUST_ENCRYPT, readContents, writeKey as formatKey, type FoundCertificate, type ReadKey } from '../../formats/index.ts';
import type { Context } from '../context.ts';
import { bytesOf, writeSecret } from '../files/places.ts';
import { primary, versionOf } from '../inventory.ts';
import { newKeyId, storedKey } from '../stored-key.ts';
import { keepCertificates } from './certificate-files.ts';
import { exported, exportPassphrase, importPassphrase, LEGACY_NOTE } from './exporting.ts';
import { fileNameOf } from './file-names.ts';
import type { HandlersOf } from './handlers.ts';
import { facet, inToken, keepPublicKeys, newKeyPassphrase, usagesFor, writeNewKey } from './key-records.ts';

const EXTENSIONS: Readonly<Record<string, string>> = {
  pkcs8: 'pem', pkcs1: 'pem', sec1: 'pem', jwk: 'jwk', jwe: 'jwe', openssh: 'key', ppk: 'ppk', pkcs12: 'p12', cose: 'cbor', age: 'txt', minisign: 'key', signify: 'sec', raw: 'bin',
};

export const keyFileHandlers: Pick<HandlersOf<'keys'>, 'keys.import' | 'keys.export'> = {
  async 'keys.import'(input, context) {
    const content = await bytesOf(input.content, input.from, 'content', MAX_KEY_FILE, context);
    const read = await readContents(content, {
      ...(input.format === undefined ? {} : { format: input.format }), ...(input.algorithm === undefined ? {} : { algorithm: input.algorithm }), signal: context.call.signal, passphrase: importPassphrase(context),
    });
    try {
      const keys: KeyRecord[] = [];
      const alreadyHeld: string[] = [];
      for (const [index, key] of read.keys.entries()) {
        const label = input.label ?? key.label ?? `Imported ${key.material.algorithm}`;
        const { record, held } = await importOne(key, read.keys.length > 1 && input.label !== undefined ? `${label} ${index + 1}` : label, input, context);
        keys.push(record);
        alreadyHeld.push(...held);
      }
      const { certificates, notes } = await besides(read.certificates, input.tags, context);
      return { keys, alreadyHeld, certificates, notes: [...read.notes, ...notes] };
    } finally {
      for (const { material } of read.keys) material.secret.wipe();
    }
  },

  async 'keys.export'(input, context) {
    const { key } = context;
    const encrypted = CAN_ENCRYPT.has(input.format) && (input.encrypt || MUST_ENCRYPT.has(input.format)) && (KEY_ALGORITHMS[key.algorithm].kind === 'pair' || MUST_ENCRYPT.has(input.format));
    // What the format cannot hold is said before anybody types a passphrase.
    const permit = (): Promise<SecretBytes | undefined> => {
      checkWritable(key.algorithm, { format: input.format, encoding: input.encoding, encrypted, seedless: versionOf(key, input.version)?.seedless === true });
      return permitExport(key.label, input.format, encrypted, context);
    };
    const content = await exported(key, input.version, context, permit, (material, passphrase) =>
      formatKey(material, { format: input.format, encoding: input.encoding, label: key.label, profile: input.profile, ...(passphrase === undefined ? {} : { passphrase }) }));
    context.note(encrypted ? `exported as encrypted ${input.format}` : `exported as ${input.format} without encryption`);
    const extension = input.encoding === 'der' && EXTENSIONS[input.format] === 'pem' ? 'der' : EXTENSIONS[input.format]!;
    const fileName = fileNameOf(key.label, extension, 'key');
    const answer = { format: input.format, encrypted, fileName, notes: input.format === 'pkcs12' && input.profile === 'legacy' ? [LEGACY_NOTE] : [] };
    if (input.to === undefined) return { ...answer, content };
    using _content = new SecretBytes(content);
    return { ...answer, written: await writeSecret(content, input.to, fileName, context) };
  },
};

/** Certificates that stand beside keys are kept too, unless the caller may not, or they are damaged: the keys come first. */
async function besides(found: readonly FoundCertificate[], tags: readonly string[], context: Context): Promise<Pick<OutputOf<typeof keyOperations.importKeys>, 'certificates' | 'notes'>> {
  const count = found.length === 1 ? 'A certificate' : `${found.length} certificates`;
  if (found.length === 0) return { certificates: [], notes: [] };
  if (!context.call.principal.permissions.has('certificates:write')) return { certificates: [], notes: [`${count} beside the keys: this caller may not write certificates, so none was kept.`] };
  const notes: string[] = [];
  const whole: FoundCertificate[] = [];
  for (const one of found) {
    try {
      whole.push({ ...one, der: new Certificate(one.der).der });
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError)) throw thrown;
      notes.push(`A certificate beside the keys was passed over: ${thrown.message}`);
    }
  }
  const { certificates } = await keepCertificates(whole, { trusted: false, tags }, context);
  return { certificates, notes };
}

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
  if (encrypted) return exportPassphrase(label, context);
  await askToConfirm({ purpose: 'confirm', title: `Export “${label}” without encryption`, action: 'Export without encryption', note: `The file (${format}) holds the key in clear. Whoever can read it has the key.` }, context.call);
  return undefined;
}
