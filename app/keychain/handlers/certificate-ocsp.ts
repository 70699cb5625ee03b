import { createHash, randomBytes } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import {
  type Certificate, type CertificateId, evidenceAt, isIssuer, type OcspAnswer, ocspFailure, type OcspRequest, OCSP_STATUSES, parseOcspRequest, parseOcspResponse, PURPOSE_OIDS, readCertificates, revocationOf, signOcspResponse,
} from '../../certificates/index.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';
import type { Session } from '../session.ts';
import { askResponder } from './certificate-fetching.ts';
import { revocationOutput } from './certificate-judging.ts';
import { issuing } from './certificate-making.ts';
import { livingKeys } from './certificate-records.ts';
import { found } from './certificate-reference.ts';
import { issuedBy, revokedBy } from './certificate-revocation.ts';
import type { HandlersOf } from './handlers.ts';

/** OCSP (RFC 6960): asking, and answering for the authorities whose keys are held here. */

type Verb = 'ocsp.check' | 'ocsp.respond' | 'ocsp.answer';
const HOUR = 3_600_000;
/** An answer that is given again is signed anew once so much of its time is over. */
const REUSED = 0.5;
const MOST_KEPT = 10_000;

export const certificateOcspHandlers: Pick<HandlersOf<'certificates'>, `certificates.${Verb}`> = {
  async 'certificates.ocsp.check'(input, context) {
    const { session } = context;
    if ((input.certificate === undefined) === (input.content === undefined)) throw new KeywrightError('INVALID_INPUT', { detail: 'Name a certificate that is held here, or give a file: one of the two.', where: '/certificate' });
    const given = input.content === undefined ? [await session.certificates.read((await found(input.certificate!, context)).id)] : readCertificates(input.content);
    const certificate = given[0]!;
    const issuer = await issuerFor(certificate, [...given.slice(1), ...(input.issuer === undefined ? [] : readCertificates(input.issuer))], session);
    const nonce = input.response === undefined && input.nonce ? randomBytes(32) : undefined;
    const der = input.response ?? (await askResponder(certificate, issuer, input.url, nonce, context));
    const response = parseOcspResponse(der);
    if (response.status !== 0) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The responder answers with “${OCSP_STATUSES[response.status] ?? response.status}”, and says nothing of the certificate.` });
    if (nonce !== undefined && response.nonce !== undefined && !Buffer.from(response.nonce).equals(nonce)) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'The response repeats another nonce than was sent: it answers another question, or is an old one.' });
    const at = input.at === undefined ? new Date() : new Date(input.at);
    const answer = revocationOf(certificate, issuer, evidenceAt(at, issuer, { crls: [], ocsp: [response] }));
    const single = response.responses.find(({ id }) => id.serial === certificate.serialText);
    return {
      good: answer.state === 'good', revocation: revocationOutput(answer), verdict: answer.notes.join(' '), thisUpdate: single?.thisUpdate.toISOString() ?? null, nextUpdate: single?.nextUpdate?.toISOString() ?? null,
      responder: response.responder === undefined ? null : 'name' in response.responder ? response.responder.name.text : `key ${Buffer.from(response.responder.keyHash).toString('hex')}`,
      nonce: nonce === undefined ? 'not-sent' : response.nonce === undefined ? 'missing' : 'fits', response: der,
    };
  },

  async 'certificates.ocsp.respond'(input, context) {
    const request = readRequest(input.request);
    if (request === undefined) return failed(1);
    const authority = await found(input.certificate, context);
    const issuer = await context.session.certificates.read(authority.id);
    if (!request.ids.some((id) => isIssuer(id, issuer))) return failed(6);
    const responder = input.responder === undefined ? authority : await found(input.responder, context, '/responder');
    const { response, answers } = await answered(request, authority, issuer, responder, input.hours, context);
    return { response, status: OCSP_STATUSES[0]!, answers };
  },

  async 'certificates.ocsp.answer'(input, context) {
    const { session } = context;
    const request = readRequest(input.request);
    const malformed = request === undefined || (request.nonce !== undefined && (request.nonce.length === 0 || request.nonce.length > 128));
    if (malformed) return { ...failed(1), seconds: 0 };
    const authority = await authorityFor(request.ids[0]!, session);
    if (authority === undefined) return { ...failed(6), seconds: 0 };
    const { stored, issuer } = authority;
    const responder = (await appointed(stored, issuer, session)) ?? stored;
    const states = await statesOf(request, stored, issuer, session);
    // Who asks with a nonce wants an answer of its own; the others can have the same one, as long as it still says the same.
    const name = createHash('sha256').update(JSON.stringify([responder.id, input.hours, states])).update(Buffer.concat(request.ids.map(({ der }) => der))).digest('hex');
    const kept = keptOf(session);
    const now = Date.now();
    const before = request.nonce === undefined ? kept.get(name) : undefined;
    if (before !== undefined && before.until > now) return { response: before.response, status: OCSP_STATUSES[0]!, answers: before.answers, seconds: Math.floor((before.until - now) / 1000) };
    const { response, answers } = await answered(request, stored, issuer, responder, input.hours, context);
    const until = now + input.hours * HOUR * REUSED;
    if (request.nonce === undefined) {
      kept.delete(name);
      kept.set(name, { response, answers, until });
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
    }
    return { response, status: OCSP_STATUSES[0]!, answers, seconds: request.nonce === undefined ? Math.floor((until - now) / 1000) : 0 };
  },
};

interface Kept { readonly response: Buffer; readonly answers: { serial: string; state: OcspAnswer['state'] }[]; readonly until: number }
const KEPT = new WeakMap<Session, Map<string, Kept>>();

function keptOf(session: Session): Map<string, Kept> {
  let kept = KEPT.get(session);
  if (kept === undefined) KEPT.set(session, (kept = new Map()));
  return kept;
}

/** @returns undefined for what is no request */
function readRequest(bytes: Uint8Array): OcspRequest | undefined {
  try {
    return parseOcspRequest(bytes);
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return undefined;
    throw thrown;
  }
}

const failed = (status: number) => ({ response: ocspFailure(status), status: OCSP_STATUSES[status]!, answers: [] });

async function answered(request: OcspRequest, authority: StoredCertificate, issuer: Certificate, responder: StoredCertificate, hours: number, context: Context) {
  const { certificate: signer, signer: key } = await issuing(responder.id, undefined, 'answer an OCSP request', context);
  const delegate = signer.id !== issuer.id;
  if (delegate && (!signer.isSignedBy(issuer) || signer.extendedKeyUsages?.includes(PURPOSE_OIDS.ocsp) !== true)) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The responder was not appointed by “${authority.label}”: it needs a certificate of the profile ocsp from it (RFC 6960 §4.2.2.2).` });
  const answers = await statesOf(request, authority, issuer, context.session);
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  const nonce = request.nonce !== undefined && request.nonce.length <= 128 ? request.nonce : undefined;
  const response = await signOcspResponse({ answers: answers.map((answer, index) => ({ ...answer, id: request.ids[index]! })), nonce, thisUpdate: now, nextUpdate: new Date(now.getTime() + hours * HOUR), signer, delegate }, key.algorithm, key.sign);
  return { response, answers: answers.map(({ state }, index) => ({ serial: request.ids[index]!.serial, state })) };
}

/** What is known of each certificate that is asked about: one that was never issued is unknown, and never good. */
async function statesOf(request: OcspRequest, authority: StoredCertificate, issuer: Certificate, session: Session): Promise<Omit<OcspAnswer, 'id'>[]> {
  const revoked = new Map((await revokedBy(authority, session)).map((one) => [one.serial, one]));
  const known = new Set((await issuedBy(authority, session)).map(({ serial }) => serial));
  return request.ids.map((id) => {
    if (!isIssuer(id, issuer)) return { state: 'unknown' as const };
    const entry = revoked.get(id.serial);
    return entry !== undefined ? { state: 'revoked' as const, at: entry.at, reason: entry.reason } : { state: known.has(id.serial) ? ('good' as const) : ('unknown' as const) };
  });
}

/** @returns the authority that a request is about, if its key is held here. */
async function authorityFor(id: CertificateId, session: Session): Promise<{ stored: StoredCertificate; issuer: Certificate } | undefined> {
  for (const stored of session.certificates.all()) {
    if (!stored.authority || stored.trashedUntil !== null || stored.revoked !== null || livingKeys(stored.publicKey, session).length === 0) continue;
    const issuer = await session.certificates.read(stored.id);
    if (isIssuer(id, issuer)) return { stored, issuer };
  }
  return undefined;
}

/** @returns the responder with the latest end that an authority has appointed (RFC 6960 §4.2.2.2) and whose key is held here. */
async function appointed(authority: StoredCertificate, issuer: Certificate, session: Session): Promise<StoredCertificate | undefined> {
  const now = new Date().toISOString();
  const candidates = [...session.certificates.all()].filter((one) => one.purposes.includes('ocsp') && one.issuerId === authority.subjectId && one.trashedUntil === null && one.revoked === null && one.notBefore <= now && one.notAfter > now && livingKeys(one.publicKey, session).length > 0);
  for (const one of candidates.sort((a, b) => (a.notAfter < b.notAfter ? 1 : -1))) if ((await session.certificates.read(one.id)).isSignedBy(issuer)) return one;
  return undefined;
}

async function issuerFor(certificate: Certificate, given: readonly Certificate[], session: Session): Promise<Certificate> {
  const among = given.find((candidate) => candidate.subject.canonical === certificate.issuer.canonical && certificate.isSignedBy(candidate));
  if (among !== undefined) return among;
  for (const stored of session.certificates.all()) {
    if (!stored.authority || stored.subject !== certificate.issuer.text) continue;
    const candidate = await session.certificates.read(stored.id);
    if (candidate.subject.canonical === certificate.issuer.canonical && certificate.isSignedBy(candidate)) return candidate;
  }
  throw new KeywrightError('NOT_FOUND', { detail: `Who issued the certificate is not held here: ${certificate.issuer.text}.`, where: '/issuer', remedy: 'Give the issuer’s certificate (--issuer).' });
}
