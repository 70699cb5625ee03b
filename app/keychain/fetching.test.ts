import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, isIP, type LookupFunction } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { writePkcs7 } from '../formats/index.ts';
import { fetchBytes, type FetchRules, isLocalAddress } from './fetching.ts';
import { openTestCore, type TestCore } from './testing/core.ts';
import { NameServer } from './testing/name-server.ts';

/** A name on the public network, as far as the code under test can tell, by a name server of our own. */
const PUBLIC = 'public.example';
const PUBLIC_ADDRESS = '93.184.216.34';
const names = new NameServer();
names.names.set(PUBLIC, [[PUBLIC_ADDRESS]]);
vi.mock('node:dns', async (original) => ({
  ...(await original<typeof import('node:dns')>()),
  lookup: (name: string, _options: object, done: (error: Error | null, found: { address: string; family: number }[]) => void) => {
    if (name === 'localhost') return done(null, [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]);
    return names.lookup(name, done);
  },
}));

/** What connections were made to, each in its place: those to public addresses come to the server here. */
const connectedTo: string[][] = [];
let port = 0;
vi.spyOn(Agent.prototype, 'createConnection').mockImplementation(((options: { host: string; port: number; lookup: LookupFunction }, done: () => void) => {
  const { host, lookup } = options;
  if (isIP(host.replaceAll(/[[\]]/g, '')) !== 0) {
    connectedTo.push([host]);
    return connect({ ...options, ...(host === PUBLIC_ADDRESS ? { host: '127.0.0.1', port } : {}) }, done);
  }
  const routed: LookupFunction = (name, how, answer) => lookup(name, { ...how, all: true }, (error, found) => {
    if (error !== null) return answer(error, []);
    connectedTo.push((found as { address: string }[]).map(({ address }) => address));
    return answer(null, [{ address: '127.0.0.1', family: 4 }]);
  });
  return connect({ ...options, port, lookup: routed }, done);
}) as never);

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => void response.end();
const seen: string[] = [];
beforeAll(async () => {
  await names.listen();
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  server.close();
  await names[Symbol.asyncDispose]();
});
beforeEach(() => { seen.length = connectedTo.length = names.asked.length = 0; });

const { signal } = new AbortController();
const get = (address: string, rules: FetchRules = { allowed: true, local: true }, more: { most?: number; body?: Buffer } = {}) => fetchBytes(address, rules, { most: 1000, signal, ...more });
const here = (path = '/'): string => `http://127.0.0.1:${port}${path}`;
const pointing = (to: string, status = 302) => (_request: IncomingMessage, response: ServerResponse): void => void response.writeHead(status, { Location: to }).end();

describe('addresses of this machine and of networks that are nobody else’s', () => {
  test.each([
    '127.0.0.1', '127.9.9.9', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
    '::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::127.0.0.1', 'fe80::1', 'fc00::1', 'fd12::1', 'ff02::1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001::1', '2001:0:1::', '2001:db8::1', '2001:0db8::1', '2001:20::1', '3fff::1', '192.88.99.1', 'fe80::1%eth0', '0:0:0:0:0:ffff:10.0.0.1', '4000::1', 'nonsense',
  ])('%s is one', (address) => expect(isLocalAddress(address)).toBe(true));
  test.each(['93.184.216.34', '8.8.8.8', '192.0.78.1', '198.51.101.1', '203.0.114.1', '172.32.0.1', '100.128.0.1', '2606:2800:220:1::1', '2a00::1', '2001:4860:4860::8888'])('%s is none', (address) => expect(isLocalAddress(address)).toBe(false));

  test('are not asked unless that is allowed, however they are written', async () => {
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '127.1', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '192.168.0.1', '169.254.169.254', '[fe80::1]']) {
      await expect(get(`http://${host}:${port}/`, { allowed: true, local: false }), host).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    }
    expect(seen).toEqual([]);
    answer = (_request, response) => void response.end('here');
    expect((await get(here())).toString()).toBe('here');
  });

  test('are not asked where somebody else points there', async () => {
    for (const to of [here('/secret'), `http://localhost:${port}/secret`, `http://[::ffff:127.0.0.1]:${port}/secret`, `//127.0.0.1:${port}/secret`]) {
      answer = pointing(to);
      await expect(get(`http://${PUBLIC}/list`, { allowed: true, local: false }), to).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    }
    expect(seen.filter((line) => line.includes('secret'))).toEqual([]);
    answer = (request, response) => (request.url === '/list' ? pointing('/moved')(request, response) : void response.end('moved'));
    expect((await get(`http://${PUBLIC}/list`, { allowed: true, local: false })).toString()).toBe('moved');
  });
});

describe('a name', () => {
  const strict: FetchRules = { allowed: true, local: false };
  beforeEach(() => { answer = (_request, response) => void response.end('got'); });

  test.each([
    ['this machine', ['127.0.0.1']], ['a private network', ['10.0.0.7']], ['what a cloud tells its machines', ['169.254.169.254']], ['IPv6 loopback', ['::1']], ['an IPv4 address within IPv6', ['::ffff:7f00:1']], ['a private IPv6 network', ['fd00::1']],
    ['NAT64', ['64:ff9b::a00:1']], ['6to4', ['2002:a00:1::1']], ['a public address and this machine', [PUBLIC_ADDRESS, '127.0.0.1']], ['a public address and IPv6 loopback', [PUBLIC_ADDRESS, '::1']], ['nothing but 0.0.0.0', ['0.0.0.0']],
  ])('that leads to %s is not asked', async (_what, addresses) => {
    names.names.set('evil.example', [addresses]);
    await expect(get('http://evil.example/', strict)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect([names.asked, connectedTo, seen]).toEqual([['evil.example'], [], []]);
  });

  test('that leads elsewhere a moment later is resolved once: what was judged is what is connected to', async () => {
    names.names.set('rebinding.example', [[PUBLIC_ADDRESS], ['127.0.0.1']]);
    expect((await get('http://rebinding.example/', strict)).toString()).toBe('got');
    expect([names.asked, connectedTo]).toEqual([['rebinding.example'], [[PUBLIC_ADDRESS]]]);
    await expect(get('http://rebinding.example/', strict)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(seen).toHaveLength(1);
  });

  test('that a redirect names is resolved and judged as the first one was, the same name too', async () => {
    names.names.set('inside.example', [['192.168.1.1']]);
    answer = pointing('http://inside.example/');
    await expect(get(`http://${PUBLIC}/`, strict)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    names.names.set('turning.example', [[PUBLIC_ADDRESS], ['127.0.0.1']]);
    answer = pointing('http://turning.example/again');
    await expect(get('http://turning.example/', strict)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(seen).toEqual(['GET /', 'GET /']);
    expect(connectedTo).toEqual([[PUBLIC_ADDRESS], [PUBLIC_ADDRESS]]);
  });

  test('that nobody knows is said to be unreachable, and one on the local network is asked where that is allowed', async () => {
    await expect(get('http://nobody.example/', strict)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    names.names.set('inside.example', [['127.0.0.1']]);
    expect((await get('http://inside.example/')).toString()).toBe('got');
  });
});

describe('what is got', () => {
  test('is nothing while that is off, and nothing by other schemes or with a password', async () => {
    await expect(get(here(), { allowed: false, local: true })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    for (const address of ['file:///etc/passwd', 'ftp://example.org/', 'ldap://example.org/', 'http://a:b@127.0.0.1/', 'nonsense']) await expect(get(address), address).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    answer = pointing('file:///etc/passwd');
    await expect(get(here())).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(seen).toHaveLength(1);
  });

  test('ends at its limit of bytes, of redirects, and with its call', async () => {
    answer = (_request, response) => void response.end(Buffer.alloc(1001));
    await expect(get(here())).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('more than 1000') as string });
    answer = (_request, response) => { const timer = setInterval(() => void response.write(Buffer.alloc(400)), 5); response.once('close', () => clearInterval(timer)); };
    await expect(get(here())).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    answer = pointing('/again');
    await expect(get(here())).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('more than 3 times') as string });
    expect(seen.filter((line) => line === 'GET /again')).toHaveLength(3);
    answer = () => undefined;
    const cancelled = new AbortController();
    const waiting = fetchBytes(here(), { allowed: true, local: true }, { most: 10, signal: cancelled.signal });
    cancelled.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('is posted again only where a redirect says so', async () => {
    answer = (request, response) => (request.url === '/' ? pointing('/there', 307)(request, response) : void response.end('posted'));
    expect((await get(here(), undefined, { body: Buffer.from('x') })).toString()).toBe('posted');
    expect(seen).toEqual(['POST /', 'POST /there']);
    answer = pointing('/there', 302);
    await expect(get(here(), undefined, { body: Buffer.from('x') })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringContaining('302') as string });
  });
});

describe('for a verdict', () => {
  let core: TestCore;
  interface Made { id: string; pem: string }
  interface Verdict { trusted: boolean; revocation: { state: string }; fetched: { what: string; url: string; problem: string | null }[] }
  let made: { root: Made; sub: Made; leaf: Made; bytes: Record<string, Buffer> };
  const der = (pem: string): Buffer => Buffer.from(pem.replaceAll(/-----[^-]*-----|\s/g, ''), 'base64');
  const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

  beforeAll(async () => {
    core = await openTestCore({ config: { 'certificates.fetch': true, 'certificates.fetchLocal': true } });
    for (const label of ['Root', 'Sub', 'Leaf']) await core.call('keys.generate', { algorithm: 'ec-p256', label });
    const root = await core.call<Made>('certificates.self-sign', { key: 'Root', subject: 'CN=Root', profile: 'root' });
    const sub = await core.call<Made>('certificates.issue', { key: 'Sub', issuer: root.id, subject: 'CN=Sub', profile: 'sub-ca', crlUrl: [here('/root.crl')], issuerUrl: [here('/root.cer')] });
    const leaf = await core.call<Made>('certificates.issue', { key: 'Leaf', issuer: sub.id, subject: 'CN=leaf', profile: 'tls-server', san: ['dns:leaf.example.org'], crlUrl: [here('/sub.crl')], issuerUrl: [here('/sub.cer')] });
    const lists = await Promise.all([root, sub].map(async ({ id }) => Buffer.from((await core.call<{ content: string }>('certificates.crl.create', { certificate: id, format: 'der' })).content, 'base64url')));
    made = { root, sub, leaf, bytes: { '/sub.cer': der(sub.pem), '/sub.crl': lists[1]!, '/root.crl': lists[0]! } };
  });
  beforeEach(() => {
    answer = (request, response) => { const bytes = made.bytes[request.url ?? '']; if (bytes === undefined) response.writeHead(404); response.end(bytes); };
  });
  afterEach(async () => {
    await core.call('config.set', { key: 'certificates.fetch', value: true });
    await core.call('config.set', { key: 'certificates.fetchLocal', value: true });
  });
  afterAll(() => core[Symbol.asyncDispose]());
  const verify = (more: object = {}) => core.call<Verdict>('certificates.verify', { content: base64url(made.leaf.pem), roots: [base64url(made.root.pem)], host: 'leaf.example.org', fetch: true, ...more });

  test('the missing issuer and the lists of all are got, and the path holds', async () => {
    expect(await verify({ fetch: false })).toMatchObject({ trusted: false, fetched: [] });
    expect(seen).toEqual([]);
    expect(await verify({ revocation: 'chain' })).toMatchObject({ trusted: true, revocation: { state: 'good' }, fetched: [{ what: 'issuer', problem: null }, { what: 'crl', problem: null }, { what: 'crl', problem: null }] });
    expect(seen).toEqual(['GET /sub.cer', 'GET /sub.crl', 'GET /root.crl']);
  });

  test.each(['PEM', 'PKCS#7'])('an issuer as %s will do', async (form) => {
    const own = made.bytes['/sub.cer']!;
    made.bytes['/sub.cer'] = form === 'PEM' ? Buffer.from(made.sub.pem) : writePkcs7([own]);
    expect(await verify()).toMatchObject({ trusted: true });
    made.bytes['/sub.cer'] = own;
  });

  test('what does not come is told, and leaves the revocation unknown, which is not good', async () => {
    const own = made.bytes['/sub.crl']!;
    delete made.bytes['/sub.crl'];
    const verdict = await verify();
    expect(verdict).toMatchObject({ trusted: false, revocation: { state: 'unknown' } });
    expect(verdict.fetched).toContainEqual({ what: 'crl', url: here('/sub.crl'), problem: expect.stringContaining('404') as string });
    expect(await verify({ revocation: 'off' })).toMatchObject({ trusted: true });
    made.bytes['/sub.crl'] = own;
  });

  test('nothing is asked while that is off, and nobody here unless that is allowed', async () => {
    await core.call('config.set', { key: 'certificates.fetchLocal', value: false });
    const verdict = await verify();
    expect(verdict.trusted).toBe(false);
    expect(verdict.fetched).toMatchObject([{ what: 'issuer', problem: expect.stringContaining('address of this machine') as string }]);
    await core.call('config.set', { key: 'certificates.fetch', value: false });
    await expect(verify()).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(seen).toEqual([]);
  });

  test('a list that says where its delta is has that asked too', async () => {
    const list = async (input: object): Promise<Buffer> => Buffer.from((await core.call<{ content: string }>('certificates.crl.create', { certificate: made.sub.id, format: 'der', ...input })).content, 'base64url');
    made.bytes['/sub.crl'] = await list({ deltaUrl: [here('/delta.crl')] });
    expect(await verify()).toMatchObject({ trusted: true, fetched: [{}, {}, { what: 'crl', url: here('/delta.crl'), problem: expect.stringContaining('404') as string }, {}] });
    await core.call('certificates.revoke', { certificate: made.leaf.id, reason: 'certificate-hold' });
    made.bytes['/delta.crl'] = await list({ delta: true });
    expect(await verify()).toMatchObject({ trusted: false, revocation: { state: 'revoked' } });
    expect(seen.slice(-4)).toEqual(['GET /sub.cer', 'GET /sub.crl', 'GET /delta.crl', 'GET /root.crl']);
  });
});
