import { because, KeywrightError, type Call } from '../contract/index.ts';
import type { KeyRef } from './keystore.ts';

/** What a person is told and asked about a token beside its secrets, in the same words for every backend. */

/**
 * @param use  what the key does where the call does not say: "sign", "agree on a secret"
 * @returns what a PIN is asked for: "Sign 3 files with “Release signing”".
 */
export function pinTitle(use: string, { label, uri, occasion, purpose }: Pick<KeyRef, 'label' | 'uri' | 'occasion' | 'purpose'>): string {
  const what = occasion ?? purpose ?? use;
  return `${what.charAt(0).toUpperCase()}${what.slice(1)} with “${label ?? uri}”`;
}

/** @param model "YubiKey" @returns what a touch is asked for: "Touch the YubiKey to sign report.pdf (2 of 3)". */
export function touchTitle(model: string, use: string, { label, uri, purpose }: Pick<KeyRef, 'label' | 'uri' | 'purpose'>): string {
  return `Touch the ${model} to ${purpose ?? `${use} with “${label ?? uri}”`}`;
}

/**
 * Shows that a touch is awaited, until disposed. Cancelling the notice ends the call through `onCancel`. Where nobody can be shown it,
 * nothing happens: the token blinks.
 * @param delayMs for touch policy *cached*: 300, since a touch may still count; for *always*: 0.
 */
export function announceTouch(notice: { title: string; subject: string; seconds?: number }, delayMs: number, call: Call, onCancel: (reason: KeywrightError) => void): Disposable {
  const ended = new AbortController();
  const show = (): void => {
    call.prompt.ask({ kind: 'touch', purpose: 'touch', title: notice.title.slice(0, 300), subject: notice.subject.slice(0, 300), ...(notice.seconds === undefined ? {} : { seconds: notice.seconds }) }, ended.signal)
      .then(() => undefined, (thrown: unknown) => {
        if (!ended.signal.aborted && thrown instanceof KeywrightError && thrown.code === 'CANCELLED') onCancel(thrown);
      });
  };
  const timer = delayMs === 0 ? undefined : setTimeout(show, delayMs);
  if (delayMs === 0) show();
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      ended.abort();
    },
  };
}

/**
 * Before anything is lost for good, somebody types what it is called.
 * @param what `typed` is to be typed word for word: of a key {@link typedFingerprint}.
 * @throws CANCELLED; INVALID_INPUT when something else was typed; PIN_REQUIRED when nobody can be asked: nothing has happened then.
 */
export async function confirmDestruction(what: { title: string; token: string; note: string; action: string; typed: string }, call: Call): Promise<void> {
  const answer = await call.prompt.ask({ kind: 'confirm', purpose: 'confirm', title: what.title, subject: what.token, note: what.note, action: what.action, typed: what.typed, destructive: true }, call.signal);
  if (answer.kind !== 'confirmed') throw new KeywrightError('CANCELLED', 'It was not confirmed. Nothing was changed.');
  if (answer.typed !== what.typed) throw new KeywrightError('INVALID_INPUT', { ...because('prompt.typed-otherwise', {}), remedy: `Type exactly: ${what.typed}` });
}

/** @returns what must be typed to name a key before it is destroyed: the first 16 hex digits of its SHA-256 fingerprint, in groups of four. */
export function typedFingerprint(fingerprint: string): string {
  return fingerprint.replace(/^SHA256:/, '').slice(0, 16).replaceAll(/(.{4})(?=.)/g, '$1 ');
}
