import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { offerDownload } from '../../keychain/files/spool.ts';
import { startAgent, type Agent } from '../index.ts';
import { fakeCore, TOKEN, type FakeCore } from '../testing/fake-core.ts';
import { follow, send, type Answer } from '../testing/http.ts';

const OURS = { 'X-Keywright': '1' };
let folder: string;
let core: FakeCore;
let agent: Agent;
let origin: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-window-'));
  mkdirSync(join(folder, 'renderer', 'assets'), { recursive: true });
  for (const [name, text] of Object.entries({ 'index.html': '<!doctype html><title>window</title>', 'prompt.html': '<!doctype html><title>prompt</title>', 'assets/index-1a2b3c4d.js': 'export {};', 'assets/index-1a2b3c4d.css': 'a{}', 'notes.md': 'no' })) {
    writeFileSync(join(folder, 'renderer', name), text);
  }
  writeFileSync(join(folder, 'secret.json'), '"secret"');
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  core = fakeCore();
  agent = await startAgent(core, { listen: '127.0.0.1:0', ui: { folder: join(folder, 'renderer') } });
  origin = agent.addresses[0] as string;
});
afterEach(() => agent.close());

const codeOf = (url: string): string => url.slice(new URL(url).origin.length);
const cookieOf = (answer: Answer): string => answer.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';

async function signIn(): Promise<Record<string, string>> {
  return { ...OURS, Cookie: cookieOf(await send(origin, 'GET', codeOf(agent.loginUrl?.() ?? ''))) };
}

async function openPromptPage(session: Record<string, string>): Promise<{ promptOrigin: string; promptSession: Record<string, string>; answer: Answer }> {
  const { url } = (await send(origin, 'GET', '/ipc/prompt-window', session)).json() as { url: string };
  const promptOrigin = new URL(url).origin;
  const answer = await send(promptOrigin, 'GET', codeOf(url));
  return { promptOrigin, promptSession: { ...OURS, Cookie: cookieOf(answer) }, answer };
}

describe('the login', () => {
  test('is by a code that becomes a cookie which scripts and other sites do not get', async () => {
    const answer = await send(origin, 'GET', codeOf(agent.loginUrl?.() ?? ''));
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe('/');
    expect(answer.headers['set-cookie']).toEqual([expect.stringMatching(/^keywright-window=[\w-]{43}; Path=\/ipc; HttpOnly; SameSite=Strict$/)]);
    expect((await send(origin, 'POST', '/ipc/store.status', { ...OURS, Cookie: cookieOf(answer), 'Content-Type': 'application/json' }, '{}')).status).toBe(200);
  });

  test('works once: the second use is refused in plain words, and audited', async () => {
    const path = codeOf(agent.loginUrl?.() ?? '');
    await send(origin, 'GET', path);
    const again = await send(origin, 'GET', path, { 'Accept-Language': 'de-DE' });
    expect(again.status).toBe(403);
    expect(again.text).toContain('Dieser Link wurde schon benutzt');
    expect(again.headers['set-cookie']).toBeUndefined();
    expect(core.refusals).toEqual([{ face: 'ipc', code: 'UNAUTHENTICATED', request: 'GET /login', reason: expect.any(String) }]);
    expect(JSON.stringify(core.refusals)).not.toContain(path.slice(-43));
  });

  test.each(['/login', '/login?code=', '/login?code=a&code=b', `/login?code=${'a'.repeat(43)}`, '/login?code[]=x'])('needs a code that was made here: %s', async (path) => {
    expect((await send(origin, 'GET', path)).status).toBe(403);
  });

  test('cannot be guessed for long', async () => {
    let last: Answer | undefined;
    for (let guess = 0; guess < 25; guess += 1) last = await send(origin, 'GET', `/login?code=${guess}`);
    expect(last?.status).toBe(429);
  });

  test('has no address without the window', async () => {
    const bare = await startAgent(core, { listen: '127.0.0.1:0' });
    expect(bare.loginUrl).toBeUndefined();
    expect((await send(bare.addresses[0] as string, 'GET', '/login?code=x')).status).toBe(404);
    expect((await send(bare.addresses[0] as string, 'POST', '/ipc/store.status', OURS)).status).toBe(404);
    await bare.close();
  });
});

describe('the bridge', () => {
  test('calls as the browser’s window, without prompts:admin, also what REST does not have', async () => {
    const session = await signIn();
    core.answer = (operation) => ({ operation });
    const answer = await send(origin, 'POST', '/ipc/store.open', { ...session, 'Content-Type': 'application/json', Origin: origin }, '{"folder":"/tmp"}');
    expect(answer.json()).toEqual({ operation: 'store.open' });
    const { principal } = core.calls[0]?.options ?? {};
    expect(principal).toMatchObject({ id: 'browser', face: 'ipc', name: 'the browser window' });
    expect(principal?.permissions.has('keys:admin')).toBe(true);
    expect(principal?.permissions.has('prompts:admin')).toBe(false);
  });

  test('does not let the window at prompts, or at what does not exist', async () => {
    const session = { ...(await signIn()), 'Content-Type': 'application/json' };
    for (const id of ['prompts.pending', 'prompts.answer', 'files.upload', 'nothing', '__proto__', '']) {
      expect((await send(origin, 'POST', `/ipc/${id}`, session, '{}')).json()).toMatchObject({ code: 'NOT_FOUND', status: 404 });
    }
    expect(core.calls).toEqual([]);
  });

  test.each([
    ['no session', { ...OURS }, 401], ['a session of nobody', { ...OURS, Cookie: `keywright-window=${'a'.repeat(43)}` }, 401], ['a token', { ...OURS, Authorization: `Bearer ${TOKEN}` }, 401],
  ])('is closed to who has %s', async (_what, headers, status) => {
    expect((await send(origin, 'POST', '/ipc/store.status', { ...headers, 'Content-Type': 'application/json' } as Record<string, string>, '{}')).status).toBe(status);
    expect(core.refusals).toHaveLength(1);
  });

  test('is closed however its path is spelt, and so is the prompt page', async () => {
    const { promptOrigin } = await openPromptPage(await signIn());
    const spellings = (path: string, at: string): string[] => [path.replace('/ipc', '/%69pc'), path.replace('/ipc', '/ip%63'), `${at}${path}`, `HTTP://localhost:${new URL(at).port}${path}`];
    const calls = [['POST', '/ipc/store.status', origin], ['POST', '/ipc/uploads?name=x', origin], ['GET', '/ipc/prompt-window', origin], ['GET', '/ipc/events', origin], ['GET', '/ipc/downloads/x', origin],
      ['POST', '/ipc/prompts.pending', promptOrigin], ['GET', '/ipc/events', promptOrigin]] as const;
    for (const [method, path, at] of calls) {
      for (const spelt of spellings(path, at)) {
        const type = path.includes('uploads') ? 'application/octet-stream' : 'application/json';
        const answer = method === 'POST' ? await send(at, method, spelt, { ...OURS, 'Content-Type': type }, '{}') : await send(at, method, spelt, OURS);
        expect([spelt, answer.status]).toEqual([spelt, expect.toBeOneOf([401, 429])]);
      }
    }
    expect(core.calls).toEqual([]);
    expect(core.surfaces).toBe(0);
    expect(core.refusals.length).toBeGreaterThan(0);
  });

  test('is closed to pages of other ports and sites, though the browser sends them our cookie', async () => {
    const { Cookie = '' } = await signIn();
    const json = { Cookie, 'Content-Type': 'application/json' };
    expect((await send(origin, 'POST', '/ipc/store.status', { ...json, ...OURS, Origin: 'http://127.0.0.1:9999' }, '{}')).status).toBe(403);
    expect((await send(origin, 'POST', '/ipc/store.status', json, '{}')).status).toBe(403);
    expect((await send(origin, 'POST', '/ipc/store.lock', { Cookie, 'Content-Type': 'text/plain', ...OURS }, '{}')).status).toBe(415);
    expect((await send(origin, 'GET', '/ipc/events', { Cookie })).status).toBe(403);
    expect((await send(origin, 'GET', '/ipc/downloads/x', { Cookie, 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors' })).status).toBe(403);
    expect(core.calls).toEqual([]);
  });

  test('a session opens nothing of REST', async () => {
    expect((await send(origin, 'GET', '/v1/keys', await signIn())).status).toBe(401);
  });

  test('streams progress, and events of every kind', async () => {
    const session = await signIn();
    core.answer = (_operation, _input, { progress }) => {
      progress?.({ done: 1, total: 1 });
      return { ok: true };
    };
    const call = await follow(origin, 'POST', '/ipc/store.verify', { ...session, 'Content-Type': 'application/json' }, '{}');
    await call.ended;
    expect(call.seen.map(({ event }) => event)).toEqual(['progress', 'result']);
    const events = await follow(origin, 'GET', '/ipc/events', session);
    core.emit({ type: 'prompts.changed', pending: 1 });
    expect(await events.next('prompts.changed')).toEqual({ type: 'prompts.changed', pending: 1 });
    events.close();
  });

  test('takes files in, and hands them out by a link of our own page alone', async () => {
    const session = await signIn();
    const up = await send(origin, 'POST', '/ipc/uploads?name=a%20b.txt', { ...session, 'Content-Type': 'application/octet-stream', Origin: origin }, 'content');
    expect(up.status).toBe(201);
    expect(up.json()).toMatchObject({ bytes: 7 });
    const offer = await offerDownload(core.spoolFolder, 'browser', 'a.sig');
    writeFileSync(offer.path, 'signature');
    const link = { Cookie: session['Cookie'] ?? '', 'Sec-Fetch-Mode': 'navigate' };
    expect((await send(origin, 'GET', `/ipc/downloads/${offer.id}`, { ...link, 'Sec-Fetch-Site': 'same-origin' })).text).toBe('signature');
    expect((await send(origin, 'GET', `/ipc/downloads/${offer.id}`, { ...link, 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
    expect((await send(origin, 'GET', `/ipc/downloads/${offer.id}`, { 'Sec-Fetch-Site': 'same-origin' })).status).toBe(401);
    expect((await send(origin, 'GET', '/ipc/downloads/none', session)).json()).toMatchObject({ code: 'NOT_FOUND' });
    const other = await offerDownload(core.spoolFolder, 'token:abcdefgh', 'theirs');
    expect((await send(origin, 'GET', `/ipc/downloads/${other.id}`, session)).status).toBe(404);
  });
});

describe('the prompt page', () => {
  test('lives on an origin of its own, which a code of the window opens once', async () => {
    const session = await signIn();
    const { promptOrigin, answer } = await openPromptPage(session);
    expect(promptOrigin).not.toBe(origin);
    expect(answer.status).toBe(303);
    expect(answer.headers['set-cookie']).toEqual([expect.stringMatching(/^keywright-prompts=[\w-]{43}; Path=\/ipc; HttpOnly; SameSite=Strict$/)]);
    expect((await send(promptOrigin, 'GET', '/')).text).toContain('<title>prompt</title>');
    const { url } = (await send(origin, 'GET', '/ipc/prompt-window', session)).json() as { url: string };
    await send(promptOrigin, 'GET', codeOf(url));
    expect((await send(promptOrigin, 'GET', codeOf(url))).status).toBe(403);
    expect(core.refusals.at(-1)).toMatchObject({ face: 'prompt', code: 'UNAUTHENTICATED' });
  });

  test('is handed out to the window alone', async () => {
    expect((await send(origin, 'GET', '/ipc/prompt-window', OURS)).status).toBe(401);
    expect((await send(origin, 'GET', '/ipc/prompt-window', { ...OURS, Authorization: `Bearer ${TOKEN}` })).status).toBe(401);
  });

  test('has prompts and nothing else', async () => {
    const { promptOrigin, promptSession } = await openPromptPage(await signIn());
    core.answer = () => ({ prompts: [] });
    const json = { ...promptSession, 'Content-Type': 'application/json' };
    expect((await send(promptOrigin, 'POST', '/ipc/prompts.pending', json, '{}')).json()).toEqual({ prompts: [] });
    expect(core.calls[0]?.options.principal).toMatchObject({ id: 'prompt-surface', face: 'prompt', permissions: new Set(['prompts:admin']) });
    for (const path of ['/ipc/keys.list', '/ipc/store.status', '/ipc/uploads', '/v1/keys', '/ipc/prompt-window']) {
      expect((await send(promptOrigin, 'POST', path, json, '{}')).status).toBe(404);
    }
    expect((await send(promptOrigin, 'GET', '/v1/keys', { Authorization: `Bearer ${TOKEN}` })).status).toBe(404);
    expect((await send(promptOrigin, 'GET', '/index.html')).status).toBe(404);
    const events = await follow(promptOrigin, 'GET', '/ipc/events', promptSession);
    core.emit({ type: 'keys.changed' });
    core.emit({ type: 'prompts.changed', pending: 0 });
    await events.next('prompts.changed');
    expect(events.seen).toHaveLength(1);
    events.close();
  });

  test('a session of one origin is none on the other', async () => {
    const session = await signIn();
    const { promptOrigin, promptSession } = await openPromptPage(session);
    const id = (from: Record<string, string>): string => from['Cookie']?.split('=')[1] ?? '';
    const json = { ...OURS, 'Content-Type': 'application/json' };
    for (const cookie of [session['Cookie'] ?? '', `keywright-prompts=${id(session)}`]) {
      expect((await send(promptOrigin, 'POST', '/ipc/prompts.pending', { ...json, Cookie: cookie }, '{}')).status).toBe(401);
    }
    for (const cookie of [promptSession['Cookie'] ?? '', `keywright-window=${id(promptSession)}`]) {
      expect((await send(origin, 'POST', '/ipc/store.status', { ...json, Cookie: cookie }, '{}')).status).toBe(401);
    }
    expect((await send(promptOrigin, 'POST', '/ipc/prompts.pending', { ...json, Cookie: promptSession['Cookie'] ?? '', Origin: origin }, '{}')).status).toBe(403);
    expect(core.calls).toEqual([]);
  });

  test('prompts can be shown while the window or the page is connected, and no longer', async () => {
    const session = await signIn();
    const { promptOrigin, promptSession } = await openPromptPage(session);
    expect(core.surfaces).toBe(0);
    const window = await follow(origin, 'GET', '/ipc/events', session);
    const page = await follow(promptOrigin, 'GET', '/ipc/events', promptSession);
    expect(core.surfaces).toBe(2);
    page.close();
    window.close();
    await expect.poll(() => core.surfaces).toBe(0);
  });
});

describe('static files', () => {
  test('are the built window’s, under a policy that lets nothing in from elsewhere and nothing inline', async () => {
    const page = await send(origin, 'GET', '/');
    expect(page.text).toContain('<title>window</title>');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|data:|\*|http/);
    expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cross-origin-opener-policy': 'same-origin', 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY', 'cache-control': 'no-cache' });
    const script = await send(origin, 'GET', '/assets/index-1a2b3c4d.js');
    expect(script.headers).toMatchObject({ 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'public, max-age=31536000, immutable' });
    expect((await send(origin, 'GET', '/prompt.html')).status).toBe(404);
    expect((await send(origin, 'GET', '/notes.md')).status).toBe(404);
  });

  test.each(['/../secret.json', '/%2e%2e/secret.json', '/assets/../../secret.json', '/assets/%2e%2e%2f%2e%2e%2fsecret.json', '/..%5csecret.json', '//secret.json', '/assets/', '/assets', '/%00', '/assets/index-1a2b3c4d.js/../../../secret.json', '/.', '/etc/passwd'])('lead no path out of their folder: %s', async (path) => {
    const answer = await send(origin, 'GET', path);
    expect(answer.text).not.toContain('secret"');
    expect([400, 404]).toContain(answer.status);
  });

  test('a window that was not built is said so', async () => {
    await expect(startAgent(core, { listen: '127.0.0.1:0', ui: { folder: join(folder, 'absent') } })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { remedy: expect.stringContaining('npm run build') } });
  });
});
