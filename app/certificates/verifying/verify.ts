import type { Certificate } from '../reading/certificate.ts';
import type { RevocationList } from '../reading/crl.ts';
import { EXTENSION, nameConstraints } from '../reading/extensions.ts';
import type { OcspResponse } from '../reading/ocsp.ts';
import { PURPOSE_NAMES } from '../reading/oids.ts';
import { titleOf } from '../words/facts.ts';
import { checkBaseline } from './baseline-checks.ts';
import { checkAuthority, checkForm, checkKey, checkPurpose, checkTime, type Position, type VerifyPurpose } from './certificate-checks.ts';
import { type Check, Checks } from './check.ts';
import { ConstraintState } from './name-constraints.ts';
import { isFor, namesForSentence, type PeerName } from './peer-names.ts';
import { candidatePaths, type Candidate, type PathBudget } from './paths.ts';
import { type PolicyInput, PolicyState } from './policies.ts';
import { isAbout, type RevocationAnswer, revocationOf } from './revocation.ts';

/** Judges a certificate (RFC 5280 §6; RFC 9525 for names): builds paths to the roots, checks each, and gives a reason for everything. */

export interface KnownRevocation { readonly at: Date; readonly reason: string }

export interface VerifyInput {
  readonly certificate: Certificate;
  /** What may stand between, in any order. */
  readonly untrusted: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly crls: readonly RevocationList[];
  readonly ocsp: readonly OcspResponse[];
  /** Certificates by id that are known to be revoked without a list. */
  readonly revoked: ReadonlyMap<string, KnownRevocation>;
  readonly at: Date;
  /** Lists and responses may be from up to then, and a revocation after `at` does not count. Default: `at`, and every revocation counts. */
  readonly evidenceUntil?: Date;
  readonly purpose: VerifyPurpose;
  /** All of them must be names of the certificate. */
  readonly names: readonly PeerName[];
  /** Authorities between the certificate and the root. */
  readonly maxDepth: number;
  readonly policies: PolicyInput;
  /** For whom the revocation must be known to be good; `given`: the certificate, and authorities whose issuer has a list or response among those given; `soft`: nobody. Whoever is known to be revoked is refused always. */
  readonly revocation: 'off' | 'soft' | 'given' | 'leaf' | 'chain';
  /** What is told of lists and responses that were given and could not be read, a sentence each. */
  readonly unreadable?: readonly string[];
  /** What RFC 5280 and the CA/Browser Forum bind issuers to is refused where it is not kept, also where it does not make the path wrong. */
  readonly strict: boolean;
  /** The form of roots is judged strictly too: for roots that somebody named, not for those that a system has trusted since long ago. */
  readonly strictRoots: boolean;
  /** Ids of the lists whose signers are being judged. */
  readonly resolving?: ReadonlySet<string>;
  /** Algorithms and key sizes that must not be relied on any more (MD5, SHA-1, DSA, RSA below 2048 bits) are told, not refused: for paths of old. */
  readonly allowWeak?: boolean;
  /** OIDs that the certificate's extended key usage must allow, beside the purpose. */
  readonly extendedKeyUsages: readonly string[];
}

export interface JudgedCertificate {
  readonly certificate: Certificate;
  readonly role: 'certificate' | 'authority' | 'root';
  readonly checks: readonly Check[];
  readonly revocation: RevocationAnswer | undefined;
}

export interface JudgedPath {
  readonly trusted: boolean;
  /** The first reason against it, or that it holds. */
  readonly verdict: string;
  readonly certificates: readonly JudgedCertificate[];
  readonly policies: readonly string[];
}

export interface Verdict {
  readonly trusted: boolean;
  readonly verdict: string;
  /** The one that holds, else the one that got furthest. */
  readonly path: JudgedPath | undefined;
  /** Others that were tried and do not hold. */
  readonly others: readonly JudgedPath[];
  readonly revocation: 'good' | 'revoked' | 'unknown';
}

/** Candidates that are judged in full; more would help nobody. */
const MAX_PATHS = 200;
const SHOWN_PATHS = 8;

export function verifyCertificate(input: VerifyInput): Verdict {
  const failed: JudgedPath[] = [];
  const budget: PathBudget = { signatures: 1500, steps: 20_000 };
  let count = 0;
  let furthest = 0;
  let unfinished: Candidate | undefined;
  for (const candidate of candidatePaths(input, budget)) {
    if (!candidate.complete) {
      if (candidate.certificates.length > furthest) unfinished = candidate;
      furthest = Math.max(furthest, candidate.certificates.length);
      continue;
    }
    const judged = judge(candidate, input);
    if (judged.trusted) return { trusted: true, verdict: judged.verdict, path: judged, others: failed.slice(0, SHOWN_PATHS), revocation: stateOf(judged) };
    failed.push(judged);
    count += 1;
    if (count === MAX_PATHS) break;
  }
  failed.sort((a, b) => problems(a) - problems(b));
  const [best, ...others] = failed;
  if (best !== undefined) return { trusted: false, verdict: best.verdict, path: best, others: others.slice(0, SHOWN_PATHS), revocation: stateOf(best) };
  const dead = judge(unfinished ?? { certificates: [input.certificate], complete: false, signatures: [] }, input, noWay(unfinished?.certificates.at(-1) ?? input.certificate, input, budget));
  return { trusted: false, verdict: dead.verdict, path: dead, others: [], revocation: stateOf(dead) };
}

const problems = ({ certificates }: JudgedPath): number => certificates.reduce((sum, { checks }) => sum + checks.filter(({ outcome }) => outcome === 'failed').length, 0);
const stateOf = ({ certificates }: JudgedPath): Verdict['revocation'] => (certificates.some(({ revocation }) => revocation?.state === 'revoked') ? 'revoked' : (certificates[0]?.revocation?.state ?? 'unknown'));

function noWay(last: Certificate, { roots, maxDepth }: VerifyInput, budget: PathBudget): string {
  if (budget.signatures <= 0 || budget.steps <= 0) return 'There are more ways to a root than can be tried: no honest chain needs so many.';
  if (roots.length === 0) return 'There is no root to trust.';
  if (budget.tooDeep === true) return `No root is reached within ${maxDepth} authorities.`;
  if (budget.badSignature !== undefined) return budget.badSignature;
  return last.isSelfIssued ? `“${titleOf(last)}” issued itself, and is not among the roots.` : `Nobody known has issued “${titleOf(last)}”: its issuer is ${last.issuer.text || 'not named'}.`;
}

/** Judges one path, from the root down for what is handed down, and every certificate by itself. */
function judge({ certificates, complete, signatures }: Candidate, input: VerifyInput, deadEnd?: string): JudgedPath {
  const top = certificates.length - 1;
  const all = certificates.map(() => new Checks());
  const tls = input.purpose === 'tls-server' || input.purpose === 'tls-client';
  const position = (depth: number): Position => {
    const anchor = complete && depth === top;
    return { depth, anchor, strict: input.strict && (!anchor || depth === 0 || input.strictRoots) };
  };
  certificates.forEach((certificate, depth) => {
    const checks = all[depth]!;
    const at = position(depth);
    if (at.anchor) checks.ok('trust', top === 0 ? 'It is trusted itself.' : 'It is one of the roots.');
    else if (complete || depth < top) {
      if (signatures[depth] === true) checks.ok('signature', `Its signature is that of “${titleOf(certificates[depth + 1]!)}”.`, 'RFC 5280 §6.1.3 (a)(1)');
      else checks.fail('signature', `Its signature is not that of “${titleOf(certificates[depth + 1]!)}”.`, 'RFC 5280 §6.1.3 (a)(1)');
    }
    checkForm(certificate, at, checks);
    checkKey(certificate, at, { tls, weak: input.allowWeak === true }, checks);
    checkTime(certificate, input.at, checks);
    checkPurpose(certificate, input.purpose, at, checks);
    checkBaseline(certificate, input.purpose, at, checks);
    if (depth > 0) {
      const below = certificates.slice(1, depth).filter((one) => !one.isSelfIssued).length;
      checkAuthority(certificate, below, at.anchor, checks);
      if (input.purpose !== 'any' && depth > 0) identifierFits(certificates[depth - 1]!, certificate, all[depth - 1]!);
    }
  });
  if (deadEnd !== undefined) all[top]!.fail('issuer', deadEnd, 'RFC 5280 §6.1.1 (d)');
  const leaf = all[0]!;
  checkNames(input, leaf);
  checkConstraints(certificates, all, complete, input.strict);
  const policies = complete ? checkPolicies(certificates, input.policies, all) : [];
  const revocations = complete ? checkRevocation(certificates, input, all) : [];
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

function checkNames({ certificate, names, extendedKeyUsages }: VerifyInput, checks: Checks): void {
  for (const name of names) {
    if (isFor(certificate, name)) checks.ok('name', `It is for ${name.text}.`, name.kind === 'email' ? 'RFC 8550 §3' : 'RFC 9525 §6');
    else checks.fail('name', `It is not for ${name.text}: ${namesForSentence(certificate)}.`, name.kind === 'email' ? 'RFC 8550 §3' : 'RFC 9525 §6');
  }
  const extended = certificate.extendedKeyUsages;
  for (const oid of extendedKeyUsages) if (extended !== undefined && !extended.includes(oid)) checks.fail('extended-key-usage', `It is not for ${PURPOSE_NAMES[oid] ?? oid}.`, 'RFC 5280 §4.2.1.12');
}

/** RFC 5280 §6.1.3 (b), (c), §6.1.4 (g); RFC 5937 for those of the root. */
function checkConstraints(certificates: readonly Certificate[], all: readonly Checks[], complete: boolean, strict: boolean): void {
  const state = new ConstraintState();
  let constrained = false;
  for (let depth = certificates.length - 1; depth >= 0; depth--) {
    const certificate = certificates[depth]!;
    const anchor = complete && depth === certificates.length - 1;
    try {
      // A self-issued authority in between renames nobody.
      if (constrained && !anchor && (depth === 0 || !certificate.isSelfIssued)) {
        const refusal = state.refusal(certificate);
        if (refusal === undefined) all[depth]!.ok('name-constraints', 'Its names are among those that are allowed above it.', 'RFC 5280 §6.1.3 (b)(c)');
        else all[depth]!.fail('name-constraints', refusal, 'RFC 5280 §6.1.3 (b)(c)');
      }
      const constraints = depth === 0 ? undefined : certificate.read(EXTENSION.nameConstraints, nameConstraints);
      if (constraints === undefined) continue;
      constrained = true;
      const problem = state.add(constraints, titleOf(certificate), strict);
      if (problem !== undefined) all[depth]!.fail('name-constraints', problem, 'RFC 5280 §4.2.1.10');
    } catch {
      // A malformed extension was told with the form of its certificate, and fails the path.
    }
  }
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

/** RFC 3161 §4: whose timestamps stay good although it was revoked later. For any other reason, or none, its key may have stamped times long gone. */
const OUTLIVED_BY_TIMESTAMPS: ReadonlySet<string> = new Set(['affiliation-changed', 'superseded', 'cessation-of-operation']);

function checkRevocation(certificates: readonly Certificate[], input: VerifyInput, all: readonly Checks[]): (RevocationAnswer | undefined)[] {
  const { crls, ocsp, revoked, at, evidenceUntil, purpose, revocation, strict } = input;
  const counts = (when: Date, reason: string): boolean => evidenceUntil === undefined || when <= at || (purpose === 'timestamp' && !OUTLIVED_BY_TIMESTAMPS.has(reason));
  const evidence = { crls, ocsp, at, until: evidenceUntil ?? at, counts, allowWeak: input.allowWeak === true, strict: strict && (purpose === 'tls-server' || purpose === 'tls-client'), signersOf: listSigners(certificates, input) };
  return certificates.map((certificate, depth) => {
    const issuer = certificates[depth + 1];
    if (issuer === undefined) return undefined; // whom we trust, nobody above can revoke
    const noCheck = depth === 0 && certificate.extension(EXTENSION.ocspNoCheck) !== undefined;
    const known = revoked.get(certificate.id);
    const answer = known !== undefined && counts(known.at, known.reason) ? knownAnswer(known) : revocationOf(certificate, issuer, evidence);
    const given = revocation === 'given' && (depth === 0 || crls.some((crl) => crl.issuer.canonical === certificate.issuer.canonical) || ocsp.some(({ responses }) => responses.some(({ id }) => isAbout(id, certificate, issuer))));
    const needed = revocation === 'chain' || given || (revocation === 'leaf' && depth === 0);
    const checks = all[depth]!;
    const text = answer.notes.join(' ');
    if (depth === 0) for (const sentence of input.unreadable ?? []) checks.unknown('revocation', sentence);
    if (answer.state === 'revoked') checks.fail('revocation', text, 'RFC 5280 §6.1.3 (a)(3)');
    else if (answer.state === 'good') checks.ok('revocation', text, 'RFC 5280 §6.1.3 (a)(3)');
    else if (needed && !noCheck) checks.fail('revocation', `Whether it is revoked is not known, and was asked for. ${text}`, 'RFC 5280 §6.1.3 (a)(3)');
    else checks.unknown('revocation', revocation === 'off' && crls.length + ocsp.length === 0 ? 'Whether it is revoked was not asked.' : text, 'RFC 5280 §6.1.3 (a)(3)');
    return answer;
  });
}

/** So many certificates that may have signed one list are judged. */
const MAX_LIST_SIGNERS = 4;

/**
 * Who may have signed a list (RFC 5280 §6.3.3 (f)): an authority of this path that has the name of the list's issuer, else another certificate of that name
 * with a path of its own to the same root. Authorities may have a key for lists alone, and their newer key may sign for the older.
 */
function listSigners(path: readonly Certificate[], input: VerifyInput): (crl: RevocationList) => Certificate[] {
  const found = new Map<string, Certificate[]>();
  const anchor = path.at(-1)!;
  return (crl) => {
    let signers = found.get(crl.id);
    if (signers === undefined) {
      const named = (one: Certificate): boolean => one.subject.canonical === crl.issuer.canonical;
      signers = path.slice(1).filter(named);
      found.set(crl.id, signers);
      const resolving = new Set([...(input.resolving ?? []), crl.id]);
      if (!signers.some((one) => crl.isSignedBy(one.key)) && input.resolving === undefined) {
        const others = [...input.untrusted, ...input.roots].filter((one) => named(one) && one.keyUsages?.includes('crl-sign') !== false && !path.some(({ id }) => id === one.id) && crl.isSignedBy(one.key));
        signers.push(...others.slice(0, MAX_LIST_SIGNERS).filter((certificate) => verifyCertificate({ ...input, certificate, roots: [anchor], purpose: 'any', names: [], extendedKeyUsages: [], revocation: 'off', strict: false, resolving, crls: input.crls.filter(({ id }) => id !== crl.id) }).trusted));
      }
    }
    return signers;
  };
}

const knownAnswer = ({ at, reason }: KnownRevocation): RevocationAnswer => ({ state: 'revoked', at, reason, source: undefined, notes: [`Revoked on ${at.toISOString()} (${reason}), as is known here.`], nextUpdate: undefined });
