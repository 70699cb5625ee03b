import type { Certificate } from '../reading/certificate.ts';
import { titleOf } from '../words/facts.ts';

/** Finds ways from a certificate to a root: depth first, the likeliest first, and never more work than the budget allows. */

export interface Candidate {
  /** The certificate, then its issuers; the last is a root when complete. */
  readonly certificates: readonly Certificate[];
  readonly complete: boolean;
  /** Whether each was signed by the next. */
  readonly signatures: readonly boolean[];
}

export interface PathBudget {
  /** Signatures that may be checked. */
  signatures: number;
  steps: number;
  tooDeep?: boolean;
  badSignature?: string;
}

interface Sources {
  readonly certificate: Certificate;
  readonly untrusted: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly maxDepth: number;
  readonly at: Date;
}

export function* candidatePaths({ certificate, untrusted, roots, maxDepth, at }: Sources, budget: PathBudget): Generator<Candidate> {
  const anchors = bySubject(roots);
  const between = bySubject(untrusted);
  const trusted = new Set(roots.map(({ id }) => id));
  const verified = new Map<string, boolean>();
  const signs = (issuer: Certificate, subject: Certificate): boolean => {
    const key = `${subject.id}${issuer.publicKeyId}`;
    let known = verified.get(key);
    if (known === undefined) {
      budget.signatures -= 1;
      known = subject.isSignedBy(issuer);
      verified.set(key, known);
      if (!known) budget.badSignature ??= `The signature of “${titleOf(subject)}” is not that of “${titleOf(issuer)}”, which has the name of its issuer.`;
    }
    return known;
  };

  function* from(path: readonly Certificate[]): Generator<Candidate> {
    budget.steps -= 1;
    if (budget.steps <= 0 || budget.signatures <= 0) return;
    const last = path.at(-1)!;
    if (trusted.has(last.id)) {
      yield { certificates: path, complete: true, signatures: path.map(() => true) };
      if (path.length > 1) return; // a root ends its path; a certificate that is trusted itself may also stand below another
    }
    let found = false;
    for (const issuer of ranked(last, [...(anchors.get(last.issuer.canonical) ?? []), ...(between.get(last.issuer.canonical) ?? [])])) {
      const root = trusted.has(issuer.id);
      // The same name and key twice is a loop, whatever else differs (RFC 4158 §2.4.2).
      if (path.some((one) => one.id === issuer.id || (one.subject.canonical === issuer.subject.canonical && one.publicKeyId === issuer.publicKeyId && !root))) continue;
      if (!root && path.length > maxDepth) {
        budget.tooDeep = true;
        continue;
      }
      if (budget.signatures <= 0) return;
      if (!signs(issuer, last)) continue;
      found = true;
      yield* from([...path, issuer]);
    }
    if (!found && !trusted.has(last.id)) yield { certificates: path, complete: false, signatures: path.map(() => true) };
  }

  function ranked(subject: Certificate, issuers: readonly Certificate[]): Certificate[] {
    const wanted = subject.authorityKeyIdentifier?.keyIdentifier;
    const rank = (issuer: Certificate): number => {
      const own = issuer.subjectKeyIdentifier;
      const fits = wanted === undefined || own === undefined ? 1 : Buffer.from(wanted).equals(own) ? 0 : 2;
      const valid = issuer.notBefore.date <= at && at <= issuer.notAfter.date;
      return (trusted.has(issuer.id) ? 0 : 8) + (valid ? 0 : 4) + fits;
    };
    const seen = new Set<string>();
    return issuers.filter(({ id }) => !seen.has(id) && Boolean(seen.add(id))).map((issuer) => ({ issuer, by: rank(issuer) })).sort((a, b) => a.by - b.by).map(({ issuer }) => issuer);
  }

  yield* from([certificate]);
}

function bySubject(certificates: readonly Certificate[]): Map<string, Certificate[]> {
  const map = new Map<string, Certificate[]>();
  for (const certificate of certificates) {
    const known = map.get(certificate.subject.canonical);
    if (known === undefined) map.set(certificate.subject.canonical, [certificate]);
    else known.push(certificate);
  }
  return map;
}
