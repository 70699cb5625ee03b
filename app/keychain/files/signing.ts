import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { because, KeywrightError, MAX_INLINE_MESSAGE, fileOperations, type InputOf, type OutputOf, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureAlgorithmName } from '../../contract/index.ts';
import { FileContent } from '../../signing/content.ts';
import type { Made, SignatureVerdict, SigningKey, SignOptionName, SignOptions } from '../../signing/format.ts';
import { MAX_WHOLE_FILE, pureTooLarge, readWhole } from '../../signing/raw.ts';
import type { SmallFiles } from '../../signing/small-files/index.ts';
import { formatsOf, formatsOfAnySize, judgeFormat, placeBeside, SIGNATURE_FORMATS } from '../../signing/table.ts';
import { askForTimestamp } from '../../signing/timestamp/ask.ts';
import { verifySignature } from '../../signing/verify.ts';
import { type AsideOptions, writeAside } from '../../signing/write-aside.ts';
import type { KeyRef, KeyStore, Signer } from '../../keystore/keystore.ts';
import type { Context } from '../context.ts';
import { facet, publicKeyOf, refOf } from '../handlers/key-records.ts';
import { primary } from '../inventory.ts';
import { signingCertificate } from './certificates.ts';
import { clearAside, finishedBefore, notedAside } from './finished.ts';
import { manifestOf } from './manifests.ts';
import { assertPath, bytesOf, fileOf, outputOf } from './places.ts';
import { trustOf } from './trust.ts';
import { discard } from './spool.ts';

type SignInput = InputOf<typeof fileOperations.sign>;
type SignedFile = OutputOf<typeof fileOperations.sign>['files'][number];

const LONGEST_SIGNATURE = 4 * 1024 * 1024;
const OPTIONS: readonly SignOptionName[] = ['encoding', 'form', 'detached', 'namespace', 'comment', 'payloadType', 'prehash', 'certificate', 'signature', 'counter', 'timestamp', 'openpgp', 'reason', 'location', 'contact', 'signerName', 'page', 'rectangle', 'field', 'together'];
/** Those that a format takes as they are given. */
const PASSED = OPTIONS.filter((name) => name !== 'signature' && name !== 'timestamp' && name !== 'together');
const LONGEST_EXISTING = 256 * 1024 * 1024;

/** @returns what is asked for, once it is certain that this key and this format can do it. @throws CAPABILITY_MISSING, INVALID_INPUT */
export async function optionsOf(input: SignInput, context: Context): Promise<SignOptions> {
  const { key, call } = context;
  const { format } = input;
  const judged = judgeFormat(format, key.algorithm);
  if ('refused' in judged) {
    const able = formatsOf(key.algorithm).filter(({ available }) => available).map((row) => row.format);
    throw new KeywrightError('CAPABILITY_MISSING', { ...judged.refused, alternatives: able });
  }
  const algorithm = input.algorithm ?? (judged.algorithms[0] as SignatureAlgorithmName);
  if (!judged.algorithms.includes(algorithm)) throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${key.label}” is ${key.algorithm}: it cannot sign as ${format} with ${algorithm}.`, remedy: 'Choose one that fits.', alternatives: judged.algorithms });
  const facts = SIGNATURE_FORMATS[format];
  for (const name of OPTIONS) {
    if (input[name] === undefined || facts.options.includes(name) || (name === 'detached' && input.detached !== (facts.detached === 'never'))) continue;
    const able = formatsOf(key.algorithm).flatMap(({ available, format: other }) => (available && SIGNATURE_FORMATS[other].options.includes(name) ? [other] : []));
    if (name === 'timestamp') throw new KeywrightError('INVALID_INPUT', { ...because('file.no-timestamp-place', { format }), where: '/timestamp', alternatives: able });
    throw new KeywrightError('INVALID_INPUT', { detail: name === 'detached' ? `${format} signatures ${facts.detached === 'never' ? 'lie in the signed file itself' : 'are files of their own'}.` : `The format ${format} has no ${name}.`, where: `/${name}`, remedy: 'Leave it out.', ...(name !== 'detached' && { alternatives: able }) });
  }
  if (input.form !== undefined && !facts.forms.includes(input.form)) throw new KeywrightError('INVALID_INPUT', { detail: `The format ${format} has no form ${input.form}.`, where: '/form', alternatives: facts.forms });
  const { timestamp, signature } = input;
  const existing = signature === undefined ? undefined : await bytesOf(undefined, signature, 'signature', LONGEST_EXISTING, context);
  return {
    algorithm, ...Object.fromEntries(PASSED.flatMap((name) => (input[name] === undefined ? [] : [[name, input[name]]]))), ...(existing === undefined ? {} : { existing }),
    ...(timestamp === undefined ? {} : { timestamp: (imprint) => askForTimestamp(timestamp, imprint, call.signal) }),
  };
}

/** Signs one file and puts the signature where the call says. @param small where it is one of many: reads and writes it with others, if it is small. */
export async function signFile(file: SignInput['files'][number], index: number, options: SignOptions, input: SignInput, context: Context, small?: SmallFiles): Promise<SignedFile> {
  const finished = await finishedBefore<SignedFile>(index, context);
  if (finished !== undefined) return finished;
  const { path, name, upload } = await fileOf(file, context);
  const place = placeBeside(path, input.format, options);
  const watch = { signal: context.call.signal, progress: progressOf(context, name, index, input.files.length) };
  const read = await small?.read(path, place);
  const sign = async (): Promise<SignedFile> => {
    const content = read !== undefined && read.whole !== null && read.facts !== null ? FileContent.of(path, name, read.whole, read.facts, watch) : await FileContent.open(path, name, watch);
    const kept = read?.taken === false ? undefined : await madeBefore(content, place, options, input, context);
    if (kept !== undefined) {
      await clearAside(place, index, context);
      return kept;
    }
    assertFits(content, options, input.format, context);
    const { key, uses } = await signingKey(name, index, input, context);
    const made = await (await SIGNATURE_FORMATS[input.format].load()).sign(content, key, options);
    const whole = (written: SignedFile['written'], signature: Uint8Array | null): SignedFile => ({ name, bytes: content.bytes, algorithm: options.algorithm, version: refOf(context.key).version, signature, uses: uses(), written, kept: false });
    // A signature is known again by verifying it; what holds the file itself, by its digest.
    const aside = (beside: string): Pick<AsideOptions, 'job' | 'finished'> => (isLookedInto(options, input) ? { job: context.item(index)?.job } : notedAside(beside, index, () => whole({ path: beside }, null), context));
    const written = await deliver(made, path, name, (beside) => placeBeside(beside, input.format, options), input, context, aside, small);
    if (upload !== null) await discard(context.services.spoolFolder, upload);
    if (read?.whole) watch.progress(content.bytes, content.bytes); // one that was read at once is told of when it is done
    return whole(written, 'bytes' in made ? made.bytes : written === null ? await collect(made) : null);
  };
  return small !== undefined && read?.whole === null ? small.large(sign) : sign();
}

/** A pure scheme signs the bytes themselves. @throws CAPABILITY_MISSING for more of them than are read at once, naming the formats in which this key signs a file of any size */
function assertFits({ path, bytes }: FileContent, { algorithm, prehash }: SignOptions, format: SignInput['format'], { key }: Context): void {
  const facts: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
  if (facts.hash !== null || bytes <= MAX_WHOLE_FILE || !(SIGNATURE_FORMATS[format].wholeForPure || prehash === false)) return;
  const alternatives = formatsOfAnySize(key.algorithm);
  throw pureTooLarge(path, bytes, { remedy: 'Choose a format that signs the file’s hash and says so (`--format`), or a key that is RSA or EC.', alternatives });
}

/** What holds the file itself is not looked into: it is told to be there. */
function isLookedInto({ detached }: SignOptions, { format, signature: added }: SignInput): boolean {
  return SIGNATURE_FORMATS[format].detached !== 'never' && detached !== false && added === undefined;
}

/** Signs all files of a call by one signature, in one file that takes its name from the first. @returns as if each were signed alone, the signature's use told with the first. */
export async function signTogether(options: SignOptions, input: SignInput, context: Context): Promise<SignedFile[]> {
  const { signal } = context.call;
  const found = await Promise.all(input.files.map((file) => fileOf(file, context)));
  const contents: FileContent[] = [];
  for (const [index, { path, name }] of found.entries()) contents.push(await FileContent.open(path, name, { signal, progress: progressOf(context, name, index, found.length) }));
  const [first] = found as [(typeof found)[number]];
  const what = found.length === 1 ? basename(first.name) : `${basename(first.name)} and ${found.length - 1} more`;
  const { key, uses } = await keyFor(context, what, () => ({ purpose: `sign ${what}` }), input.certificate);
  const module = await SIGNATURE_FORMATS[input.format].load();
  const made = await (module.signTogether?.(contents, key, options) ?? module.sign(contents[0] as FileContent, key, options));
  const written = await deliver(made, first.path, first.name, (beside) => placeBeside(beside, input.format, options), input, context);
  for (const { upload } of found) if (upload !== null) await discard(context.services.spoolFolder, upload);
  const signature = written === null ? ('bytes' in made ? made.bytes : await collect(made)) : null;
  found.forEach((_, index) => context.completed(index));
  return contents.map(({ name, bytes }, index) => ({ name, bytes, algorithm: options.algorithm, version: refOf(context.key).version, signature: index === 0 ? signature : null, uses: index === 0 ? uses() : 0, written, kept: false }));
}

/**
 * Of many files, some may be signed already: by a run that was interrupted before it could note so, or before.
 * @returns the signature that is there, when it is by this version of this key and fits; undefined for anything else.
 */
async function madeBefore(content: FileContent, place: string, options: SignOptions, input: SignInput, context: Context): Promise<SignedFile | undefined> {
  const { files, out, format } = input;
  if ((files.length === 1 && context.item(0) === undefined) || !('beside' in out) || out.overwrite || content.path !== content.name) return undefined;
  if (!isLookedInto(options, input)) return undefined;
  const signature = await readWhole(place, LONGEST_SIGNATURE, context.call.signal).catch(() => undefined);
  if (signature === undefined) return undefined;
  const { version } = refOf(context.key);
  const [only, ...others] = await verdictsOn(content, signature, format, context);
  if (only === undefined || others.length > 0 || !only.intact || only.known?.version !== version) return undefined;
  return { name: content.name, bytes: content.bytes, algorithm: only.algorithm ?? options.algorithm, version, signature, uses: 0, written: { path: place }, kept: true };
}

/** What is there may be anything: what cannot be judged counts as no signature. */
async function verdictsOn(content: FileContent, signature: Uint8Array, format: SignInput['format'], context: Context): Promise<readonly SignatureVerdict[]> {
  try {
    return await (await SIGNATURE_FORMATS[format].load()).verify(content, signature, await trustOf(fileOperations.verify.input.parse({ file: { path: content.path }, key: context.key.uri }), SIGNATURE_FORMATS[format], context));
  } catch (thrown) {
    if (thrown instanceof KeywrightError && thrown.code !== 'INTERNAL') return [];
    throw thrown;
  }
}

/** Writes what was done, and signs that too. */
export async function writeManifest(to: NonNullable<SignInput['manifest']>, done: readonly SignedFile[], options: SignOptions, input: SignInput, context: Context): Promise<{ path: string; signature: SignedFile['written'] }> {
  assertPath(to.path, context);
  const content = manifestOf({ operation: context.operation.id, key: context.key.uri, at: new Date().toISOString() }, dirname(to.path), done.map(({ name, bytes, algorithm, written, signature, kept }) => ({
    name, bytes, algorithm, written, kept, sha256: signature === null ? null : createHash('sha256').update(signature).digest('hex'),
  })));
  await writeAside(to.path, { overwrite: to.overwrite, signal: context.call.signal }, (write) => write(content));
  const { written } = await signFile({ path: to.path }, input.files.length, options, { ...input, files: [{ path: to.path }], out: { beside: true, overwrite: to.overwrite } }, context);
  return { path: to.path, signature: written };
}

interface CountingKey {
  readonly key: SigningKey;
  /** How often it was used. */
  uses(): number;
}

/** The call's key for one of its files: what a person is told says which one it is, and which signature of it. */
function signingKey(file: string, index: number, input: SignInput, context: Context): Promise<CountingKey> {
  const { uses } = SIGNATURE_FORMATS[input.format];
  const several = input.files.length > 1;
  return keyFor(context, basename(file), (use) => {
    const place = [...(several ? [`${index + 1} of ${input.files.length}`] : []), ...(uses > 1 ? [`signature ${use} of ${uses}`] : [])];
    return { purpose: `sign ${basename(file)}${place.length > 0 ? ` (${place.join(', ')})` : ''}`, ...(several && { occasion: `sign ${input.files.length} files` }) };
  }, input.certificate);
}

interface HeldKey {
  readonly store: KeyStore;
  readonly signer: Signer;
  readonly spki: Uint8Array;
}

/** Of all files of a call the key is one. */
const HELD = new WeakMap<Context, Promise<HeldKey>>();

function heldKey(context: Context): Promise<HeldKey> {
  const known = HELD.get(context);
  if (known !== undefined) return known;
  const held = (async (): Promise<HeldKey> => {
    const store = await context.session.backends.storeOf(context.key);
    return { store, signer: facet(store.signer, store, 'sign'), spki: await publicKeyOf(context.key, context) };
  })();
  HELD.set(context, held);
  return held;
}

/** The call's key as formats see it, wherever it lives. Nothing that it returns leaves here unverified. @param words what a person is told of the first, second … use */
export async function keyFor(context: Context, what: string, words: (use: number) => Pick<KeyRef, 'purpose' | 'occasion'>, certificate?: Uint8Array): Promise<CountingKey> {
  const { key } = context;
  const { store, signer, spki } = await heldKey(context);
  let used = 0;
  return {
    uses: () => used,
    key: { label: key.label, algorithm: key.algorithm, spki, created: new Date(primary(key).createdAt), certificate: () => signingCertificate(key, spki, certificate, context), async sign(algorithm, content, message) {
      used += 1;
      // The message itself where it is at hand: node:crypto signs and verifies that many times faster than a digest can be here.
      const given = message === undefined ? content : { message };
      const signature = await signer.sign({ ...refOf(key), ...words(used) }, algorithm, given, context.keyCall);
      // A signer that returns garbage (a broken token, a fault attack) must leave no file behind.
      if (await verifySignature(spki, algorithm, given, signature)) return signature;
      throw new KeywrightError('INTERNAL', { detail: `The signature that ${store.name} made of ${what} does not verify. It was thrown away.`, remedy: 'Try again; if it persists, do not trust this key’s backend.' });
    } },
  };
}

export async function deliver(made: Made, path: string, name: string, place: (path: string) => string, { out }: Pick<SignInput, 'out'>, context: Context, aside: (place: string) => Pick<AsideOptions, 'job' | 'finished'> = () => ({}), small?: SmallFiles): Promise<SignedFile['written']> {
  if ('inline' in out) return null;
  const { signal } = context.call;
  const produce = (write: (piece: Uint8Array) => Promise<void>): Promise<void> => ('bytes' in made ? write(made.bytes) : made.write(write));
  if ('beside' in out) {
    // An upload has no place beside it: its signature is fetched.
    if (path !== name) {
      const offered = await outputOf({ download: true }, place(basename(name)), context);
      await writeAside(offered.path, { overwrite: false, signal }, produce);
      return offered.written;
    }
    assertPath(path, context);
    const to = place(path);
    const options = { overwrite: out.overwrite, signal, ...aside(to) };
    await (small !== undefined && 'bytes' in made ? small.place(to, made.bytes, options) : writeAside(to, options, produce));
    return { path: to };
  }
  assertPath(out.path, context);
  await writeAside(out.path, { overwrite: out.overwrite, signal }, produce);
  return { path: out.path };
}

/** What holds the file itself is answered only as long as it fits into an answer. */
async function collect(made: Exclude<Made, { bytes: Uint8Array }>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  await made.write(async (piece) => {
    bytes += piece.length;
    if (bytes > MAX_INLINE_MESSAGE) throw new KeywrightError('INVALID_INPUT', { detail: 'The signed file is too large for an answer.', where: '/out', remedy: 'Have it written to a file.' });
    pieces.push(Buffer.from(piece));
  });
  return Buffer.concat(pieces);
}

export function progressOf(context: Context, file: string, index: number, files: number): (bytes: number, totalBytes: number) => void {
  return (bytes, totalBytes) => context.call.progress({ file: basename(file), index, files, bytes, totalBytes });
}
