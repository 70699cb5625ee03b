import { KeywrightError, type KeyFinding } from '../../contract/index.ts';
import { validityOf, type StoredCertificate } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';
import type { Finding } from '../inspector/finding.ts';
import { weaknessesOf } from '../inspector/weaknesses.ts';
import { isPair, primary, type StoredKey } from '../inventory.ts';
import { publicKeyOf } from './key-records.ts';

/** What is weak about a key that is held, told by its public part and by where else it is used. */

const LEVELS = { odd: 'warning', weak: 'warning', broken: 'problem' } as const;
/** More buttons than this help nobody. */
const MOST_ACTIONS = 5;

/** @param others that hold the same key pair */
export async function findingsOf(key: StoredKey, others: readonly StoredKey[], context: Context): Promise<KeyFinding[]> {
  if (!isPair(key)) return [];
  const weak = await weaknesses(key, context);
  const shared = sharedBy(key, context);
  if (weak.length + shared.length + others.length === 0) return [];
  // What finds out about actions brings half of the contract along: few keys need it.
  const { Mender } = await import('../mending.ts');
  const mender = new Mender(context.session);
  const findings: KeyFinding[] = [];
  const subject = { title: key.label, publicKey: primary(key).fingerprint, certificate: certificateOf(key, context)?.id ?? null, algorithm: key.algorithm };
  for (const { level, code, detail, remedy } of weak) findings.push({ level: LEVELS[level], code, detail, remedy, mendedBy: await mender.newKey(subject) });
  if (shared.length > 0) {
    const mendedBy = (await Promise.all(shared.slice(1, 1 + MOST_ACTIONS).map((certificate) => mender.renewWithNewKey(certificate)))).flat();
    findings.push({ level: 'warning', code: 'reused-key', detail: `Certificates of ${shared.length} different subjects are for this key: what one of them loses, all lose.`, remedy: 'Give each a key of its own: keywright certificates renew NAME --new-key.', mendedBy });
  }
  if (others.length > 0) {
    const labels = new Set([key, ...others].map(({ label }) => label));
    const detail = `The same key pair is in ${others.length + 1} places${labels.size > 1 ? `, under the names ${[...labels].slice(0, 5).map((label) => `“${label}”`).join(', ')}` : ''}: it is as safe as the least safe of them.`;
    findings.push({ level: 'warning', code: 'several-places', detail, remedy: 'Delete the copies that are not needed.', mendedBy: others.slice(0, MOST_ACTIONS).flatMap((other) => mender.trash(other)) });
  }
  return findings;
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

const isInUse = (one: StoredCertificate): boolean => one.trashedUntil === null && one.revoked === null && validityOf(one) === 'valid';

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
