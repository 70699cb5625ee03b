import { type pathOutput, pathLines } from '../handlers/certificate-judging.ts';
import type { JudgedFile } from './verdicts.ts';

/** What came out for one file, as a careful person reads it: what holds, by whom, on whose word, when, and each check behind that. */

type Signature = JudgedFile['signatures'][number];
type Path = ReturnType<typeof pathOutput>;

const MARKS = { trusted: '✓', untrusted: '!', invalid: '✗', unsigned: '–', failed: '?' } as const;

const VOUCHERS: Readonly<Record<NonNullable<Signature['trustedBy']>['source'], string>> = {
  'held-key': 'trusted: a key held here', 'named-key': 'trusted: the key that you named', 'allowed-signers': 'trusted: the list of allowed signers', certificate: 'trusted: the certificate itself', root: 'trusted by',
};

/** @returns several lines, without one at the end. */
export function verdictText({ name, state, verdict, signatures }: JudgedFile): string {
  return [`${MARKS[state]} ${name}`, `  ${verdict}`, ...signatures.flatMap((one, index) => ['', ...signatureLines(one, verdict, signatures.length > 1 ? ` ${index + 1} of ${signatures.length}` : '')])].join('\n');
}

function signatureLines({ from, format, algorithm, intact, signer, trustedBy, time, path, problem, notes, coverage }: Signature, verdict: string, which: string): string[] {
  const lines = [
    `  Signature${which}: ${format}${algorithm === null ? '' : `, ${algorithm}`}${from === null ? ', in the file itself' : `, in ${from}`}`,
    intact ? '    ✓ It fits the file.' : `    ✗ ${problem === null || problem === verdict ? 'It does not fit the file.' : problem}`,
  ];
  if (coverage !== null) lines.push(`    ${coverage.changes.length === 0 ? '✓' : '!'} It covers the first ${coverage.bytes} bytes, version ${coverage.revision} of ${coverage.revisions}${coverage.changes.length === 0 ? '' : `; added since: ${coverage.changes.join(', ')}`}.`);
  if (signer !== null) lines.push(`    ${trustedBy === null ? '!' : '✓'} By ${signer.name ?? signer.label ?? 'a key without a name'} (${signer.fingerprint})`);
  if (trustedBy !== null) lines.push(`      ${VOUCHERS[trustedBy.source]}${trustedBy.source === 'root' ? ` ${trustedBy.name}` : ''}`);
  else if (intact && problem !== null) lines.push(`      ${problem}`);
  lines.push(...pathOf(path));
  if (time !== null) lines.push(`    ${time.according === 'signer' ? '·' : time.path?.trusted === false ? '!' : '✓'} At ${time.at}, according to ${time.according === 'signer' ? 'the signer' : time.by ?? 'a timestamp'}`, ...pathOf(time.path));
  return [...lines, ...notes.map((note) => `    · ${note}`)];
}

const pathOf = (path: Path | null): string[] => (path === null ? [] : pathLines(path).map((line) => `      ${line}`));
