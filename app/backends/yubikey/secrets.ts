import { askSecret, because, KeywrightError, type Call, type SecretBytes } from '../../contract/index.ts';
import { findTlv, KEYPAD_SECONDS, parseTlvs, statusError, SW, triesIn, type KeypadOutcome, type Pinpad } from '../../devices/index.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import { LastTryNotAgreed, type Reason, type TokenSecret } from '../../keystore/pins.ts';
import { enterAtKeypad } from '../cards/keypad.ts';
import { INS, PIN_REFERENCE, PUK_REFERENCE } from './piv.ts';
import { mustTransmit, type PivChannel } from './session.ts';
import type { YubiKey } from './yubikey.ts';

/** PIN and PUK (SP 800-73-4 part 2 §3.2.1 to §3.2.3): six to eight characters, padded with ff to eight bytes. */

const LENGTH = 8;
const SHORTEST = 6;
const PADDING = 0xff;

export const DEFAULT_PIN = '123456';
export const DEFAULT_PUK = '12345678';

/** @returns the eight bytes that travel; the caller wipes them. */
export function padded(secret: Uint8Array): Buffer {
  const block = Buffer.alloc(LENGTH, PADDING);
  block.set(secret.subarray(0, LENGTH));
  return block;
}

function pinOf(key: YubiKey): TokenSecret {
  return {
    kind: 'pin', token: key.title, problemOf: (secret) => problemOf('PIN', secret), triesLeft: async () => (await pinTries(key)).left,
    remedyWhenBlocked: `Unblock it with the PUK: \`keywright tokens unblock-pin ${key.facts.id}\`.`,
  };
}

function pukOf(key: YubiKey): TokenSecret {
  return {
    kind: 'puk', token: key.title, problemOf: (secret) => problemOf('PUK', secret), triesLeft: async () => (await referenceMetadata(key, PUK_REFERENCE))?.left ?? null,
    remedyWhenBlocked: `Nothing unblocks a PUK. Keys can still be used with the PIN; when that is blocked too, only a reset is left: \`keywright tokens reset ${key.facts.id}\`.`,
  };
}

function problemOf(name: string, secret: Uint8Array): string | null {
  if (secret.length < SHORTEST || secret.length > LENGTH) return `A ${name} has ${SHORTEST} to ${LENGTH} characters. Nothing was sent to the token.`;
  return secret.includes(PADDING) ? `A ${name} cannot have that character. Nothing was sent to the token.` : null;
}

/** @returns tries left; null when the token does not tell: a PIN that is verified has none, before there was metadata. */
export async function pinTries(key: YubiKey): Promise<{ left: number | null; verified: boolean }> {
  const { sw } = await key.session.run((piv) => piv.transmit({ ins: INS.verify, p2: PIN_REFERENCE }));
  if (sw === SW.blocked) return { left: 0, verified: false };
  const tries = triesOf(key, sw);
  // Four bits hold fifteen: what says that may be more.
  if (tries !== undefined && tries < 15) return { left: tries, verified: false };
  return { left: (await referenceMetadata(key, PIN_REFERENCE))?.left ?? tries ?? null, verified: sw === SW.ok };
}

/** @returns tries left in a status word: 63 CX, or 63 0X on a NEO of before 3.3. */
function triesOf(key: YubiKey, sw: number): number | undefined {
  return triesIn(sw) ?? (key.gates.oldRetryStatus && sw >> 8 === 0x63 ? sw & 0x0f : undefined);
}

interface ReferenceMetadata {
  readonly isDefault: boolean;
  readonly total: number | null;
  readonly left: number | null;
}

/** @param reference of PIN or PUK. @returns undefined where there is no metadata (before 5.3). */
export function referenceMetadata(key: YubiKey, reference: number): Promise<ReferenceMetadata | undefined> {
  return key.session.run((piv) => metadataOf(key, piv, reference));
}

async function metadataOf(key: YubiKey, piv: PivChannel, reference: number): Promise<ReferenceMetadata | undefined> {
  if (!key.discovered.hasMetadata) return undefined;
  const { data, sw } = await piv.transmit({ ins: INS.metadata, p2: reference, le: 0 });
  if (sw !== SW.ok) return undefined;
  try {
    const elements = parseTlvs(data, 'its metadata');
    const [total, left] = findTlv(elements, 0x06) ?? [];
    return { isDefault: findTlv(elements, 0x05)?.[0] === 1, total: total ?? null, left: left ?? null };
  } catch {
    return undefined;
  }
}

/**
 * VERIFY, within work that has the card to itself. PIV need not be proved to be selected before: no other application of a YubiKey has
 * a PIN under this number, so that none counts a try.
 * @param lastTry the person knows that it is the last one. @throws PIN_INCORRECT with the tries left, PIN_BLOCKED, LastTryNotAgreed
 */
export async function verifyPin(key: YubiKey, piv: PivChannel, secret: SecretBytes, lastTry: boolean): Promise<void> {
  const agreed = (): Promise<void> => assertAgreed(key, piv, PIN_REFERENCE, lastTry);
  if (piv.reselected) await agreed();
  const data = padded(secret.reveal());
  try {
    key.trusted = true;
    judge(key, 'PIN', (await piv.transmit({ ins: INS.verify, p2: PIN_REFERENCE, data }, agreed)).sw);
  } finally {
    data.fill(0);
  }
}

/** @throws LastTryNotAgreed where the token tells that one try is left, which the person does not know */
async function assertAgreed(key: YubiKey, piv: PivChannel, reference: number, lastTry: boolean): Promise<void> {
  if (lastTry) return;
  const left = reference === PIN_REFERENCE ? triesOf(key, (await piv.transmit({ ins: INS.verify, p2: PIN_REFERENCE })).sw) : (await metadataOf(key, piv, reference))?.left;
  if (left === 1) throw new LastTryNotAgreed();
}

/**
 * Lets `work` run with the PIN just verified: one that is typed here, or where the reader has a keypad (PC/SC part 10) one that never comes here.
 * @param work gets null for the latter. @param signal for what has not begun.
 * @throws PIN_REQUIRED, PIN_INCORRECT, PIN_BLOCKED, CANCELLED, TIMEOUT at the keypad, and what `work` does
 */
export async function withPin<T>(key: YubiKey, reason: Reason, call: Call, signal: AbortSignal, work: (piv: PivChannel, pin: SecretBytes | null) => Promise<T>): Promise<T> {
  const pinpad = await key.session.card.pinpad();
  if (pinpad !== undefined) return atKeypad(key, pinpad, reason, call, signal, work);
  return key.pins.use(pinOf(key), reason, call, (pin, lastTry) => key.session.run(async (piv) => {
    await verifyPin(key, piv, pin, lastTry);
    return work(piv, pin);
  }, signal));
}

async function atKeypad<T>(key: YubiKey, pinpad: Pinpad, reason: Reason, call: Call, signal: AbortSignal, work: (piv: PivChannel, pin: null) => Promise<T>): Promise<T> {
  const { left } = await pinTries(key);
  mustHaveTries(pinOf(key), left);
  const request = { apdu: Buffer.concat([Buffer.of(0, INS.verify, 0, PIN_REFERENCE, LENGTH), Buffer.alloc(LENGTH, PADDING)]), ...DIGITS };
  return enterAtKeypad(key, { title: reason.title, what: `Enter the PIN of ${key.title}`, seconds: KEYPAD_SECONDS, triesLeft: left, ...DIGITS }, call, signal, (piv) => trusting(key, pinpad.verify(piv, request)), async (piv, sw, cancelled) => {
    judge(key, 'PIN', sw);
    if (reason.keep === 'insertion') key.pins.enteredElsewhere('pin', call);
    cancelled.throwIfAborted();
    return work(piv, null);
  });
}

/** Old and new one are entered at the reader, and neither comes here. */
async function changeAtKeypad(key: YubiKey, modify: NonNullable<Pinpad['modify']>, { ins, reference, name, secret, title, fresh }: Change, call: KeyCall): Promise<void> {
  const told = await secret.triesLeft();
  const left = typeof told === 'number' ? told : null;
  mustHaveTries(secret, left);
  const request = { apdu: Buffer.concat([Buffer.of(0, ins, 0, reference, 2 * LENGTH), Buffer.alloc(2 * LENGTH, PADDING)]), ...DIGITS, newAt: LENGTH };
  const what = `Enter the ${name} of ${key.title}, then the new ${fresh.purpose === 'new-puk' ? 'PUK' : 'PIN'} twice,`;
  await enterAtKeypad(key, { title, what, seconds: 3 * KEYPAD_SECONDS, triesLeft: left, ...DIGITS }, call, call.signal, (piv) => trusting(key, modify(piv, request)), async (_piv, sw) => judge(key, name, sw));
}

const DIGITS = { minDigits: SHORTEST, maxDigits: LENGTH } as const;

/** What is entered may be verified from now on. */
function trusting(key: YubiKey, pressed: Promise<KeypadOutcome>): Promise<KeypadOutcome> {
  key.trusted = true;
  return pressed;
}

function mustHaveTries({ token, kind, remedyWhenBlocked }: TokenSecret, left: number | null): void {
  if (left === 0) throw new KeywrightError('PIN_BLOCKED', { ...because('secret.blocked', { secret: kind.toUpperCase(), token }), triesLeft: 0, remedy: remedyWhenBlocked });
}

function judge(key: YubiKey, name: 'PIN' | 'PUK', sw: number): void {
  const wrong = sw !== SW.ok;
  // The tries that are left are others now.
  if (wrong || key.mistyped) key.options.onChange();
  key.mistyped = wrong;
  if (!wrong) return;
  const tries = triesOf(key, sw);
  if (tries !== undefined) throw new KeywrightError(tries === 0 ? 'PIN_BLOCKED' : 'PIN_INCORRECT', { reason: 'secret.wrong', values: { secret: name }, detail: `Wrong ${name}. ${tries === 1 ? 'One try is left' : `${tries} tries are left`}.`, triesLeft: tries });
  if (sw === SW.blocked) throw new KeywrightError('PIN_BLOCKED', { detail: `The ${name} is blocked.`, triesLeft: 0 });
  throw statusError(sw, `The ${name} was not accepted`, sw === SW.conditions ? { code: 'INVALID_INPUT', detail: `The token does not take the new value: it may be too simple, or have characters that it does not know (status ${sw.toString(16)}).`, remedy: 'Choose another one.' } : {});
}

/** What is changed with the secret itself: one command with the old value and the new one. */
interface Change {
  readonly ins: number;
  readonly reference: number;
  readonly name: 'PIN' | 'PUK';
  readonly secret: TokenSecret;
  readonly title: string;
  readonly fresh: { readonly purpose: 'new-pin' | 'new-puk'; readonly title: string };
}

/** CHANGE REFERENCE DATA of the PIN. @param before runs in the same transaction, with the old PIN. */
export async function changePin(key: YubiKey, call: KeyCall, before?: (piv: PivChannel, old: SecretBytes, lastTry: boolean) => Promise<void>): Promise<void> {
  await change(key, { ins: INS.changeReference, reference: PIN_REFERENCE, name: 'PIN', secret: pinOf(key), title: 'Change the PIN', fresh: { purpose: 'new-pin', title: 'Choose a new PIN' } }, call, before);
  key.pins.changed('pin');
}

export async function changePuk(key: YubiKey, call: KeyCall): Promise<void> {
  await change(key, { ins: INS.changeReference, reference: PUK_REFERENCE, name: 'PUK', secret: pukOf(key), title: 'Change the PUK', fresh: { purpose: 'new-puk', title: 'Choose a new PUK' } }, call);
  key.pins.changed('puk');
}

/** RESET RETRY COUNTER: a new PIN with the PUK. */
export async function unblockPin(key: YubiKey, call: KeyCall): Promise<void> {
  await change(key, { ins: INS.resetRetry, reference: PIN_REFERENCE, name: 'PUK', secret: pukOf(key), title: 'Set a new PIN with the PUK', fresh: { purpose: 'new-pin', title: 'Choose a new PIN' } }, call);
  key.pins.changed('pin');
}

async function change(key: YubiKey, asking: Change, call: KeyCall, before?: (piv: PivChannel, old: SecretBytes, lastTry: boolean) => Promise<void>): Promise<void> {
  const { ins, reference, name, secret, title, fresh: asked } = asking;
  let fresh: SecretBytes | undefined;
  try {
    // What else is to be done with the old one needs it here.
    const modify = before === undefined ? (await key.session.card.pinpad())?.modify : undefined;
    if (modify !== undefined) return await changeAtKeypad(key, modify, asking, call);
    await key.pins.use(secret, { title, keep: 'call', anew: true }, call, async (old, lastTry) => {
      // Asked for once, though the old one may be mistyped.
      fresh ??= await askNewSecret(asked.purpose, asked.title, key, call);
      const chosen = fresh;
      return key.session.run(async (piv) => {
        await piv.ensureSelected();
        await assertAgreed(key, piv, reference === PUK_REFERENCE || ins === INS.resetRetry ? PUK_REFERENCE : PIN_REFERENCE, lastTry);
        await before?.(piv, old, lastTry);
        const data = Buffer.concat([padded(old.reveal()), padded(chosen.reveal())]);
        try {
          judge(key, name, (await piv.transmit({ ins, p2: reference, data })).sw);
        } finally {
          data.fill(0);
        }
      }, call.signal);
    });
  } finally {
    fresh?.wipe();
    key.changed();
  }
}

/** Asks for a PIN or PUK to be chosen. The caller wipes it. */
export function askNewSecret(purpose: 'new-pin' | 'new-puk', title: string, key: YubiKey, call: KeyCall, note?: string): Promise<SecretBytes> {
  return askSecret({
    kind: 'new-secret', purpose, title, subject: key.title, minLength: SHORTEST, maxLength: LENGTH, form: 'pin',
    note: note ?? (purpose === 'new-pin' ? 'Six to eight characters; digits are understood everywhere.' : 'Six to eight characters. It unblocks the PIN: keep it apart from the token.'),
  }, call);
}

/** CHANGE REFERENCE DATA with known values, after SET PIN RETRIES has put the defaults in. */
export async function replaceDefault(piv: PivChannel, reference: number, old: string, fresh: SecretBytes): Promise<void> {
  const data = Buffer.concat([padded(Buffer.from(old)), padded(fresh.reveal())]);
  try {
    await mustTransmit(piv, { ins: INS.changeReference, p2: reference, data }, `The new ${reference === PIN_REFERENCE ? 'PIN' : 'PUK'} was not set`);
  } finally {
    data.fill(0);
  }
}
