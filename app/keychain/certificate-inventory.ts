import { because, KeywrightError, type CertificateRecord } from '../contract/index.ts';
import type { Certificate, CertificateFacts } from '../certificates/index.ts';
import type { SshCertificate } from '../signing/ssh-certificate.ts';
import type { TokenSlot } from '../keystore/tokens.ts';
import type { ListedRecord, Storage, StorageTransaction } from '../storage/storage.ts';
import { jsonBytes } from './unit.ts';

/** What the keychain keeps of a certificate. It is the record's summary too, so that no record needs opening to list or search. */
export interface StoredCertificate extends CertificateFacts {
  /** Absent: X.509. Of these `issuerId` is the fingerprint of the authority's key. */
  readonly type?: 'openssh';
  readonly label: string;
  readonly tags: readonly string[];
  readonly trusted: boolean;
  readonly origin: CertificateRecord['origin'];
  /** It was put into this store; false for what is in tokens alone. */
  readonly kept: boolean;
  readonly tokens: readonly TokenPlace[];
  readonly revoked: { readonly at: string; readonly reason: NonNullable<NonNullable<CertificateRecord['revocation']>['reason']>; readonly source: 'authority' | 'crl' | 'ocsp' } | null;
  readonly createdAt: string;
  readonly trashedUntil: string | null;
  /** Counts the writes. */
  readonly change: number;
}

/** On hold, it may be valid again. */
export function isRevokedForGood({ revoked }: StoredCertificate): boolean {
  return revoked !== null && revoked.reason !== 'certificate-hold';
}

interface TokenPlace { readonly token: string; readonly title: string; readonly slot: string }

export const CERTIFICATE_PREFIX = 'certificates/';
/** DER, by id. */
const CERTIFICATE_BYTES_PREFIX = 'certificate-bytes/';

interface Entry {
  readonly certificate: StoredCertificate;
  readonly revision: string;
  readonly haystack: string;
}

/** What reads certificates is loaded when one is read: listing needs no more than the summaries. */
const reader = (): Promise<typeof import('../certificates/index.ts')> => import('../certificates/index.ts');

/** All certificates, in memory while the store is unlocked: listed, searched and joined to keys and issuers without opening a record. */
export class CertificateInventory {
  readonly #storage: Storage;
  readonly #byId = new Map<string, Entry>();
  readonly #byPublicKey = new Map<string, Set<string>>();
  readonly #bySubject = new Map<string, Set<string>>();
  /** The issuer of each that was asked for. A change drops them all. */
  readonly #issuers = new Map<string, string | null>();

  constructor(storage: Storage, records: Iterable<ListedRecord>) {
    this.#storage = storage;
    for (const { summary, revision } of records) this.#add(summary as unknown as StoredCertificate, revision);
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): StoredCertificate | undefined {
    return this.#byId.get(id)?.certificate;
  }

  /** Those of X.509. */
  *all(): IterableIterator<StoredCertificate> {
    for (const { certificate } of this.#byId.values()) if (certificate.type === undefined) yield certificate;
  }

  /** Those of OpenSSH too. */
  *allKinds(): IterableIterator<StoredCertificate> {
    for (const { certificate } of this.#byId.values()) yield certificate;
  }

  /** @returns certificates of X.509 for a public key, `SHA256:` and hex of its SubjectPublicKeyInfo. */
  forKey(publicKey: string | null): StoredCertificate[] {
    return this.allForKey(publicKey).filter(({ type }) => type === undefined);
  }

  /** Those of OpenSSH too. */
  allForKey(publicKey: string | null): StoredCertificate[] {
    return publicKey === null ? [] : this.#of(this.#byPublicKey.get(publicKey));
  }

  /** @returns certificates whose subject is the name that has this id. */
  withSubject(subjectId: string): StoredCertificate[] {
    return this.#of(this.#bySubject.get(subjectId));
  }

  ofToken(token: string): StoredCertificate[] {
    return [...this.all()].filter(({ tokens }) => tokens.some((place) => place.token === token));
  }

  has(certificate: StoredCertificate, words: readonly string[]): boolean {
    const haystack = this.#byId.get(certificate.id)?.haystack ?? '';
    return words.every((word) => haystack.includes(word));
  }

  /** @throws CORRUPT_RECORD when its bytes are missing or no certificate any more, CAPABILITY_MISSING for one of OpenSSH */
  async read(id: string): Promise<Certificate> {
    const stored = this.get(id);
    if (stored?.type === 'openssh') throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${stored.label}” is an OpenSSH certificate, and this is for those of X.509.`, remedy: 'Show, renew, export or delete it; for anything else name a certificate of X.509.' });
    const { Certificate } = await reader();
    return parsed(id, await this.#bytes(id), (bytes) => new Certificate(bytes));
  }

  /** @returns an OpenSSH certificate and its blob. @throws CORRUPT_RECORD */
  async readSsh(id: string): Promise<{ certificate: SshCertificate; blob: Uint8Array }> {
    const blob = await this.#bytes(id);
    const { readSshCertificate } = await import('../signing/ssh-certificate.ts');
    return { blob, certificate: await parsed(id, blob, readSshCertificate) };
  }

  async #bytes(id: string): Promise<Uint8Array> {
    const record = await this.#storage.get(CERTIFICATE_BYTES_PREFIX + id);
    if (record === undefined) throw damaged(id);
    return record.value;
  }

  /**
   * @param reference an id, the beginning of one, a fingerprint, a label, a common name or a subject when it is unique.
   * @throws NOT_FOUND; INVALID_INPUT for one that fits several, with their ids
   */
  resolve(reference: string, where = '/certificate'): StoredCertificate {
    const hex = reference.replace(/^sha256:/i, '').replaceAll(/[:\s]/g, '').toLowerCase();
    const exact = this.get(hex);
    if (exact !== undefined) return exact;
    const wanted = reference.toLowerCase();
    const begins = /^[0-9a-f]{8,63}$/.test(hex) ? [...this.allKinds()].filter(({ id }) => id.startsWith(hex)) : [];
    const named = [...this.allKinds()].filter(({ label }) => label === reference);
    const loosely = named.length > 0 ? named : [...this.allKinds()].filter(({ label, subject }) => label.toLowerCase() === wanted || subject.toLowerCase().replaceAll(', ', ',') === wanted.replaceAll(', ', ','));
    const found = begins.length > 0 ? begins : loosely;
    // One in the trash does not make the label of another ambiguous.
    const living = found.filter(({ trashedUntil }) => trashedUntil === null);
    const candidates = living.length > 0 ? living : found;
    const [only] = candidates;
    if (only === undefined) throw new KeywrightError('NOT_FOUND', because('certificate.unknown', { name: reference }));
    if (candidates.length > 1) throw new KeywrightError('INVALID_INPUT', { ...because('certificate.ambiguous', { count: candidates.length, name: reference }), where, alternatives: candidates.slice(0, 20).map(({ id }) => id) });
    return only;
  }

  /** @returns the certificate held here whose key signed this one; its validity and rights are not judged. */
  async issuerOf(certificate: StoredCertificate): Promise<StoredCertificate | undefined> {
    if (certificate.selfSigned) return certificate;
    if (certificate.type === 'openssh') return undefined; // its authority is a key, without a certificate of its own
    const known = this.#issuers.get(certificate.id);
    if (known !== undefined) return known === null ? undefined : this.get(known);
    const candidates = this.withSubject(certificate.issuerId).filter(({ id, trashedUntil }) => id !== certificate.id && trashedUntil === null)
      .sort((a, b) => Number(b.trusted) - Number(a.trusted) || (a.notAfter < b.notAfter ? 1 : -1));
    let found: StoredCertificate | undefined;
    if (candidates.length > 0) {
      const own = await this.read(certificate.id);
      for (const candidate of candidates.slice(0, 50)) {
        if (!own.isSignedBy(await this.read(candidate.id))) continue;
        found = candidate;
        break;
      }
    }
    this.#issuers.set(certificate.id, found?.id ?? null);
    return found;
  }

  /** Writes a new or changed certificate into the call's unit; {@link applied} makes it visible once that has committed. */
  async put(certificate: StoredCertificate, unit: StorageTransaction, der?: Uint8Array): Promise<StoredCertificate> {
    const before = this.#byId.get(certificate.id);
    const next: StoredCertificate = { ...certificate, change: (before?.certificate.change ?? 0) + 1 };
    if (der !== undefined && before === undefined) await unit.put(CERTIFICATE_BYTES_PREFIX + certificate.id, der, { ifRevision: 'any' });
    await unit.put(CERTIFICATE_PREFIX + certificate.id, jsonBytes(next), { ifRevision: before?.revision ?? 'absent', summary: next as never });
    return next;
  }

  async remove(id: string, unit: StorageTransaction): Promise<void> {
    await unit.delete(CERTIFICATE_PREFIX + id, { ifRevision: this.#byId.get(id)?.revision ?? 'any' });
    await unit.delete(CERTIFICATE_BYTES_PREFIX + id, { ifRevision: 'any' });
  }

  /** A committed write. `undefined`: the certificate is gone. */
  applied(id: string, written: { certificate: StoredCertificate; revision: string } | undefined): void {
    this.#drop(id);
    if (written !== undefined) this.#add(written.certificate, written.revision);
    this.#issuers.clear();
  }

  /**
   * Makes the certificates of a token what its slots hold. @returns what changed, for {@link applied} after the commit; undefined: gone.
   * What is no certificate in a slot is passed over: the token's own view says so.
   */
  async enterFound(token: { readonly id: string; readonly title: string }, slots: readonly TokenSlot[], unit: StorageTransaction): Promise<{ id: string; certificate: StoredCertificate | undefined }[]> {
    const held = new Map<string, { certificate: Certificate; places: TokenPlace[] }>();
    if (this.ofToken(token.id).length === 0 && slots.every(({ certificate }) => certificate === null)) return [];
    const { newCertificate, readable } = await import('./new-certificates.ts');
    for (const { slot, certificate: der } of slots) {
      const certificate = der === null ? undefined : readable(der);
      if (certificate === undefined) continue;
      const known = held.get(certificate.id) ?? { certificate, places: [] };
      known.places.push({ token: token.id, title: token.title, slot });
      held.set(certificate.id, known);
    }
    const changed: { id: string; certificate: StoredCertificate | undefined }[] = [];
    for (const [id, { certificate, places }] of held) {
      const before = this.get(id);
      const tokens = [...(before?.tokens.filter((place) => place.token !== token.id) ?? []), ...places];
      if (before !== undefined && JSON.stringify(before.tokens) === JSON.stringify(tokens)) continue;
      const next = before === undefined ? newCertificate(certificate, { origin: 'found', kept: false, trusted: false, tags: [], tokens }) : { ...before, tokens };
      changed.push({ id, certificate: await this.put(next, unit, certificate.der) });
    }
    for (const before of this.ofToken(token.id)) {
      if (held.has(before.id)) continue;
      const tokens = before.tokens.filter((place) => place.token !== token.id);
      if (tokens.length > 0 || before.kept) changed.push({ id: before.id, certificate: await this.put({ ...before, tokens }, unit) });
      else {
        await this.remove(before.id, unit);
        changed.push({ id: before.id, certificate: undefined });
      }
    }
    return changed;
  }

  #of(ids: ReadonlySet<string> | undefined): StoredCertificate[] {
    return ids === undefined ? [] : [...ids].map((id) => this.#byId.get(id)!.certificate);
  }

  #add(certificate: StoredCertificate, revision: string): void {
    const { id, label, subject, issuer, names, tags, serial, tokens } = certificate;
    const haystack = [label, subject, issuer, ...names, ...tags, serial, `sha256:${id}`, ...tokens.map(({ title }) => title)].join('\n').toLowerCase();
    this.#byId.set(id, { certificate, revision, haystack });
    addTo(this.#byPublicKey, certificate.publicKey, id);
    addTo(this.#bySubject, certificate.subjectId, id);
  }

  #drop(id: string): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    this.#byId.delete(id);
    this.#byPublicKey.get(entry.certificate.publicKey)?.delete(id);
    this.#bySubject.get(entry.certificate.subjectId)?.delete(id);
  }
}

const damaged = (id: string, cause?: unknown): KeywrightError =>
  new KeywrightError('CORRUPT_RECORD', { detail: 'The bytes of a certificate are missing or damaged.', where: CERTIFICATE_BYTES_PREFIX + id, remedy: 'Run `keywright store verify`, and restore a backup.', cause });

async function parsed<T>(id: string, bytes: Uint8Array, parse: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
  try {
    return await parse(bytes);
  } catch (cause) {
    throw damaged(id, cause);
  }
}

function addTo(map: Map<string, Set<string>>, key: string, id: string): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, new Set([id]));
  else known.add(id);
}

export function validityOf({ notBefore, notAfter }: Pick<StoredCertificate, 'notBefore' | 'notAfter'>, now = Date.now()): CertificateRecord['validity'] {
  return Date.parse(notBefore) > now ? 'not-yet-valid' : Date.parse(notAfter) < now ? 'expired' : 'valid';
}
