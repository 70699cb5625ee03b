import type { SignatureFormatName } from '../../contract/index.ts';
import type { Certificate } from '../../certificates/index.ts';
import { readSignedData } from '../../signing/cms/read.ts';
import { certificateOf } from '../../signing/cms/verify.ts';
import { readArchive } from '../../signing/jar/archive.ts';
import type { RandomReader } from '../../signing/raw.ts';
import { Container } from '../../signing/asic/container.ts';
import { isCadesFile, isXadesFile } from '../../signing/asic/names.ts';
import { methodOf } from '../../signing/xml/names.ts';
import { decodeXml, parseXml } from '../../signing/xml/parse.ts';
import { signaturesIn } from '../../signing/xml/read.ts';
import { describeElement, type XmlDocument } from '../../signing/xml/tree.ts';
import type { Tree } from './tree.ts';

/** Archives and XML documents, and who signed them. Whether that fits is told by files verify. */

const FITS = 'A signature; whether it fits is told by files verify.';
const MAX_XML = 16 * 1024 * 1024;
const readerOf = (content: Uint8Array, signal: AbortSignal): RandomReader => {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  return { bytes: content.length, signal, read: async (at, length) => bytes.subarray(at, at + length) };
};

export async function describeArchive(content: Uint8Array, parent: number | null, tree: Tree, signal: AbortSignal): Promise<void> {
  const { files, signers, manifest, zip } = await readArchive(readerOf(content, signal));
  const isApk = files.some(({ name }) => name === 'AndroidManifest.xml');
  const kind = isApk ? 'APK' : manifest === null ? 'ZIP' : 'JAR';
  const root = tree.add(parent, {
    kind: 'jar', title: kind, detail: `${isApk ? 'An Android package' : manifest === null ? 'A ZIP archive' : 'A Java archive'} ${signers.length === 0 ? 'without a signature' : `with ${signers.length} ${signers.length === 1 ? 'signature' : 'signatures'}`}.`,
    facts: [['Files', String(files.length)], ['Main class', manifest?.main.attributes.get('main-class')], ['Newer APK signature', zip.apkBlock === null ? undefined : 'yes']], actions: [signers.length === 0 ? 'files.sign' : 'files.verify'],
  });
  for (const { base, block } of signers) await tree.attempt(`META-INF/${base}`, () => (block === null ? addSigner(root, base, undefined, undefined, tree) : addCms(root, 'jar', block.entry.name, block.bytes, tree)));
}

export async function describeContainer(content: Uint8Array, parent: number | null, tree: Tree, signal: AbortSignal): Promise<void> {
  const container = await Container.over(readerOf(content, signal));
  const root = tree.add(parent, { kind: 'asic', title: (await container.type()) ?? 'ASiC', detail: 'A container of files with their signatures (ASiC).', facts: [['Files', container.data.slice(0, 20).join(', ')]], actions: ['files.verify'] });
  for (const name of container.names(isXadesFile)) await tree.attempt(name, async () => addXml(root, 'asic', parseXml(decodeXml(await container.bytes(name, MAX_XML))), tree));
  for (const name of container.names(isCadesFile)) await tree.attempt(name, async () => addCms(root, 'asic', name, await container.bytes(name, MAX_XML), tree));
}

export function describeXml(content: Uint8Array, parent: number | null, tree: Tree): void {
  const document = parseXml(decodeXml(content));
  const count = signaturesIn(document).length;
  const root = tree.add(parent, { kind: 'xml', title: document.root.local, detail: `An XML document ${count === 0 ? 'without a signature' : `with ${count} ${count === 1 ? 'signature' : 'signatures'}`}.`, facts: [['Root', describeElement(document.root, document.text)], ['Namespace', document.root.uri]], actions: [count === 0 ? 'files.sign' : 'files.verify'] });
  addXml(root, 'xml', document, tree);
}

function addXml(parent: number, format: SignatureFormatName, document: XmlDocument, tree: Tree): void {
  for (const { method, references, certificates, qualifying } of signaturesIn(document)) {
    const known = methodOf(method);
    const of = references.flatMap(({ uri }) => (uri === null ? [] : [uri === '' ? 'the document' : uri])).slice(0, 20).join(', ');
    addSigner(parent, typeof known === 'string' ? method : known.name, certificates[0], [['Signs', of], ['Time by the signer', qualifying?.signingTime]], tree, typeof known === 'string' ? known : known.weak, format);
  }
}

function addCms(parent: number, format: SignatureFormatName, name: string, bytes: Uint8Array, tree: Tree): void {
  const { signers, certificates } = readSignedData(bytes);
  for (const signer of signers) addSigner(parent, signer.algorithm.name, certificateOf(signer, certificates), [['File', name]], tree, signer.algorithm.weak, format);
}

function addSigner(parent: number, title: string, certificate: Certificate | undefined, facts: readonly (readonly [string, string | undefined])[] | undefined, tree: Tree, weak?: string, format: SignatureFormatName = 'jar'): void {
  tree.add(parent, {
    kind: 'signer', title: certificate?.subject.text ?? title, detail: FITS, facts: [['Algorithm', certificate === undefined ? undefined : title], ...(facts ?? [])], ...(certificate === undefined ? {} : { spki: certificate.spki }),
    findings: weak === undefined ? [] : [{ level: 'weak', code: 'weak-signature', detail: weak, remedy: 'Sign the original anew with SHA-256, with a timestamp if it must hold for long, or ask its signer to.', mend: [{ kind: 'sign', format, spki: certificate?.spki }] }],
  });
}
