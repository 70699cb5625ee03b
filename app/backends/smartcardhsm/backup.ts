import { createHash, randomBytes } from 'node:crypto';
import { askSecret, because, KeywrightError, SecretBytes, type Call } from '../../contract/index.ts';
import { statusError, SW } from '../../devices/index.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import { FILE, INS, OWN, PREFIX, UNDER_DKEK } from './applet.ts';
import { readDescription, withIdentifier } from './description.ts';
import { checkShareFile, openShare, sealShare } from './dkek-share.ts';
import type { SmartCardHsm } from './hsm.ts';
import { keyCheckValueOf, readWrappedKey, writeWrappedKey, type WrappedKey } from './key-file.ts';
import { keysIn, referenceOf } from './objects.ts';
import { ROUNDS } from './password-key.ts';
import { deleteFile, dkekState, enumerate, readFile, writeFile, type DkekState, type HsmChannel } from './session.ts';
import { joinPassword, readParts, splitPassword, writePart, type PasswordPart } from './shares.ts';

/** Backup and restore under a device key encryption key, in the files that `sc-hsm-tool` writes and reads. */

const SHARE_LENGTH = 32;
const LEAST_PASSWORD = 10;
const MOST_REFERENCE = 0xff;

/** @param rounds fewer in tests alone. @returns a new random share as a file, for one password or for one that is split and shown part by part. */
export async function createShare(hsm: SmartCardHsm, split: { readonly threshold: number; readonly total: number } | undefined, call: KeyCall, rounds = ROUNDS): Promise<{ file: Uint8Array; keyCheckValue: string | null }> {
  const state = await hsm.session.run((channel) => dkekState(channel), call.signal);
  using password = split === undefined ? await newPassword(hsm, call) : await newSplitPassword(hsm, split, call);
  using share = new SecretBytes(randomBytes(SHARE_LENGTH));
  // The check value is that of the whole key: with one share, it is this one's.
  const keyCheckValue = state?.shares === 1 ? createHash('sha256').update(share.reveal()).digest('hex').slice(0, 16).toUpperCase() : null;
  return { file: await sealShare(share, password, call, rounds), keyCheckValue };
}

function newPassword(hsm: SmartCardHsm, call: Call): Promise<SecretBytes> {
  return askSecret({
    kind: 'new-secret', purpose: 'new-dkek-password', title: 'Choose a password for the DKEK share', subject: hsm.title, minLength: LEAST_PASSWORD,
    note: 'Whoever has all shares and their passwords can read every key that is wrapped under them. The file’s own protection is old: choose a long password.',
  }, call);
}

async function newSplitPassword(hsm: SmartCardHsm, { threshold, total }: { threshold: number; total: number }, call: Call): Promise<SecretBytes> {
  const { password, parts } = splitPassword(threshold, total);
  try {
    for (const [index, part] of parts.entries()) {
      const answer = await call.prompt.ask({
        kind: 'show-secret', purpose: 'new-dkek-password', title: `Part ${index + 1} of ${total} of the password of the DKEK share`, subject: hsm.title, secret: writePart(part),
        note: `For one custodian alone, who writes down all three values. ${threshold} of the ${total} parts are needed to use the share. It is shown once.`,
      }, call.signal);
      if (answer.kind !== 'confirmed') throw new KeywrightError('CANCELLED', 'A part of the password was not kept, so no share was made.');
    }
    return password;
  } catch (thrown) {
    password.wipe();
    throw thrown;
  }
}

/** @param parts how many parts of a split password are asked for. @param rounds fewer in tests alone. @throws CONFLICT when no share is awaited, INVALID_INPUT for a file that is none, PIN_INCORRECT for a password that does not open it */
export async function importShare(hsm: SmartCardHsm, file: Uint8Array, parts: number | undefined, call: KeyCall, rounds = ROUNDS): Promise<{ outstanding: number; keyCheckValue: string | null }> {
  checkShareFile(file);
  const before = mustHaveDkek(await hsm.session.run((channel) => dkekState(channel), call.signal), hsm);
  if (before.outstanding === 0) throw new KeywrightError('CONFLICT', because('dkek.complete', { token: hsm.title, value: before.keyCheckValue ?? '?' }));
  const title = `Import DKEK share ${before.shares - before.outstanding + 1} of ${before.shares}`;
  using password = parts === undefined ? await askSecret({ kind: 'secret', purpose: 'dkek-password', title, subject: hsm.title }, call) : await joinedPassword(hsm, title, parts, call);
  using share = await openShare(file, password, call, rounds);
  const after = await hsm.session.run((channel) => dkekState(channel, share.reveal()), call.signal);
  if (after === null) throw statusError(SW.conditions, 'The DKEK share was not imported');
  return { outstanding: after.outstanding, keyCheckValue: after.keyCheckValue };
}

/** Asks until there are as many parts as are needed: a person gives one at a time, a file may hold them all. */
async function joinedPassword(hsm: SmartCardHsm, title: string, count: number, call: Call): Promise<SecretBytes> {
  const parts: PasswordPart[] = [];
  while (parts.length < count) {
    using text = await askSecret({
      kind: 'secret', purpose: 'dkek-password', title: `${title}: part ${parts.length + 1} of ${count} of its password`, subject: hsm.title, form: 'password-part',
      note: parts.length === 0 ? 'Type prime, share ID and share value, as they were shown.' : 'Type share ID and share value, as they were shown.',
    }, call);
    parts.push(...readParts(Buffer.from(text.reveal()).toString('utf8')));
  }
  return joinPassword(parts);
}

/** @param slot CKA_ID of the key, in hex. @param label what people call it. @returns the file. @throws CAPABILITY_MISSING when the card has no DKEK, CONFLICT while shares are outstanding */
export async function wrapKey(hsm: SmartCardHsm, slot: string, call: KeyCall, label?: string): Promise<Uint8Array> {
  await hsm.session.run(async (channel) => mustBeComplete(await dkekState(channel), hsm), call.signal);
  return hsm.withPin(label === undefined ? `Wrap the key ${slot}` : `Wrap “${label}”`, call, async (channel) => {
    const reference = await referenceOf(channel, slot, hsm);
    const { data: blob, sw } = await channel.transmit({ cla: OWN, ins: INS.wrap, p1: reference, p2: UNDER_DKEK.wrap, le: 0 });
    if (sw !== SW.ok) throw statusError(sw, `The key ${slot} was not wrapped`);
    const beside = async (prefix: number): Promise<Uint8Array | null> => trimmed(await readFile(channel, (prefix << 8) | reference, 'What is kept beside the key was not read'));
    return writeWrappedKey({ blob, description: await beside(PREFIX.description), certificate: await beside(PREFIX.certificate) });
  });
}

/**
 * Puts a wrapped key into the card. The key itself comes last, so that one that is broken off leaves nothing that counts.
 * @param slot CKA_ID that it shall have; its own when left out. @returns the CKA_ID that it has.
 * @throws INVALID_INPUT for a file that is none or is wrapped under another DKEK, ALREADY_EXISTS
 */
export async function unwrapKey(hsm: SmartCardHsm, file: Uint8Array, slot: string | undefined, call: KeyCall): Promise<string> {
  const wrapped = readWrappedKey(file);
  if (wrapped.description === null) throw new KeywrightError('INVALID_INPUT', { detail: 'The file holds a key without its description, by which programs find it.', remedy: 'Restore it with `sc-hsm-tool --unwrap-key`, and give it a description with the tool that made the file.' });
  const what = 'the description of the wrapped key';
  const id = slot === undefined ? readDescription(wrapped.description, what).id : Buffer.from(slot.padStart(slot.length + (slot.length % 2), '0'), 'hex');
  const description = slot === undefined ? wrapped.description : withIdentifier(wrapped.description, id, what);
  const name = Buffer.from(id).toString('hex');
  await hsm.session.run(async (channel) => {
    const dkek = mustBeComplete(await dkekState(channel), hsm);
    const under = keyCheckValueOf(wrapped);
    if (dkek.keyCheckValue !== null && dkek.keyCheckValue !== under) throw new KeywrightError('INVALID_INPUT', { ...because('dkek.another', { token: hsm.title, wrapped: under, own: dkek.keyCheckValue }), where: '/wrapped' });
    await mustBeFree(channel, name, hsm);
  }, call.signal);
  await hsm.withPin(`Put a wrapped key into ${hsm.title}`, call, async (channel) => {
    await mustBeFree(channel, name, hsm);
    await putKey(channel, { ...wrapped, description }, await freeReference(channel, hsm), hsm);
  });
  return name;
}

async function putKey(channel: HsmChannel, { blob, description, certificate }: WrappedKey & { readonly description: Uint8Array }, reference: number, hsm: SmartCardHsm): Promise<void> {
  const [descriptionFile, certificateFile] = [(PREFIX.description << 8) | reference, (PREFIX.certificate << 8) | reference];
  const what = 'The key was not put into the token';
  await writeFile(channel, FILE.wrappedKey, blob, what);
  await writeFile(channel, descriptionFile, description, what);
  if (certificate !== null) await writeFile(channel, certificateFile, certificate, what);
  const { sw } = await channel.transmit({ cla: OWN, ins: INS.unwrap, p1: reference, p2: UNDER_DKEK.unwrap });
  await deleteFile(channel, FILE.wrappedKey, what);
  if (sw === SW.ok) return;
  await deleteFile(channel, descriptionFile, what);
  await deleteFile(channel, certificateFile, what);
  if (sw === SW.wrongData) throw statusError(sw, what, { detail: `${hsm.title} did not take the wrapped key: the file was changed, or is wrapped under another DKEK.`, remedy: 'Use the file as it was written, and a token with the same key check value.' });
  throw statusError(sw, what);
}

async function mustBeFree(channel: HsmChannel, id: string, hsm: SmartCardHsm): Promise<void> {
  const there = (await keysIn(channel)).find((key) => key.slot === id);
  if (there === undefined) return;
  throw new KeywrightError('ALREADY_EXISTS', { detail: `There is a key ${id} in ${hsm.title} already${there.label === null ? '' : ` (“${there.label}”)`}. It was not replaced.`, where: '/slot', remedy: 'Give the key another identifier with --slot, or delete the one that is there.' });
}

async function freeReference(channel: HsmChannel, hsm: SmartCardHsm): Promise<number> {
  const taken = new Set((await enumerate(channel)).filter((file) => file >> 8 === PREFIX.key).map((file) => file & 0xff));
  for (let reference = 1; reference <= MOST_REFERENCE; reference += 1) if (!taken.has(reference)) return reference;
  throw new KeywrightError('STORAGE_FULL', { detail: `${hsm.title} has no place left for a key.`, remedy: 'Delete a key that is no longer needed.' });
}

function mustHaveDkek(state: DkekState | null, hsm: SmartCardHsm): DkekState {
  if (state !== null) return state;
  throw new KeywrightError('CAPABILITY_MISSING', because('dkek.none', { token: hsm.title }));
}

function mustBeComplete(state: DkekState | null, hsm: SmartCardHsm): DkekState {
  const dkek = mustHaveDkek(state, hsm);
  if (dkek.outstanding === 0) return dkek;
  throw new KeywrightError('CONFLICT', because('dkek.waits', { token: hsm.title, outstanding: dkek.outstanding, shares: dkek.shares }));
}

/** @returns the first object of a file, without what may be left behind it; null when there is none. Its tag has one byte. */
function trimmed(content: Buffer | undefined): Uint8Array | null {
  const first = content?.[1];
  if (content === undefined || first === undefined) return null;
  const count = first < 0x80 ? 0 : first & 0x7f;
  if (count > 3 || content.length < 2 + count) return null;
  const end = 2 + count + (count === 0 ? first : content.readUIntBE(2, count));
  return end > content.length ? null : content.subarray(0, end);
}
