import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../formats/testing/keys.ts';
import { certifiedKey, trustingCertificates } from '../testing/certificates.ts';
import { contentOf, signAs, verifyAs } from '../testing/keys.ts';
import { addVersion, buildPdf, PAGE_TEXT } from './testing/documents.ts';
import { type ByHand, certified, cmsOf, KEY, locking, signAgainByHand, signatureDictionary, signedByHand, signer } from './testing/signed.ts';

/** Documents that are as they were signed, and documents that somebody has tampered with; each with the verdict on its first signature. */

type Expected = readonly ['trusted' | 'intact' | 'broken', RegExp | null, ...changes: readonly string[]];
type Case = readonly [name: string, make: () => Promise<Buffer>, expected: Expected];

const stream = (text: string): string => `<</Length ${text.length}>>\nstream\n${text}\nendstream`;
const FORGED = stream(PAGE_TEXT.replace('100', '900'));
const FIELD = (more: string, rect = '72 600 200 620'): string => `<</Type /Annot /Subtype /Widget /FT /Tx /T (amount) /Rect [${rect}] /P 3 0 R /F 4 ${more}>>`;
const SIGNED_FIELD = '/Type /Annot /Subtype /Widget /FT /Sig /T (approval) /V 20 0 R /P 3 0 R /F 4';
const PAGE = (more: string): string => `<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] ${more}>>`;
const PAGE_AS_IT_WAS = '/Resources <</Font <</F1 5 0 R>>>> /Contents 4 0 R';
const NOTE = '<</Type /Annot /Subtype /FreeText /Contents (900) /Rect [72 690 300 720]>>';
const CATALOG = (more: string): string => `<</Type /Catalog /Pages 2 0 R /AcroForm 6 0 R ${more}>>`;
const NEW_FIELDS = '<</Fields [7 0 R 8 0 R 30 0 R] /SigFlags 3 /DR <</Font <</Helv 5 0 R>>>> /DA (/Helv 12 Tf)>>';
/** A tagged document; 40 and on are its structure. */
const TAGGED = { 1: CATALOG('/StructTreeRoot 40 0 R /MarkInfo <</Marked true>>'), 40: '<</Type /StructTreeRoot /K 41 0 R /ParentTree 43 0 R /ParentTreeNextKey 1>>', 41: '<</Type /StructElem /S /Document /P 40 0 R /K [42 0 R]>>', 42: '<</Type /StructElem /S /P /P 41 0 R /Pg 3 0 R /K 0 /Alt (100 euros)>>', 43: '<</Nums [0 [42 0 R]]>>' };
const TAGGED_FIELD = '<</FT /Sig /T (next) /V 31 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /P 3 0 R /StructParent 1>>';
const taggedAnew = async (element: string): Promise<Buffer> => signAgainByHand(await signedByHand({ objects: TAGGED }), {
  6: NEW_FIELDS, 30: TAGGED_FIELD, 31: signatureDictionary({}), 40: '<</Type /StructTreeRoot /K 41 0 R /ParentTree 43 0 R /ParentTreeNextKey 2>>', 41: '<</Type /StructElem /S /Document /P 40 0 R /K [42 0 R 44 0 R]>>', 43: '<</Nums [0 [42 0 R] 1 44 0 R]>>', 44: element,
});
const afterwards = (objects: Readonly<Record<number, string>>, how: ByHand = {}, version: Parameters<typeof addVersion>[2] = {}) => async (): Promise<Buffer> => addVersion(await signedByHand(how), objects, version);
const signedOnce = (how: ByHand = {}) => () => signedByHand(how);

const AS_SIGNED: readonly Case[] = [
  ['a table', signedOnce(), ['trusted', null]],
  ['a cross-reference stream', signedOnce({ layout: 'stream' }), ['trusted', null]],
  ['object streams', signedOnce({ layout: 'packed' }), ['trusted', null]],
  ['a table and a stream', signedOnce({ layout: 'hybrid' }), ['trusted', null]],
  ['adbe.pkcs7.detached', signedOnce({ subFilter: '/adbe.pkcs7.detached' }), ['trusted', null]],
  ['blank lines behind the end', async () => Buffer.concat([await signedByHand(), Buffer.from('\r\n \n')]), ['trusted', null]],
  ['the text field was filled in', afterwards({ 7: FIELD('/V (200) /AP <</N 30 0 R>>'), 30: stream('BT (200) Tj ET') }), ['trusted', null, 'form']],
  ['the look of the text field was overwritten in its place', afterwards({ 7: FIELD('/V (200) /AP <</N 9 0 R>>'), 9: stream('BT (200) Tj ET') }), ['trusted', null, 'form']],
  ['data to verify with were added', afterwards({ 1: CATALOG('/DSS <</Certs [30 0 R]>>'), 30: stream('certificate') }), ['trusted', null, 'validation-data']],
  ['the document’s facts were changed', afterwards({ 1: CATALOG('/Metadata 30 0 R /Version /2.0'), 30: stream('<x/>') }, {}, { trailer: '/Root 1 0 R /Info <</ModDate (D:2026)>>' }), ['trusted', null, 'metadata']],
  ['an object that nothing leads to was added', afterwards({ 30: stream('nothing') }), ['trusted', null]],
  ['the page was written anew, as it was', afterwards({ 3: PAGE(`${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R 10 0 R]`), 4: stream(PAGE_TEXT) }), ['trusted', null]],
  ['the page was written anew into an object stream', afterwards({ 3: PAGE(`${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R 10 0 R]`) }, { layout: 'packed' }, { layout: 'packed' }), ['trusted', null]],
  ['an empty field for a signature was added', afterwards({ 6: NEW_FIELDS, 30: '<</FT /Sig /T (next) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /P 3 0 R>>' }), ['trusted', null, 'form']],
  ['another signature', async () => signAgainByHand(await signedByHand(), { 6: NEW_FIELDS, 30: '<</FT /Sig /T (next) /V 31 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /P 3 0 R>>', 31: signatureDictionary({}) }), ['trusted', null, 'signature']],
  ['another signature, which stands in the structure for screen readers', () => taggedAnew('<</Type /StructElem /S /Form /P 41 0 R /K <</Type /OBJR /Obj 30 0 R /Pg 3 0 R>>>>'), ['trusted', null, 'signature']],
  ['certified, and forms may be filled in', afterwards({ 7: FIELD('/V (200)') }, { entries: certified(2) }), ['trusted', null, 'form']],
  ['certified, and annotations may be made', afterwards({ 3: PAGE(`${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R 10 0 R 30 0 R]`), 30: NOTE }, { entries: certified(3) }), ['trusted', null, 'annotation']],
  ['another field than the one that changed was locked', afterwards({ 7: FIELD('/V (200)') }, { entries: locking('/Action /Include /Fields [(other)]') }), ['trusted', null, 'form']],
];

const LOOK_AGAIN: readonly Case[] = [
  ['an annotation was put over the text', afterwards({ 3: PAGE(`${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R 10 0 R 30 0 R]`), 30: NOTE }), ['intact', /Annotations/, 'annotation']],
  ['a comment was changed', afterwards({ 10: '<</Type /Annot /Subtype /Text /Contents (I agree) /Rect [400 700 420 720]>>' }), ['intact', /Annotations/, 'annotation']],
  ['a comment was taken away', afterwards({ 3: PAGE(`${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R]`) }), ['intact', /Annotations/, 'annotation']],
  ['a field that shows something, and that nobody signed', afterwards({ 3: PAGE(`${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R 10 0 R 30 0 R]`), 6: NEW_FIELDS, 30: '<</FT /Sig /T (next) /Type /Annot /Subtype /Widget /Rect [0 0 595 842] /P 3 0 R /AP <</N 31 0 R>>>>', 31: stream('900') }), ['intact', /Annotations/, 'form', 'annotation']],
  ['the digest is SHA-1 alone', signedOnce({ subFilter: '/adbe.pkcs7.sha1', contents: sha1Inside }), ['intact', /SHA-1/]],
];

const CHANGED: readonly Case[] = [
  ['a byte of the page was changed', async () => replaced(await signedByHand(), '100 euros', '900 euros'), ['broken', /digest differs/]],
  ['the page’s text was replaced (incremental saving)', afterwards({ 4: FORGED }), ['broken', /changed after it was signed: page 1: Contents/]],
  ['the page’s text was replaced within a stream', afterwards({ 4: FORGED }, { layout: 'stream' }, { layout: 'stream' }), ['broken', /page 1: Contents/]],
  ['the page shows another text', afterwards({ 3: PAGE(`/Resources <</Font <</F1 5 0 R>>>> /Contents 30 0 R /Annots [7 0 R 8 0 R 10 0 R]`), 30: FORGED }), ['broken', /page 1: Contents/]],
  ['the page is of another size', afterwards({ 3: `<</Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] ${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R 10 0 R]>>` }), ['broken', /page 1: MediaBox/]],
  ['a page was added', afterwards({ 2: '<</Type /Pages /Kids [3 0 R 30 0 R] /Count 2>>', 30: PAGE('') }), ['broken', /more pages/]],
  ['the page was exchanged', afterwards({ 2: '<</Type /Pages /Kids [30 0 R] /Count 1>>', 30: PAGE('/Contents 4 0 R') }), ['broken', /pages are others|another one/]],
  ['the font was replaced (shadow attack: replace)', afterwards({ 5: '<</Type /Font /Subtype /Type1 /BaseFont /Symbol>>' }), ['broken', /Font/]],
  ['what covered the text was taken away (shadow attack: hide)', afterwards({}, { objects: { 3: PAGE('/Resources <</Font <</F1 5 0 R>> /XObject <</Cover 30 0 R>>>> /Contents 4 0 R /Annots [7 0 R 8 0 R 10 0 R]'), 30: stream('cover') } }, { freed: [30] }), ['broken', /XObject/]],
  ['a hidden object of the signed version took the place of another (shadow attack: hide and replace)', hideAndReplace, ['broken', /page 1: Contents/]],
  ['another catalog', afterwards({ 30: CATALOG(''), 31: '<<>>' }, {}, { trailer: '/Root 30 0 R' }), ['broken', /catalog is another/]],
  ['screen readers read another text', afterwards({ 42: TAGGED[42].replace('100', '900') }, { objects: TAGGED }), ['broken', /structure: Alt of an element/]],
  ['screen readers read nothing', afterwards({ 41: TAGGED[41].replace('42 0 R', '') }, { objects: TAGGED }), ['broken', /structure lost an element/]],
  ['screen readers read more', () => taggedAnew('<</Type /StructElem /S /P /P 41 0 R /ActualText (900 euros) /K 0>>'), ['broken', /structure has a new element/]],
  ['a script that runs when it is opened', afterwards({ 1: CATALOG('/OpenAction <</S /JavaScript /JS (app.alert\\(1\\))>>') }), ['broken', /OpenAction/]],
  ['a layer was switched', afterwards({ 1: CATALOG('/OCProperties <</OCGs []>>') }), ['broken', /OCProperties/]],
  ['an entry of the trailer leads to what was replaced', afterwards({ 30: stream('new') }, { objects: { 30: stream('old') } }, { trailer: '/Root 1 0 R /Extra 30 0 R' }), ['broken', /trailer’s Extra/]],
  ['the look of a field is also the page’s text', afterwards({ 9: stream('BT (900) Tj ET') }, { objects: { 3: PAGE('/Resources <</Font <</F1 5 0 R>>>> /Contents [4 0 R 9 0 R] /Annots [7 0 R 8 0 R 10 0 R]') } }), ['broken', /page 1: Contents/]],
  ['a field that the page draws was filled in (shadow attack: a field as a list of pictures)', afterwards({ 7: FIELD('/V (100) /AP 30 0 R'), 30: stream('BT (900) Tj ET') }, { objects: { 3: PAGE('/Resources <</XObject 7 0 R>> /Contents 4 0 R /Annots [7 0 R 8 0 R 10 0 R]'), 4: stream('/AP Do'), 7: FIELD('/V (100) /AP 9 0 R') } }), ['broken', /page 1: Resources\/XObject/]],
  ['a field that an annotation draws was filled in', afterwards({ 7: FIELD('/V (100) /AP 30 0 R'), 30: stream('BT (900) Tj ET') }, { objects: { 7: FIELD('/V (100) /AP 9 0 R'), 8: '<</Type /Annot /Subtype /Widget /FT /Sig /T (approval) /V 20 0 R /Rect [72 500 300 560] /P 3 0 R /F 4 /AP <</N 7 0 R>> /AS /AP>>' } }), ['broken', /“approval”: AP/]],
  ['the page draws what the document keeps to verify with', afterwards({ 1: CATALOG('/DSS 30 0 R'), 30: stream('BT (900) Tj ET') }, { objects: { 1: CATALOG('/DSS 9 0 R'), 3: PAGE('/Resources <</XObject 1 0 R>> /Contents 4 0 R /Annots [7 0 R 8 0 R 10 0 R]'), 4: stream('/DSS Do') } }), ['broken', /page 1: Resources\/XObject/]],
  ['a text field was moved', afterwards({ 7: FIELD('/V (100) /AP <</N 9 0 R>>', '0 0 595 842') }), ['broken', /“amount”: Rect/]],
  ['a text field was added', afterwards({ 6: NEW_FIELDS, 30: '<</FT /Tx /T (more) /V (900) /Type /Annot /Subtype /Widget /Rect [0 0 100 100]>>' }), ['broken', /new field “more”/]],
  ['a text field was taken away', afterwards({ 6: '<</Fields [8 0 R] /SigFlags 3 /DR <</Font <</Helv 5 0 R>>>> /DA (/Helv 12 Tf)>>' }), ['broken', /“amount” was taken away/]],
  ['the form’s font was replaced', afterwards({ 6: '<</Fields [7 0 R 8 0 R] /SigFlags 3 /DR <</Font <</Helv 30 0 R>>>> /DA (/Helv 12 Tf)>>', 30: '<</Type /Font /Subtype /Type1 /BaseFont /Symbol>>' }), ['broken', /form’s Font Helv/]],
  ['the signature shows something else', afterwards({ 8: `<<${SIGNED_FIELD} /Rect [72 500 300 560] /AP <</N 30 0 R>>>>`, 30: stream('Signed by Eve') }), ['broken', /“approval”: AP/]],
  ['a widget of no form was added', afterwards({ 3: PAGE(`${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R 10 0 R 30 0 R]`), 30: '<</Type /Annot /Subtype /Widget /Rect [0 0 595 842] /AP <</N 9 0 R>>>>' }), ['broken', /no annotation/]],
  ['a key stands twice in the page', afterwards({ 3: PAGE(`/Contents 30 0 R ${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R 10 0 R]`), 30: FORGED }), ['broken', /Contents twice/]],
  ['an update that is not built on the signed version', notBuiltOn, ['broken', /not built on/]],
  ['bytes behind the end', async () => Buffer.concat([await signedByHand(), Buffer.from('900 euros')]), ['broken', /belong to no version/]],
  ['a second document behind the first', async () => Buffer.concat([await signedByHand(), Buffer.from(`%PDF-1.7\n1 0 obj\n<<>>\nendobj\nstartxref\n${/startxref\s+(\d+)/.exec((await signedByHand()).toString('latin1'))?.[1]}\n%%EOF\n`)]), ['broken', /belong to no version/]],
  ['a second header in an update', async () => addVersion(Buffer.concat([await signedByHand(), Buffer.from('%PDF-1.7\n')]), { 30: '<<>>' }, { previous: Number(/startxref\s+(\d+)/.exec((await signedByHand()).toString('latin1'))?.[1]) }), ['broken', /another document begins/]],
  ['certified, and signed again although nothing may change', async () => signAgainByHand(await signedByHand({ entries: certified(1) }), { 6: NEW_FIELDS, 30: '<</FT /Sig /T (next) /V 31 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0]>>', 31: signatureDictionary({}) }), ['broken', /certified/]],
  ['certified, and commented although forms alone may be filled in', afterwards({ 3: PAGE(`${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R 10 0 R 30 0 R]`), 30: NOTE }, { entries: certified(2) }), ['broken', /certified/]],
  ['certified, and a signature that covers the page was added', async () => signAgainByHand(await signedByHand({ entries: certified(2) }), { 3: PAGE(`${PAGE_AS_IT_WAS} /Annots [7 0 R 8 0 R 10 0 R 30 0 R]`), 6: NEW_FIELDS, 30: '<</FT /Sig /T (next) /V 31 0 R /Type /Annot /Subtype /Widget /Rect [0 0 595 842] /AP <</N 9 0 R>>>>', 31: signatureDictionary({}) }), ['broken', /covers part of a page/]],
  ['a locked field was changed', afterwards({ 7: FIELD('/V (200)') }, { entries: locking('/Action /All') }), ['broken', /locked/]],
  ['all fields but the one that changed were not locked', afterwards({ 7: FIELD('/V (200)') }, { entries: locking('/Action /Exclude /Fields [(other)]') }), ['broken', /locked/]],
];

const SIGNATURE_ITSELF: readonly Case[] = [
  ['covers nothing before its place', signedOnce({ range: (from, to, length) => [10, from - 10, to, length - to] }), ['broken', /first 10 bytes/]],
  ['does not cover the end', signedOnce({ range: (from, to, length) => [0, from, to, length - to - 20] }), ['broken', /not a document of its own/]],
  ['ends within a later version', async () => signAgainByHand(await signedByHand(), { 6: NEW_FIELDS, 8: `<<${SIGNED_FIELD} /Rect [72 500 300 560]>>`, 20: signatureDictionary({}) }, { range: (from, to, length) => [0, from, to, length - to - 3] }), ['broken', /neither the whole document nor a whole version|not a document/]],
  ['leaves a gap before its place', signedOnce({ range: (from, to, length) => [0, from - 12, to, length - to] }), ['broken', /gap/]],
  ['leaves a gap behind its place', signedOnce({ range: (from, to, length) => [0, from, to + 2, length - to - 2] }), ['broken', /gap/]],
  ['has ranges that overlap', signedOnce({ range: (from, to, length) => [0, to, from, length - from] }), ['broken', /overlap/]],
  ['covers more than there is', signedOnce({ range: (from, to, length) => [0, from, to, length - to + 100] }), ['broken', /cut off/]],
  ['has one range', signedOnce({ range: (from) => [0, from] }), ['broken', /two ranges/]],
  ['has three ranges', signedOnce({ range: (from, to, length) => [0, 10, 10, from - 10, to, length - to] }), ['broken', /two ranges/]],
  ['has a negative range', signedOnce({ written: ([, ...rest]) => `-1 ${rest.join(' ')}` }), ['broken', /two ranges/]],
  ['has ranges that are no whole numbers', signedOnce({ written: (range) => range.map((one) => `${one}.5`).join(' ') }), ['broken', /two ranges/]],
  ['has no ranges', afterwards({ 20: '<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /Contents <3000>>>' }), ['broken', /no ByteRange/]],
  ['has null for ranges', afterwards({ 20: '<</Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange null /Contents <3000>>>' }), ['broken', /no ByteRange/]],
  ['has no contents', afterwards({ 20: '<</Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 10 20 30]>>' }), ['broken', /Contents is missing/]],
  ['has null for contents', afterwards({ 20: '<</Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 10 20 30] /Contents null>>' }), ['broken', /Contents is missing/]],
  ['has empty contents', afterwards({ 20: '<</Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 10 20 30] /Contents <>>>' }), ['broken', /gap/]],
  ['has contents that are no hexadecimal', afterwards({ 20: '<</Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 10 20 30] /Contents (0)>>' }), ['broken', /hexadecimal/]],
  ['has zeros for contents', signedOnce({ contents: async () => Buffer.alloc(8) }), ['broken', /cannot be read/]],
  ['was made for another document', async () => signedByHand({ contents: async () => cmsOf(Buffer.from('another document')) }), ['broken', /digest differs/]],
  ['is a number', afterwards({ 20: '42' }), ['broken', /no signature/]],
  ['was moved to a new dictionary with the ranges of the old (wrapping)', wrapped, ['broken', /gap|ends within|no document|whole version/]],
  ['stands in a field that the signed version does not have', renamed, ['broken', /put elsewhere/]],
  ['is shared by two fields', afterwards({ 6: NEW_FIELDS, 30: '<</FT /Sig /T (next) /V 20 0 R>>' }), ['broken', /Several fields/]],
  ['says its ranges twice', signedOnce({ entries: '/ByteRange [0 1 2 3]' }), ['broken', /twice/]],
  ['has other characters in its place', signedOnce({ place: (place) => `<${' '.repeat(4)}${place.slice(1)}` }), ['broken', /other characters/]],
  ['is of an unknown kind', signedOnce({ subFilter: '/adbe.x509.rsa_sha1' }), ['broken', /does not judge/]],
  ['is of no kind', signedOnce({ subFilter: 'null' }), ['broken', /of which kind/]],
  ['was taken out', afterwards({ 1: '<</Type /Catalog /Pages 2 0 R>>' }), ['broken', /no signature.*once/]],
];

async function replaced(document: Buffer, what: string, by: string): Promise<Buffer> {
  return Buffer.from(document.toString('latin1').replace(what, by), 'latin1');
}

/** The signed version has the forged text as an object that nothing leads to; a new table gives it the number of the page's. */
async function hideAndReplace(): Promise<Buffer> {
  const signed = await signedByHand({ objects: { 30: `(${'x'.repeat(20)}\n4 0 obj\n${FORGED}\nendobj\n)` } });
  const hidden = signed.lastIndexOf('\n4 0 obj', signed.indexOf('900 euros'), 'latin1') + 1;
  const text = signed.toString('latin1');
  return Buffer.from(`${text}xref\n4 1\n${String(hidden).padStart(10, '0')} 00000 n \ntrailer\n<</Size 31 /Root 1 0 R /Prev ${/startxref\s+(\d+)/.exec(text)?.[1]}>>\nstartxref\n${text.length}\n%%EOF\n`, 'latin1');
}

/** A table of its own for all objects, the signed ones where they are, and no word of the version before. */
async function notBuiltOn(): Promise<Buffer> {
  const text = `${(await signedByHand()).toString('latin1')}4 0 obj\n${FORGED}\nendobj\n`;
  const places = new Map([...text.matchAll(/^(\d+) 0 obj/gm)].map((found) => [Number(found[1]), found.index]));
  const rows = [...places].map(([number, at]) => `${number} 1\n${String(at).padStart(10, '0')} 00000 n \n`).join('');
  return Buffer.from(`${text}xref\n${rows}trailer\n<</Size 31 /Root 1 0 R>>\nstartxref\n${text.length}\n%%EOF\n`, 'latin1');
}

/** The signature's bytes and ranges in a dictionary of the attacker's, with other objects between. */
async function wrapped(): Promise<Buffer> {
  const signed = await signedByHand();
  const [, dictionary = ''] = /20 0 obj\n(<<[^]*?>>)\nendobj/.exec(signed.toString('latin1')) ?? [];
  return addVersion(signed, { 20: dictionary, 4: FORGED });
}

async function renamed(): Promise<Buffer> {
  const signed = await signedByHand();
  return addVersion(signed, { 6: '<</Fields [7 0 R 30 0 R] /SigFlags 3>>', 30: '<</FT /Sig /T (mine) /V 20 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0]>>' });
}

/** A digest by SHA-1 as the content of CMS, as old programs have it. */
async function sha1Inside(covered: Buffer): Promise<Buffer> {
  const { createHash } = await import('node:crypto');
  const { CMS } = await import('../cms/identifiers.ts');
  const { makeSigner, signedData, signerInfo } = await import('../cms/write.ts');
  const digest = createHash('sha1').update(covered).digest();
  const certificate = await signer();
  const made = await makeSigner({ key: await certifiedKey(KEY, certificate), certificate, algorithm: 'ecdsa-sha256', digest: createHash('sha256').update(digest).digest(), contentType: CMS.data });
  const { before, after } = signedData({ digestIdentifiers: [made.digestIdentifier], certificates: [certificate.der], signerInfos: [signerInfo(made)] }, digest.length);
  return Buffer.concat([before, digest, after]);
}

describe.each([['as it was signed', AS_SIGNED], ['as it was signed, but to be looked at', LOOK_AGAIN], ['changed after it was signed', CHANGED], ['a signature that proves nothing: it', SIGNATURE_ITSELF]] as const)('%s', (_, cases) => {
  test.each(cases)('%s', async (_name, make, [verdict, problem, ...changes]) => {
    using folder = temporaryFolder();
    const [first] = await verifyAs(await contentOf(folder.path, await make()), null, trustingCertificates([await signer()]));
    const found = first?.intact !== true ? 'broken' : first.trustedBy === null ? 'intact' : 'trusted';
    expect([found, first?.problem]).toEqual([verdict, problem === null ? null : expect.stringMatching(problem)]);
    if (verdict !== 'broken') expect(first?.coverage?.changes).toEqual(changes);
  });
});

test('what an attacker puts into a later signature does not help the earlier one', async () => {
  using folder = temporaryFolder();
  const forged = addVersion(await signedByHand(), { 4: FORGED });
  const again = await signAs('pdf', await contentOf(folder.path, forged), await certifiedKey(KEY, await signer()));
  expect(await verifyAs(await contentOf(folder.path, again), null, trustingCertificates([await signer()]))).toMatchObject([{ intact: false, problem: expect.stringContaining('page 1: Contents') }, { intact: true, problem: null }]);
});

test('each byte outside the signature’s own place counts', async () => {
  using folder = temporaryFolder();
  const made = await signAs('pdf', await contentOf(folder.path, buildPdf()), await certifiedKey(KEY, await signer()));
  const [from, to] = [made.indexOf('/Contents <') + 10, made.indexOf('>', made.indexOf('/Contents <'))];
  for (let at = 0; at < made.length; at += 7) {
    if (at >= from && at < to) continue;
    const changed = Buffer.from(made);
    changed[at] = (changed[at] as number) ^ 0x01;
    const verdicts = await verifyAs(await contentOf(folder.path, changed), null, trustingCertificates([await signer()]), 'pdf').catch((thrown: { code: string }) => thrown.code);
    expect([at, Array.isArray(verdicts) ? verdicts.every(({ intact }) => !intact) : ['INVALID_INPUT', 'CAPABILITY_MISSING'].includes(verdicts)]).toEqual([at, true]);
  }
});
