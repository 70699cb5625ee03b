import { KeywrightError } from '../../contract/index.ts';
import { DerReader } from '../../formats/der.ts';
import { afterwards, revisionsOf } from '../../signing/pdf/afterwards.ts';
import { PdfDocument } from '../../signing/pdf/document.ts';
import { coveredBy, type PdfSignature, restrictionsOf, signaturesOf } from '../../signing/pdf/signatures.ts';
import { dateOf, PdfName } from '../../signing/pdf/values.ts';
import { describeCms } from './certificates.ts';
import type { Finding } from './finding.ts';
import type { Fact, Tree } from './tree.ts';

/** A PDF: its versions, and of each signature what it covers and what came afterwards, as `files verify` finds it. */

const KINDS: Readonly<Record<string, string>> = {
  'ETSI.CAdES.detached': 'PAdES', 'adbe.pkcs7.detached': 'CMS', 'adbe.pkcs7.sha1': 'CMS over a SHA-1 digest', 'ETSI.RFC3161': 'a timestamp of the document',
};
const ALLOWED = { 1: 'nothing', 2: 'forms and signatures', 3: 'forms, signatures and annotations' } as const;

/** @throws INVALID_INPUT for what cannot be read without guessing */
export async function describePdf(content: Uint8Array, parent: number | null, tree: Tree): Promise<void> {
  const title = /%PDF-(\d\.\d)/.exec(Buffer.from(content.subarray(0, 1024)).toString('latin1'))?.[1] ?? 'PDF';
  const document = opened(content);
  if (document === undefined) {
    tree.add(parent, { kind: 'pdf', title, detail: 'A PDF document that is encrypted: neither what is signed nor what changed can be told.', facts: [['Encrypted', 'yes']] });
    return;
  }
  const signatures = signaturesOf(document);
  const findings: Finding[] = signatures.length === 0 && document.bytes.includes('/ByteRange')
    ? [{ level: 'odd', code: 'signature-removed', detail: 'It had a signature once, which a later version took out.', remedy: 'Ask for the document as it was signed.' }] : [];
  const root = tree.add(parent, {
    kind: 'pdf', title, detail: signatures.length === 0 ? 'A PDF document without a signature.' : `A PDF document with ${signatures.length} ${signatures.length === 1 ? 'signature' : 'signatures'}.`,
    facts: [['Encrypted', 'no'], ['Versions in it', String(revisionsOf(document))]], findings, actions: signatures.length === 0 ? ['files.sign'] : ['files.verify'],
  });
  for (const signature of signatures) await describeSignature(signature, document, root, tree);
}

/** @returns undefined for one that is encrypted. @throws INVALID_INPUT */
function opened(content: Uint8Array): PdfDocument | undefined {
  try {
    return PdfDocument.open(content);
  } catch (thrown) {
    if (thrown instanceof KeywrightError && thrown.code === 'CAPABILITY_MISSING') return undefined;
    throw thrown;
  }
}

async function describeSignature(signature: PdfSignature, document: PdfDocument, root: number, tree: Tree): Promise<void> {
  const { field, dict } = signature;
  const covered = coveredBy(signature, document);
  if (dict === undefined || typeof covered === 'string') {
    tree.add(root, { kind: 'signer', title: field.name, detail: 'Not a signature that could be relied on.', findings: [{ level: 'broken', code: 'covers-nothing', detail: covered as string, remedy: 'Ask for the document as it was signed.' }] });
    return;
  }
  const { notes: [place = ''], problem, harms } = afterwards(dict, covered, document);
  const kind = dict.get('SubFilter');
  const named = kind instanceof PdfName ? kind.value : '';
  const { permission } = restrictionsOf(dict, covered.signed);
  const facts: Fact[] = [['Kind', KINDS[named] ?? (named || undefined)], ['Time, by the signer', dateOf(dict.get('M'))?.toISOString()], ['Covers', place], ['Allows afterwards', permission === undefined ? undefined : ALLOWED[permission]]];
  const findings: Finding[] = problem === null ? [] : [{ level: harms ? 'broken' : 'odd', code: harms ? 'changed-afterwards' : 'look-afterwards', detail: problem, remedy: 'Verify it, and look at the version that was signed.' }];
  const empty = covered.contents.every((byte) => byte === 0);
  if (empty) findings.push({ level: 'broken', code: 'no-signature', detail: 'Its place is there, and no signature in it.', remedy: 'Ask for the document as it was signed.' });
  const node = tree.add(root, { kind: 'signer', title: field.name, detail: 'A signature; whether it fits is told by files verify.', facts, findings });
  if (!empty) await tree.attempt(null, () => {
    const { contents } = covered;
    // Zeros fill its place.
    const { to } = new DerReader(contents).next('the signature');
    return describeCms('The signature itself.', contents.subarray(0, to), node, null, tree);
  });
}
