import { randomBytes } from 'node:crypto';
import { tlv } from '../../devices/index.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import type { ActionState, TokenAction, TokenManagement } from '../../keystore/tokens.ts';
import { attest } from './attestation.ts';
import { guidIn } from './discovery.ts';
import { changePinAndWhatHangsOnIt, reset, setManagementKey, setRetries } from './manage-access.ts';
import { deleteCertificate, deleteKey, moveKey, putCertificate } from './manage-slots.ts';
import { asManager } from './management-key.ts';
import { getObject, putObject } from './objects.ts';
import { OBJECT } from './piv.ts';
import { changePuk, unblockPin } from './secrets.ts';
import type { YubiKey } from './yubikey.ts';

/** @returns the verbs that this firmware has; `actionsOf` tells why the others are not there. */
export function managementOf(key: YubiKey): TokenManagement {
  const { attestation, moveKey: moves } = key.gates;
  return {
    changePin: (call) => changePinAndWhatHangsOnIt(key, call),
    changePuk: (call) => changePuk(key, call),
    unblockPin: (call) => unblockPin(key, call),
    setManagementKey: (request, call) => setManagementKey(key, request, call),
    setRetries: (request, call) => setRetries(key, request, call),
    reset: (call) => reset(key, call),
    setIdentifiers: (call) => setIdentifiers(key, call),
    putCertificate: (slot, certificate, call) => putCertificate(key, slot, certificate, call),
    deleteCertificate: (slot, call) => deleteCertificate(key, slot, call),
    ...(attestation ? { attest: (slot: string) => attest(key, key.slot(slot)) } : {}),
    ...(moves ? { moveKey: (request: { from: string; to: string }, call: KeyCall) => moveKey(key, request, call), deleteKey: (slot: string, call: KeyCall) => deleteKey(key, slot, call) } : {}),
  };
}

const OF_OTHERS: Partial<Record<TokenAction, string>> = {
  initialize: 'A YubiKey needs no setting up: it comes ready, and `tokens reset` makes it so again.',
  'change-so-pin': 'A YubiKey has a PUK and a management key instead of a security officer’s PIN.',
  'create-dkek-share': 'That is a thing of the SmartCard-HSM: no key leaves a YubiKey.', 'import-dkek-share': 'That is a thing of the SmartCard-HSM: no key leaves a YubiKey.',
  'wrap-key': 'No key leaves a YubiKey, wrapped or not.', 'unwrap-key': 'A YubiKey takes no wrapped keys; `keys unwrap` imports what another key unwraps.',
};
const ACTIONS: readonly TokenAction[] = [
  'change-pin', 'unblock-pin', 'change-puk', 'set-management-key', 'set-retries', 'reset', 'set-identifiers', 'move-key', 'delete-key', 'attest', 'put-certificate', 'delete-certificate',
];

export function actionsOf({ gates, facts: { firmware } }: YubiKey): ActionState[] {
  const since = (version: string, what: string): string => `${what} from firmware ${version} on; this one has ${firmware}.`;
  const missing: Partial<Record<TokenAction, string>> = {
    ...OF_OTHERS,
    ...(gates.moveKey ? {} : { 'move-key': since('5.7', 'Keys can be moved'), 'delete-key': since('5.7', 'Keys can be deleted one by one') }),
    ...(gates.attestation ? {} : { attest: since('4.3', 'Keys are attested') }),
  };
  return [...ACTIONS, ...Object.keys(OF_OTHERS) as TokenAction[]].map((action) => ({ action, available: missing[action] === undefined, reason: missing[action] ?? null }));
}

/** For people outside the US government: the FASC-N that SP 800-73-4 leaves to them, all nines. */
const NON_FEDERAL = Buffer.from('d4e739da739ced39ce739d836858210842108421c84210c3eb', 'hex');

/**
 * Writes card holder unique identifier and card capability container (SP 800-73-4 part 1 §3.1.1, §3.1.2), by which systems tell cards
 * apart. Where the identifier names the card, it stays.
 */
async function setIdentifiers(key: YubiKey, call: KeyCall): Promise<void> {
  await asManager(key, { title: 'Write CHUID and CCC', late: `identifiers of ${key.facts.id}` }, call, async (piv) => {
    const before = key.discovered.serial === null ? await getObject(piv, OBJECT.chuid) : undefined;
    const guid = before === undefined ? null : guidIn(before);
    const identifier = guid === null ? randomBytes(16) : Buffer.from(guid, 'hex');
    const chuid = Buffer.concat([tlv(0x30, NON_FEDERAL), tlv(0x34, identifier), tlv(0x35, Buffer.from('20300101')), tlv(0x3e), tlv(0xfe)]);
    await putObject(piv, OBJECT.chuid, chuid, 'The CHUID was not written');
    const card = Buffer.concat([Buffer.from('a000000116ff02', 'hex'), randomBytes(14)]);
    const one = (tag: number, value: number): Buffer => tlv(tag, Buffer.of(value));
    const capabilities = Buffer.concat([tlv(0xf0, card), one(0xf1, 0x21), one(0xf2, 0x21), tlv(0xf3), one(0xf4, 0x00), one(0xf5, 0x10), tlv(0xf6), tlv(0xf7), tlv(0xfa), tlv(0xfb), tlv(0xfc), tlv(0xfd), tlv(0xfe)]);
    await putObject(piv, OBJECT.ccc, capabilities, 'The CCC was not written');
  });
  key.changed();
}
