import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import type { KeyDescription } from '../../keystore/keystore.ts';
import type { ModuleOptions, ModuleSource, Pkcs11Token } from './source.ts';
import { callOf, misbehaving, missingForMisbehaving, missingForSoftHsm, openSource, PIN, SoftHsm, SO_PIN, tokenIn, type Misbehaviour } from './testing/softhsm.ts';

let hsm: SoftHsm;
let sources: ModuleSource[];

beforeEach(() => {
  hsm = new SoftHsm();
  sources = [];
});
afterEach(async () => {
  await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()));
  hsm[Symbol.dispose]();
});

async function open(changes: Partial<ModuleOptions> = {}): Promise<ModuleSource> {
  const source = await openSource(hsm, changes);
  sources.push(source);
  return source;
}

const generate = (token: Pkcs11Token): Promise<KeyDescription> =>
  token.store.generate({ id: '', algorithm: 'ec-p256', label: 'k', usages: ['sign', 'verify'], extractable: false }, callOf({ pin: PIN }));
const signWith = (token: Pkcs11Token, { uri, id }: KeyDescription, call = callOf({ pin: PIN })): Promise<Uint8Array> =>
  token.store.signer!.sign({ uri, id, version: 1 }, 'ecdsa-sha256', { message: Buffer.from('x') }, call);

const missing = missingForSoftHsm();
describe.skipIf(missing !== undefined)(`files that are no modules${missing === undefined ? '' : ` (not here: ${missing})`}`, () => {
  const refusalFor = async (module: string): Promise<string> => {
    const source = await open({ module });
    expect(source.tokens()).toEqual([]);
    const [finding] = source.findings();
    expect(finding).toMatchObject({ level: 'problem', code: 'worker.failed', remedy: expect.stringContaining('module') });
    return finding!.detail;
  };

  test('one that is not there, a folder, and a text are told apart', async () => {
    const text = join(hsm.folder, 'module.so');
    writeFileSync(text, 'not a library');
    expect(await refusalFor(join(hsm.folder, 'absent.so'))).toContain('there is no such file');
    expect(await refusalFor(hsm.folder)).toContain('it is a folder');
    expect(await refusalFor(text)).toContain('it is no shared library');
  });

  test('a module for another processor is named as that', async () => {
    const foreign = join(hsm.folder, 'foreign.so');
    const head = Buffer.alloc(64);
    head.write('\x7fELF\x02\x01\x01', 'latin1');
    head.writeUInt16LE(3, 16);
    head.writeUInt16LE(process.arch === 'arm64' ? 0x3e : 0xb7, 18);
    writeFileSync(foreign, head);
    expect(await refusalFor(foreign)).toMatch(/made for another processor, (ARM64|x86-64)/);
  });

  test('a library that is no PKCS#11 module is named as that', async () => {
    expect(await refusalFor(process.arch === 'arm64' ? '/usr/lib/aarch64-linux-gnu/libm.so.6' : '/usr/lib/x86_64-linux-gnu/libm.so.6')).toContain('no PKCS#11 module');
  });
});

describe.skipIf(missing !== undefined)(`PINs${missing === undefined ? '' : ` (not here: ${missing})`}`, () => {
  test('a wrong one is asked for anew and never sent again; the right one then serves', async () => {
    hsm.initialise('pins');
    const token = tokenIn(await open(), 'pins');
    const call = callOf({ pin: ['654321', '654321', PIN] });
    await token.store.generate({ id: '', algorithm: 'ec-p256', label: 'k', usages: ['sign', 'verify'], extractable: false }, call);
    expect(call.asked).toHaveLength(3);
    expect(call.asked[1]).toMatchObject({ note: expect.stringMatching(/wrong/i) });
    expect(call.asked[2]).toMatchObject({ note: expect.stringContaining('refused this PIN before') });
  });

  test('one that is too short is not sent', async () => {
    hsm.initialise('pins');
    const token = tokenIn(await open(), 'pins');
    const refusal = await refusalOf(token.store.generate({ id: '', algorithm: 'ec-p256', label: 'k', usages: ['sign'], extractable: false }, callOf({ pin: ['1', '1', '1'] })));
    expect(refusal).toMatchObject({ code: 'INVALID_INPUT', facts: { detail: expect.stringContaining('4 to 255') } });
    expect(hsm.pkcs11Tool('-L')).not.toContain('PIN count low');
  });

  test('who did not give the PIN does not act by that of another', async () => {
    hsm.initialise('pins');
    const token = tokenIn(await open(), 'pins');
    const key = await generate(token);
    expect(await codeOf(signWith(token, key, callOf({}, { principal: 'token:ci' })))).toBe('PIN_REQUIRED');
    const wrong = callOf({ pin: ['999999'] }, { principal: 'token:ci' });
    expect(await codeOf(signWith(token, key, wrong))).toBe('PIN_INCORRECT');
    expect(await signWith(token, key)).toBeInstanceOf(Uint8Array);
  });
});

const cannotBuild = missingForMisbehaving();
describe.skipIf(cannotBuild !== undefined)(`a module that${cannotBuild === undefined ? '' : ` (not here: ${cannotBuild})`}`, () => {
  const openOne = async (how: Misbehaviour, seconds = 60): Promise<{ source: ModuleSource; token: Pkcs11Token }> => {
    hsm.initialise('one');
    const source = await open({ ...misbehaving(hsm, how), deadlines: { seconds, generateSeconds: 60 } });
    return { source, token: tokenIn(source, 'one') };
  };

  test('hangs is ended at its deadline, and the next call starts it afresh', async () => {
    const { source, token } = await openOne('hangs', 2);
    const key = await generate(token);
    const hung = await refusalOf(signWith(token, key));
    expect(hung).toMatchObject({ code: 'TIMEOUT', facts: { detail: expect.stringContaining('did not answer within 2 seconds (keys.sign), and was ended'), remedy: expect.any(String) } });
    expect(source.findings()).toMatchObject([{ level: 'problem', code: 'worker.hung' }]);
    expect((await token.store.list({ limit: 10 }, callOf())).items).toMatchObject([{ id: key.id, algorithm: 'ec-p256' }]);
    expect(source.findings()).toEqual([]);
  });

  test('crashes takes nothing with it: what is in flight fails, and the next call starts it afresh', async () => {
    const { source, token } = await openOne('crashes');
    const key = await generate(token);
    const crashed = await refusalOf(signWith(token, key));
    expect(crashed).toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { detail: expect.stringMatching(/crashed \(SIGABRT\) during .*keys\.sign/) } });
    expect(source.findings()).toMatchObject([{ code: 'worker.failed' }]);
    expect(await token.store.random!.random(8, callOf())).toHaveLength(8);
    expect(source.findings()).toEqual([]);
  });

  test('hangs at start is not waited for for ever', async () => {
    hsm.initialise('one');
    const source = await open({ ...misbehaving(hsm, 'hangs at start'), startSeconds: 3 });
    expect(source.tokens()).toEqual([]);
    expect(source.findings()).toMatchObject([{ code: 'worker.hung', detail: expect.stringContaining('did not come up within 3 seconds') }]);
  });

  test('is cancelled while it hangs answers its caller at once', async () => {
    const { token } = await openOne('hangs', 30);
    const key = await generate(token);
    const controller = new AbortController();
    const signing = codeOf(signWith(token, key, callOf({ pin: PIN }, { signal: controller.signal })));
    setTimeout(() => controller.abort(), 200);
    expect(await signing).toBe('CANCELLED');
  });

  test.for(['gives too long a signature', 'gives too short a signature'] as const)('%s is found out', async (how) => {
    const { token } = await openOne(how);
    const refusal = await refusalOf(signWith(token, await generate(token)));
    expect(refusal).toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });

  test('gives nonsense lengths does no harm here', async () => {
    const { token } = await openOne('gives nonsense lengths');
    const refusal = await refusalOf(generate(token));
    expect(refusal.code).toBe('BACKEND_UNAVAILABLE');
  });

  test('says that it is initialised already, and prints what it likes, is used all the same', async () => {
    for (const how of ['says that it is initialised', 'prints to standard output'] as const) {
      const { source, token } = await openOne(how);
      expect(await signWith(token, await generate(token))).toBeInstanceOf(Uint8Array);
      await source[Symbol.asyncDispose]();
    }
  });

  test('has one try left gets a PIN only from who agrees to spend it', async () => {
    const { token } = await openOne('has one try left');
    expect(await token.status(callOf())).toMatchObject({ secrets: [{ kind: 'pin', triesLeft: 1, note: 'last try' }, { kind: 'so-pin', state: 'set' }] });
    const refusal = await refusalOf(generate(token));
    expect(refusal).toMatchObject({ code: 'PIN_REQUIRED', facts: { triesLeft: 1 } });
    const agreed = callOf({ pin: PIN }, { lastTry: true });
    await token.store.generate({ id: '', algorithm: 'ec-p256', label: 'k', usages: ['sign'], extractable: false }, agreed);
    expect(agreed.asked).toMatchObject([{ purpose: 'pin', triesLeft: 1 }]);
  });

  test('is locked asks for no PIN, and says how it is unblocked', async () => {
    const { token } = await openOne('is locked');
    const call = callOf({ pin: PIN });
    const refusal = await refusalOf(token.store.generate({ id: '', algorithm: 'ec-p256', label: 'k', usages: ['sign'], extractable: false }, call));
    expect(refusal).toMatchObject({ code: 'PIN_BLOCKED', facts: { remedy: expect.stringContaining('unblock-pin') } });
    expect(call.asked).toEqual([]);
    expect(await token.status(callOf())).toMatchObject({ secrets: [{ kind: 'pin', state: 'blocked', triesLeft: 0 }, {}], findings: [{ code: 'pkcs11.pin-blocked' }] });
  });
});

test.skipIf(missing !== undefined)('a blocked SO PIN and a wrong one are told by their own names', async () => {
  hsm.initialise('so');
  const token = tokenIn(await open(), 'so');
  const refusal = await refusalOf(token.manage.unblockPin!(callOf({ 'so-pin': ['00000000'] })));
  expect(refusal).toMatchObject({ code: 'PIN_INCORRECT', facts: { detail: expect.stringContaining('SO PIN') } });
  await token.manage.unblockPin!(callOf({ 'so-pin': SO_PIN, 'new-pin': '2468' }));
  expect(hsm.pkcs11Tool('--login', '--pin', '2468', '-O')).toBe('');
});
