import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { VirtualSmartCardHsm } from '../../../e2e/devices/smartcardhsm/card.ts';
import { PIN, SET_UP } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import { memoryCard } from '../../devices/testing/memory-link.ts';
import { RefusedSecrets } from '../../keystore/pins.ts';
import { codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import { memoryKind } from '../../storage/memory/index.ts';
import { discover } from './discovery.ts';
import { SmartCardHsm } from './hsm.ts';
import { Person } from './testing/people.ts';

/** A card in a reader with keys (FEATURE_VERIFY_PIN_DIRECT), at which `pressed` is entered. */
async function bench(pressed: string) {
  const virtual = new VirtualSmartCardHsm({ setUp: SET_UP });
  virtual.inserted();
  virtual.powerOn();
  const { card, link } = memoryCard((apdu) => virtual.transmit(apdu));
  const discovered = await card.exclusively((channel) => discover(channel));
  const hsm = new SmartCardHsm(card, discovered!, { instance: 'smartcardhsm', keepPinMinutes: () => 5, refused: new RefusedSecrets(), roots: [] });
  const told: string[] = [];
  link.features = async (code, data) => {
    if (code === 0x4200_0000 + 3400) return Buffer.from('060442330006', 'hex');
    told.push(Buffer.from(data).toString('hex'));
    if (pressed === '') return Buffer.of(0x64, 0x00);
    // As such a reader does: the command becomes as long as what is entered.
    virtual.ledger.entered(pressed);
    return virtual.transmit(Buffer.concat([data.subarray(19, 23), Buffer.of(pressed.length), Buffer.from(pressed)]));
  };
  const storage = await memoryKind.open({ folder: randomUUID(), create: true });
  const person = new Person(storage, {});
  const call = (): KeyCall => {
    const made = person.call();
    // A notice stands until the reader has answered.
    return { ...made, prompt: { interactive: true, ask: (request, signal) => {
      person.asked.push(request);
      return new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }); });
    } } };
  };
  virtual.trace.take();
  return { virtual, hsm, told, asked: person.asked, call, work: () => hsm.withPin('Wrap the key 11', call(), async (channel) => (await channel.transmit({ ins: 0x20, p2: 0x81 })).sw) };
}

describe('a SmartCard-HSM in a reader with a keypad', () => {
  test('has its PIN entered there and none here, as long as it is, and what stands is relied on', async () => {
    const { work, virtual, told, asked } = await bench(PIN);
    expect(await work()).toBe(0x9000);
    expect(told).toEqual([`1e1e82000010060201090400000000 05000000 0020008100`.replaceAll(' ', '')]);
    expect(asked).toMatchObject([{ kind: 'touch', title: 'Wrap the key 11', subject: expect.stringMatching(/^Enter the PIN of SmartCard-HSM \w+ on the keys of “Memory reader”. 3 tries are left.$/) }]);
    expect(await work()).toBe(0x9000);
    expect(told).toHaveLength(1);
    expect(virtual.ledger.uses).toHaveLength(1);
    expect(virtual.ledger.unentered).toBe(0);
  });

  test('hears it though another program has left another application selected', async () => {
    const { work, virtual } = await bench(PIN);
    await virtual.useOpenPgp();
    expect(await work()).toBe(0x9000);
    expect(virtual.openpgp.spent).toBe(0);
  });

  test('tells a wrong one with the tries left, nothing entered as that, and a blocked one before anybody enters one', async () => {
    const wrong = await bench('999999');
    expect(await refusalOf(wrong.work())).toMatchObject({ code: 'PIN_INCORRECT', facts: { triesLeft: 2 } });
    expect(await codeOf((await bench('')).work())).toBe('TIMEOUT');
    const blocked = await bench(PIN);
    blocked.virtual.blockPin();
    expect(await codeOf(blocked.work())).toBe('PIN_BLOCKED');
    expect(blocked.told).toEqual([]);
  });
});
