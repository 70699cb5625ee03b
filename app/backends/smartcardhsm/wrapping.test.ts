import { verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PinLedger } from '../../../e2e/devices/pin-ledger.ts';
import { missingForPcscd } from '../../../e2e/devices/pcscd.ts';
import { VirtualSmartCardHsm } from '../../../e2e/devices/smartcardhsm/card.ts';
import { Client, PIN, SET_UP } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import { missingTools, mustRun } from '../../../e2e/devices/tools.ts';
import { codeOf } from '../../keystore/testing/calls.ts';
import { createShare, importShare, unwrapKey, wrapKey } from './backup.ts';
import { readDescription } from './description.ts';
import { readWrappedKey } from './key-file.ts';
import { statusOf } from './status.ts';
import { CardBench } from './testing/cards.ts';
import { makeKey, PATIENCE, QUICK, withDkek } from './testing/keys.ts';

const missing = missingForPcscd() ?? missingTools({ 'sc-hsm-tool': 'opensc' });

describe.skipIf(missing !== undefined)(`backup of keys in a SmartCard-HSM over PC/SC${missing === undefined ? '' : `: ${missing}`}`, () => {
  let bench: CardBench;
  const person: CardBench['person'] = (types) => bench.person(types);
  const tool = (...args: string[]): Promise<string> => mustRun('sc-hsm-tool', args, { environment: bench.pcscd.environment, deadline: 120_000 });
  const file = (name: string): string => bench.file(name);

  beforeAll(async () => {
    bench = await CardBench.open();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  test('two shares are put together, and sc-hsm-tool shows the key check value that we tell', async () => {
    const hsm = await bench.insert(new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 2 } }));
    const create = async () => (await createShare(hsm, undefined, person({ 'new-dkek-password': 'a long password' }).call(), QUICK)).file;
    const imported = async (share: Uint8Array) => importShare(hsm, share, undefined, person({ 'dkek-password': 'a long password' }).call(), QUICK);
    const [one, two] = [await create(), await create()];
    expect(await imported(one)).toEqual({ outstanding: 1, keyCheckValue: null });
    const { outstanding, keyCheckValue } = await imported(two);
    expect(outstanding).toBe(0);
    expect(await tool('-r', '0')).toContain(`DKEK key check value : ${keyCheckValue}`);
    expect(await codeOf(imported(one))).toBe('CONFLICT');
  });

  test('a share that we make is imported by sc-hsm-tool: the parts of its password as their custodians would type them', async () => {
    const hsm = await bench.insert(new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 1 } }));
    const ada = person();
    const { file: share, keyCheckValue } = await createShare(hsm, { threshold: 2, total: 3 }, ada.call());
    expect(ada.shown).toHaveLength(3);
    writeFileSync(file('split'), share);
    const parts = ada.shown.map((text) => /Prime: (\S+) {2}Share ID: (\d+) {2}Share value: (\S+)/.exec(text)!.slice(1));
    const typed = [parts[0]![0], '', parts[1]![1], parts[1]![2], '', parts[2]![1], parts[2]![2]].join('\n');
    const said = await mustRun('sc-hsm-tool', ['-r', '0', '--import-dkek-share', file('split'), '--pwd-shares-total', '2'], { environment: { ...bench.pcscd.environment, TERM: 'dumb' }, input: `${typed}\n`, deadline: 200_000 });
    expect(said).toContain(`DKEK key check value : ${keyCheckValue}`);
  }, PATIENCE);

  test('a wrong password of a share, a file that is none, and what is no part of a password send nothing to the card', async () => {
    const hsm = await bench.insert(new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 1 } }));
    const share = Buffer.concat([Buffer.from('Salted__'), Buffer.alloc(56, 9)]);
    expect(await codeOf(importShare(hsm, share, undefined, person({ 'dkek-password': 'some password' }).call(), QUICK))).toBe('PIN_INCORRECT');
    expect(await codeOf(importShare(hsm, Buffer.alloc(64), undefined, person().call()))).toBe('INVALID_INPUT');
    expect(await codeOf(importShare(hsm, share, 2, person({ 'dkek-password': 'no part' }).call()))).toBe('INVALID_INPUT');
    expect((await statusOf(hsm, person().call())).details).toContainEqual({ name: 'DKEK', value: 'Waits for 1 of 1 shares' });
  });

  test('a key wrapped on one card and unwrapped on the other signs there for the same public key; sc-hsm-tool reads the file too', async () => {
    const [from, to, third] = [withDkek(), withDkek(), withDkek()];
    await makeKey(from, 3, 'a1b2');
    const source = await bench.insert(from, 0);
    const target = await bench.insert(to, 1);
    const ada = person({ pin: PIN });
    const wrapped = await wrapKey(source, 'a1b2', ada.call());
    expect(await unwrapKey(target, wrapped, undefined, ada.call())).toBe('a1b2');
    const client = new Client(to);
    await client.select();
    await client.verify();
    const { data } = await client.command('80680173', Buffer.from('signed there'));
    expect(verify('sha256', Buffer.from('signed there'), from.memory.keys.get(3)!.publicKey, data)).toBe(true);
    expect(await codeOf(unwrapKey(target, wrapped, undefined, ada.call()))).toBe('ALREADY_EXISTS');
    expect(await unwrapKey(target, wrapped, 'c3', ada.call())).toBe('c3');
    expect(readDescription(to.memory.files.get(0xc402)!, 'x')).toEqual({ label: 'Key a1b2', id: Buffer.of(0xc3) });
    writeFileSync(file('wrapped'), wrapped);
    await bench.insert(third, 1);
    PinLedger.typed(PIN);
    expect(await tool('-r', '1', '--unwrap-key', file('wrapped'), '--key-reference', '9', '--pin', PIN)).toContain('Key successfully imported');
    expect(third.memory.keys.get(9)!.publicKey.equals(from.memory.keys.get(3)!.publicKey)).toBe(true);
    expect([from.ledger.repeats, to.ledger.repeats, third.ledger.repeats]).toEqual([0, 0, 0]);
  });

  test('RSA of 4096 bits goes the same way, and a file of sc-hsm-tool is unwrapped by us', async () => {
    const [from, to] = [withDkek(), withDkek()];
    await makeKey(from, 1, '21', 'rsa:4096');
    await makeKey(from, 2, '22', 'rsa:2048');
    const source = await bench.insert(from, 0);
    const target = await bench.insert(to, 1);
    await unwrapKey(target, await wrapKey(source, '21', person({ pin: PIN }).call()), undefined, person({ pin: PIN }).call());
    expect(to.memory.keys.get(1)!.publicKey.equals(from.memory.keys.get(1)!.publicKey)).toBe(true);
    PinLedger.typed(PIN);
    await tool('-r', '0', '--wrap-key', file('theirs-wrapped'), '--key-reference', '2', '--pin', PIN);
    expect(await unwrapKey(target, readFileSync(file('theirs-wrapped')), undefined, person({ pin: PIN }).call())).toBe('22');
    expect(to.memory.keys.get(2)!.publicKey.equals(from.memory.keys.get(2)!.publicKey)).toBe(true);
  });

  test('is refused without DKEK, before all shares are there, under another DKEK, and for a file that was changed; nothing is left in the card', async () => {
    const card = withDkek();
    await makeKey(card, 1, '11');
    const hsm = await bench.insert(card);
    const wrapped = await wrapKey(hsm, '11', person({ pin: PIN }).call());
    const { blob } = readWrappedKey(wrapped);
    const cases: [VirtualSmartCardHsm, Uint8Array, string][] = [
      [new VirtualSmartCardHsm({ setUp: SET_UP }), wrapped, 'CAPABILITY_MISSING'], [new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 1 } }), wrapped, 'CONFLICT'],
      [new VirtualSmartCardHsm({ setUp: { ...SET_UP, dkekShares: 0 } }), wrapped, 'INVALID_INPUT'], [withDkek(), tampered(wrapped, blob), 'INVALID_INPUT'], [withDkek(), wrapped.subarray(0, 100), 'INVALID_INPUT'],
    ];
    for (const [other, content, code] of cases) {
      const target = await bench.insert(other, 1);
      expect.soft(await codeOf(unwrapKey(target, content, undefined, person({ pin: PIN }).call()))).toBe(code);
      expect.soft([...other.memory.files.keys()], code).toEqual([0x2f02]);
      expect.soft(other.memory.keys.size).toBe(1);
    }
    expect(await codeOf(wrapKey(hsm, 'ff', person({ pin: PIN }).call()))).toBe('NOT_FOUND');
  });
});

/** One byte of the encrypted key is another. */
function tampered(wrapped: Uint8Array, blob: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(wrapped);
  const at = Buffer.from(wrapped).indexOf(blob) + blob.length - 20;
  changed[at] = (changed[at] as number) ^ 1;
  return changed;
}
