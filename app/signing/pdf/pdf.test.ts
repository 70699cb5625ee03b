import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTimestampAuthority, type TimestampAuthority } from '../../../e2e/authorities/timestamp.ts';
import { readCertificates } from '../../certificates/index.ts';
import { der, TAG } from '../../formats/der.ts';
import { hasTool, HAS_OPENSSL, run, temporaryFolder } from '../../formats/testing/keys.ts';
import type { SignOptions } from '../format.ts';
import { certifiedKey, certify, trustingCertificates } from '../testing/certificates.ts';
import { contentOf, signAs, verifyAs } from '../testing/keys.ts';
import { askForTimestamp } from '../timestamp/ask.ts';
import { describePages } from './pages.ts';
import { buildPdf, extracted, FORM, type Layout, objectsOf } from './testing/documents.ts';
import { certified, KEY, locking, signedByHand, signer } from './testing/signed.ts';

const LAYOUTS: readonly Layout[] = ['table', 'stream', 'packed', 'hybrid'];
const HAS_PDFSIG = hasTool('pdfsig', '-v');

async function sign(folder: string, document: Buffer, options: Partial<SignOptions> = {}): Promise<Buffer> {
  return signAs('pdf', await contentOf(folder, document, 'document.pdf'), await certifiedKey(KEY, await signer()), options);
}
async function judge(folder: string, document: Buffer, more: readonly Awaited<ReturnType<typeof signer>>[] = []) {
  return verifyAs(await contentOf(folder, document, 'judged.pdf'), null, trustingCertificates([await signer(), ...more]));
}
/** What pdfsig says of each signature. */
function pdfsig(folder: string, document: Buffer): string[] {
  writeFileSync(join(folder, 'pdfsig.pdf'), document);
  return [...run('pdfsig', ['-nocert', join(folder, 'pdfsig.pdf')]).toString().matchAll(/(Total document signed|Not total document signed)|Signature Validation: (.*)/g)].map(([, total, said]) => total ?? said ?? '');
}

describe.each(LAYOUTS)('a document with its objects by %s', (layout) => {
  test.each([['bare', {}], ['with a form', FORM]] as const)('%s is signed three times; all bytes and earlier signatures stay, and pdfsig finds them right', async (_, more) => {
    using folder = temporaryFolder();
    const document = buildPdf(objectsOf(more), layout);
    const one = await sign(folder.path, document);
    const two = await sign(folder.path, one, { rectangle: '50,50,250,110', reason: 'I approve' });
    const three = await sign(folder.path, two, more === FORM ? { field: 'approval' } : {});
    expect([one.subarray(0, document.length).equals(document), two.subarray(0, one.length).equals(one), three.subarray(0, two.length).equals(two)]).toEqual([true, true, true]);
    expect(await judge(folder.path, three)).toMatchObject([
      { intact: true, trustedBy: { name: 'CN=Ada Example' }, problem: null, time: { according: 'signer' }, coverage: { bytes: one.length, revision: 2, revisions: 4, changes: ['signature'] } },
      { intact: true, problem: null, coverage: { bytes: two.length, revision: 3, changes: ['signature'] }, notes: expect.arrayContaining(['The signer gives the reason: “I approve”.']) },
      { intact: true, problem: null, coverage: { bytes: three.length, revision: 4, revisions: 4, changes: [] } },
    ]);
    // The update is of the document's own kind.
    expect([...three.toString('latin1', document.length).matchAll(/^xref$/gm)]).toHaveLength(layout === 'table' || layout === 'hybrid' ? 3 : 0);
    if (HAS_PDFSIG) expect(pdfsig(folder.path, three).sort()).toEqual(['Not total document signed', 'Not total document signed', 'Signature is Valid.', 'Signature is Valid.', 'Signature is Valid.', 'Total document signed']);
  });
});

test('what is signed is PAdES: one signer, its certificate named, no time but the document’s', async () => {
  using folder = temporaryFolder();
  const made = await sign(folder.path, buildPdf());
  const { readSignedData } = await import('../cms/read.ts');
  const { content, certificates, signers } = readSignedData(extracted(made).cms);
  expect([content, certificates.length, signers.length]).toEqual([null, 1, 1]);
  expect(signers[0]?.attributes.map(({ oid }) => oid).sort()).toEqual(['1.2.840.113549.1.9.16.2.47', '1.2.840.113549.1.9.3', '1.2.840.113549.1.9.4']);
  expect(made.toString('latin1')).toMatch(/\/SubFilter \/ETSI\.CAdES\.detached/);
});

describe.skipIf(!HAS_OPENSSL)('with a timestamp (skipped without openssl)', () => {
  let authority: TimestampAuthority;
  beforeAll(async () => { authority = await startTimestampAuthority(); });
  afterAll(() => authority[Symbol.dispose]());

  test('it is PAdES B-T: the time is the authority’s, openssl finds the signature right, and it holds after the certificate has ended', async () => {
    using folder = temporaryFolder();
    const { path } = folder;
    const made = await sign(path, buildPdf(), { timestamp: (imprint) => askForTimestamp(authority.url, imprint, new AbortController().signal) });
    const roots = readCertificates(authority.root);
    expect(await judge(path, made, roots)).toMatchObject([{ intact: true, problem: null, time: { according: 'timestamp', by: 'CN=Time Authority' } }]);
    const later = trustingCertificates([await signer(), ...roots], { at: new Date(Date.now() + 500 * 86_400_000) });
    expect(await verifyAs(await contentOf(path, made, 'later.pdf'), null, later)).toMatchObject([{ intact: true, trustedBy: { name: 'CN=Ada Example' } }]);
    const { cms, covered } = extracted(made);
    writeFileSync(join(path, 'cms'), cms);
    writeFileSync(join(path, 'covered'), covered);
    writeFileSync(join(path, 'root.pem'), (await signer()).toPem());
    run('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', join(path, 'cms'), '-content', join(path, 'covered'), '-CAfile', join(path, 'root.pem'), '-out', join(path, 'out')]);
    if (HAS_PDFSIG) expect(pdfsig(path, made)).toEqual(['Total document signed', 'Signature is Valid.']);
  });
});

test('an answer that is larger than its place is given a larger one: the key is asked again, and the document is whole', async () => {
  using folder = temporaryFolder();
  const key = await certifiedKey(KEY, await signer());
  const made = await signAs('pdf', await contentOf(folder.path, buildPdf()), key, { timestamp: async () => der(TAG.sequence, der(TAG.octetString, Buffer.alloc(40_000))) });
  expect(key.asked).toHaveLength(2);
  expect(extracted(made).cms.length).toBeGreaterThan(40_000);
  expect(await judge(folder.path, made)).toMatchObject([{ intact: false, problem: expect.stringContaining('cannot be read') }]);
  let asked = 0;
  const growing = signAs('pdf', await contentOf(folder.path, buildPdf()), key, { timestamp: async () => der(TAG.octetString, Buffer.alloc(40_000 * (asked += 1))) });
  await expect(growing).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
});

describe('a signature that is seen', () => {
  test.skipIf(!hasTool('pdftotext', '-v')).each(['', '/Rotate 90', '/Rotate 180', '/Rotate 270'])('says who, when and why, upright on a page %s (skipped without pdftotext)', async (turn) => {
    using folder = temporaryFolder();
    const document = buildPdf(objectsOf({ 3: `<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] ${turn} /Contents 4 0 R>>` }));
    writeFileSync(join(folder.path, 'seen.pdf'), await sign(folder.path, document, { rectangle: '50,50,250,250', reason: 'Geprüft – žlutý kůň', location: 'Köln' }));
    const text = run('pdftotext', ['-layout', join(folder.path, 'seen.pdf'), '-']).toString();
    expect(text).toContain('Signed by Ada Example');
    expect(text).toMatch(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/);
    expect(text).toContain('Reason: Geprüft – žlutý kun');
    expect(text).toContain('Place: Köln');
  });

  test('says who, where and how to reach them, and the verdict tells it as what nobody vouches for', async () => {
    using folder = temporaryFolder();
    const made = await sign(folder.path, buildPdf(), { rectangle: '50,50,250,110', location: 'Köln', contact: 'ada@example.com', signerName: 'Ada L.' });
    expect(await judge(folder.path, made)).toMatchObject([{ intact: true, problem: null, notes: expect.arrayContaining([
      'The signer says that it was signed in “Köln”.', 'The signer says how to reach them: “ada@example.com”.', 'The signer calls themselves “Ada L.”; who they are is what the certificate says.',
    ]) }]);
  });

  test('pages are told with what is seen of each, and fields that wait for a signature', async () => {
    const document = buildPdf(objectsOf({ ...FORM, 2: '<</Type /Pages /Kids [3 0 R 11 0 R] /Count 2 /Rotate -90>>', 3: '<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Rotate 0 /Annots [7 0 R 8 0 R 10 0 R]>>', 11: '<</Type /Page /Parent 2 0 R /MediaBox [0 0 842 595] /CropBox [10 20 832 575]>>' }));
    expect(describePages(document)).toEqual({
      pages: [{ page: 1, left: 0, bottom: 0, right: 595, top: 842, turned: 0 }, { page: 2, left: 10, bottom: 20, right: 832, top: 575, turned: 270 }], total: 2, fields: ['approval'],
    });
    expect(() => describePages(Buffer.from('%PDF-1.7\nnothing'))).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  test('lies where it was said, on the page that was said, or is refused', async () => {
    using folder = temporaryFolder();
    const document = buildPdf(objectsOf({ 2: '<</Type /Pages /Kids [3 0 R 6 0 R] /Count 2 /MediaBox [0 0 200 300]>>', 6: '<</Type /Page /Parent 2 0 R>>' }));
    const made = await sign(folder.path, document, { page: 2, rectangle: '150,100,50,150' });
    expect(made.toString('latin1')).toContain('/Rect [50 100 150 150] /P 6 0 R');
    for (const [options, where] of [
      [{ page: 3, rectangle: '0,0,100,100' }, '/page'], [{ page: 1 }, '/page'], [{ page: 2, rectangle: '100,100,300,200' }, '/rectangle'], [{ rectangle: '10,10,12,12' }, '/rectangle'], [{ field: 'x', rectangle: '0,0,100,100' }, '/rectangle'], [{ field: 'x' }, '/field'],
    ] as const) await expect(sign(folder.path, document, options)).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where } });
  });

  test('in a field of the document lies where the field is, and locks what the field says', async () => {
    using folder = temporaryFolder();
    const field = (lock: string): Buffer => buildPdf(objectsOf({ ...FORM, 8: `<</Type /Annot /Subtype /Widget /FT /Sig /T (approval) /Rect [72 500 300 560] /P 3 0 R /F 4 ${lock}>>` }));
    const made = await sign(folder.path, field('/Lock <</Type /SigFieldLock /Action /Include /Fields [(amount)]>>'), { field: 'approval' });
    expect(made.toString('latin1')).toMatch(/\/TransformMethod \/FieldMDP .*\/Action \/Include \/Fields \[<616d6f756e74>\]/);
    expect(await judge(folder.path, made)).toMatchObject([{ intact: true, problem: null }]);
    const kids = buildPdf(objectsOf({ ...FORM, 8: '<</FT /Sig /T (approval) /Kids [11 0 R]>>', 11: '<</Type /Annot /Subtype /Widget /Parent 8 0 R /Rect [72 500 300 560] /P 3 0 R>>' }));
    const inKid = await sign(folder.path, kids, { field: 'approval' });
    expect(inKid.toString('latin1')).toMatch(/11 0 obj\n.*\/AP/);
    expect(await judge(folder.path, inKid)).toMatchObject([{ intact: true, problem: null }]);
    await expect(sign(folder.path, made, { field: 'approval' })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('signed already') });
    await expect(sign(folder.path, field('/SV <</Ff 1 /Filter /Other>>'), { field: 'approval' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('seed values') });
  });
});

describe('refused with the reason, before the key is asked:', () => {
  test('what the author of a certified document forbids', async () => {
    using folder = temporaryFolder();
    for (const [level, options, message] of [[1, {}, 'forbids any change'], [2, { rectangle: '0,0,100,100' }, 'nothing new to be seen']] as const) {
      await expect(sign(folder.path, await signedByHand({ entries: certified(level) }), options)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining(message) });
    }
    for (const level of [2, 3]) expect(await judge(folder.path, await sign(folder.path, await signedByHand({ entries: certified(level) })))).toMatchObject([{ intact: true, problem: null }, { intact: true, problem: null }]);
  });

  test('a field that an earlier signature locked', async () => {
    using folder = temporaryFolder();
    const objects = { 6: '<</Fields [7 0 R 8 0 R 12 0 R] /SigFlags 3>>', 12: '<</FT /Sig /T (second)>>' };
    await expect(sign(folder.path, await signedByHand({ objects, entries: locking('/Action /All') }), { field: 'second' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('locked') });
    expect(await judge(folder.path, await sign(folder.path, await signedByHand({ objects, entries: locking('/Action /Exclude /Fields [(second)]') }), { field: 'second' }))).toMatchObject([{ intact: true, problem: null }, { intact: true, problem: null }]);
  });

  test('an encrypted document, one with something before it, one that would not be the same, and what is no PDF', async () => {
    using folder = temporaryFolder();
    const key = await certifiedKey(KEY, await signer());
    const twice = buildPdf(objectsOf({ 1: '<</Type /Catalog /Pages 2 0 R /Lang (en) /Lang (de)>>' }));
    for (const [document, code, message] of [
      [buildPdf(objectsOf(), 'table', '/Root 1 0 R /Encrypt <</Filter /Standard>>'), 'CAPABILITY_MISSING', 'encrypted'], [Buffer.concat([Buffer.from('\n\n'), buildPdf()]), 'INVALID_INPUT', ''], [Buffer.from('text'), 'INVALID_INPUT', 'does not begin'],
      [twice, 'CAPABILITY_MISSING', 'twice'],
    ] as const) await expect(signAs('pdf', await contentOf(folder.path, document), key)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(key.asked).toEqual([]);
  });
});

test('a key that stands twice where nothing is written anew is the document’s own affair', async () => {
  using folder = temporaryFolder();
  const made = await sign(folder.path, buildPdf(objectsOf({ 5: '<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /BaseFont /Courier>>' })));
  expect(await judge(folder.path, await sign(folder.path, made))).toMatchObject([{ intact: true, problem: null }, { intact: true, problem: null }]);
});

test('names of fields are not taken twice, and a chain lies beside the certificate', async () => {
  using folder = temporaryFolder();
  const root = await certify('ec-p384', 'CN=Root', { profile: 'root' });
  const middle = await certify('ec-p521', 'CN=Middle', { profile: 'sub-ca' }, { key: 'ec-p384', certificate: root });
  const leaf = await certify('rsa-3072', 'CN=Leaf', {}, { key: 'ec-p521', certificate: middle });
  const document = buildPdf(objectsOf({ ...FORM, 8: '<</FT /Sig /T (Signature1) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /P 3 0 R>>' }));
  const made = await signAs('pdf', await contentOf(folder.path, document), await certifiedKey('rsa-3072', leaf, [middle]));
  expect(await verifyAs(await contentOf(folder.path, made), null, trustingCertificates([root]))).toMatchObject([{ intact: true, trustedBy: { name: 'CN=Root' }, notes: expect.arrayContaining(['It is in the field “Signature2”.']) }]);
});
