import { titleOf } from '../words/facts.ts';
import { judgePath } from './judge.ts';
import { type DeadEnd, type Outcome, PathSearch } from './paths.ts';
import { Standing } from './standing.ts';
import type { JudgedPath, Judging, Verdict, VerifyInput } from './verdict.ts';
import { Work } from './work.ts';

/** Judges a certificate (RFC 5280 §6; RFC 9525 for names): builds paths to the roots, checks each, and gives a reason for everything. */

const SHOWN_PATHS = 8;
const TOO_MANY = 'There are more ways to a root than can be tried: no honest chain needs so many.';

/** @param work what may be spent; for judging who signed a list, what is left of the verdict that needs it */
export function verifyCertificate(input: VerifyInput, work: Work = new Work()): Verdict {
  const standing = new Standing(input, work);
  const judging: Judging = { input, standing, work, trusts: (other) => verifyCertificate(other, work).trusted };
  const unavoidable = standing.problems(input.certificate, 0, false);
  const seen = new Map<string, Outcome>();
  let held: JudgedPath | undefined;
  let failed: { readonly path: JudgedPath; readonly problems: number }[] = [];
  const search = new PathSearch(input, standing, work, (certificates) => {
    const ids = certificates.map(({ id }) => id).join('');
    let outcome = seen.get(ids);
    if (outcome !== undefined) return outcome;
    const path = judgePath(certificates, judging);
    const problems = problemsOf(path);
    if (path.trusted) held = path;
    else failed = [...failed, { path, problems }].sort((a, b) => a.problems - b.problems).slice(0, SHOWN_PATHS + 1);
    outcome = path.trusted ? 'holds' : problems <= unavoidable && certificates.length > 1 ? 'enough' : blamedOf(path, input);
    seen.set(ids, outcome);
    return outcome;
  });
  search.run();
  const others = failed.map(({ path }) => path);
  if (held !== undefined) return { trusted: true, verdict: held.verdict, path: held, others: others.slice(0, SHOWN_PATHS), revocation: stateOf(held), exhausted: false };
  const exhausted = unavoidable === 0 && (work.exceeded === 'comparisons' || (work.exceeded !== undefined && !search.decided));
  const best = others.shift() ?? deadEndOf(search, judging, exhausted);
  return { trusted: false, verdict: exhausted && !best.verdict.includes(TOO_MANY) ? `${best.verdict} ${TOO_MANY}` : best.verdict, path: best, others, revocation: stateOf(best), exhausted };
}

const problemsOf = ({ certificates }: JudgedPath): number => certificates.reduce((sum, { checks }) => sum + checks.filter(({ outcome }) => outcome === 'failed').length, 0);
const stateOf = ({ certificates }: JudgedPath): Verdict['revocation'] => (certificates.some(({ revocation }) => revocation?.state === 'revoked') ? 'revoked' : (certificates[0]?.revocation?.state ?? 'unknown'));

/** @returns the certificates of a path that fails, by their index, because of which it does: what they are alone makes any other path with them fail in the same way. */
function blamedOf({ certificates }: JudgedPath, { crls }: VerifyInput): readonly number[] {
  const all = certificates.map((_, index) => index);
  const depth = certificates.findLastIndex(({ checks }) => checks.some(({ outcome }) => outcome === 'failed'));
  const failing = new Set(certificates[depth]?.checks.filter(({ outcome }) => outcome === 'failed').map(({ check }) => check));
  // Policies are handed down from the root; a list is signed by the issuer, or by who has the name of its issuer.
  if (failing.has('policies')) return all.slice(depth);
  if (failing.has('revocation')) return all.filter((index) => index === depth || index === depth + 1 || crls.some(({ issuer }) => issuer.canonical === certificates[index]!.certificate.subject.canonical));
  return all;
}

function deadEndOf({ deadEnd, tooDeep }: PathSearch, judging: Judging, exhausted: boolean): JudgedPath {
  return judgePath(deadEnd.certificates, judging, exhausted ? TOO_MANY : noWay(deadEnd, judging.input, tooDeep));
}

function noWay({ certificates, stranger }: DeadEnd, { roots, maxDepth }: VerifyInput, tooDeep: boolean): string {
  const last = certificates.at(-1)!;
  if (roots.length === 0) return 'There is no root to trust.';
  if (tooDeep) return `No root is reached within ${maxDepth} authorities.`;
  if (stranger !== undefined) return `The signature of “${titleOf(last)}” is not that of “${titleOf(stranger)}”, which has the name of its issuer.`;
  return last.isSelfIssued ? `“${titleOf(last)}” issued itself, and is not among the roots.` : `Nobody known has issued “${titleOf(last)}”: its issuer is ${last.issuer.text || 'not named'}.`;
}
