import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { because, KeywrightError } from '../../contract/index.ts';
import type { FileContent } from '../content.ts';
import { type FormatModule, type Made, notIntact, type SignatureVerdict, type SigningKey, type SignOptions } from '../format.ts';
import { canonicalize } from './canonical.ts';
import { contentOf, idsIn, type OutsideReference } from './content.ts';
import { DSIG, xmlDigestFor } from './names.ts';
import { decodeXml, MAX_XML, parseXml } from './parse.ts';
import { MAX_SIGNATURES, signaturesIn } from './read.ts';
import { isOut } from './transforms.ts';
import { isElement, type XmlDocument } from './tree.ts';
import { type JudgedSignature, judgeXmlSignatures, type OutsideVerdict } from './verify.ts';
import { EXCLUSIVE_FORM, writeSignature } from './write.ts';

/**
 * XML signatures as XAdES-BES: detached, in a file of their own, for any file; or enveloped, within the XML document that they
 * sign, of which not one other byte changes.
 */
export const xml: FormatModule = {
  async sign(file, key, options) {
    if (options.detached === false) return signEnveloped(file, key, options);
    const reference = { uri: encodeURIComponent(basename(file.name)), digest: await file.digest(xmlDigestFor(options.algorithm)), mimeType: 'application/octet-stream' };
    return { bytes: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${await writeSignature([reference], key, options)}\n`) };
  },

  async verify(file, signature, trust) {
    const document = parseXml(decodeXml(signature ?? (await file.whole(MAX_XML))));
    const judged = await judgeXmlSignatures(document, (references) => (signature === null ? Promise.resolve(ELSEWHERE) : judgeFile(references, file)), trust);
    if (judged.length === 0) return [notIntact('The document is not signed: there is no signature in it.', { unsigned: true })];
    return judged.map((one) => (signature === null ? asDocument(one, judged) : asDetached(one)));
  },
};

const ELSEWHERE: OutsideVerdict = { problem: 'The signature is of another file, which is not in the document. Name that file, and this one as its signature.', notes: [] };

async function signEnveloped(file: FileContent, key: SigningKey, options: SignOptions): Promise<Made> {
  const bytes = await file.whole(MAX_XML);
  const text = decodeXml(bytes);
  if (!Buffer.from(text).equals(bytes)) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'The XML document is in UTF-16, and signatures are written within documents in UTF-8.', remedy: 'Convert it to UTF-8, or sign it detached.' });
  const document = parseXml(text);
  assertKept(document);
  const digest = createHash(xmlDigestFor(options.algorithm)).update(canonicalize(document, { ...EXCLUSIVE_FORM, without: isOut('all', document.root) })).digest();
  const signature = await writeSignature([{ uri: '', digest, mimeType: 'text/xml' }], key, options);
  const made = Buffer.from(withSignature(document, signature));
  return { async write(take) { await take(made); } };
}

function withSignature({ root: { endTag, isEmptyTag, prefix, local }, text }: XmlDocument, signature: string): string {
  const inside = isEmptyTag ? `>${signature}</${prefix === '' ? local : `${prefix}:${local}`}>` : signature;
  return `${text.slice(0, endTag)}${inside}${text.slice(isEmptyTag ? endTag + 2 : endTag)}`;
}

/** The signatures of a document must fit it before another one is added, and afterwards. Looked at before the key is asked. @throws CONFLICT, INVALID_INPUT */
function assertKept(document: XmlDocument): void {
  const { root } = document;
  if (isElement(root, DSIG, 'Signature')) throw new KeywrightError('CONFLICT', because('xml.is-a-signature', {}));
  const signatures = signaturesIn(document);
  if (signatures.length >= MAX_SIGNATURES) throw new KeywrightError('CONFLICT', because('xml.signed-enough', { count: signatures.length }));
  const ids = idsIn(document);
  const doFit = (): boolean => signatures.every((one) => typeof contentOf(document, ids, one) !== 'string');
  if (!doFit()) throw new KeywrightError('CONFLICT', because('xml.broken-before', {}));
  root.children.push({ kind: 'element', prefix: 'ds', local: 'Signature', uri: DSIG, attributes: [], declared: new Map([['ds', DSIG]]), parent: root, children: [], from: root.endTag, endTag: root.endTag, isEmptyTag: false });
  const stillFit = doFit();
  root.children.pop();
  if (!stillFit) throw new KeywrightError('CONFLICT', because('xml.would-break', {}));
}

/** A file is what one of the references is of, whatever it was called when it was signed. */
async function judgeFile(references: readonly OutsideReference[], file: FileContent): Promise<OutsideVerdict> {
  const others: string[] = [];
  let found: OutsideReference | undefined;
  for (const reference of references) {
    if (found === undefined && Buffer.from(await file.digest(reference.hash)).equals(reference.digest)) found = reference;
    else others.push(readable(reference.uri));
  }
  if (found === undefined) return { problem: 'The file is not the one that was signed: its digest differs.', notes: [] };
  const name = readable(found.uri);
  return { problem: null, notes: [...(name === basename(file.name) ? [] : [`When it was signed, the file was called “${name}”.`]), ...(others.length === 0 ? [] : [`It also signs other files, which were not looked at: ${others.slice(0, 5).map((one) => `“${one}”`).join(', ')}${others.length > 5 ? ` and ${others.length - 5} more` : ''}.`])] };
}

function readable(uri: string): string {
  try {
    return decodeURIComponent(uri).slice(0, 200);
  } catch {
    return uri.slice(0, 200);
  }
}

/** A signature within a document is of the document: one that signs a part alone says which, and vouches for no more. */
function asDocument({ verdict, isWhole, parts, outside }: JudgedSignature, all: readonly JudgedSignature[]): SignatureVerdict {
  if (!verdict.intact || isWhole) return verdict;
  const { algorithm, spki, known } = verdict;
  const what = parts.length === 0 ? 'nothing of the document' : `${parts.slice(0, 5).join(', ')}${parts.length > 5 ? ` and ${parts.length - 5} more` : ''} alone`;
  if (all.some((other) => other.isWhole && other.verdict.intact)) return { ...verdict, notes: [`It signs ${what}; another signature signs the whole document.`, ...verdict.notes] };
  return notIntact(`The signature fits, but it signs ${what}: the rest of the document is not signed, and may be anybody’s.`, { algorithm, spki, known, notes: outside.length > 0 ? ['It also signs other files.'] : [] });
}

function asDetached({ verdict, outside }: JudgedSignature): SignatureVerdict {
  if (!verdict.intact || outside.length > 0) return verdict;
  return notIntact('The signature is of the document that it lies in, and not of this file.', { algorithm: verdict.algorithm, spki: verdict.spki, known: verdict.known });
}
