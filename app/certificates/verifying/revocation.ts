import { createHash } from 'node:crypto';
import type { Certificate } from '../reading/certificate.ts';
import type { RevocationList, RevokedEntry } from '../reading/crl.ts';
import { type DistributionPoint, distributionPoints, EXTENSION } from '../reading/extensions.ts';
import { generalNameText } from '../reading/general-names.ts';
import { canonicalBelow, type Name } from '../reading/names.ts';
import { DerReader } from '../../formats/der.ts';
import type { CertificateId, OcspResponse, SingleResponse } from '../reading/ocsp.ts';
import { PURPOSE_OIDS } from '../reading/oids.ts';
import { verifySigned } from '../signatures.ts';
import { REASONS } from '../words/extensions.ts';
import { Work } from './work.ts';

/** What revocation lists (RFC 5280 §6.3) and OCSP responses (RFC 6960 §3.2) say of a certificate: good, revoked, or unknown. Unknown is never good. */

export interface RevocationAnswer {
  readonly state: 'good' | 'revoked' | 'unknown';
  readonly at: Date | undefined;
  readonly reason: string | undefined;
  readonly source: 'crl' | 'ocsp' | undefined;
  /** A sentence each: who said so, and why others do not count. */
  readonly notes: readonly string[];
  /** Until when it holds, if it says so. */
  readonly nextUpdate: Date | undefined;
}

export interface Evidence {
  readonly crls: readonly RevocationList[];
  readonly ocsp: readonly OcspResponse[];
  readonly at: Date;
  /** From up to when lists and responses may be; `at` or later. */
  readonly until: Date;
  /** Whether a revocation at that time, for that reason, is one at the time that is judged. */
  counts(when: Date, reason: string): boolean;
  /** Signatures by algorithms that must not be relied on any more count. */
  readonly allowWeak: boolean;
  /** What binds issuers of TLS certificates is refused where a list does not keep it. */
  readonly strict: boolean;
  /** @returns whose key may have signed a list, each with a path to the same root. */
  signersOf(crl: RevocationList): readonly Certificate[];
  /** @returns whether that key signed the list, or the certificate of an OCSP responder. */
  signed(what: RevocationList | Certificate, by: Certificate): boolean;
}

/** Evidence for a verdict about the time `at` itself. @param issuer who alone may have signed a list */
export const evidenceAt = (at: Date, issuer: Certificate, lists: Pick<Evidence, 'crls' | 'ocsp'>): Evidence => ({ ...lists, at, until: at, counts: () => true, allowWeak: false, strict: false, signed: (what, by) => new Work().signed(what, by), signersOf: (crl) => (crl.issuer.canonical === issuer.subject.canonical ? [issuer] : []) });

/** Seconds by which clocks may differ. */
const SKEW = 300_000;
/** A response without an end counts for so long (RFC 6960 §4.2.2.1 leaves it to the client). */
const WITHOUT_END = 7 * 86_400_000;

/** @param issuer the certificate whose key signed `certificate`, itself verified by the caller. */
export function revocationOf(certificate: Certificate, issuer: Certificate, evidence: Evidence): RevocationAnswer {
  const notes: string[] = [];
  const byOcsp = evidence.ocsp.flatMap((response) => ocspAnswer(certificate, issuer, response, evidence, notes) ?? []);
  const byCrl = crlAnswer(certificate, evidence, notes);
  const answers = [...byOcsp, ...(byCrl === undefined ? [] : [byCrl])];
  const found = answers.find(({ state }) => state === 'revoked') ?? answers.find(({ state }) => state === 'good');
  return found === undefined ? { state: 'unknown', at: undefined, reason: undefined, source: undefined, notes: notes.length === 0 ? ['Nobody who may say so has said anything of its revocation.'] : notes, nextUpdate: undefined } : { ...found, notes: [...found.notes, ...notes] };
}

/** All reasons but `unspecified`, bits 1 to 8 of RFC 5280 §4.2.1.13. */
const ALL_REASONS = [1, 2, 3, 4, 5, 6, 7, 8];

function crlAnswer(certificate: Certificate, evidence: Evidence, notes: string[]): RevocationAnswer | undefined {
  const { crls } = evidence;
  const covered = new Set<number>();
  let latest: RevocationList | undefined;
  const usable = crls.filter((crl) => {
    const why = unusable(crl, certificate, evidence);
    if (why !== undefined && (crl.issuer.canonical === certificate.issuer.canonical || crl.point?.indirect === true)) notes.push(`A revocation list of ${crl.issuer.text || 'nobody'}${crl.number === undefined ? '' : ` (number ${crl.number})`} does not count: ${why}.`);
    return why === undefined;
  });
  const complete = usable.filter(({ baseNumber }) => baseNumber === undefined);
  for (const crl of complete) {
    const reasons = reasonsCovered(crl, certificate);
    const deltas = usable.filter((delta) => completes(delta, crl)).sort((a, b) => (a.number! < b.number! ? 1 : -1));
    let entry: RevokedEntry | undefined;
    try {
      entry = deltas[0]?.entryFor(certificate.serialText, certificate.issuer.canonical) ?? crl.entryFor(certificate.serialText, certificate.issuer.canonical);
    } catch (thrown) {
      notes.push(`A revocation list does not count: ${thrown instanceof Error ? thrown.message : 'it cannot be read.'}`);
      continue;
    }
    // remove-from-crl takes a certificate off hold.
    if (entry !== undefined && entry.reason !== 8) {
      const reason = REASONS[entry.reason] ?? 'unspecified';
      if (!evidence.counts(entry.at, reason)) notes.push(laterNote(entry.at, reason));
      else return { state: 'revoked', at: entry.at, reason, source: 'crl', notes: [`Revoked on ${entry.at.toISOString()} (${reason}), says the revocation list of ${crl.issuer.text}.`], nextUpdate: crl.nextUpdate };
    }
    for (const bit of reasons) covered.add(bit);
    if (latest === undefined || crl.thisUpdate > latest.thisUpdate) latest = crl;
  }
  if (latest === undefined) return undefined;
  if (!ALL_REASONS.every((bit) => covered.has(bit))) {
    notes.push('The revocation lists do not cover all reasons (RFC 5280 §6.3.3 (l)).');
    return undefined;
  }
  return { state: 'good', at: undefined, reason: undefined, source: 'crl', notes: [`Not revoked, says the revocation list of ${latest.issuer.text} from ${latest.thisUpdate.toISOString()}.`], nextUpdate: latest.nextUpdate };
}

/** RFC 5280 §5.2.4: a delta is put upon a complete list of its scope, from its base on and older than itself. */
const completes = (delta: RevocationList, crl: RevocationList): boolean =>
  delta.baseNumber !== undefined && delta.number !== undefined && crl.number !== undefined && crl.number >= delta.baseNumber && delta.number > crl.number && samePoint(delta, crl);
const samePoint = (one: RevocationList, other: RevocationList): boolean => {
  const scope = ({ issuer, point }: RevocationList): string => JSON.stringify([point === undefined ? [] : [...pointNames(point, issuer)], point?.onlyUsers ?? false, point?.onlyAuthorities ?? false, point?.indirect ?? false, point?.reasons ?? null]);
  return one.issuer.canonical === other.issuer.canonical && scope(one) === scope(other);
};

/** RFC 5280 §6.3.3 (b), (f), (g). @returns why a list says nothing of this certificate, or undefined */
function unusable(crl: RevocationList, certificate: Certificate, { at, until, strict, allowWeak, signersOf, signed }: Evidence): string | undefined {
  const points = pointsFor(crl, certificate);
  if (points.length === 0) return crl.point?.indirect === true ? 'it is of another issuer' : 'it is of another issuer, and does not say that it is for several (RFC 5280 §5.2.5)';
  const [fault] = [...crl.faults, ...(strict ? crl.profileFaults : [])];
  if (fault !== undefined) return fault.replace(/\.$/, '');
  if (crl.signatureAlgorithm.weak !== undefined && !allowWeak) return `its signature is weak: ${crl.signatureAlgorithm.weak.replace(/\.$/, '')}`;
  const named = signersOf(crl);
  if (named.length === 0) return 'no certificate of who signed it has a path to this root';
  const signers = named.filter((one) => signed(crl, one));
  if (signers.length === 0) return 'its signature is not the issuer’s';
  if (!signers.some(({ keyUsages }) => keyUsages?.includes('crl-sign') !== false)) return 'the issuer’s key may not sign revocation lists (RFC 5280 §4.2.1.3)';
  if (crl.thisUpdate.getTime() > until.getTime() + SKEW) return `it is from ${crl.thisUpdate.toISOString()}, later than the time asked for`;
  if (crl.nextUpdate !== undefined && crl.nextUpdate < at) return `it ended on ${crl.nextUpdate.toISOString()}`;
  // Who has ended may have been dropped from later lists (RFC 5280 §3.3).
  if (crl.thisUpdate > certificate.notAfter.date) return 'it is from after the end of the certificate';
  return outOfScope(crl, certificate, points, strict);
}

/** RFC 5280 §6.3.3 (b)(2). */
function outOfScope({ point, issuer }: RevocationList, certificate: Certificate, points: readonly DistributionPoint[], strict: boolean): string | undefined {
  if (point === undefined) return undefined;
  const authority = certificate.basicConstraints?.ca === true;
  if (strict && point.indirect) return 'it is for several issuers, which TLS does not allow (CA/Browser Forum baseline requirements §7.2.2.1)';
  if (strict && point.names.some(({ kind }) => kind !== 'uri')) return 'its distribution point is named by something other than a URI (CA/Browser Forum baseline requirements §7.2.2.1)';
  if (point.onlyAttributes) return 'it is for attribute certificates alone';
  if (point.onlyUsers && authority) return 'it is not for authorities';
  if (point.onlyAuthorities && !authority) return 'it is for authorities alone';
  if (!point.named) return undefined;
  const wanted = pointNames(point, issuer);
  if (points.some((one) => [...pointNames(one, issuer)].some((name) => wanted.has(name)))) return undefined;
  return pointsOf(certificate).length === 0 ? 'it is for one distribution point, and the certificate names none (RFC 5280 §6.3.3 (b)(2))' : 'it is for another distribution point than the certificate names (RFC 5280 §6.3.3 (b)(2))';
}

function pointsOf(certificate: Certificate): readonly DistributionPoint[] {
  return certificate.lenient(EXTENSION.crlDistributionPoints, distributionPoints) ?? [];
}

/** @returns the points of a certificate that a list may be for, by its issuer (RFC 5280 §6.3.3 (b)(1)); for a list by the certificate's own issuer, also the point that has its name, which every certificate has without saying so. */
function pointsFor({ issuer, point }: RevocationList, certificate: Certificate): readonly DistributionPoint[] {
  const own = issuer.canonical === certificate.issuer.canonical;
  const named = pointsOf(certificate).filter(({ crlIssuer }) => (crlIssuer.length === 0 ? own : point?.indirect === true && crlIssuer.some((name) => name.kind === 'dir' && name.name.canonical === issuer.canonical)));
  return own ? [...named, { names: [{ kind: 'dir', name: certificate.issuer }], relative: undefined, reasons: undefined, crlIssuer: [] }] : named;
}

/** Full names of a point, those relative to the issuer of the list too (RFC 5280 §4.2.1.13); names of the same person as one text. */
function pointNames({ names, relative, crlIssuer = [] }: Pick<DistributionPoint, 'names' | 'relative'> & Partial<DistributionPoint>, issuer: Name): ReadonlySet<string> {
  if (relative !== undefined) return new Set([`dir:${canonicalBelow(issuer, relative)}`]);
  return new Set((names.length === 0 ? crlIssuer : names).map((name) => (name.kind === 'dir' ? `dir:${name.name.canonical}` : generalNameText(name))));
}

function reasonsCovered(crl: RevocationList, certificate: Certificate): readonly number[] {
  const own = crl.point?.reasons ?? ALL_REASONS;
  const points = pointsOf(certificate).filter(({ reasons }) => reasons !== undefined);
  // Without a distribution point that limits them, the list's own reasons count.
  if (points.length === 0 || crl.point?.reasons === undefined) return own;
  const asked = new Set(points.flatMap(({ reasons }) => reasons ?? []));
  return own.filter((bit) => asked.has(bit));
}

/** @returns the identifier's hashes, for comparing with what a response names. */
export function isAbout(id: CertificateId, certificate: Pick<Certificate, 'serialText'>, issuer: Certificate): boolean {
  return id.serial === certificate.serialText && isIssuer(id, issuer);
}

/** @returns whether a CertID names this issuer (RFC 6960 §4.1.1): hashes of its name and of its public key. False for a hash that we do not have. */
export function isIssuer({ hash, nameHash, keyHash }: CertificateId, issuer: Certificate): boolean {
  if (!['sha1', 'sha256', 'sha384', 'sha512'].includes(hash)) return false;
  return createHash(hash).update(issuer.subject.der).digest().equals(nameHash) && createHash(hash).update(keyBits(issuer.spki)).digest().equals(keyHash);
}

/** Content of the BIT STRING of the key, without its count of unused bits. */
export function keyBits(spki: Uint8Array): Uint8Array {
  const info = new DerReader(spki).enter('the public key');
  info.next('the algorithm');
  return info.bits('the key');
}

function ocspAnswer(certificate: Certificate, issuer: Certificate, response: OcspResponse, evidence: Evidence, notes: string[]): RevocationAnswer | undefined {
  const single = response.responses.find(({ id }) => isAbout(id, certificate, issuer));
  if (single === undefined) return undefined;
  const why = ocspProblem(single, response, issuer, evidence);
  if (why !== undefined) {
    notes.push(`An OCSP response does not count: ${why}.`);
    return undefined;
  }
  const { status, revokedAt, reason, thisUpdate, nextUpdate } = single;
  const by = `an OCSP response from ${thisUpdate.toISOString()}`;
  if (status === 'unknown') {
    notes.push(`The responder does not know the certificate, says ${by}.`);
    return undefined;
  }
  const name = reason === undefined ? 'unspecified' : (REASONS[reason] ?? 'unspecified');
  if (status === 'revoked' && revokedAt !== undefined && !evidence.counts(revokedAt, name)) return { state: 'good', at: undefined, reason: undefined, source: 'ocsp', nextUpdate, notes: [laterNote(revokedAt, name)] };
  return {
    state: status, at: revokedAt, reason: status === 'revoked' ? name : undefined, source: 'ocsp', nextUpdate,
    notes: [status === 'good' ? `Not revoked, says ${by}.` : `Revoked on ${revokedAt?.toISOString()} (${name}), says ${by}.`],
  };
}

const laterNote = (when: Date, reason: string): string => `Revoked on ${when.toISOString()} (${reason}), which is after the time that counts here.`;

/** RFC 6960 §3.2, §4.2.2.2. @returns why a response does not count, or undefined */
function ocspProblem(single: SingleResponse, response: OcspResponse, issuer: Certificate, { at, until, allowWeak, signed }: Evidence): string | undefined {
  const [fault] = [...response.faults, ...single.faults];
  if (fault !== undefined) return fault.replace(/\.$/, '');
  if (single.thisUpdate.getTime() > until.getTime() + SKEW) return `it is from ${single.thisUpdate.toISOString()}, later than the time asked for`;
  const end = single.nextUpdate ?? new Date(single.thisUpdate.getTime() + WITHOUT_END);
  if (end.getTime() + SKEW < at.getTime()) return `it ended on ${end.toISOString()}`;
  if (response.signatureAlgorithm?.weak !== undefined && !allowWeak) return 'its signature is weak';
  const signers = [issuer, ...response.certificates].filter((candidate) => isResponder(candidate, response));
  const signer = signers.find((candidate) => verifySigned(candidate.key, response.signatureAlgorithm!, response.tbs, response.signature));
  if (signer === undefined) return 'its signature is not that of the responder that it names';
  if (signer.id === issuer.id || signer.publicKeyId === issuer.publicKeyId) return undefined;
  // A delegate must have been issued by the very authority, for this purpose.
  if (signer.issuer.canonical !== issuer.subject.canonical || !signed(signer, issuer)) return 'its signer was not appointed by the issuer of the certificate (RFC 6960 §4.2.2.2)';
  if (signer.extendedKeyUsages?.includes(PURPOSE_OIDS.ocsp) !== true) return 'its signer may not sign OCSP responses (RFC 6960 §4.2.2.2)';
  if (signer.faults.length > 0 || (signer.signatureAlgorithm.weak !== undefined && !allowWeak) || (signer.key.problem !== undefined && !(allowWeak && signer.key.outdated === true))) return 'the certificate of its signer is weak or faulty';
  const when = new Date(Math.max(at.getTime(), single.thisUpdate.getTime()));
  if (signer.notBefore.date > when || signer.notAfter.date < when) return 'the certificate of its signer is not valid at that time';
  return undefined;
}

function isResponder(candidate: Certificate, { responder }: OcspResponse): boolean {
  if (responder === undefined) return false;
  if ('name' in responder) return responder.name.canonical === candidate.subject.canonical;
  return createHash('sha1').update(keyBits(candidate.spki)).digest().equals(responder.keyHash);
}
