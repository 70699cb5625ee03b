import { X509Certificate } from 'node:crypto';
import { because, KeywrightError } from '../../contract/index.ts';
import { fingerprint } from '../../formats/index.ts';
import type { KeyCall, KeyDescription } from '../../keystore/keystore.ts';
import { confirmDestruction, typedFingerprint } from '../../keystore/token-prompts.ts';
import { encodeCertificate } from './certificates.ts';
import { confirmOverwriting } from './make-key.ts';
import { asManager } from './management-key.ts';
import { putObject } from './objects.ts';
import { ATTESTATION_SLOT, INS, type Slot } from './piv.ts';
import { mustTransmit, type PivChannel } from './session.ts';
import { describe, forgetKey, keepKey, readSlot, type SlotFacts } from './slots.ts';
import type { YubiKey } from './yubikey.ts';

/** Where MOVE KEY puts what is to be deleted. */
const NOWHERE = 0xff;

const moveCommand = (piv: PivChannel, from: Slot, to: number, what: string): Promise<Buffer> => mustTransmit(piv, { ins: INS.moveKey, p1: to, p2: from.reference }, what);

/** Yubico's MOVE KEY (from 5.7). The certificate stays where it is. */
export async function moveKey(key: YubiKey, request: { readonly from: string; readonly to: string }, call: KeyCall): Promise<KeyDescription> {
  const [from, to] = [key.slot(request.from), key.slot(request.to)];
  if (from === to) throw new KeywrightError('INVALID_INPUT', { detail: `The key is in slot ${from.name} already.`, where: '/to' });
  if (from === ATTESTATION_SLOT || to === ATTESTATION_SLOT) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'Keys are moved neither into nor out of the attestation slot f9.', remedy: 'Choose another slot.' });
  const { held } = occupied(key, await readSlot(key, from));
  const target = await readSlot(key, to);
  await confirmOverwriting(key, target, call);
  try {
    await asManager(key, { title: `Move the key in slot ${from.name} to slot ${to.name}`, late: `move of ${key.uriOf(from)}` }, call, async (piv) => {
      // The device moves into a free slot alone.
      if (target.state !== 'empty' && target.state !== 'certificate-only') await moveCommand(piv, to, NOWHERE, `The key in slot ${to.name} was not deleted`);
      await moveCommand(piv, from, to.reference, `The key in slot ${from.name} was not moved`);
    });
    await forgetKey(key, from, call.unit);
    await keepKey(key, to, held, call.unit);
    return describe(key, { slot: to }, held);
  } finally {
    key.changed(from, to);
  }
}

export async function deleteKey(key: YubiKey, name: string, call: KeyCall): Promise<void> {
  const slot = key.slot(name);
  const facts = await readSlot(key, slot);
  if (facts.state !== 'unsupported') occupied(key, facts);
  const typed = facts.key === null ? `slot ${slot.name}` : typedFingerprint(fingerprint(facts.key.publicKey));
  await confirmDestruction({
    title: `Destroy the key in slot ${slot.name}`, token: key.title, action: 'Destroy it', typed,
    note: slot === ATTESTATION_SLOT ? 'The token could attest nothing any more, for good. Nothing brings the key back. Its certificate stays.' : 'Nothing brings the key back. Its certificate stays.',
  }, call);
  try {
    await asManager(key, { title: `Destroy the key in slot ${slot.name}`, late: `destruction of ${key.uriOf(slot)}` }, call, (piv) => moveCommand(piv, slot, NOWHERE, `The key in slot ${slot.name} was not deleted`));
    await forgetKey(key, slot, call.unit);
  } finally {
    key.changed(slot);
  }
}

/** @throws INVALID_INPUT with both fingerprints when it is for another key; CAPABILITY_MISSING, STORAGE_FULL when it does not fit. */
export async function putCertificate(key: YubiKey, name: string, certificate: Uint8Array, call: KeyCall): Promise<void> {
  const slot = key.slot(name);
  const object = encodeCertificate(certificate, key.gates.buffer);
  const { key: held } = await readSlot(key, slot);
  if (held?.certain === true) assertFits(certificate, held.publicKey);
  try {
    await asManager(key, { title: `Put a certificate into slot ${slot.name}`, place: slot.title, late: `certificate of ${key.uriOf(slot)}` }, call, (piv) => putObject(piv, slot.certificate, object, `The certificate was not put into slot ${slot.name}`));
  } finally {
    key.changed(slot);
  }
}

export async function deleteCertificate(key: YubiKey, name: string, call: KeyCall): Promise<void> {
  const slot = key.slot(name);
  const { certificate, note } = await readSlot(key, slot);
  if (certificate === null && note === null) throw new KeywrightError('NOT_FOUND', { detail: `There is no certificate in slot ${slot.name} of ${key.title}.` });
  try {
    await asManager(key, { title: `Delete the certificate of slot ${slot.name}`, place: slot.title, late: `deletion of the certificate of ${key.uriOf(slot)}` }, call, (piv) => putObject(piv, slot.certificate, new Uint8Array(0), `The certificate of slot ${slot.name} was not deleted`));
  } finally {
    key.changed(slot);
  }
}

function assertFits(certificate: Uint8Array, publicKey: Uint8Array): void {
  const own = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  if (own.equals(publicKey)) return;
  throw new KeywrightError('INVALID_INPUT', { ...because('token.certificate-misfits', { certificate: fingerprint(own), key: fingerprint(publicKey) }), where: '/certificate' });
}

/** @throws NOT_FOUND when the slot surely holds no key */
function occupied(key: YubiKey, { slot, key: held }: SlotFacts): { held: NonNullable<SlotFacts['key']> } {
  if (held !== null) return { held };
  throw new KeywrightError('NOT_FOUND', { detail: `There is no key in slot ${slot.name} of ${key.title}.`, remedy: 'See what is in it with `keywright tokens slots`.' });
}
