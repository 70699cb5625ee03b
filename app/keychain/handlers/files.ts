import { basename } from 'node:path';
import { KEY_ALGORITHMS, KeywrightError, SIGNATURE_ALGORITHMS, type fileOperations, type InputOf, type OutputOf, type SignatureAlgorithmFacts, type SignatureAlgorithmName } from '../../contract/index.ts';
import { algorithmOfSpki, ecdsaDerToP1363, ecdsaP1363ToDer, fingerprint, readPublicKey } from '../../formats/index.ts';
import type { Content } from '../../keystore/keystore.ts';
import { digestFile, readWhole, sizeOf } from '../../signing/raw.ts';
import { formatsOf } from '../../signing/table.ts';
import { verifySignature } from '../../signing/verify.ts';
import { writeAside } from '../../signing/write-aside.ts';
import { assertCapable } from '../capabilities.ts';
import type { Context } from '../context.ts';
import { assertPath, fileOf, outputOf } from '../files/places.ts';
import { discard } from '../files/spool.ts';
import { isPair, type StoredKey } from '../inventory.ts';
import { fileEncryptionHandlers } from './file-encryption.ts';
import { handlersOf } from './handlers.ts';
import { facet, livingVersions, publicKeyOf, refOf } from './key-records.ts';
import { signatureAlgorithm } from './key-use.ts';

type SignInput = InputOf<typeof fileOperations.sign>;
type SignedFile = OutputOf<typeof fileOperations.sign>['files'][number];
type VerifyInput = InputOf<typeof fileOperations.verify>;
type Verdict = OutputOf<typeof fileOperations.verify>;

const LONGEST_SIGNATURE = 64 * 1024;

export const fileHandlers = handlersOf('files', {
  ...fileEncryptionHandlers,

  async 'files.sign'(input, context) {
    const { key } = context;
    const algorithm = signatureAlgorithm(key, input.algorithm);
    if ('path' in input.out && input.files.length > 1) throw new KeywrightError('INVALID_INPUT', { detail: 'One output cannot take the signatures of several files.', where: '/out', remedy: 'Leave it out: each signature is written beside its file.' });
    const files: SignedFile[] = [];
    for (const [index, file] of input.files.entries()) files.push(await signFile(file, index, algorithm, input, context));
    return { files, key: key.uri };
  },

  async 'files.verify'(input, context) {
    const { path, name, upload } = await fileOf(input.file, context);
    const detached = 'bytes' in input.signature ? null : await fileOf(input.signature, context);
    const signature = 'bytes' in input.signature ? input.signature.bytes : await readWhole(detached?.path ?? '', LONGEST_SIGNATURE, context.call.signal);
    const bytes = await sizeOf(path);
    const contents = new Map<string, Promise<Content>>();
    const contentFor = (algorithm: SignatureAlgorithmName): Promise<Content> => {
      const hash = hashOf(algorithm);
      const known = contents.get(hash ?? 'whole') ?? contentOf(path, algorithm, progressOf(context, name, 0, 1));
      contents.set(hash ?? 'whole', known);
      return known;
    };
    const verdict = await judge(input, signature, contentFor, context);
    for (const used of [upload, detached?.upload ?? null]) if (used !== null) await discard(context.services.spoolFolder, used);
    return { ...verdict, format: 'raw', bytes };
  },

  async 'files.formats'(input, { session }) {
    const keys = input.key === undefined ? [...session.inventory.all()].filter(({ trashedUntil }) => trashedUntil === null) : [session.inventory.resolve(input.key)];
    return { rows: keys.flatMap((key) => formatsOf(key.algorithm).map((row) => ({ key: key.uri, label: key.label, ...row, algorithms: [...row.algorithms] }))) };
  },

  async 'files.upload'() {
    throw new KeywrightError('INVALID_INPUT', 'A file is uploaded as the body of the request, which the face streams to the spool itself.');
  },

  async 'files.download'() {
    throw new KeywrightError('INVALID_INPUT', 'A file is downloaded as the body of the answer, which the face streams from the spool itself.');
  },
});

async function signFile(file: SignInput['files'][number], index: number, algorithm: SignatureAlgorithmName, input: SignInput, context: Context): Promise<SignedFile> {
  const { key } = context;
  const { path, name, upload } = await fileOf(file, context);
  const bytes = await sizeOf(path);
  const content = await contentOf(path, algorithm, progressOf(context, name, index, input.files.length));
  const store = await context.session.backends.storeOf(key);
  const ref = refOf(key);
  const signature = await facet(store.signer, store, 'sign').sign(ref, algorithm, content, context.keyCall);
  // A signer that returns garbage (a broken token, a fault attack) must leave no file behind.
  if (!(await verifySignature(await publicKeyOf(key, context), algorithm, content, signature))) {
    throw new KeywrightError('INTERNAL', { detail: `The signature that ${store.name} made of ${basename(name)} does not verify. It was thrown away.`, remedy: 'Try again; if it persists, do not trust this key’s backend.' });
  }
  const encoded = input.encoding === 'p1363' && SIGNATURE_ALGORITHMS[algorithm].family === 'ecdsa' ? ecdsaDerToP1363(signature, KEY_ALGORITHMS[key.algorithm].bits) : signature;
  const written = await deliver(encoded, path, name, input, context);
  if (upload !== null) await discard(context.services.spoolFolder, upload);
  return { name, bytes, algorithm, version: ref.version, signature: encoded, written };
}

async function deliver(signature: Uint8Array, path: string, name: string, { out }: SignInput, context: Context): Promise<SignedFile['written']> {
  if ('inline' in out) return null;
  const { signal } = context.call;
  if ('beside' in out) {
    // An upload has no place beside it: its signature is fetched.
    if (path !== name) {
      const place = await outputOf({ download: true }, `${basename(name)}.sig`, context);
      await writeAside(place.path, { overwrite: false, signal }, (write) => write(signature));
      return place.written;
    }
    assertPath(path, context);
    await writeAside(`${path}.sig`, { overwrite: out.overwrite, signal }, (write) => write(signature));
    return { path: `${path}.sig` };
  }
  assertPath(out.path, context);
  await writeAside(out.path, { overwrite: out.overwrite, signal }, (write) => write(signature));
  return { path: out.path };
}

/** @returns the file's digest, or the file itself for pure schemes. @throws CAPABILITY_MISSING beyond 256 MiB for those. */
async function contentOf(path: string, algorithm: SignatureAlgorithmName, watch: { signal: AbortSignal; progress(bytes: number, total: number): void }): Promise<Content> {
  const hash = hashOf(algorithm);
  return hash === null ? { message: await readWhole(path, undefined, watch.signal) } : { digest: await digestFile(path, hash, watch) };
}

async function judge(input: VerifyInput, signature: Uint8Array, contentFor: (algorithm: SignatureAlgorithmName) => Promise<Content>, context: Context): Promise<Omit<Verdict, 'format' | 'bytes'>> {
  const named = input.key !== undefined || input.publicKey !== undefined;
  let skipped: KeywrightError | undefined;
  for (const candidate of candidates(input, context)) {
    try {
      const verdict = await judgeBy(candidate, input, signature, contentFor);
      if (verdict !== undefined) return verdict;
    } catch (thrown) {
      // A file too large for one key's scheme, or one key whose record is damaged, says nothing of the other keys.
      if (named || !(thrown instanceof KeywrightError) || !(thrown.code === 'CAPABILITY_MISSING' || thrown.code === 'CORRUPT_RECORD')) throw thrown;
      skipped ??= thrown;
    }
  }
  return {
    intact: false, trusted: false, algorithm: null, signer: null,
    verdict: named
      ? 'The signature does not fit this file and this key: the file was changed, or something else was signed.'
      : `No key held here made this signature of this file.${skipped === undefined ? '' : ` Not every key could be tried: ${skipped.message}`}`,
  };
}

async function judgeBy(candidate: Candidate, input: VerifyInput, signature: Uint8Array, contentFor: (algorithm: SignatureAlgorithmName) => Promise<Content>): Promise<Omit<Verdict, 'format' | 'bytes'> | undefined> {
  for (const algorithm of candidate.algorithms) {
    const content = await contentFor(algorithm);
    for (const version of candidate.versions) {
      const spki = await version.spki();
      for (const der of encodings(signature, algorithm, candidate.bits, input.encoding)) {
        if (!(await verifySignature(spki, algorithm, content, der))) continue;
        return {
          intact: true, trusted: true, algorithm, signer: { key: candidate.uri, label: candidate.label, fingerprint: fingerprint(spki), version: version.number },
          verdict: candidate.uri === null ? 'The file is as it was signed, by the key that you named.' : `The file is as it was signed by “${candidate.label}”, a key held here.`,
        };
      }
    }
  }
  return undefined;
}

interface Candidate {
  readonly uri: string | null;
  readonly label: string | null;
  readonly bits: number;
  readonly algorithms: readonly SignatureAlgorithmName[];
  readonly versions: readonly { readonly number: number | null; readonly spki: () => Promise<Uint8Array> }[];
}

/** Keys to try: the one that was named, else every key held here that can have signed. */
function candidates(input: VerifyInput, context: Context): Candidate[] {
  if (input.publicKey !== undefined) {
    const { spki } = readPublicKey(input.publicKey);
    const algorithm = algorithmOfSpki(spki);
    return [{ uri: null, label: null, bits: KEY_ALGORITHMS[algorithm].bits, algorithms: algorithmsFor(algorithm, input), versions: [{ number: null, spki: async () => spki }] }];
  }
  const held = input.key !== undefined ? [context.key] : [...context.session.inventory.all()].filter((key) => isPair(key) && key.usages.includes('verify') && key.trashedUntil === null);
  if (input.key !== undefined) assertCapable(context.key, 'verify');
  return held.map((key: StoredKey) => ({
    uri: key.uri, label: key.label, bits: KEY_ALGORITHMS[key.algorithm].bits, algorithms: algorithmsFor(key.algorithm, input),
    versions: livingVersions(key).map(({ version }) => ({ number: version, spki: () => publicKeyOf(key, context, version) })),
  }));
}

function algorithmsFor(key: StoredKey['algorithm'], { algorithm }: VerifyInput): SignatureAlgorithmName[] {
  const possible = (Object.keys(SIGNATURE_ALGORITHMS) as SignatureAlgorithmName[]).filter((name) => (SIGNATURE_ALGORITHMS[name].keys as readonly string[]).includes(key));
  return algorithm === undefined ? possible : possible.filter((name) => name === algorithm);
}

/** @returns the signature as DER, from whichever encoding it is in. */
function encodings(signature: Uint8Array, algorithm: SignatureAlgorithmName, bits: number, encoding: VerifyInput['encoding']): Uint8Array[] {
  if (SIGNATURE_ALGORITHMS[algorithm].family !== 'ecdsa') return [signature];
  const fixed = signature.length === 2 * Math.ceil(bits / 8) ? [ecdsaP1363ToDer(signature, bits)] : [];
  return [...(encoding === 'p1363' ? [] : [signature]), ...(encoding === 'der' ? [] : fixed)];
}

function hashOf(algorithm: SignatureAlgorithmName): SignatureAlgorithmFacts['hash'] {
  return SIGNATURE_ALGORITHMS[algorithm].hash;
}

function progressOf(context: Context, file: string, index: number, files: number): { signal: AbortSignal; progress(bytes: number, total: number): void } {
  return { signal: context.call.signal, progress: (bytes, totalBytes) => context.call.progress({ file: basename(file), index, files, bytes, totalBytes }) };
}
