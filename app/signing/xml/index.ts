import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { KeywrightError } from '../../contract/index.ts';
import type { FileContent } from '../content.ts';
import { type FormatModule, type Made, notIntact, type SignatureVerdict, type SigningKey, type SignOptions } from '../format.ts';
import { canonicalize } from './canonical.ts';
import { DSIG, xmlDigestFor } from './names.ts';
import { decodeXml, MAX_XML, parseXml } from './parse.ts';
import { elementsWithin } from './tree.ts';
import { type JudgedSignature, judgeXmlSignatures, type OutsideReference, type OutsideVerdict } from './verify.ts';
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
  for (const { uri, local } of elementsWithin(document.root)) {
    if (uri === DSIG && local === 'Signature') throw new KeywrightError('CONFLICT', { detail: 'The document is signed already, and another signature within it would change what the first one is of.', remedy: 'Sign it detached, or in an ASiC container (--format asic).' });
  }
  const digest = createHash(xmlDigestFor(options.algorithm)).update(canonicalize(document, EXCLUSIVE_FORM)).digest();
  const signature = await writeSignature([{ uri: '', digest, mimeType: 'text/xml' }], key, options);
  const { endTag, isEmptyTag, prefix, local } = document.root;
  const inside = isEmptyTag ? `>${signature}</${prefix === '' ? local : `${prefix}:${local}`}>` : signature;
  const made = Buffer.from(`${text.slice(0, endTag)}${inside}${text.slice(isEmptyTag ? endTag + 2 : endTag)}`);
  return { async write(take) { await take(made); } };
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

export function readable(uri: string): string {
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
