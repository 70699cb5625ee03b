import { createHash } from 'node:crypto';
import type { FileContent } from '../content.ts';
import { hashing, type RandomReader } from '../raw.ts';
import { eachPieceOf, entryBytes, readZip } from '../zip/read.ts';
import type { Zip, ZipEntry } from '../zip/records.ts';
import type { XmlHash } from '../xml/names.ts';
import type { DigestName } from '../cms/identifiers.ts';
import { isData, MIME_TYPE_NAME } from './names.ts';

/** A container that is open: its entries, each hashed once by each hash that is asked for. */
export class Container {
  readonly zip: Zip;
  readonly #reader: RandomReader;
  readonly #entries: ReadonlyMap<string, ZipEntry>;
  readonly #digests = new Map<string, Promise<Buffer>>();
  /** Names that are there more than once. */
  readonly twice: readonly string[];
  /** What signatures should be of. */
  readonly data: readonly string[];

  private constructor(zip: Zip, reader: RandomReader) {
    this.zip = zip;
    this.#reader = reader;
    this.#entries = new Map(zip.entries.map((entry) => [entry.name, entry]));
    const names = zip.entries.map(({ name }) => name);
    const seen = new Set<string>();
    this.twice = names.filter((name) => seen.size === seen.add(isData(name) ? name : name.toUpperCase()).size);
    this.data = zip.entries.filter(({ name, size }) => isData(name) && !(name.endsWith('/') && size === 0)).map(({ name }) => name);
  }

  /** @throws INVALID_INPUT with the offset, CAPABILITY_MISSING */
  static open<T>(file: FileContent, work: (container: Container) => Promise<T>): Promise<T> {
    return file.anywhere(async (reader) => work(await Container.over(reader)));
  }

  static async over(reader: RandomReader): Promise<Container> {
    return new Container(await readZip(reader), reader);
  }

  names(is: (name: string) => boolean): string[] {
    return [...this.#entries.keys()].filter(is);
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** @throws INVALID_INPUT beyond `most` bytes */
  bytes(name: string, most: number): Promise<Buffer> {
    return entryBytes(this.#entries.get(name) as ZipEntry, this.#reader, most);
  }

  digest(name: string, hash: XmlHash | DigestName): Promise<Buffer> {
    const key = `${hash} ${name}`;
    const known = this.#digests.get(key) ?? this.#digest(name, hash);
    this.#digests.set(key, known);
    return known;
  }

  async #digest(name: string, hash: XmlHash | DigestName): Promise<Buffer> {
    const running = hash === 'shake128' || hash === 'shake256' ? hashing(hash) : createHash(hash);
    await eachPieceOf(this.#entries.get(name) as ZipEntry, this.#reader, (piece) => { running.update(piece); });
    return running.digest();
  }

  /** @returns what the container says that it is, in its first entry (§A.1); null when it does not. */
  async type(): Promise<string | null> {
    return this.has(MIME_TYPE_NAME) ? (await this.bytes(MIME_TYPE_NAME, 200)).toString('latin1').trim() : null;
  }
}
