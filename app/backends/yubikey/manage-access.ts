import { randomBytes, randomInt } from 'node:crypto';
import { askSecret, askToConfirm, KeywrightError, SecretBytes } from '../../contract/index.ts';
import { statusError, SW, triesIn } from '../../devices/index.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import { confirmDestruction } from '../../keystore/token-prompts.ts';
import { readAdminData, writeAdminData } from './admin-data.ts';
import { asManager, bytesOf, derivedKey, MANAGEMENT_ALGORITHMS, managementFacts, protectedObject, proves, type ManagementAlgorithm } from './management-key.ts';
import { putObject } from './objects.ts';
import { INS, MANAGEMENT_REFERENCE, OBJECT, PIN_REFERENCE, PUK_REFERENCE } from './piv.ts';
import { askNewSecret, changePin, DEFAULT_PIN, DEFAULT_PUK, padded, replaceDefault, verifyPin, withPin } from './secrets.ts';
import { mustTransmit, type PivChannel } from './session.ts';
import type { YubiKey } from './yubikey.ts';

interface ManagementKeyRequest {
  readonly algorithm?: ManagementAlgorithm;
  readonly protect: boolean;
  readonly touch: boolean;
}

/** Yubico's SET MANAGEMENT KEY. Without a wish it is AES-192 where the firmware has that, as new YubiKeys are delivered. */
export async function setManagementKey(key: YubiKey, { algorithm: wanted, protect, touch }: ManagementKeyRequest, call: KeyCall): Promise<void> {
  const { aesManagementKey, managementTouch } = key.gates;
  const algorithm = wanted ?? (aesManagementKey ? 'aes-192' : '3des');
  if (algorithm !== '3des' && !aesManagementKey) throw new KeywrightError('CAPABILITY_MISSING', { detail: `AES management keys come with firmware 5.4.2, and this one has ${key.facts.firmware}.`, remedy: 'Choose 3des.', alternatives: ['3des'] });
  if (touch && !managementTouch) throw new KeywrightError('CAPABILITY_MISSING', { detail: `Firmware ${key.facts.firmware} cannot ask for a touch before the management key is used.`, remedy: 'Leave out --touch.' });
  using fresh = protect ? new SecretBytes(randomManagementKey(algorithm)) : await askManagementKey(key, algorithm, call);
  try {
    await asManager(key, { title: 'Change the management key', late: `new management key of ${key.facts.id}` }, call, (piv, { value }) => replaceManagementKey(piv, algorithm, fresh.reveal(), { former: value, protect, touch }));
    key.pins.changed('management-key');
  } finally {
    key.changed();
  }
}

/** Whenever the token is pulled, either the new key or the former one is known to its owner or is in the token behind the PIN. */
async function replaceManagementKey(piv: PivChannel, algorithm: ManagementAlgorithm, fresh: Uint8Array, { former, protect, touch }: { former: Uint8Array; protect: boolean; touch: boolean }): Promise<void> {
  const admin = await readAdminData(piv);
  if (protect) {
    await putObject(piv, OBJECT.printed, protectedObject(fresh, former), 'The management key was not put behind the PIN');
    if (!admin.isProtected || admin.salt !== undefined) await writeAdminData(piv, { ...admin, isProtected: true, salt: undefined });
  }
  const { reference, length } = MANAGEMENT_ALGORITHMS[algorithm];
  const data = Buffer.concat([Buffer.of(reference, MANAGEMENT_REFERENCE, length), fresh]);
  try {
    await mustTransmit(piv, { ins: INS.setManagementKey, p1: 0xff, p2: touch ? 0xfe : 0xff, data }, 'The management key was not changed');
  } finally {
    data.fill(0);
  }
  if (protect) return putObject(piv, OBJECT.printed, protectedObject(fresh), 'The former management key was not removed from behind the PIN');
  if (admin.isProtected || admin.salt !== undefined) await writeAdminData(piv, { ...admin, isProtected: false, salt: undefined });
  if (admin.isProtected) await putObject(piv, OBJECT.printed, new Uint8Array(0), 'The former management key was not removed from behind the PIN');
}

/** @returns random bytes; for 3DES with odd parity, as some programs want it. */
function randomManagementKey(algorithm: ManagementAlgorithm): Buffer {
  const value = randomBytes(MANAGEMENT_ALGORITHMS[algorithm].length);
  if (algorithm !== '3des') return value;
  return value.map((byte) => ((byte.toString(2).replaceAll('0', '').length - (byte & 1)) % 2 === 0 ? byte | 1 : byte & 0xfe)) as Buffer;
}

async function askManagementKey(key: YubiKey, algorithm: ManagementAlgorithm, call: KeyCall): Promise<SecretBytes> {
  const { length, title } = MANAGEMENT_ALGORITHMS[algorithm];
  using typed = await askSecret({
    kind: 'new-secret', purpose: 'new-management-key', title: `Choose a new management key (${title})`, subject: key.title, minLength: 2 * length, maxLength: 2 * length, form: 'hex',
    note: `${2 * length} hexadecimal digits. Whoever has it may write keys and certificates; without it nobody can.`,
  }, call);
  return new SecretBytes(bytesOf(typed.reveal()) ?? Buffer.alloc(0));
}

/** CHANGE REFERENCE DATA of the PIN. A management key that is derived from it is replaced by one behind it in the same step: it would be lost else. */
export async function changePinAndWhatHangsOnIt(key: YubiKey, call: KeyCall): Promise<void> {
  const { kept, salt, algorithm } = await managementFacts(key);
  if (kept !== 'derived' || salt === undefined) return changePin(key, call);
  await changePin(key, call, async (piv, old, lastTry) => {
    // The PIN must be right before anything is derived from it.
    await verifyPin(key, piv, old, lastTry);
    using former = new SecretBytes(await derivedKey(old, salt));
    if (!(await proves(piv, algorithm, former.reveal()))) return;
    using fresh = new SecretBytes(randomManagementKey(algorithm));
    await replaceManagementKey(piv, algorithm, fresh.reveal(), { former: former.reveal(), protect: true, touch: false });
  });
}

/**
 * Yubico's SET PIN RETRIES. It resets PIN and PUK to what they were delivered as, so that new ones are asked for before and set in
 * the same transaction.
 */
export async function setRetries(key: YubiKey, tries: { readonly pin: number; readonly puk: number }, call: KeyCall): Promise<void> {
  await askToConfirm({
    purpose: 'confirm', title: `Set the tries: ${tries.pin} for the PIN, ${tries.puk} for the PUK`, subject: key.title, action: 'Set them', destructive: false,
    note: 'The token resets PIN and PUK when it does that. You choose new ones in the next step, and they are set at once.',
  }, call);
  using pin = await askNewSecret('new-pin', 'Choose a new PIN', key, call, 'The token resets its PIN when the tries are set; this one takes its place. Six to eight characters.');
  using puk = await askNewSecret('new-puk', 'Choose a new PUK', key, call, 'The token resets its PUK when the tries are set; this one takes its place. Six to eight characters.');
  let reset = false;
  try {
    // The command wants the PIN and the management key, in whichever order.
    await withPin(key, { title: 'Set how many tries PIN and PUK have', keep: 'insertion' }, call, call.signal, async () => undefined);
    await asManager(key, { title: 'Set how many tries PIN and PUK have', late: `tries of ${key.facts.id}` }, call, async (piv) => {
      await mustTransmit(piv, { ins: INS.setRetries, p1: tries.pin, p2: tries.puk }, 'The tries were not set');
      reset = true;
      key.pins.changed('pin');
      key.pins.changed('puk');
      await replaceDefault(piv, PIN_REFERENCE, DEFAULT_PIN, pin);
      await replaceDefault(piv, PUK_REFERENCE, DEFAULT_PUK, puk);
      reset = false;
    });
  } catch (thrown) {
    if (!reset || !(thrown instanceof KeywrightError)) throw thrown;
    throw new KeywrightError(thrown.code, { ...thrown.facts, detail: `${thrown.facts.detail} The tries were set, but not both the new PIN and PUK.`, remedy: `PIN or PUK may be as delivered now (${DEFAULT_PIN} and ${DEFAULT_PUK}). Put the token back and change both at once.`, cause: thrown });
  } finally {
    key.changed();
  }
}

/** More tries than any token can have. */
const MOST_TRIES = 260;

/**
 * Yubico's RESET of the PIV application, which takes a blocked PIN and a blocked PUK: both are blocked on purpose, with values that
 * nobody chose, once a person has agreed by typing.
 */
export async function reset(key: YubiKey, call: KeyCall): Promise<void> {
  const typed = key.facts.serial ?? key.facts.id;
  await confirmDestruction({
    title: `Reset ${key.title}`, token: key.title, action: 'Destroy all keys', typed,
    note: 'Every key and certificate in its PIV slots is destroyed for good. PIN, PUK and management key become what they were delivered as. Other applications of the token (FIDO, OpenPGP, OTP) are not touched.',
  }, call);
  try {
    await key.session.run(async (piv) => {
      await piv.ensureSelected();
      await block(piv, 'PIN', INS.changeReference);
      await block(piv, 'PUK', INS.resetRetry);
      const { sw } = await piv.transmit({ ins: INS.reset });
      if (sw !== SW.ok) throw statusError(sw, `${key.title} was not reset`, sw === SW.conditions || sw === SW.securityStatus ? { code: 'CAPABILITY_MISSING', detail: `${key.title} does not let its PIV application be reset alone.`, remedy: 'Reset the whole token with Yubico’s own program.' } : {});
    }, call.signal);
    for (const kind of ['pin', 'puk', 'management-key'] as const) key.pins.changed(kind);
    const { items } = await call.unit.list(`material/${key.options.instance}/${key.name}/`, { limit: 100 });
    for (const record of items) await call.unit.delete(record.key, { ifRevision: 'any' });
  } finally {
    key.changed();
  }
}

/** @param ins takes an old value of the PIN, or the PUK, and a new PIN. */
async function block(piv: PivChannel, name: 'PIN' | 'PUK', ins: number): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    // Never the same twice, and as likely the right one as any guess is.
    const { sw } = await piv.transmit({ ins, p2: PIN_REFERENCE, data: Buffer.concat([guess(), guess()]) });
    if (sw === SW.blocked || triesIn(sw) === 0) return;
    if (sw !== SW.ok && sw >> 8 !== 0x63) throw statusError(sw, `The ${name} was not blocked`);
  }
  throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The ${name} does not become blocked.`, remedy: 'Reset the token with Yubico’s own program.' });
}

const guess = (): Buffer => padded(Buffer.from(String(randomInt(10_000_000, 100_000_000))));
