import { expect, test } from 'vitest';
import { VirtualYubiKey } from '../../../e2e/devices/yubikey/card.ts';
import { exchange } from '../../devices/apdu.ts';
import type { Channel } from '../../devices/index.ts';
import { discover } from './discovery.ts';

/** A card that compares `least` bytes of a name at the least (ISO/IEC 7816-4 §7.1.1 lets it), and lacks the instructions of `without`. */
function channelOf(card: VirtualYubiKey, { least = 5, without = [] }: { least?: number; without?: readonly number[] }): Channel {
  card.powerOn();
  return {
    transmit: (command, length = 'short') => exchange(async (apdu) => {
      if (apdu[1] === 0xa4 && (apdu[4] ?? 0) < least) return Buffer.from('6a82', 'hex');
      return without.includes(apdu[1] ?? 0) ? Buffer.from('6d00', 'hex') : card.transmit(apdu);
    }, command, length),
    control: async () => new Uint8Array(0),
  };
}

test.each([5, 6, 9, 11])('PIV is found in a card that wants %i bytes of its name', async (least) => {
  expect(await discover(channelOf(new VirtualYubiKey({ firmware: '5.7.1', serial: 1234 }), { least }))).toMatchObject({ firmware: [5, 7, 1], serial: '1234' });
});

test('one without serial, metadata and further applications is known by its firmware alone', async () => {
  expect(await discover(channelOf(new VirtualYubiKey({ firmware: '5.4.3' }), { least: 9, without: [0xf8, 0xf7, 0x1d, 0x01] }))).toMatchObject({ firmware: [5, 4, 3], serial: null, hasMetadata: false, model: 'YubiKey 5' });
});
