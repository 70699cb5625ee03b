import { describe, expect, test } from 'vitest';
import { VirtualSmartCardHsm } from '../../../e2e/devices/smartcardhsm/card.ts';
import { SET_UP } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import { exchange } from '../../devices/apdu.ts';
import { tokenRemoved } from '../../devices/errors.ts';
import type { Channel } from '../../devices/index.ts';
import { mayBeSmartCardHsm } from './applet.ts';
import { discover } from './discovery.ts';
import { dkekState, readFile } from './session.ts';

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

  test('is read in pieces of whatever size, to the end that it tells or that nothing follows', async () => {
    const whole = new VirtualSmartCardHsm({ setUp: SET_UP });
    const device = whole.memory.files.get(0x2f02)!;
    for (const [piece, end] of [[100, '9000'], [100, '6282'], [0xe0, '6b00'], [0xe0, '6a86'], [64, '6700']] as const) {
      const channel = channelOf(whole, (apdu) => {
        if (apdu[1] !== 0xb1) return undefined;
        const at = apdu.readUInt16BE(7);
        const part = device.subarray(at, at + piece);
        return part.length === 0 ? end : `${part.toString('hex')}9000`;
      });
      await channel.transmit({ ins: 0xa4, p1: 4, data: Buffer.from('e82b0601040181c31f0201', 'hex'), le: 0 });
      expect((await readFile(channel, 0x2f02, 'x'))?.equals(device), `${piece} ${end}`).toBe(true);
    }
  });

  test('works without what it does not let be read, but is gone when it is pulled', async () => {
    for (const sw of ['6982', '6a86', '6a80']) expect(await discover(channelOf(new VirtualSmartCardHsm({ setUp: SET_UP }), (apdu) => (apdu[1] === 0xb1 ? sw : undefined))), sw).toMatchObject({ label: null, initialised: true });
    await expect(discover(channelOf(new VirtualSmartCardHsm({ setUp: SET_UP }), (apdu) => { if (apdu[1] === 0xb1) throw tokenRemoved(); return undefined; }))).rejects.toMatchObject({ code: 'TOKEN_REMOVED' });
  });

  test('has no DKEK, in whichever words it says so', async () => {
    for (const sw of ['6d00', '6e00', '6a81', '6a82', '6a86', '6a88', '6984', '6985']) expect(await dkekState(channelOf(new VirtualSmartCardHsm(), () => sw)), sw).toBeNull();
  });
});
