import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CertificateRecord, KeyRecord } from '../contract/index.ts';
import { FakeToken, FakeTokens, fakeTokenManifest } from '../keystore/testing/fake-token.ts';
import { openTestCore, type TestCore } from './testing/core.ts';

/** OpenSSH certificates through the dispatcher; ssh-keygen judges them. */

const folder = mkdtempSync(join(tmpdir(), 'keywright-ssh-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const hasKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined;
const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((path) => existsSync(path));
const WITHOUT = '(skipped without ssh-keygen)';
type Made = CertificateRecord & { pem: string; warnings: { warning: string }[] };

let files = 0;
function file(content: string | Uint8Array, name = `f${files++}`): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}
/** @returns what `ssh-keygen -L` says of a certificate. */
const judged = (line: string): string => execFileSync('ssh-keygen', ['-L', '-f', file(line)], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
const generate = (core: TestCore, label: string, algorithm: string): Promise<KeyRecord> => core.call<KeyRecord>('keys.generate', { algorithm, label });
const base64url = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');

/** @returns a fresh key pair of ssh-keygen's own. */
function keyOf(type: string, comment = 'ada@laptop'): { path: string; line: string } {
  const path = join(folder, `k${files++}`);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', comment, '-f', path]);
  return { path, line: readFileSync(`${path}.pub`, 'utf8') };
}

describe.skipIf(!hasKeygen)(`judged by ssh-keygen ${WITHOUT}`, () => {
  test.each([['ed25519', 'ED25519', 'ssh-ed25519'], ['ec-p256', 'ECDSA', 'ecdsa-sha2-nistp256'], ['ec-p384', 'ECDSA', 'ecdsa-sha2-nistp384'], ['ec-p521', 'ECDSA', 'ecdsa-sha2-nistp521'], ['rsa-3072', 'RSA', 'rsa-sha2-512']])('an authority with %s issues for every kind of key', async (algorithm, name, type) => {
    await using core = await openTestCore();
    await generate(core, 'User CA', algorithm);
    for (const subject of ['ed25519', 'ecdsa', 'rsa']) {
      const { line } = keyOf(subject);
      const { pem } = await core.call<Made>('certificates.issue', { request: base64url(line), issuer: 'User CA', profile: 'ssh-user', ssh: { principals: ['ada', 'ada@example.org'], serial: '18446744073709551615' } });
      const told = judged(pem);
      expect(told).toContain(`user certificate\n`);
      expect(told).toMatch(new RegExp(`Signing CA: ${name} SHA256:\\S+ \\(using ${type}\\)`));
      expect(told).toContain('Key ID: "ada@laptop"\n        Serial: 18446744073709551615');
      expect(told).toMatch(/Principals: \n\s+ada\n\s+ada@example.org\n\s+Critical Options: \(none\)\n\s+Extensions: \n\s+permit-X11-forwarding\n\s+permit-agent-forwarding\n\s+permit-port-forwarding\n\s+permit-pty\n\s+permit-user-rc\n/);
    }
  });

  test('options, validity and kind are as they were asked for', async () => {
    await using core = await openTestCore();
    await generate(core, 'CA', 'ec-p256');
    await generate(core, 'Deploy', 'ed25519');
    const user = await core.call<Made>('certificates.issue', { key: 'Deploy', issuer: 'CA', profile: 'ssh-user', notBefore: '2030-01-01T00:00:00.000Z', notAfter: '2030-01-02T12:00:00.000Z',
      ssh: { principals: ['deploy'], keyId: 'deploy robot', serial: '7', forceCommand: '/usr/bin/deploy --now', sourceAddress: ['192.0.2.0/24', '2001:db8::/32'], verifyRequired: true, extensions: ['permit-pty', 'login@example.org=ada'] } });
    const told = judged(user.pem);
    expect(told).toContain('Valid: from 2030-01-01T00:00:00 to 2030-01-02T12:00:00');
    expect(told).toMatch(/Critical Options: \n\s+force-command \/usr\/bin\/deploy --now\n\s+source-address 192.0.2.0\/24,2001:db8::\/32\n\s+verify-required\n\s+Extensions: \n\s+login@example.org UNKNOWN OPTION: [0-9a-f]+ \(len 7\)\n\s+permit-pty\n/);
    expect(user).toMatchObject({ type: 'openssh', label: 'deploy robot', subject: 'deploy robot', serial: '7', names: ['principal:deploy'], purposes: ['ssh-user'], validity: 'not-yet-valid', keyAlgorithm: 'ed25519', signatureAlgorithm: 'ecdsa-sha256', keys: [{ label: 'Deploy' }], origin: 'made' });
    const host = await core.call<Made>('certificates.issue', { request: base64url(keyOf('ed25519', 'root@web').line), issuer: 'CA', profile: 'ssh-host', days: 10, ssh: { principals: ['web.example.org'] } });
    expect(judged(host.pem)).toMatch(/host certificate\n[^]*Critical Options: \(none\)\n\s+Extensions: \(none\)/);
  });

  test('a signature with the certificate is verified by who trusts the authority alone', async () => {
    await using core = await openTestCore();
    await generate(core, 'CA', 'ed25519');
    const own = await core.call<{ content: string }>('keys.public', { key: 'CA', format: 'openssh' });
    const ada = keyOf('ed25519');
    const { pem } = await core.call<Made>('certificates.issue', { request: base64url(ada.line), issuer: 'CA', profile: 'ssh-user', ssh: { principals: ['ada'] } });
    writeFileSync(`${ada.path}-cert.pub`, pem);
    const report = file('a report');
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'file', '-f', `${ada.path}-cert.pub`, report], { stdio: 'pipe' });
    const line = Buffer.from(own.content, 'base64url').toString('utf8');
    const check = (allowed: string): number | null => spawnSync('ssh-keygen', ['-Y', 'verify', '-n', 'file', '-I', 'ada', '-f', file(allowed), '-s', `${report}.sig`], { input: 'a report' }).status;
    expect(check(`ada cert-authority ${line}`)).toBe(0);
    expect(check(`bob cert-authority ${line}`)).not.toBe(0);
  });
});

describe.skipIf(SSHD === undefined || !hasKeygen)('judged by sshd (skipped where it or ssh-keygen is not installed)', () => {
  test('lets in whom a user certificate names, from where it says, and is known by its host certificate', async () => {
    await using core = await openTestCore();
    await generate(core, 'CA', 'ec-p384');
    const authority = Buffer.from((await core.call<{ content: string }>('keys.public', { key: 'CA', format: 'openssh' })).content, 'base64url').toString('utf8');
    const [ada, host] = [keyOf('ed25519'), keyOf('ecdsa', 'root@web')];
    const { username } = userInfo();
    const issue = async (line: string, profile: string, ssh: object): Promise<string> => (await core.call<Made>('certificates.issue', { request: base64url(line), issuer: 'CA', profile, ssh })).pem;
    writeFileSync(`${host.path}-cert.pub`, await issue(host.line, 'ssh-host', { principals: ['web.example.org'] }));
    const settings = file([`HostKey ${host.path}`, `HostCertificate ${host.path}-cert.pub`, `TrustedUserCAKeys ${file(authority)}`, 'AuthorizedKeysFile none', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PidFile none', 'PermitRootLogin prohibit-password', 'StrictModes no', ''].join('\n'));
    const known = file(`@cert-authority *.example.org ${authority}`);
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
    const login = async (certificate: object, alias = 'web.example.org'): Promise<string> => {
      const path = file(await issue(ada.line, 'ssh-user', certificate));
      const { stdout } = spawnSync('ssh', ['-F', 'none', '-o', `ProxyCommand ${SSHD} -i -f ${settings}`, '-o', `UserKnownHostsFile ${known}`, '-o', 'GlobalKnownHostsFile none', '-o', 'StrictHostKeyChecking yes', '-o', 'BatchMode yes', '-o', 'IdentitiesOnly yes', '-o', `HostKeyAlias ${alias}`, '-o', `CertificateFile ${path}`, '-i', ada.path, `${username}@web`, 'echo let in'], { encoding: 'utf8', timeout: 20_000 });
      return stdout.trim();
    };
    expect(await login({ principals: [username] })).toBe('let in');
    expect(await login({ principals: [username], forceCommand: 'echo this and nothing else' })).toBe('this and nothing else');
    expect(await login({ principals: ['somebody-else'] })).toBe('');
    expect(await login({ principals: [username], sourceAddress: ['192.0.2.1'] })).toBe('');
    expect(await login({ principals: [username] }, 'mail.example.org')).toBe('');
  });
});

test('what OpenSSH would refuse, or belongs to X.509, is refused with the field', async () => {
  await using core = await openTestCore();
  await generate(core, 'CA', 'ed25519');
  await generate(core, 'Other', 'ec-p256');
  await generate(core, 'Curve', 'ec-secp256k1');
  const issue = (changes: object): Promise<unknown> => core.call('certificates.issue', { key: 'Other', issuer: 'CA', profile: 'ssh-user', ssh: { principals: ['ada'] }, ...changes });
  for (const [changes, where] of [
    [{ ssh: {} }, '/ssh/principals'], [{ ssh: { principals: ['ada,bob'] } }, '/ssh/principals/0'], [{ ssh: { principals: ['ada'], sourceAddress: ['10.0.0.1/8'] } }, '/ssh/sourceAddress/0'], [{ ssh: { principals: ['ada'], sourceAddress: ['nowhere'] } }, '/ssh/sourceAddress/0'],
    [{ ssh: { principals: ['ada'], serial: '18446744073709551616' } }, '/ssh/serial'], [{ ssh: { principals: ['ada'], extensions: ['permit-pty', 'permit-pty'] } }, '/ssh/extensions'], [{ profile: 'ssh-host', ssh: { principals: ['web'], forceCommand: 'ls' } }, '/ssh/forceCommand'],
    [{ subject: 'CN=Ada' }, '/subject'], [{ san: ['dns:web'] }, '/san'], [{ profile: 'tls-server' }, '/ssh'], [{ notBefore: '2030-01-02T00:00:00.000Z', notAfter: '2030-01-01T00:00:00.000Z' }, '/notAfter'],
  ] as const) await expect(issue(changes), JSON.stringify(changes)).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where } });
  await expect(issue({ issuer: 'Curve' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  await expect(issue({ algorithm: 'ecdsa-sha256' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  await expect(issue({ key: 'Curve' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  await expect(issue({ issuer: 'Nobody' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await core.call('certificates.list')).toMatchObject({ total: 0 });
});

test('one is listed, shown, exported, renewed, deleted and imported like any other', async () => {
  await using core = await openTestCore({ kind: 'file' });
  await generate(core, 'CA', 'ed25519');
  await generate(core, 'Ada', 'ed25519');
  const made = await core.call<Made>('certificates.issue', { key: 'Ada', issuer: 'CA', profile: 'ssh-user', days: 7, ssh: { principals: ['ada'], keyId: 'Ada at work' } });
  await core.call('store.lock');
  await core.call('store.unlock');
  expect(await core.call('certificates.list', { filter: 'type=openssh purpose=ssh-user name=ada' })).toMatchObject({ total: 1, certificates: [{ id: made.id }] });
  expect(await core.call('certificates.expiring', { days: 8 })).toMatchObject({ certificates: [{ id: made.id, renewable: true }] });
  expect((await core.call<KeyRecord>('keys.show', { key: 'Ada' })).certificates).toEqual([made.id]);
  const shown = await core.call<{ text: string; problems: string[]; extensions: { name: string }[] }>('certificates.show', { certificate: 'Ada at work' });
  expect(shown.text).toMatch(/For +a user\n[^]*Principals +ada\n[^]*Authority +ed25519 SHA256:\S+ \(“CA”, held here\)/);
  expect(shown).toMatchObject({ problems: [], extensions: [{ name: 'permit-X11-forwarding' }, {}, {}, {}, {}] });
  const { content, fileName } = await core.call<{ content: string; fileName: string }>('certificates.export', { certificate: made.id });
  expect(fileName).toBe('Ada-at-work-cert.pub');
  await expect(core.call('certificates.export', { certificate: made.id, format: 'der' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  for (const operation of ['certificates.verify', 'certificates.revoke']) await expect(core.call(operation, { certificate: made.id })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  expect(await core.call('certificates.chain', { certificate: made.id })).toMatchObject({ complete: false, note: expect.stringContaining('“CA”') as unknown });
  const renewed = await core.call<Made>('certificates.renew', { certificate: made.id, days: 14 });
  expect(renewed).toMatchObject({ label: 'Ada at work', names: ['principal:ada'], publicKey: made.publicKey });
  expect(renewed.serial).not.toBe(made.serial);
  // An X.509 signature picks a certificate of X.509, never this one.
  await expect(core.call('files.sign', { files: [{ path: file('x') }], key: 'Ada', format: 'cms', out: { inline: true } })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('has no certificate') as unknown });
  await core.call('certificates.delete', { certificate: made.id });
  await core.call('certificates.purge', { certificate: made.id });
  expect(await core.call('certificates.import', { content })).toMatchObject({ certificates: [{ id: made.id, origin: 'imported', trusted: false }], alreadyHeld: [], notes: [] });
  const inspected = await core.call<{ kind: string; items: { kind: string; title: string; held: string[] }[] }>('files.inspect', { content });
  expect(inspected).toMatchObject({ kind: 'openssh-certificate', items: [{ title: 'Ada at work', held: [expect.any(String)] }, { kind: 'extension' }, {}, {}, {}, {}] });
});

test('an authority in a token signs once, with its PIN', async () => {
  const tokens = new FakeTokens();
  const card = new FakeToken('1001');
  await using core = await openTestCore({ backends: [fakeTokenManifest(tokens)] });
  tokens.insert(card);
  await core.call('tokens.slots', { token: 'fake', refresh: true });
  await core.call('keys.generate', { backend: 'fake', algorithm: 'ec-p256', label: 'CA in the token', slot: '9c' }, { pin: '123456' });
  await generate(core, 'Ada', 'ed25519');
  const made = await core.call<Made>('certificates.issue', { key: 'Ada', issuer: 'CA in the token', profile: 'ssh-user', ssh: { principals: ['ada'] } }, { pin: '123456' });
  expect(made).toMatchObject({ type: 'openssh', signatureAlgorithm: 'ecdsa-sha256' });
  if (hasKeygen) expect(judged(made.pem)).toContain('user certificate');
});
