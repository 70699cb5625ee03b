import type { Beside } from '../../certificates/index.ts';
import { harmless } from '../../certificates/reading/text.ts';
import { KeywrightError } from '../../contract/index.ts';
import { CMS, type DigestName } from '../cms/identifiers.ts';
import { readSignedData } from '../cms/read.ts';
import { judgeSignedData } from '../cms/judge.ts';
import { digestOf, type Signed } from '../cms/verify.ts';
import { notIntact, type SignatureVerdict, type Trust } from '../format.ts';
import { hashing } from '../raw.ts';
import { readTimestampToken } from '../timestamp/token.ts';
import { judgeToken } from '../timestamp/verify.ts';
import { afterwards, revisionsOf } from './afterwards.ts';
import type { PdfDocument } from './document.ts';
import { type Covered, coveredBy, type PdfSignature } from './signatures.ts';
import { dateOf, type PdfDict, PdfName, textOf } from './values.ts';

/** Judges a signature of a PDF (ISO 32000-2 §12.8.3, ETSI EN 319 142-1): the bytes, by whom, what it covers, and what became of the document afterwards. */

const PIECE = 8 * 2 ** 20;

export interface Judge {
  readonly trust: Trust;
  /** What the document brings along to verify its signatures with. */
  readonly beside: Beside;
  readonly signal: AbortSignal;
}

/** @returns the verdict on one signature of a document: its range, its CMS, and what came after it (ISO 32000-2 §12.8). */
export async function judgeSignature(signature: PdfSignature, document: PdfDocument, judge: Judge): Promise<SignatureVerdict> {
  const { dict, field } = signature;
  const covered = coveredBy(signature, document);
  const place = harmless(`It is in the field “${field.name}”.`);
  if (dict === undefined || typeof covered === 'string') return notIntact(covered as string, { notes: [place] });
  const verdict = await judgeContents(dict, covered, judge).catch(asVerdict);
  const after = afterwards(dict, covered, document);
  const told: SignatureVerdict = {
    ...verdict, notes: [place, ...after.notes.map(harmless), ...(verdict.intact ? saidIn(dict, document) : []), ...verdict.notes],
    coverage: { bytes: covered.end, revision: revisionsOf(covered.signed), revisions: revisionsOf(document), changes: after.kinds },
  };
  if (!verdict.intact || after.problem === null) return told;
  return { ...told, intact: !after.harms, trustedBy: null, problem: harmless(after.harms ? after.problem : (verdict.problem ?? after.problem)) };
}

/** One signature that cannot be read says nothing of the others. */
function asVerdict(thrown: unknown): SignatureVerdict {
  if (thrown instanceof KeywrightError && (thrown.code === 'INVALID_INPUT' || thrown.code === 'CAPABILITY_MISSING')) return notIntact(`The signature cannot be read: ${thrown.message}`);
  throw thrown;
}

async function judgeContents(dict: PdfDict, covered: Covered, judge: Judge): Promise<SignatureVerdict> {
  const { contents } = covered;
  const digest = digesting(covered, judge.signal);
  const kind = dict.get('SubFilter');
  switch (kind instanceof PdfName ? kind.value : '') {
    case 'ETSI.RFC3161': return judgeToken(readTimestampToken(contents), digest, judge.trust, judge.beside);
    case 'ETSI.CAdES.detached': case 'adbe.pkcs7.detached': return judgeCms(dict, contents, { digest, whole: async () => wholeOf(covered) }, false, judge);
    case 'adbe.pkcs7.sha1': {
      const { content } = readSignedData(contents);
      if (content === null || !Buffer.from(content).equals(await digest('sha1'))) return notIntact('The document is not the one that was signed: its digest differs.');
      const verdict = await judgeCms(dict, contents, { digest: async (name) => digestOf(name, content), whole: async () => content }, true, judge);
      return verdict.intact ? { ...verdict, trustedBy: null, problem: verdict.problem ?? 'The document was signed by its SHA-1 digest, of which another document can be made to have the same.' } : verdict;
    }
    default: return notIntact(kind instanceof PdfName ? `The signature is of the kind ${kind.value.slice(0, 60)}, which Keywright does not judge.` : 'The signature does not say of which kind it is (SubFilter).');
  }
}

async function judgeCms(dict: PdfDict, contents: Uint8Array, signed: Signed, isInside: boolean, { trust, beside }: Judge): Promise<SignatureVerdict> {
  const data = readSignedData(contents);
  const { signers: [signer, ...others], content, contentType } = data;
  if (signer === undefined || others.length > 0) return notIntact(`A signature of a PDF has one signer, and this one ${data.signers.length} (ISO 32000-2 §12.8.3.3.1).`);
  if (contentType !== CMS.data) return notIntact('The signature is of another type of content than a document.');
  if (!isInside && content !== null) return notIntact('The signature holds content of its own, which would be judged in place of the document.');
  const [verdict] = (await judgeSignedData(data, signed, trust, beside)) as [SignatureVerdict];
  const claimed = dateOf(dict.get('M'));
  const named = signer.attributes.some(({ oid }) => oid === CMS.signingCertificate || oid === CMS.signingCertificateV2);
  const isPades = (dict.get('SubFilter') as PdfName).value === 'ETSI.CAdES.detached';
  return {
    ...verdict, time: verdict.time ?? (verdict.intact && claimed !== undefined ? { at: claimed.toISOString(), according: 'signer', by: null } : null),
    notes: [...verdict.notes, ...(isPades && !named ? ['The signature does not name its certificate, as PAdES asks for (ETSI EN 319 142-1 §6.3).'] : [])],
  };
}

/** Digests of what is covered, each made once. */
function digesting({ signed, gap, end }: Covered, signal: AbortSignal): (name: DigestName) => Promise<Uint8Array> {
  const known = new Map<DigestName, Uint8Array>();
  return async (name) => {
    const hash = hashing(name);
    if (!known.has(name)) {
      for (const [from, to] of [[0, gap.from], [gap.to, end]] as const) {
        for (let at = from; at < to; at += PIECE) {
          signal.throwIfAborted();
          hash.update(signed.bytes.subarray(at, Math.min(to, at + PIECE)));
          // Others may be waiting for their turn.
          if (to - at > PIECE) await new Promise(setImmediate);
        }
      }
      known.set(name, hash.digest());
    }
    return known.get(name) as Uint8Array;
  };
}

function wholeOf({ signed, gap, end }: Covered): Buffer {
  return Buffer.concat([signed.bytes.subarray(0, gap.from), signed.bytes.subarray(gap.to, end)]);
}

/** What the signer says, and nobody vouches for (ISO 32000-2 Table 255). */
function saidIn(dict: PdfDict, document: PdfDocument): string[] {
  const said = (key: string, words: (text: string) => string): string[] => {
    const text = textOf(document.get(dict.get(key)));
    return text === undefined || text === '' ? [] : [harmless(words(text.slice(0, 300)))];
  };
  return [
    ...said('Reason', (text) => `The signer gives the reason: “${text}”.`), ...said('Location', (text) => `The signer says that it was signed in “${text}”.`),
    ...said('ContactInfo', (text) => `The signer says how to reach them: “${text}”.`), ...said('Name', (text) => `The signer calls themselves “${text}”; who they are is what the certificate says.`),
  ];
}
