import { KeywrightError, type KeyFinding, type Mending } from '../../contract/index.ts';
import { validityOf, type StoredCertificate } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';
import type { Finding } from '../inspector/finding.ts';
import { weaknessesOf } from '../inspector/weaknesses.ts';
import { isPair, primary, type StoredKey } from '../inventory.ts';
import type { Mender } from '../mending.ts';
import { publicKeyOf } from './key-records.ts';

/** What is weak about a key that is held, told by its public part and by where else it is used. */

export const LEVELS = { odd: 'warning', weak: 'warning', broken: 'problem' } as const;
/** More buttons than this help nobody. */
const MOST_ACTIONS = 5;

/** A finding whose actions are found out when somebody is shown it. */
export interface Told extends Omit<KeyFinding, 'mendedBy'> {
  mend(mender: Mender): Promise<Mending[]>;
}

/** @param others that hold the same key pair */
export async function findingsOf(key: StoredKey, others: readonly StoredKey[], context: Context): Promise<KeyFinding[]> {
  if (!isPair(key)) return [];
  const told = [...weakKey(key, await weaknesses(key, context), context), ...reusedKey(key, context), ...severalPlaces([key, ...others])];
  return told.length === 0 ? [] : withActions(told, context);
}

/** @returns the findings as every face gives them. */
export async function withActions<F extends Told>(told: readonly F[], { session, call }: Context): Promise<(Omit<F, 'mend'> & { mendedBy: Mending[] })[]> {
  // What finds out about actions brings half of the contract along: few keys need it.
  const { Mender } = await import('../mending.ts');
  const mender = new Mender(session);
  const findings: (Omit<F, 'mend'> & { mendedBy: Mending[] })[] = [];
  for (const { mend, ...finding } of told) {
    call.signal.throwIfAborted();
    findings.push({ ...finding, mendedBy: await mend(mender) });
  }
  return findings;
}

/** What is weak about a key by itself. */
export function weakKey(key: StoredKey, weak: readonly Finding[], context: Context): Told[] {
  const subject = { title: key.label, publicKey: primary(key).fingerprint, certificate: certificateOf(key, context)?.id ?? null, algorithm: key.algorithm };
  return weak.map(({ level, code, detail, remedy }) => ({ level: LEVELS[level], code, detail, remedy, mend: (mender) => mender.newKey(subject) }));
}

/** That certificates of different subjects are for one key. */
export function reusedKey(key: StoredKey, context: Context): Told[] {
  const shared = sharedBy(key, context);
  return shared.length === 0 ? [] : [{
    level: 'warning', code: 'reused-key', detail: `Certificates of ${shared.length} different subjects are for this key: what one of them loses, all lose.`, remedy: 'Give each a key of its own: keywright certificates renew NAME --new-key.',
    mend: async (mender) => (await Promise.all(shared.slice(1, 1 + MOST_ACTIONS).map((certificate) => mender.renewWithNewKey(certificate)))).flat(),
  }];
}

/** That a key pair is held more than once. @param keys that hold it, the one it is told of first */
export function severalPlaces(keys: readonly StoredKey[]): Told[] {
  if (keys.length < 2) return [];
  const labels = new Set(keys.map(({ label }) => label));
  const detail = `The same key pair is in ${keys.length} places${labels.size > 1 ? `, under the names ${[...labels].slice(0, 5).map((label) => `“${label}”`).join(', ')}` : ''}: it is as safe as the least safe of them.`;
  return [{ level: 'warning', code: 'several-places', detail, remedy: 'Delete the copies that are not needed.', mend: async (mender) => keys.slice(1, 1 + MOST_ACTIONS).flatMap((other) => mender.trash(other)) }];
}

/** A public key that cannot be read is for `store verify` to tell. */
async function weaknesses(key: StoredKey, context: Context): Promise<Finding[]> {
  try {
    return weaknessesOf(await publicKeyOf(key, context));
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return [];
    throw thrown;
  }
}

export const isInUse = (one: StoredCertificate): boolean => one.trashedUntil === null && one.revoked === null && validityOf(one) === 'valid';

/** @returns the key's certificate, where it has one alone. */
function certificateOf(key: StoredKey, { session: { certificates } }: Context): StoredCertificate | undefined {
  const own = certificates.forKey(primary(key).fingerprint).filter(isInUse);
  return own.length === 1 ? own[0] : undefined;
}

/**
 * @returns certificates of different subjects for one version of the key, one a subject, the oldest first; none when they have one subject. One that was made anew with another key is no
 * longer in use, although it is valid still.
 */
function sharedBy(key: StoredKey, { session: { certificates } }: Context): StoredCertificate[] {
  for (const { fingerprint, retired } of key.versions.toReversed()) {
    if (retired) continue;
    const bySubject = new Map<string, StoredCertificate>();
    for (const one of certificates.forKey(fingerprint).filter(isInUse)) {
      const replaced = certificates.withSubject(one.subjectId).some((other) => other.publicKey !== one.publicKey && other.issuerId === one.issuerId && other.createdAt > one.createdAt && isInUse(other));
      if (!replaced) bySubject.set(one.subjectId, one);
    }
    if (bySubject.size > 1) return [...bySubject.values()].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }
  return [];
}
