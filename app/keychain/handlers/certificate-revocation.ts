import { KeywrightError, type CertificateRecord, type CrlRecord } from '../../contract/index.ts';
import {
  type Certificate, evidenceAt, extensionInWords, readRevocationLists, type ReasonName, REASONS, type RevocationList, revocationOf, type RevokedCertificate, signRevocationList,
} from '../../certificates/index.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';
import { bytesOf } from '../files/places.ts';
import { authorityId, type StoredCrl } from '../revocation-store.ts';
import type { Session } from '../session.ts';
import { fetchLists } from './certificate-fetching.ts';
import { issuing } from './certificate-making.ts';
import { found } from './certificate-reference.ts';
import { certificateRecord, livingKeys, writeCertificate } from './certificate-records.ts';
import { exactlyOne } from './certificate-signing.ts';
import { fileNameOf } from './file-names.ts';
import type { HandlersOf } from './handlers.ts';

type Verb = 'revoke' | 'crl.create' | 'crl.import' | 'crl.show';
const MAX_LIST = 64 * 1024 * 1024;
const DAY = 86_400_000;
const SHOWN = 1000;

export const certificateRevocationHandlers: Pick<HandlersOf<'certificates'>, `certificates.${Verb}`> = {
  async 'certificates.revoke'(input, context) {
    const named = await found(input.certificate, context);
    const at = input.at ?? new Date().toISOString();
    if (input.serial !== undefined) return revokeUnknown(named, input.serial.replaceAll(/[: ]/g, '').toLowerCase().replace(/^0+(?=.)/, ''), input.reason, at, context);
    const authority = await authorityOf(named, context.session);
    const before = named.revoked;
    if (before !== null && before.reason !== 'certificate-hold') throw new KeywrightError('CONFLICT', { detail: `“${named.label}” was revoked on ${before.at.slice(0, 10)} (${before.reason}): that is for good.` });
    if (input.reason === 'remove-from-crl' && before === null) throw new KeywrightError('CONFLICT', { detail: `“${named.label}” is not on hold.` });
    const lifted = input.reason === 'remove-from-crl';
    const next = await writeCertificate(context, { ...named, revoked: lifted ? null : { at, reason: input.reason, source: 'authority' } });
    context.note(lifted ? 'taken off hold' : `revoked: ${input.reason}`);
    return {
      serial: named.serial, authority: authority.label, state: lifted ? 'not-revoked' : input.reason === 'certificate-hold' ? 'on-hold' : 'revoked', at: lifted ? null : at, reason: lifted ? null : input.reason, certificate: await certificateRecord(next, context.session),
    };
  },

  async 'certificates.crl.create'(input, context) {
    const { session } = context;
    if (input.delta && input.deltaUrl.length > 0) throw new KeywrightError('INVALID_INPUT', { detail: 'A delta says nothing of further deltas (RFC 5280 §5.2.6): the full list does.', where: '/deltaUrl' });
    const { certificate: issuer, stored, signer } = await issuing(input.certificate, input.algorithm, 'sign a revocation list', context);
    if (issuer.keyUsages?.includes('crl-sign') === false) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The key of “${stored.label}” may not sign revocation lists (RFC 5280 §4.2.1.3: crl-sign).` });
    const name = authorityId(stored);
    const { state, revision } = await session.revocations.authority(name);
    const revoked = await revokedBy(stored, session);
    const base = input.delta ? await lastFull(state.lastFull, stored, session) : undefined;
    const now = new Date(Math.floor(Date.now() / 1000) * 1000);
    const number = BigInt(state.crlNumber) + 1n;
    const list = await signRevocationList({
      issuer, number, ...(base?.number === undefined ? {} : { baseNumber: base.number }), thisUpdate: now, nextUpdate: new Date(now.getTime() + input.days * DAY), deltaUrls: input.deltaUrl, revoked: base === undefined ? revoked : changesSince(base, revoked),
    }, signer.algorithm, signer.sign);
    const kept = await session.revocations.put(list, 'made', context.keyCall.unit);
    await session.revocations.putAuthority(name, { ...state, crlNumber: number.toString(), lastFull: input.delta ? state.lastFull : list.id }, revision, context.keyCall.unit);
    const old = superseded(session.revocations.all(), kept, state.lastFull);
    for (const { id } of old) await session.revocations.remove(id, context.keyCall.unit);
    changed(context, [kept], old.map(({ id }) => id));
    context.note(`revocation list ${number}`);
    return { crl: crlRecord(kept, true), content: input.format === 'der' ? list.der : Buffer.from(list.toPem()), fileName: fileNameOf(stored.label, 'crl') };
  },

  async 'certificates.crl.import'(input, context) {
    const way = exactlyOne({ content: input.content, from: input.from, fetch: input.fetch }, 'Give a file, or a certificate whose distribution points shall be asked; exactly one.');
    const lists = way === 'fetch' ? await fetchLists(await context.session.certificates.read((await found(input.fetch!, context, '/fetch')).id), context) : readRevocationLists(await bytesOf(input.content, input.from, 'content', MAX_LIST, context));
    return keepLists(lists, way === 'fetch' ? 'fetched' : 'imported', context);
  },

  async 'certificates.crl.show'(input, context) {
    const { session } = context;
    const listed = await chosen(input.crl, context);
    if (input.format !== 'none' && listed.length !== 1) throw new KeywrightError('INVALID_INPUT', { detail: 'Name one list to have it as a file.', where: '/crl', alternatives: listed.map(({ id }) => id).slice(0, 20) });
    const crls = await Promise.all(listed.map(async (stored) => {
      const list = await session.revocations.read(stored.id);
      const issuers = session.certificates.all();
      const bySerial = new Map([...issuers].filter(({ issuer }) => issuer === stored.issuer).map((one) => [one.serial, one.id]));
      return {
        ...crlRecord(stored, await isVerified(list, session)), problems: [...list.faults],
        extensions: list.extensions.map(extensionInWords).map(({ name, critical, lines }) => ({ name, critical, lines })),
        revoked: list.entries.slice(0, SHOWN).map(({ serial, at, reason }) => ({ serial, at: at.toISOString(), reason: REASONS[reason] ?? 'unspecified', certificate: bySerial.get(serial) ?? null })),
      };
    }));
    if (input.format === 'none') return { crls };
    const list = await session.revocations.read(listed[0]!.id);
    return { crls, content: input.format === 'der' ? list.der : Buffer.from(list.toPem()) };
  },
};

/** @throws CAPABILITY_MISSING unless its issuer's key is held here */
async function authorityOf(certificate: StoredCertificate, session: Session): Promise<StoredCertificate> {
  if (certificate.selfSigned) throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${certificate.label}” issued itself: nobody could believe a revocation by the key that is revoked.`, remedy: 'Take its trust away (`keywright certificates update --no-trusted`), and tell those who trust it.' });
  const issuer = await session.certificates.issuerOf(certificate);
  if (issuer === undefined || livingKeys(issuer.publicKey, session).length === 0) throw new KeywrightError('CAPABILITY_MISSING', { detail: `Only who issued “${certificate.label}” can revoke it, and their key is not held here: ${certificate.issuer}.`, remedy: 'Ask them to revoke it.' });
  return issuer;
}

async function revokeUnknown(authority: StoredCertificate, serial: string, reason: ReasonName, at: string, context: Context) {
  const { session } = context;
  if (livingKeys(authority.publicKey, session).length === 0) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The key of “${authority.label}” is not held here.` });
  if ((await issuedBy(authority, session)).some((one) => one.serial === serial)) throw new KeywrightError('CONFLICT', { detail: 'A certificate with that serial number is held here.', remedy: 'Revoke it by its name.' });
  const name = authorityId(authority);
  const { state, revision } = await session.revocations.authority(name);
  const others = state.revoked.filter((one) => one.serial !== serial);
  const before = state.revoked.find((one) => one.serial === serial);
  if (before !== undefined && before.reason !== 'certificate-hold') throw new KeywrightError('CONFLICT', { detail: `The certificate was revoked on ${before.at.slice(0, 10)}: that is for good.` });
  const lifted = reason === 'remove-from-crl';
  if (lifted && before === undefined) throw new KeywrightError('CONFLICT', 'The certificate is not on hold.');
  await session.revocations.putAuthority(name, { ...state, revoked: lifted ? others : [...others, { serial, at, reason }] }, revision, context.keyCall.unit);
  context.subject(`certificate:${authority.id}`);
  context.note(`serial ${serial} ${lifted ? 'taken off hold' : `revoked: ${reason}`}`);
  return { serial, authority: authority.label, state: lifted ? 'not-revoked' as const : reason === 'certificate-hold' ? 'on-hold' as const : 'revoked' as const, at: lifted ? null : at, reason: lifted ? null : reason, certificate: null };
}

/** @returns certificates held here, the trash included, that an authority's key has signed. */
export async function issuedBy(authority: StoredCertificate, session: Session): Promise<StoredCertificate[]> {
  const issued: StoredCertificate[] = [];
  for (const one of session.certificates.all()) {
    if (one.selfSigned || one.issuerId !== authority.subjectId) continue;
    const issuer = await session.certificates.issuerOf(one);
    if (issuer?.publicKey === authority.publicKey) issued.push(one);
  }
  return issued;
}

export async function revokedBy(authority: StoredCertificate, session: Session): Promise<RevokedCertificate[]> {
  const { state } = await session.revocations.authority(authorityId(authority));
  const held = (await issuedBy(authority, session)).flatMap(({ serial, revoked }) => (revoked?.source === 'authority' ? [{ serial, at: new Date(revoked.at), reason: revoked.reason }] : []));
  return [...held, ...state.revoked.map(({ serial, at, reason }) => ({ serial, at: new Date(at), reason }))].sort((a, b) => a.at.getTime() - b.at.getTime());
}

async function lastFull(id: string | null, authority: StoredCertificate, session: Session): Promise<RevocationList> {
  if (id === null || session.revocations.get(id) === undefined) throw new KeywrightError('CONFLICT', { detail: `“${authority.label}” has made no full list yet that a delta could be over.`, remedy: 'Make a full list first.' });
  return session.revocations.read(id);
}

/** RFC 5280 §5.2.4: what is new, and what was on hold and is not any more. */
function changesSince(base: RevocationList, revoked: readonly RevokedCertificate[]): RevokedCertificate[] {
  const known = new Map(base.entries.map((entry) => [entry.serial, entry]));
  const now = new Set(revoked.map(({ serial }) => serial));
  const added = revoked.filter(({ serial, reason }) => REASONS[known.get(serial)?.reason ?? -1] !== reason);
  const lifted = base.entries.filter(({ serial, reason }) => reason === 6 && !now.has(serial)).map(({ serial }) => ({ serial, at: new Date(), reason: 'remove-from-crl' as const }));
  return [...added, ...lifted];
}

/** Lists of the same issuer that a newer one replaces: an older full list with its deltas. The last full one of our own stays as long as deltas may be over it. */
function superseded(all: readonly StoredCrl[], by: StoredCrl, lastFullId: string | null): StoredCrl[] {
  return all.filter(({ id, issuerName, origin, baseNumber, number }) => id !== by.id && issuerName === by.issuerName && origin === by.origin && number !== null && by.number !== null && BigInt(number) < BigInt(by.number)
    && (by.baseNumber === null ? true : baseNumber !== null) && !(by.baseNumber !== null && id === lastFullId));
}

function changed(context: Context, added: readonly StoredCrl[], removed: readonly string[]): void {
  context.committed(() => {
    context.session.revocations.applied(added, removed);
    context.services.events.emit({ type: 'certificates.changed' });
  });
}

function crlRecord({ id, issuer, number, baseNumber, thisUpdate, nextUpdate, entries, origin }: StoredCrl, verified: boolean | null): CrlRecord {
  const now = new Date().toISOString();
  return { id, issuer, number, baseNumber, thisUpdate, nextUpdate, entries, origin, verified, current: thisUpdate <= now && (nextUpdate === null || nextUpdate >= now) };
}

async function issuersOf(list: RevocationList, session: Session): Promise<{ stored: StoredCertificate; certificate: Certificate }[]> {
  const found = [];
  for (const stored of session.certificates.all()) {
    if (!stored.authority || stored.trashedUntil !== null || stored.subject !== list.issuer.text) continue;
    const certificate = await session.certificates.read(stored.id);
    if (certificate.subject.canonical === list.issuer.canonical) found.push({ stored, certificate });
  }
  return found;
}

async function isVerified(list: RevocationList, session: Session): Promise<boolean | null> {
  const issuers = await issuersOf(list, session);
  return issuers.length === 0 ? null : issuers.some(({ certificate }) => list.isSignedBy(certificate.key));
}

async function chosen(reference: string | undefined, context: Context): Promise<StoredCrl[]> {
  const { revocations, certificates } = context.session;
  const all = revocations.all().sort((a, b) => (a.issuer < b.issuer ? -1 : a.issuer > b.issuer ? 1 : a.thisUpdate < b.thisUpdate ? 1 : -1));
  if (reference === undefined) return all;
  const wanted = reference.toLowerCase();
  const byId = /^[0-9a-f]{8,64}$/.test(wanted) ? all.filter(({ id }) => id.startsWith(wanted)) : [];
  if (byId.length > 0) return byId;
  const authority = await certificates.read((await found(reference, context, '/crl')).id);
  const lists = all.filter(({ issuerName }) => issuerName === authority.subject.canonical);
  if (lists.length === 0) throw new KeywrightError('NOT_FOUND', { detail: `No revocation list of “${reference}” is held here.`, remedy: 'Make one (`keywright certificates crl create`), or import one.' });
  return lists;
}

/** Keeps lists, and marks the certificates held here that they revoke, where their signature is that of an issuer held here. */
async function keepLists(lists: readonly RevocationList[], origin: 'imported' | 'fetched', context: Context): Promise<{ crls: CrlRecord[]; revoked: CertificateRecord[] }> {
  const { session } = context;
  const kept: StoredCrl[] = [];
  const crls: CrlRecord[] = [];
  const revoked: CertificateRecord[] = [];
  for (const list of lists) {
    const issuers = await issuersOf(list, session);
    const signer = issuers.find(({ certificate }) => list.isSignedBy(certificate.key));
    if (issuers.length > 0 && signer === undefined) throw new KeywrightError('INVALID_INPUT', { detail: `The revocation list of ${list.issuer.text} is not signed by the key of the issuer that is held here.`, where: '/content' });
    const stored = await session.revocations.put(list, origin, context.keyCall.unit);
    kept.push(stored);
    crls.push(crlRecord(stored, signer === undefined ? null : true));
    if (signer === undefined) continue;
    for (const one of await issuedBy(signer.stored, session)) {
      if (one.revoked?.source === 'authority') continue;
      const answer = revocationOf(await session.certificates.read(one.id), signer.certificate, evidenceAt(new Date(), signer.certificate, { crls: [list], ocsp: [] }));
      if (answer.state !== 'revoked' || one.revoked !== null) continue;
      const next = await writeCertificate(context, { ...one, revoked: { at: (answer.at ?? new Date()).toISOString(), reason: (answer.reason ?? 'unspecified') as ReasonName, source: 'crl' } });
      revoked.push(await certificateRecord(next, session));
    }
  }
  changed(context, kept, []);
  return { crls, revoked };
}
