import { randomUUID, verify, createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { missingForPcscd, SMARTCARD_HSM_READER, startPcscd, type Pcscd } from '../../../e2e/devices/pcscd.ts';
import { VirtualSmartCardHsm, type SmartCardHsmOptions } from '../../../e2e/devices/smartcardhsm/card.ts';
import { OFFICER_PIN, PIN, SET_UP } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import { KEY_ALGORITHMS } from '../../contract/index.ts';
import { Readers } from '../../devices/index.ts';
import type { KeyDescription } from '../../keystore/keystore.ts';
import { codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import type { Token } from '../../keystore/tokens.ts';
import { memoryKind } from '../../storage/memory/index.ts';
import type { Storage } from '../../storage/storage.ts';
import { openScModule } from './opensc.ts';
import { SmartCardHsmSource } from './source.ts';
import { Person } from './testing/people.ts';

const missing = missingForPcscd() ?? (openScModule(undefined) === null ? 'no opensc-pkcs11.so (Debian package opensc-pkcs11)' : undefined);
const PATIENCE = { timeout: 60_000 };
const DKEK_SHARE = Buffer.alloc(32, 0x37);
const MESSAGE = Buffer.from('signed');

describe.skipIf(missing !== undefined)(`SmartCard-HSMs in real readers, with OpenSC${missing === undefined ? '' : `: ${missing}`}`, () => {
  let pcscd: Pcscd;
  let storage: Storage;
  let source: SmartCardHsmSource;
  let folder: string;
  let events: string[];
  const cards: VirtualSmartCardHsm[] = [];

  beforeAll(async () => {
    pcscd = await startPcscd({ readers: [SMARTCARD_HSM_READER] });
    process.env['PCSCLITE_CSOCK_NAME'] = pcscd.socket;
    folder = mkdtempSync(join(tmpdir(), 'keywright-hsm-'));
  });
  afterAll(async () => {
    await pcscd.stop();
    rmSync(folder, { recursive: true });
    expect(cards.map(({ ledger }) => ledger.repeats).filter((repeats) => repeats > 0)).toEqual([]);
  });
  afterEach(async () => {
    await source[Symbol.asyncDispose]();
    for (const reader of pcscd.readers) await reader.remove();
  });

  async function open(settings: Parameters<typeof SmartCardHsmSource.open>[1] = {}): Promise<void> {
    storage = await memoryKind.open({ folder: randomUUID(), create: true });
    const roots = join(folder, 'roots');
    writeFileSync(roots, new VirtualSmartCardHsm().authority.root);
    source = await SmartCardHsmSource.open('smartcardhsm', { attestationRoots: roots, ...settings }, { storage, keepPinMinutes: () => 15 }, new Readers());
    events = [];
    source.onChange((event) => events.push(event.type === 'inserted' ? `inserted ${event.token.facts.id}` : event.type === 'findings' ? 'findings' : `${event.type} ${event.id}`));
    await source.ready();
  }
  function card(options: SmartCardHsmOptions = { setUp: { ...SET_UP, dkekShares: 1 } }): VirtualSmartCardHsm {
    const made = new VirtualSmartCardHsm(options);
    if (made.memory.dkek !== undefined) {
      DKEK_SHARE.copy(made.memory.dkek.value);
      made.memory.dkek.outstanding = 0;
    }
    cards.push(made);
    return made;
  }
  const person = (types: ConstructorParameters<typeof Person>[1] = { pin: PIN }): Person => new Person(storage, types);
  const idOf = ({ serial }: VirtualSmartCardHsm): string => `smartcardhsm-${serial.toLowerCase()}`;
  const tokenOf = async (virtual: VirtualSmartCardHsm): Promise<Token> => {
    await vi.waitFor(() => expect(source.tokens().map(({ facts }) => facts.id)).toContain(idOf(virtual)), PATIENCE);
    return source.tokens().find(({ facts }) => facts.id === idOf(virtual))!;
  };
  const generate = (token: Token, slot: string, call = person().call()): Promise<KeyDescription> =>
    token.store.generate({ id: '', label: `Key ${slot}`, extractable: false, algorithm: 'ec-p256', slot, usages: [...KEY_ALGORITHMS['ec-p256'].usages] }, call);
  const sign = (token: Token, { uri, id }: KeyDescription, call = person().call()): Promise<Uint8Array> => token.store.signer!.sign({ uri, id, version: 1 }, 'ecdsa-sha256', { message: MESSAGE }, call);
  const holds = (key: KeyDescription, signature: Uint8Array): boolean => verify('sha256', MESSAGE, createPublicKey({ key: Buffer.from(key.versions[0]!.publicKey!), format: 'der', type: 'spki' }), signature);

  test('a key made on one card, wrapped, and unwrapped on the other signs there; both attest what is theirs', async () => {
    const [first, second] = [card(), card()];
    await pcscd.reader('smartcardhsm', 0).insert(first);
    await pcscd.reader('smartcardhsm', 1).insert(second);
    await open();
    const [from, to] = [await tokenOf(first), await tokenOf(second)];
    const key = await generate(from, 'a1');
    expect(key.uri).toMatch(/^smartcardhsm:token=.*serial=.*id=%A1;type=private$/);
    expect(await from.manage.attest!('a1', person().call())).toMatchObject({ verified: true });
    const wrapped = await from.manage.wrapKey!('a1', person().call());
    const restored = await to.manage.unwrapKey!({ wrapped }, person().call());
    expect(restored.versions[0]!.publicKey).toEqual(key.versions[0]!.publicKey);
    expect(restored.hardware?.slot).toBe('a1');
    expect(holds(key, await sign(to, restored))).toBe(true);
    expect(holds(key, await sign(from, key))).toBe(true);
    expect((await to.manage.attest!('a1', person().call())).problems[0]).toContain(`made in another token, ${first.serial}00000`);
    await from.manage.deleteKey!('a1', person().call());
    expect((await from.contents(person().call())).keys).toEqual([]);
    expect(await codeOf(sign(from, key))).toBe('NOT_FOUND');
    expect([...first.memory.keys.keys()]).toEqual([0]);
  });

  test('the PIN is asked for once, whichever way it goes, and its tries are shown before', async () => {
    const virtual = card();
    await pcscd.reader('smartcardhsm').insert(virtual);
    await open();
    const token = await tokenOf(virtual);
    const ada = person({ pin: ['000000', PIN] });
    const key = await generate(token, 'b1', ada.call());
    expect(ada.asked.map((request) => (request.kind === 'secret' ? request.triesLeft : null))).toEqual([3, 2]);
    await sign(token, key, ada.call());
    await token.manage.wrapKey!('b1', ada.call());
    await sign(token, key, ada.call());
    expect(ada.asked).toHaveLength(2);
    expect([virtual.ledger.count('pin', 'refused'), virtual.ledger.repeats]).toEqual([1, 0]);
    expect((await token.status(ada.call())).secrets[0]).toMatchObject({ kind: 'pin', triesLeft: null, note: expect.stringContaining('Verified') });
  });

  test('a PIN that OpenSC sends goes to no other application that another program has left selected', async () => {
    const virtual = card();
    await pcscd.reader('smartcardhsm').insert(virtual);
    await open();
    const token = await tokenOf(virtual);
    const ada = person();
    const aside = { ...ada.call() };
    const key = await generate(token, 'b2', { ...aside, prompt: { interactive: true, async ask(request, signal) {
      await virtual.useOpenPgp();
      return aside.prompt.ask(request, signal);
    } } });
    await sign(token, key, ada.call());
    expect([virtual.openpgp.spent, virtual.ledger.repeats, virtual.ledger.count('pin', 'refused')]).toEqual([0, 0, 0]);
  });

  test('a PIN that was changed is not sent in its old form by anybody, OpenSC least of all', async () => {
    const virtual = card();
    await pcscd.reader('smartcardhsm').insert(virtual);
    await open();
    const token = await tokenOf(virtual);
    const key = await generate(token, 'c1');
    await sign(token, key);
    await token.manage.changePin!(person({ pin: PIN, 'new-pin': '123456' }).call());
    expect(await codeOf(sign(token, key, person({}).call()))).toBe('CANCELLED');
    expect(holds(key, await sign(token, key, person({ pin: '123456' }).call()))).toBe(true);
    expect(virtual.ledger.count('pin', 'refused')).toBe(0);
  });

  test('wrong PINs block it at last, and the SO PIN brings it back', async () => {
    const virtual = card();
    await pcscd.reader('smartcardhsm').insert(virtual);
    await open();
    const token = await tokenOf(virtual);
    const key = await generate(token, 'd1');
    await token.manage.changePin!(person({ pin: PIN, 'new-pin': '123456' }).call());
    expect(await refusalOf(sign(token, key, person({ pin: ['000000', '111111', '222222', '333333'] }).call()))).toMatchObject({ code: 'PIN_BLOCKED', facts: { triesLeft: 0 } });
    expect(virtual.ledger.count('pin', 'refused')).toBe(3);
    expect(await codeOf(sign(token, key, person({ pin: '123456' }).call()))).toBe('PIN_BLOCKED');
    expect(virtual.ledger.count('pin', 'blocked')).toBe(0);
    await token.manage.unblockPin!(person({ 'so-pin': OFFICER_PIN, 'new-pin': '654321' }).call());
    expect(holds(key, await sign(token, key, person({ pin: '654321' }).call()))).toBe(true);
  });

  test('a new card is there without keys, and has them once it was set up', async () => {
    const virtual = card({});
    await pcscd.reader('smartcardhsm').insert(virtual);
    await open();
    const token = await tokenOf(virtual);
    expect(await codeOf(generate(token, 'e1'))).toBe('CONFLICT');
    await token.manage.initialize!({ label: 'New', pinRetries: 5 }, person({ 'new-pin': '1234567', 'new-so-pin': OFFICER_PIN }).call());
    expect(token.facts.label).toBe('New');
    const key = await generate(token, 'e1', person({ pin: '1234567' }).call());
    expect(holds(key, await sign(token, key, person({ pin: '1234567' }).call()))).toBe(true);
  });

  test('taken out and put back at once, it acts at once: what is told late of the time before does not touch it', async () => {
    const virtual = card();
    await open();
    await pcscd.reader('smartcardhsm').insert(virtual);
    const key = await generate(await tokenOf(virtual), 'f0');
    for (let count = 0; count < 3; count += 1) {
      events.length = 0;
      await pcscd.reader('smartcardhsm').remove();
      // The service looks every 0.4 s: sooner, nobody but the card would know.
      await vi.waitFor(() => expect(events).toContain(`removed ${idOf(virtual)}`), PATIENCE);
      await pcscd.reader('smartcardhsm').insert(virtual);
      await vi.waitFor(() => expect(events).toContain(`inserted ${idOf(virtual)}`), PATIENCE);
      expect(holds(key, await sign(await tokenOf(virtual), key))).toBe(true);
    }
  });

  test('comes back in another reader as the same token, its PIN forgotten; what was in flight is told', async () => {
    const virtual = card();
    await open();
    await pcscd.reader('smartcardhsm').insert(virtual);
    const before = await tokenOf(virtual);
    const key = await generate(before, 'f1');
    pcscd.reader('smartcardhsm').delay = 300;
    const { commands } = pcscd.reader('smartcardhsm');
    const inFlight = codeOf(sign(before, key));
    await vi.waitFor(() => expect(pcscd.reader('smartcardhsm').commands).toBeGreaterThan(commands), { ...PATIENCE, interval: 10 });
    await pcscd.reader('smartcardhsm').remove();
    expect(await inFlight).toBe('TOKEN_REMOVED');
    pcscd.reader('smartcardhsm').delay = 0;
    await vi.waitFor(() => expect(events).toContain(`removed ${idOf(virtual)}`), PATIENCE);
    expect(await codeOf(before.manage.wrapKey!('f1', person().call()))).toBe('TOKEN_REMOVED');
    await pcscd.reader('smartcardhsm', 1).insert(virtual);
    const after = await tokenOf(virtual);
    expect(after.facts.reader).toContain('01');
    expect(await codeOf(sign(after, key, person({}).call()))).toBe('CANCELLED');
    expect(holds(key, await sign(after, key))).toBe(true);
  });

  test('pulled at any command of a signature through OpenSC, it is TOKEN_REMOVED and no PIN is sent again', async () => {
    const virtual = card();
    await open();
    const reader = pcscd.reader('smartcardhsm');
    await reader.insert(virtual);
    const key = await generate(await tokenOf(virtual), '99');
    // OpenSC asks for more than the signature needs, at times of its own: a command that is pulled may be one of those, and the signature be made.
    let [command, removed, whole] = [1, 0, false];
    while (!whole) {
      const token = await vi.waitFor(async () => {
        const there = await tokenOf(virtual);
        await there.contents(person().call());
        return there;
      }, PATIENCE);
      reader.pullAt(command);
      const outcome = await codeOf(sign(token, key));
      expect(['accepted', 'TOKEN_REMOVED'], `command ${command}`).toContain(outcome);
      whole = reader.pullPending && outcome === 'accepted';
      if (reader.pullPending) {
        // Told late of the removal before: the same once more.
        reader.pullAt(Number.MAX_SAFE_INTEGER);
        continue;
      }
      if (outcome === 'TOKEN_REMOVED') removed += 1;
      await vi.waitFor(() => expect(source.tokens()).toEqual([]), PATIENCE);
      await reader.insert(virtual);
      command += 1;
    }
    expect(removed).toBeGreaterThan(1);
    expect(virtual.ledger.repeats).toBe(0);
  });

  test('two cards of one serial: one is used, and the other said to be there', async () => {
    const [one, other] = [card({ setUp: SET_UP, serial: 'XTHSM000001' }), card({ setUp: SET_UP, serial: 'XTHSM000001' })];
    await pcscd.reader('smartcardhsm', 0).insert(one);
    await open();
    await tokenOf(one);
    await pcscd.reader('smartcardhsm', 1).insert(other);
    await vi.waitFor(() => expect(source.findings().map(({ code }) => code)).toContain('smartcardhsm.same-serial'), PATIENCE);
    expect(source.tokens()).toHaveLength(1);
    await pcscd.reader('smartcardhsm', 0).remove();
    await vi.waitFor(() => expect(source.tokens().map(({ facts }) => facts.reader)).toEqual([expect.stringContaining('01')]), PATIENCE);
  });

  test('without OpenSC’s module it is a finding with its remedy; what needs no OpenSC still goes', async () => {
    const virtual = card();
    await pcscd.reader('smartcardhsm').insert(virtual);
    await open({ module: join(folder, 'no-module.so') });
    const token = await tokenOf(virtual);
    expect(source.findings()).toContainEqual(expect.objectContaining({ code: 'smartcardhsm.opensc-missing', remedy: expect.stringContaining('--set module=') }));
    expect(await codeOf(generate(token, '01'))).toBe('BACKEND_UNAVAILABLE');
    expect((await token.status(person().call())).secrets[0]).toMatchObject({ triesLeft: 3 });
    await token.manage.changePin!(person({ pin: PIN, 'new-pin': '123456' }).call());
  });

  test('a module that is none is a finding, and the token is there all the same', async () => {
    const virtual = card();
    writeFileSync(join(folder, 'text.so'), 'no library');
    await pcscd.reader('smartcardhsm').insert(virtual);
    await open({ module: join(folder, 'text.so') });
    await tokenOf(virtual);
    expect(source.findings().some(({ level }) => level === 'problem')).toBe(true);
  });
});
