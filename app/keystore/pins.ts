import { createHmac, randomBytes } from 'node:crypto';
import { because, KeywrightError, SecretBytes, type Call, type PromptRequest } from '../contract/index.ts';

/**
 * The rules for secrets that a token checks and counts tries of (PIN, PUK, SO PIN, management key), the same for every
 * backend with tokens:
 * - the tries left are asked for before a person is, and shown; none left is an error before anything is typed;
 * - each entry is sent once. One that the token refused is wiped before the error is shown and never sent again;
 * - the last try needs a consent that is typed, which no file can give;
 * - what was accepted may be sent again during the same insertion, for the same principal, as long as it is kept; in a later call only
 *   after the tries left were asked, and never as the last one: another program may have changed the secret and used the others;
 * - everything is wiped on removal, lock and time-out.
 */

export type TokenSecretKind = 'pin' | 'puk' | 'so-pin' | 'management-key';

/** `few`: fewer than there can be, and the token does not tell how many. null: it tells nothing. */
export type TriesLeft = number | 'few' | null;

/** One secret of one token, as its driver knows it. */
export interface TokenSecret {
  readonly kind: TokenSecretKind;
  /** "YubiKey 5C NFC 12345678" */
  readonly token: string;
  /** @returns why the token would refuse this without counting a try (length, alphabet), or null. */
  problemOf(secret: Uint8Array): string | null;
  /** Asks the token, which spends none. */
  triesLeft(): Promise<TriesLeft>;
  /** What to do when it is blocked. */
  readonly remedyWhenBlocked: string;
}

/** What the person is told. */
export interface Reason {
  /** "Sign 3 files with “Release signing”" */
  readonly title: string;
  /** "slot 9c (Digital signature)" */
  readonly place?: string;
  /**
   * `insertion`: what is accepted holds for later calls of the same principal (PIN policy *once*).
   * `call`: for this call alone, in which it may be sent again (PIN policy *always*).
   */
  readonly keep: 'insertion' | 'call';
  /** It is changed: asked for anew, whatever was accepted before, so that nobody else at the keyboard can. */
  readonly anew?: true;
}

/**
 * Sends a secret once. It throws PIN_INCORRECT or PIN_BLOCKED when the token refuses it, {@link LastTryNotAgreed} when it found that this would be
 * the last try and `lastTry` is false; any other error leaves the secret unjudged.
 * @param lastTry the person knows that it is the last one, and agreed.
 */
export type Send<T> = (value: SecretBytes, lastTry: boolean) => Promise<T>;

/** One try is left, which nobody has agreed to: nothing was sent. The person is asked, and told so. */
export class LastTryNotAgreed extends Error {}

const NAMES: Readonly<Record<TokenSecretKind, string>> = { pin: 'PIN', puk: 'PUK', 'so-pin': 'SO PIN', 'management-key': 'management key' };

/** Longest that a secret kept for one call outlives its last use. */
const CALL_MS = 60_000;

interface Kept {
  readonly secret: SecretBytes;
  /** Of the call in which it was entered. */
  readonly call: string;
  /** The call in which the token accepted it last. */
  readonly acceptedIn: string;
  readonly timer: NodeJS.Timeout;
  /** The token was used by others since it was accepted. */
  doubtful: boolean;
}

type Sent<T> = { readonly outcome: 'accepted'; readonly value: T } | { readonly outcome: 'refused'; readonly error: KeywrightError } | { readonly outcome: 'unsent' };

/** Keeps the accepted secrets of one token from its insertion to its removal, and remembers what was refused. */
export class PinKeeper implements Disposable {
  readonly #keepMinutes: () => number;
  readonly #fromFile: ((kind: TokenSecretKind) => Promise<SecretBytes | undefined>) | undefined;
  readonly #refused: RefusedSecrets;
  /** By kind and principal, or by kind and call. */
  readonly #kept = new Map<string, Kept>();
  /** What the token itself still holds as verified, by whom. */
  readonly #verified = new Set<string>();
  /** What was entered on keys of the token's own: by principal, for as long as a secret would be kept. */
  readonly #elsewhere = new Map<string, NodeJS.Timeout>();
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * @param keepMinutes 0: nothing outlives its call.
   * @param refused lives longer than the insertion where the same secret might come again without a person.
   * @param fromFile the configured secret source of this backend, tried before anybody is asked.
   */
  constructor(options: { keepMinutes: () => number; refused: RefusedSecrets; fromFile?: (kind: TokenSecretKind) => Promise<SecretBytes | undefined> }) {
    this.#keepMinutes = options.keepMinutes;
    this.#refused = options.refused;
    this.#fromFile = options.fromFile;
  }

  /** Whether this caller's secret was accepted, the token still holds it as verified, and it may be relied on. */
  isVerified(kind: TokenSecretKind, call: Call): boolean {
    return this.#elsewhere.has(byPrincipal(kind, call)) || (this.#verified.has(byPrincipal(kind, call)) && this.#keptFor(kind, call) !== undefined);
  }

  /** The token accepted a secret that this caller entered on its own keys, and holds it as verified. */
  enteredElsewhere(kind: TokenSecretKind, call: Call): void {
    const minutes = this.#keepMinutes();
    if (minutes === 0) return;
    const key = byPrincipal(kind, call);
    clearTimeout(this.#elsewhere.get(key));
    this.#elsewhere.set(key, setTimeout(() => this.#elsewhere.delete(key), minutes * 60_000).unref());
  }

  /**
   * Lets `send` send the secret: one that was accepted before, else one that is asked for. While a person enters wrong ones and
   * tries are left, it asks again.
   * @returns what `send` does. @throws PIN_REQUIRED, PIN_INCORRECT, PIN_BLOCKED, CANCELLED, and what `send` does.
   */
  use<T>(secret: TokenSecret, reason: Reason, call: Call, send: Send<T>): Promise<T> {
    // One after another: two callers must neither spend two tries at once nor be asked twice for the same.
    const turn = this.#turn.then(() => this.#use(secret, reason, call, send));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Forgets one kind, and what was refused of it: it was changed or unblocked. */
  changed(kind: TokenSecretKind): void {
    this.#forget((key) => key.startsWith(`${kind}\0`));
    this.#refused.forget(kind);
  }

  /** The token was reset or used by another program: what it held as verified is gone, what we keep may be sent again once its tries were asked for. */
  tokenWasReset(): void {
    for (const kept of this.#kept.values()) kept.doubtful = true;
    this.#verified.clear();
    this.#forgetElsewhere(() => true);
  }

  /** Removal and lock. */
  [Symbol.dispose](): void {
    this.#forget(() => true);
  }

  async #use<T>(secret: TokenSecret, reason: Reason, call: Call, send: Send<T>): Promise<T> {
    call.signal.throwIfAborted();
    if (reason.anew === true) return this.#ask(secret, reason, call, send);
    const kept = this.#keptFor(secret.kind, call);
    // What is wanted for each use is not taken from an earlier one.
    if (kept !== undefined && (reason.keep === 'insertion' || kept.call === call.id)) {
      const done = await this.#sendKept(secret, reason, call, kept, send);
      if (done.outcome === 'accepted') return done.value;
    }
    const configured = await this.#fromFile?.(secret.kind);
    if (configured !== undefined) {
      using value = configured;
      const fit = secret.problemOf(value.reveal()) === null && !this.#refused.has(secret.kind, value);
      if (fit && (await triesLeft(secret)) !== 1) {
        const done = await this.#send(secret, reason, call, value, send);
        if (done.outcome === 'accepted') return done.value;
      }
    }
    return this.#ask(secret, reason, call, send);
  }

  /** Within the call that entered it a secret is as fresh as can be; later, or once the token was used by others, its tries are asked for first. */
  async #sendKept<T>(secret: TokenSecret, reason: Reason, call: Call, kept: Kept, send: Send<T>): Promise<Sent<T>> {
    const { kind } = secret;
    const left = kept.acceptedIn === call.id && !kept.doubtful ? null : await triesLeft(secret);
    // It may have run out meanwhile.
    if (this.#keptFor(kind, call) !== kept) return { outcome: 'unsent' };
    const done: Sent<T> = left === 1 || left === 'few' ? { outcome: 'unsent' } : await this.#send(secret, reason, call, kept.secret, send, { enteredIn: kept.call });
    if (done.outcome === 'unsent') this.#forget((key) => key.startsWith(`${kind}\0`));
    return done;
  }

  async #ask<T>(secret: TokenSecret, reason: Reason, call: Call, send: Send<T>): Promise<T> {
    let note: string | undefined;
    let last: KeywrightError | undefined;
    let repeated = 0;
    for (;;) {
      const left = await triesLeft(secret);
      const { value: entered, lastTry } = await askOnce(secret, reason, left, note ?? (left === 'few' ? 'Not many tries are left.' : undefined), call).catch((thrown: unknown) => {
        // Nobody is there to answer once more: what the token said tells more.
        if (last === undefined || !(thrown instanceof KeywrightError) || (thrown.code !== 'PIN_REQUIRED' && thrown.code !== 'PIN_INCORRECT')) throw thrown;
        const { remedy = last.facts.remedy } = thrown.code === 'PIN_INCORRECT' ? thrown.facts : last.facts;
        throw new KeywrightError(last.code, { ...last.facts, ...(remedy === undefined ? {} : { remedy }), cause: last });
      });
      using value = entered;
      const problem = secret.problemOf(value.reveal());
      const known = problem === null && this.#refused.has(secret.kind, value);
      if (problem !== null || known) {
        note = problem ?? `The token refused this ${NAMES[secret.kind]} before, so it was not sent again.`;
        last ??= new KeywrightError(problem === null ? 'PIN_INCORRECT' : 'INVALID_INPUT', { detail: note, ...(problem === null && { reason: 'secret.wrong', values: { secret: NAMES[secret.kind] } }), ...(typeof left === 'number' ? { triesLeft: left } : {}), remedy: problem === null ? 'If it was changed with another program meanwhile, take the token out and put it back.' : `Enter the ${NAMES[secret.kind]} of ${secret.token}.` });
        // A file answers the same each time; a person may mistype once more.
        if (++repeated > 2) throw last;
        continue;
      }
      const done = await this.#send(secret, reason, call, value, send, { lastTry });
      if (done.outcome === 'accepted') return done.value;
      if (done.outcome === 'unsent') {
        note = 'Another program used up the tries but one meanwhile, so nothing was sent.';
        continue;
      }
      last = done.error;
      note = refusal(secret.kind, done.error.facts.triesLeft);
    }
  }

  async #send<T>(secret: TokenSecret, reason: Reason, call: Call, value: SecretBytes, send: Send<T>, { enteredIn = call.id, lastTry = false }: { enteredIn?: string; lastTry?: boolean } = {}): Promise<Sent<T>> {
    const { kind } = secret;
    // A copy of our own: the caller's is wiped as it leaves.
    const copy = value.clone();
    try {
      const answer = await send(copy, lastTry);
      this.#keep(kind, reason, call, copy, enteredIn);
      return { outcome: 'accepted', value: answer };
    } catch (thrown) {
      if (thrown instanceof LastTryNotAgreed) {
        copy.wipe();
        return { outcome: 'unsent' };
      }
      if (!(thrown instanceof KeywrightError) || (thrown.code !== 'PIN_INCORRECT' && thrown.code !== 'PIN_BLOCKED')) {
        copy.wipe();
        throw thrown;
      }
      this.#refused.add(kind, copy);
      copy.wipe();
      this.#forget((key) => key.startsWith(`${kind}\0`));
      if (thrown.code === 'PIN_BLOCKED' || thrown.facts.triesLeft === 0) throw blocked(secret);
      return { outcome: 'refused', error: thrown };
    }
  }

  #keep(kind: TokenSecretKind, reason: Reason, call: Call, secret: SecretBytes, enteredIn: string): void {
    const minutes = this.#keepMinutes();
    const forCall = reason.keep === 'call' || minutes === 0;
    const key = forCall ? byCall(kind, call) : byPrincipal(kind, call);
    const before = this.#kept.get(key);
    if (before !== undefined) {
      clearTimeout(before.timer);
      if (before.secret !== secret) before.secret.wipe();
    }
    const timer = setTimeout(() => this.#forget((name) => name === key), forCall ? CALL_MS : minutes * 60_000);
    timer.unref();
    this.#kept.set(key, { secret, timer, call: enteredIn, acceptedIn: call.id, doubtful: false });
    if (!forCall) this.#verified.add(key);
  }

  #keptFor(kind: TokenSecretKind, call: Call): Kept | undefined {
    return this.#kept.get(byCall(kind, call)) ?? this.#kept.get(byPrincipal(kind, call));
  }

  #forget(which: (key: string) => boolean): void {
    for (const [key, { secret, timer }] of this.#kept) {
      if (!which(key)) continue;
      clearTimeout(timer);
      secret.wipe();
      this.#kept.delete(key);
    }
    for (const key of this.#verified) if (which(key)) this.#verified.delete(key);
    this.#forgetElsewhere(which);
  }

  #forgetElsewhere(which: (key: string) => boolean): void {
    for (const [key, timer] of this.#elsewhere) {
      if (!which(key)) continue;
      clearTimeout(timer);
      this.#elsewhere.delete(key);
    }
  }
}

/**
 * What one token refused, as keyed hashes under a key that lives as long as this process. The driver keeps one for each serial
 * across insertions while a configured file may give the same secret again, and a new one for each insertion else.
 */
export class RefusedSecrets {
  readonly #key = randomBytes(32);
  readonly #seen = new Set<string>();

  add(kind: TokenSecretKind, secret: SecretBytes): void {
    this.#seen.add(this.#hash(kind, secret));
  }

  has(kind: TokenSecretKind, secret: SecretBytes): boolean {
    return this.#seen.has(this.#hash(kind, secret));
  }

  forget(kind: TokenSecretKind): void {
    for (const seen of this.#seen) if (seen.startsWith(`${kind}\0`)) this.#seen.delete(seen);
  }

  #hash(kind: TokenSecretKind, secret: SecretBytes): string {
    return `${kind}\0${createHmac('sha256', this.#key).update(secret.reveal()).digest('base64')}`;
  }
}

const byPrincipal = (kind: TokenSecretKind, { principal }: Call): string => `${kind}\0principal\0${principal.id}`;
const byCall = (kind: TokenSecretKind, { id }: Call): string => `${kind}\0call\0${id}`;

/** @throws PIN_BLOCKED when none is left. */
async function triesLeft(secret: TokenSecret): Promise<TriesLeft> {
  const left = await secret.triesLeft();
  if (left === 0) throw blocked(secret);
  return left;
}

function blocked({ kind, token, remedyWhenBlocked }: TokenSecret): KeywrightError {
  return new KeywrightError('PIN_BLOCKED', { ...because('secret.blocked', { secret: NAMES[kind], token }), triesLeft: 0, remedy: remedyWhenBlocked });
}

/** @returns "Wrong PIN. 2 tries left." */
function refusal(kind: TokenSecretKind, left: number | undefined): string {
  return `Wrong ${NAMES[kind]}.${left === undefined ? '' : ` ${left} ${left === 1 ? 'try' : 'tries'} left.`}`;
}

async function askOnce(secret: TokenSecret, { title, place }: Reason, left: TriesLeft, note: string | undefined, call: Call): Promise<{ value: SecretBytes; lastTry: boolean }> {
  const request: PromptRequest = {
    kind: 'secret', purpose: secret.kind, title: title.slice(0, 300), subject: `${secret.token}${place === undefined ? '' : `, ${place}`}`.slice(0, 300),
    ...(note === undefined ? {} : { note }), ...(typeof left === 'number' ? { triesLeft: left } : {}),
  };
  const answer = await call.prompt.ask(request, call.signal);
  if (answer.kind !== 'secret') throw new KeywrightError('CANCELLED', because('secret.not-asked', {}));
  const value = SecretBytes.fromText(answer.secret);
  if (left === 1 && answer.lastTry !== true) {
    value.wipe();
    throw new KeywrightError('PIN_REQUIRED', {
      ...because('secret.last-try', { secret: NAMES[secret.kind], token: secret.token }), triesLeft: 1,
    });
  }
  return { value, lastTry: left === 1 };
}
