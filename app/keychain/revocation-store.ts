import { KeywrightError } from '../contract/index.ts';
import type { Certificate, ReasonName, RevocationList } from '../certificates/index.ts';
import type { ListedRecord, Storage, StorageTransaction } from '../storage/storage.ts';
import type { StoredCertificate } from './certificate-inventory.ts';
import type { Session } from './session.ts';
import { jsonBytes, jsonOf } from './unit.ts';

/** Revocation lists that are held here, and what an authority of ours keeps of its own: the number of its last list, and what it revoked without holding it. */

export const CRL_PREFIX = 'crls/';
const AUTHORITY_PREFIX = 'authorities/';

export interface StoredCrl {
  readonly id: string;
  readonly issuer: string;
  /** Canonical name of the issuer. */
  readonly issuerName: string;
  readonly number: string | null;
  readonly baseNumber: string | null;
  readonly thisUpdate: string;
  readonly nextUpdate: string | null;
  readonly entries: number;
  readonly origin: 'made' | 'imported' | 'fetched';
}

/** State of an authority: name and key make it, so that its renewed certificates go on where the old ones were. */
interface AuthorityState {
  readonly crlNumber: string;
  /** Id of its last full list. */
  readonly lastFull: string | null;
  readonly revoked: readonly { readonly serial: string; readonly at: string; readonly reason: ReasonName }[];
}

const NOTHING: AuthorityState = { crlNumber: '0', lastFull: null, revoked: [] };

export class RevocationStore {
  readonly #storage: Storage;
  readonly #lists = new Map<string, StoredCrl>();
  readonly #parsed = new Map<string, RevocationList>();

  constructor(storage: Storage, records: Iterable<ListedRecord>) {
    this.#storage = storage;
    for (const { summary } of records) {
      const list = summary as unknown as StoredCrl;
      this.#lists.set(list.id, list);
    }
  }

  all(): StoredCrl[] {
    return [...this.#lists.values()];
  }

  get(id: string): StoredCrl | undefined {
    return this.#lists.get(id);
  }

  /** @throws CORRUPT_RECORD */
  async read(id: string): Promise<RevocationList> {
    const known = this.#parsed.get(id);
    if (known !== undefined) return known;
    const record = await this.#storage.get(CRL_PREFIX + id);
    if (record === undefined) throw new KeywrightError('CORRUPT_RECORD', { detail: 'A revocation list is missing from the store.', where: CRL_PREFIX + id, remedy: 'Run `keywright store verify`, and restore a backup.' });
    const list = new (await import('../certificates/index.ts')).RevocationList(record.value);
    this.#parsed.set(id, list);
    if (this.#parsed.size > 32) this.#parsed.delete(this.#parsed.keys().next().value!);
    return list;
  }

  async put(list: RevocationList, origin: StoredCrl['origin'], unit: StorageTransaction): Promise<StoredCrl> {
    const stored: StoredCrl = {
      id: list.id, issuer: list.issuer.text, issuerName: list.issuer.canonical, number: list.number?.toString() ?? null, baseNumber: list.baseNumber?.toString() ?? null,
      thisUpdate: list.thisUpdate.toISOString(), nextUpdate: list.nextUpdate?.toISOString() ?? null, entries: list.entries.length, origin,
    };
    await unit.put(CRL_PREFIX + list.id, list.der, { ifRevision: 'any', summary: stored as never });
    return stored;
  }

  async remove(id: string, unit: StorageTransaction): Promise<void> {
    await unit.delete(CRL_PREFIX + id, { ifRevision: 'any' });
  }

  /** A committed write. */
  applied(added: readonly StoredCrl[], removed: readonly string[] = []): void {
    for (const id of removed) {
      this.#lists.delete(id);
      this.#parsed.delete(id);
    }
    for (const list of added) this.#lists.set(list.id, list);
  }

  async authority(id: string, unit: Pick<StorageTransaction, 'get'> = this.#storage): Promise<{ state: AuthorityState; revision: string | undefined }> {
    const record = await unit.get(AUTHORITY_PREFIX + id);
    return record === undefined ? { state: NOTHING, revision: undefined } : { state: jsonOf<AuthorityState>(record), revision: record.revision };
  }

  async putAuthority(id: string, state: AuthorityState, revision: string | undefined, unit: StorageTransaction): Promise<void> {
    await unit.put(AUTHORITY_PREFIX + id, jsonBytes(state), { ifRevision: revision ?? 'absent' });
  }
}

/** @returns the name of an authority's own state. */
export function authorityId({ subjectId, publicKey }: Pick<StoredCertificate, 'subjectId' | 'publicKey'>): string {
  return `${subjectId}-${publicKey.replace(/^SHA256:/, '')}`;
}

/** @returns lists that may say something of a certificate's path, parsed. */
export async function listsFor(certificates: readonly Certificate[], store: RevocationStore): Promise<RevocationList[]> {
  const issuers = new Set(certificates.map(({ issuer }) => issuer.canonical));
  const now = new Date().toISOString();
  const wanted = store.all().filter(({ issuerName, nextUpdate }) => issuers.has(issuerName) && (nextUpdate === null || nextUpdate >= now));
  return Promise.all(wanted.map(({ id }) => store.read(id)));
}

/** Removes a certificate for good; that an authority of ours has revoked it stays with the authority, so that its lists go on saying so. */
export async function forgetStored(stored: StoredCertificate, session: Pick<Session, 'certificates' | 'revocations'>, unit: StorageTransaction): Promise<void> {
  const { revoked, serial } = stored;
  const issuer = revoked?.source === 'authority' ? await session.certificates.issuerOf(stored) : undefined;
  if (issuer !== undefined && revoked !== null) {
    const id = authorityId(issuer);
    const { state, revision } = await session.revocations.authority(id);
    await session.revocations.putAuthority(id, { ...state, revoked: [...state.revoked.filter((one) => one.serial !== serial), { serial, at: revoked.at, reason: revoked.reason }] }, revision, unit);
  }
  await session.certificates.remove(stored.id, unit);
}
