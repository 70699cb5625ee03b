import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { KeywrightError, type PinPolicy } from '../../contract/index.ts';
import { codeOf, refusalOf } from '../../keystore/testing/calls.ts';
import { digest, holds, withKey } from './testing/with-key.ts';
import { CACHED_DELAY_MS } from './touch.ts';

const PIN = '123456';

describe('commands to the card', () => {
  test('policy once: the tries left, VERIFY and GENERAL AUTHENTICATE the first time, then GENERAL AUTHENTICATE alone', async () => {
    const { sign, taken, key0, virtual } = await withKey({ pinPolicy: 'once' });
    expect(holds(key0, await sign({ pin: PIN }))).toBe(true);
    expect(taken()).toEqual(['20', '20', '87']);
    expect(holds(key0, await sign())).toBe(true);
    expect(taken()).toEqual(['87']);
    expect(virtual.ledger).toMatchObject({ repeats: 0, unentered: 0 });
  });

  test('policy always: each signature with its VERIFY', async () => {
    const { sign, taken } = await withKey({ slot: '9c', pinPolicy: 'always' });
    await sign({ pin: PIN }, { id: 'one' });
    expect(taken()).toEqual(['20', '20', '87']);
    await sign({}, { id: 'one' });
    expect(taken()).toEqual(['20', '87']);
    expect(await codeOf(sign())).toBe('PIN_REQUIRED');
  });

  test('policy never: no PIN at all', async () => {
    const { sign, taken } = await withKey({ slot: '9e', pinPolicy: 'never' });
    await sign();
    expect(taken()).toEqual(['87']);
  });
});

describe('the PIN', () => {
  test('a wrong one lowers the tries by exactly one, is told with those left, and is not sent again', async () => {
    const { sign, taken, virtual, call, token, key0 } = await withKey({ pinPolicy: 'once' });
    const asking = call({ pin: ['654321', '654321', PIN] });
    await token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1 }, 'ecdsa-sha256', { digest }, asking);
    expect(asking.asked.map((request) => (request.kind === 'secret' ? [request.triesLeft, request.note] : []))).toEqual([
      [3, undefined], [2, expect.stringMatching(/^Wrong PIN. 2 tries/)], [2, 'The token refused this PIN before, so it was not sent again.'],
    ]);
    expect(taken().filter((ins) => ins === '20')).toHaveLength(5);
    expect(virtual.ledger.count('pin', 'refused')).toBe(1);
    expect(virtual.ledger.repeats).toBe(0);
    await sign();
  });

  test('is asked for in words of what it is for', async () => {
    const { token, call, key0 } = await withKey({ pinPolicy: 'once' });
    const asking = call({ pin: PIN });
    await token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1, label: 'Release', purpose: 'sign a.pdf (1 of 3)', occasion: 'sign 3 files' }, 'ecdsa-sha256', { digest }, asking);
    expect(asking.asked).toMatchObject([{ title: 'Sign 3 files with “Release”', subject: expect.stringMatching(/^YubiKey 5C NFC \d+, slot 9a \(Authentication\)$/) }]);
  });

  test('of another principal is not relied on', async () => {
    const { sign } = await withKey({ pinPolicy: 'once' });
    await sign({ pin: PIN });
    expect(await codeOf(sign({}, { principal: 'token:ci' }))).toBe('PIN_REQUIRED');
    await sign({ pin: PIN }, { principal: 'token:ci' });
  });

  test('is kept for the call alone where nothing may be kept', async () => {
    const { sign } = await withKey({ pinPolicy: 'once' }, { keepPinMinutes: 0 });
    await sign({ pin: PIN });
    expect(await codeOf(sign())).toBe('PIN_REQUIRED');
  });

  test('that is blocked is told before anything is typed', async () => {
    const { sign, virtual, taken } = await withKey({ pinPolicy: 'once' });
    virtual.blockPin();
    const refusal = await refusalOf(sign({ pin: PIN }));
    expect(refusal).toMatchObject({ code: 'PIN_BLOCKED', facts: { remedy: expect.stringContaining('tokens unblock-pin yubikey-') } });
    expect(taken()).toEqual(['20']);
  });

  test('of a length that no PIN has is not sent', async () => {
    const { sign, virtual } = await withKey({ pinPolicy: 'once' });
    expect(await codeOf(sign({ pin: '1234' }))).toBe('INVALID_INPUT');
    expect(virtual.ledger.uses).toEqual([]);
  });

  test('comes from the configured source where there is one, and a refused one is not sent twice', async () => {
    const good = await withKey({ pinPolicy: 'once' }, { pin: PIN });
    await good.sign();
    const bad = await withKey({ pinPolicy: 'once' }, { pin: '999999' });
    expect(await codeOf(bad.sign())).toBe('PIN_REQUIRED');
    expect(await codeOf(bad.sign())).toBe('PIN_REQUIRED');
    expect(bad.virtual.ledger.uses).toHaveLength(1);
  });
});

describe('a reader with a keypad', () => {
  /** Tells of FEATURE_VERIFY_PIN_DIRECT, and has `digits` pressed. */
  const withKeypad = async (digits: string, pinPolicy: PinPolicy) => {
    const bench = await withKey({ pinPolicy });
    bench.link.features = async (code, data) => {
      if (code === 0x4200_0000 + 3400) return Buffer.from('060442330006', 'hex');
      expect(code).toBe(0x4233_0006);
      const apdu = Buffer.from(data.subarray(19));
      expect([apdu.toString('hex'), Buffer.from(data).readUInt32LE(15)]).toEqual(['0020008008ffffffffffffffff', 13]);
      if (digits === '') return Buffer.of(0x64, 0x01);
      apdu.write(digits, 5);
      bench.virtual.ledger.entered(digits);
      return bench.virtual.transmit(apdu);
    };
    return bench;
  };

  test('has the PIN entered there: none is asked for here, and what stands is relied on for who entered it', async () => {
    const { sign, key0, taken, call, token } = await withKeypad(PIN, 'once');
    taken();
    const asking = call();
    await token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1, label: 'Release' }, 'ecdsa-sha256', { digest }, asking);
    expect(asking.asked).toMatchObject([{ kind: 'touch', title: 'Sign with “Release”', subject: expect.stringMatching(/Enter the PIN of .* on the keys of “Memory reader”. 3 tries are left./) }]);
    // What is entered at the reader is heard by the application alone for certain: that is asked first.
    expect(taken()).toEqual(['20', '20', '20', '87']);
    expect(holds(key0, await sign())).toBe(true);
    expect(taken()).toEqual(['87']);
    // A PIN that stands tells no tries: the metadata do.
    await sign({}, { principal: 'token:ci' });
    expect(taken()).toEqual(['20', 'f7', '20', '20', '87']);
  });

  test('has it entered anew for each use where the policy is always', async () => {
    const { sign, taken } = await withKeypad(PIN, 'always');
    await sign();
    taken();
    await sign();
    expect(taken()).toEqual(['20', 'f7', '20', '20', '87']);
  });

  test('a wrong one costs one try, and nothing entered is told as that', async () => {
    const wrong = await withKeypad('654321', 'once');
    expect(await refusalOf(wrong.sign())).toMatchObject({ code: 'PIN_INCORRECT', facts: { triesLeft: 2 } });
    expect(wrong.virtual.ledger.count('pin', 'refused')).toBe(1);
    expect(await codeOf((await withKeypad('', 'once')).sign())).toBe('CANCELLED');
  });
});

describe('a reader whose keypad changes PINs', () => {
  /** Has `old` and `fresh` pressed, the new one the same twice. */
  const withKeypad = async (old: string, fresh: string, ended?: number) => {
    const bench = await withKey({ pinPolicy: 'once' });
    const structures: string[] = [];
    bench.link.features = async (code, data) => {
      if (code === 0x4200_0000 + 3400) return Buffer.from('060442330006070442330007', 'hex');
      expect(code).toBe(0x4233_0007);
      structures.push(Buffer.from(data).toString('hex').slice(0, 58));
      if (ended !== undefined) return Buffer.of(ended >> 8, ended & 0xff);
      const apdu = Buffer.from(data.subarray(24));
      apdu.write(old, 5);
      apdu.write(fresh, 13);
      bench.virtual.ledger.entered(old);
      return bench.virtual.transmit(apdu);
    };
    return { ...bench, structures };
  };

  test('has the old and the new PIN entered there, and none is asked for here', async () => {
    const { token, call, structures, virtual } = await withKeypad(PIN, '246810');
    const asking = call();
    await token.manage!.changePin!(asking);
    expect(asking.asked).toMatchObject([{ kind: 'touch', title: 'Change the PIN', subject: expect.stringMatching(/Enter the PIN of .*, then the new PIN twice, on the keys of “Memory reader”. 3 tries are left./) }]);
    expect(structures).toEqual(['1e1e820800000808060302030904000102000000150000000024008010']);
    expect(Buffer.from(virtual.memory.pin.value).toString('latin1').replaceAll('\xff', '')).toBe('246810');
  });

  test('so has the PUK, alone and for a blocked PIN', async () => {
    const { token, call, structures, virtual } = await withKeypad('12345678', '87654321');
    virtual.memory.pin.left = 0;
    await token.manage!.unblockPin!(call());
    await token.manage!.changePuk!(call());
    expect(structures.map((one) => one.slice(48))).toEqual(['002c008010', '0024008110']);
    expect(virtual.memory.pin.left).toBe(virtual.memory.pin.total);
  });

  test('a wrong old one costs one try, and two new ones that differ change nothing', async () => {
    const wrong = await withKeypad('654321', '246810');
    expect(await refusalOf(wrong.token.manage!.changePin!(wrong.call()))).toMatchObject({ code: 'PIN_INCORRECT', facts: { triesLeft: 2 } });
    for (const [ended, code] of [[0x6400, 'TIMEOUT'], [0x6401, 'CANCELLED'], [0x6402, 'CANCELLED'], [0x6403, 'CANCELLED']] as const) {
      const { token, call } = await withKeypad('', '', ended);
      expect(await codeOf(token.manage!.changePin!(call()))).toBe(code);
    }
  });
});

describe('touch', () => {
  afterEach(() => void vi.useRealTimers());

  test('is announced at once for always, and the notice goes when it was touched', async () => {
    const { virtual, call, token, key0 } = await withKey({ pinPolicy: 'never', touchPolicy: 'always' });
    const asking = call();
    const signing = token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1, label: 'Release' }, 'ecdsa-sha256', { digest }, asking);
    await virtual.touch.whenWaiting();
    expect(asking.asked).toMatchObject([{ kind: 'touch', title: expect.stringContaining('“Release”'), seconds: 15 }]);
    virtual.touch.touch();
    expect(holds(key0, await signing)).toBe(true);
  });

  test('is not announced for cached while one still counts', async () => {
    const { virtual, call, token, key0 } = await withKey({ pinPolicy: 'never', touchPolicy: 'cached' });
    virtual.touch.automatic = true;
    const asking = call();
    await token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1 }, 'ecdsa-sha256', { digest }, call());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1 }, 'ecdsa-sha256', { digest }, asking);
    expect(asking.asked).toEqual([]);
    expect(virtual.touch.waits).toBe(1);
  });

  test('is announced for cached when the card does not answer soon', async () => {
    const { virtual, call, token, key0 } = await withKey({ pinPolicy: 'never', touchPolicy: 'cached' });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const asking = call();
    const signing = token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1 }, 'ecdsa-sha256', { digest }, asking);
    await virtual.touch.whenWaiting();
    expect(asking.asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(CACHED_DELAY_MS);
    expect(asking.asked.map(({ kind }) => kind)).toEqual(['touch']);
    virtual.touch.touch();
    await signing;
  });

  test.each<PinPolicy>(['never', 'once', 'always'])('that does not come is told as such with PIN policy %s', async (pinPolicy) => {
    const { sign, virtual } = await withKey({ pinPolicy, touchPolicy: 'always' });
    virtual.touch.timeout = 20;
    expect(await codeOf(sign({ pin: PIN }))).toBe('TOUCH_TIMEOUT');
    expect(await codeOf(sign({ pin: PIN }))).toBe('TOUCH_TIMEOUT');
    expect(virtual.ledger.repeats).toBe(0);
    virtual.touch.automatic = true;
    await sign({ pin: PIN });
  });

  test('a call that is cancelled while the card waits is answered at once, and what the card makes later is thrown away and told', async () => {
    const { virtual, call, token, key0 } = await withKey({ pinPolicy: 'never', touchPolicy: 'always' });
    const stop = new AbortController();
    const asking = call({}, { signal: stop.signal });
    const signing = token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1 }, 'ecdsa-sha256', { digest }, asking);
    await virtual.touch.whenWaiting();
    stop.abort();
    expect(await codeOf(signing)).toBe('CANCELLED');
    expect(asking.late).toEqual([]);
    virtual.touch.touch();
    await expect.poll(() => asking.late).toEqual([`signature of ${key0.uri}`]);
  });

  test('the notice itself can be cancelled', async () => {
    const { virtual, call, token, key0 } = await withKey({ pinPolicy: 'never', touchPolicy: 'always' });
    const asking = call();
    const signing = token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1 }, 'ecdsa-sha256', { digest }, {
      ...asking, prompt: { interactive: true, ask: () => Promise.reject(new KeywrightError('CANCELLED', 'It was closed.')) },
    });
    expect(await codeOf(signing)).toBe('CANCELLED');
    virtual.touch.touch();
  });
});

describe('what the card cannot take', () => {
  test('a long message with Ed25519 is refused with the reason, one of its buffer’s size is signed', async () => {
    const { token, call, key0 } = await withKey({ algorithm: 'ed25519', pinPolicy: 'never' });
    const ref = { uri: key0.uri, id: key0.id, version: 1 };
    const long = randomBytes(3056);
    const signature = await token.store.signer!.sign(ref, 'ed25519', { message: long }, call());
    expect(verify(null, long, createPublicKey({ key: Buffer.from(key0.versions[0]!.publicKey!), format: 'der', type: 'spki' }), signature)).toBe(true);
    expect(await refusalOf(token.store.signer!.sign(ref, 'ed25519', { message: randomBytes(3057) }, call()))).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { detail: expect.stringContaining('3056 bytes'), alternatives: ['sshsig', 'cms', 'minisign'] } });
  });

  test('a long message with any other key costs one command', async () => {
    const { token, call, key0, taken } = await withKey({ pinPolicy: 'never' });
    await token.store.signer!.sign({ uri: key0.uri, id: key0.id, version: 1 }, 'ecdsa-sha256', { message: Buffer.alloc(10_000_000) }, call());
    expect(taken()).toEqual(['87']);
  });
});

test('malformed answers are a fault of the token, told as such', async () => {
  const { sign, virtual } = await withKey({ pinPolicy: 'never' });
  for (const answer of ['9000', '7c009000', '7c0282009000', '7c8203009000', '819000', '7c03820130ff9000', '6f00']) {
    virtual.misanswer(0x87, () => Buffer.from(answer, 'hex'));
    expect([answer, await codeOf(sign())]).toEqual([answer, 'BACKEND_UNAVAILABLE']);
  }
});

test('a peer’s key on another curve is refused without asking the card', async () => {
  const { token, call, key0, taken } = await withKey({ slot: '9d' });
  const peer = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ type: 'spki', format: 'der' });
  expect(await codeOf(token.store.agreement!.agree({ uri: key0.uri, id: key0.id, version: 1 }, peer, call()))).toBe('INVALID_INPUT');
  expect(taken()).toEqual([]);
});
