import { KeywrightError, type Call, type SecretBytes } from '../../contract/index.ts';
import type { PinKeeper, Reason, TokenSecret, TokenSecretKind } from '../../keystore/pins.ts';
import { announceTouch } from '../../keystore/token-prompts.ts';
import type { PinFlags } from './messages.ts';
import type { TokenConnection } from './connection.ts';

/** Logging in to a token, by the house's rules for PINs. */

/** Longest PIN that is typed, where a module gives no sensible bound (CK_UNAVAILABLE_INFORMATION). */
const LONGEST = 255;

/** PKCS#11 has no counter: three flags tell of few, one, none (v3.1 §3.2, CK_TOKEN_INFO). */
export function triesOf({ finalTry, locked }: PinFlags): number | null {
  return locked ? 0 : finalTry ? 1 : null;
}

function secretOf(token: TokenConnection, kind: 'pin' | 'so-pin'): TokenSecret {
  return {
    kind, token: token.title,
    problemOf: (secret) => {
      const { minPin, maxPin } = boundsOf(token);
      return secret.length >= minPin && secret.length <= maxPin ? null : `This token takes a PIN of ${minPin} to ${maxPin} characters. Nothing was sent.`;
    },
    triesLeft: async () => {
      const flags = (await token.fresh()).flags[kind === 'pin' ? 'userPin' : 'soPin'];
      return triesOf(flags) ?? (flags.countLow ? 'few' : null);
    },
    remedyWhenBlocked: kind === 'pin' ? `Unblock it with the SO PIN: \`keywright tokens unblock-pin ${token.id}\`.` : 'Without the SO PIN the token can only be initialised anew, which destroys its keys; some makers allow not even that.',
  };
}

export function boundsOf({ state }: TokenConnection): { minPin: number; maxPin: number } {
  const { minPin, maxPin } = state;
  return maxPin > 0 && maxPin <= LONGEST && minPin <= maxPin ? { minPin, maxPin } : { minPin: 1, maxPin: LONGEST };
}

/** Lets `work` run while the user is logged in, for whoever calls. @throws PIN_REQUIRED, PIN_INCORRECT, PIN_BLOCKED */
export async function loggedIn<T>(token: TokenConnection, pins: PinKeeper, reason: { title: string; place?: string }, call: Call, work: () => Promise<T>): Promise<T> {
  token.notice(pins);
  if (token.state.flags.loginRequired && !pins.isVerified('pin', call)) await logIn(token, pins, reason, call);
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_REQUIRED') throw thrown;
    // The token has forgotten: it was used by another program, or its worker is a new one.
    pins.tokenWasReset();
    await logIn(token, pins, reason, call);
    return work();
  }
}

/**
 * Lets `work` run while the security officer is logged in, and logs out again: whoever was logged in before is no more.
 * @throws PIN_REQUIRED, PIN_INCORRECT, PIN_BLOCKED
 */
export async function asOfficer<T>(token: TokenConnection, pins: PinKeeper, reason: Pick<Reason, 'title' | 'anew'>, call: Call, work: (secret: Entered) => Promise<T>): Promise<T> {
  return entering(token, pins, 'so-pin', { ...reason, keep: 'call' }, call, async (secret, inside) => {
    await token.call('token.login', { user: 'so', secret }, inside);
    try {
      return await work(secret);
    } finally {
      await token.call('token.logout', {}, call).catch(() => undefined);
      pins.tokenWasReset();
    }
  });
}

/** Lets `work` write keys or certificates: as the user, or where a token keeps that to its security officer as that one. */
export function asWriter<T>(token: TokenConnection, pins: PinKeeper, title: string, call: Call, work: () => Promise<T>): Promise<T> {
  return token.peculiar.officerWrites === true ? asOfficer(token, pins, { title }, call, work) : loggedIn(token, pins, { title }, call, work);
}

async function logIn(token: TokenConnection, pins: PinKeeper, reason: { title: string; place?: string }, call: Call): Promise<void> {
  if (!token.state.flags.userPin.set) throw new KeywrightError('PIN_REQUIRED', { detail: `${token.title} has no user PIN yet.`, remedy: `Set one with the SO PIN: \`keywright tokens unblock-pin ${token.id}\`.` });
  await entering(token, pins, 'pin', { ...reason, keep: 'insertion' }, call, (secret, inside) => token.call('token.login', { user: 'user', secret }, inside));
  if (token.state.flags.pinpad) pins.enteredElsewhere('pin', call);
}

/** A secret as it travels to the worker; null: it is entered on the keys of the token or its reader, and never here. */
export type Entered = string | null;

/**
 * Lets `send` send a secret: one that is asked for here or was accepted before, or, where there is a protected authentication path
 * (CKF_PROTECTED_AUTHENTICATION_PATH, PKCS#11 v3.1 §5.6.8), none, while a person is told where it is entered.
 * @param send its call ends when the person takes back what was told.
 */
export async function entering<T>(token: TokenConnection, pins: PinKeeper, kind: 'pin' | 'so-pin', reason: Reason, call: Call, send: (secret: Entered, call: Call) => Promise<T>): Promise<T> {
  if (!token.state.flags.pinpad) return pins.use(secretOf(token, kind), reason, call, (secret) => judged(token, kind, () => send(encoded(secret), call)));
  const left = new AbortController();
  const name = kind === 'pin' ? 'PIN' : 'SO PIN';
  const tries = triesOf((await token.fresh()).flags[kind === 'pin' ? 'userPin' : 'soPin']);
  if (tries === 0) throw new KeywrightError('PIN_BLOCKED', { detail: `The ${name} of ${token.title} is blocked.`, triesLeft: 0, remedy: secretOf(token, kind).remedyWhenBlocked });
  using _shown = announceTouch({ title: reason.title, subject: `Enter the ${name} on the keys of ${token.title} or its reader.${tries === 1 ? ' One try is left.' : ''}` }, 0, call, (error) => left.abort(error));
  return await judged(token, kind, () => send(null, { ...call, signal: AbortSignal.any([call.signal, left.signal]) }));
}

/** Adds what the token's flags tell of the tries that are left to a refusal. */
async function judged<T>(token: TokenConnection, kind: TokenSecretKind, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_INCORRECT') throw thrown;
    const flags = (await token.fresh()).flags[kind === 'so-pin' ? 'soPin' : 'userPin'];
    const left = triesOf(flags);
    const few = left === null && flags.countLow ? ' Not many tries are left.' : left === 1 ? ' One try is left.' : '';
    throw new KeywrightError('PIN_INCORRECT', { ...thrown.facts, reason: 'secret.wrong', values: { secret: kind === 'so-pin' ? 'SO PIN' : 'PIN' }, detail: `The ${kind === 'so-pin' ? 'SO PIN' : 'PIN'} is wrong.${few}`, ...(left === null ? {} : { triesLeft: left }) });
  }
}

export function encoded(secret: SecretBytes): string {
  return Buffer.from(secret.reveal()).toString('base64url');
}
