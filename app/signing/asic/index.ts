import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { KeywrightError } from '../../contract/index.ts';
import { malformed, malformedAt } from '../../formats/malformed.ts';
import type { FileContent } from '../content.ts';
import type { FormatModule, Made, SigningKey, SignOptions } from '../format.ts';
import { xmlDigestFor } from '../xml/names.ts';
import { escapeAttribute } from '../xml/canonical.ts';
import { type NewReference, writeSignature } from '../xml/write.ts';
import { isContainer } from '../recognise.ts';
import { quoted } from '../zip/coverage.ts';
import { assertEntryName } from '../zip/read.ts';
import { ZipWriter } from '../zip/write.ts';
import { Container } from './container.ts';
import { ASIC, EXTENDED, isCadesFile, isXadesFile, MANIFEST_NAME, MIME_TYPE_NAME, uriOf } from './names.ts';
import { judgeContainer } from './verify.ts';

/**
 * ASiC-E with XAdES (ETSI EN 319 162-1 §4.4): files and their signature in one archive. A container that is given gets one more
 * signature, over all that it holds, and keeps every byte of what is in it.
 */
const MAX_FILES = 5000;
const MIME_TYPE = 'application/octet-stream';

export const asic: FormatModule = {
  async sign(file, key, options) {
    return isContainer(await file.start()) ? signAgain(file, key, options) : signFiles([file], key, options);
  },

  signTogether: signFiles,

  async verify(file, signature, trust) {
    if (signature !== null) throw malformedAt('/signature', 'A container holds its signatures itself.', 'Name the container alone.');
    return Container.open(file, (container) => judgeContainer(container, trust));
  },
};

/** A new container, with the files at its root. */
async function signFiles(files: readonly FileContent[], key: SigningKey, options: SignOptions): Promise<Made> {
  if (files.length > MAX_FILES) throw malformed(`A container takes at most ${MAX_FILES} files here, and these are ${files.length}.`, undefined, 'Make several.');
  const hash = xmlDigestFor(options.algorithm);
  const parts: { name: string; file: FileContent; crc: number; digest: Uint8Array }[] = [];
  for (const file of files) {
    const name = assertEntryName(basename(file.name));
    if (name.toLowerCase() === MIME_TYPE_NAME || name.toUpperCase() === 'META-INF') throw malformed(`A file called ${name} cannot be in a container, where that name means something else.`, undefined, 'Rename it.');
    if (parts.some((other) => other.name === name)) throw malformed(`Two of the files are called ${name}.`, undefined, 'Rename one of them: in the container they lie beside each other.');
    if (file.bytes >= 0xffff_ffff) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${name} has ${file.bytes} bytes, and a container takes files below 4 GiB.`, remedy: 'Sign it beside: --format cms, or xml.' });
    parts.push({ name, file, crc: await checksum(file), digest: await file.digest(hash) });
  }
  const signature = await signatureFile(parts.map(({ name, digest }) => ({ uri: uriOf(name), digest, mimeType: MIME_TYPE })), key, options);
  return { async write(take) {
    const writer = new ZipWriter(take);
    await writer.add({ name: MIME_TYPE_NAME, content: Buffer.from(EXTENDED), stored: true });
    for (const { name, file, crc } of parts) await writer.add({ name, content: { file, crc } });
    await writer.add({ name: MANIFEST_NAME, content: manifestOf(parts.map(({ name }) => name)) });
    await writer.add({ name: 'META-INF/signatures1.xml', content: signature });
    await writer.finish();
  } };
}

async function signAgain(file: FileContent, key: SigningKey, options: SignOptions): Promise<Made> {
  const hash = xmlDigestFor(options.algorithm);
  const { zip, references, name } = await Container.open(file, async (container) => {
    if (container.twice.length > 0) throw malformed(`There are two entries ${quoted(container.twice)} in the container: which one would be signed?`);
    if (container.data.length === 0) throw malformed('The container holds no file that could be signed.');
    if (container.names(isCadesFile).length > 0 && container.names(isXadesFile).length === 0) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'The container is signed with CMS, and one container should not hold signatures of two kinds (EN 319 162-1 §4.4.2).', remedy: 'Take the files out, and sign them in a new container.' });
    const found: NewReference[] = [];
    for (const one of container.data) found.push({ uri: uriOf(one), digest: await container.digest(one, hash), mimeType: MIME_TYPE });
    let number = 1;
    while (container.names((one) => one.toLowerCase() === `meta-inf/signatures${number}.xml`).length > 0) number += 1;
    return { zip: container.zip, references: found, name: `META-INF/signatures${number}.xml` };
  });
  const signature = await signatureFile(references, key, options);
  return { async write(take) {
    const writer = new ZipWriter(take);
    await writer.copy(file, zip.entries);
    await writer.add({ name, content: signature });
    await writer.finish(zip);
  } };
}

async function signatureFile(references: readonly NewReference[], key: SigningKey, options: SignOptions): Promise<Buffer> {
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<asic:XAdESSignatures xmlns:asic="${ASIC}">${await writeSignature(references, key, options)}</asic:XAdESSignatures>\n`);
}

/** The list of what is in it, as OpenDocument has it; for programs that look for it, and not signed. */
function manifestOf(names: readonly string[]): Buffer {
  const entry = (path: string, type: string): string => `<manifest:file-entry manifest:full-path="${escapeAttribute(path)}" manifest:media-type="${type}"/>`;
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">${entry('/', EXTENDED)}${names.map((name) => entry(name, MIME_TYPE)).join('')}</manifest:manifest>\n`);
}

async function checksum(file: FileContent): Promise<number> {
  let crc = 0;
  await file.each(async (piece) => { crc = crc32(piece, crc); });
  return crc;
}
