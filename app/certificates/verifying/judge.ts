import type { Certificate } from '../reading/certificate.ts';
import { titleOf } from '../words/facts.ts';
import { checkAuthority } from './certificate-checks.ts';
import { Checks } from './check.ts';
import { type PolicyInput, PolicyState } from './policies.ts';
import { checkRevocation } from './revocation-checks.ts';
import type { Standing } from './standing.ts';
import type { JudgedCertificate, JudgedPath, Judging } from './verdict.ts';

/**
 * Judges one path: every certificate by itself, and from the root down what is handed down.
 * @param certificates the one that is judged first; each is signed by the next. @param deadEnd why the path ends before a root, where it does
 */
export function judgePath(certificates: readonly Certificate[], judging: Judging, deadEnd?: string): JudgedPath {
  const { input, standing } = judging;
  const complete = deadEnd === undefined;
  const top = certificates.length - 1;
  const all = certificates.map(() => new Checks());
  certificates.forEach((certificate, depth) => {
    const checks = all[depth]!;
    const anchor = complete && depth === top;
    if (anchor) checks.ok('trust', top === 0 ? 'It is trusted itself.' : 'It is one of the roots.');
    else if (depth < top) checks.ok('signature', `Its signature is that of “${titleOf(certificates[depth + 1]!)}”.`, 'RFC 5280 §6.1.3 (a)(1)');
    checks.all.push(...standing.checks(certificate, depth, anchor));
    if (depth > 0) {
      checkAuthority(certificate, certificates.slice(1, depth).filter((one) => !one.isSelfIssued).length, anchor, checks);
      if (input.purpose !== 'any') identifierFits(certificates[depth - 1]!, certificate, all[depth - 1]!);
    }
  });
  if (deadEnd !== undefined) all[top]!.fail('issuer', deadEnd, 'RFC 5280 §6.1.1 (d)');
  checkConstraints(certificates, all, complete, standing);
  const policies = complete ? checkPolicies(certificates, input.policies, all) : [];
  const revocations = complete ? checkRevocation(certificates, all, judging) : [];
  const judged = certificates.map((certificate, depth): JudgedCertificate => ({ certificate, role: depth === 0 ? 'certificate' : complete && depth === top ? 'root' : 'authority', checks: all[depth]!.all, revocation: revocations[depth] }));
  const firstFault = judged.flatMap(({ certificate, checks }) => checks.filter(({ outcome }) => outcome === 'failed').map((check) => ({ certificate, check })))[0];
  const root = certificates[top]!;
  return {
    trusted: firstFault === undefined && complete, certificates: judged, policies,
    verdict: firstFault !== undefined ? `Not trusted: “${titleOf(firstFault.certificate)}”: ${firstFault.check.sentence}` : top === 0 ? 'Trusted: it is one of the roots itself.' : `Trusted: the path ends at “${titleOf(root)}”.`,
  };
}

function identifierFits(certificate: Certificate, issuer: Certificate, checks: Checks): void {
  const [wanted, own] = [certificate.authorityKeyIdentifier?.keyIdentifier, issuer.subjectKeyIdentifier];
  if (wanted !== undefined && own !== undefined && !Buffer.from(wanted).equals(own)) checks.warn('key-identifier', 'It names its issuer’s key by another identifier than the issuer does; the signature fits all the same.', 'RFC 5280 §4.2.1.1');
}

/** RFC 5280 §6.1.3 (b), (c), §6.1.4 (g); RFC 5937 for those of the root. */
function checkConstraints(certificates: readonly Certificate[], all: readonly Checks[], complete: boolean, standing: Standing): void {
  certificates.forEach((certificate, depth) => {
    const checks = all[depth]!;
    const above = certificates.slice(depth + 1).filter((one) => standing.constraints(one) !== undefined);
    // A self-issued authority in between renames nobody.
    if (above.length > 0 && !(complete && depth === certificates.length - 1) && (depth === 0 || !certificate.isSelfIssued)) {
      const refusal = above.toReversed().map((authority) => standing.refusal(authority, certificate)).find((sentence) => sentence !== undefined);
      if (refusal === undefined) checks.ok('name-constraints', 'Its names are among those that are allowed above it.', 'RFC 5280 §6.1.3 (b)(c)');
      else checks.fail('name-constraints', refusal, 'RFC 5280 §6.1.3 (b)(c)');
    }
    const problem = depth === 0 ? undefined : standing.constraintProblem(certificate);
    if (problem !== undefined) checks.fail('name-constraints', problem, 'RFC 5280 §4.2.1.10');
  });
}

function checkPolicies(certificates: readonly Certificate[], input: PolicyInput, all: readonly Checks[]): string[] {
  const length = certificates.length - 1;
  if (length === 0) return [];
  const state = new PolicyState(input, length);
  for (let index = 1; index <= length; index++) {
    const depth = length - index;
    try {
      const problem = state.next(certificates[depth]!, index);
      if (problem !== undefined) {
        all[depth]!.fail('policies', problem, 'RFC 5280 §6.1.3 (d) to (f)');
        return [];
      }
    } catch {
      return []; // told with the form of its certificate
    }
  }
  return state.valid();
}
