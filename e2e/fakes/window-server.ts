/**
 * A stand-in for the agent, to look at the window with many keys or in states that are hard to reach: serves
 * `dist/renderer` and answers the operations that views read with. It holds no keys and does nothing real.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS, LATER } from './parts.ts';
import type { AuditEntry, BackendInstance, CoreEvent, KeyRecord, PendingPrompt, StoreStatus } from '../../app/contract/index.ts';

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const DAY = 86_400_000;
const at = (days: number): string => new Date(Date.now() + days * DAY).toISOString();

export interface FakeWindow {
  readonly origin: string;
  readonly promptOrigin: string;
  state: StoreStatus['state'];
  ask(request: PendingPrompt['request']): Promise<unknown>;
  emit(event: CoreEvent): void;
  close(): void;
}

const NAMES = ['Release signing', 'Backup archive', 'api-signer', 'Firmware update', 'Customer export', 'Timestamping', 'Build cache', 'Mail gateway', 'Payroll', 'Staging TLS'];

function makeKeys(count: number): KeyRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const algorithm = KEY_ALGORITHM_NAMES[(index * 7) % KEY_ALGORITHM_NAMES.length] ?? 'ec-p256';
    const { kind, usages } = KEY_ALGORITHMS[algorithm];
    const id = `k${String(index).padStart(6, '0')}`;
    return {
      uri: `pkcs8:${id}`, id, label: index < NAMES.length ? (NAMES[index] ?? '') : `${NAMES[index % NAMES.length]} ${index}`, backend: index % 9 === 4 ? 'archive' : 'software', algorithm,
      usages: [...usages], state: index % 23 === 5 ? 'suspended' : 'active', createdAt: at(-index % 900), notBefore: null, notAfter: index % 5 === 1 ? at(9 + index) : null,
      extractable: index % 3 !== 0, protection: index % 11 === 3 ? 'store+passphrase' : 'store', version: 1 + (index % 3), versions: 1 + (index % 3),
      fingerprint: kind === 'pair' ? `SHA256:${'9f3a57c1'.repeat(8)}` : null, certificates: [], tags: index % 4 === 0 ? ['release', 'ci'] : [], origin: 'generated', trashedUntil: null, revision: '1',
    };
  });
}

const instance = (name: string, title: string, state: BackendInstance['state'], reason: string | null): BackendInstance => ({
  name, title, types: ['pkcs8', 'aes'], builtIn: name === 'software', state, reason, remedy: reason === null ? null : 'Switch it on to use its keys.', settings: {},
  algorithms: ['rsa-2048', 'rsa-4096', 'ec-p256', 'ec-p384', 'ed25519', 'aes-256'], capabilities: ['sign', 'verify', 'encrypt', 'decrypt', 'generate', 'import', 'export', 'rotate', 'copy', 'random'],
});

const entry = (number: number): AuditEntry => ({
  number, at: at(-number / 50), request: randomUUID(), principal: 'desktop', principalName: number % 4 === 0 ? 'ci-runner' : 'this window', face: number % 4 === 0 ? 'rest' : 'ipc',
  operation: ['keys.sign', 'keys.generate', 'files.sign', 'store.unlock'][number % 4] ?? 'keys.sign', effect: number % 4 === 1 ? 'write' : 'use', outcome: number % 13 === 0 ? 'PERMISSION_DENIED' : 'ok',
  subjects: [`pkcs8:k${number}`], detail: null,
});

/** @returns a running stand-in, on two ports of its own. */
export async function fakeWindow({ keys: count = 100_000, state = 'unlocked' as StoreStatus['state'], folder = 'dist/renderer' } = {}): Promise<FakeWindow> {
  const keys = makeKeys(count);
  const streams = new Set<ServerResponse>();
  const waiting = new Map<string, { prompt: PendingPrompt; settle: (answer: unknown) => void }>();
  const emit = (event: CoreEvent): void => streams.forEach((stream) => stream.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`));
  const ask = (request: PendingPrompt['request']): Promise<unknown> => new Promise((resolve) => {
    const id = randomUUID();
    waiting.set(id, {
      prompt: { id, request, askedBy: 'the browser window', askedAt: new Date().toISOString() },
      settle: (answer) => (waiting.delete(id), emit({ type: 'prompts.changed', pending: waiting.size }), resolve(answer)),
    });
    emit({ type: 'prompts.changed', pending: waiting.size });
  });
  const fake: FakeWindow = { origin: '', promptOrigin: '', state, ask, emit, close: () => servers.forEach((server) => (server.closeAllConnections(), server.close())) };
  const status = (): StoreStatus => ({
    state: fake.state, id: 's1', name: 'Keys', folder: '/home/ada/.local/share/keywright', kind: fake.state === 'absent' ? null : 'sqlite', formatVersion: 1, createdAt: at(-90), keys: fake.state === 'unlocked' ? keys.length : null,
    records: keys.length + 12, hasRecoveryCode: true, idleLockMinutes: 15, problems: [], owner: { pid: 4711, kind: 'agent', since: at(-0.1) },
  });
  const become = (next: StoreStatus['state']): StoreStatus => {
    fake.state = next;
    emit({ type: 'store.changed', state: next });
    return status();
  };
  // Inputs are as untyped as they are on the wire.
  // oxlint-disable-next-line typescript/no-explicit-any
  type Input = Record<string, any>;
  const operations: Record<string, (input: Input) => unknown> = {
    'store.status': status,
    'store.lock': () => become('locked'),
    'store.unlock': async () => (await ask({ kind: 'secret', purpose: 'store-passphrase', title: 'Unlock “Keys”', subject: status().folder, minLength: 0 }), become('unlocked')),
    'store.create': async ({ recoveryCode }) => {
      await ask({ kind: 'new-secret', purpose: 'new-store-passphrase', title: 'Choose the passphrase of your store', subject: status().folder, minLength: 12, note: 'It protects every key in the store. Nobody can recover it for you.' });
      if (recoveryCode) await ask({ kind: 'show-secret', purpose: 'show-recovery-code', title: 'Keep this recovery code', secret: 'K7QM-2F9T-XW3C-8HJP-V5RN-0DBG-4YZS-6EA1', note: 'It unlocks the store when the passphrase is forgotten. It is shown once. Keep it on paper, away from this computer.' });
      return become('unlocked');
    },
    'store.recent': () => ({ stores: [{ name: 'Keys', folder: status().folder, openedAt: at(-1), exists: true }, { name: 'Customer projects', folder: '/home/ada/customers/keys', openedAt: at(-8), exists: true }] }),
    'store.slots.list': () => ({ slots: [{ id: '1', kind: 'passphrase', label: 'Passphrase', createdAt: at(-90) }, { id: '2', kind: 'recovery-code', label: 'Recovery code', createdAt: at(-90) }] }),
    'store.verify': () => ({ ok: true, records: keys.length + 12, problems: [] }),
    'backends.list': () => ({
      backends: [instance('software', 'This computer', 'ready', null), instance('archive', 'Archive', 'disabled', 'It was switched off.')],
      types: [{ type: 'pkcs8', title: 'Key pairs', summary: 'Key pairs in the encrypted store.', available: true, reason: null, settings: { properties: {} } }, { type: 'aes', title: 'Symmetric keys', summary: 'AES, ChaCha20 and HMAC keys in the encrypted store.', available: true, reason: null, settings: { properties: {} } },
        ...LATER],
    }),
    'backends.diagnose': () => ({ findings: [{ level: 'ok', code: 'ready', detail: 'Its keys can be read and used.', remedy: null }] }),
    'keys.list': ({ search, cursor, offset, limit = 100, sort = 'label' }) => {
      const found = keys.filter(({ label, algorithm }) => !search || `${label} ${algorithm}`.toLowerCase().includes(search.toLowerCase()));
      const field = sort.replace('-', '') as 'label';
      found.sort((a, b) => (String(a[field]) < String(b[field]) ? -1 : 1) * (sort.startsWith('-') ? -1 : 1));
      const from = Number(offset ?? cursor ?? 0);
      return {
        keys: found.slice(from, from + limit), cursor: from + limit < found.length ? String(from + limit) : null, total: found.length,
        sources: [{ backend: 'software', title: 'This computer', state: 'ready', detail: null, remedy: null, fetchedAt: at(0) }],
      };
    },
    'keys.show': ({ key }) => keys.find(({ id, uri }) => id === key || uri === key),
    'keys.versions': () => ({ versions: [{ version: 2, createdAt: at(-3), state: 'primary', fingerprint: null }, { version: 1, createdAt: at(-90), state: 'active', fingerprint: null }] }),
    'keys.capabilities': () => ({ capabilities: [{ capability: 'sign', available: true, reason: null, algorithms: ['ecdsa-sha256'] }, { capability: 'wrap', available: false, reason: 'EC keys sign and agree; they do not wrap.', algorithms: [] }] }),
    'keys.public': ({ format = 'pem' }) => ({ content: Buffer.from('-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFyhL0mKpOcRzPvQxYq0z1l8oQk3r\nHqg6cJ8m0Yp0g2m1Jrq1uQxkq7w0R6bU9G0v5l5y1b2v7Vq3yJ9z5Q==\n-----END PUBLIC KEY-----\n').toString('base64url'), format, fingerprint: 'SHA256:00' }),
    'files.formats': ({ key }) => ({ rows: [{ key: key ?? 'pkcs8:k000000', label: 'Release signing', format: 'raw', available: true, algorithms: ['ecdsa-sha256'], reason: null }] }),
    'jobs.list': () => ({ jobs: [{ id: 'j1', operation: 'store.backup', title: 'Back up', state: 'done', startedAt: at(-0.01), endedAt: at(-0.009), startedBy: 'this window', fraction: 1, detail: null }] }),
    'audit.list': ({ cursor, limit = 100 }) => {
      const from = Number(cursor ?? 5000);
      return { entries: Array.from({ length: Math.min(limit, from) }, (_, index) => entry(from - index)), cursor: from > limit ? String(from - limit) : null };
    },
    'audit.verify': () => ({ ok: true, entries: 5000, firstBroken: null, detail: 'The chain holds.' }),
    'access.list': () => ({ grants: [{ id: 'g1', name: 'ci-runner', scope: ['keys:read', 'keys:use', 'files:use'], createdAt: at(-9), expiresAt: at(80), lastUsedAt: at(-0.04) }] }),
    'access.grant': ({ name }) => ({ token: 'kwt_3vJ9sQm7Yk2bTfR8wLxN4pZcHd6uGa', grant: { id: 'g2', name, scope: ['keys:read'], createdAt: at(0), expiresAt: at(90), lastUsedAt: null } }),
    'agent.status': () => ({ version: '0.1.0', pid: 4711, node: '24.21.0', openssl: '3.5.4', startedAt: at(-0.1), kind: 'agent', listening: [fake.origin], residentBytes: 88_000_000, store: fake.state }),
    'doctor.run': () => ({ ok: true, findings: [{ level: 'ok', code: 'store', detail: 'The store can be read and written.', remedy: null }, { level: 'warning', code: 'pkcs11', detail: 'No PKCS#11 library is installed.', remedy: 'Install OpenSC to use smart cards.' }] }),
    'config.show': () => ({ entries: [] }),
    'prompts.pending': () => ({ prompts: [...waiting.values()].map(({ prompt }) => prompt) }),
    'prompts.answer': ({ id, answer }) => (waiting.get(id)?.settle(answer), {}),
  };

  async function handle(page: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    if (pathname === '/ipc/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
      streams.add(response);
      response.on('close', () => streams.delete(response));
      return;
    }
    if (pathname === '/ipc/prompt-window') return void response.end(JSON.stringify({ url: `${fake.promptOrigin}/`, open: false }));
    if (pathname.startsWith('/ipc/')) {
      let body = '';
      for await (const piece of request) body += String(piece);
      const answer = operations[pathname.slice(5)];
      if (answer === undefined) return void response.writeHead(404, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify({ code: 'NOT_FOUND', title: 'Not found', type: 'x', status: 404, detail: `The stand-in has no ${pathname}.`, remedy: 'Look at it with the agent itself.' }));
      const output = await answer(JSON.parse(body || '{}') as Input);
      if (request.headers.accept === 'text/event-stream') return void response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(`event: result\ndata: ${JSON.stringify(output)}\n\n`);
      return void response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(output));
    }
    const file = join(folder, pathname === '/' ? page : pathname);
    response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': CSP }).end(readFileSync(file));
  }
  const serve = (page: string): Promise<Server> => new Promise((resolve) => {
    const server = createServer((request, response) => void handle(page, request, response).catch(() => response.writeHead(404).end()));
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
  const servers = [await serve('index.html'), await serve('prompt.html')];
  const [origin, promptOrigin] = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return Object.assign(fake, { origin, promptOrigin });
}
