import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KEY_ALGORITHMS, type KeyAlgorithmName } from '../../contract/index.ts';
import type { KeyDescription } from '../../keystore/keystore.ts';
import { codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import { plug, type Plugged, type PlugOptions } from './testing/plug.ts';

const PIN = '123456';
const ANSWERS = { pin: PIN, 'management-key': '0102030405060708'.repeat(3), confirm: true } as const;
const digest = createHash('sha256').update('x').digest();

const generate = (plugged: Plugged, slot: string, algorithm: KeyAlgorithmName = 'ec-p256', changes: object = {}): Promise<KeyDescription> =>
  plugged.token.store.generate({ id: '', label: '', extractable: false, algorithm, slot, usages: KEY_ALGORITHMS[algorithm].usages, ...changes }, plugged.call(ANSWERS));

interface Subset {
  readonly model: string;
  readonly algorithms: readonly KeyAlgorithmName[];
  readonly slots: number;
  readonly pin: number;
  readonly touch: number;
  readonly unavailable: readonly string[];
  readonly complete: boolean;
}
const OLD = ['ec-p256', 'rsa-2048', 'rsa-1024'] as const;
const FIVE = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-1024'] as const;
const SUBSETS: Record<string, Subset> = {
  '3.4.9': { model: 'YubiKey NEO', algorithms: OLD, slots: 4, pin: 0, touch: 0, unavailable: ['move-key', 'delete-key', 'attest'], complete: false },
  '4.2.4': { model: 'YubiKey 4', algorithms: FIVE, slots: 24, pin: 3, touch: 2, unavailable: ['move-key', 'delete-key', 'attest'], complete: false },
  '4.3.7': { model: 'YubiKey 4', algorithms: FIVE, slots: 25, pin: 3, touch: 3, unavailable: ['move-key', 'delete-key'], complete: false },
  '5.2.7': { model: 'YubiKey 5C NFC', algorithms: FIVE, slots: 25, pin: 3, touch: 3, unavailable: ['move-key', 'delete-key'], complete: false },
  '5.4.3': { model: 'YubiKey 5C NFC', algorithms: FIVE, slots: 25, pin: 3, touch: 3, unavailable: ['move-key', 'delete-key'], complete: true },
  '5.7.1': { model: 'YubiKey 5C NFC', algorithms: ['ec-p256', 'ec-p384', 'ed25519', 'x25519', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'rsa-1024'], slots: 25, pin: 3, touch: 3, unavailable: [], complete: true },
};

describe.each(Object.entries(SUBSETS))('firmware %s', (firmware, expected) => {
  test('shows its true subset, and each thing that it shows works', async () => {
    const plugged = await plug({ firmware, serial: 12_345_678, ...(firmware === '3.4.9' ? { nfc: true } : {}) });
    const { token, key } = plugged;
    expect(token.facts).toMatchObject({ id: 'yubikey-12345678', model: expected.model, serial: '12345678', firmware });
    expect(token.store.capabilities.algorithms).toEqual(expected.algorithms);
    expect([key.gates.slots.length, token.policies!.pin.length, token.policies!.touch.length]).toEqual([expected.slots, expected.pin, expected.touch]);
    const own = ['change-pin', 'unblock-pin', 'change-puk', 'set-management-key', 'set-retries', 'reset', 'set-identifiers', 'move-key', 'delete-key', 'attest', 'put-certificate', 'delete-certificate'];
    const unavailable = token.actions.filter(({ available, action }) => !available && own.includes(action));
    expect(unavailable.map(({ action }) => action)).toEqual(expected.unavailable);
    for (const { reason } of unavailable) expect(reason).toContain(`this one has ${firmware}`);
    expect((await token.contents(plugged.call())).complete).toBe(expected.complete);
    for (const algorithm of expected.algorithms.filter((name) => !['rsa-4096', 'rsa-3072'].includes(name))) {
      const made = await generate(plugged, '9d', algorithm);
      expect(made.algorithm).toBe(algorithm);
      if (KEY_ALGORITHMS[algorithm].family === 'ec') expect(await codeOf(token.store.signer!.sign({ uri: made.uri, id: made.id, version: 1 }, 'ecdsa-sha256', { digest }, plugged.call(ANSWERS)))).toBe('accepted');
    }
    for (const policy of token.policies!.touch) await generate(plugged, '9a', 'ec-p256', { touchPolicy: policy });
    for (const policy of token.policies!.pin) await generate(plugged, '9a', 'ec-p256', { pinPolicy: policy });
  });

  test('refuses what it lacks with the reason, before anything is sent', async () => {
    const plugged = await plug({ firmware });
    const lacking = (['ec-p384', 'ed25519', 'rsa-4096'] as const).filter((name) => !expected.algorithms.includes(name));
    for (const algorithm of lacking) {
      const refusal = await refusalOf(generate(plugged, '9a', algorithm));
      expect(refusal).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: expected.algorithms, detail: expect.stringContaining(`this one has ${firmware}`) } });
    }
    if (expected.touch < 3) expect(await codeOf(generate(plugged, '9a', 'ec-p256', { touchPolicy: 'cached' }))).toBe('CAPABILITY_MISSING');
    expect(await codeOf(generate(plugged, '9a', 'ec-p256', { pinPolicy: 'match-once' }))).toBe('CAPABILITY_MISSING');
    expect(plugged.taken()).toEqual([]);
  });
});

describe('before there was metadata', () => {
  const firmware = '5.2.7';
  const using = (plugged: Plugged, { uri, id }: KeyDescription) => plugged.token.store.signer!.sign({ uri, id, version: 1 }, 'ecdsa-sha256', { digest }, plugged.call(ANSWERS));

  test('policies come from the attestation', async () => {
    const plugged = await plug({ firmware });
    const made = await generate(plugged, '9a', 'ec-p256', { pinPolicy: 'always', touchPolicy: 'cached' });
    const again = await plug({ card: plugged.virtual });
    const { slots, keys } = await again.token.contents(again.call());
    expect(slots[0]).toMatchObject({ slot: '9a', state: 'key', pinPolicy: 'always', touchPolicy: 'cached', madeOnDevice: true });
    expect(keys).toMatchObject([{ uri: made.uri, versions: [{ publicKey: made.versions[0]!.publicKey }] }]);
    expect(slots[1]).toMatchObject({ slot: '9c', state: 'unknown', pinPolicy: 'unknown' });
  });

  test('an imported key is known from its certificate or from what was kept here, its policies from that alone', async () => {
    const plugged = await plug({ firmware: '3.4.9' });
    const made = await generate(plugged, '9c');
    const { slots } = await (await plug({ card: plugged.virtual, storage: plugged.storage })).token.contents(plugged.call());
    expect(slots[1]).toMatchObject({ state: 'unknown', key: made.id, pinPolicy: 'unknown' });
    const stranger = await plug({ card: plugged.virtual });
    expect(await codeOf(using(stranger, made))).toBe('NOT_FOUND');
    await using(plugged, made);
  });

  test('where the policy is unknown the PIN is asked for in each call, and that of one caller serves no other', async () => {
    const plugged = await plug({ firmware: '3.4.9' });
    const made = await generate(plugged, '9a');
    plugged.taken();
    const sign = (answers: object, principal = 'owner') => plugged.token.store.signer!.sign({ uri: made.uri, id: made.id, version: 1 }, 'ecdsa-sha256', { digest }, plugged.call(answers, { principal }));
    await sign({ pin: PIN });
    expect(plugged.taken()).toEqual(['20', '20', '87']);
    expect(await codeOf(sign({}, 'token:ci'))).toBe('PIN_REQUIRED');
    expect(await codeOf(sign({}))).toBe('PIN_REQUIRED');
  });

  test('slot 9e is tried without a PIN first', async () => {
    const plugged = await plug({ firmware: '3.4.9' });
    const made = await generate(plugged, '9e');
    plugged.taken();
    await plugged.token.store.signer!.sign({ uri: made.uri, id: made.id, version: 1 }, 'ecdsa-sha256', { digest }, plugged.call());
    expect(plugged.taken()).toEqual(['87']);
  });

  test('a slot whose key is another one by now gives no signature away', async () => {
    const plugged = await plug({ firmware: '3.4.9' });
    const made = await generate(plugged, '9a');
    const elsewhere = await plug({ card: plugged.virtual });
    await generate(elsewhere, '9a');
    expect(await codeOf(using(plugged, made))).toBe('CONFLICT');
  });

  test('overwriting a slot of which nothing is known is asked about too', async () => {
    const plugged = await plug({ firmware });
    expect(await codeOf(plugged.token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot: '9a', usages: KEY_ALGORITHMS['ec-p256'].usages }, plugged.call({ 'management-key': ANSWERS['management-key'] })))).toBe('PIN_REQUIRED');
    expect(await codeOf(plugged.token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', usages: KEY_ALGORITHMS['ec-p256'].usages }, plugged.call(ANSWERS)))).toBe('CAPABILITY_MISSING');
  });

  test('the tries of an old NEO are read, too', async () => {
    const plugged = await plug({ firmware: '3.1.8' });
    expect((await plugged.token.status(plugged.call())).secrets[0]).toMatchObject({ state: 'unknown', triesLeft: 3 });
  });
});

test.each(['4.2.6', '4.3.1', '4.3.4'])('RSA is not generated by firmware %s, whose keys can be factored; an imported one is taken', async (firmware) => {
  const plugged = await plug({ firmware });
  const refusal = await refusalOf(generate(plugged, '9a', 'rsa-2048'));
  expect(refusal).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { detail: expect.stringContaining('ROCA'), alternatives: ['ec-p256', 'ec-p384'] } });
  await generate(plugged, '9a', 'ec-p256');
});

test('a token without a serial is named by its CHUID, which stays when identifiers are written', async () => {
  const options: PlugOptions = { firmware: '3.4.9', serial: 0 };
  const plugged = await plug(options);
  expect(plugged.token.facts).toMatchObject({ id: 'yubikey-unnamed', serial: null });
  await plugged.token.manage.setIdentifiers!(plugged.call(ANSWERS));
  const named = await plug({ card: plugged.virtual });
  expect(named.token.facts.id).toMatch(/^yubikey-[0-9a-f]{32}$/);
  await named.token.manage.setIdentifiers!(named.call(ANSWERS));
  expect((await plug({ card: plugged.virtual })).token.facts.id).toBe(named.token.facts.id);
});

test('more than fifteen tries are told', async () => {
  const plugged = await plug({ firmware: '5.4.3' });
  await plugged.token.manage.setRetries!({ pin: 255, puk: 20 }, plugged.call({ ...ANSWERS, 'new-pin': '654321', 'new-puk': '87654321' }));
  expect((await plugged.token.status(plugged.call())).secrets).toMatchObject([{ triesLeft: 255, triesAtMost: 255 }, { triesLeft: 20 }, {}]);
});
