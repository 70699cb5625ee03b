import { createHash, randomBytes } from 'node:crypto';
import { asKeywrightError, KeywrightError, PERMISSIONS, type Face, type Permission, type Principal } from '../contract/index.ts';
import type { Storage, StorageTransaction } from '../storage/storage.ts';
import type { Ports } from './ports.ts';
import { jsonBytes, jsonOf } from './unit.ts';

const PREFIX = 'access/';
const DAY = 24 * 60 * 60 * 1000;
const LONGEST = 366 * DAY;
/** How long the last uses of tokens wait to be written down together: a process that is killed loses no more of them. */
const NOTE_USES_AFTER_MS = 60_000;
/** `kw_`, 8 characters of id, `_`, 43 of secret: 256 random bits. */
const TOKEN = /^kw_([a-z0-9]{8})_([A-Za-z0-9_-]{43})$/;
/** What the id of a token's principal begins with. */
const NAME = 'token:';

export interface Grant {
  readonly id: string;
  readonly name: string;
  readonly scope: Permission[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
}

interface StoredGrant extends Grant {
  /** SHA-256 of the token, hex. The token has 256 random bits, so that a slow hash would add nothing. */
  readonly hash: string;
}

/** Access tokens for programs: hashed at rest, scoped by permission, never longer than a year. */
export class Access {
  readonly #storage: Storage;
  readonly #log: Ports['log'];
  readonly #noteAfter: number;
  readonly #grants = new Map<string, StoredGrant>();
  readonly #lastUsed = new Map<string, string>();
  /** Tokens whose last use is not in the store yet. */
  #unnoted = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(storage: Storage, log: Ports['log'], noteAfter: number) {
    this.#storage = storage;
    this.#log = log;
    this.#noteAfter = noteAfter;
  }

  /** @param noteAfter milliseconds from the first use of a token to when it is written down. */
  static async open(storage: Storage, log: Ports['log'], noteAfter = NOTE_USES_AFTER_MS): Promise<Access> {
    const access = new Access(storage, log, noteAfter);
    let cursor: string | undefined;
    do {
      const page = await storage.list(PREFIX, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
      for (const { key } of page.items) {
        const record = await storage.get(key).catch(() => undefined); // damaged: reported by the store's own check; the token is void
        if (record !== undefined) access.#grants.set(key.slice(PREFIX.length), jsonOf<StoredGrant>(record));
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return access;
  }

  /** @returns the token, which is nowhere else, and the grant as listed. @throws PERMISSION_DENIED when the scope exceeds the granter's. */
  async grant(request: { name: string; scope: readonly Permission[]; expires: string }, granter: Principal, unit: StorageTransaction): Promise<{ token: string; grant: Grant; committed: () => void }> {
    const beyond = request.scope.filter((permission) => !granter.permissions.has(permission));
    if (beyond.length > 0) throw new KeywrightError('PERMISSION_DENIED', { detail: `You cannot grant what you do not have: ${beyond.join(', ')}.` });
    const id = randomBytes(8).toString('hex').slice(0, 8);
    const token = `kw_${id}_${randomBytes(32).toString('base64url')}`;
    const now = Date.now();
    const stored: StoredGrant = {
      id, name: request.name, scope: PERMISSIONS.filter((permission) => request.scope.includes(permission)), createdAt: new Date(now).toISOString(),
      expiresAt: new Date(expiry(request.expires, now)).toISOString(), lastUsedAt: null, hash: hashOf(token),
    };
    await unit.put(PREFIX + id, jsonBytes(stored), { ifRevision: 'absent' });
    return { token, grant: shown(stored), committed: () => this.#grants.set(id, stored) };
  }

  list(): Grant[] {
    return [...this.#grants.values()].map((grant) => ({ ...shown(grant), lastUsedAt: this.#lastUsed.get(grant.id) ?? grant.lastUsedAt }));
  }

  /** @throws NOT_FOUND */
  async revoke(id: string, unit: StorageTransaction): Promise<() => void> {
    if (!this.#grants.has(id)) throw new KeywrightError('NOT_FOUND', { detail: 'There is no such access token.', remedy: 'See `keywright access list`.' });
    await unit.delete(PREFIX + id, { ifRevision: 'any' });
    return () => this.#grants.delete(id);
  }

  /** @throws UNAUTHENTICATED, always in the same words. */
  authenticate(token: string, face: Face): Principal {
    const [, id] = TOKEN.exec(token) ?? [];
    const grant = id === undefined ? undefined : this.#grants.get(id);
    // Hashes are compared, which tells a guesser nothing of the token whatever the comparison's timing.
    if (grant === undefined || grant.hash !== hashOf(token) || (grant.expiresAt !== null && Date.parse(grant.expiresAt) <= Date.now())) {
      throw notValid();
    }
    this.#lastUsed.set(grant.id, new Date().toISOString());
    this.#unnoted.add(grant.id);
    this.#timer ??= setTimeout(() => void this.noteUses(), this.#noteAfter).unref();
    return { id: NAME + grant.id, name: grant.name, face, permissions: new Set(grant.scope), ...(grant.expiresAt === null ? {} : { expiresAt: Date.parse(grant.expiresAt) }) };
  }

  /** Looks again at a principal of {@link authenticate}, when its call begins. @throws UNAUTHENTICATED when its token has expired or was revoked since */
  requireValid({ id, expiresAt = Infinity }: Principal): void {
    if (expiresAt <= Date.now() || !this.#grants.has(id.slice(NAME.length))) throw notValid();
  }

  /** Writes down when tokens were used last, as far as that is not in the store yet. It never fails: what cannot be written waits for the next use. */
  async noteUses(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const ids = this.#unnoted;
    if (ids.size === 0) return;
    this.#unnoted = new Set();
    try {
      await this.#storage.transaction(async (tx) => {
        for (const id of ids) {
          const record = await tx.get(PREFIX + id).catch(() => undefined); // damaged: it stays as it is, to be told
          // A token that was revoked meanwhile stays so.
          if (record !== undefined) await tx.put(PREFIX + id, jsonBytes({ ...jsonOf<StoredGrant>(record), lastUsedAt: this.#lastUsed.get(id) ?? null }), { ifRevision: record.revision });
        }
      });
    } catch (thrown) {
      for (const id of ids) this.#unnoted.add(id);
      this.#log('warning', 'the last use of access tokens could not be noted', { operation: 'access.list', error: asKeywrightError(thrown) });
    }
  }
}

function notValid(): KeywrightError {
  return new KeywrightError('UNAUTHENTICATED', { detail: 'This access token is not valid: unknown, revoked or expired.', remedy: 'Make a new one with `keywright access grant`.' });
}

function shown({ hash: _hash, ...grant }: StoredGrant): Grant {
  return grant;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** @returns when a grant ends, in milliseconds: `12h`, `30d`, or an RFC 3339 time. @throws INVALID_INPUT */
function expiry(text: string, now: number): number {
  const [, amount, unit] = /^(\d{1,4})([hd])$/.exec(text) ?? [];
  const end = amount === undefined ? Date.parse(text) : now + Number(amount) * (unit === 'd' ? DAY : DAY / 24);
  if (!(end > now && end <= now + LONGEST)) {
    throw new KeywrightError('INVALID_INPUT', { detail: `“${text}” is not a time within the next 366 days.`, where: '/expires', remedy: 'Use 12h, 30d, or a time such as 2027-01-31T00:00:00Z.' });
  }
  return end;
}
