import { describe, expect, test } from 'vitest';
import { VirtualSmartCardHsm } from '../../../e2e/devices/smartcardhsm/card.ts';
import { SET_UP } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import { exchange } from '../../devices/apdu.ts';
import type { Channel } from '../../devices/index.ts';
import { mayBeSmartCardHsm } from './applet.ts';
import { discover } from './discovery.ts';
import { dkekState } from './session.ts';

/** Cards that answer in other ways than ours, which the documents allow. @param change gets a command and gives its answer, or undefined for the card's own. */
function channelOf(card: VirtualSmartCardHsm, change: (apdu: Buffer) => string | undefined = () => undefined): Channel {
  card.powerOn();
  return {
    transmit: (command, length = 'short') => exchange(async (apdu) => {
      const other = change(apdu);
      return other === undefined ? card.transmit(apdu) : Buffer.from(other, 'hex');
    }, command, length),
    control: async () => new Uint8Array(0),
  };
}

/** VERIFY without data asks for the state of a PIN. */
const asks = (apdu: Buffer, reference: number): boolean => apdu[1] === 0x20 && apdu[3] === reference && apdu.length <= 5;

describe('a card with the SmartCard-HSM application', () => {
  test('is recognised by that, whatever its answer to reset; a YubiKey is not even asked', async () => {
    const card = new VirtualSmartCardHsm({ setUp: SET_UP });
    expect(await discover(channelOf(card), false)).toMatchObject({ serial: card.serial, version: [3, 5], initialised: true });
    expect(mayBeSmartCardHsm(Buffer.from('3b80800101', 'hex'))).toBe(true);
    for (const atr of ['3bfd1300008131fe158073c021c057597562694b657940', '3bfc1300008131fe15597562696b65794e454f7233e1']) expect(mayBeSmartCardHsm(Buffer.from(atr, 'hex'))).toBe(false);
  });

  test('is not recognised in one that selects anything, nor in one that knows no such application', async () => {
    for (const answer of ['9000', '6f009000', '6a82', '6d00']) expect(await discover(channelOf(new VirtualSmartCardHsm(), (apdu) => (apdu[1] === 0xa4 ? answer : '6a82')), false).catch(() => undefined)).toBeUndefined();
  });

  test('was never set up when it calls both PINs not usable', async () => {
    expect(await discover(channelOf(new VirtualSmartCardHsm(), (apdu) => (asks(apdu, 0x81) || asks(apdu, 0x88) ? '6984' : undefined)))).toMatchObject({ initialised: false });
  });

  test('was set up when its PIN counts tries, though it tells nothing of the SO PIN', async () => {
    expect(await discover(channelOf(new VirtualSmartCardHsm({ setUp: SET_UP }), (apdu) => (asks(apdu, 0x88) ? '6a86' : undefined)))).toMatchObject({ initialised: true });
  });

  test('has no DKEK, in whichever words it says so', async () => {
    for (const sw of ['6d00', '6e00', '6a81', '6a82', '6a86', '6a88', '6984', '6985']) expect(await dkekState(channelOf(new VirtualSmartCardHsm(), () => sw)), sw).toBeNull();
  });
});
