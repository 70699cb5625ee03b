import { KeywrightError, type Call } from '../../contract/index.ts';
import { findTlv, orLeave, parseTlv, parseTlvs, statusError, SW, tlv, type Leaving, type Response } from '../../devices/index.ts';
import type { KeyCall, KeyRef } from '../../keystore/keystore.ts';
import { announceTouch, pinTitle, touchTitle } from '../../keystore/token-prompts.ts';
import { ALGORITHM_REFERENCES, INS, PIN_REFERENCE, type Slot } from './piv.ts';
import { withPin } from './secrets.ts';
import { reading, settle, unsettle, type PivChannel } from './session.ts';
import type { SlotKey } from './slots.ts';
import { CACHED_DELAY_MS, notTouched, TOUCH_SECONDS } from './touch.ts';
import type { YubiKey } from './yubikey.ts';

/** One use of a private key. */
export interface Use {
  readonly ref: KeyRef;
  readonly slot: Slot;
  readonly held: SlotKey;
  /** 81: what is signed or decrypted; 85: the other side's public point. */
  readonly input: { readonly tag: 0x81 | 0x85; readonly value: Uint8Array };
  /** For the words of prompts: `sign`. */
  readonly verb: string;
  /** For what is thrown away: `signature`. */
  readonly result: string;
}

/** What the PIN policy of a key asks of us. */
type PinDemand = 'never' | 'once' | 'always' | 'unknown';
const DEMANDS: Readonly<Record<SlotKey['pinPolicy'], PinDemand>> = {
  never: 'never', once: 'once', always: 'always', match: 'once', 'match-once': 'once', 'match-always': 'always', unknown: 'unknown',
};

/**
 * GENERAL AUTHENTICATE with the key in a slot (SP 800-73-4 part 2 §3.2.4), with PIN and touch as its policies ask.
 * @returns the signature, the decrypted block or the shared secret, as the card gives it.
 * @throws PIN_REQUIRED, PIN_INCORRECT, PIN_BLOCKED, TOUCH_TIMEOUT, TOKEN_REMOVED, CANCELLED, CAPABILITY_MISSING for an input that the card does not take
 */
export function useKey(key: YubiKey, use: Use, call: KeyCall): Promise<Buffer> {
  return orLeave(call, `${use.result} of ${use.ref.uri}`, (late) => late.fill(0), async (leaving) => {
    const demand = DEMANDS[use.held.pinPolicy];
    // Where the policy is not known, a PIN that the card still holds for somebody else must not serve this caller; 9e is for use without one (SP 800-73-4 part 1, table 4b).
    const bare = demand === 'never' || (demand === 'unknown' && use.slot.name === '9e') || (demand === 'once' && key.pins.isVerified('pin', call));
    if (bare) {
      const outcome = await key.session.run(async (piv) => {
        const answer = await transmit(key, piv, use, call, leaving);
        return answer.sw === SW.securityStatus && demand !== 'never' && !(await pinStands(piv, demand)) ? undefined : answer;
      }, leaving.signal);
      if (outcome !== undefined) return resultOf(key, use, outcome);
      // Another program reset the card, or it never asked for the PIN yet.
      key.pins.tokenWasReset();
    }
    // 'always' means that the card forgets the PIN after each use: it must directly precede the command.
    return unsettle(await withPin(key, { ...wordsOf(use), keep: demand === 'once' ? 'insertion' : 'call' }, call, leaving.signal, async (piv) => {
      if (leaving.signal.aborted) throw leaving.signal.reason as Error;
      return settle(transmit(key, piv, use, call, leaving).then((answer) => resultOf(key, use, answer)));
    }));
  });
}

/** Whether the refusal had another reason than the PIN: that nobody touched. A policy that is unknown may want it anew each time. */
async function pinStands(piv: PivChannel, demand: PinDemand): Promise<boolean> {
  return demand === 'once' && (await piv.transmit({ ins: INS.verify, p2: PIN_REFERENCE })).sw === SW.ok;
}

async function transmit(key: YubiKey, piv: PivChannel, { ref, slot, held, input, verb }: Use, call: Call, leaving: Leaving): Promise<Response> {
  const data = tlv(0x7c, tlv(0x82), tlv(input.tag, input.value));
  const { touchPolicy } = held;
  using _announced = touchPolicy === 'never' ? undefined : announceTouch(
    { title: touchTitle('YubiKey', verb, ref), subject: placeOf(key, slot), seconds: TOUCH_SECONDS },
    touchPolicy === 'always' ? 0 : CACHED_DELAY_MS, call, (error) => leaving.leave(error),
  );
  // Awaited here: the announcement ends with this block.
  return await piv.transmit({ ins: INS.generalAuthenticate, p1: ALGORITHM_REFERENCES[held.algorithm], p2: slot.reference, data, le: 0 });
}

function resultOf(key: YubiKey, { slot, held, input, result }: Use, { data, sw }: Response): Buffer {
  // The PIN was verified, or is not asked for: what remains is the touch.
  if ((sw === SW.securityStatus || sw === SW.conditions) && held.touchPolicy !== 'never') throw notTouched(key);
  if (sw === SW.wrongLength) throw new KeywrightError('CAPABILITY_MISSING', { detail: `${input.value.length} bytes are more than ${key.title} takes at once.`, remedy: 'Use a format or a key for which the token gets a digest alone.' });
  if (sw !== SW.ok) {
    const doubt = held.certain ? undefined : `The key in slot ${slot.name} did not act. This firmware does not tell which key is there: it may be gone, or be another one than its certificate says.`;
    throw statusError(sw, `The ${result} was not made in slot ${slot.name}`, doubt === undefined ? {} : { detail: doubt });
  }
  const value = reading(`The ${result} cannot be read`, () => {
    const found = findTlv(parseTlvs(parseTlv(data, 0x7c, 'the answer'), 'the answer'), 0x82);
    if (found === undefined || found.length === 0) throw new KeywrightError('INVALID_INPUT', 'It is missing in the answer.');
    return Buffer.from(found);
  });
  data.fill(0);
  return value;
}

function wordsOf({ ref, slot, verb }: Use): { title: string; place: string } {
  return { title: pinTitle(verb, ref), place: `slot ${slot.name} (${slot.title})` };
}

const placeOf = (key: YubiKey, slot: Slot): string => `${key.title}, slot ${slot.name} (${slot.title})`;
