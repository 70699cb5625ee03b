import { KeywrightError } from '../../../contract/index.ts';
import { CKF, CKU } from '../constants.ts';
import type { Cryptoki, Handle } from './cryptoki.ts';
import { isReturn } from '../errors.ts';

/** What a session answers that is none any more. */
const CLOSED = ['SESSION_HANDLE_INVALID', 'SESSION_CLOSED'] as const;

/**
 * The sessions with one token (PKCS#11 v3.1 §5.6): opened as they are needed, up to a limit, and used again. All are read-write, since
 * a security officer cannot log in beside a read-only one. A login is the whole process's, so it waits for what is going on.
 */
export class Sessions {
  readonly #cryptoki: Cryptoki;
  readonly #slot: Handle;
  readonly #most: number;
  #idle: Handle[] = [];
  #open = 0;
  #waiting: (() => void)[] = [];
  #busy = 0;
  /** Counts up when the sessions so far are gone: one that comes back later is none any more. */
  #generation = 0;
  #flags: number = CKF.SERIAL_SESSION | CKF.RW_SESSION;
  /** While it is set, a login or the like is going on or waits for its turn. */
  #alone: Promise<void> | undefined;
  #quiet: (() => void) | undefined;
  loggedIn: 'user' | 'so' | null = null;

  constructor(cryptoki: Cryptoki, slot: Handle, most: number) {
    this.#cryptoki = cryptoki;
    this.#slot = slot;
    this.#most = most;
  }

  /** Lets `work` have a session for itself. One in which something failed is not used again: an operation may still be active in it. */
  async use<T>(work: (session: Handle) => T | Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    this.#busy += 1;
    try {
      return await this.#with(work);
    } finally {
      this.#busy -= 1;
      if (this.#busy === 0) this.#quiet?.();
    }
  }

  /** Like {@link use}, for what needs no login: when the token has closed its sessions (it was out meanwhile), it is done again in a new one. */
  async useWithoutLogin<T>(work: (session: Handle) => T | Promise<T>): Promise<T> {
    try {
      return await this.use(work);
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError) || !isReturn(thrown.cause, ...CLOSED)) throw thrown;
      return this.use(work);
    }
  }

  /** Lets `work` have a session while no other is in use. */
  async alone<T>(work: (session: Handle) => T | Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    const done = Promise.withResolvers<void>();
    this.#alone = done.promise;
    try {
      if (this.#busy > 0) await new Promise<void>((resolve) => { this.#quiet = resolve; });
      this.#quiet = undefined;
      return await this.#with(work);
    } finally {
      this.#alone = undefined;
      done.resolve();
    }
  }

  /** Logs in; whoever was logged in before is logged out first, so that a PIN is always judged by the token. @throws PIN_INCORRECT, PIN_BLOCKED */
  login(user: 'user' | 'so', pin: string): Promise<void> {
    return this.alone((session) => {
      this.#logout(session);
      const login = (): void => this.#cryptoki.call('C_Login', (lib) => lib.C_Login(session, user === 'so' ? CKU.SO : CKU.USER, pin));
      try {
        login();
      } catch (thrown) {
        // Somebody still is, against what an operation of his was told; the PIN was not looked at.
        if (!isReturn(thrown, 'USER_ALREADY_LOGGED_IN', 'USER_ANOTHER_ALREADY_LOGGED_IN')) throw thrown;
        this.#cryptoki.call('C_Logout', (lib) => lib.C_Logout(session));
        login();
      }
      this.loggedIn = user;
    });
  }

  logout(): Promise<void> {
    return this.alone((session) => this.#logout(session));
  }

  /** Closes all of them: before the token is initialised, and when it is gone. */
  async closeAll(): Promise<void> {
    await this.alone(() => undefined).catch(() => undefined);
    this.#forget();
    try {
      this.#cryptoki.call('C_CloseAllSessions', (lib) => lib.C_CloseAllSessions(this.#slot));
    } catch {
      // The token has gone, and they with it.
    }
  }

  #logout(session: Handle): void {
    if (this.loggedIn === null) return;
    this.loggedIn = null;
    try {
      this.#cryptoki.call('C_Logout', (lib) => lib.C_Logout(session));
    } catch (thrown) {
      if (!isReturn(thrown, 'USER_NOT_LOGGED_IN')) throw thrown;
    }
  }

  async #with<T>(work: (session: Handle) => T | Promise<T>): Promise<T> {
    const session = await this.#take();
    const generation = this.#generation;
    try {
      const answer = await work(session);
      this.#give(session, generation);
      return answer;
    } catch (thrown) {
      if (isReturn(thrown, ...CLOSED, 'DEVICE_REMOVED', 'TOKEN_NOT_PRESENT')) {
        this.#forget();
        if (isReturn(thrown, ...CLOSED)) throw new KeywrightError('PIN_REQUIRED', { detail: 'The token has closed its sessions; it asks for its PIN again.', cause: thrown });
      } else if (generation !== this.#generation) {
        // It went with the others meanwhile.
      } else if (this.#open > 1) this.#close(session);
      // The last one stays: with it the login would go. Nothing that is active in it keeps a login or a search from working.
      else this.#give(session, generation);
      if (isReturn(thrown, 'USER_NOT_LOGGED_IN')) this.loggedIn = null;
      throw thrown;
    }
  }

  async #take(): Promise<Handle> {
    for (;;) {
      const idle = this.#idle.pop();
      if (idle !== undefined) return idle;
      if (this.#open < this.#most) {
        const opened = this.#openOne();
        if (opened !== undefined) return opened;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** @returns undefined when the token allows no more, and there are others to wait for. */
  #openOne(): Handle | undefined {
    try {
      const session = this.#cryptoki.call('C_OpenSession', (lib) => lib.C_OpenSession(this.#slot, this.#flags));
      this.#open += 1;
      return session;
    } catch (thrown) {
      if (isReturn(thrown, 'TOKEN_WRITE_PROTECTED') && this.#flags !== CKF.SERIAL_SESSION) {
        this.#flags = CKF.SERIAL_SESSION;
        return this.#openOne();
      }
      if (isReturn(thrown, 'SESSION_COUNT') && this.#open > 0) return undefined;
      throw thrown;
    }
  }

  #give(session: Handle, generation: number): void {
    if (generation !== this.#generation) return;
    this.#idle.push(session);
    this.#waiting.shift()?.();
  }

  #close(session: Handle): void {
    this.#open -= 1;
    try {
      this.#cryptoki.call('C_CloseSession', (lib) => lib.C_CloseSession(session));
    } catch {
      // It is of no more use either way.
    }
    this.#waiting.shift()?.();
  }

  #forget(): void {
    this.#idle = [];
    this.#open = 0;
    this.#generation += 1;
    this.loggedIn = null;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
