import { hash } from 'node:crypto';
import { KeywrightError, type Core, type Face, type Principal, type Refusal } from '../contract/index.ts';

/** How long a verified token is taken as verified. Its expiry, changes of tokens, locking and another store end it at once. */
const REMEMBER_MS = 10_000;
const MOST_REMEMBERED = 1000;
/** Refusals of one peer within the window that are answered and audited one by one. */
const FREE_REFUSALS = 20;
const WINDOW_MS = 60_000;
const MOST_PEERS = 10_000;
/** What a timer can wait at most. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Remembered {
  readonly principal: Principal;
  readonly until: number;
}

interface Peer {
  refusals: number;
  until: number;
}

/**
 * Who is calling, for every face that is spoken to from outside (REST now; gRPC, QUIC and MCP alike). A face hands over
 * what it was given and learns the principal, or that there is none; what is refused is audited here.
 *
 * A peer that is refused too often is slowed down by refusing it in one more way, and never by refusing whoever shows a
 * valid token: on a shared machine all peers have one address, and a hostile one must not shut out the others. Guessing
 * is hopeless anyway (256 bits); what is protected is the audit trail.
 */
export class Authenticator {
  readonly #core: Core;
  readonly #remembered = new Map<string, Remembered>();
  readonly #peers = new Map<string, Peer>();
  readonly #revoked = new Set<() => void>();
  /** Counts what voids tokens, so that a verification that was under way meanwhile is not remembered. */
  #generation = 0;
  readonly #unsubscribe: () => void;

  constructor(core: Core) {
    this.#core = core;
    this.#unsubscribe = core.subscribe(({ type }) => {
      if (type !== 'access.changed' && type !== 'store.changed') return;
      this.#generation += 1;
      this.#remembered.clear();
      // After whoever listens to the same event was told of it.
      queueMicrotask(() => {
        for (const listener of this.#revoked) listener();
      });
    });
  }

  /** @returns the principal of an `Authorization` header that was verified lately; undefined: ask {@link authenticate}. */
  known(authorization: string | undefined, face: Face): Principal | undefined {
    if (authorization === undefined) return undefined;
    const found = this.#remembered.get(nameOf(authorization, face));
    return found !== undefined && found.until > Date.now() ? found.principal : undefined;
  }

  /**
   * @param authorization the `Authorization` header: `Bearer TOKEN` (RFC 6750 §2.1).
   * @param peer the other side's address, to slow it down.
   * @param request what was asked for, without query and secrets: `GET /v1/keys`.
   * @throws UNAUTHENTICATED, STORE_LOCKED, RATE_LIMITED
   */
  async authenticate(authorization: string | undefined, face: Face, peer: string, request: string): Promise<Principal> {
    const token = /^Bearer +([\w.~+/=-]{1,500})$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) {
      const why = authorization === undefined ? 'No access token was given.' : 'The Authorization header holds no bearer token.';
      throw await this.refuse(peer, { face, code: 'UNAUTHENTICATED', request, reason: why }, 'Send “Authorization: Bearer TOKEN”, with a token made by `keywright access grant`.');
    }
    const generation = this.#generation;
    try {
      const principal = await this.#core.authenticate(token, face);
      if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
      if (generation === this.#generation) this.#remembered.set(nameOf(authorization ?? '', face), { principal, until: Math.min(Date.now() + REMEMBER_MS, principal.expiresAt ?? Infinity) });
      return principal;
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError) || thrown.code !== 'UNAUTHENTICATED') throw thrown;
      throw await this.refuse(peer, { face, code: 'UNAUTHENTICATED', request, reason: thrown.facts.detail }, thrown.facts.remedy);
    }
  }

  /**
   * Audits a refusal and counts it against its peer.
   * @returns the error to answer with: the refusal itself, or RATE_LIMITED once the peer was refused too often. Then one
   *          entry says so, and further refusals within the minute are not written.
   */
  async refuse(peer: string, refusal: Refusal, remedy?: string): Promise<KeywrightError> {
    // By face too: a window whose session ended asks on, and that shall not count against programs.
    const count = this.#count(`${refusal.face} ${peer}`);
    if (count.refusals <= FREE_REFUSALS) {
      await this.#core.refuse(refusal);
      return new KeywrightError(refusal.code, { detail: refusal.reason, ...(remedy === undefined ? {} : { remedy }) });
    }
    if (count.refusals === FREE_REFUSALS + 1) {
      await this.#core.refuse({ face: refusal.face, code: 'RATE_LIMITED', request: refusal.request, reason: 'Refused too often; further refusals of this peer within the minute are not recorded.' });
    }
    const retryAfter = Math.max(1, Math.ceil((count.until - Date.now()) / 1000));
    return new KeywrightError('RATE_LIMITED', { detail: `Too many requests from here were refused. The next try is possible in ${retryAfter} seconds.`, remedy: 'Wait, then try again with a valid access token.', retryAfter });
  }

  /** Told when a principal's token may have become void, or expires: whatever goes on in its name (a stream of events) has to end. */
  onVoid({ expiresAt }: Principal, listener: () => void): () => void {
    this.#revoked.add(listener);
    let timer: NodeJS.Timeout | undefined;
    const wait = (): void => {
      const left = (expiresAt ?? Infinity) - Date.now();
      if (left <= 0) listener();
      else if (left < Infinity) timer = setTimeout(wait, Math.min(left, LONGEST_TIMER_MS)).unref();
    };
    wait();
    return () => {
      this.#revoked.delete(listener);
      clearTimeout(timer);
    };
  }

  close(): void {
    this.#unsubscribe();
    this.#remembered.clear();
    this.#revoked.clear();
  }

  #count(peer: string): Peer {
    const now = Date.now();
    let found = this.#peers.get(peer);
    if (found === undefined || found.until <= now) {
      if (this.#peers.size >= MOST_PEERS) this.#peers.clear();
      found = { refusals: 0, until: now + WINDOW_MS };
      this.#peers.set(peer, found);
    }
    found.refusals += 1;
    return found;
  }
}

/** Tokens are kept by their hash: what is remembered opens nothing. */
function nameOf(authorization: string, face: Face): string {
  return face + hash('sha256', authorization, 'base64');
}
