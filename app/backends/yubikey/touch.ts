import { because, KeywrightError } from '../../contract/index.ts';
import type { YubiKey } from './yubikey.ts';

/** A YubiKey gives up waiting for a touch after so long. */
export const TOUCH_SECONDS = 15;
/** With policy *cached* an earlier touch may still count: only when the answer is late, one is awaited. */
export const CACHED_DELAY_MS = 300;

export function notTouched(key: YubiKey): KeywrightError {
  return new KeywrightError('TOUCH_TIMEOUT', because('token.not-touched', { token: key.title }));
}
