import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { HAS_OPENSSL } from '../formats/testing/keys.ts';
import { openCore } from '../index.ts';
import { becomeOwner, type Owner } from '../rpc/owner.ts';
import { ran, type Ran } from './testing/around.ts';

const PASSPHRASE = 'seven quiet canaries sing 71';
let folder: string;
let dataDir: string;
const at = (name: string) => join(folder, name);
const secretFile = (name: string, text: string): string => {
  writeFileSync(at(name), text, { mode: 0o600 });
  return at(name);
};

/** A command on this test's store. */
function keywright(argv: readonly string[], given: Parameters<typeof ran>[1] = {}): Promise<Ran> {
  return ran(argv, { ...given, env: { KEYWRIGHT_DATA_DIR: dataDir, ...given.env } });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-cli-'));
  dataDir = at('data');
  secretFile('pw', PASSPHRASE);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('without an owner', () => {
  test('a command on no store says how to make one, and asks nobody for anything', async () => {
    const { code, stderr } = await keywright(['keys', 'list']);
    expect(code).toBe(4);
    expect(stderr).toContain('keywright store create');
  });

  test('options of every command may stand before its words, the program’s own too, and their values are no commands', async () => {
    for (const argv of [['--passphrase-file', at('pw'), 'version'], ['--data-dir', dataDir, '--no-color', 'help', 'keys', 'list']]) expect([argv, (await keywright(argv)).code]).toEqual([argv, 0]);
    const { stdout } = await keywright(['--data-dir', dataDir, 'serve', '--help']);
    expect(stdout.toString()).toContain('keywright serve');
    expect((await keywright(['--data-dir', dataDir, 'serv'])).stderr).toContain('There is no command “serv”');
  });

  test('a store is made, and made only once', async () => {
    const made = await keywright(['store', 'create', '--kind', 'file', '--passphrase-file', at('pw'), '--json']);
    expect(made.code).toBe(0);
    expect(made.json).toMatchObject({ state: 'unlocked', owner: { kind: 'cli' } });
    expect((await keywright(['store', 'create', '--passphrase-file', at('pw')])).code).toBe(8);
    expect((await keywright(['store', 'status', '--json'])).json).toMatchObject({ state: 'locked' });
  });

  test('a command unlocks for itself with a file, and ends', async () => {
    const { code, json } = await keywright(['keys', 'generate', '--algorithm', 'ec-p256', '--label', 'Signing', '--passphrase-file', at('pw'), '--json']);
    expect([code, json['label']]).toEqual([0, 'Signing']);
    const listed = await keywright(['keys', 'list'], { env: { KEYWRIGHT_PASSPHRASE_FILE: at('pw') } });
    expect(listed.stdout.toString()).toMatch(/label +algorithm[^]*Signing +ec-p256/);
  });

  test('without a file and without a terminal it says what is needed', async () => {
    const { code, stderr, stdout } = await keywright(['keys', 'list', '--json']);
    expect([code, stdout.length]).toEqual([6, 0]);
    const problem = JSON.parse(stderr) as Record<string, unknown>;
    expect(problem).toMatchObject({ type: 'urn:keywright:error:pin-required', status: 428, code: 'PIN_REQUIRED', remedy: expect.stringContaining('--passphrase-file') });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('with a terminal it asks there', async () => {
    const asked: string[] = [];
    const terminal = { ask: async ({ purpose }: { purpose: string }) => (asked.push(purpose), { kind: 'secret' as const, secret: PASSPHRASE }) };
    expect((await keywright(['keys', 'list'], { terminal })).code).toBe(0);
    expect(asked).toEqual(['store-passphrase']);
  });

  test('a wrong passphrase is tried once, and is nowhere in what is said', async () => {
    const wrong = secretFile('wrong', 'five loud canaries shout 17');
    const { code, stderr } = await keywright(['keys', 'list', '--passphrase-file', wrong]);
    expect(code).toBe(6);
    expect(stderr).not.toContain('canaries');
  });

  test.skipIf(process.platform === 'win32')('a passphrase may come from a pipe, which can be read once', async () => {
    const pipe = at('pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    const writer = execFile('/bin/sh', ['-c', `printf %s '${PASSPHRASE}' >${pipe}`]);
    const { code, stderr } = await keywright(['keys', 'list', '--passphrase-file', pipe]);
    writer.kill();
    expect([code, stderr]).toEqual([0, '']);
  });

  test('what need not be unlocked is not', async () => {
    for (const argv of [['store', 'status'], ['backends', 'list'], ['config', 'show'], ['doctor', 'run'], ['access', 'whoami'], ['agent', 'status']]) {
      expect((await keywright(argv)).code, argv.join(' ')).toBe(0);
    }
  });

  test('the doctor comes by its name alone, and looks into the store if a file opens it', async () => {
    const alone = await keywright(['doctor', '--json']);
    expect([alone.code, JSON.stringify(alone.json)]).toEqual([0, expect.stringContaining('store.locked')]);
    expect(JSON.stringify((await keywright(['doctor', '--json', '--passphrase-file', at('pw')])).json)).toContain('store.sound');
    expect((await keywright(['doctor', 'fun'])).code).toBe(2);
    expect((await keywright(['agent'])).code).toBe(2);
  });

  test('two commands at once take turns, or use each other', async () => {
    const commands = Array.from({ length: 4 }, (_, index) => keywright(['keys', 'generate', '--algorithm', 'ed25519', '--label', `At once ${index}`, '--passphrase-file', at('pw')]));
    expect((await Promise.all(commands)).map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    const listed = await keywright(['keys', 'list', '--search', 'At once', '--passphrase-file', at('pw'), '--json']);
    expect(listed.json['total']).toBe(4);
  });

  test('a mistyped setting stops commands, but not those about the configuration', async () => {
    writeFileSync(join(dataDir, 'config.json'), '{"trash.dais": 5}');
    const stopped = await keywright(['store', 'status']);
    expect(stopped.code).toBe(2);
    expect(stopped.stderr).toContain('Did you mean trash.days?');
    expect((await keywright(['config', 'validate', '--json'])).code).toBe(3);
    writeFileSync(join(dataDir, 'config.json'), '{"trash.days": 5}');
    const explained = await keywright(['config', 'explain', 'trash.days', '--json']);
    expect(JSON.stringify(explained.json)).toContain('"origin":"file"');
    expect((await keywright(['config', 'set', 'trash.days', '9'])).code).toBe(0);
    expect(readFileSync(join(dataDir, 'config.json'), 'utf8')).toBe('{"trash.days": 9}');
  });
});

describe('with an owner', () => {
  let owner: Owner;
  beforeAll(async () => {
    const config = loadConfig({ file: join(dataDir, 'config.json') });
    owner = (await becomeOwner({ dataDir, kind: 'serve', version: '0', open: () => openCore({ dataDir, config, kind: 'serve', silent: true }) }))!;
  });
  afterAll(() => owner.close({ patience: 0 }));

  test('that is locked a command does not unlock behind its back', async () => {
    const { code, stderr } = await keywright(['keys', 'list', '--passphrase-file', at('pw')]);
    expect(code).toBe(6);
    expect(stderr).toContain('keywright store unlock');
  });

  test('that is unlocked no passphrase is needed', async () => {
    expect((await keywright(['store', 'unlock', '--passphrase-file', at('pw')])).code).toBe(0);
    const { code, json } = await keywright(['keys', 'show', 'Signing', '--json']);
    expect([code, json['algorithm']]).toEqual([0, 'ec-p256']);
  });

  test('--no-agent looks for none and says who has the store', async () => {
    const { code, stderr } = await keywright(['store', 'status', '--no-agent']);
    expect(code).toBe(7);
    expect(stderr).toContain('--no-agent');
  });

  test('bytes go to standard output alone, or into a file that is not there yet', async () => {
    const bare = await keywright(['keys', 'sign', 'Signing', '--in', '-'], { stdin: 'hello\n' });
    expect(bare.stdout[0]).toBe(0x30);
    const out = at('sig.der');
    const written = await keywright(['keys', 'sign', 'Signing', '--in', '-', '--out', out], { stdin: 'hello\n' });
    expect([written.code, written.stdout.length]).toEqual([0, 0]);
    expect(readFileSync(out)[0]).toBe(0x30);
    const before = readFileSync(out);
    expect((await keywright(['keys', 'sign', 'Signing', '--in', '-', '--out', out], { stdin: 'x' })).code).toBe(8);
    expect(readFileSync(out)).toEqual(before);
    expect((await keywright(['keys', 'sign', 'Signing', '--in', '-', '--out', out, '--force'], { stdin: 'x' })).code).toBe(0);
    expect(readFileSync(out)).not.toEqual(before);
    expect((await keywright(['keys', 'sign', 'Signing', '--in', '-', '--out', '-', '--json'], { stdin: 'x' })).code).toBe(2);
    const record = await keywright(['keys', 'sign', 'Signing', '--in', '-', '--json'], { stdin: 'x' });
    expect(record.json).toMatchObject({ algorithm: 'ecdsa-sha256', version: 1 });
  });

  test('bytes that are no text do not garble a terminal', async () => {
    const { stdout } = await keywright(['keys', 'random', '--bytes', '64'], { tty: true });
    expect(stdout.toString()).toMatch(/^[\w-]{86}\n$/);
  });

  test.skipIf(process.platform === 'win32')('a private key is written for its owner’s eyes alone', async () => {
    const before = process.umask(0);
    try {
      const out = at('key.pem');
      expect((await keywright(['keys', 'export', 'Signing', '--export-passphrase-file', at('pw'), '--out', out])).code).toBe(0);
      expect(statSync(out).mode & 0o777).toBe(0o600);
      expect(readFileSync(out, 'utf8')).toContain('ENCRYPTED PRIVATE KEY');
    } finally {
      process.umask(before);
    }
  });

  test('nothing is left behind of an output that fails', async () => {
    const { code } = await keywright(['keys', 'sign', 'Signing', '--in', '-', '--out', join(at('no-such-folder'), 'sig')], { stdin: 'x' });
    expect(code).toBe(1);
    expect(existsSync(at('no-such-folder'))).toBe(false);
  });

  test('a check that says no is exit 3, an answer and no error', async () => {
    const { code, stderr, json } = await keywright(['keys', 'verify', 'Signing', '--in', '-', '--signature', at('sig.der'), '--json'], { stdin: 'another message' });
    expect([code, stderr, json['valid']]).toEqual([3, '', false]);
  });

  test('an ambiguous label lists the candidates', async () => {
    for (let copy = 0; copy < 2; copy += 1) await keywright(['keys', 'generate', '--algorithm', 'ed25519', '--label', 'Twin']);
    const { code, stderr } = await keywright(['keys', 'show', 'Twin']);
    expect(code).toBe(2);
    expect(stderr.match(/pkcs8:[0-9a-f]{32}/g)?.length).toBeGreaterThanOrEqual(2);
  });

  test('what is not there is exit 4, what a key cannot do is exit 10', async () => {
    expect((await keywright(['keys', 'show', 'Nobody'])).code).toBe(4);
    expect((await keywright(['keys', 'mac', 'Signing', '--in', '-'], { stdin: 'x' })).code).toBe(10);
  });

  test('a confirmation that must be typed is not answered by --yes', async () => {
    await keywright(['keys', 'generate', '--algorithm', 'ed25519', '--label', 'Doomed']);
    await keywright(['keys', 'delete', 'Doomed']);
    expect((await keywright(['keys', 'purge', 'Doomed', '--yes'])).code).toBe(6);
    const terminal = { ask: async () => ({ kind: 'confirmed' as const, typed: 'Doomed' }) };
    expect((await keywright(['keys', 'purge', 'Doomed'], { terminal })).code).toBe(0);
  });

  test('a secret that others may read is refused before anything happens', async () => {
    const open = secretFile('open', PASSPHRASE);
    chmodSync(open, 0o644);
    const { code, stderr } = await keywright(['keys', 'export', 'Signing', '--export-passphrase-file', open, '--out', at('never.pem')]);
    expect(code).toBe(5);
    expect(stderr).not.toContain('canaries');
    expect(existsSync(at('never.pem'))).toBe(false);
  });

  test('a label with control characters does not reach the terminal as such', async () => {
    await keywright(['keys', 'generate', '--algorithm', 'ed25519', '--label', 'bad\x1b]0;owned\x07label']);
    const { stdout } = await keywright(['keys', 'list', '--search', 'owned'], { tty: true });
    expect(stdout.toString()).toContain('\\u001b]0;owned');
    expect(stdout.includes(0x07)).toBe(false);
  });

  test('Ctrl+C cancels: exit 9', async () => {
    const controller = new AbortController();
    const terminal = {
      ask: (_request: unknown, signal: AbortSignal) => new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        controller.abort();
      }),
    };
    expect((await keywright(['keys', 'export', 'Signing'], { terminal, signal: controller.signal })).code).toBe(9);
  });

  test('a lock ends what is open', async () => {
    expect((await keywright(['store', 'lock', '--json'])).json).toMatchObject({ state: 'locked' });
    expect((await keywright(['keys', 'list'])).code).toBe(6);
  });
});

describe('with an agent named', () => {
  let address: string;
  let requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
  let answer: { status: number; type: string; body: string };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += piece)).on('end', () => {
      requests.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      response.writeHead(answer.status, { 'Content-Type': answer.type }).end(answer.body);
    });
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    secretFile('token', 'kw_abc_def\n');
  });
  afterAll(() => void server.close());
  const agent = (argv: readonly string[], given: Parameters<typeof ran>[1] = {}) => {
    requests = [];
    return keywright([...argv, '--agent', address], { ...given, env: { KEYWRIGHT_TOKEN_FILE: at('token'), ...given.env } });
  };

  test('reads go into path and query, the rest into the body, with the token', async () => {
    answer = { status: 200, type: 'application/json', body: '{"keys":[],"cursor":null,"total":0,"sources":[]}' };
    expect((await agent(['keys', 'list', '--limit', '5', '--search', 'a b'])).code).toBe(0);
    expect(requests[0]).toMatchObject({ method: 'GET', url: '/v1/keys?search=a+b&limit=5', headers: { authorization: 'Bearer kw_abc_def' } });
    answer.body = '{"signature":"AAEC","algorithm":"ed25519","key":"k","version":1}';
    const signed = await agent(['keys', 'sign', 'a/b', '--in', '-'], { stdin: 'x' });
    expect(signed.stdout).toEqual(Buffer.from([0, 1, 2]));
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/v1/keys/a%2Fb/sign', body: '{"content":{"message":"eA"}}' });
  });

  test('secrets from files go along in the header made for them', async () => {
    answer = { status: 200, type: 'application/json', body: '{"state":"unlocked"}' };
    await agent(['store', 'unlock', '--passphrase-file', at('pw')]);
    expect(JSON.parse(Buffer.from(String(requests[0]!.headers['keywright-prompt-answers']), 'base64url').toString())).toEqual({ 'store-passphrase': PASSPHRASE });
    expect(JSON.stringify([requests[0]!.url, requests[0]!.body])).not.toContain('canaries');
  });

  test('its errors are ours, with their exit code', async () => {
    answer = { status: 404, type: 'application/problem+json', body: '{"type":"x","title":"Not found","status":404,"code":"NOT_FOUND","detail":"No such key.","remedy":"Look again."}' };
    const { code, stderr } = await agent(['keys', 'show', 'x']);
    expect(code).toBe(4);
    expect(stderr).toContain('Look again.');
  });

  test('what is no agent is told apart', async () => {
    answer = { status: 200, type: 'text/html', body: '<h1>Router</h1>' };
    expect((await agent(['store', 'status'])).code).toBe(7);
    answer = { status: 302, type: 'text/html', body: '' };
    expect((await agent(['store', 'status'])).code).toBe(7);
  });

  test.skipIf(!HAS_OPENSSL)('whose certificate nobody vouches for is not taken for one that is not there (skipped without openssl)', async () => {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('tls-key'), '-out', at('tls-cert'), '-subj', '/CN=localhost', '-days', '1'], { stdio: 'ignore' });
    let asked = 0;
    const secure = createSecureServer({ cert: readFileSync(at('tls-cert')), key: readFileSync(at('tls-key')) }, () => (asked += 1)).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const { code, stderr } = await keywright(['store', 'status', '--agent', `https://127.0.0.1:${(secure.address() as AddressInfo).port}`], { env: { KEYWRIGHT_TOKEN_FILE: at('token') } });
    secure.close();
    expect(code).toBe(7);
    expect(stderr).toContain('self-signed certificate');
    expect(stderr).toContain('NODE_EXTRA_CA_CERTS');
    expect(asked).toBe(0);
  });

  test('a token never travels in clear to another machine, nor from a file that others may read', async () => {
    const elsewhere = await keywright(['store', 'status', '--agent', 'http://192.0.2.1:1'], { env: { KEYWRIGHT_TOKEN_FILE: at('token') } });
    expect(elsewhere.code).toBe(2);
    expect((await keywright(['store', 'status', '--agent', address])).code).toBe(5);
    chmodSync(at('token'), 0o644);
    expect((await agent(['store', 'status'])).code).toBe(5);
    expect(requests).toEqual([]);
  });
});
