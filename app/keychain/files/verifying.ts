import { createHash } from 'node:crypto';
import { asKeywrightError, type FileIn, type fileOperations, type InputOf, KeywrightError, type SignatureFormatName } from '../../contract/index.ts';
import type { z } from 'zod';
import { FileContent } from '../../signing/content.ts';
import type { Trust } from '../../signing/format.ts';
import { readWhole, type Watch } from '../../signing/raw.ts';
import { recogniseSignature, recogniseSigned } from '../../signing/recognise.ts';
import { MANY, SmallFiles } from '../../signing/small-files/index.ts';
import { SIGNATURE_FORMATS } from '../../signing/table.ts';
import type { Context } from '../context.ts';
import { eachFile, isOfOneFile } from './batch.ts';
import { filesOf } from './folders.ts';
import { type Listed, listedIn, type ManifestFile } from './manifests.ts';
import { type Found, type Pair, pairsOf } from './pairs.ts';
import { assertPath, fileOf } from './places.ts';
import { progressOf } from './signing.ts';
import { discard } from './spool.ts';
import { trustOf } from './trust.ts';
import { answerOf, failedFile, type Judged, judgedFile, type JudgedFile, unjudgedFile, type Verdict } from './verdicts.ts';

type VerifyInput = InputOf<typeof fileOperations.verify>;

const LONGEST_SIGNATURE = 4 * 1024 * 1024;
const LONGEST_MANIFEST = 64 * 1024 * 1024;

/** Judges the files of a call, one after another or several at once: each with its signatures. A single one that cannot be judged is thrown. */
export async function verifyFiles(input: VerifyInput, context: Context): Promise<Verdict> {
  const asked = filesAsked(input);
  await using small = new SmallFiles();
  const verifying = new Verifying(input, context, small);
  const uploads: Found[] = [];
  for (const file of asked) if ('upload' in file) uploads.push(await fileOf(file, context));
  const answer = await (input.manifest !== undefined ? verifying.manifest(input.manifest, uploads) : input.signature !== undefined ? verifying.one(asked, input.signature) : verifying.all(asked));
  for (const { upload } of [...uploads, ...verifying.taken]) if (upload !== null) await discard(context.services.spoolFolder, upload);
  return answer;
}

function filesAsked({ file, files, signature, manifest }: VerifyInput): z.output<typeof FileIn>[] {
  const refuse = (detail: string, where: string): KeywrightError => new KeywrightError('INVALID_INPUT', { detail, where });
  if (file !== undefined && files !== undefined) throw refuse('Name one file, or several: not both.', '/file');
  const asked = file === undefined ? (files ?? []) : [file];
  if (manifest !== undefined) {
    if (signature !== undefined || asked.some((one) => 'path' in one)) throw refuse('The manifest says which files there are, and where their signatures lie.', '/manifest');
  } else if (asked.length === 0) {
    throw refuse('Name the files to verify, or a manifest.', '/files');
  } else if (signature !== undefined && asked.length > 1) {
    throw refuse('One signature is of one file.', '/signature');
  }
  return asked;
}

class Verifying {
  /** Uploads beside the files that were used up. */
  readonly taken: Found[] = [];
  readonly #input: VerifyInput;
  readonly #context: Context;
  readonly #small: SmallFiles;
  readonly #trust = new Map<unknown, Promise<Trust>>();

  constructor(input: VerifyInput, context: Context, small: SmallFiles) {
    this.#input = input;
    this.#context = context;
    this.#small = small;
  }

  /** One file, whose signature the caller names. */
  async one([asked]: z.output<typeof FileIn>[], signature: NonNullable<VerifyInput['signature']>): Promise<Verdict> {
    const file = await fileOf(asked as z.output<typeof FileIn>, this.#context);
    const content = await this.#open(file, 0, 1);
    const judged = 'bytes' in signature ? await this.#judge(content, signature.bytes, null) : await this.#judgeBy(content, await this.#take(signature));
    return answerOf([judgedFile(file.name, content.bytes, [judged])], [], null);
  }

  /** Files, each with what lies beside it or within. */
  async all(asked: readonly z.output<typeof FileIn>[]): Promise<Verdict> {
    const { files, skipped, named } = await filesOf(asked, this.#input.folders, 'nothing', this.#context, { small: this.#small });
    const { pairs, skipped: copies } = await pairsOf(files, named, this.#context);
    return answerOf(await this.#each(pairs), [...skipped, ...copies], null);
  }

  /** A manifest, by its own signature, and all that it lists. */
  async manifest(asked: z.output<typeof FileIn>, uploads: readonly Found[]): Promise<Verdict> {
    const found = await this.#take(asked);
    const { pairs: [own] } = await pairsOf([asked, ...uploads.map(({ upload }) => ({ upload: upload as string }))], new Set([found.path]), this.#context);
    const content = await readWhole(found.path, LONGEST_MANIFEST, this.#context.call.signal);
    const listed = await listedIn(found, content, uploads);
    const judged = await this.#judgePair(own as Pair, 0, listed.length + 1);
    const files = await this.#each(listed.map(({ pair }) => pair), (index) => (listed[index] as Listed).told);
    return answerOf(files, [], judged);
  }

  /** @param told what a manifest says of the n-th file: then a single one that cannot be judged is told too. */
  async #each(pairs: readonly Pair[], told?: (index: number) => ManifestFile): Promise<JudgedFile[]> {
    const several = pairs.length > 1 || told !== undefined;
    const { done } = await eachFile(pairs.map(({ file }) => ({ path: file.name })), this.#context, { together: true, small: pairs.length >= MANY }, async (_, index) => {
      const pair = pairs[index] as Pair;
      try {
        return await this.#judgePair(pair, index, pairs.length, told?.(index));
      } catch (thrown) {
        const { code, facts } = asKeywrightError(thrown);
        if (!several || !isOfOneFile(code)) throw thrown;
        return failedFile({ name: pair.file.name, code, detail: facts.detail });
      }
    });
    return done;
  }

  async #judgePair(pair: Pair, index: number, files: number, told?: ManifestFile): Promise<JudgedFile> {
    const { file, signatures } = pair;
    if (told !== undefined && file.path === '') return failedFile({ name: file.name, code: 'NOT_FOUND', detail: 'It is in the manifest, and was not given.' });
    if (file.upload === null) assertPath(file.path, this.#context);
    if (files < MANY) return this.#judgeContent(await this.#open(file, index, files), pair, told);
    const { whole, facts } = await this.#small.read(file.path);
    if (whole === null || facts === null) return this.#small.large(async () => this.#judgeContent(await this.#open(file, index, files), pair, told));
    return this.#judgeContent(FileContent.of(file.path, file.name, whole, facts, this.#watch(file, index, files)), { file, signatures }, told);
  }

  async #judgeContent(content: FileContent, { file, signatures }: Pair, told?: ManifestFile): Promise<JudgedFile> {
    if (told !== undefined && told.sha256 !== null && told.bytes !== content.bytes) return { ...unjudgedFile(file.name, 'failed', { code: null, detail: `The file has ${content.bytes} bytes, and the manifest says ${told.bytes}.` }, content.bytes), state: 'invalid' };
    if (signatures.length === 0) {
      const format = this.#input.format ?? recogniseSigned(await content.start());
      if (format === 'raw') return unjudgedFile(file.name, 'unsigned', { code: null, detail: 'There is no signature of it, neither beside it nor within.' }, content.bytes);
      return judgedFile(file.name, content.bytes, [await this.#judge(content, null, null, format)]);
    }
    const judged: Judged[] = [];
    for (const signature of signatures) judged.push(await this.#judgeBy(content, signature, told));
    return judgedFile(file.name, content.bytes, judged);
  }

  async #judgeBy(content: FileContent, { path, name }: Found, told?: ManifestFile): Promise<Judged> {
    if (path === '') throw new KeywrightError('NOT_FOUND', `Its signature ${name} was not given.`);
    const signature = await readWhole(path, LONGEST_SIGNATURE, this.#context.call.signal);
    const judged = await this.#judge(content, signature, name);
    // A signature that was made later, by whomever, is not the one that the manifest vouches for.
    const isOther = told !== undefined && told.sha256 !== createHash('sha256').update(signature).digest('hex');
    return isOther ? { ...judged, verdicts: judged.verdicts.map((one) => ({ ...one, trustedBy: null, problem: one.problem ?? 'The signature is not the one that the manifest lists: it was made anew.' })) } : judged;
  }

  async #judge(content: FileContent, signature: Uint8Array | null, from: string | null, known?: SignatureFormatName): Promise<Judged> {
    const format = known ?? this.#input.format ?? (signature === null ? recogniseSigned(await content.start()) : recogniseSignature(signature));
    const facts = SIGNATURE_FORMATS[format];
    const trust = this.#trust.get(facts.certificates) ?? trustOf(this.#input, facts, this.#context);
    this.#trust.set(facts.certificates, trust);
    return { from, format, verdicts: await (await facts.load()).verify(content, signature, await trust) };
  }

  async #take(asked: z.output<typeof FileIn>): Promise<Found> {
    const found = await fileOf(asked, this.#context);
    this.taken.push(found);
    return found;
  }

  #open(file: Found, index: number, files: number): Promise<FileContent> {
    return FileContent.open(file.path, file.name, this.#watch(file, index, files));
  }

  #watch({ name }: Found, index: number, files: number): Watch {
    return { signal: this.#context.call.signal, progress: progressOf(this.#context, name, index, files) };
  }
}
