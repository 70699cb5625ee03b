import { hash, randomBytes } from 'node:crypto';

const CODE_LIFETIME_MS = 60_000;
const MOST_CODES = 32;
const SESSION_IDLE_MS = 12 * 60 * 60 * 1000;
const SESSION_LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;
const MOST_SESSIONS = 64;

interface Session {
  readonly startedAt: number;
  usedAt: number;
}

/**
 * Sessions of one origin, each begun by a code that works once within a minute. Browsers send cookies to every port of a
 * host, so each origin has a cookie of its own name and knows its own sessions alone.
 * Codes and sessions are kept by their hash and die with the process.
 */
export class Sessions {
  readonly #cookie: string;
  readonly #secure: boolean;
  readonly #codes = new Map<string, number>();
  readonly #sessions = new Map<string, Session>();

  /** @param secure with TLS: the cookie is never sent without it. */
  constructor(cookie: string, secure: boolean) {
    this.#cookie = cookie;
    this.#secure = secure;
  }

  /** @returns a code of 256 random bits, base64url, for {@link begin}. */
  newCode(): string {
    const now = Date.now();
    for (const [code, until] of this.#codes) if (until <= now || this.#codes.size >= MOST_CODES) this.#codes.delete(code);
    const code = randomBytes(32).toString('base64url');
    this.#codes.set(hashOf(code), now + CODE_LIFETIME_MS);
    return code;
  }

  /** @returns the `Set-Cookie` of a new session, or undefined when the code was used, is too old, or was never made here. */
  begin(code: string): string | undefined {
    const name = hashOf(code);
    const until = this.#codes.get(name);
    this.#codes.delete(name);
    if (until === undefined || until <= Date.now()) return undefined;
    const id = randomBytes(32).toString('base64url');
    const now = Date.now();
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= MOST_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
    this.#sessions.set(hashOf(id), { startedAt: now, usedAt: now });
    // Below /ipc alone, so that other servers of this host see it as seldom as can be.
    return `${this.#cookie}=${id}; Path=/ipc; HttpOnly; SameSite=Strict${this.#secure ? '; Secure' : ''}`;
  }

  /** Whether a `Cookie` header (RFC 6265 §4.2) names a session of this origin. */
  holds(header: string | undefined): boolean {
    if (header === undefined) return false;
    for (const pair of header.split(';')) {
      const [name, value = ''] = pair.trim().split('=', 2);
      if (name === this.#cookie && this.#isLive(hashOf(value))) return true;
    }
    return false;
  }

  clear(): void {
    this.#codes.clear();
    this.#sessions.clear();
  }

  #isLive(name: string): boolean {
    const session = this.#sessions.get(name);
    if (session === undefined) return false;
    const now = Date.now();
    if (now - session.usedAt > SESSION_IDLE_MS || now - session.startedAt > SESSION_LIFETIME_MS) {
      this.#sessions.delete(name);
      return false;
    }
    session.usedAt = now;
    return true;
  }
}

function hashOf(secret: string): string {
  return hash('sha256', secret, 'base64');
}
