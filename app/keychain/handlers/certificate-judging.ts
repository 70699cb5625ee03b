import { KeywrightError, type certificateCheckOperations, type InputOf, type OutputOf } from '../../contract/index.ts';
import {
  type Certificate, hostName, type JudgedPath, type KnownRevocation, type OcspResponse, parseOcspResponse, type PeerName, peerName, readCertificates, readRevocationLists, type RevocationAnswer, type RevocationList, titleOf, type Verdict, verifyCertificate, type VerifyPurpose,
} from '../../certificates/index.ts';
import type { Context } from '../context.ts';
import { listsFor } from '../revocation-store.ts';
import { systemRoots } from '../system-roots.ts';
import { type Fetched, fetchFor } from './certificate-fetching.ts';

type VerifyRequest = InputOf<typeof certificateCheckOperations.verify>;
type VerdictOutput = OutputOf<typeof certificateCheckOperations.verify>;

/** Judges a certificate as a request says. @param beside certificates that came with it. */
export async function judged(certificate: Certificate, beside: readonly Certificate[], request: Omit<VerifyRequest, 'certificate' | 'content'>, context: Context): Promise<VerdictOutput> {
  const at = request.at === undefined ? new Date() : new Date(request.at);
  const names = namesOf(request);
  const purpose: VerifyPurpose = request.purpose ?? (request.host !== undefined ? 'tls-server' : request.email !== undefined ? 'email' : 'any');
  const untrusted = [...beside, ...filesOf(request.untrusted, '/untrusted', readCertificates)];
  const { crls, ocsp, unreadable } = statusOf(request);
  const known = request.roots === undefined ? await heldHere(certificate, request.trust, context) : { roots: filesOf(request.roots, '/roots', readCertificates), untrusted: [], crls: [], revoked: new Map() };
  const fetched: Fetched = request.fetch ? await fetchFor(certificate, [...untrusted, ...known.untrusted], known.roots, context) : { issuers: [], lists: [], responses: [], asked: [] };
  const verdict = verifyCertificate({
    certificate, untrusted: [...untrusted, ...known.untrusted, ...fetched.issuers], roots: known.roots, crls: [...crls, ...fetched.lists, ...known.crls], ocsp: [...ocsp, ...fetched.responses], revoked: known.revoked, at, purpose, names, maxDepth: request.maxDepth,
    policies: { initial: request.policy, requireExplicit: request.requirePolicy, inhibitMapping: request.inhibitPolicyMapping, inhibitAny: request.inhibitAnyPolicy },
    revocation: request.revocation ?? (crls.length + ocsp.length > 0 || request.fetch ? 'given' : 'off'), strict: request.strict ?? (purpose === 'tls-server' || purpose === 'tls-client' || purpose === 'email'), strictRoots: request.roots !== undefined, extendedKeyUsages: request.extendedKeyUsage, allowWeak: request.allowWeak, unreadable,
  });
  return verdictOutput(verdict, purpose, at, fetched.asked);
}

function namesOf({ host, email, name }: Pick<VerifyRequest, 'host' | 'email' | 'name'>): PeerName[] {
  return [...(host === undefined ? [] : [hostName(host)]), ...(email === undefined ? [] : [{ kind: 'email' as const, text: email }]), ...name.map((text, index) => peerName(text, `/name/${index}`))];
}

/** Reads files of one kind; what is wrong is told with the file. */
export function filesOf<T>(files: readonly Uint8Array[], where: string, read: (content: Uint8Array) => T[]): T[] {
  return files.flatMap((content, index) => placed(files.length === 1 ? where : `${where}/${index}`, () => read(content)));
}

/** Reads lists and responses. With `soft`, those that cannot be read are told and passed over. @throws INVALID_INPUT, CAPABILITY_MISSING with the file, otherwise */
export function statusOf({ crl, ocsp, revocation }: Pick<VerifyRequest, 'crl' | 'ocsp' | 'revocation'>): { crls: RevocationList[]; ocsp: OcspResponse[]; unreadable: string[] } {
  const unreadable: string[] = [];
  const read = <T>(what: string, work: () => T[]): T[] => {
    try {
      return work();
    } catch (thrown) {
      if (revocation !== 'soft' || !(thrown instanceof KeywrightError)) throw thrown;
      unreadable.push(`${what} that was given cannot be read, and says nothing: ${thrown.message}`);
      return [];
    }
  };
  const of = <T>(files: readonly Uint8Array[], what: string, where: string, reader: (content: Uint8Array) => T[]): T[] =>
    files.flatMap((content, index) => read(what, () => placed(files.length === 1 ? where : `${where}/${index}`, () => reader(content))));
  return { crls: of(crl, 'A revocation list', '/crl', readRevocationLists), ocsp: of(ocsp, 'An OCSP response', '/ocsp', (content) => [parseOcspResponse(content)]), unreadable };
}

function placed<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError)) throw thrown;
    throw new KeywrightError(thrown.code, { ...thrown.facts, where: thrown.facts.where === undefined ? where : `${where}, ${thrown.facts.where}`, cause: thrown });
  }
}

/** What the store and the system know that may help: roots, authorities above the certificate, revocation lists. */
async function heldHere(certificate: Certificate, trust: VerifyRequest['trust'], { session }: Context): Promise<{ roots: Certificate[]; untrusted: Certificate[]; crls: RevocationList[]; revoked: Map<string, KnownRevocation> }> {
  const { certificates } = session;
  const revoked = new Map<string, KnownRevocation>();
  const roots = trust === 'store' ? [] : [...systemRoots()];
  const untrusted: Certificate[] = [];
  for (const stored of certificates.all()) {
    if (stored.revoked !== null) revoked.set(stored.id, { at: new Date(stored.revoked.at), reason: stored.revoked.reason });
    if (stored.trashedUntil !== null) continue;
    const trusted = stored.trusted && trust !== 'system';
    if (!trusted && !stored.authority) continue;
    const read = stored.id === certificate.id ? certificate : await certificates.read(stored.id);
    (trusted ? roots : untrusted).push(read);
  }
  return { roots, untrusted, revoked, crls: await listsFor([certificate, ...untrusted], session.revocations) };
}

function verdictOutput({ trusted, verdict, path, others, exhausted }: Verdict, purpose: string, at: Date, fetched: Fetched['asked']): VerdictOutput {
  const told = { trusted, verdict, revocation: revocationOutput(path!.certificates[0]?.revocation), path: pathOutput(path!), otherPaths: others.map(pathOutput), exhausted, purpose, at: at.toISOString(), fetched };
  return { ...told, text: verdictText(told) };
}

const MARKS = { ok: '✓', failed: '✗', warning: '!', unknown: '?' } as const;

/** From the root down, each certificate indented below its issuer, with its checks. */
export function pathLines(path: VerdictOutput['path']): string[] {
  return path.certificates.toReversed().flatMap(({ title, subject, role, checks }, depth) => {
    const indent = '  '.repeat(depth);
    return [`${indent}${title}${subject === `CN=${title}` || subject === '' ? '' : ` (${subject})`}, ${role === 'root' ? 'a root' : role === 'authority' ? 'an authority' : 'the certificate'}`, ...checks.map(({ outcome, sentence, rule }) => `${indent}  ${MARKS[outcome]} ${sentence}${outcome === 'ok' || rule === null ? '' : ` [${rule}]`}`)];
  });
}

function verdictText({ verdict, path, purpose, at, fetched }: Omit<VerdictOutput, 'text'>): string {
  const asked = fetched.map(({ url, problem }) => `${problem === null ? MARKS.ok : MARKS.unknown} Asked ${url}${problem === null ? '.' : `: ${problem}`}`);
  return [verdict, '', ...pathLines(path), ...(asked.length === 0 ? [] : ['', ...asked]), '', `Judged for the purpose ${purpose} at ${at}.`].join('\n');
}

export function revocationOutput(answer: RevocationAnswer | undefined): VerdictOutput['revocation'] {
  if (answer === undefined) return { state: 'unknown', at: null, reason: null, source: null };
  return { state: answer.state, at: answer.at?.toISOString() ?? null, reason: (answer.reason ?? null) as VerdictOutput['revocation']['reason'], source: answer.source ?? null };
}

export function pathOutput({ trusted, verdict, certificates, policies }: JudgedPath): VerdictOutput['path'] {
  return {
    trusted, verdict, policies: [...policies],
    certificates: certificates.map(({ certificate, role, checks }) => ({
      id: certificate.id, title: titleOf(certificate), subject: certificate.subject.text, issuer: certificate.issuer.text, serial: certificate.serialText, notBefore: certificate.notBefore.date.toISOString(), notAfter: certificate.notAfter.date.toISOString(), role, checks: [...checks],
    })),
  };
}
