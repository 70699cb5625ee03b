import { KeywrightError } from '../../contract/index.ts';
import type { Certificate } from '../../certificates/index.ts';
import { attributesOf, COMMON_NAME } from '../../certificates/reading/names.ts';
import { malformed, malformedAt, notSupported } from '../../formats/malformed.ts';
import { certificateFor } from '../certificate-for.ts';
import { stamps } from '../cms/index.ts';
import { CMS, digestFor } from '../cms/identifiers.ts';
import { makeSigner, signedData, signerInfo } from '../cms/write.ts';
import type { FileContent } from '../content.ts';
import type { Made, SigningKey, SignOptions } from '../format.ts';
import { appearance, numbersOf, type Rectangle, rectangleOn } from './appearance.ts';
import { changesBetween } from './changes.ts';
import { PdfDocument } from './document.ts';
import { type FormField, type Page, pagesOf, signatureFields } from './fields.ts';
import { coveredBy, restrictionsOf, signaturesOf } from './signatures.ts';
import { dateString, dict, name, PdfDict, PdfRef, serialise, textOf, textString, type PdfValue } from './values.ts';
import { Update } from './update.ts';

/**
 * Signs a PDF as PAdES B-B, with a timestamp B-T (ETSI EN 319 142-1 §6): by a version that is added, so that all bytes of the document and
 * its earlier signatures stay as they are.
 */

/** The document is in memory while it is read and checked. */
export const LARGEST_PDF = 256 * 2 ** 20;
const ATTRIBUTES = 1024;
const LONGEST_SIGNATURE = 1200;
const TIMESTAMP = 12 * 1024;
const MAX_ATTEMPTS = 3;
const NUMBERS_APART = [0, 10_000];
/** Four numbers of up to ten digits, and what is between them. */
const BYTE_RANGE = 48;
const PRINTED = 4;
const LOCKED = 0x80;


/** Adds a PAdES signature (ETSI EN 319 142-1) as a new version behind what is there. @throws CAPABILITY_MISSING, INVALID_INPUT with the place, before the key is asked */
export async function signPdf(file: FileContent, key: SigningKey, options: SignOptions): Promise<Made> {
  const document = PdfDocument.open(await file.whole(LARGEST_PDF));
  const target = targetOf(document, options);
  const { certificate, chain } = await certificateFor(key);
  const at = new Date();
  const { algorithm } = options;
  const certificates = [certificate, ...chain].map((one) => one.der);
  let room = certificates.reduce((sum, one) => sum + one.length, 0) + LONGEST_SIGNATURE + ATTRIBUTES + (options.timestamp === undefined ? 0 : TIMESTAMP);
  const apart = placeFor(document, (numbers) => prepare(document, target, { room, at, options, certificate, apart: numbers }).update);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { update, gap } = prepare(document, target, { room, at, options, certificate, apart });
    const { length } = document.bytes;
    const [before, after] = [update.subarray(0, gap.from - length), update.subarray(gap.to - length)];
    // The time stands in the document: a second place for it in the attributes is forbidden (§6.3).
    const signer = await makeSigner({ key, certificate, algorithm, digest: await file.digest(digestFor(algorithm), { after: Buffer.concat([before, after]) }), contentType: CMS.data });
    const parts = signedData({ digestIdentifiers: [signer.digestIdentifier], certificates, signerInfos: [signerInfo(signer, await stamps(signer, options))] });
    const cms = Buffer.concat([parts.before, parts.after]);
    if (cms.length <= room) {
      update.write(cms.toString('hex'), gap.from - length + 1, 'latin1');
      return { async write(take) {
        await file.each(take);
        await take(update);
      } };
    }
    // What an authority answers may be of any size: the place for it is made anew, and so is the signature.
    room = cms.length + ATTRIBUTES;
  }
  throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'The timestamp authority’s answers grow from one to the next, and do not fit into the document.', remedy: 'Ask another authority.' });
}

/** What a signer says of themselves and their signature (ISO 32000-2 Table 255). */
const SAID = [['Reason', 'reason'], ['Location', 'location'], ['ContactInfo', 'contact'], ['Name', 'signerName']] as const;

/** Where the signature goes. */
interface Target {
  /** An empty field of the document; undefined: one is made. */
  readonly field: FormField | undefined;
  readonly page: Page;
  /** Undefined: it is not seen. */
  readonly rectangle: Rectangle | undefined;
}

/** @throws INVALID_INPUT, CAPABILITY_MISSING when it must not or cannot be signed so */
function targetOf(document: PdfDocument, { field: wanted, page: number, rectangle }: SignOptions): Target {
  const header = document.bytes.indexOf('%PDF-', 0, 'latin1');
  if (header > 0) throw malformed(`${header} bytes stand before the document, so that programs differ in where its parts are.`, 0, 'Save it anew with another program.');
  const pages = pagesOf(document);
  const page = pages[(number ?? 1) - 1];
  if (page === undefined) throw malformedAt('/page', `The document has ${pages.length} pages.`, 'Name one of them.');
  if (number !== undefined && rectangle === undefined) throw malformedAt('/page', 'A page alone does not say where the signature shall be seen.', 'Give a rectangle too.');
  if (wanted !== undefined && rectangle !== undefined) throw malformedAt('/rectangle', 'A field has its own place.', 'Leave the rectangle or the field out.');
  const field = wanted === undefined ? undefined : emptyField(document, wanted);
  const shown = field !== undefined ? placeOf(document, field, pages) : { page, rectangle: rectangle === undefined ? undefined : rectangleOn(page, rectangle) };
  assertAllowed(document, field, shown.rectangle !== undefined);
  return { field, ...shown };
}

function emptyField(document: PdfDocument, wanted: string): FormField {
  const fields = signatureFields(document);
  const empty = fields.filter(({ value }) => document.get(value) === null);
  const field = empty.find(({ name: own, ref }) => own === wanted && ref !== undefined);
  if (field === undefined) {
    throw new KeywrightError('INVALID_INPUT', {
      detail: fields.some(({ name: own }) => own === wanted) ? `The field “${wanted}” is signed already.` : `The document has no field “${wanted}” for a signature.`, where: '/field',
      remedy: empty.length === 0 ? 'Leave it out: a field is made.' : 'Name one that is empty.', alternatives: empty.map(({ name: own }) => own),
    });
  }
  const seed = document.dict(field.dict.get('SV'));
  if (seed !== undefined && document.get(seed.get('Ff')) !== null && document.get(seed.get('Ff')) !== 0) throw notSupported(`The field “${wanted}” asks for conditions (seed values) that Keywright does not fulfil.`, 'Sign without a field: one is made.');
  return field;
}

/** Where an existing field shows itself: it, or its first widget. */
function placeOf(document: PdfDocument, { dict: own }: FormField, pages: readonly Page[]): Pick<Target, 'page' | 'rectangle'> {
  const widget = own.has('Rect') ? own : (document.dict(document.array(own.get('Kids'))?.[0]) ?? own);
  const page = pages.find(({ ref }) => ref.is(widget.get('P'))) ?? (pages[0] as Page);
  const rectangle = numbersOf(document.get(widget.get('Rect')));
  return { page, rectangle: rectangle === undefined || rectangle[0] === rectangle[2] || rectangle[1] === rectangle[3] ? undefined : rectangle };
}

/** What earlier signatures forbid (ISO 32000-2 §12.8.2.2, §12.8.2.4). */
function assertAllowed(document: PdfDocument, field: FormField | undefined, isShown: boolean): void {
  for (const { dict: signature } of signaturesOf(document)) {
    if (signature === undefined) continue;
    const { permission, locks } = restrictionsOf(signature, document);
    if (permission === 1) throw notSupported('The document was certified by its author, who forbids any change: another signature would break the certification.', 'Ask its author for one that may be signed, or sign it with a signature in a file of its own, as CMS.', ['cms']);
    if (permission === 2 && isShown && field === undefined) throw notSupported('The document was certified by its author, who allows signatures, but nothing new to be seen on its pages.', 'Leave the rectangle out, or sign in a field of the document.');
    if (field !== undefined && locks(field.name)) throw notSupported(`The field “${field.name}” was locked by an earlier signature.`, 'Sign without a field: one is made.');
  }
}

interface Preparation {
  /** Bytes for the CMS structure. */
  readonly room: number;
  readonly at: Date;
  readonly options: SignOptions;
  readonly certificate: Certificate;
  readonly apart: number;
}

/** @returns the new version, its ByteRange filled in, and where in the whole file the signature's place is, delimiters included. */
function prepare(document: PdfDocument, target: Target, { room, at, options, certificate, apart }: Preparation): { update: Buffer; gap: { from: number; to: number } } {
  const update = new Update(document, apart);
  const facts = dict({
    Type: name('Sig'), Filter: name('Adobe.PPKLite'), SubFilter: name('ETSI.CAdES.detached'), M: dateString(at),
    ...Object.fromEntries(SAID.flatMap(([key, option]) => (options[option] === undefined ? [] : [[key, textString(options[option])]]))), ...lockReference(document, target.field),
  });
  const head = `${serialise(facts).slice(0, -2)} /ByteRange [`;
  const contents = '] /Contents ';
  const signature = update.add(`${head}${' '.repeat(BYTE_RANGE)}${contents}<${'0'.repeat(2 * room)}>>>`);
  const look = target.rectangle === undefined ? {} : { AP: dict({ N: update.add(appearance(target.rectangle, linesOf(certificate, at, options), target.page)) }) };
  if (target.field === undefined) addField(document, update, target, signature, look);
  else fillField(document, update, target.field, signature, look);
  const { bytes, startOf } = update.write();
  const start = startOf(signature);
  const from = start + head.length + BYTE_RANGE + contents.length;
  const to = from + 2 * room + 2;
  bytes.write(`0 ${from} ${to} ${document.bytes.length + bytes.length - to}`, start + head.length - document.bytes.length, 'latin1');
  return { update: bytes, gap: { from, to } };
}

function linesOf({ subject }: Certificate, at: Date, { reason, location }: SignOptions): string[] {
  return [`Signed by ${attributesOf(subject, COMMON_NAME)[0] ?? subject.text}`, `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`, ...(reason === undefined ? [] : [`Reason: ${reason}`]), ...(location === undefined ? [] : [`Place: ${location}`])];
}

/** What a field locks once it is signed is said in the signature (§12.8.2.4). */
function lockReference(document: PdfDocument, field: FormField | undefined): Record<string, PdfValue> {
  const lock = document.dict(field?.dict.get('Lock'));
  if (lock === undefined) return {};
  const parameters = dict({ Type: name('TransformParams'), V: name('1.2'), ...Object.fromEntries(['Action', 'Fields'].flatMap((key) => (lock.has(key) ? [[key, document.get(lock.get(key))]] : []))) });
  return { Reference: [dict({ Type: name('SigRef'), TransformMethod: name('FieldMDP'), TransformParams: parameters })] };
}

function fillField(document: PdfDocument, update: Update, { ref, dict: own }: FormField, signature: PdfRef, look: Record<string, PdfValue>): void {
  const kid = own.has('Rect') ? undefined : document.array(own.get('Kids'))?.[0];
  const shown = kid instanceof PdfRef ? document.dict(kid) : undefined;
  update.replace(ref as PdfRef, changed(own, { V: signature, ...(shown === undefined ? look : {}) }));
  if (shown !== undefined && 'AP' in look) update.replace(kid as PdfRef, changed(shown, look));
  setFlags(document, update, undefined);
}

function addField(document: PdfDocument, update: Update, { page, rectangle }: Target, signature: PdfRef, look: Record<string, PdfValue>): void {
  const taken = new Set((document.array(document.dict(document.root.get('AcroForm'))?.get('Fields')) ?? []).map((one) => textOf(document.get(document.dict(one)?.get('T')))));
  let number = 1;
  while (taken.has(`Signature${number}`)) number += 1;
  const field = update.add(dict({
    Type: name('Annot'), Subtype: name('Widget'), FT: name('Sig'), T: textString(`Signature${number}`), V: signature, F: PRINTED | LOCKED, Rect: rectangle === undefined ? [0, 0, 0, 0] : [...rectangle], P: page.ref, ...look,
  }));
  const annotations = page.dict.get('Annots');
  const more = [...(document.array(annotations) ?? []), field];
  if (annotations instanceof PdfRef && document.array(annotations) !== undefined) update.replace(annotations, more);
  else update.replace(page.ref, changed(page.dict, { Annots: more }));
  setFlags(document, update, field);
}

/** Lists a new field in the form, and marks the form as signed: what follows must be added, not saved anew (Table 225). */
function setFlags(document: PdfDocument, update: Update, field: PdfRef | undefined): void {
  const { root, trailer } = document;
  const place = root.get('AcroForm');
  const form = document.dict(place) ?? new PdfDict();
  const list = form.get('Fields');
  const fields = [...(document.array(list) ?? []), ...(field === undefined ? [] : [field])];
  const isApart = list instanceof PdfRef && document.array(list) !== undefined;
  if (isApart && field !== undefined) update.replace(list, fields);
  const flags = document.get(form.get('SigFlags'));
  const next = changed(form, { ...(isApart ? {} : { Fields: fields }), SigFlags: (typeof flags === 'number' ? flags : 0) | 3 });
  if (place instanceof PdfRef) update.replace(place, next);
  else update.replace(trailer.get('Root') as PdfRef, changed(root, { AcroForm: next }));
}

function changed(from: PdfDict, entries: Readonly<Record<string, PdfValue>>): PdfDict {
  if (from.twice !== undefined) throw notSupported(`A part of the document that must be written anew says ${from.twice} twice, and programs differ in which one they take.`, 'Save the document anew with another program, or sign it with a signature in a file of its own, as CMS.', ['cms']);
  return new PdfDict([...from, ...Object.entries(entries)]);
}

/**
 * A document of an odd build must not come out broken: the new version is read as any reader would, before a key is asked.
 * @returns how far apart the new objects' numbers must be. @throws CAPABILITY_MISSING
 */
function placeFor(document: PdfDocument, updateFor: (apart: number) => Buffer): number {
  let problem = '';
  for (const apart of NUMBERS_APART) {
    const next = PdfDocument.open(Buffer.concat([document.bytes, updateFor(apart)]));
    const own = signaturesOf(next).at(-1);
    const covered = own === undefined ? 'The signature is not found.' : coveredBy(own, next);
    const { others } = changesBetween(next.before(document.bytes.length), next);
    if (typeof covered !== 'string' && others.length === 0) return apart;
    problem = typeof covered === 'string' ? covered : others.join('; ');
  }
  throw notSupported(`The document is built so that it cannot be signed without changing it: ${problem}`, 'Save it anew with another program, or sign it with a signature in a file of its own, as CMS.', ['cms']);
}
