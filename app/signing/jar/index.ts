import { createHash } from 'node:crypto';
import { KeywrightError, KEY_ALGORITHMS } from '../../contract/index.ts';
import { malformed } from '../../formats/malformed.ts';
import { certificateFor } from '../certificate-for.ts';
import { stamps } from '../cms/index.ts';
import { CMS, digestFor } from '../cms/identifiers.ts';
import { certificateOf, digestOf } from '../cms/verify.ts';
import { readSignedData } from '../cms/read.ts';
import { makeSigner, signedData, signerInfo } from '../cms/write.ts';
import type { FormatModule, SigningKey, SignOptions } from '../format.ts';
import type { RandomReader } from '../raw.ts';
import type { ZipEntry } from '../zip/records.ts';
import { ZipWriter } from '../zip/write.ts';
import { type Archive, digestsOf, judgeEntries, MANIFEST_NAME, openArchive } from './archive.ts';
import { type Manifest, parseManifest, writeSection } from './manifest.ts';
import { assertInside, judgeArchive, signersThatFit } from './verify.ts';

/**
 * Signed JARs (JAR File Specification, "Signed JAR File") and APKs by scheme v1: a manifest with a digest of each entry, a
 * signature file with digests of the manifest, and a detached CMS signature of that. The key is asked once, for a digest.
 *
 * Entries that are there keep every byte; the manifest, the signature file and its block are put in front, where Java looks.
 */
const CREATED_BY = 'Keywright';
/** Android reads stored entries in place: libraries by pages of 16 KiB, others by four bytes. */
const [LIBRARY_ALIGNMENT, ALIGNMENT] = [16_384, 4];

export const jar: FormatModule = {
  async sign(file, key, options) {
    const { manifest, kept, base, block, signatureFile } = await openArchive(file, (archive, reader) => prepare(archive, reader, key, options));
    return { async write(take) {
      const writer = new ZipWriter(take);
      await writer.add({ name: MANIFEST_NAME, content: manifest });
      await writer.add({ name: `META-INF/${base}.SF`, content: signatureFile });
      // Padding in front of the first entry that stays keeps all of them aligned as they were.
      const to = kept.some(({ name, method }) => method === 0 && name.endsWith('.so')) ? LIBRARY_ALIGNMENT : ALIGNMENT;
      await writer.add({ name: `META-INF/${base}.${KEY_ALGORITHMS[key.algorithm].family === 'rsa' ? 'RSA' : 'EC'}`, content: block.bytes }, to, (kept[0]?.at ?? 0) % to);
      await writer.copy(file, kept);
      await writer.finish({ comment: block.comment });
    } };
  },

  async verify(file, signature, trust) {
    assertInside(signature);
    return openArchive(file, (archive, reader) => judgeArchive(archive, reader, trust));
  },
};

interface Prepared {
  readonly manifest: Buffer;
  readonly signatureFile: Buffer;
  readonly base: string;
  readonly block: { readonly bytes: Buffer; readonly comment: Buffer };
  /** Entries that stay. */
  readonly kept: readonly ZipEntry[];
}

async function prepare(archive: Archive, reader: RandomReader, key: SigningKey, options: SignOptions): Promise<Prepared> {
  const { zip, twice } = archive;
  if (twice.length > 0) throw malformed(`There are two entries ${JSON.stringify(twice[0])} in the archive: which one would be signed?`, undefined, 'Pack it again.');
  if (zip.apkBlock !== null) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'The APK is signed by a newer scheme (v2 or later) already, whose signature another one would break.', remedy: 'Sign the APK as it was before that.' });
  if (archive.files.length === 0) throw malformed('The archive holds no file that could be signed.');
  const { certificate, chain } = await certificateFor(key);
  const own = archive.signers.filter(({ block }) => block !== null && signsWith(block.bytes, key.spki));
  const others = archive.signers.filter((one) => !own.includes(one));
  const manifest = await manifestFor(archive, reader, others.length > 0);
  assertOthersHold(others, archive.manifest, manifest);
  const signatureFile = writeSignatureFile(manifest);
  const { algorithm } = options;
  const signer = await makeSigner({ key, certificate, algorithm, digest: digestOf(digestFor(algorithm), signatureFile), contentType: CMS.data, signingTime: new Date() });
  const { before, after } = signedData({ digestIdentifiers: [signer.digestIdentifier], certificates: [certificate, ...chain].map((one) => one.der), signerInfos: [signerInfo(signer, await stamps(signer, options))] });
  const replaced = new Set([archive.manifest?.entry, ...own.flatMap(({ signatureFile: one, block }) => [one?.entry, block?.entry])]);
  const base = own[0]?.base ?? freeName(key.label, new Set(others.map((one) => one.base)));
  return { manifest: manifest.bytes, signatureFile, base, block: { bytes: Buffer.concat([before, after]), comment: zip.comment }, kept: zip.entries.filter((entry) => !replaced.has(entry)) };
}

/** Whether a block is this key's, and so replaced by its new one. */
function signsWith(block: Uint8Array, spki: Uint8Array): boolean {
  const { signers, certificates } = readSignedData(block);
  return signers.length > 0 && signers.every((signer) => Buffer.from(spki).equals(certificateOf(signer, certificates)?.spki ?? Buffer.alloc(0)));
}

/** @returns the manifest with a digest of each entry: sections that are there stay as they are. @throws CONFLICT for an entry that was changed after somebody else signed it */
async function manifestFor(archive: Archive, reader: RandomReader, signedByOthers: boolean): Promise<Manifest> {
  const before = archive.manifest;
  const states = await judgeEntries(archive, reader);
  const changed = [...states].find(([, state]) => state === 'changed')?.[0];
  if (changed !== undefined && signedByOthers) throw new KeywrightError('CONFLICT', { detail: `The entry ${JSON.stringify(changed)} was changed after somebody else signed the archive.`, remedy: 'Sign the archive as they signed it, or take their signatures (META-INF/*.SF, *.RSA, *.EC) out first.' });
  const sections: Buffer[] = [];
  const rewritten = new Set<string>();
  for (const entry of archive.files) {
    const known = before?.sections.get(entry.name);
    if (states.get(entry.name) === 'fits') continue;
    const digest = (await digestsOf(entry, ['sha256'], reader)).get('sha256') as Buffer;
    const others = [...(known?.attributes ?? [])].filter(([name]) => name !== 'name' && !(states.get(entry.name) === 'changed' && name.endsWith('-digest')));
    if (known !== undefined) rewritten.add(entry.name);
    sections.push(writeSection([['Name', entry.name], ...others, ['SHA-256-Digest', digest.toString('base64')]]));
  }
  const start = before === null ? [writeSection([['Manifest-Version', '1.0'], ['Created-By', CREATED_BY]])] : [ended(before.main.bytes), ...[...before.sections.values()].filter(({ name }) => !rewritten.has(name as string)).map(({ bytes }) => ended(bytes))];
  return parseManifest(Buffer.concat([...start, ...sections]), MANIFEST_NAME);
}

/** A section at the end may lack its blank line, and must have one before another follows. */
function ended(section: Buffer): Buffer {
  const end = section.toString('latin1', Math.max(0, section.length - 4)).replaceAll(/\r\n?/g, '\n');
  return end.endsWith('\n\n') ? section : Buffer.concat([section, Buffer.from(end.endsWith('\n') ? '\r\n' : '\r\n\r\n')]);
}

/** Signatures by others that fit the manifest as it was must fit it as it is going to be. */
function assertOthersHold(others: Archive['signers'], before: Manifest | null, after: Manifest): void {
  if (before === null) return;
  const broken = signersThatFit(others, before).filter((one) => !signersThatFit(others, after).includes(one));
  if (broken.length > 0) throw new KeywrightError('CONFLICT', { detail: `Signing would break the signature ${broken[0]} that is there: it signs the manifest as a whole.`, remedy: 'Ask its signer to sign after you, or sign the archive without it.' });
}

function writeSignatureFile({ main, sections, bytes }: Manifest): Buffer {
  const digest = (of: Uint8Array): string => createHash('sha256').update(of).digest('base64');
  return Buffer.concat([
    writeSection([['Signature-Version', '1.0'], ['Created-By', CREATED_BY], ['SHA-256-Digest-Manifest', digest(bytes)], ['SHA-256-Digest-Manifest-Main-Attributes', digest(main.bytes)]]),
    ...[...sections].map(([name, section]) => writeSection([['Name', name], ['SHA-256-Digest', digest(section.bytes)]])),
  ]);
}

/** As jarsigner makes one of an alias: eight letters, digits, hyphens or underscores. */
function freeName(label: string, taken: ReadonlySet<string>): string {
  const base = label.toUpperCase().replaceAll(/[^A-Z0-9_-]/g, '_').slice(0, 8) || 'SIGNER';
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base.slice(0, 8 - String(number).length)}${number}`;
    if (!taken.has(name)) return name;
  }
}
