import { KeywrightError, type KeyRecord } from '../../contract/index.ts';
import { validityOf } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';
import { weaknessesOf } from '../inspector/weaknesses.ts';
import { isPair, primary, type StoredKey } from '../inventory.ts';
import { publicKeyOf } from './key-records.ts';

/** What is weak about a key that is held, told by its public part and by where else it is used. */

const LEVELS = { odd: 'warning', weak: 'warning', broken: 'problem' } as const;

export async function findingsOf(key: StoredKey, alsoAt: readonly string[], context: Context): Promise<NonNullable<KeyRecord['findings']>> {
  if (!isPair(key)) return [];
  const findings: NonNullable<KeyRecord['findings']> = (await publicPart(key, context)).map(({ level, ...same }) => ({ level: LEVELS[level], ...same }));
  const { certificates } = context.session;
  const subjects = new Set(certificates.forKey(primary(key).fingerprint).filter((one) => one.trashedUntil === null && one.revoked === null && validityOf(one) === 'valid').map(({ subject }) => subject));
  if (subjects.size > 1) findings.push({ level: 'warning', code: 'reused-key', detail: `Certificates of ${subjects.size} different subjects are for this key: what one of them loses, all lose.`, remedy: 'Give each a key of its own: keywright certificates renew NAME --new-key.' });
  if (alsoAt.length > 0) findings.push({ level: 'warning', code: 'several-places', detail: `The same key pair is in ${alsoAt.length + 1} places: it is as safe as the least safe of them.`, remedy: 'Delete the copies that are not needed.' });
  return findings;
}

/** A public key that cannot be read is for `store verify` to tell. */
async function publicPart(key: StoredKey, context: Context): Promise<ReturnType<typeof weaknessesOf>> {
  try {
    return weaknessesOf(await publicKeyOf(key, context));
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return [];
    throw thrown;
  }
}
