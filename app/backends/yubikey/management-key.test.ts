import { pbkdf2Sync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KEY_ALGORITHMS } from '../../contract/index.ts';
import { tlv } from '../../devices/index.ts';
import type { KeyCall, KeyDescription } from '../../keystore/keystore.ts';
import { codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import { plug, type Answers, type Plugged } from './testing/plug.ts';
import { generate } from './testing/with-key.ts';

const PIN = '123456';
const FACTORY = '0102030405060708'.repeat(3);

const make = ({ token }: Plugged, slot: string, call: KeyCall): Promise<KeyDescription> =>
  token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot, usages: KEY_ALGORITHMS['ec-p256'].usages }, call);

describe('the management key', () => {
  test.each([['3des', 48], ['aes-128', 32], ['aes-192', 48], ['aes-256', 64]] as const)('of %s is chosen, asked for, and a wrong one is not sent twice', async (algorithm, digits) => {
    const plugged = await plug();
    const own = 'a1'.repeat(digits / 2);
    await plugged.token.manage.setManagementKey!({ algorithm, protect: false, touch: false }, plugged.call({ 'new-management-key': own }));
    expect((await plugged.token.status(plugged.call())).secrets[2]).toMatchObject({ state: 'set', note: { '3des': '3DES', 'aes-128': 'AES-128', 'aes-192': 'AES-192', 'aes-256': 'AES-256' }[algorithm] });
    expect(await codeOf(generate(plugged, '9a'))).toBe('PIN_REQUIRED');
    expect(await codeOf(generate(plugged, '9a', 'ec-p256', { 'management-key': 'b2'.repeat(digits / 2) }))).toBe('PIN_INCORRECT');
    expect(await codeOf(generate(plugged, '9a', 'ec-p256', { 'management-key': 'no key' }))).toBe('INVALID_INPUT');
    await generate(plugged, '9a', 'ec-p256', { 'management-key': own });
    await generate(plugged, '9c');
  });

  test('behind the PIN is used with the PIN alone, and given back to its owner', async () => {
    const plugged = await plug();
    await plugged.token.manage.setManagementKey!({ protect: true, touch: false }, plugged.call());
    expect((await plugged.token.status(plugged.call())).secrets[2]).toMatchObject({ note: 'AES-192, protected by the PIN' });
    const asking = plugged.call({ pin: PIN });
    await make(plugged, '9a', asking);
    expect(asking.asked.map(({ purpose }) => purpose)).toEqual(['pin']);
    await plugged.token.manage.setManagementKey!({ protect: false, touch: false, algorithm: 'aes-256' }, plugged.call({ 'new-management-key': 'c3'.repeat(32) }));
    expect(plugged.virtual.memory.objects.has(0x5fc109)).toBe(false);
    await generate(plugged, '9c', 'ec-p256', { 'management-key': 'c3'.repeat(32) });
    expect(plugged.virtual.ledger).toMatchObject({ repeats: 0, unentered: 0 });
  });

  test('that is given goes before the one behind the PIN: it came with the call, or is configured', async () => {
    const plugged = await plug();
    await plugged.token.manage.setManagementKey!({ protect: true, touch: false }, plugged.call());
    const own = plugged.virtual.memory.management.key.toString('hex');
    const given = (answers: Answers): ReturnType<typeof plugged.call> => {
      const call = plugged.call(answers);
      return { ...call, prompt: { ...call.prompt, given: ['management-key'] } };
    };
    const asking = given({ 'management-key': own });
    await make(plugged, '9a', asking);
    expect(asking.asked.map(({ purpose }) => purpose)).toEqual(['management-key']);
    plugged.key.pins.changed('management-key');
    expect(await codeOf(make(plugged, '9c', given({ pin: PIN, 'management-key': 'b2'.repeat(24) })))).toBe('PIN_INCORRECT');
    const configured = await plug({ card: plugged.virtual, managementKey: own });
    await make(configured, '9d', configured.call());
    const outdated = await plug({ card: plugged.virtual, managementKey: 'b2'.repeat(24) });
    await make(outdated, '82', outdated.call({ pin: PIN }));
    expect(plugged.virtual.ledger.uses.map(({ reference, outcome }) => `${reference} ${outcome}`)).toEqual(['pin accepted']);
  });

  test('that was changed behind our back is asked for', async () => {
    const plugged = await plug();
    await plugged.token.manage.setManagementKey!({ protect: true, touch: false }, plugged.call());
    plugged.virtual.memory.management = { algorithm: 0x08, key: Buffer.from('d4'.repeat(16), 'hex'), touchPolicy: 1 };
    await generate(plugged, '9a', 'ec-p256', { pin: PIN, 'management-key': 'd4'.repeat(16) });
  });

  test('that is derived from the PIN is recognised and used, and a new PIN puts another one in its place', async () => {
    const plugged = await plug({ firmware: '5.4.3' });
    const salt = Buffer.alloc(16, 7);
    plugged.virtual.memory.objects.set(0x5fff00, tlv(0x80, tlv(0x81, Buffer.of(0)), tlv(0x82, salt)));
    plugged.virtual.memory.management = { algorithm: 0x03, key: pbkdf2Sync(PIN, salt, 10_000, 24, 'sha1'), touchPolicy: 1 };
    expect((await plugged.token.status(plugged.call())).findings.map(({ code }) => code)).toContain('yubikey.derived-management-key');
    await generate(plugged, '9a', 'ec-p256', { pin: PIN });
    await plugged.token.manage.changePin!(plugged.call({ pin: PIN, 'new-pin': '654321' }));
    expect((await plugged.token.status(plugged.call())).secrets[2]).toMatchObject({ note: '3DES, protected by the PIN' });
    await generate(plugged, '9c', 'ec-p256', { pin: '654321' });
  });

  test('with a touch is announced, and a touch that does not come is not taken for a wrong key', async () => {
    const plugged = await plug();
    await plugged.token.manage.setManagementKey!({ protect: false, touch: true }, plugged.call({ 'new-management-key': 'e5'.repeat(24) }));
    plugged.virtual.touch.timeout = 400;
    const asking = plugged.call({ 'management-key': 'e5'.repeat(24) });
    expect(await codeOf(make(plugged, '9a', asking))).toBe('TOUCH_TIMEOUT');
    expect(asking.asked.map(({ kind }) => kind)).toEqual(['secret', 'touch']);
    plugged.virtual.touch.automatic = true;
    await generate(plugged, '9a', 'ec-p256', { 'management-key': 'e5'.repeat(24) });
  });

  test('of a token that only pretends is found out', async () => {
    const plugged = await plug();
    plugged.virtual.misanswer(0x87, (answer) => (answer.length === 22 && answer[2] === 0x82 ? Buffer.concat([answer.subarray(0, 4), Buffer.alloc(16), Buffer.of(0x90, 0)]) : answer));
    expect(await refusalOf(generate(plugged, '9a'))).toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { detail: expect.stringContaining('pretends') } });
  });

  test('on firmware before 5.3 is asked for even when it is the factory’s', async () => {
    const plugged = await plug({ firmware: '5.2.7' });
    const asking = plugged.call({ 'management-key': FACTORY, confirm: true });
    await make(plugged, '9a', asking);
    expect(asking.asked.map(({ purpose }) => purpose)).toEqual(['confirm', 'management-key']);
  });
});
