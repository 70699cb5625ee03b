import { stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { KeywrightError } from '../../contract/index.ts';
import { malformed } from '../../formats/malformed.ts';
import type { Found, Pair } from './pairs.ts';

/** The list of what a batch did, as JSON: kept beside the files, signed as they are, and a way to verify all of them. */

/** Where the files lie is told from the folder of the manifest, so that all of it may be moved together. */
const Manifest = z.object({
  operation: z.string().startsWith('files.'),
  folder: z.string().optional(),
  files: z.array(z.object({ name: z.string().min(1), bytes: z.int(), written: z.union([z.object({ path: z.string() }), z.object({ download: z.string() })]).nullable(), sha256: z.string().nullable() })).max(100_000),
});
export type ManifestFile = z.output<typeof Manifest>['files'][number];

/** A file of a manifest, and what the manifest says of it. */
export interface Listed {
  readonly pair: Pair;
  readonly told: ManifestFile;
}

/** @returns the bytes of a manifest. @param folder that in which it will lie. */
export function manifestOf(facts: object, folder: string, files: readonly ManifestFile[]): Uint8Array {
  return Buffer.from(`${JSON.stringify({ ...facts, folder, files }, null, 2)}\n`, 'utf8');
}

/** @returns what a manifest lists. @throws INVALID_INPUT for what is none, or lists nothing */
function readManifest(content: Uint8Array): { readonly folder: string | undefined; readonly files: readonly ManifestFile[] } {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch {
    throw malformed('The manifest is no JSON.', undefined, 'Name the file that `keywright files sign --manifest` wrote.');
  }
  const read = Manifest.safeParse(json);
  if (!read.success) throw malformed(`This is no manifest of signed files: ${read.error.issues[0]?.path.join('.') ?? ''} ${read.error.issues[0]?.message ?? ''}`, undefined, 'Name the file that `keywright files sign --manifest` wrote.');
  if (read.data.files.length === 0) throw malformed('The manifest lists no files.');
  return { folder: read.data.folder, files: read.data.files };
}

/**
 * Finds the files of a manifest: where they were from its folder, if that is another one now; else where it says. Among uploads, by their names.
 * @throws INVALID_INPUT when two uploads could be meant
 */
export async function listedIn(manifest: Found, content: Uint8Array, uploads: readonly Found[]): Promise<Listed[]> {
  const { folder, files } = readManifest(content);
  const place = manifest.upload === null ? placeFrom(folder, dirname(manifest.path)) : uploaded(uploads);
  const listed: Listed[] = [];
  for (const told of files) {
    const { name, written } = told;
    const at = written !== null && 'path' in written ? written.path : `${name}.sig`;
    // A copy holds its signature, and is what was signed.
    const isCopy = told.sha256 === null;
    listed.push({ told, pair: isCopy ? { file: await place(at), signatures: [] } : { file: await place(name), signatures: [await place(at)] } });
  }
  return listed;
}

function placeFrom(folder: string | undefined, now: string): (path: string) => Promise<Found> {
  const isMoved = folder !== undefined && folder !== now;
  return async (path) => {
    const moved = isMoved ? join(now, relative(folder, path)) : path;
    const there = isMoved && !(await exists(moved)) ? path : moved;
    return { path: there, name: there, upload: null };
  };
}

function uploaded(uploads: readonly Found[]): (path: string) => Promise<Found> {
  return async (path) => {
    const [one, ...others] = uploads.filter(({ name }) => name === basename(path));
    if (others.length > 0) throw new KeywrightError('INVALID_INPUT', { detail: `Two uploads are called ${basename(path)}, and the manifest could mean either.`, where: '/files', remedy: 'Verify files of one name one after another.' });
    return one ?? { path: '', name: path, upload: null };
  };
}

const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);
