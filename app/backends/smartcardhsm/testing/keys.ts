import { createHash } from 'node:crypto';
import { VirtualSmartCardHsm, type SmartCardHsmOptions } from '../../../../e2e/devices/smartcardhsm/card.ts';
import { Client, SET_UP } from '../../../../e2e/devices/smartcardhsm/testing/client.ts';
import { tlv } from '../../../devices/index.ts';
import type { KeyDescription } from '../../../keystore/keystore.ts';

/** Passwords of DKEK shares are slow on purpose, here and in sc-hsm-tool: one share goes each way at full cost, here ours to it, and in `command-line.test.ts` its to us. */
export const PATIENCE = 240_000;
/** Rounds for shares that we both make and open. */
export const QUICK = 10;
const DKEK_SHARE = Buffer.alloc(32, 0x37);
export const CHECK_VALUE = createHash('sha256').update(DKEK_SHARE).digest('hex').slice(0, 16).toUpperCase();

/** A PKCS#15 description as OpenSC writes it. */
const description = (id: string, label: string): Buffer => tlv(
  0xa0, tlv(0x30, tlv(0x0c, Buffer.from(label)), tlv(0x03, Buffer.from('06c0', 'hex')), tlv(0x04, Buffer.of(1))), tlv(0x30, tlv(0x04, Buffer.from(id, 'hex')), tlv(0x03, Buffer.from('073080', 'hex'))),
  tlv(0xa1, tlv(0x30, tlv(0x30, tlv(0x04)), tlv(0x02, Buffer.of(1, 0)))),
);

/** Makes a key in the card as OpenSC would, without reader. */
export async function makeKey(card: VirtualSmartCardHsm, reference: number, id: string, algorithm = 'prime256v1'): Promise<KeyDescription> {
  const client = new Client(card);
  await client.select();
  await client.verify();
  await client.generate(reference, algorithm);
  card.memory.files.set(0xc400 | reference, description(id, `Key ${id}`));
  card.powerOff();
  return described(card, reference);
}

export function described(card: VirtualSmartCardHsm, reference: number): KeyDescription {
  const publicKey = card.memory.keys.get(reference)!.publicKey.export({ type: 'spki', format: 'der' });
  return { uri: 'x:y', id: 'y', label: null, algorithm: 'ec-p256', usages: [], extractable: false, protection: 'hsm', versions: [{ version: 1, createdAt: '', publicKey }] };
}

/** @returns a card that was set up, with the same DKEK as any other one of these. */
export const withDkek = (options: SmartCardHsmOptions = {}): VirtualSmartCardHsm => {
  const card = new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 1 }, ...options });
  DKEK_SHARE.copy(card.memory.dkek!.value);
  card.memory.dkek!.outstanding = 0;
  return card;
};
