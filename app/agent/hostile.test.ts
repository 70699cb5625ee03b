import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as secureRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HAS_OPENSSL } from '../formats/testing/keys.ts';
import { startAgent, type Agent } from './index.ts';
import { fakeCore, TOKEN, type FakeCore } from './testing/fake-core.ts';
import { send, sendRaw, type Answer } from './testing/http.ts';

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

/** Refused: a problem record, no call, no stack trace, no 500. */
function expectRefused(answer: Answer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.json()).toMatchObject({ status, code, detail: expect.any(String) });
  expect(answer.text).not.toMatch(/node_modules|\.ts:|at [A-Z]\w+\.|Error:/);
  expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  expect(core.calls).toEqual([]);
}

describe('without a valid token', () => {
  test.each([
    ['none', {}], ['an empty one', { Authorization: 'Bearer ' }], ['another scheme', { Authorization: `Basic ${TOKEN}` }], ['a bare one', { Authorization: TOKEN }],
    ['a wrong one', { Authorization: `Bearer ${TOKEN}x` }], ['two', { Authorization: `Bearer ${TOKEN}, Bearer ${TOKEN}` }], ['a cookie', { Cookie: `keywright-window=${TOKEN}` }],
  ])('a call is refused and audited: %s', async (_what, headers) => {
    const answer = await send(origin, 'GET', '/v1/keys?search=canary', headers as Record<string, string>);
    expectRefused(answer, 401, 'UNAUTHENTICATED');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(core.refusals).toEqual([{ face: 'rest', code: 'UNAUTHENTICATED', request: 'GET /v1/keys', reason: expect.any(String) }]);
    expect(JSON.stringify(core.refusals) + answer.text).not.toMatch(/canary|aaaaaaaa/);
  });

  test('a token in the query or the body is no token', async () => {
    expectRefused(await send(origin, 'GET', `/v1/keys?access_token=${TOKEN}`), 401, 'UNAUTHENTICATED');
    expectRefused(await send(origin, 'POST', '/v1/keys', { 'Content-Type': 'application/x-www-form-urlencoded' }, `access_token=${TOKEN}`), 401, 'UNAUTHENTICATED');
  });

  test('a path is the same however it is spelt', async () => {
    for (const path of ['/%761/keys', '/v%31/keys', `${origin}/v1/keys`]) expectRefused(await send(origin, 'GET', path), 401, 'UNAUTHENTICATED');
    expect(core.refusals).toHaveLength(3);
  });

  test('what there is and what there is not look the same', async () => {
    const [there, absent] = [await send(origin, 'GET', '/v1/keys'), await send(origin, 'GET', '/v1/nothing')];
    expectRefused(absent, 401, 'UNAUTHENTICATED');
    expect(absent.text).toBe(there.text);
  });

  test('the body is not even read', async () => {
    expectRefused(await send(origin, 'POST', '/v1/keys', { 'Content-Type': 'application/json' }, '{'), 401, 'UNAUTHENTICATED');
  });

  test('a peer that is refused too often is slowed down, its refusals no longer fill the audit trail, and who has a token goes on', async () => {
    const answers: Answer[] = [];
    for (let guess = 0; guess < 40; guess += 1) answers.push(await send(origin, 'GET', '/v1/keys', { Authorization: `Bearer kw_guess_${guess}` }));
    expect(answers.slice(0, 20).every(({ status }) => status === 401)).toBe(true);
    expect(answers.slice(20).every(({ status }) => status === 429)).toBe(true);
    expect(Number(answers.at(-1)?.headers['retry-after'])).toBeGreaterThan(0);
    expect(core.refusals).toHaveLength(21);
    expect(core.refusals.at(-1)?.code).toBe('RATE_LIMITED');
    expect((await send(origin, 'GET', '/v1/keys', AUTHORIZED)).status).toBe(200);
  });
});

describe('a page from elsewhere', () => {
  test.each(['evil.example', 'evil.example:8420', '127.0.0.1', '127.0.0.1:1', 'localhost.evil.example:80', '127.0.0.1.evil.example', '[::2]:1', 'user@127.0.0.1:1', ' ', '0.0.0.0:80'])('that was bound to our address sends its own Host and is refused: %s', async (host) => {
    const answer = await send(origin, 'GET', '/v1/keys', { ...AUTHORIZED, Host: host });
    expectRefused(answer, 403, 'PERMISSION_DENIED');
    expect(core.refusals).toEqual([{ face: 'rest', code: 'PERMISSION_DENIED', request: 'GET /v1/keys', reason: expect.stringContaining('Host') }]);
    expect((await send(origin, 'GET', '/healthz/live', { Host: host })).status).toBe(403);
  });

  test('our own names are taken, whatever their case', async () => {
    const { port } = new URL(origin);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
      expect((await send(origin, 'GET', '/v1/keys', { ...AUTHORIZED, Host: host })).status).toBe(200);
    }
  });

  test.each(['https://evil.example', 'null', 'http://127.0.0.1', 'http://localhost:1', 'file://', 'chrome-extension://abc'])('with another Origin is refused, even with a token: %s', async (from) => {
    expectRefused(await send(origin, 'POST', '/v1/keys', { ...JSON_BODY, Origin: from }, '{}'), 403, 'PERMISSION_DENIED');
    expect(core.refusals).toHaveLength(1);
  });

  test('gets no leave by a preflight', async () => {
    const answer = await send(origin, 'OPTIONS', '/v1/keys', { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization' });
    expectRefused(answer, 403, 'PERMISSION_DENIED');
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('that asks without an Origin is told by what the browser says of it', async () => {
    expectRefused(await send(origin, 'GET', '/v1/keys', { ...AUTHORIZED, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }), 403, 'PERMISSION_DENIED');
  });

  test.each(['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain', 'text/json', 'application/xml', 'application/octet-stream', 'nonsense'])('a form is refused and audited: %s', async (type) => {
    expectRefused(await send(origin, 'POST', '/v1/keys', { ...AUTHORIZED, 'Content-Type': type }, '{"label":"x"}'), 415, 'INVALID_INPUT');
    expect(core.refusals).toEqual([{ face: 'rest', code: 'INVALID_INPUT', request: 'POST /v1/keys', reason: expect.any(String) }]);
  });

  test('a body without a content type is refused', async () => {
    expectRefused(await send(origin, 'POST', '/v1/keys', AUTHORIZED, '{"label":"x"}'), 415, 'INVALID_INPUT');
  });
});

describe('a body', () => {
  test('that is too large is refused and audited before it is read', async () => {
    expectRefused(await send(origin, 'POST', '/v1/keys', { ...JSON_BODY, 'Content-Length': String(200 * 1024 * 1024) }, ''), 413, 'INVALID_INPUT');
    expect(core.refusals).toMatchObject([{ code: 'INVALID_INPUT', request: 'POST /v1/keys' }]);
  });

  test('that turns out to be too large is refused in bounded memory', async () => {
    const { port, hostname } = new URL(origin);
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000, 0x20), Buffer.from('\r\n')]);
      const socket = connect(Number(port), hostname, () => {
        socket.write(`POST /v1/keys HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`);
        const pump = (): void => {
          while (!socket.destroyed && socket.write(chunk));
        };
        socket.on('drain', pump);
        pump();
      });
      socket.on('data', (data) => (text += data.toString('latin1')));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"code":"INVALID_INPUT"');
    expect(core.calls).toEqual([]);
  });

  test('of the largest message is taken', async () => {
    const message = Buffer.alloc(16 * 1024 * 1024, 1).toString('base64url');
    expect((await send(origin, 'POST', '/v1/keys/a/sign', JSON_BODY, JSON.stringify({ content: { message } }))).status).toBe(200);
  });

  test.each([
    ['[', 5_000_000], ['{"a":', 2_000_000], ['{"a":[', 40],
  ])('nested deep is refused with the place: %s × %d', async (opening, times) => {
    const answer = await send(origin, 'POST', '/v1/keys', JSON_BODY, opening.repeat(times));
    expectRefused(answer, 400, 'INVALID_INPUT');
    expect(answer.json()).toMatchObject({ where: expect.stringMatching(/^offset \d+$/), detail: expect.stringContaining('deeper than 32') });
  });

  test.each(['{"label":"a","label":"b"}', '{"label":"a","l\\u0061bel":"b"}', '{"a":[{"b":{"c":1,"d":2,"c":3}}]}', '{"__proto__":1,"__proto__":2}'])('that names a field twice is refused: %s', async (body) => {
    const answer = await send(origin, 'POST', '/v1/keys', JSON_BODY, body);
    expectRefused(answer, 400, 'INVALID_INPUT');
    expect(answer.json().detail).toContain('twice');
  });

  test('that names a field once in each of its objects is taken, whatever stands in its texts', async () => {
    const body = { 'a:b': [{ a: 1 }, { a: ':{"a":1' }, [], [[{ a: null }]]], '': { '': '' }, '"': '\\":' };
    expect((await send(origin, 'POST', '/v1/keys', JSON_BODY, JSON.stringify(body))).status).toBe(201);
    expect(core.calls[0]?.input).toEqual(body);
  });

  test.each([[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80]])('that is not UTF-8 is refused, and not read as something else: %j', async (...bytes) => {
    expectRefused(await send(origin, 'POST', '/v1/keys', JSON_BODY, Buffer.concat([Buffer.from('{"label":"'), Buffer.from(bytes), Buffer.from('"}')])), 400, 'INVALID_INPUT');
  });

  test('with brackets in its strings is not deep', async () => {
    expect((await send(origin, 'POST', '/v1/keys', JSON_BODY, JSON.stringify({ label: `${'['.repeat(100)}\\"${'{'.repeat(100)}\\` }))).status).toBe(201);
  });

  test.each(['{', '{"label":"canary"', '{"label":canary}', 'canary', '{}{}', '{"a":1,}', '\u0000', '﻿{'])('that is not JSON is refused without a word of it: %j', async (body) => {
    const answer = await send(origin, 'POST', '/v1/keys', JSON_BODY, body);
    expectRefused(answer, 400, 'INVALID_INPUT');
    expect(answer.text).not.toContain('canary');
  });

  test('that tries to reach prototypes stays a field of its own', async () => {
    await send(origin, 'POST', '/v1/keys', JSON_BODY, '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}');
    expect(Object.keys(core.calls[0]?.input as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('a request', () => {
  test.each(['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method'])('is what its method says, whatever %s says', async (header) => {
    await send(origin, 'GET', '/v1/keys/a', { ...AUTHORIZED, [header]: 'DELETE' });
    await send(origin, 'GET', '/v1/keys/b?_method=DELETE', AUTHORIZED);
    expect(core.calls.map(({ operation }) => operation)).toEqual(['keys.show', 'keys.show']);
  });

  test.each(['PUT', 'HEAD', 'TRACE', 'PROPFIND', 'MKCOL'])('with a method that the path does not have finds nothing: %s', async (method) => {
    const answer = await send(origin, method, '/v1/keys/a', AUTHORIZED);
    expect(answer.status).toBe(404);
    expect(core.calls).toEqual([]);
  });

  test.each(['/v1/keys/%', '/v1/keys/%ff', '/v1/keys/%c0%ae', '/v1/keys/a%00b/../..', '//v1/keys', '/v1//keys', '/v1/keys/', '/V1/keys', `/v1/keys/${'a'.repeat(14_000)}`])('with an odd path is never a fault of ours: %.30s', async (path) => {
    const answer = await send(origin, 'GET', path, AUTHORIZED);
    expect([200, 400, 401, 404]).toContain(answer.status);
    expect(answer.text).not.toMatch(/node_modules|Error:/);
  });

  test('with huge headers is refused', async () => {
    const answer = await sendRaw(origin, `GET /v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ${'a'.repeat(40_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('application/problem+json');
  });

  test.each([
    ['nothing of HTTP', 'hello\r\n\r\n'],
    ['two lengths', 'POST /v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a length and chunks', 'POST /v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['no Host', 'GET /v1/keys HTTP/1.1\r\n\r\n'],
    ['a header folded', 'GET /v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\n X: y\r\nContent-Length : 4\r\n\r\n'],
  ])('that is malformed is refused: %s', async (_what, bytes) => {
    expect(await sendRaw(origin, bytes)).toMatch(/^HTTP\/1\.1 400 /);
    expect(core.calls).toEqual([]);
  });

  test('whose headers come in drops is cut off', async () => {
    const patient = await startAgent(core, { listen: '127.0.0.1:0', headersDeadline: { within: 200, checkEvery: 50 } });
    const { host, hostname, port } = new URL(patient.addresses[0] as string);
    const socket = connect(Number(port), hostname, () => socket.write(`GET /v1/keys HTTP/1.1\r\nHost: ${host}\r\n`));
    let drops = 0;
    const dripping = setInterval(() => socket.write(`X-Drop-${(drops += 1)}: a\r\n`), 20);
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    await once(socket, 'close');
    clearInterval(dripping);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(core.calls).toEqual([]);
    await patient.close();
  });

  test('is answered while more others than there is room for keep their connections waiting', { timeout: 60_000 }, async () => {
    const { hostname, port } = new URL(origin);
    const slow = Array.from({ length: 1100 }, () => connect(Number(port), hostname, function (this: Socket) { this.write('GET /v1/keys HTTP/1.1\r\nHost'); }).on('error', () => undefined));
    try {
      await Promise.all(slow.slice(0, 1000).map((socket) => (socket.connecting ? once(socket, 'connect') : undefined)));
      expect((await send(origin, 'GET', '/v1/keys', AUTHORIZED)).status).toBe(200);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });

  test('to another server by name is refused, and to two at once', async () => {
    expect(await sendRaw(origin, 'GET http://evil.example/v1/keys HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await sendRaw(origin, `GET http://evil.example/v1/keys HTTP/1.1\r\nHost: ${new URL(origin).host}\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(core.calls).toEqual([]);
    expect(await sendRaw(origin, `GET /v1/keys HTTP/1.1\r\nHost: ${new URL(origin).host}\r\nhost: evil.example\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await sendRaw(origin, 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n')).toBe('');
  });
});

describe('an address', () => {
  test.each(['0.0.0.0:0', '192.168.1.1:8420', '[::]:0', 'example.org:80', '10.0.0.1:1'])('that others can reach is refused without TLS: %s', async (listen) => {
    await expect(startAgent(core, { listen })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { remedy: expect.stringContaining('--tls-cert') } });
  });

  test.each(['', 'localhost', '127.0.0.1:99999', '127.0.0.1:-1', '[127.0.0.1]:80', '::1:80', 'http://127.0.0.1:80', 'a b:1'])('that is none is refused: %s', async (listen) => {
    await expect(startAgent(core, { listen })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('that is taken is a conflict', async () => {
    await expect(startAgent(core, { listen: new URL(origin).host })).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test.skipIf(!HAS_OPENSSL)('with TLS serves the names of its certificate and no others (skipped without openssl)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keywright-tls-'));
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile, '-out', certFile, '-subj', '/CN=keys.example', '-addext', 'subjectAltName=DNS:keys.example', '-days', '1'], { stdio: 'ignore' });
    const secure = await startAgent(core, { listen: '0.0.0.0:0', tls: { certFile, keyFile } });
    const { port, protocol } = new URL(secure.addresses[0] as string);
    expect(protocol).toBe('https:');
    const statusFor = (host: string): Promise<number | undefined> => new Promise((resolve, reject) => {
      secureRequest({ host: '127.0.0.1', port, path: '/healthz/live', headers: { Host: host }, rejectUnauthorized: false, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).on('error', reject).end();
    });
    expect(await statusFor(`keys.example:${port}`)).toBe(200);
    expect(await statusFor(`localhost:${port}`)).toBe(200);
    expect(await statusFor(`evil.example:${port}`)).toBe(403);
    await secure.close();
    rmSync(folder, { recursive: true });
    await expect(startAgent(core, { listen: '127.0.0.1:0', tls: { certFile, keyFile } })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test.skipIf(!HAS_OPENSSL)('with a TLS key that is encrypted, of another certificate, or none, is told which file is wrong (skipped without openssl)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keywright-tls-'));
    const at = (name: string): string => join(folder, name);
    const openssl = (...argv: string[]) => execFileSync('openssl', argv, { cwd: folder, stdio: 'ignore' });
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key', '-out', 'cert', '-subj', '/CN=localhost', '-days', '1');
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'other');
    openssl('pkey', '-in', 'key', '-aes256', '-passout', 'pass:secret', '-out', 'encrypted');
    openssl('req', '-x509', '-newkey', 'rsa:512', '-nodes', '-keyout', 'weak-key', '-out', 'weak', '-subj', '/CN=localhost', '-days', '1');
    for (const [certFile, keyFile, said] of [['cert', 'other', 'is not the one'], ['cert', 'encrypted', 'is encrypted'], ['cert', 'cert', 'no private key'], ['key', 'key', 'no certificate'], ['cert', 'missing', 'ENOENT'], ['weak', 'weak-key', 'OpenSSL does not take']] as const) {
      await expect(startAgent(core, { listen: '127.0.0.1:0', tls: { certFile: at(certFile), keyFile: at(keyFile) } }), said).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { detail: expect.stringContaining(said) } });
    }
    rmSync(folder, { recursive: true });
  });
});
