import { describe, expect, test } from 'vitest';
import type { VirtualYubiKey } from '../../../e2e/devices/yubikey/card.ts';
import type { MemoryLink } from '../../devices/testing/memory-link.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import { codeOf } from '../../keystore/testing/calls.ts';
import type { Plugged } from './testing/plug.ts';
import { digest, holds, withKey } from './testing/with-key.ts';

/** Other programs use the same card between our calls, and while a prompt stands open. */

const PIN = '123456';
const PUK = '12345678';

/** As most programs leave a card. */
function resetBy(virtual: VirtualYubiKey, link: MemoryLink): void {
  virtual.powerOn();
  link.faults.begin = [Object.assign(new Error('reset'), { code: 'ResetCard' })];
}

/** @returns the call, at whose prompts `happens` comes before the answer. */
function whileAsked<T extends KeyCall>(call: T, happens: (prompt: number) => Promise<void>): T {
  let prompt = 0;
  return { ...call, prompt: { interactive: true, async ask(request, signal) {
    await happens(prompt += 1);
    return call.prompt.ask(request, signal);
  } } };
}

describe('the PIN', () => {
  test('is entered again by us after another program has reset the card or used another application', async () => {
    const { sign, virtual, taken, link, key0 } = await withKey({ pinPolicy: 'once' });
    await sign({ pin: PIN });
    taken();
    await virtual.transmit(Buffer.from('00a4040008a000000527471117', 'hex'));
    virtual.trace.take();
    expect(holds(key0, await sign())).toBe(true);
    // Unknown command, select, refused without PIN, asks whether it stands, asks for the tries, verifies, signs.
    expect(taken()).toEqual(['87', 'a4', '87', '20', '20', '20', '87']);
    resetBy(virtual, link);
    expect(holds(key0, await sign())).toBe(true);
    expect(virtual.ledger).toMatchObject({ repeats: 0, unentered: 0 });
  });

  test('is not sent again as the last try, when another program has changed it and used the others', async () => {
    const { sign, virtual, taken, link } = await withKey({ pinPolicy: 'once' });
    await sign({ pin: PIN });
    virtual.memory.pin.value = Buffer.from('246810\xff\xff', 'latin1');
    virtual.memory.pin.left = 1;
    resetBy(virtual, link);
    taken();
    expect(await codeOf(sign())).toBe('PIN_REQUIRED');
    expect(virtual.memory.pin.left).toBe(1);
    await sign({ pin: '246810' });
    expect(virtual.ledger).toMatchObject({ repeats: 0, unentered: 0 });
  });

  test('of policy always neither, when the card was reset in the middle of a batch', async () => {
    const { sign, virtual, taken, link } = await withKey({ slot: '9c', pinPolicy: 'always' });
    await sign({ pin: PIN }, { id: 'one' });
    taken();
    resetBy(virtual, link);
    await sign({}, { id: 'one' });
    expect(taken()).toEqual(['a4', '20', '20', '87']);
    resetBy(virtual, link);
    virtual.memory.pin.left = 1;
    expect(await codeOf(sign({}, { id: 'one' }))).toBe('PIN_REQUIRED');
    expect(taken()).toEqual(['a4', '20', '20']);
    expect(virtual.memory.pin.left).toBe(1);
  });

  test('that was typed is not sent as the last try, when the others were used while the prompt stood open', async () => {
    const { token, key0, virtual, call, link } = await withKey({ pinPolicy: 'once' });
    const asking = call({ pin: PIN });
    const meanwhile = whileAsked(asking, async (prompt) => {
      if (prompt > 1) return;
      virtual.memory.pin.left = 1;
      resetBy(virtual, link);
    });
    await token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1 }, 'ecdsa-sha256', { digest }, meanwhile);
    expect(asking.asked.map((request) => (request.kind === 'secret' ? [request.triesLeft, request.note] : []))).toEqual([
      [3, undefined], [1, 'Another program used up the tries but one meanwhile, so nothing was sent.'],
    ]);
    expect(virtual.ledger.uses).toHaveLength(1);
  });
});

describe('another program has left OpenPGP selected, whose PIN has the number of our PUK', () => {
  const sign = ({ token, key0 }: Awaited<ReturnType<typeof withKey>>, call: KeyCall): Promise<Uint8Array> => token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1 }, 'ecdsa-sha256', { digest }, call);
  const uses: readonly [string, Parameters<Plugged['call']>[0], (bench: Awaited<ReturnType<typeof withKey>>, call: KeyCall) => Promise<unknown>][] = [
    ['sign', { pin: PIN }, sign],
    ['change the PIN', { pin: PIN, 'new-pin': '246810' }, ({ token }, call) => token.manage!.changePin!(call)],
    ['change the PUK', { puk: PUK, 'new-puk': '87654321' }, ({ token }, call) => token.manage!.changePuk!(call)],
    ['unblock the PIN', { puk: PUK, 'new-pin': '246810' }, ({ token }, call) => token.manage!.unblockPin!(call)],
    ['set the tries', { confirm: true, pin: PIN, 'new-pin': '246810', 'new-puk': '87654321' }, ({ token }, call) => token.manage!.setRetries!({ pin: 5, puk: 5 }, call)],
    ['write identifiers', {}, ({ token }, call) => token.manage!.setIdentifiers!(call)],
    ['reset', { confirm: true }, ({ token }, call) => token.manage!.reset!(call)],
  ];

  // Before 5.3 no question of ours is one that PIV alone understands.
  test.each(['5.7.1', '4.3.5'].flatMap((firmware) => uses.map(([what, ...use]) => [what, firmware, ...use] as const)))('to %s, firmware %s', async (what, firmware, answers, use) => {
    const bench = await withKey({ pinPolicy: 'once' }, { firmware });
    const { virtual, call } = bench;
    await virtual.useOpenPgp();
    const asking = call(answers);
    await use(bench, whileAsked(asking, () => virtual.useOpenPgp()));
    expect(virtual.openpgp.spent).toBe(0);
    expect(virtual.ledger.count('pin', 'refused') + virtual.ledger.count('puk', 'refused')).toBe(what === 'reset' ? 6 : 0);
  });

  test('and a slot that is empty is told as that, not as another application’s answer', async () => {
    const { virtual, key, taken } = await withKey({});
    await virtual.useOpenPgp();
    taken();
    expect(await key.session.run((piv) => piv.transmit({ ins: 0xcb, p1: 0x3f, p2: 0xff, data: Buffer.from('5c035fc10a', 'hex'), le: 0 }))).toMatchObject({ sw: 0x6a82 });
    expect(taken()).toEqual(['cb', 'a4', 'cb']);
  });
});
