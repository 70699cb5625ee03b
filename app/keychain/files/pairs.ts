import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { KeywrightError, type FileIn, type SignatureFormatName } from '../../contract/index.ts';
import type { z } from 'zod';
import { readStart } from '../../signing/raw.ts';
import { recogniseSignature } from '../../signing/recognise.ts';
import { placeBeside, SIGNATURE_FORMATS } from '../../signing/table.ts';
import type { Context } from '../context.ts';
import type { Skipped } from './folders.ts';
import { fileOf } from './places.ts';

/** Which signature belongs to which file: by the names that programs give them, and never by what a signature claims. */

type File = z.output<typeof FileIn>;

/** A file of a call, where it lies and what the caller calls it. */
export interface Found {
  readonly path: string;
  readonly name: string;
  readonly upload: string | null;
}

/** A file that is judged, and the files with its signatures; none where it is to hold them itself. */
export interface Pair {
  readonly file: Found;
  readonly signatures: readonly Found[];
}

const FORMATS = Object.keys(SIGNATURE_FORMATS) as SignatureFormatName[];
/** What other programs add to a file's name. */
const OTHERS = ['.sshsig', '.sign', '.cms', '.dsse', '.p7'];
/** The longest first: `.dsse.json` is no `.json`. */
const ENDINGS = [...new Set([...FORMATS.flatMap(endingsOf), ...OTHERS])].sort((one, other) => other.length - one.length);
/** These hold the files that they sign, and are judged by themselves. */
const HOLDERS: ReadonlySet<SignatureFormatName> = new Set(['pdf', 'jar', 'asic']);
/** Names that bare signatures have, which nothing in them tells. */
const BARE = new Set(['.sig', '.sign']);

function endingsOf(format: SignatureFormatName): string[] {
  const { forms, suffix, copy } = SIGNATURE_FORMATS[format];
  const options = [undefined, ...forms].flatMap((form) => [true, false].map((detached) => ({ ...(form === undefined ? {} : { form }), detached })));
  return options.filter((one) => copy?.(one) !== true).map((one) => suffix(one));
}

/**
 * @param files those of the call, folders and patterns replaced by what they stand for.
 * @param named the paths that the caller named itself: nothing takes their place.
 * @returns each file once, with its signatures; and, of a folder, files of which there is a signed copy, which is judged instead.
 */
export async function pairsOf(files: readonly File[], named: ReadonlySet<string>, context: Context): Promise<{ pairs: Pair[]; skipped: Skipped[] }> {
  const found: Found[] = [];
  for (const file of files) found.push(await fileOf(file, context));
  const near = new Neighbours(found);
  const pairs = new Map<string, Pair>();
  const skipped: Skipped[] = [];
  for (const file of found) {
    const base = await baseOf(file, near, context);
    if (base !== undefined) {
      const key = base.upload ?? base.path;
      const others = pairs.get(key)?.signatures ?? [];
      if (!others.some(({ path }) => path === file.path)) pairs.set(key, { file: base, signatures: [...others, file] });
    } else if (!named.has(file.path) && (await hasSignedCopy(file, near))) {
      skipped.push({ name: file.name, reason: 'signed-copy' });
    } else {
      const signatures = await signaturesOf(file, near, context);
      const before = pairs.get(file.upload ?? file.path)?.signatures ?? [];
      pairs.set(file.upload ?? file.path, { file, signatures: [...before, ...signatures.filter(({ path }) => !before.some((one) => one.path === path))] });
    }
  }
  return { pairs: [...pairs.values()], skipped };
}

/** @returns the file that `file` is a signature of, when there is one under that name; undefined for what is no signature. */
async function baseOf(file: Found, near: Neighbours, context: Context): Promise<Found | undefined> {
  for (const ending of ENDINGS) {
    if (!file.name.endsWith(ending) || basename(file.name).length === ending.length) continue;
    const base = await near.named(file, file.name.slice(0, -ending.length));
    if (base !== undefined && (await isSignature(file, ending, context))) return base;
  }
  return undefined;
}

/** @returns the signatures that lie beside a file. */
async function signaturesOf(file: Found, near: Neighbours, context: Context): Promise<Found[]> {
  const signatures: Found[] = [];
  for (const ending of ENDINGS) {
    const other = await near.named(file, file.name + ending);
    if (other !== undefined && (await isSignature(other, ending, context))) signatures.push(other);
  }
  return signatures.sort((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)));
}

async function hasSignedCopy(file: Found, near: Neighbours): Promise<boolean> {
  for (const [format, detached] of [['pdf', false], ['xml', false], ['asic', false]] as const) {
    if ((await near.named(file, placeBeside(file.name, format, { detached }))) !== undefined) return true;
  }
  return false;
}

/** By content; `.asc` may as well be a key, and `.p7m` an encrypted file. */
async function isSignature({ path }: Found, ending: string, context: Context): Promise<boolean> {
  try {
    const format = recogniseSignature(await readStart(path, 64 * 1024, { signal: context.call.signal }));
    return format === 'raw' ? BARE.has(ending) : !HOLDERS.has(format);
  } catch (thrown) {
    // Where it is judged, it is said what is wrong with it.
    if (thrown instanceof KeywrightError && thrown.code !== 'INTERNAL') return BARE.has(ending);
    throw thrown;
  }
}

/** What lies beside a file: in its folder, or among the uploads of the call. */
class Neighbours {
  readonly #uploads: ReadonlyMap<string, Found>;
  readonly #folders = new Map<string, Promise<ReadonlySet<string>>>();

  constructor(found: readonly Found[]) {
    this.#uploads = new Map(found.filter(({ upload }) => upload !== null).map((file) => [file.name, file]));
  }

  async named({ upload, path, name: own }: Found, name: string): Promise<Found | undefined> {
    if (upload !== null) return this.#uploads.get(name);
    const folder = dirname(path);
    let names = this.#folders.get(folder);
    if (names === undefined) {
      names = readdir(folder, { withFileTypes: true }).then((all) => new Set(all.flatMap((one) => (one.isDirectory() ? [] : [one.name]))), () => new Set<string>());
      this.#folders.set(folder, names);
    }
    if (name === own || !(await names).has(basename(name))) return undefined;
    return { path: name, name, upload: null };
  }
}
