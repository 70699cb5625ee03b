import { expect, test } from 'vitest';
import { VirtualYubiKey } from '../../../e2e/devices/yubikey/card.ts';
import { exchange } from '../../devices/apdu.ts';
import type { Channel } from '../../devices/index.ts';
import { discover } from './discovery.ts';

interface Otherwise {
  readonly least?: number;
  /** Status word for shorter names. */
  readonly refusal?: string;
  readonly without?: readonly number[];
  /** What GET VERSION answers. */
  readonly version?: string;
}

/** A card that compares `least` bytes of a name at the least (ISO/IEC 7816-4 §7.1.1 lets it), and lacks the instructions of `without`. */
function channelOf(card: VirtualYubiKey, { least = 5, refusal = '6a82', without = [], version }: Otherwise): Channel {
  card.powerOn();
  return {
    transmit: (command, length = 'short') => exchange(async (apdu) => {
      if (apdu[1] === 0xa4 && (apdu[4] ?? 0) < least) return Buffer.from(refusal, 'hex');
      if (apdu[1] === 0xfd && version !== undefined) return Buffer.from(version, 'hex');
      return without.includes(apdu[1] ?? 0) ? Buffer.from('6d00', 'hex') : card.transmit(apdu);
    }, command, length),
    control: async () => new Uint8Array(0),
  };
}

test.each([5, 6, 9, 11])('PIV is found in a card that wants %i bytes of its name', async (least) => {
  expect(await discover(channelOf(new VirtualYubiKey({ firmware: '5.7.1', serial: 1234 }), { least }))).toMatchObject({ firmware: [5, 7, 1], serial: '1234' });
});

test.each(['6a80', '6700', '6a81', '6a86'])('PIV is found in a card that refuses short names with %s', async (refusal) => {
  expect(await discover(channelOf(new VirtualYubiKey({ serial: 1234 }), { least: 9, refusal }))).toMatchObject({ serial: '1234' });
});

test('a NEO whose PIV application has the firmware’s own version is known by that', async () => {
  const lacking = { version: '0304099000', without: [0xf8, 0xf7, 0x1d] };
  expect(await discover(channelOf(new VirtualYubiKey({ firmware: '4.3.5' }), lacking))).toMatchObject({ firmware: [3, 4, 9], model: 'YubiKey NEO' });
});

test('one without serial, metadata and further applications is known by its firmware alone', async () => {
  expect(await discover(channelOf(new VirtualYubiKey({ firmware: '5.4.3' }), { least: 9, without: [0xf8, 0xf7, 0x1d, 0x01] }))).toMatchObject({ firmware: [5, 4, 3], serial: null, hasMetadata: false, model: 'YubiKey 5' });
});
