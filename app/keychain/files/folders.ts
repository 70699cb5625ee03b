import { glob, lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { KeywrightError, type fileOperations, type FileIn, type InputOf, type SignatureFormatName } from '../../contract/index.ts';
import type { z } from 'zod';
import { fileError } from '../../signing/file-errors.ts';
import { MANY, type SmallFiles } from '../../signing/small-files/index.ts';
import { placeBeside, SIGNATURE_FORMATS } from '../../signing/table.ts';
import type { Context } from '../context.ts';
import { assertPath } from './places.ts';

/** Folders and patterns in a list of files: what they stand for, in an order that is always the same. */

type File = z.output<typeof FileIn>;
type Folders = InputOf<typeof fileOperations.sign>['folders'];

export interface Skipped {
  readonly name: string;
  readonly reason: 'hidden' | 'symbolic-link' | 'special' | 'output' | 'name' | 'not-encrypted' | 'signed-copy';
}

const MOST = 100_000;
const PATTERN = /[*?[{]/;
/** How a manifest of ours begins. */
const MANIFEST = /^\{\s*"operation": "files\./;
const ENCRYPTED = /\.(?:age|p7m\.pem|p7m|cms|jwe|gpg|pgp|asc)$/i;

/** What is not taken where it was not named itself. */
export type Leaving = 'outputs' | 'what-is-not-encrypted' | 'nothing';

/**
 * Replaces folders and patterns by the files that they stand for: folders to their depths, sorted by name. Each path is there once, however often it was named: two at work on one output would
 * be in each other's way. What was named itself is
 * never left out; in a folder, what is hidden, symbolic links, what a former run wrote (signatures, encrypted files, manifests) and what is no regular
 * file are, and the answer says so.
 * @param options.manifest where one is to be written. @param options.small looks into many at once.
 * @returns the files, what was left out, and the paths that were named themselves.
 * @throws NOT_FOUND for a pattern that fits nothing, INVALID_INPUT for folders without files and beyond 100,000 files, PERMISSION_DENIED
 */
export async function filesOf(files: readonly File[], folders: Folders, leaving: Leaving, context: Context, { manifest, small }: { readonly manifest?: string | undefined; readonly small: SmallFiles }): Promise<{ files: readonly File[]; skipped: Skipped[]; named: ReadonlySet<string> }> {
  const walk = new Walk(folders, context);
  const paths = files.flatMap((file) => ('path' in file ? [file.path] : []));
  for (const path of paths) assertPath(path, context);
  const kinds = paths.length < MANY ? undefined : await small.kinds(paths);
  let at = 0;
  for (const file of files) {
    if ('upload' in file) walk.add(file);
    else if (kinds?.[at++] === 'f') walk.add(file);
    else await walk.named(file.path);
  }
  if (!walk.walked && walk.files.length === files.length) return { files, skipped: [], named: walk.namedPaths };
  await walk.leave(leaving, manifest);
  if (walk.files.length === 0) throw new KeywrightError('NOT_FOUND', { detail: `There are no files in ${walk.names}${walk.skipped.length === 0 ? '' : `, but for ${walk.skipped.length} that are left out (${[...new Set(walk.skipped.map(({ reason }) => reason))].join(', ')})`}.`, remedy: 'Name the files themselves.' });
  if (leaving !== 'nothing') await context.expanded(walk.files);
  return { files: walk.files, skipped: walk.skipped, named: walk.namedPaths };
}

class Walk {
  readonly #folders: Folders;
  readonly #context: Context;
  readonly #found = new Map<string, { readonly file: File; readonly named: boolean }>();
  readonly #visited = new Set<string>();
  readonly #names: string[] = [];
  readonly skipped: Skipped[] = [];
  walked = false;

  constructor(folders: Folders, context: Context) {
    this.#folders = folders;
    this.#context = context;
  }

  get files(): File[] {
    return [...this.#found.values()].map(({ file }) => file);
  }

  get namedPaths(): ReadonlySet<string> {
    return new Set([...this.#found].flatMap(([path, { named }]) => (named ? [path] : [])));
  }

  get names(): string {
    return this.#names.join(', ').slice(0, 500);
  }

  add(file: File, named = true): void {
    const key = 'path' in file ? resolve(file.path) : `upload ${file.upload}`;
    const known = this.#found.get(key);
    if (known?.named === true || (known !== undefined && !named)) return;
    if (known === undefined && this.#found.size === MOST) throw new KeywrightError('INVALID_INPUT', { detail: `There are more than ${MOST} files.`, where: '/files', remedy: 'Do one folder after another.' });
    this.#found.set(key, { file, named });
  }

  /** A path that the caller gave: of a file, a folder, or a pattern. What is there comes before what it might mean. */
  async named(path: string): Promise<void> {
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isDirectory() === true) {
      this.walked = true;
      this.#names.push(path);
      return this.#folder(path);
    }
    if (facts !== undefined || !PATTERN.test(path)) return this.add({ path }); // one that is not there fails where it is read
    this.walked = true;
    this.#names.push(path);
    const fitting: string[] = [];
    for await (const found of glob(path)) fitting.push(found);
    if (fitting.length === 0) throw new KeywrightError('NOT_FOUND', { detail: `Nothing fits the pattern ${path}.`, where: '/files', remedy: 'Check the pattern.' });
    for (const found of fitting.sort(byName)) await this.#entry(dirname(found), basename(found), basename(path).startsWith('.'));
  }

  async #folder(path: string): Promise<void> {
    this.#context.call.signal.throwIfAborted();
    // Once each, so that links cannot lead round in circles.
    const real = await realpath(path);
    if (this.#visited.has(real)) return;
    this.#visited.add(real);
    const found = await readdir(path, { withFileTypes: true }).catch((thrown: unknown) => { throw fileError(thrown, path, 'read'); });
    for (const entry of found.sort((one, other) => byName(one.name, other.name))) {
      // What the folder tells of a file is enough, but for a name that may not be what it reads as.
      if (entry.isFile() && !entry.name.startsWith('.') && !entry.name.includes('\ufffd')) this.add({ path: join(path, entry.name) }, false);
      else await this.#entry(path, entry.name);
    }
  }

  async #entry(folder: string, name: string, hidden = this.#folders.hidden): Promise<void> {
    const path = join(folder, name);
    if (name.startsWith('.') && !hidden) return this.#skip(path, 'hidden');
    let facts = await lstat(path).catch(orGone(path));
    // A name that is not UTF-8 cannot be told in JSON, and what was read of it leads nowhere.
    if (facts === undefined) return name.includes('\ufffd') ? this.#skip(path, 'name') : this.add({ path }, false);
    if (facts.isSymbolicLink()) {
      facts = this.#folders.symlinks ? await stat(path).catch(orGone(path)) : undefined;
      if (facts === undefined) return this.#skip(path, 'symbolic-link'); // or one that leads nowhere
    }
    if (facts.isDirectory()) return this.#folder(path);
    if (facts.isFile()) this.add({ path }, false);
    else this.#skip(path, 'special');
  }

  #skip(name: string, reason: Skipped['reason']): void {
    if (this.skipped.length < MOST) this.skipped.push({ name, reason });
  }

  /** Takes out what a former run wrote, or what was never encrypted. */
  async leave(leaving: Leaving, manifest: string | undefined): Promise<void> {
    if (leaving === 'nothing') return;
    const outputs = leaving === 'outputs' ? outputsOf([...this.#found.keys()], manifest) : undefined;
    for (const [path, { named }] of [...this.#found]) {
      if (named) continue;
      if (outputs === undefined ? ENCRYPTED.test(path) : !outputs.has(path) && !(path.endsWith('.json') && (await isManifest(path)))) continue;
      this.#found.delete(path);
      this.#skip(path, outputs === undefined ? 'not-encrypted' : 'output');
    }
  }
}

/** What went away meanwhile, and links that lead nowhere or in circles, keep nothing else from being done. @throws PERMISSION_DENIED and other faults of reading */
const orGone = (path: string) => (thrown: NodeJS.ErrnoException): undefined => {
  if (thrown.code !== 'ENOENT' && thrown.code !== 'ELOOP') throw fileError(thrown, path, 'read');
};

/** By code points, whatever the locale: everybody gets the same order. */
function byName(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** Where runs over these files would have written: in each format and form, and encrypted. */
function outputsOf(paths: readonly string[], manifest: string | undefined): Set<string> {
  const all = [...paths, ...(manifest === undefined ? [] : [manifest])];
  const outputs = new Set(manifest === undefined ? [] : [manifest]);
  for (const path of all) {
    for (const format of Object.keys(SIGNATURE_FORMATS) as SignatureFormatName[]) {
      for (const form of [undefined, ...SIGNATURE_FORMATS[format].forms]) for (const detached of [true, false]) outputs.add(placeBeside(path, format, { ...(form === undefined ? {} : { form }), detached }));
    }
    for (const ending of ['.age', '.p7m', '.p7m.pem', '.jwe', '.pgp', '.asc', '.gpg']) outputs.add(path + ending);
  }
  return outputs;
}

async function isManifest(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
  return MANIFEST.test(buffer.toString('latin1', 0, bytesRead));
}
