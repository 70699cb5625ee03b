import { type HygieneFinding, KeywrightError } from '../../contract/index.ts';
import type { Certificate } from '../../certificates/index.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';
import { lookAtAll, readWeakList } from '../hygiene/index.ts';
import { isPair, primary, type StoredKey, type StoredVersion } from '../inventory.ts';
import { livingKeys } from './certificate-records.ts';
import type { HandlersOf } from './handlers.ts';
import { isInUse, LEVELS, reusedKey, severalPlaces, type Told, weakKey, withActions } from './key-findings.ts';
import { publicKeyOf } from './key-records.ts';

/** What is weak about all that is held, and about keys together: `keys.check`. */

/** Names in one sentence. */
const MOST_NAMES = 5;
/** Records read between two looks at what else there is to do. */
const AT_ONCE = 64;
/** So many findings are remembered until the next check. */
const MOST_KEPT = 500;
const NO_LIST = 'Whether a key is one that Debian made in 2006 to 2008 (CVE-2008-0166), or one whose private part was published, only a list tells: give one with --weak-list.';

type ToldOf = Told & Pick<HygieneFinding, 'about'>;

/** Everything held that has a public key. */
interface Holder {
  readonly about: HygieneFinding['about'];
  readonly key?: StoredKey;
  /** Not the key's primary version, which acts still. */
  readonly old?: number;
  readonly certificate?: StoredCertificate;
}

interface Held {
  readonly spki: Uint8Array;
  readonly holders: Holder[];
}

export const keyCheckHandlers: Pick<HandlersOf<'keys'>, 'keys.check'> = {
  async 'keys.check'(input, context) {
    const { session, call, services } = context;
    if (services.about.kind === 'cli') await session.found.settled();
    const listed = input.weakList === undefined ? new Set<string>() : readWeakList(input.weakList);
    const keys = [...session.inventory.all()].filter((key) => isPair(key) && key.trashedUntil === null);
    const certificates = [...session.certificates.all()].filter(({ trashedUntil }) => trashedUntil === null);
    const held = new Map<string, Held>();
    const told: ToldOf[] = [];
    let unread = await collectKeys(keys, held, context);
    unread += await collectCertificates(certificates, held, told, context);
    const all = [...held.values()];
    const { weaknesses, sharedPrimes, sameModulus, compared } = await lookAtAll({ spkis: all.map(({ spki }) => spki), listed }, { signal: call.signal, progress: (done, total) => call.progress({ done, total }) });
    for (const [at, { holders }] of all.entries()) told.push(...byItself(holders, weaknesses[at]!, context), ...copies(holders, context));
    for (const group of sharedPrimes) told.push(...together(group.map((at) => all[at]!), 'shared-prime', context));
    for (const group of sameModulus) told.push(...together(group.map((at) => all[at]!), 'same-modulus', context));
    told.sort((a, b) => Number(a.level !== 'problem') - Number(b.level !== 'problem') || (a.about.label < b.about.label ? -1 : 1));
    const findings = await withActions(told.slice(0, Math.max(input.limit, MOST_KEPT)), context);
    const notes = [...(listed.size === 0 ? [NO_LIST] : []), ...(unread === 0 ? [] : [`${unread} public keys could not be read: run keywright store verify.`])];
    await session.health.checked({ at: new Date().toISOString(), keys: keys.length, certificates: certificates.length, compared, notes, findings: findings.slice(0, MOST_KEPT) });
    return {
      ok: told.every(({ level }) => level !== 'problem'), keys: keys.length, certificates: certificates.length, compared, total: told.length, findings: findings.slice(0, input.limit), notes,
    };
  },
};

/** @returns how many public keys could not be read. */
async function collectKeys(keys: readonly StoredKey[], held: Map<string, Held>, context: Context): Promise<number> {
  const versions = keys.flatMap((key) => key.versions.filter(({ retired }) => !retired).map((version) => ({ key, version })));
  return eachOf(versions, context, async ({ key, version }) => {
    const spki = await publicKeyOf(key, context, version.version);
    holdersOf(version.fingerprint!, spki, held).push({ about: { kind: 'key', id: key.id, uri: key.uri, label: key.label }, key, ...oldOf(key, version) });
  });
}

const oldOf = (key: StoredKey, { version }: StoredVersion): { old?: number } => (version === primary(key).version ? {} : { old: version });

async function collectCertificates(certificates: readonly StoredCertificate[], held: Map<string, Held>, told: ToldOf[], context: Context): Promise<number> {
  return eachOf(certificates, context, async (stored) => {
    const certificate = await context.session.certificates.read(stored.id);
    const about = { kind: 'certificate' as const, id: stored.id, uri: null, label: stored.label };
    holdersOf(stored.publicKey, certificate.spki, held).push({ about, certificate: stored });
    told.push(...ofCertificate(stored, certificate, context).map((finding) => ({ ...finding, about })));
  });
}

/** @returns how many were damaged: those are for `store verify` to tell. */
async function eachOf<T>(items: readonly T[], { call }: Context, take: (item: T) => Promise<void>): Promise<number> {
  let damaged = 0;
  for (let from = 0; from < items.length; from += AT_ONCE) {
    call.signal.throwIfAborted();
    await Promise.all(items.slice(from, from + AT_ONCE).map(async (item) => {
      try {
        await take(item);
      } catch (thrown) {
        if (!(thrown instanceof KeywrightError) || !['CORRUPT_RECORD', 'INVALID_INPUT'].includes(thrown.code)) throw thrown;
        damaged += 1;
      }
    }));
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  return damaged;
}

function holdersOf(fingerprint: string, spki: Uint8Array, held: Map<string, Held>): Holder[] {
  const known = held.get(fingerprint);
  if (known !== undefined) return known.holders;
  const holders: Holder[] = [];
  held.set(fingerprint, { spki, holders });
  return holders;
}

/** What is weak about a certificate apart from its key. */
function ofCertificate(stored: StoredCertificate, certificate: Certificate, { session }: Context): Told[] {
  if (stored.revoked !== null) return [];
  const subject = { title: stored.label, publicKey: stored.publicKey, certificate: stored.id, algorithm: null };
  const mend: Told['mend'] = (mender) => mender.mend({ kind: 'renew' }, subject, undefined);
  if (!isInUse(stored)) {
    const replaced = session.certificates.withSubject(stored.subjectId).some((other) => other.id !== stored.id && isInUse(other));
    const ended = Date.parse(stored.notAfter) < Date.now();
    return replaced || !ended ? [] : [{ level: 'warning', code: 'expired', detail: `It ended on ${stored.notAfter}.`, remedy: 'Renew it (keywright certificates renew), or ask who issued it for a new one.', mend }];
  }
  // Nobody relies on what a certificate says of itself.
  const weak = certificate.isSelfIssued ? undefined : certificate.signatureAlgorithm.weak;
  return weak === undefined ? [] : [{ level: 'warning', code: 'signature-weak', detail: weak, remedy: 'Have it issued anew with SHA-256.', mend }];
}

/** Of a key that is held, told of the key; else of each certificate for it. */
function byItself(holders: readonly Holder[], weak: Parameters<typeof weakKey>[1], context: Context): ToldOf[] {
  if (weak.length === 0) return [];
  return affected(holders).flatMap(({ about, key, old, certificate }): ToldOf[] => {
    if (certificate !== undefined && !isInUse(certificate)) return [];
    if (key !== undefined && old === undefined) return weakKey(key, weak, context).map((finding) => ({ ...finding, about }));
    return weak.filter(({ level }) => key === undefined || level === 'broken').map(({ level, code, detail }) => ({ level: LEVELS[level], code, detail, remedy: remedyOf(about, old), mend: async () => [], about }));
  });
}

/** @returns the keys; where none is held, the certificates. */
function affected(holders: readonly Holder[]): Holder[] {
  const keys = holders.filter(({ key }) => key !== undefined);
  return keys.length > 0 ? keys : [...holders];
}

function remedyOf({ label }: HygieneFinding['about'], old: number | undefined): string {
  return old === undefined ? 'The key is somebody else’s: tell who issued it, and rely on it no longer.' : `Retire that version: keywright keys update ${JSON.stringify(label)} --retire-version ${old}.`;
}

/** The same key pair in several places, or for several subjects. */
function copies(holders: readonly Holder[], context: Context): ToldOf[] {
  const keys = [...new Map(holders.flatMap(({ key, old }) => (key === undefined || old !== undefined ? [] : [[key.id, key] as const]))).values()];
  const [first] = keys;
  if (first !== undefined) {
    const about = { kind: 'key' as const, id: first.id, uri: first.uri, label: first.label };
    return [...severalPlaces(keys), ...reusedKey(first, context)].map((finding) => ({ ...finding, about }));
  }
  const bySubject = new Map(holders.flatMap(({ certificate, about }) => (certificate !== undefined && isInUse(certificate) && livingKeys(certificate.publicKey, context.session).length === 0 ? [[certificate.subjectId, about] as const] : [])));
  const [about] = bySubject.values();
  return bySubject.size < 2 ? [] : [{ level: 'warning', code: 'reused-key', detail: `Certificates of ${bySubject.size} different subjects are for this key: what one of them loses, all lose.`, remedy: 'Ask those who hold them to use a key of their own each.', mend: async () => [], about: about! }];
}

/** RSA keys of which one gives the others away. */
function together(group: readonly Held[], code: 'shared-prime' | 'same-modulus', context: Context): ToldOf[] {
  const names = [...new Set(group.flatMap(({ holders }) => affected(holders).map(({ about }) => `“${about.label}”`)))];
  const listed = `${names.slice(0, MOST_NAMES).join(', ')}${names.length > MOST_NAMES ? ' …' : ''}`;
  const detail = code === 'shared-prime' ? `It has a prime number in common with other keys: ${listed}. Anybody who has their public keys can compute all their private keys.` : `It has the same modulus as other keys, with another exponent: ${listed}. Who has one of their private keys has all.`;
  return group.flatMap(({ holders }) => affected(holders).map(({ about, key, old }): ToldOf => {
    if (key === undefined || old !== undefined) return { level: 'problem', code, detail, remedy: remedyOf(about, old), mend: async () => [], about };
    const [finding] = weakKey(key, [{ level: 'broken', code, detail, remedy: 'Generate a new key, with a program and on a computer that have good random numbers, and revoke the certificates of this one.' }], context);
    return { ...finding!, about };
  }));
}
