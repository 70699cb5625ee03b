import type { Call } from '../../contract/index.ts';
import type { Finding } from '../../keystore/registry.ts';
import type { TokenSecretStatus, TokenStatus } from '../../keystore/tokens.ts';
import { REFERENCE } from './applet.ts';
import { deviceStatements } from './certificates.ts';
import { verifyDevice } from './chain.ts';
import type { SmartCardHsm } from './hsm.ts';
import { dkekState, pinState, type DkekState, type PinState } from './session.ts';

/** @returns the token as it stands, asked without spending a try. */
export async function statusOf(hsm: SmartCardHsm, call: Call): Promise<TokenStatus> {
  const { pin, officer, dkek } = await hsm.session.run(async (channel) => ({
    pin: await pinState(channel, REFERENCE.pin), officer: await pinState(channel, REFERENCE.officerPin), dkek: await dkekState(channel),
  }), call.signal);
  const { initialised, mayReset, certificates } = hsm.discovered;
  const chain = verifyDevice(certificates, hsm.options.roots);
  return {
    initialised,
    secrets: [
      secret('pin', pin, pin.verified ? 'Verified just now: the token then does not tell the tries left.' : pin.state === 'transport' ? 'To be changed before it can be used' : null),
      secret('so-pin', officer, mayReset || !initialised ? null : 'Cannot set a new PIN: the token was set up so'),
    ],
    findings: findingsOf(hsm, pin, officer, dkek),
    details: [
      ...(initialised ? [{ name: 'DKEK', value: dkekInWords(dkek) }] : []),
      ...(dkek === null || dkek.keyCheckValue === null ? [] : [{ name: 'Key check value', value: dkek.keyCheckValue }]),
      ...(initialised ? [{ name: 'PIN reset with the SO PIN', value: mayReset ? 'Allowed' : 'Not allowed' }] : []),
      ...deviceStatements(chain).map((value, index) => ({ name: index === 0 ? 'Device' : 'Issuer', value })),
      { name: 'Device certificate', value: chain.problems.length === 0 ? 'Verified up to its root' : `Not verified: ${chain.problems.join(' ')}` },
    ],
  };
}

function secret(kind: 'pin' | 'so-pin', state: PinState, note: string | null): TokenSecretStatus {
  return {
    kind, state: state.state === 'none' ? 'not-set' : state.state === 'blocked' ? 'blocked' : 'set', triesLeft: 'triesLeft' in state ? state.triesLeft : null, triesAtMost: kind === 'so-pin' ? 15 : null,
    note: 'triesLeft' in state && state.triesLeft === 1 ? 'Last try' : note,
  };
}

function dkekInWords(dkek: DkekState | null): string {
  if (dkek === null) return 'None: keys cannot be wrapped or restored';
  if (dkek.outstanding > 0) return `Waits for ${dkek.outstanding} of ${dkek.shares} shares`;
  return dkek.shares === 0 ? 'Made by the token itself: wrapped keys can be restored to this token alone' : `Complete, of ${dkek.shares} ${dkek.shares === 1 ? 'share' : 'shares'}`;
}

function findingsOf(hsm: SmartCardHsm, pin: PinState, officer: PinState, dkek: DkekState | null): Finding[] {
  if (!hsm.discovered.initialised) return [{ level: 'warning', code: 'smartcardhsm.not-initialised', detail: 'The token was never set up: it has no PIN and takes no keys.', remedy: 'Set it up: `keywright tokens initialize`.' }];
  const found: Finding[] = [];
  if (pin.state === 'blocked') found.push({ level: 'problem', code: 'smartcardhsm.pin-blocked', detail: 'The PIN is blocked: no key can be used.', remedy: hsm.pin.remedyWhenBlocked });
  if (pin.state === 'transport') found.push({ level: 'warning', code: 'smartcardhsm.transport-pin', detail: 'The PIN is one for transport: it must be changed before the token can be used.', remedy: 'Change it: `keywright tokens change-pin`.' });
  if (officer.state === 'blocked') found.push({ level: 'problem', code: 'smartcardhsm.so-pin-blocked', detail: 'The SO PIN is blocked.', remedy: hsm.officerPin.remedyWhenBlocked });
  if (dkek !== null && dkek.outstanding > 0) found.push({ level: 'warning', code: 'smartcardhsm.dkek-pending', detail: `${dkek.outstanding} of ${dkek.shares} DKEK shares are not imported yet. Until they are, no key can be wrapped.`, remedy: 'Import them: `keywright tokens dkek import-share`.' });
  return found;
}
