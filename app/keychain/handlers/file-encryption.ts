import { basename } from 'node:path';
import { askSecret, KeywrightError, type encryptionOperations, type FileEncryptionFormat, type InputOf, type OutputOf, type SecretBytes } from '../../contract/index.ts';
import { decryptFile, ENCRYPTED_ENDINGS, encryptFile, type Decrypted } from '../../encryption/files.ts';
import { whyNoRecipient } from '../../encryption/table.ts';
import type { Party } from '../../encryption/parties.ts';
import { sizeOf } from '../../signing/raw.ts';
import { SmallFiles } from '../../signing/small-files/index.ts';
import { usualMode, writeAside } from '../../signing/write-aside.ts';
import type { Context } from '../context.ts';
import { eachFile } from '../files/batch.ts';
import { finishedBefore, notedAside } from '../files/finished.ts';
import { filesOf } from '../files/folders.ts';
import { openersFor } from '../files/identities.ts';
import { assertPath, fileOf, outputOf } from '../files/places.ts';
import { partiesFor, whyItOpensNothing } from '../files/recipients.ts';
import { discard } from '../files/spool.ts';
import type { HandlersOf } from './handlers.ts';

type EncryptInput = InputOf<typeof encryptionOperations.encryptFiles>;
type DecryptInput = InputOf<typeof encryptionOperations.decryptFiles>;
type Out = EncryptInput['out'];
type Done = OutputOf<typeof encryptionOperations.encryptFiles>['files'][number];

/** Contents in an answer are in memory, several times. */
const MOST_INLINE = 32 * 1024 * 1024;
/** What a decrypted file is called when its name does not tell. */
const DECRYPTED = '.decrypted';
const ARMORED_ENDINGS: Readonly<Partial<Record<FileEncryptionFormat, string>>> = { cms: '.p7m.pem', openpgp: '.asc' };
const ENDINGS = /\.(?:age|p7m\.pem|p7m|cms|jwe|gpg|pgp|asc)$/i;

export const fileEncryptionHandlers: Pick<HandlersOf<'files'>, 'files.encrypt' | 'files.decrypt' | 'files.recipients'> = {
  async 'files.recipients'({ format, limit }, { session }) {
    const rows = [...session.inventory.all()].filter(({ trashedUntil }) => trashedUntil === null).map((key) => {
      const why = whyNoRecipient(format, key.algorithm) ?? whyItOpensNothing(key);
      return { key: key.uri, label: key.label, keyAlgorithm: key.algorithm, available: why === null, reason: why?.detail ?? null, why: why === null ? null : { reason: why.reason, values: why.values } };
    });
    rows.sort((a, b) => Number(b.available) - Number(a.available) || a.label.localeCompare(b.label));
    return { rows: rows.slice(0, limit), total: rows.length };
  },

  async 'files.encrypt'(asked, context) {
    await using small = new SmallFiles();
    const { files, skipped } = await filesOf(asked.files, asked.folders, 'outputs', context, { small });
    const input = { ...asked, files: [...files] };
    requireOnePath(input);
    using passphrase = new Passphrase('new-recipient-passphrase', context);
    const parties = await partiesFor(input, context, () => passphrase.get());
    const format = input.format ?? usualFormat(parties);
    if (input.openpgp !== undefined && format !== 'openpgp') throw new KeywrightError('INVALID_INPUT', { detail: `${format} has no versions of OpenPGP.`, where: '/openpgp', remedy: 'Leave it out, or encrypt with --format openpgp.' });
    const ending = (input.armor ? ARMORED_ENDINGS[format] : undefined) ?? ENCRYPTED_ENDINGS[format];
    const { done, failed } = await eachFile(input.files, context, { together: true }, (file, index) =>
      oneFile(file, index, input, context, (name) => name + ending, usualMode(), async (path, watch, write) => {
        await encryptFile(path, parties, { format, armor: input.armor, openpgp: input.openpgp }, watch, write);
        return {};
      }));
    return { files: done, failed, skipped, complete: failed.length === 0, recipients: parties.map(({ name }) => name), format };
  },

  async 'files.decrypt'(asked, context) {
    await using small = new SmallFiles();
    const { files, skipped } = await filesOf(asked.files, asked.folders, 'what-is-not-encrypted', context, { small });
    const input = { ...asked, files: [...files] };
    requireOnePath(input);
    using passphrase = new Passphrase('recipient-passphrase', context);
    const openers = await openersFor(input, context, () => passphrase.get());
    // One after another: keys in tokens may be among them.
    const { done, failed } = await eachFile(input.files, context, { together: false }, async (file, index) => {
      return oneFile<Decrypted>(file, index, input, context, plainName, 0o600, (path, watch, write) => decryptFile(path, openers, watch, write));
    });
    return { files: done, failed, skipped, complete: failed.length === 0 };
  },
};

/** What each kind of party is usual in; a symmetric key has a place in JWE alone. */
function usualFormat(parties: readonly Party[]): FileEncryptionFormat {
  if (parties.some(({ kind }) => kind === 'secret')) return 'jwe';
  if (parties.some((party) => party.kind === 'key' && party.openpgp !== undefined)) return 'openpgp';
  return parties.some((party) => party.kind === 'key' && party.certificate !== undefined) ? 'cms' : 'age';
}

/** Reads one file, and writes another aside: nothing of it is there before all of it is right. */
async function oneFile<T extends object>(
  file: EncryptInput['files'][number], index: number, { files, out }: Pick<EncryptInput, 'files' | 'out'>, context: Context, nameFor: (name: string) => string, mode: number,
  work: (path: string, watch: Parameters<typeof encryptFile>[3], write: (piece: Uint8Array) => Promise<void>) => Promise<T>,
): Promise<Done & T> {
  const { signal } = context.call;
  const before = await finishedBefore<Done & T>(index, context);
  if (before !== undefined) return before;
  const { path, name, upload } = await fileOf(file, context);
  const bytes = await sizeOf(path);
  const watch = { signal, progress: (done: number, totalBytes: number): void => context.call.progress({ file: basename(name), index, files: files.length, bytes: done, totalBytes }) };
  const answer = { name, bytes };
  if ('inline' in out) {
    if (bytes > MOST_INLINE) throw new KeywrightError('INVALID_INPUT', { detail: `${basename(name)} is too large to be given in the answer.`, where: '/out', remedy: 'Have it written to a file.' });
    const pieces: Uint8Array[] = [];
    const told = await work(path, watch, async (piece) => void pieces.push(Uint8Array.from(piece)));
    if (upload !== null) await discard(context.services.spoolFolder, upload);
    return { ...answer, ...told, written: null, content: Buffer.concat(pieces) };
  }
  const place = await placeOf(out, path, nameFor(name), upload, context);
  let told: T | undefined;
  const whole = (): Done & T => ({ ...answer, ...(told as T), written: place.written });
  const noted = 'download' in place.written ? {} : notedAside(place.path, index, whole, context);
  await writeAside(place.path, { overwrite: place.overwrite, signal, mode, ...noted }, async (write) => (told = await work(path, watch, write)));
  if (upload !== null) await discard(context.services.spoolFolder, upload);
  return whole();
}

/** An upload has no place beside it: what was made of it is fetched. */
function placeOf(out: Exclude<Out, { inline: true }>, path: string, beside: string, upload: string | null, context: Context): ReturnType<typeof outputOf> {
  if ('path' in out) return outputOf(out, basename(beside), context);
  if (upload !== null) return outputOf({ download: true }, basename(beside), context);
  assertPath(path, context);
  return outputOf({ path: beside, overwrite: out.overwrite }, basename(beside), context);
}

function plainName(name: string): string {
  return ENDINGS.test(name) ? name.replace(ENDINGS, '') : name + DECRYPTED;
}

function requireOnePath({ files, out }: Pick<EncryptInput | DecryptInput, 'files' | 'out'>): void {
  if ('path' in out && files.length > 1) throw new KeywrightError('INVALID_INPUT', { detail: 'One output cannot take several files.', where: '/out', remedy: 'Leave it out: each is written beside its file.' });
}

/** Asked for once for all files, when the first one needs it. */
class Passphrase implements Disposable {
  readonly #purpose: 'recipient-passphrase' | 'new-recipient-passphrase';
  readonly #context: Context;
  #asked: Promise<SecretBytes> | undefined;

  constructor(purpose: Passphrase['purpose'], context: Context) {
    this.#purpose = purpose;
    this.#context = context;
  }

  get purpose(): 'recipient-passphrase' | 'new-recipient-passphrase' {
    return this.#purpose;
  }

  /** @returns a copy, which the caller wipes. */
  async get(): Promise<SecretBytes> {
    this.#asked ??= askSecret(this.#purpose === 'recipient-passphrase'
      ? { kind: 'secret', purpose: this.#purpose, title: 'Passphrase of the encrypted file' }
      : { kind: 'new-secret', purpose: this.#purpose, title: 'Choose a passphrase for the file', note: 'Whoever shall open the file needs it. It cannot be recovered.' }, this.#context.call);
    return (await this.#asked).clone();
  }

  [Symbol.dispose](): void {
    void this.#asked?.then((secret) => secret.wipe(), () => undefined);
  }
}
