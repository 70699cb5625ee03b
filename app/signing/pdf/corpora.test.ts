import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { corpus } from '../../../scripts/corpora.ts';
import { readCertificates } from '../../certificates/index.ts';
import { KeywrightError } from '../../contract/index.ts';
import { hasTool, run, temporaryFolder } from '../../formats/testing/keys.ts';
import { certifiedKey, trustingCertificates } from '../testing/certificates.ts';
import { contentOf, signAs, verifyAs } from '../testing/keys.ts';
import { KEY, signer } from './testing/signed.ts';

/** Documents by pyHanko and PDFBox, with their authors' verdicts at the time when their test authority was valid. */

const CORPUS = corpus('pdf');
const CERTIFIED = 'certified-with-indirect-refs-in-dir.pdf';

/** Verdicts by signature; `changes` are those of the first. Of pyHanko's two test authorities one is at hand. */
const SIGNED: readonly [file: string, verdicts: readonly string[], changes?: readonly string[]][] = [
  [CERTIFIED, ['trusted']],
  ['coverage-anomalies/base.pdf', ['broken'], ['metadata']],
  ['ed448-disallowed-hash.pdf', ['broken']],
  ['extensions-direct.pdf', ['trusted', 'intact'], ['signature', 'metadata']],
  ['form-update-override-appearance-stream.pdf', ['trusted', 'trusted'], ['signature']],
  ['minimal-signed-twice-no-sig-type.pdf', ['intact', 'intact'], ['signature', 'metadata']],
  ['minimal-two-fields-signed-twice.pdf', ['trusted', 'trusted'], ['signature', 'metadata']],
  ['pades-lta-dss-indirect-arrs-test.pdf', ['trusted', 'trusted'], ['timestamp', 'validation-data']],
  ['pades-with-old-style-signing-cert-attr-issser.pdf', ['trusted']],
  ['pades-with-old-style-signing-cert-attr.pdf', ['trusted']],
  ['pdf-sig-with-econtent.pdf', ['broken']],
  ['sig-no-signed-attrs.pdf', ['trusted']],
  ['sig-with-ski-sid.pdf', ['trusted']],
];
const UNSIGNED = ['minimal.pdf', 'minimal-hybrid-xref.pdf', 'minimal-two-fields.pdf', 'minimal-two-pages.pdf', 'minimal-with-field.pdf', 'minimal-xref.pdf', '../pdfbox/sign_me.pdf', '../pdfbox/sign_me_tsa.pdf', '../pdfbox/sign_me_visible.pdf'];
const ENCRYPTED = ['minimal-aes256.pdf', '../pdfbox/sign_me_protected.pdf'];

describe.skipIf(CORPUS === undefined)('documents by others (skipped without the corpora)', () => {
  const read = (...place: string[]): Buffer => readFileSync(join(CORPUS as string, ...place));
  const roots = () => ['testing-ca/root/root.cert.pem', 'selfsigned.cert.pem'].flatMap((name) => readCertificates(read('crypto', name)));
  const judge = async (path: string, document: Buffer, at = new Date('2020-11-01')) => verifyAs(await contentOf(path, document), null, trustingCertificates([...roots(), await signer()], { at }));
  const sign = async (path: string, document: Buffer): Promise<Buffer> => signAs('pdf', await contentOf(path, document), await certifiedKey(KEY, await signer()));
  const words = (verdicts: Awaited<ReturnType<typeof judge>>): string[] => verdicts.map(({ intact, trustedBy }) => (intact ? (trustedBy === null ? 'intact' : 'trusted') : 'broken'));

  test.each(SIGNED)('%s', async (file, verdicts, changes = []) => {
    using folder = temporaryFolder();
    const document = read('pdf', file);
    const found = await judge(folder.path, document);
    expect([words(found), found[0]?.coverage?.changes]).toEqual([verdicts, changes]);
    if (file === CERTIFIED) return await expect(sign(folder.path, document)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
    // Another signature leaves those that are there as they were.
    const again = await sign(folder.path, document);
    expect(again.subarray(0, document.length).equals(document)).toBe(true);
    const now = await judge(folder.path, again, new Date());
    expect(now.map(({ intact }) => intact)).toEqual([...verdicts.map((verdict) => verdict !== 'broken'), true]);
  });

  test.each(UNSIGNED)('%s is signed', async (file) => {
    using folder = temporaryFolder();
    const document = read('pdf', file);
    expect(await judge(folder.path, document)).toMatchObject([{ intact: false, problem: 'The document has no signature.' }]);
    const made = await sign(folder.path, document);
    expect(made.subarray(0, document.length).equals(document)).toBe(true);
    expect(words(await judge(folder.path, made, new Date()))).toEqual(['trusted']);
    if (hasTool('pdfsig', '-v')) expect(run('pdfsig', ['-nocert', (await contentOf(folder.path, made, basename(file))).path]).toString()).toMatch(/Total document signed[^]*Signature is Valid/);
  });

  test.each(ENCRYPTED)('%s is refused with the reason', async (file) => {
    using folder = temporaryFolder();
    for (const act of [judge, sign]) await expect(act(folder.path, read('pdf', file))).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('encrypted') });
  });

  test('each of them cut off at many places is refused', async () => {
    using folder = temporaryFolder();
    for (const file of ['minimal-two-fields-signed-twice.pdf', 'pades-lta-dss-indirect-arrs-test.pdf', 'minimal-hybrid-xref.pdf']) {
      const document = read('pdf', file);
      for (let length = 0; length < document.length; length += Math.ceil(document.length / 150)) {
        const verdicts = await judge(folder.path, document.subarray(0, length)).catch((thrown: unknown) => thrown);
        // Cut where an earlier version ended, it is that version.
        if (verdicts instanceof KeywrightError) expect([file, length, verdicts.code]).toEqual([file, length, expect.stringMatching(/^INVALID_INPUT$/)]);
        else expect(Array.isArray(verdicts)).toBe(true);
      }
    }
  });
});
