import { askSecret, KeywrightError, type SecretBytes } from '../../contract/index.ts';
import { dataOf, statusError, SW, tlv } from '../../devices/index.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import { confirmDestruction } from '../../keystore/token-prompts.ts';
import type { InitializeToken } from '../../keystore/tokens.ts';
import { DEFAULT_RETRIES, FILE, INS, MOST_RETRIES, OFFICER_PIN_DIGITS, OPTION, OWN, PIN_LENGTH, pinLengthFor, REFERENCE } from './applet.ts';
import { assertAgreed, judge, officerPinBytes, type SmartCardHsm } from './hsm.ts';
import { pinState, writeFile, type HsmChannel } from './session.ts';

/** Setting a SmartCard-HSM up, and its PINs. Each asks for what it needs before the card is touched. */

const askForPin = (hsm: SmartCardHsm, title: string, call: KeyCall, { note, least = PIN_LENGTH.least }: { note?: string; least?: number } = {}): Promise<SecretBytes> =>
  askSecret({ kind: 'new-secret', purpose: 'new-pin', title, subject: hsm.title, ...(note === undefined ? {} : { note }), minLength: least, maxLength: PIN_LENGTH.most, form: 'pin' }, call);

const askForOfficerPin = (hsm: SmartCardHsm, title: string, note: string, call: KeyCall): Promise<SecretBytes> =>
  askSecret({ kind: 'new-secret', purpose: 'new-so-pin', title, subject: hsm.title, note, minLength: OFFICER_PIN_DIGITS, maxLength: OFFICER_PIN_DIGITS, form: 'hex' }, call);

/**
 * INITIALIZE DEVICE: every key and file is destroyed but the device's own key and certificate. A card that was set up before needs its SO PIN,
 * which stays; one that never was gets one now. @throws INVALID_INPUT for tries that no PIN may have, and what `pins.ts` says
 */
export async function initialize(hsm: SmartCardHsm, request: InitializeToken, call: KeyCall): Promise<void> {
  const { initialised, serial } = hsm.discovered;
  const retries = request.pinRetries ?? DEFAULT_RETRIES;
  if (retries < 1 || retries > MOST_RETRIES) throw new KeywrightError('INVALID_INPUT', { detail: `A PIN has 1 to ${MOST_RETRIES} tries, not ${retries}.`, where: '/pinRetries' });
  if (initialised) {
    await confirmDestruction({
      title: `Set up ${hsm.title} anew`, token: hsm.title, typed: serial, action: 'Destroy everything and set up',
      note: 'Every key and certificate in it is destroyed, and so is its DKEK. Only keys that were wrapped before can be brought back, with the same DKEK shares.',
    }, call);
  }
  using pin = await askForPin(hsm, 'Choose the PIN', call, { note: `It has ${retries} ${retries === 1 ? 'try' : 'tries'}.`, least: pinLengthFor(retries) });
  const send = async (officer: SecretBytes, lastTry: boolean): Promise<void> => {
    using bytes = officerPinBytes(officer);
    await hsm.session.run(async (channel) => {
      await assertAgreed(channel, REFERENCE.officerPin, lastTry);
      await setUp(channel, request, { pin, officer: bytes, retries });
    }, call.signal);
  };
  if (initialised) await hsm.pins.use(hsm.officerPin, { title: `Set up ${hsm.title} anew`, keep: 'call' }, call, send);
  else {
    using officer = await askForOfficerPin(hsm, 'Choose the SO PIN', 'It sets a new PIN when that is blocked, and is needed to set the token up again. It has 15 tries and cannot be reset: keep it in a safe place.', call);
    await send(officer, true);
  }
  hsm.pins.changed('pin');
}

async function setUp(channel: HsmChannel, { label, dkekShares, allowPinReset }: InitializeToken, secrets: { pin: SecretBytes; officer: SecretBytes; retries: number }): Promise<void> {
  const data = Buffer.concat([
    tlv(0x80, Buffer.of(0, allowPinReset === false ? 0 : OPTION.resetRetryCounter)), tlv(0x81, secrets.pin.reveal()), tlv(0x82, secrets.officer.reveal()), tlv(0x91, Buffer.of(secrets.retries)),
    ...(dkekShares === undefined ? [] : [tlv(0x92, Buffer.of(dkekShares))]),
  ]);
  try {
    const { sw } = await channel.transmit({ cla: OWN, ins: INS.initialize, data });
    // A wrong SO PIN is answered with “conditions not satisfied”, and counted.
    if (sw === SW.conditions || sw === SW.securityStatus) {
      const state = await pinState(channel, REFERENCE.officerPin);
      judge(state.state === 'blocked' ? SW.blocked : 0x63c0 | Math.min(('triesLeft' in state ? state.triesLeft : null) ?? 15, 15), 'SO PIN', '');
    }
    if (sw === SW.wrongData) throw statusError(sw, 'The token was not set up', { detail: 'The token does not take this PIN, or not so many tries with it. Nothing was changed.', remedy: 'A PIN of 6 characters may have 3 tries, one of 7 may have 5, and one of 8 or more may have 10.' });
    judge(sw, 'SO PIN', 'The token was not set up');
  } finally {
    data.fill(0);
  }
  if (label !== undefined) {
    dataOf(await channel.transmit({ ins: INS.verify, p2: REFERENCE.pin, data: secrets.pin.reveal() }), 'The token was set up, but did not take its PIN');
    // TokenInfo of PKCS#15 (ISO/IEC 7816-15 §8.10): version, label, flags (PRN generation), as OpenSC writes it.
    await writeFile(channel, FILE.tokenInfo, tlv(0x30, tlv(0x02, Buffer.of(0)), tlv(0x80, Buffer.from(label)), tlv(0x03, Buffer.of(5, 0x20))), 'The token was set up, but its label was not written');
  }
}

/** CHANGE REFERENCE DATA with the old PIN. The card does not tell how long the new one must be for its tries. */
export async function changePin(hsm: SmartCardHsm, call: KeyCall): Promise<void> {
  await withFresh(() => askForPin(hsm, 'Choose a new PIN', call), (fresh) => hsm.pins.use(hsm.pin, { title: 'Change the PIN', keep: 'call', anew: true }, call, async (old, lastTry) => change(hsm, REFERENCE.pin, [old, await fresh()], lastTry, call)));
  hsm.pins.changed('pin');
}

/** CHANGE REFERENCE DATA with the old SO PIN. */
export async function changeSoPin(hsm: SmartCardHsm, call: KeyCall): Promise<void> {
  await withFresh(() => askForOfficerPin(hsm, 'Choose a new SO PIN', 'It cannot be reset: keep it in a safe place.', call), (fresh) => hsm.pins.use(hsm.officerPin, { title: 'Change the SO PIN', keep: 'call', anew: true }, call, async (old, lastTry) => {
    using freshBytes = officerPinBytes(await fresh());
    using oldBytes = officerPinBytes(old);
    await change(hsm, REFERENCE.officerPin, [oldBytes, freshBytes], lastTry, call);
  }));
  hsm.pins.changed('so-pin');
}

/** RESET RETRY COUNTER: a new PIN, with the SO PIN. */
export async function unblockPin(hsm: SmartCardHsm, call: KeyCall): Promise<void> {
  await withFresh(() => askForPin(hsm, 'Choose a new PIN', call), (fresh) => hsm.pins.use(hsm.officerPin, { title: 'Set a new PIN', keep: 'call', anew: true }, call, async (officer, lastTry) => {
    using bytes = officerPinBytes(officer);
    await send(hsm, { ins: INS.resetRetry, reference: REFERENCE.pin, counts: REFERENCE.officerPin, parts: [bytes, await fresh()] }, lastTry, call);
  }));
  hsm.pins.changed('pin');
}

/** The old one is asked for first; the new one once, though the old one may be mistyped. */
async function withFresh(ask: () => Promise<SecretBytes>, work: (fresh: () => Promise<SecretBytes>) => Promise<void>): Promise<void> {
  let asked: SecretBytes | undefined;
  try {
    await work(async () => (asked ??= await ask()));
  } finally {
    asked?.wipe();
  }
}

function change(hsm: SmartCardHsm, reference: number, parts: readonly SecretBytes[], lastTry: boolean, call: KeyCall): Promise<void> {
  return send(hsm, { ins: INS.changeReference, reference, counts: reference, parts }, lastTry, call);
}

/** @param counts the reference whose tries it takes. */
async function send(hsm: SmartCardHsm, { ins, reference, counts, parts }: { ins: number; reference: number; counts: number; parts: readonly SecretBytes[] }, lastTry: boolean, call: KeyCall): Promise<void> {
  const data = Buffer.concat(parts.map((part) => part.reveal()));
  try {
    const { sw } = await hsm.session.run(async (channel) => {
      await assertAgreed(channel, counts, lastTry);
      return channel.transmit({ ins, p2: reference, data });
    }, call.signal);
    if (sw === SW.wrongData || sw === SW.wrongLength) throw statusError(sw, 'The PIN was not changed', { code: 'INVALID_INPUT', detail: 'The token does not take this new PIN. The old one still counts.', remedy: 'Choose a longer one: the more tries a PIN has, the longer it must be.' });
    judge(sw, counts === REFERENCE.pin ? 'PIN' : 'SO PIN', 'Nothing was changed');
  } finally {
    data.fill(0);
  }
}
