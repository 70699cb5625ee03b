import type { KeywrightError } from '../contract/index.ts';
import type { Known } from './readers.ts';

/** Why readers or cards cannot be used, or not all of them. */
export interface DeviceFinding {
  readonly level: 'ok' | 'warning' | 'problem';
  /** Stable, for scripts and translations. */
  readonly code: 'pcsc.addon-missing' | 'pcsc.no-service' | 'pcsc.too-many-readers' | 'pcsc.mute-card' | 'pcsc.card-held';
  readonly detail: string;
  readonly remedy: string;
}

const AGAIN = 'Take it out, put it back, and try again.';

export function noAddon({ facts }: KeywrightError): DeviceFinding {
  return { level: 'problem', code: 'pcsc.addon-missing', detail: facts.detail, remedy: facts.remedy ?? 'Install Keywright anew.' };
}

export function noService(): DeviceFinding {
  return {
    level: 'problem', code: 'pcsc.no-service', detail: 'The system’s smart-card service is not running, so no YubiKey and no smart card can be seen.',
    remedy: process.platform === 'linux' ? 'Install and start it: `apt install pcscd`, `systemctl enable --now pcscd.socket`. It is then found by itself.' : 'Plug in a reader or a token; the system then starts the service.',
  };
}

export function findingsOf(missing: DeviceFinding | undefined, known: readonly Known[], mostReaders: number): DeviceFinding[] {
  const found: DeviceFinding[] = missing === undefined ? [] : [missing];
  // One more cannot be seen, so that reaching the limit is all that can be told.
  if (mostReaders > 0 && known.length >= mostReaders) {
    found.push({ level: 'ok', code: 'pcsc.too-many-readers', detail: `${known.length} readers are there, the most that can be watched: a token in a further one would not be seen.`, remedy: 'If a token is not seen, unplug a reader that is not needed.' });
  }
  for (const { name, mute, held } of known) {
    if (mute) found.push({ level: 'warning', code: 'pcsc.mute-card', detail: `What is in “${name}” does not answer.`, remedy: 'Put it in the right way round. If it persists, the card or the reader is broken.' });
    if (held !== undefined) found.push({ level: 'warning', code: 'pcsc.card-held', detail: held.facts.detail, remedy: held.facts.remedy ?? AGAIN });
  }
  return found;
}
