import { createHash } from 'node:crypto';
import { malformedAt } from '../../formats/malformed.ts';

/**
 * The text of MANIFEST.MF and of signature files: a main section, then one a name, with blank lines between; lines of at most
 * 72 bytes, which go on behind a space (JAR File Specification, "Name-Value pairs and Sections").
 */

export interface Section {
  /** The first attribute's value; null in the main section. */
  readonly name: string | null;
  /** By their names in lower case. */
  readonly attributes: ReadonlyMap<string, string>;
  /** As they are, up to and with the blank line: what signature files have digests of. */
  readonly bytes: Buffer;
}

export interface Manifest {
  readonly main: Section;
  readonly sections: ReadonlyMap<string, Section>;
  readonly bytes: Buffer;
}

const MAX_LINE = 72;
const LINE_END = '\r\n';

/** @param what of the archive it is, for the error. @throws INVALID_INPUT with the line */
export function parseManifest(bytes: Buffer, what: string): Manifest {
  let main: Section | undefined;
  const sections = new Map<string, Section>();
  for (const { from, to, lines, line } of blocksOf(bytes)) {
    const place = `${what}, line ${line}`;
    const attributes = attributesOf(lines, place);
    const section = { attributes, bytes: bytes.subarray(from, to) };
    if (main === undefined) {
      main = { ...section, name: null };
      continue;
    }
    const [[first, name] = []] = attributes;
    if (first !== 'name' || name === undefined) throw malformedAt(place, 'A section should begin with Name.');
    // Programs merge such sections in different ways.
    if (sections.has(name)) throw malformedAt(place, `There are two sections for ${JSON.stringify(name)}.`);
    sections.set(name, { ...section, name });
  }
  if (main === undefined) throw malformedAt(what, 'It is empty.');
  return { main, sections, bytes };
}

interface Block { readonly from: number; readonly to: number; readonly lines: readonly Buffer[]; readonly line: number }

/** Runs of lines up to a blank one. Lines end with CR LF, LF or CR. */
function* blocksOf(bytes: Buffer): Generator<Block> {
  let from = 0;
  let lines: Buffer[] = [];
  let first = 1;
  let number = 0;
  for (let at = 0; at < bytes.length;) {
    let end = at;
    while (end < bytes.length && bytes[end] !== 0x0a && bytes[end] !== 0x0d) end += 1;
    const next = end + (bytes[end] === 0x0d && bytes[end + 1] === 0x0a ? 2 : 1);
    number += 1;
    if (end > at) {
      if (lines.length === 0) first = number;
      lines.push(bytes.subarray(at, end));
    } else if (lines.length > 0) {
      yield { from, to: next, lines, line: first };
      from = next;
      lines = [];
    } else if (from > 0) from = next; // more blank lines than one belong to no section
    at = Math.min(next, bytes.length);
  }
  if (lines.length > 0) yield { from, to: bytes.length, lines, line: first };
}

function attributesOf(lines: readonly Buffer[], place: string): Map<string, string> {
  const whole: Buffer[][] = [];
  for (const line of lines) {
    if (line[0] !== 0x20) whole.push([line]);
    else if (whole.length === 0) throw malformedAt(place, 'A section begins with a line that goes on.');
    else whole.at(-1)?.push(line.subarray(1));
  }
  const attributes = new Map<string, string>();
  for (const pieces of whole) {
    // Joined as bytes: a line may end within a letter of UTF-8.
    const text = Buffer.concat(pieces).toString('utf8');
    const [, name = '', value = ''] = /^([\w-]{1,70}): ?(.*)$/s.exec(text) ?? [];
    if (name === '') throw malformedAt(place, `A line is no attribute: ${JSON.stringify(text.slice(0, 60))}.`);
    if (attributes.has(name.toLowerCase())) throw malformedAt(place, `The attribute ${name} is there twice.`);
    attributes.set(name.toLowerCase(), value);
  }
  return attributes;
}

/** @returns a section, its blank line included. Values hold no line ends. */
export function writeSection(attributes: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat([...attributes.map(([name, value]) => folded(Buffer.from(`${name}: ${value}`))), Buffer.from(LINE_END)]);
}

/** Folded between bytes, as Java folds: 72 in each line, the space that goes on included. */
function folded(line: Buffer): Buffer {
  const pieces: Uint8Array[] = [line.subarray(0, MAX_LINE)];
  for (let at = MAX_LINE; at < line.length; at += MAX_LINE - 1) pieces.push(Buffer.from(`${LINE_END} `), line.subarray(at, at + MAX_LINE - 1));
  return Buffer.concat([...pieces, Buffer.from(LINE_END)]);
}

/** Digests as manifests call them, from the strongest. */
const DIGEST_NAMES = { 'sha-512': 'sha512', sha512: 'sha512', 'sha-384': 'sha384', sha384: 'sha384', 'sha-256': 'sha256', sha256: 'sha256', 'sha-224': 'sha224', sha224: 'sha224', 'sha1': 'sha1', 'sha-1': 'sha1', sha: 'sha1', md5: 'md5' } as const;
export type ManifestHash = (typeof DIGEST_NAMES)[keyof typeof DIGEST_NAMES];
export const isWeak = (hash: ManifestHash): boolean => hash === 'sha1' || hash === 'md5';

/** @param suffix `digest`, `digest-manifest`, … in lower case. @returns those that a section has. */
export function digestsIn({ attributes }: Pick<Section, 'attributes'>, suffix: string): Map<ManifestHash, Buffer> {
  const found = new Map<ManifestHash, Buffer>();
  for (const [name, hash] of Object.entries(DIGEST_NAMES)) {
    const value = attributes.get(`${name}-${suffix}`);
    if (value !== undefined) found.set(hash, Buffer.from(value, 'base64'));
  }
  return found;
}

/** @returns whether all of the digests are those of `bytes`; undefined: there is none. */
export function fits(digests: ReadonlyMap<ManifestHash, Buffer>, bytes: Uint8Array): boolean | undefined {
  return digests.size === 0 ? undefined : [...digests].every(([hash, digest]) => createHash(hash).update(bytes).digest().equals(digest));
}
