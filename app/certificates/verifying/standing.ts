import type { Certificate } from '../reading/certificate.ts';
import { certificatePolicies, EXTENSION, nameConstraints, type NameConstraints } from '../reading/extensions.ts';
import { PURPOSE_NAMES } from '../reading/oids.ts';
import { titleOf } from '../words/facts.ts';
import { checkBaseline } from './baseline-checks.ts';
import { checkAuthority, checkForm, checkKey, checkPurpose, checkTime, type Position } from './certificate-checks.ts';
import { type Check, Checks } from './check.ts';
import { problemOfConstraints, refusalBy } from './name-constraints.ts';
import { isFor, namesForSentence } from './peer-names.ts';
import { revocationCounts } from './revocation-checks.ts';
import type { VerifyInput } from './verdict.ts';
import type { Work } from './work.ts';

/**
 * What can be said of a certificate before any path is known: all checks of it by itself, and whether the names of the certificate that is judged may be below it.
 * Worked out once for each, for the search, which goes around whoever has a problem, and for the verdict alike: so they cannot disagree.
 */
export class Standing {
  readonly #input: VerifyInput;
  readonly #work: Work;
  readonly #checks = new Map<string, readonly Check[]>();
  readonly #problems = new Map<string, number>();
  readonly #constraints = new Map<string, NameConstraints | undefined>();
  readonly #refusals = new Map<string, string | undefined>();

  constructor(input: VerifyInput, work: Work) {
    this.#input = input;
    this.#work = work;
  }

  /** @returns the checks of form, key, time and purpose; for the certificate that is judged, of its names too. */
  checks(certificate: Certificate, depth: number, anchor: boolean): readonly Check[] {
    const key = `${depth === 0}${anchor}${certificate.id}`;
    let known = this.#checks.get(key);
    if (known === undefined) {
      const { at, purpose, strict, strictRoots, allowWeak } = this.#input;
      const position: Position = { depth: Math.min(depth, 1), anchor, strict: strict && (!anchor || depth === 0 || strictRoots), purpose };
      const checks = new Checks();
      checkForm(certificate, position, checks);
      checkKey(certificate, position, { tls: purpose === 'tls-server' || purpose === 'tls-client', weak: allowWeak === true }, checks);
      checkTime(certificate, at, checks);
      checkPurpose(certificate, position, checks);
      checkBaseline(certificate, position, checks);
      if (depth === 0) checkNames(this.#input, checks);
      this.#checks.set(key, (known = checks.all));
    }
    return known;
  }

  /** @returns how many checks fail whatever the path is; 0: it may be part of a path that holds. */
  problems(certificate: Certificate, depth: number, anchor: boolean): number {
    const key = `${depth === 0}${anchor}${certificate.id}`;
    let known = this.#problems.get(key);
    if (known === undefined) {
      known = this.checks(certificate, depth, anchor).filter(({ outcome }) => outcome === 'failed').length;
      if (!anchor && this.#isRevoked(certificate)) known += 1;
      if (!anchor && this.#input.policies.requireExplicit && certificate.lenient(EXTENSION.certificatePolicies, certificatePolicies) === undefined) known += 1;
      if (depth > 0) {
        const authority = new Checks();
        checkAuthority(certificate, 0, anchor, authority);
        known += authority.all.filter(({ outcome }) => outcome === 'failed').length + (this.constraintProblem(certificate) === undefined ? 0 : 1) + (this.refusal(certificate, this.#input.certificate) === undefined ? 0 : 1);
      }
      this.#problems.set(key, known);
    }
    return known;
  }

  /** Whether it is known to be revoked without a list, at the time that is judged. */
  #isRevoked({ id }: Certificate): boolean {
    const known = this.#input.revoked.get(id);
    return known !== undefined && revocationCounts(this.#input, known.at, known.reason);
  }

  /** @returns the constraints of an authority; undefined where it has none, or none that can be read, which its form tells. */
  constraints(authority: Certificate): NameConstraints | undefined {
    if (!this.#constraints.has(authority.id)) this.#constraints.set(authority.id, authority.lenient(EXTENSION.nameConstraints, nameConstraints));
    return this.#constraints.get(authority.id);
  }

  constraintProblem(authority: Certificate): string | undefined {
    const constraints = this.constraints(authority);
    return constraints === undefined ? undefined : problemOfConstraints(constraints, titleOf(authority), this.#input.strict);
  }

  /** @returns why the names of a certificate may not stand below an authority, or undefined. */
  refusal(authority: Certificate, certificate: Certificate): string | undefined {
    const constraints = this.constraints(authority);
    if (constraints === undefined) return undefined;
    const pair = `${authority.id}${certificate.id}`;
    if (!this.#refusals.has(pair)) {
      let refusal: string | undefined;
      try {
        refusal = refusalBy(constraints, titleOf(authority), certificate, this.#work);
      } catch {
        // Alternative names that are malformed are told with the form of their certificate, and fail the path.
      }
      this.#refusals.set(pair, refusal);
    }
    return this.#refusals.get(pair);
  }
}

function checkNames({ certificate, names, extendedKeyUsages }: VerifyInput, checks: Checks): void {
  for (const name of names) {
    if (isFor(certificate, name)) checks.ok('name', `It is for ${name.text}.`, name.kind === 'email' ? 'RFC 8550 §3' : 'RFC 9525 §6');
    else checks.fail('name', `It is not for ${name.text}: ${namesForSentence(certificate)}.`, name.kind === 'email' ? 'RFC 8550 §3' : 'RFC 9525 §6');
  }
  const extended = certificate.extendedKeyUsages;
  for (const oid of extendedKeyUsages) if (extended !== undefined && !extended.includes(oid)) checks.fail('extended-key-usage', `It is not for ${PURPOSE_NAMES[oid] ?? oid}.`, 'RFC 5280 §4.2.1.12');
}
