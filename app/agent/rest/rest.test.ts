import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeywrightError, type CallOptions } from '../../contract/index.ts';
import { startAgent, type Agent } from '../index.ts';
import { fakeCore, TOKEN, type FakeCore } from '../testing/fake-core.ts';
import { follow, send } from '../testing/http.ts';

const AUTHORIZED = { Authorization: `Bearer ${TOKEN}` };
const JSON_BODY = { ...AUTHORIZED, 'Content-Type': 'application/json' };
let core: FakeCore;
let agent: Agent;
let origin: string;

beforeEach(async () => {
  core = fakeCore();
  agent = await startAgent(core, { listen: '127.0.0.1:0' });
  origin = agent.addresses[0] as string;
});
afterEach(() => agent.close());

const header = (answers: object): string => Buffer.from(JSON.stringify(answers)).toString('base64url');

describe('a call', () => {
  test('puts its input together from the path and the body, and answers with the status of its record', async () => {
    core.answer = () => ({ signature: 'AQ' });
    const answer = await send(origin, 'POST', '/v1/keys/Release%20signing/sign', JSON_BODY, '{"content":{"message":"aGk"}}');
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ signature: 'AQ' });
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(core.calls[0]).toMatchObject({ operation: 'keys.sign', input: { key: 'Release signing', content: { message: 'aGk' } }, options: { principal: { id: 'token:abcdefgh', face: 'rest' } } });
    expect((await send(origin, 'POST', '/v1/keys', JSON_BODY, '{"algorithm":"ec-p256","label":"x"}')).status).toBe(201);
  });

  test.each(['yubikey:serial=12345678;slot=9c', 'awskms:///key/a?b#c', 'gcpkms://projects/p/locations/l', 'pkcs11:token=a%2Fb;object=ü', 'ü'.repeat(1024)])('takes a key URI in the path: %.40s', async (key) => {
    expect((await send(origin, 'GET', `/v1/keys/${encodeURIComponent(key)}`, AUTHORIZED)).status).toBe(200);
    expect(core.calls[0]?.input).toEqual({ key });
  });

  test('reads numbers, booleans and texts of a query by the schema', async () => {
    await send(origin, 'GET', '/v1/keys?limit=10&trash=true&search=42&filter=a%3Db+c', AUTHORIZED);
    expect(core.calls[0]?.input).toEqual({ limit: 10, trash: true, search: '42', filter: 'a=b c' });
  });

  test('leaves what does not fit the schema as it is, for the dispatcher to refuse with its place', async () => {
    await send(origin, 'GET', '/v1/keys?limit=ten&trash=yes&other=1&__proto__=2', AUTHORIZED);
    const input = core.calls[0]?.input as object;
    expect(Object.entries(input)).toEqual([['limit', 'ten'], ['trash', 'yes'], ['other', '1'], ['__proto__', '2']]);
  });

  test.each([
    ['POST', '/v1/keys/a/sign', '{"key":"b","content":{"message":"aGk"}}', '/key'],
    ['GET', '/v1/keys?limit=1&limit=2', undefined, '/limit'],
    ['POST', '/v1/keys?label=x', '{}', '/label'],
    ['POST', '/v1/keys', '[1]', '/'],
    ['POST', '/v1/keys', '"x"', '/'],
    ['POST', '/v1/keys', 'null', '/'],
  ])('refuses a field that comes twice or in the wrong place: %s %s %s', async (method, path, body, where) => {
    const answer = await send(origin, method, path, JSON_BODY, body);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ code: 'INVALID_INPUT', status: 400, where });
    expect(core.calls).toEqual([]);
  });

  test('without a body is a call with an empty input', async () => {
    await send(origin, 'POST', '/v1/store/lock', AUTHORIZED);
    await send(origin, 'POST', '/v1/store/lock', JSON_BODY, '');
    expect(core.calls.map(({ input }) => input)).toEqual([{}, {}]);
  });

  test('that fails answers with the problem and nothing more, and names the request', async () => {
    core.answer = () => {
      throw new KeywrightError('RATE_LIMITED', { detail: 'Too many.', remedy: 'Wait.', retryAfter: 7, cause: new Error('secret cause') });
    };
    const answer = await send(origin, 'POST', '/v1/store/change-passphrase', JSON_BODY, '{}');
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('7');
    expect(answer.json()).toEqual({
      type: 'urn:keywright:error:rate-limited', title: 'Too many requests', status: 429, code: 'RATE_LIMITED', detail: 'Too many.', remedy: 'Wait.', retryAfter: 7,
      instance: `urn:keywright:request:${core.calls[0]?.options.requestId}`,
    });
  });

  test('that is not to be had over REST says why', async () => {
    const answer = await send(origin, 'POST', '/v1/store/open', JSON_BODY, '{"folder":"/"}');
    expect(answer.status).toBe(404);
    expect(answer.json().detail).toContain('A caller from elsewhere must not choose a folder on this machine.');
    expect((await send(origin, 'GET', '/v1/prompts', AUTHORIZED)).status).toBe(404);
    expect(core.calls).toEqual([]);
  });

  test.each(['application/json', 'text/event-stream'])('is aborted when its caller goes away (%s)', async (accept) => {
    const { promise: aborted, resolve } = Promise.withResolvers<unknown>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    core.answer = (_operation, _input, { signal }) => new Promise(() => {
      signal?.addEventListener('abort', () => resolve(signal.reason));
      begin();
    });
    const caller = new AbortController();
    const call = fetch(`${origin}/v1/doctor`, { method: 'POST', headers: { ...JSON_BODY, Accept: accept }, body: '{}', signal: caller.signal }).then((answer) => answer.text());
    await begun;
    caller.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    expect(await aborted).toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a call that streams', () => {
  const progressing = (operation: string, _input: unknown, { progress }: CallOptions): unknown => {
    progress?.({ done: 1, total: 2 });
    progress?.({ done: 2, total: 2 });
    return { ok: operation === 'store.verify' };
  };

  test('answers with plain JSON, unless server-sent events are asked for', async () => {
    core.answer = progressing;
    expect((await send(origin, 'POST', '/v1/store/verify', { ...JSON_BODY, Accept: '*/*' }, '{}')).json()).toEqual({ ok: true });
    const events = await follow(origin, 'POST', '/v1/store/verify', JSON_BODY, '{}');
    await events.ended;
    expect(events.seen).toEqual([{ event: 'progress', data: { done: 1, total: 2 } }, { event: 'progress', data: { done: 2, total: 2 } }, { event: 'result', data: { ok: true } }]);
  });

  test('ends with an error event when it fails on the way', async () => {
    core.answer = (...call) => {
      progressing(...call);
      throw new KeywrightError('STORAGE_FULL', 'No space.');
    };
    const events = await follow(origin, 'POST', '/v1/store/verify', JSON_BODY, '{}');
    expect(await events.next('error')).toMatchObject({ code: 'STORAGE_FULL', status: 507 });
    await events.ended;
  });
});

describe('answers to prompts in a header', () => {
  const ask = async (request: Parameters<NonNullable<CallOptions['prompt']>['ask']>[0], answers: object): Promise<unknown> => {
    let told: unknown;
    core.answer = async (_operation, _input, { prompt }) => {
      told = await prompt?.ask(request, new AbortController().signal);
      return {};
    };
    const answer = await send(origin, 'POST', '/v1/store/change-passphrase', { ...JSON_BODY, 'Keywright-Prompt-Answers': header(answers) }, '{}');
    return answer.status === 200 ? told : answer.json();
  };

  test('serve the prompt of their purpose', async () => {
    expect(await ask({ kind: 'secret', purpose: 'store-passphrase', title: 'Unlock' }, { 'store-passphrase': 'correct horse ü' })).toEqual({ kind: 'secret', secret: 'correct horse ü' });
    expect(await ask({ kind: 'confirm', purpose: 'confirm', title: 'Sure', action: 'Do it' }, { confirm: true })).toEqual({ kind: 'confirmed' });
    expect(await ask({ kind: 'confirm', purpose: 'confirm', title: 'Sure', action: 'Do it', typed: 'purge' }, { confirm: 'purge' })).toEqual({ kind: 'confirmed', typed: 'purge' });
  });

  test('never stand for another purpose, for a text that must be typed, or for a person who must be shown something', async () => {
    expect(await ask({ kind: 'secret', purpose: 'key-passphrase', title: 'Key' }, { 'store-passphrase': 'x' })).toMatchObject({ code: 'PIN_REQUIRED' });
    expect(await ask({ kind: 'confirm', purpose: 'confirm', title: 'Sure', action: 'Do it', typed: 'purge' }, { confirm: true })).toMatchObject({ code: 'PIN_REQUIRED' });
    expect(await ask({ kind: 'show-secret', purpose: 'show-recovery-code', title: 'Code', secret: 's' }, { 'show-recovery-code': true })).toMatchObject({ code: 'PIN_REQUIRED' });
  });

  test('that cannot be read are refused without a word of what was in them', async () => {
    for (const bad of ['%%%', Buffer.from('{"store-passphrase":"canary').toString('base64url'), header(['canary']), header({ canary: 'x' }), header({ pin: 7 })]) {
      const answer = await send(origin, 'POST', '/v1/store/change-passphrase', { ...JSON_BODY, 'Keywright-Prompt-Answers': bad }, '{}');
      expect(answer.json()).toMatchObject({ code: 'INVALID_INPUT', status: 400 });
      expect(answer.text).not.toContain('canary');
    }
    expect(core.calls).toEqual([]);
  });

  test('are the call’s only prompter; without them the core asks on its own', async () => {
    await send(origin, 'POST', '/v1/store/change-passphrase', JSON_BODY, '{}');
    expect(core.calls[0]?.options.prompt).toBeUndefined();
  });
});

describe('files', () => {
  test('go in and come out as they are', async () => {
    const up = await send(origin, 'POST', '/v1/files/uploads?name=report.pdf', { ...AUTHORIZED, 'Content-Type': 'application/octet-stream' }, Buffer.alloc(100_000, 7));
    expect(up.status).toBe(201);
    expect(up.json()).toMatchObject({ bytes: 100_000, upload: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect((await send(origin, 'GET', `/v1/files/downloads/${up.json().upload}`, AUTHORIZED)).json()).toMatchObject({ code: 'NOT_FOUND' });

    const { offerDownload } = await import('../../keychain/files/spool.ts');
    const { writeFile } = await import('node:fs/promises');
    const offer = await offerDownload(core.spoolFolder, 'token:abcdefgh', 'Grüße "1".sig');
    await writeFile(offer.path, 'signature');
    const down = await send(origin, 'GET', `/v1/files/downloads/${offer.id}`, AUTHORIZED);
    expect(down.text).toBe('signature');
    expect(down.headers).toMatchObject({ 'content-type': 'application/octet-stream', 'content-length': '9', 'x-content-type-options': 'nosniff' });
    expect(down.headers['content-disposition']).toBe(`attachment; filename="Gr__e _1_.sig"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%221%22.sig`);
  });

  test('need the permission, and a body of bytes', async () => {
    expect((await send(origin, 'POST', '/v1/files/uploads', JSON_BODY, '{}')).status).toBe(415);
    agent.close();
    core.permissions = ['keys:read'];
    agent = await startAgent(core, { listen: '127.0.0.1:0' });
    const answer = await send(agent.addresses[0] as string, 'POST', '/v1/files/uploads', { ...AUTHORIZED, 'Content-Type': 'application/octet-stream' }, 'x');
    expect(answer.json()).toMatchObject({ code: 'PERMISSION_DENIED', status: 403 });
    expect(core.refusals.at(-1)).toMatchObject({ code: 'PERMISSION_DENIED', request: 'POST /v1/files/uploads' });
  });
});

describe('events', () => {
  test('come as they happen, each to who may read what it is about', async () => {
    core.permissions = ['keys:read'];
    const events = await follow(origin, 'GET', '/v1/events', AUTHORIZED);
    core.emit({ type: 'audit.changed' });
    core.emit({ type: 'keys.changed', ids: ['1'] });
    expect(await events.next('keys.changed')).toEqual({ type: 'keys.changed', ids: ['1'] });
    expect(events.seen.map(({ event }) => event)).toEqual(['keys.changed']);
    events.close();
  });

  test('end when tokens change, so that a revoked one hears no more', async () => {
    const events = await follow(origin, 'GET', '/v1/events', AUTHORIZED);
    core.emit({ type: 'access.changed' });
    expect(await events.next('access.changed')).toBeDefined();
    await events.ended;
  });

  test('end when the token expires, and not before', async () => {
    core.expiresAt = Date.now() + 300;
    const events = await follow(origin, 'GET', '/v1/events', AUTHORIZED);
    core.emit({ type: 'audit.changed' });
    expect(await events.next('audit.changed')).toBeDefined();
    await events.ended;
    expect(Date.now()).toBeGreaterThanOrEqual(core.expiresAt);
    core.expiresAt = Date.now() + 2 ** 33;
    const later = await follow(origin, 'GET', '/v1/events', AUTHORIZED);
    core.emit({ type: 'audit.changed' });
    expect(await later.next('audit.changed')).toBeDefined();
    later.close();
  });

  test('need a token', async () => {
    expect((await send(origin, 'GET', '/v1/events', { Accept: 'text/event-stream' })).status).toBe(401);
  });
});

test('a verified token is not verified again, until tokens change or the store is locked', async () => {
  for (let call = 0; call < 3; call += 1) await send(origin, 'GET', '/v1/keys', AUTHORIZED);
  expect(core.authentications).toHaveLength(1);
  core.emit({ type: 'access.changed' });
  await send(origin, 'GET', '/v1/keys', AUTHORIZED);
  expect(core.authentications).toHaveLength(2);
  // One that is under way while tokens change may tell what was true before.
  const { authenticate } = core;
  core.emit({ type: 'access.changed' });
  core.authenticate = async (...call) => {
    core.emit({ type: 'access.changed' });
    return authenticate(...call);
  };
  await send(origin, 'GET', '/v1/keys', AUTHORIZED);
  core.authenticate = authenticate;
  await send(origin, 'GET', '/v1/keys', AUTHORIZED);
  expect(core.authentications).toHaveLength(4);
  core.emit({ type: 'store.changed', state: 'locked' });
  core.locked = true;
  expect((await send(origin, 'GET', '/v1/keys', AUTHORIZED)).json()).toMatchObject({ code: 'STORE_LOCKED', status: 423 });
});

test('a verified token is verified again from the moment on at which it expires', async () => {
  core.expiresAt = Date.now() + 5000;
  vi.useFakeTimers({ toFake: ['Date'], now: core.expiresAt - 5000 });
  try {
    await send(origin, 'GET', '/v1/keys', AUTHORIZED);
    for (const [left, asked] of [[1, 1], [0, 2]] as const) {
      vi.setSystemTime(core.expiresAt - left);
      await send(origin, 'GET', '/v1/keys', AUTHORIZED);
      expect(core.authentications).toHaveLength(asked);
    }
  } finally {
    vi.useRealTimers();
  }
});

test('health is told to all, in a word', async () => {
  core.answer = () => ({ live: true, ready: false, detail: 'the store is locked' });
  expect((await send(origin, 'GET', '/healthz/live')).json()).toEqual({ live: true });
  const ready = await send(origin, 'GET', '/healthz/ready');
  expect([ready.status, ready.json()]).toEqual([503, { ready: false }]);
  core.answer = () => ({ live: true, ready: true, detail: '' });
  expect((await send(origin, 'GET', '/healthz/ready')).status).toBe(200);
});
