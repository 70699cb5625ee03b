import { createHash, type Hash } from 'node:crypto';
import { malformed } from '../../formats/malformed.ts';
import type { FileContent } from '../content.ts';
import type { RandomReader } from '../raw.ts';
import { eachPieceOf, entryBytes, readZip } from '../zip/read.ts';
import type { Zip, ZipEntry } from '../zip/records.ts';
import { digestsIn, isWeak, type Manifest, type ManifestHash, parseManifest } from './manifest.ts';

/** A JAR or APK as a signature sees it: its manifest, its signers' files, and each other entry with its digests. */

export const MANIFEST_NAME = 'META-INF/MANIFEST.MF';
const MAX_MANIFEST = 64 * 1024 * 1024;
const MAX_BLOCK = 4 * 1024 * 1024;
const MAX_SIGNERS = 100;

/** A signer's two files: META-INF/NAME.SF and META-INF/NAME.RSA (.EC, .DSA). */
export interface SignerFiles {
  readonly base: string;
  readonly signatureFile: { readonly entry: ZipEntry; readonly bytes: Buffer } | null;
  readonly block: { readonly entry: ZipEntry; readonly bytes: Buffer } | null;
}

export interface Archive {
  readonly zip: Zip;
  readonly manifest: (Manifest & { readonly entry: ZipEntry }) | null;
  readonly signers: readonly SignerFiles[];
  /** What is to be signed: neither folders nor what belongs to signatures. */
  readonly files: readonly ZipEntry[];
  /** Names that are there more than once. */
  readonly twice: readonly string[];
  /** Files that belong to signatures by their name, and to no signature. */
  readonly stray: readonly string[];
}

const BLOCK = /^META-INF\/([^/]+)\.(RSA|DSA|EC)$/i;
const SIGNATURE_FILE = /^META-INF\/([^/]+)\.SF$/i;

/** Whether an entry belongs to signatures, and so is never signed itself (JAR File Specification, "Signed JAR File"). */
function isOfSignatures(name: string): boolean {
  return BLOCK.test(name) || SIGNATURE_FILE.test(name) || /^META-INF\/(MANIFEST\.MF|SIG-[^/]*)$/i.test(name);
}

/** @throws INVALID_INPUT with the place */
export async function readArchive(reader: RandomReader): Promise<Archive> {
  const zip = await readZip(reader);
  // What belongs to signatures is found whatever its letters' case.
  const keys = zip.entries.map(({ name }) => (isOfSignatures(name) ? name.toUpperCase() : name));
  const seen = new Set<string>();
  const twice = new Set(keys.filter((key) => seen.size === seen.add(key).size));
  const named = zip.entries.find(({ name }) => name.toUpperCase() === MANIFEST_NAME);
  const manifest = named === undefined ? null : { ...parseManifest(await entryBytes(named, reader, MAX_MANIFEST), MANIFEST_NAME), entry: named };
  const bases = new Map<string, { signatureFile?: ZipEntry; block?: ZipEntry }>();
  for (const entry of zip.entries) {
    const [, ofFile] = SIGNATURE_FILE.exec(entry.name) ?? [];
    const [, ofBlock] = BLOCK.exec(entry.name) ?? [];
    const base = (ofFile ?? ofBlock)?.toUpperCase();
    if (base === undefined) continue;
    const known = bases.get(base) ?? {};
    if (ofBlock !== undefined && known.block !== undefined) throw malformed(`${JSON.stringify(base)} has two signature blocks.`, entry.at);
    bases.set(base, { ...known, ...(ofFile === undefined ? { block: entry } : { signatureFile: entry }) });
  }
  if (bases.size > MAX_SIGNERS) throw malformed(`There are more than ${MAX_SIGNERS} signers.`, 0);
  const signers: SignerFiles[] = [];
  const read = async (entry: ZipEntry | undefined, most: number): Promise<SignerFiles['block']> => (entry === undefined ? null : { entry, bytes: await entryBytes(entry, reader, most) });
  for (const [base, { signatureFile, block }] of bases) signers.push({ base, signatureFile: await read(signatureFile, MAX_MANIFEST), block: await read(block, MAX_BLOCK) });
  const stray = zip.entries.map(({ name }) => name).filter((name) => isOfSignatures(name) && /^META-INF\/SIG-/i.test(name));
  return { zip, manifest, signers, files: zip.entries.filter(({ name, size }) => !isOfSignatures(name) && !(name.endsWith('/') && size === 0)), twice: [...twice], stray };
}

/** How an entry stands to the manifest. */
export type EntryState = 'fits' | 'weak' | 'changed' | 'unlisted';

/** Hashes each entry once, by what the manifest says of it. @returns by name. */
export async function judgeEntries({ files, manifest }: Pick<Archive, 'files' | 'manifest'>, reader: RandomReader): Promise<Map<string, EntryState>> {
  const states = new Map<string, EntryState>();
  for (const entry of files) {
    reader.signal.throwIfAborted();
    const section = manifest?.sections.get(entry.name);
    const expected = section === undefined ? new Map<ManifestHash, Buffer>() : digestsIn(section, 'digest');
    const digests = await digestsOf(entry, [...expected.keys()], reader);
    const fitting = [...expected].every(([hash, digest]) => digests.get(hash)?.equals(digest) === true);
    states.set(entry.name, expected.size === 0 ? 'unlisted' : !fitting ? 'changed' : [...expected.keys()].every(isWeak) ? 'weak' : 'fits');
  }
  return states;
}

/** @returns digests of an entry's unpacked content; with none asked for, it is still seen that it unpacks. */
export async function digestsOf(entry: ZipEntry, hashes: readonly ManifestHash[], reader: RandomReader): Promise<Map<ManifestHash, Buffer>> {
  const running = hashes.map((hash): [ManifestHash, Hash] => [hash, createHash(hash)]);
  await eachPieceOf(entry, reader, (piece) => { for (const [, hash] of running) hash.update(piece); });
  return new Map(running.map(([name, hash]) => [name, hash.digest()]));
}

/** @param reader of the file. Opens it and reads what signatures need. */
export function openArchive<T>(file: FileContent, work: (archive: Archive, reader: RandomReader) => Promise<T>): Promise<T> {
  return file.anywhere(async (reader) => work(await readArchive(reader), reader));
}
