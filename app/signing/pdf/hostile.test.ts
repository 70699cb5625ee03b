import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { KeywrightError } from '../../contract/index.ts';
import { temporaryFolder } from '../../formats/testing/keys.ts';
import { certifiedKey, trustingCertificates } from '../testing/certificates.ts';
import { contentOf, signAs, verifyAs } from '../testing/keys.ts';
import { PdfDocument } from './document.ts';
import { addVersion, buildPdf, FORM, type Layout, objectsOf } from './testing/documents.ts';
import { KEY, signedByHand, signer } from './testing/signed.ts';

/** Documents that are damaged, or made to keep a reader busy. */

async function refusal(document: Buffer): Promise<KeywrightError | string> {
  using folder = temporaryFolder();
  try {
    const verdicts = await verifyAs(await contentOf(folder.path, document), null, trustingCertificates([await signer()]), 'pdf');
    return verdicts.some(({ intact }) => intact) ? 'intact' : (verdicts[0]?.problem ?? 'no problem');
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return thrown;
    throw thrown;
  }
}
/** Signed after it was built, so that its signature covers what is odd. */
const signed = async (document: Buffer): Promise<Buffer> => {
  using folder = temporaryFolder();
  return await signAs('pdf', await contentOf(folder.path, document), await certifiedKey(KEY, await signer()));
};

describe.each<Layout>(['table', 'stream', 'packed', 'hybrid'])('a document with its objects by %s', (layout) => {
  test('cut off anywhere is refused, where an end is missing with the offset', async () => {
    const document = await signed(buildPdf(objectsOf(FORM), layout));
    const whole = document.toString('latin1').trimEnd().length;
    for (let length = 0; length < whole; length += length < 3000 || length > whole - 300 ? 7 : 97) {
      const found = await refusal(document.subarray(0, length));
      if (found instanceof KeywrightError) expect([length, found.code, found.facts.where]).toEqual([length, 'INVALID_INPUT', expect.stringContaining('offset')]);
      else expect([length, found]).toEqual([length, expect.stringMatching(/no signature|cut off|covers/)]);
    }
  });

  test('with bytes overwritten is refused, or has lost its signature', async () => {
    const document = await signed(buildPdf(objectsOf(FORM), layout));
    for (let at = 5; at < document.length - 3; at += 61) {
      const damaged = Buffer.from(document);
      damaged.fill(at % 2 === 0 ? 0xff : 0x20, at, at + 3);
      // Spaces fill the place of the ranges.
      if (!damaged.equals(document)) expect([at, await refusal(damaged)]).not.toEqual([at, 'intact']);
    }
  });
});

describe('refused with the place:', () => {
  const table = (rows: string, trailer = '/Size 9 /Root 1 0 R'): Buffer => Buffer.from(`%PDF-1.7\nxref\n${rows}trailer\n<<${trailer}>>\nstartxref\n9\n%%EOF\n`, 'latin1');
  const nested = (open: string, close: string, times: number): Buffer => buildPdf(objectsOf({ 1: `<</Type /Catalog /Pages 2 0 R /X ${open.repeat(times)}1${close.repeat(times)}>>` }));
  test.each<[string, () => Buffer, RegExp]>([
    ['an offset of the cross-references that is not there', () => Buffer.from(buildPdf().toString('latin1').replace(/startxref\n\d+/, 'startxref\n99999')), /whole number|behind the end/],
    ['an offset of the cross-references that leads elsewhere', () => Buffer.from(buildPdf().toString('latin1').replace(/startxref\n\d+/, 'startxref\n20')), /./],
    ['an offset that is no number', () => Buffer.from(buildPdf().toString('latin1').replace(/startxref\n\d+/, 'startxref\nabc')), /whole number/],
    ['sections that refer to each other in a circle', () => table('0 1\n0000000000 65535 f \n', '/Size 9 /Root 1 0 R /Prev 9'), /circle/],
    ['a table that claims more entries than there are', () => table('0 900000\n0000000000 65535 f \n'), /whole number/],
    ['a table that claims more objects than any document', () => table('0 999999999\n'), /whole number/],
    ['no trailer', () => Buffer.from('%PDF-1.7\nxref\n0 1\n0000000000 65535 f \nstartxref\n9\n%%EOF\n'), /./],
    ['an object that is another', () => Buffer.from(buildPdf().toString('latin1').replace('\n1 0 obj', '\n7 0 obj'), 'latin1'), /Object 1 should be here/],
    ['arrays within arrays', () => nested('[', ']', 100_000), /nests deeper/],
    ['dictionaries within dictionaries', () => nested('<</a ', '>>', 100_000), /nests deeper/],
    ['a string without an end', () => Buffer.from(buildPdf(objectsOf({ 1: '<</Type /Catalog /Pages 2 0 R /X (((>>' })).toString('latin1'), 'latin1'), /no end/],
    ['a catalog that is none', () => buildPdf(objectsOf({ 1: '[1 2 3]' })), /no catalog/],
  ])('%s', async (_, make, message) => {
    const found = await refusal(make());
    expect(found).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(message), facts: { where: expect.stringMatching(/offset \d+/) } });
  });

  test('an object that is not there, written with a generation of 65536, is passed over as by readers', async () => {
    const whole = buildPdf().toString('latin1');
    expect(whole).toMatch(/0000000000 65535 f/);
    expect(await refusal(await signed(Buffer.from(whole.replace('0000000000 65535 f', '0000000000 65536 n'), 'latin1')))).toBe('intact');
  });

  test('circles of pages, fields, references and object streams', async () => {
    for (const document of [
      buildPdf(objectsOf({ 2: '<</Type /Pages /Kids [2 0 R] /Count 1>>' })),
      buildPdf(objectsOf({ 2: '<</Type /Pages /Kids [6 0 R] /Count 1>>', 6: '<</Type /Pages /Kids [2 0 R]>>' })),
      buildPdf(objectsOf({ ...FORM, 6: '<</Fields [7 0 R]>>', 7: '<</T (a) /Kids [8 0 R]>>', 8: '<</T (b) /Kids [7 0 R]>>' })),
      buildPdf(objectsOf({ 1: '7 0 R', 7: '1 0 R' })),
    ]) {
      await expect(signed(document)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    // A stream whose length is told by the stream itself.
    const self = buildPdf(objectsOf({ 1: '<</Type /Catalog /Pages 2 0 R /AcroForm 6 0 R>>', 6: '<</Length 6 0 R>>\nstream\nx\nendstream' }));
    expect(await refusal(self)).toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('structures that say little and claim the world', async () => {
    const zeros = deflateSync(Buffer.alloc(80 * 2 ** 20));
    const bomb = (dictionary: string): Buffer => {
      const head = Buffer.from(`%PDF-1.7\n1 0 obj\n<<${dictionary} /Filter /FlateDecode /Length ${zeros.length}>>\nstream\n`, 'latin1');
      return Buffer.concat([head, zeros, Buffer.from(`\nendstream\nendobj\nstartxref\n9\n%%EOF\n`)]);
    };
    for (const [document, message] of [
      [bomb('/Type /XRef /W [1 4 2] /Size 10 /Root 2 0 R'), /holds more than/], [bomb('/Type /XRef /W [0 0 0] /Size 1000000000 /Root 2 0 R'), /./],
      [Buffer.from(bomb('/Type /XRef /W [1 4 2] /Size 10 /Root 2 0 R').toString('latin1').replace('/FlateDecode', '[/FlateDecode /FlateDecode /FlateDecode]'), 'latin1'), /packed 3 times/],
    ] as const) expect(await refusal(document)).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(message) });
    expect(await refusal(Buffer.from(bomb('/Type /XRef /W [1 4 2] /Size 10 /Root 2 0 R').toString('latin1').replace('/FlateDecode', '/JBIG2Decode'), 'latin1'))).toMatchObject({ code: 'CAPABILITY_MISSING' });
    const few = deflateSync(Buffer.alloc(7));
    const claims = (layout: string): Buffer => Buffer.concat([Buffer.from(`%PDF-1.7\n1 0 obj\n<</Type /XRef ${layout} /Root 2 0 R /Filter /FlateDecode /Length ${few.length}>>\nstream\n`), few, Buffer.from('\nendstream\nendobj\nstartxref\n9\n%%EOF\n')]);
    for (const layout of ['/W [1 4 2] /Size 900000', '/W [0 0 0] /Size 900000', '/W [9 9 9] /Size 1', '/W [1 4] /Size 1', '/W [1 4 2] /Index [0] /Size 1', '/W [-1 4 2] /Size 1', '/Size 1']) expect(await refusal(claims(layout))).toMatchObject({ code: 'INVALID_INPUT' });
  });
});

test('an object stream that was swapped for something else, or does not hold what it should, is refused', async () => {
  const text = buildPdf(objectsOf(FORM), 'packed').toString('latin1');
  for (const [from, to] of [['/N ', '/N 99999999 /M '], ['/First ', '/First 99999999 /M '], ['/Type /ObjStm', '/Type /Nothing'], ['/Filter /FlateDecode /Length', '/Filter /LZWDecode /Length']] as const) {
    const changed = Buffer.from(text.replace(from, to), 'latin1');
    // The cross-references moved with it, since it lies before them.
    const moved = Buffer.from(changed.toString('latin1').replace(/startxref\n(\d+)/, (_, at: string) => `startxref\n${Number(at) + to.length - from.length}`), 'latin1');
    expect(await refusal(moved)).toBeInstanceOf(KeywrightError);
  }
});

test('an update that cannot be read makes the signature one of another document, and not an error', async () => {
  const document = await signedByHand();
  expect(await refusal(addVersion(document, { 4: '<</Length 5' }))).toMatch(/changed after it was signed: what was added cannot be read|page 1: Contents/);
  expect(await refusal(addVersion(document, { 3: `${'['.repeat(200)}` }))).toMatch(/changed|no end|nests/);
});

test('a long chain of objects is compared without running out of stack', async () => {
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [100 + index, `<</Next ${101 + index} 0 R>>`]));
  const document = buildPdf(objectsOf({ 1: '<</Type /Catalog /Pages 2 0 R /Outlines 100 0 R>>', ...many }));
  expect(await refusal(addVersion(await signed(document), { 10_099: '<</Next (end)>>' }))).toMatch(/changed after it was signed: the catalog’s Outlines/);
});

test('versions of a document are the same bytes, cut off', async () => {
  const document = await signedByHand();
  const later = addVersion(document, { 4: '<</Length 1>>\nstream\nx\nendstream' });
  const opened = PdfDocument.open(later);
  expect(opened.before(document.length).bytes.length).toBe(document.length);
  expect(() => opened.before(document.length - 10)).toThrow(KeywrightError);
  expect(opened.sections).toHaveLength(2);
});
