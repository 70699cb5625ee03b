import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingForPcscd } from '../../../e2e/devices/pcscd.ts';
import { VirtualSmartCardHsm } from '../../../e2e/devices/smartcardhsm/card.ts';
import { OFFICER_PIN, PIN, SET_UP } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import { missingTools, mustRun } from '../../../e2e/devices/tools.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import { codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import { createShare, importShare, unwrapKey, wrapKey } from './backup.ts';
import { attest, deleteKey } from './certificates.ts';
import type { SmartCardHsm } from './hsm.ts';
import { changePin, changeSoPin, initialize, unblockPin } from './setup.ts';
import { statusOf } from './status.ts';
import { CardBench } from './testing/cards.ts';
import { CHECK_VALUE, described, makeKey, PATIENCE, QUICK, withDkek } from './testing/keys.ts';

const missing = missingForPcscd() ?? missingTools({ 'sc-hsm-tool': 'opensc' });

describe.skipIf(missing !== undefined)(`managing a SmartCard-HSM over PC/SC${missing === undefined ? '' : `: ${missing}`}`, () => {
  let bench: CardBench;
  const person: CardBench['person'] = (types) => bench.person(types);
  const tool = (...args: string[]): Promise<string> => mustRun('sc-hsm-tool', args, { environment: bench.pcscd.environment, deadline: 120_000 });

  beforeAll(async () => {
    bench = await CardBench.open();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  test('one that was never set up is set up with all options, and sc-hsm-tool sees them', async () => {
    const card = new VirtualSmartCardHsm();
    const hsm = await bench.insert(card);
    expect(hsm.facts).toMatchObject({ id: `smartcardhsm-${card.serial.toLowerCase()}`, serial: card.serial, firmware: '3.5', label: null });
    expect((await statusOf(hsm, person().call())).findings.map(({ code }) => code)).toEqual(['smartcardhsm.not-initialised']);
    const ada = person({ 'new-pin': 'longer than 8', 'new-so-pin': OFFICER_PIN });
    await initialize(hsm, { label: 'Büro', dkekShares: 2, pinRetries: 10, allowPinReset: false }, ada.call());
    expect(ada.purposes).toEqual(['new-pin', 'new-so-pin']);
    const said = await tool('-r', '0');
    for (const line of ['SO-PIN tries left    : 15', 'User PIN tries left  : 10', 'DKEK shares          : 2', '2 share(s) still missing']) expect(said).toContain(line);
    expect(said).not.toContain('User PIN reset with SO-PIN enabled');
    expect(await mustRun('pkcs15-tool', ['--reader', '0', '-D'], { environment: bench.pcscd.environment })).toContain('PKCS#15 Card [Büro]'.replace('ü', Buffer.from('ü').toString('latin1')));
  });

  test('one that was set up before wants the typed serial number and its SO PIN, whose tries fall by exactly one when it is wrong', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const ada = person({ 'new-pin': ['123456', '123456', '123456'], 'so-pin': ['0000000000000000', OFFICER_PIN] });
    await initialize(hsm, {}, ada.call());
    expect(ada.asked.find(({ kind }) => kind === 'confirm')).toMatchObject({ typed: card.serial, destructive: true });
    expect(ada.asked.flatMap((request) => (request.kind === 'secret' ? [request.triesLeft] : []))).toEqual([15, 14]);
    expect(card.memory.keys.size).toBe(1);
    expect(card.memory.dkek).toBeUndefined();
    expect([card.ledger.repeats, card.ledger.count('so-pin', 'refused')]).toEqual([0, 1]);
  });

  test('a PIN too short for its tries is not sent', async () => {
    const hsm = await bench.insert(new VirtualSmartCardHsm());
    expect(await codeOf(initialize(hsm, { pinRetries: 10 }, person({ 'new-pin': '123456', 'new-so-pin': OFFICER_PIN }).call()))).toBe('INVALID_INPUT');
    expect(await codeOf(initialize(hsm, { pinRetries: 11 }, person().call()))).toBe('INVALID_INPUT');
    expect(hsm.discovered.initialised).toBe(false);
  });

  test('PIN and SO PIN are changed, and a blocked PIN gets a new one', async () => {
    const card = new VirtualSmartCardHsm({ setUp: SET_UP });
    const hsm = await bench.insert(card);
    await changePin(hsm, person({ pin: ['111111', PIN], 'new-pin': 'abcdef' }).call());
    await changeSoPin(hsm, person({ 'so-pin': OFFICER_PIN, 'new-so-pin': 'ABCDEF0123456789' }).call());
    card.blockPin();
    expect(await codeOf(changePin(hsm, person({ pin: 'abcdef', 'new-pin': '123456' }).call()))).toBe('PIN_BLOCKED');
    expect((await statusOf(hsm, person().call())).secrets).toMatchObject([{ kind: 'pin', state: 'blocked', triesLeft: 0 }, { kind: 'so-pin', triesLeft: 15 }]);
    await unblockPin(hsm, person({ 'so-pin': 'abcdef0123456789', 'new-pin': 'fedcba' }).call());
    expect(card.memory.pin).toMatchObject({ value: Buffer.from('fedcba'), left: 3 });
    expect(card.ledger.uses.map(({ reference, outcome }) => `${reference} ${outcome}`)).toEqual(['pin refused', 'pin accepted', 'so-pin accepted', 'so-pin accepted']);
    expect(card.ledger.repeats).toBe(0);
  });

  test('a wrong PIN is never sent twice, and the last try is asked for on purpose', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const refusal = await refusalOf(wrapKey(hsm, '11', person({ pin: ['000000', '000000', '111111', '222222'] }).call()));
    expect(refusal.code).toBe('PIN_BLOCKED');
    expect(card.ledger.repeats).toBe(0);
    expect(card.ledger.count('pin', 'refused')).toBe(3);
    expect(await codeOf(wrapKey(hsm, '11', person({ pin: PIN }).call()))).toBe('PIN_BLOCKED');
    expect(card.ledger.count('pin', 'blocked')).toBe(0);
  });

  test('a PIN goes to the application alone, when another program has left another one selected that counts tries under the same number', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const after = async (work: () => Promise<unknown>): Promise<void> => {
      await card.useOpenPgp();
      await work();
    };
    await after(() => wrapKey(hsm, '11', person({ pin: PIN }).call()));
    await after(() => wrapKey(hsm, '11', person().call()));
    await after(() => changePin(hsm, person({ pin: PIN, 'new-pin': 'abcdef' }).call()));
    await after(() => changeSoPin(hsm, person({ 'so-pin': OFFICER_PIN, 'new-so-pin': 'ABCDEF0123456789' }).call()));
    await after(() => unblockPin(hsm, person({ 'so-pin': 'ABCDEF0123456789', 'new-pin': 'fedcba' }).call()));
    expect([card.openpgp.spent, card.ledger.repeats]).toEqual([0, 0]);
    expect(card.ledger.uses.every(({ outcome }) => outcome === 'accepted')).toBe(true);
  });

  test('a PIN that is kept is not sent as the last try', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    await wrapKey(hsm, '11', person({ pin: PIN }).call());
    card.memory.pin = { value: Buffer.from('other PIN'), total: 3, left: 1 };
    card.powerOff();
    const asked = person();
    expect(await codeOf(wrapKey(hsm, '11', asked.call()))).toBe('CANCELLED');
    expect([asked.asked.map((request) => request.kind === 'secret' && request.triesLeft), card.memory.pin.left]).toEqual([[1], 1]);
  });

  test('asking for the status spends no try, and tells what is verified', async () => {
    const card = withDkek();
    const hsm = await bench.insert(card);
    for (let round = 0; round < 3; round += 1) {
      const status = await statusOf(hsm, person().call());
      expect(status.secrets).toMatchObject([{ kind: 'pin', state: 'set', triesLeft: 3 }, { kind: 'so-pin', triesLeft: 15, triesAtMost: 15 }]);
      expect(status.details).toContainEqual({ name: 'Key check value', value: CHECK_VALUE });
      expect(status.details).toContainEqual({ name: 'Device certificate', value: 'Verified up to its root' });
    }
    expect(card.ledger.uses).toEqual([]);
  });

  describe('pulled at every command', () => {
    let wrapped: Uint8Array;
    beforeAll(async () => {
      const card = withDkek();
      await makeKey(card, 1, '11');
      const hsm = await bench.insert(card);
      wrapped = await wrapKey(hsm, '11', person({ pin: PIN }).call());
    });

    const everything = { pin: PIN, 'so-pin': OFFICER_PIN, 'new-pin': '123456', 'new-so-pin': '1122334455667788', 'dkek-password': 'a long password' };
    const operations: readonly [string, () => VirtualSmartCardHsm, (hsm: SmartCardHsm, card: VirtualSmartCardHsm, call: KeyCall) => Promise<unknown>][] = [
      ['initialize', withDkek, (hsm, _card, call) => initialize(hsm, { label: 'x', dkekShares: 1 }, call)],
      ['status', withDkek, (hsm, _card, call) => statusOf(hsm, call)],
      ['change PIN', withDkek, (hsm, _card, call) => changePin(hsm, call)],
      ['change SO PIN', withDkek, (hsm, _card, call) => changeSoPin(hsm, call)],
      ['unblock PIN', withDkek, (hsm, _card, call) => unblockPin(hsm, call)],
      ['wrap', withDkek, (hsm, _card, call) => wrapKey(hsm, '11', call)],
      ['unwrap', withDkek, (hsm, _card, call) => unwrapKey(hsm, wrapped, '77', call)],
      ['attest', withDkek, (hsm, card, call) => attest(hsm, described(card, 1), '11', call)],
      ['delete key', withDkek, (hsm, card, call) => deleteKey(hsm, described(card, 1), '11', call)],
    ];

    test.each(operations)('%s: TOKEN_REMOVED each time, no PIN sent twice, and no half of a key', async (_name, newCard, operate) => {
      for (let command = 1; ; command += 1) {
        const card = newCard();
        await makeKey(card, 1, '11');
        // While one slot is still being found empty, the other one takes the next card.
        const hsm = await bench.insert(card, command % 2);
        const reader = bench.pcscd.reader('smartcardhsm', command % 2);
        reader.pullAt(command, command % 2 === 0 ? 'after' : 'before');
        const outcome = await codeOf(operate(hsm, card, person(everything).call()));
        if (reader.pullPending) {
          expect(outcome).toBe('accepted');
          break;
        }
        expect(outcome, `command ${command}`).toBe('TOKEN_REMOVED');
        expect(await codeOf(statusOf(hsm, person().call()))).toBe('TOKEN_REMOVED');
        expect(card.ledger.repeats).toBe(0);
        for (const reference of card.memory.keys.keys()) if (reference > 1) expect(card.memory.files.has(0xc400 | reference)).toBe(true);
      }
    }, PATIENCE);

    test('importing a share: it does not count', async () => {
      const card = new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 1 } });
      const hsm = await bench.insert(card);
      const { file: share } = await createShare(hsm, undefined, person({ 'new-dkek-password': everything['dkek-password'] }).call(), QUICK);
      bench.pcscd.reader('smartcardhsm', 0).pullAt(2);
      expect(await codeOf(importShare(hsm, share, undefined, person(everything).call(), QUICK))).toBe('TOKEN_REMOVED');
      expect(card.memory.dkek!.outstanding).toBe(1);
    });
  });

  test('does not select the application anew, which would take away what OpenSC has verified', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    card.trace.take();
    await wrapKey(hsm, '11', person({ pin: PIN }).call());
    await statusOf(hsm, person().call());
    expect(card.trace.exchanges.filter(({ header }) => header.startsWith('00a404'))).toEqual([]);
  });
});
