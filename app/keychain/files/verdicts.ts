import type { fileOperations, OutputOf, SignatureFormatName } from '../../contract/index.ts';
import type { JudgedPath } from '../../certificates/index.ts';
import { fingerprint } from '../../formats/index.ts';
import type { SignatureVerdict } from '../../signing/format.ts';
import { pathOutput } from '../handlers/certificate-judging.ts';
import type { FailedFile } from './batch.ts';
import { verdictText } from './verdict-text.ts';

/** What a verification answers, in records and in sentences. */

export type Verdict = OutputOf<typeof fileOperations.verify>;
export type JudgedFile = Verdict['files'][number];
type JudgedSignature = JudgedFile['signatures'][number];

/** The verdicts on what one signature's file, or the file itself, holds. */
export interface Judged {
  readonly from: string | null;
  readonly format: SignatureFormatName;
  readonly verdicts: readonly SignatureVerdict[];
}

/** @returns what came out for a file, from all of its signatures. */
export function judgedFile(name: string, bytes: number, judged: readonly Judged[]): JudgedFile {
  const verdicts = judged.flatMap((one) => one.verdicts);
  const signed = verdicts.filter(({ unsigned }) => unsigned !== true);
  const intact = signed.length > 0 && signed.length === verdicts.length && signed.every((one) => one.intact);
  const trusted = intact && signed.every((one) => one.trustedBy !== null);
  const signatures = judged.flatMap(({ from, format, verdicts: own }) => own.map((one) => signatureOutput(one, from, format)));
  return {
    name, state: trusted ? 'trusted' : intact ? 'untrusted' : signed.length === 0 ? 'unsigned' : 'invalid', code: null, intact, trusted, verdict: sentenceOf(verdicts, intact, trusted),
    signatureFiles: judged.flatMap(({ from }) => (from === null ? [] : [from])), signer: signatures[0]?.signer ?? null, algorithm: signatures[0]?.algorithm ?? null, format: judged[0]?.format ?? null, bytes, signatures,
  };
}

/** @returns a file that has no signature, or could not be judged. */
export function unjudgedFile(name: string, state: 'unsigned' | 'failed', { code, detail }: { readonly code: string | null; readonly detail: string }, bytes: number | null = null): JudgedFile {
  return { name, state, code, intact: false, trusted: false, verdict: detail, signatureFiles: [], signer: null, algorithm: null, format: null, bytes, signatures: [] };
}

export const failedFile = ({ name, code, detail }: FailedFile): JudgedFile => unjudgedFile(name, 'failed', { code, detail });

/** @returns the answer for all files of a call; what is told of one file alone, for one alone. */
export function answerOf(files: readonly JudgedFile[], skipped: Verdict['skipped'], manifest: JudgedFile | null): Verdict {
  const all = manifest === null ? files : [manifest, ...files];
  const counts = { trusted: 0, untrusted: 0, invalid: 0, unsigned: 0, failed: 0 };
  for (const { state } of files) counts[state] += 1;
  const [only] = all.length === 1 ? all : [];
  return {
    intact: all.length > 0 && all.every(({ intact }) => intact), trusted: all.length > 0 && all.every(({ trusted }) => trusted), verdict: only?.verdict ?? summaryOf(files.length, counts, manifest),
    signer: only?.signer ?? null, algorithm: only?.algorithm ?? null, format: only?.format ?? null, bytes: only?.bytes ?? null, signatures: only?.signatures ?? [],
    files: [...files], counts, skipped, manifest, text: only === undefined ? null : verdictText(only),
  };
}

const WORDS = { trusted: 'as signed by whom you trust', untrusted: 'as signed, but by whom nothing that you trust vouches for', invalid: 'not as signed', unsigned: 'not signed', failed: 'not judged' } as const;

function summaryOf(total: number, counts: Verdict['counts'], manifest: JudgedFile | null): string {
  const states = (Object.keys(WORDS) as (keyof typeof WORDS)[]).filter((state) => counts[state] > 0);
  const files = `${total} ${total === 1 ? 'file' : 'files'}: ${states.map((state) => `${counts[state]} ${WORDS[state]}`).join(', ')}.`;
  return manifest === null || manifest.trusted ? files : `The manifest itself is not to be relied on: ${manifest.verdict} ${files}`;
}

function signatureOutput({ intact, trustedBy, time, algorithm, path, problem, notes, coverage, ...one }: SignatureVerdict, from: string | null, format: SignatureFormatName): JudgedSignature {
  return {
    from, format, intact, signer: signerOf(one), trustedBy, time: time === null ? null : { ...time, path: toldPath(time.path) }, algorithm, path: toldPath(path), problem, notes: [...notes],
    coverage: coverage === undefined ? null : { ...coverage, changes: [...coverage.changes] },
  };
}

const toldPath = (path: JudgedPath | undefined): JudgedSignature['path'] => (path === undefined ? null : pathOutput(path));

function signerOf({ spki, known, name }: Pick<SignatureVerdict, 'spki' | 'known' | 'name'>): JudgedFile['signer'] {
  return spki === null ? null : { key: known?.uri ?? null, label: known?.label ?? null, name, fingerprint: fingerprint(spki), version: known?.version ?? null };
}

function sentenceOf(verdicts: readonly SignatureVerdict[], intact: boolean, trusted: boolean): string {
  const bad = verdicts.find((one) => !one.intact) ?? verdicts.find((one) => one.trustedBy === null);
  const several = verdicts.length > 1 ? `One of ${verdicts.length} signatures: ` : '';
  if (!intact) return `${several}${bad?.problem ?? 'The signature does not fit.'}`;
  if (!trusted && bad?.coverage?.changes.includes('annotation') === true) return `${several}The file holds what was signed, but not that alone. ${bad.problem}`;
  if (!trusted) return `${several}The file is as it was signed, but the signer is not trusted. ${bad?.problem ?? 'Nothing that you trust says whose key it is.'}`;
  return `The file is as it was signed ${verdicts.map(whom).join(', and ')}.`;
}

function whom({ trustedBy, known, name }: SignatureVerdict): string {
  switch (trustedBy?.source) {
    case 'held-key': return `by “${known?.label ?? trustedBy.name}”, a key held here`;
    case 'named-key': return known?.uri === null || known === null ? 'by the key that you named' : `by “${known.label ?? trustedBy.name}”, the key that you named`;
    case 'allowed-signers': return `by ${name ?? 'somebody'}, whom the list of allowed signers names`;
    default: return trustedBy?.name === name ? `by ${name}, whose own certificate is trusted` : `by ${name ?? 'somebody'}, whom ${trustedBy?.name ?? 'nobody'} vouches for`;
  }
}
