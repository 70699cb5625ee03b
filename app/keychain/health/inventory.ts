import type { HealthFinding } from '../../contract/index.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import { livingKeys } from '../handlers/certificate-records.ts';
import { isInUse } from '../handlers/key-findings.ts';
import { isPair, primary, type StoredKey } from '../inventory.ts';
import type { Session } from '../session.ts';
import { noCall, type Concern } from './concern.ts';
import type { LastCheck } from './notes.ts';

/** What keys and certificates ask for, told by what is in memory of them. */

const DAY = 86_400_000;
/** A key is told of so long before the trash destroys it. */
const LAST_DAYS_IN_TRASH = 7;
/** What was made after the last backup may wait so long for the next one. */
const BACKUP_MAY_WAIT = 7;
/** What lives for a shorter time than most is told of in the last part of it: a certificate for a day does not end soon from its first hour on. */
const LAST_PART = 1 / 3;
/** Names in one sentence. */
const MOST_NAMES = 5;

/** Whether something has ended, or ends within so many days and the last part of its time. @param begin RFC 3339, as `end` */
function endsSoon(begin: string, end: string, soon: number, now: number): boolean {
  const left = Date.parse(end) - now;
  return left <= soon * DAY && left <= (Date.parse(end) - Date.parse(begin)) * LAST_PART;
}

/** What the store as a whole is, counted while its keys are gone through. */
export interface Counted {
  readonly pairs: number;
  /** Living keys that are in this store and nowhere else. */
  readonly own: number;
  /** When the first of those was made, and the newest version of any. */
  readonly first: string | null;
  readonly newest: string | null;
  /** When a key or version was made last, wherever. */
  readonly changed: string | null;
}

/** @param soon how many days before its end something is told of. @returns what asks for attention, and what was counted on the way */
export function keyConcerns(session: Session, soon: number, now: number): { concerns: Concern[]; counted: Counted } {
  const [time, purgeTime] = [now, now + LAST_DAYS_IN_TRASH * DAY].map((at) => new Date(at).toISOString()) as [string, string];
  const concerns: Concern[] = [];
  let [pairs, own] = [0, 0];
  let [first, newest, changed]: [string | null, string | null, string | null] = [null, null, null];
  for (const key of session.inventory.all()) {
    if (key.trashedUntil !== null) {
      // Of a key in a token only the entry goes.
      if (key.hardware === null && key.trashedUntil <= purgeTime) concerns.push(purgedSoon(key, key.trashedUntil));
      continue;
    }
    const made = primary(key).createdAt;
    if (isPair(key)) pairs += 1;
    changed = later(changed, made);
    if (key.hardware === null) {
      own += 1;
      newest = later(newest, made);
      if (first === null || key.createdAt < first) first = key.createdAt;
    }
    if (key.state === 'compromised') concerns.push(...compromised(key, session));
    else if (key.state === 'active' && key.notAfter !== null && endsSoon(key.notBefore ?? key.createdAt, key.notAfter, soon, now)) concerns.push(keyEnds(key, key.notAfter, time));
  }
  return { concerns, counted: { pairs, own, first, newest, changed } };
}

const later = (known: string | null, at: string): string => (known === null || at > known ? at : known);

const aboutKey = ({ id, uri, label }: StoredKey): HealthFinding['about'] => ({ place: 'key', id, uri, label });
const aboutCertificate = ({ id, label }: StoredCertificate): HealthFinding['about'] => ({ place: 'certificate', id, uri: null, label });

function purgedSoon(key: StoredKey, until: string): Concern {
  return {
    level: 'note', code: 'key.purged-soon', about: aboutKey(key), since: null, until, from: 'known', detail: `It is in the trash, and is destroyed for good on ${until}.`,
    remedy: 'Take it out of the trash if anybody still needs it.', mend: (mender) => [mender.restoreKey(key)],
  };
}

function keyEnds(key: StoredKey, notAfter: string, now: string): Concern {
  const ended = notAfter < now;
  return {
    level: 'warning', code: ended ? 'key.ended' : 'key.ends-soon', about: aboutKey(key), since: ended ? notAfter : null, until: ended ? null : notAfter, from: 'known',
    detail: ended ? `Its validity ended on ${notAfter}: it acts no more.` : `Its validity ends on ${notAfter}: it will act no more.`, remedy: 'Give it a later end, or make another key and let this one go.', mend: noCall,
  };
}

/** A compromised key acts no more here; elsewhere its certificates still vouch for it. */
function compromised(key: StoredKey, { certificates }: Session): Concern[] {
  const living = key.versions.filter(({ retired }) => !retired).flatMap(({ fingerprint }) => certificates.allForKey(fingerprint)).filter(isInUse);
  const [certificate] = living;
  if (certificate === undefined) return [];
  const names = living.map(({ label }) => `“${label}”`);
  return [{
    level: 'problem', code: 'key.compromised', about: aboutKey(key), since: null, until: living.map(({ notAfter }) => notAfter).sort().at(-1) ?? null, from: 'known',
    detail: `It is compromised, and certificates for it are still valid: ${names.slice(0, MOST_NAMES).join(', ')}${names.length > MOST_NAMES ? ' …' : ''}.`, remedy: 'Have them revoked, and certificates issued for another key.',
    mend: (mender) => mender.newKey({ title: key.label, publicKey: primary(key).fingerprint, certificate: certificate.id, algorithm: key.algorithm }),
  }];
}

/** @returns what ends soon or has ended, without what is revoked, replaced or in the trash; and how many certificates there are, with when the newest came. */
export function certificateConcerns(session: Session, soon: number, now: number): { concerns: Concern[]; count: number; changed: string | null } {
  const time = new Date(now).toISOString();
  const concerns: Concern[] = [];
  let count = 0;
  let changed: string | null = null;
  for (const one of session.certificates.allKinds()) {
    if (one.trashedUntil !== null) continue;
    if (one.type === undefined) {
      count += 1;
      changed = later(changed, one.createdAt);
    }
    if (one.revoked !== null || !endsSoon(one.notBefore, one.notAfter, soon, now) || isReplaced(one, session)) continue;
    concerns.push(certificateEnds(one, time, session));
  }
  return { concerns, count, changed };
}

function certificateEnds(one: StoredCertificate, now: string, session: Session): Concern {
  const ended = one.notAfter < now;
  // Somebody else's certificate is theirs to renew.
  const ours = livingKeys(one.type === 'openssh' ? one.issuerId : one.publicKey, session).length > 0 || livingKeys(one.publicKey, session).length > 0;
  return {
    level: ended && ours ? 'problem' : 'warning', code: ended ? 'certificate.expired' : 'certificate.ends-soon', about: aboutCertificate(one), since: ended ? one.notAfter : null, until: ended ? null : one.notAfter, from: 'known',
    detail: ended ? `It ended on ${one.notAfter}.` : `It ends on ${one.notAfter}.`, remedy: 'Renew it (keywright certificates renew), or ask who issued it for a new one.',
    mend: (mender) => mender.mend({ kind: 'renew' }, { title: one.label, publicKey: one.publicKey, certificate: one.id, algorithm: null }, undefined),
  };
}

/** Whether another one for the same subject, names and purposes is valid for longer. */
function isReplaced(one: StoredCertificate, { certificates }: Session): boolean {
  const same = one.type === 'openssh' ? certificates.allForKey(one.publicKey).filter((other) => other.type === 'openssh' && other.issuerId === one.issuerId) : certificates.withSubject(one.subjectId);
  return same.some((other) => other.id !== one.id && other.notAfter > one.notAfter && isInUse(other) && whatFor(other) === whatFor(one));
}

const whatFor = ({ subject, names, purposes }: StoredCertificate): string => JSON.stringify([subject, [...names].sort(), [...purposes].sort()]);

/** @returns whether what the last check looked at is no longer what there is. */
export function changedSince({ at, keys, certificates }: LastCheck, counted: Counted, held: { readonly count: number; readonly changed: string | null }): boolean {
  return keys !== counted.pairs || certificates !== held.count || (counted.changed ?? '') > at || (held.changed ?? '') > at;
}

/** @returns that there is no backup, or none of what was made since. */
export function backupConcern(counted: Counted, backupAt: string | null, store: { readonly id: string; readonly name: string }, now: number): Concern[] {
  if (counted.own === 0) return [];
  const shared = {
    level: 'warning' as const, about: { place: 'store' as const, id: store.id, uri: null, label: store.name }, until: null, from: 'known' as const,
    remedy: 'Write one to a place away from this computer: without it, what is lost here is lost.', mend: ((mender) => [mender.backup(store.name)]) satisfies Concern['mend'],
  };
  if (backupAt === null) return [{ ...shared, code: 'store.no-backup', since: counted.first, detail: 'No backup of this store is known.' }];
  const old = (counted.newest ?? '') > backupAt && now - Date.parse(backupAt) > BACKUP_MAY_WAIT * DAY;
  return old ? [{ ...shared, code: 'store.backup-old', since: backupAt, detail: `The last backup is of ${backupAt}, and keys were made since.` }] : [];
}

