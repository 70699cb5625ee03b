import { describe, expect, test } from 'vitest';
import { KeywrightError, type Call, type PromptAnswer, type PromptRequest, type SecretBytes } from '../contract/index.ts';
import { LastTryNotAgreed, PinKeeper, RefusedSecrets, type TokenSecret, type TriesLeft } from './pins.ts';
import { announceTouch, pinTitle, touchTitle, typedFingerprint } from './token-prompts.ts';

/** A token with one PIN, as strict as a real one: it counts what it is sent. */
class FakeToken implements TokenSecret {
  readonly kind = 'pin';
  readonly token = 'Token 1';
  readonly remedyWhenBlocked = 'Unblock it with the PUK.';
  readonly sent: string[] = [];
  left = 3;
  pin = '123456';

  problemOf(secret: Uint8Array): string | null {
    return secret.length >= 6 && secret.length <= 8 ? null : 'A PIN has 6 to 8 characters.';
  }

  /** How often the tries were asked for. */
  questions = 0;
  tells: (left: number) => TriesLeft = (left) => left;

  async triesLeft(): Promise<TriesLeft> {
    this.questions += 1;
    return this.tells(this.left);
  }

  readonly verify = async (secret: SecretBytes): Promise<string> => {
    const text = Buffer.from(secret.reveal()).toString();
    this.sent.push(text);
    if (text === this.pin) {
      this.left = 3;
      return 'done';
    }
    this.left -= 1;
    throw new KeywrightError('PIN_INCORRECT', { detail: `Wrong PIN. ${this.left} tries left.`, triesLeft: this.left });
  };
}

interface Person {
  readonly call: Call;
  readonly asked: PromptRequest[];
}

let calls = 0;

function person(answers: readonly (string | PromptAnswer)[], principal = 'owner'): Person {
  const asked: PromptRequest[] = [];
  const waiting = [...answers];
  return {
    asked,
    call: {
      id: `call-${++calls}`, principal: { id: principal, name: principal, face: 'ipc', permissions: new Set() }, signal: new AbortController().signal, progress: () => undefined, discarded: () => undefined,
      prompt: {
        interactive: true,
        async ask(request) {
          asked.push(request);
          const answer = waiting.shift();
          if (answer === undefined) throw new KeywrightError('PIN_REQUIRED', 'Nobody is there.');
          return typeof answer === 'string' ? { kind: 'secret', secret: answer } : answer;
        },
      },
    },
  };
}

const SIGN = { title: 'Sign', keep: 'insertion' } as const;
const keeper = (keepMinutes = 5, fromFile?: () => Promise<SecretBytes | undefined>): PinKeeper =>
  new PinKeeper({ keepMinutes: () => keepMinutes, refused: new RefusedSecrets(), ...(fromFile === undefined ? {} : { fromFile }) });

describe('a PIN', () => {
  test('is asked for once and sent again during the insertion', async () => {
    const token = new FakeToken();
    using pins = keeper();
    const first = person(['123456']);
    expect(await pins.use(token, SIGN, first.call, token.verify)).toBe('done');
    expect(first.asked).toMatchObject([{ purpose: 'pin', title: 'Sign', subject: 'Token 1', triesLeft: 3 }]);
    expect(pins.isVerified('pin', first.call)).toBe(true);
    const second = person([]);
    await pins.use(token, SIGN, second.call, token.verify);
    expect(second.asked).toEqual([]);
    expect(token.sent).toEqual(['123456', '123456']);
  });

  test('that one principal entered is not used for another', async () => {
    const token = new FakeToken();
    using pins = keeper();
    await pins.use(token, SIGN, person(['123456']).call, token.verify);
    const other = person([], 'token:ci');
    expect(pins.isVerified('pin', other.call)).toBe(false);
    await expect(pins.use(token, SIGN, other.call, token.verify)).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
    expect(token.sent).toHaveLength(1);
  });

  test('of policy always holds for its call alone', async () => {
    const token = new FakeToken();
    using pins = keeper();
    const batch = person(['123456']);
    const always = { title: 'Sign 2 files', keep: 'call' } as const;
    await pins.use(token, always, batch.call, token.verify);
    await pins.use(token, always, batch.call, token.verify);
    expect(batch.asked).toHaveLength(1);
    expect(token.sent).toHaveLength(2);
    await expect(pins.use(token, always, person([]).call, token.verify)).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
  });

  test('that was entered for policy once is not taken for policy always, but in the same call', async () => {
    const token = new FakeToken();
    using pins = keeper();
    const always = { title: 'Sign', keep: 'call' } as const;
    const both = person(['123456']);
    await pins.use(token, SIGN, both.call, token.verify);
    await pins.use(token, always, both.call, token.verify);
    const later = person(['123456']);
    await pins.use(token, SIGN, later.call, token.verify);
    expect([both.asked.length, later.asked.length]).toEqual([1, 0]);
    await pins.use(token, always, later.call, token.verify);
    expect(later.asked.length).toBe(1);
  });

  test('is not kept beyond its call when nothing may be kept', async () => {
    const token = new FakeToken();
    using pins = keeper(0);
    await pins.use(token, SIGN, person(['123456']).call, token.verify);
    await expect(pins.use(token, SIGN, person([]).call, token.verify)).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
  });

  test('that is wrong costs exactly one try, is asked for again with the tries left, and is never sent twice', async () => {
    const token = new FakeToken();
    using pins = keeper();
    const clumsy = person(['000000', '000000', '123456']);
    await pins.use(token, SIGN, clumsy.call, token.verify);
    expect(token.sent).toEqual(['000000', '123456']);
    expect(clumsy.asked.map((request) => ('triesLeft' in request ? request.triesLeft : undefined))).toEqual([3, 2, 2]);
    expect(clumsy.asked[1]).toMatchObject({ note: 'Wrong PIN. 2 tries left.' });
    expect(clumsy.asked[2]).toMatchObject({ note: expect.stringContaining('not sent again') });
  });

  test('that is malformed is never sent', async () => {
    const token = new FakeToken();
    using pins = keeper();
    await expect(pins.use(token, SIGN, person(['12', '12', '12', '12']).call, token.verify)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(token.sent).toEqual([]);
  });

  test('is asked for with the token’s answer as the error when nobody answers twice', async () => {
    const token = new FakeToken();
    using pins = keeper();
    await expect(pins.use(token, SIGN, person(['000000']).call, token.verify)).rejects.toMatchObject({ code: 'PIN_INCORRECT', facts: { triesLeft: 2 } });
  });

  test('is not asked for when none are left', async () => {
    const token = new FakeToken();
    token.left = 0;
    using pins = keeper();
    const nobody = person(['123456']);
    await expect(pins.use(token, SIGN, nobody.call, token.verify)).rejects.toMatchObject({ code: 'PIN_BLOCKED', facts: { remedy: 'Unblock it with the PUK.' } });
    expect(nobody.asked).toEqual([]);
  });

  test('takes the last try only with a consent', async () => {
    const token = new FakeToken();
    token.left = 1;
    using pins = keeper();
    await expect(pins.use(token, SIGN, person(['123456']).call, token.verify)).rejects.toMatchObject({ code: 'PIN_REQUIRED', facts: { triesLeft: 1 } });
    expect(token.sent).toEqual([]);
    await pins.use(token, SIGN, person([{ kind: 'secret', secret: '123456', lastTry: true }]).call, token.verify);
    expect(token.sent).toEqual(['123456']);
  });

  test('that is kept is sent in a later call only after its tries were asked for, and in its own call at once', async () => {
    const token = new FakeToken();
    using pins = keeper();
    const { call } = person(['123456']);
    await pins.use(token, SIGN, call, token.verify);
    await pins.use(token, SIGN, call, token.verify);
    expect(token.questions).toBe(1);
    const later = person([]);
    await pins.use(token, SIGN, later.call, token.verify);
    await pins.use(token, SIGN, later.call, token.verify);
    expect(token.questions).toBe(2);
    pins.tokenWasReset();
    await pins.use(token, SIGN, later.call, token.verify);
    expect(token.questions).toBe(3);
  });

  test.each<[string, (left: number) => TriesLeft]>([['one try left', (left) => left], ['few left, and it does not tell how many', () => 'few']])('that is kept is forgotten and asked for when the token has %s', async (_what, tells) => {
    const token = new FakeToken();
    using pins = keeper();
    await pins.use(token, SIGN, person(['123456']).call, token.verify);
    Object.assign(token, { pin: '246810', left: 1, tells });
    await expect(pins.use(token, SIGN, person([]).call, token.verify)).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
    const knowing = person([{ kind: 'secret', secret: '246810', lastTry: true }]);
    await pins.use(token, SIGN, knowing.call, token.verify);
    expect(knowing.asked).toHaveLength(1);
    expect(token.sent).toEqual(['123456', '246810']);
  });

  test('is asked for again when only the last try turns out to be left', async () => {
    const token = new FakeToken();
    using pins = keeper();
    const clumsy = person(['123456', { kind: 'secret', secret: '123456', lastTry: true }]);
    let others = true;
    await pins.use(token, SIGN, clumsy.call, async (value, lastTry) => {
      if (others) token.left = 1;
      others = false;
      if (!lastTry) throw new LastTryNotAgreed();
      return token.verify(value);
    });
    expect(clumsy.asked).toMatchObject([{ triesLeft: 3 }, { triesLeft: 1, note: expect.stringContaining('nothing was sent') }]);
    expect(token.sent).toEqual(['123456']);
  });

  test('is forgotten on removal and when it was changed', async () => {
    const token = new FakeToken();
    const pins = keeper();
    await pins.use(token, SIGN, person(['123456']).call, token.verify);
    pins.changed('pin');
    expect(pins.isVerified('pin', person([]).call)).toBe(false);
    await pins.use(token, SIGN, person(['123456']).call, token.verify);
    pins[Symbol.dispose]();
    await expect(pins.use(token, SIGN, person([]).call, token.verify)).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
  });

  test('that two calls need at once is asked for once', async () => {
    const token = new FakeToken();
    using pins = keeper();
    const { call, asked } = person(['123456']);
    await Promise.all([pins.use(token, SIGN, call, token.verify), pins.use(token, SIGN, call, token.verify)]);
    expect(asked).toHaveLength(1);
  });

  test('of a configured file is sent once when it is wrong, and never as the last try', async () => {
    const { SecretBytes: Secret } = await import('../contract/index.ts');
    const token = new FakeToken();
    using pins = keeper(5, async () => Secret.fromText('999999'));
    await pins.use(token, SIGN, person(['123456']).call, token.verify);
    await pins.use(token, { ...SIGN, keep: 'call' }, person(['123456'], 'someone').call, token.verify);
    expect(token.sent).toEqual(['999999', '123456', '123456']);
    token.left = 1;
    using fresh = keeper(5, async () => Secret.fromText('777777'));
    await expect(fresh.use(token, SIGN, person([]).call, token.verify)).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
    expect(token.sent).toHaveLength(3);
  });
});

describe('a touch', () => {
  test('is announced until it is over, and a cancelled notice ends the call', async () => {
    const shown: PromptRequest[] = [];
    let ended = false;
    const { call } = person([]);
    const watching: Call = { ...call, prompt: { interactive: true, ask: (request, signal) => {
      shown.push(request);
      return new Promise((_, reject) => signal.addEventListener('abort', () => { ended = true; reject(signal.reason as Error); }));
    } } };
    const notice = announceTouch({ title: 'Touch the token', subject: 'Token 1' }, 0, watching, () => expect.unreachable());
    expect(shown).toMatchObject([{ kind: 'touch', title: 'Touch the token' }]);
    notice[Symbol.dispose]();
    await expect.poll(() => ended).toBe(true);
    const cancelling: Call = { ...call, prompt: { interactive: true, ask: () => Promise.reject(new KeywrightError('CANCELLED', 'no')) } };
    const reason = await new Promise<KeywrightError>((resolve) => void announceTouch({ title: 'Touch', subject: 'Token 1' }, 0, cancelling, resolve));
    expect(reason.code).toBe('CANCELLED');
  });
});

test('a fingerprint to type is 16 digits in groups', () => {
  expect(typedFingerprint(`SHA256:${'0123456789abcdef'.repeat(4)}`)).toBe('0123 4567 89ab cdef');
});

test('a prompt tells what the PIN and each touch are for', () => {
  const key = { uri: 'yubikey:serial=1;slot=9c', label: 'Release signing' };
  expect(pinTitle('sign', key)).toBe('Sign with “Release signing”');
  expect(pinTitle('sign', { ...key, purpose: 'sign report.pdf (2 of 3)', occasion: 'sign 3 files' })).toBe('Sign 3 files with “Release signing”');
  expect(pinTitle('decrypt', { uri: key.uri })).toBe('Decrypt with “yubikey:serial=1;slot=9c”');
  expect(touchTitle('YubiKey', 'sign', { ...key, purpose: 'sign report.pdf (2 of 3)' })).toBe('Touch the YubiKey to sign report.pdf (2 of 3)');
  expect(touchTitle('YubiKey', 'agree on a secret', key)).toBe('Touch the YubiKey to agree on a secret with “Release signing”');
});
