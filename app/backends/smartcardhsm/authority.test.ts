import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLine } from '../../../e2e/devices/command-line.ts';
import { missingForPcscd, startPcscd, type Pcscd } from '../../../e2e/devices/pcscd.ts';
import { VirtualSmartCardHsm } from '../../../e2e/devices/smartcardhsm/card.ts';
import { freePort, missingTools, run, type Outcome } from '../../../e2e/devices/tools.ts';

/** From outside: a private authority whose keys never leave a SmartCard-HSM, as docs/certificates.md tells it; openssl and curl are the world that has to believe it. */

const missing = missingForPcscd() ?? missingTools({ openssl: 'openssl', curl: 'curl' });
const TOKEN = 'smartcardhsm-xthsm100003';

describe.skipIf(missing !== undefined)(`an authority in a SmartCard-HSM${missing === undefined ? '' : `: ${missing}`}`, () => {
  let folder: string;
  let pcscd: Pcscd;
  let server: ChildProcess | undefined;
  const path = (name: string): string => join(folder, name);
  const { attempt, keywright } = commandLine(path, () => pcscd.environment, { owner: true, deadline: 100_000 });
  const pin = (): string[] => ['--pin-file', path('pin')];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keywright-authority-'));
    for (const [name, content] of Object.entries({ pw: 'correct horse battery staple 42', pw2: 'another pass phrase 99', pin: '648219', so: '3537363231383830' })) writeFileSync(path(name), content, { mode: 0o600 });
    pcscd = await startPcscd({ readers: ['Nitrokey Nitrokey HSM'] });
    await pcscd.reader('smartcardhsm').insert(new VirtualSmartCardHsm({ serial: 'XTHSM100003' }));
    await keywright('store', 'create');
    // One owner for all commands: each by itself would open store and token anew.
    await keywright('store', 'unlock');
    await keywright('tokens', 'initialize', TOKEN, '--label', 'Authority', '--new-pin-file', path('pin'), '--new-so-pin-file', path('so'));
  });
  afterAll(async () => {
    server?.kill();
    await keywright('store', 'lock');
    await pcscd.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  const judge = (command: string, ...args: string[]): Promise<Outcome> => run(command, args, { environment: pcscd.environment });

  test('makes its root and a sub-CA in the token, and issues for a server from its request', async () => {
    for (const label of ['Root key', 'CA 1 key']) await keywright('keys', 'generate', '--backend', TOKEN, '--algorithm', 'ec-p256', '--label', label, ...pin());
    await keywright('certificates', 'self-sign', 'Root key', '--subject', 'CN=Example root,O=Example', '--profile', 'root', ...pin());
    await keywright('certificates', 'issue', '--key', 'CA 1 key', '--issuer', 'Example root', '--profile', 'sub-ca', '--path-length', '0', '--subject', 'CN=Example CA 1,O=Example', ...pin());
    await keywright('keys', 'generate', '--algorithm', 'ec-p256', '--label', 'Web');
    await keywright('certificates', 'request', 'Web', '--subject', 'CN=localhost', '--san', 'dns:localhost', '--san', 'ip:127.0.0.1', '--profile', 'tls-server', '--out', path('web.csr'));
    await keywright('certificates', 'issue', path('web.csr'), '--issuer', 'Example CA 1', '--profile', 'tls-server', ...pin());
    for (const [name, file] of [['Example root', 'root.pem'], ['Example CA 1', 'ca1.pem'], ['localhost', 'web.pem']] as const) await keywright('certificates', 'export', name, '--out', path(file));
    const { stdout } = await judge('openssl', 'verify', '-x509_strict', '-CAfile', path('root.pem'), '-untrusted', path('ca1.pem'), '-purpose', 'sslserver', '-verify_ip', '127.0.0.1', path('web.pem'));
    expect(stdout).toContain('OK');
    await expect(keywright('keys', 'export', 'Root key', '--format', 'pkcs8')).rejects.toThrow('not extractable');
  });

  test('what it issued is exported as PKCS#12, served by openssl, and trusted by curl with the root alone', async () => {
    await keywright('certificates', 'export', 'localhost', '--format', 'pkcs12', '--with-key', '--with-chain', '--export-passphrase-file', path('pw2'), '--out', path('web.p12'));
    expect((await judge('openssl', 'pkcs12', '-in', path('web.p12'), '-passin', `file:${path('pw2')}`, '-nodes', '-out', path('served.pem'))).status).toBe(0);
    const port = await freePort();
    server = spawn('openssl', ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', path('served.pem'), '-key', path('served.pem'), '-cert_chain', path('ca1.pem'), '-www', '-quiet'], { stdio: 'ignore' });
    const curl = (...more: string[]): Promise<Outcome> => judge('curl', '--silent', '--show-error', '--retry', '20', '--retry-delay', '1', '--retry-connrefused', '--noproxy', '*', ...more, `https://localhost:${port}/`);
    const { status, stdout, stderr } = await curl('--cacert', path('root.pem'));
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('s_server');
    const stranger = await judge('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=Stranger', '-out', path('stranger.pem'));
    expect(stranger.status).toBe(0);
    expect((await curl('--cacert', path('stranger.pem'))).status).toBe(60);
    const seen = JSON.parse(await keywright('certificates', 'examine', `localhost:${port}`, '--roots', path('root.pem'), '--json')) as { trusted: boolean; protocol: string };
    expect(seen).toMatchObject({ trusted: true, protocol: 'TLSv1.3' });
  });

  test('once it is revoked and the list is signed, openssl refuses it, and so do we', async () => {
    const list = async (): Promise<void> => {
      await keywright('certificates', 'crl', 'create', 'Example CA 1', '--days', '7', '--out', path('ca1.crl'), '--force', ...pin());
    };
    const checked = (): Promise<Outcome> => judge('openssl', 'verify', '-crl_check', '-CRLfile', path('ca1.crl'), '-CAfile', path('root.pem'), '-untrusted', path('ca1.pem'), path('web.pem'));
    const ours = (): Promise<Outcome> => attempt('certificates', 'verify', path('web.pem'), '--roots', path('root.pem'), '--untrusted', path('ca1.pem'), '--crl', path('ca1.crl'), '--host', 'localhost');
    await list();
    expect((await checked()).stdout).toContain('OK');
    expect((await ours()).status).toBe(0);
    await keywright('certificates', 'revoke', 'localhost', '--reason', 'key-compromise');
    await list();
    const { status, stdout, stderr } = await checked();
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain('certificate revoked');
    const refused = await ours();
    expect(refused.status).toBe(3);
    expect(refused.stdout).toContain('key-compromise');
  });
});
