import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CertificateRecord, CoreEvent, CrlRecord } from '../contract/index.ts';
import { HAS_OPENSSL } from '../formats/testing/keys.ts';
import { openTestCore, type TestCore } from './testing/core.ts';

/** A small private authority, from its root to the revocation of what it issued; openssl is the judge. */

type Made = CertificateRecord & { pem: string };
const base64url = (content: string | Buffer): string => Buffer.from(content).toString('base64url');
let folder: string;
let core: TestCore;
let root: Made;
let sub: Made;
let server: Made;
const events: CoreEvent[] = [];

const write = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const openssl = (...args: string[]): string => {
  const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8', cwd: folder });
  return stdout + stderr;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-authority-'));
  core = await openTestCore({ config: { 'certificates.notifyDays': '30,14', 'certificates.fetch': true, 'certificates.fetchLocal': true } });
  core.core.subscribe((event) => void events.push(event));
  for (const [label, algorithm] of [['Root key', 'ec-p384'], ['Sub key', 'rsa-2048'], ['Web', 'ec-p256']] as const) await core.call('keys.generate', { algorithm, label });
  root = await core.call<Made>('certificates.self-sign', { key: 'Root key', subject: 'CN=Example root,O=Example', profile: 'root' });
  sub = await core.call<Made>('certificates.issue', { key: 'Sub key', issuer: root.id, subject: 'CN=Example CA 1,O=Example', profile: 'sub-ca', pathLength: 0, permit: ['dns:example.org'] });
  const { request } = await core.call<{ request: string }>('certificates.request', { key: 'Web', subject: 'CN=www.example.org', san: ['dns:www.example.org'], profile: 'tls-server' });
  server = await core.call<Made>('certificates.issue', { request, issuer: 'Example CA 1', days: 20 });
  write('root.pem', root.pem);
  write('sub.pem', sub.pem);
  write('web.pem', server.pem);
});
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

describe('issuing', () => {
  test.skipIf(!HAS_OPENSSL)('openssl trusts what was issued from a request, up to the root (skipped without openssl)', () => {
    expect(server).toMatchObject({ issuedBy: sub.id, trusted: false, purposes: ['tls-server'], revocation: { state: 'good', source: 'authority' } });
    expect(openssl('verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'sub.pem', '-purpose', 'sslserver', '-verify_hostname', 'www.example.org', 'web.pem')).toContain('web.pem: OK');
  });

  test.skipIf(!HAS_OPENSSL)('a request that its own key did not sign is refused, and one for a forbidden name too (skipped without openssl)', async () => {
    const evil = execFileSync('openssl', ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=evil.example.com', '-addext', 'subjectAltName=DNS:evil.example.com', '-outform', 'DER'], { stdio: ['ignore', 'pipe', 'ignore'] });
    await expect(core.call('certificates.issue', { request: base64url(evil), issuer: sub.id, profile: 'tls-server' })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('dns:evil.example.com') as unknown });
    evil[evil.length - 1]! ^= 1;
    await expect(core.call('certificates.issue', { request: base64url(evil), issuer: root.id })).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('not signed by its own key') as unknown });
  });

  test('an authority with the path length 0 makes no further authority, and a server none at all', async () => {
    await core.call('keys.generate', { algorithm: 'ec-p256', label: 'Third' });
    await expect(core.call('certificates.issue', { key: 'Third', issuer: sub.id, profile: 'sub-ca', subject: 'CN=x' })).rejects.toMatchObject({ message: expect.stringContaining('§4.2.1.9') as unknown });
    await expect(core.call('certificates.issue', { key: 'Third', issuer: server.id, subject: 'CN=x' })).rejects.toMatchObject({ message: expect.stringContaining('no authority') as unknown });
    await expect(core.call('certificates.issue', { key: 'Third', issuer: sub.id, subject: 'CN=x', days: 36_000 })).rejects.toMatchObject({ message: expect.stringContaining('would end after') as unknown });
  });

  test.skipIf(!HAS_OPENSSL)('a certificate is renewed with a new version of its key, and the old one stays by another name (skipped without openssl)', async () => {
    const renewed = await core.call<Made>('certificates.renew', { certificate: server.id, newKey: true, days: 10 });
    expect(renewed.label).toBe('www.example.org');
    expect(renewed.publicKey).not.toBe(server.publicKey);
    expect((await core.call<CertificateRecord>('certificates.show', { certificate: server.id })).label).toContain('(until ');
    write('renewed.pem', renewed.pem);
    expect(openssl('verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'sub.pem', 'renewed.pem')).toContain('OK');
    expect(await core.call('certificates.verify', { certificate: renewed.id, host: 'www.example.org' })).toMatchObject({ trusted: true });
  });

  test('an authority of another is cross-signed, and both ways are found', async () => {
    await core.call('keys.generate', { algorithm: 'ec-p256', label: 'Old root key' });
    const old = await core.call<Made>('certificates.self-sign', { key: 'Old root key', subject: 'CN=Old root', profile: 'root' });
    const crossed = await core.call<Made>('certificates.issue', { crossSign: root.id, issuer: old.id });
    expect(crossed).toMatchObject({ subject: root.subject, publicKey: root.publicKey, issuedBy: old.id, authority: true });
    for (const trusted of [root, old]) {
      expect(await core.call('certificates.verify', { content: base64url(server.pem), untrusted: [base64url(sub.pem), base64url(crossed.pem)], roots: [base64url(trusted.pem)], host: 'www.example.org' })).toMatchObject({ trusted: true });
    }
  });
});

describe('revocation', () => {
  const verify = (crl: string[]) => core.call<{ trusted: boolean; revocation: { state: string } }>('certificates.verify', { content: base64url(server.pem), untrusted: [base64url(sub.pem)], roots: [base64url(root.pem)], crl });

  test.skipIf(!HAS_OPENSSL)('openssl and we find what a list says, before and after (skipped without openssl)', async () => {
    const before = await core.call<{ content: string; crl: CrlRecord }>('certificates.crl.create', { certificate: sub.id });
    expect(await verify([before.content])).toMatchObject({ trusted: true, revocation: { state: 'good' } });
    expect(await core.call('certificates.revoke', { certificate: server.id, reason: 'key-compromise' })).toMatchObject({ state: 'revoked' });
    const after = await core.call<{ content: string; crl: CrlRecord }>('certificates.crl.create', { certificate: sub.id });
    expect(Number(after.crl.number)).toBe(Number(before.crl.number) + 1);
    const list = write('ca.crl', Buffer.from(after.content, 'base64url'));
    expect(openssl('crl', '-in', list, '-noout', '-CAfile', 'sub.pem')).toContain('verify OK');
    expect(openssl('verify', '-crl_check', '-CAfile', 'root.pem', '-CRLfile', list, '-untrusted', 'sub.pem', 'web.pem')).toContain('certificate revoked');
    expect(await verify([after.content])).toMatchObject({ trusted: false, revocation: { state: 'revoked', reason: 'key-compromise', source: 'crl' } });
    await expect(core.call('certificates.revoke', { certificate: server.id })).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test.skipIf(!HAS_OPENSSL)('a delta is found by a full list that says where it is, and openssl and we heed both (skipped without openssl)', async () => {
    const held = await core.call<Made>('certificates.issue', { key: 'Third', issuer: sub.id, subject: 'CN=held', san: ['dns:held.example.org'], days: 5 });
    const full = await core.call<{ content: string }>('certificates.crl.create', { certificate: sub.id, deltaUrl: ['http://127.0.0.1/delta.crl'] });
    await core.call('certificates.revoke', { certificate: held.id, reason: 'certificate-hold' });
    const delta = await core.call<{ content: string }>('certificates.crl.create', { certificate: sub.id, delta: true });
    const [pem, both] = [write('held.pem', Buffer.from(held.pem)), write('both.crl', Buffer.concat([full, delta].map(({ content }) => Buffer.from(content, 'base64url'))))];
    const judged = (...more: string[]): string => openssl('verify', '-crl_check', ...more, '-CAfile', 'root.pem', '-CRLfile', both, '-untrusted', 'sub.pem', pem);
    expect(judged('-extended_crl', '-use_deltas')).toContain('certificate revoked');
    const ours = (crl: string[]) => core.call('certificates.verify', { content: base64url(held.pem), untrusted: [base64url(sub.pem)], roots: [base64url(root.pem)], crl });
    expect(await ours([full.content])).toMatchObject({ trusted: true });
    expect(await ours([full.content, delta.content])).toMatchObject({ trusted: false, revocation: { state: 'revoked', reason: 'certificate-hold' } });
    await expect(core.call('certificates.crl.create', { certificate: sub.id, delta: true, deltaUrl: ['http://127.0.0.1/delta.crl'] })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test.skipIf(!HAS_OPENSSL)('what is revoked stays on the list when its certificate is removed for good (skipped without openssl)', async () => {
    const gone = await core.call<Made>('certificates.issue', { key: 'Third', issuer: sub.id, subject: 'CN=gone', san: ['dns:gone.example.org'], days: 5 });
    await core.call('certificates.revoke', { certificate: gone.id });
    await core.call('certificates.delete', { certificate: gone.id });
    await core.call('certificates.purge', { certificate: gone.id });
    const { content } = await core.call<{ content: string }>('certificates.crl.create', { certificate: sub.id });
    expect(openssl('crl', '-in', write('gone.crl', Buffer.from(content, 'base64url')), '-noout', '-text').toLowerCase()).toContain(gone.serial);
  });

  test.skipIf(!HAS_OPENSSL)('openssl reads our OCSP answers, by the authority and by a responder that it appointed (skipped without openssl)', async () => {
    openssl('ocsp', '-issuer', 'sub.pem', '-cert', 'web.pem', '-no_nonce', '-reqout', 'request.der');
    const request = base64url(execFileSync('cat', [join(folder, 'request.der')]));
    await core.call('keys.generate', { algorithm: 'ec-p256', label: 'Responder key' });
    const responder = await core.call<Made>('certificates.issue', { key: 'Responder key', issuer: sub.id, profile: 'ocsp', subject: 'CN=Responder', san: [] });
    for (const more of [{}, { responder: responder.id }]) {
      const { response, answers } = await core.call<{ response: string; answers: unknown[] }>('certificates.ocsp.respond', { certificate: sub.id, request, ...more });
      expect(answers).toEqual([{ serial: server.serial, state: 'revoked' }]);
      const file = write('response.der', Buffer.from(response, 'base64url'));
      const judged = openssl('ocsp', '-issuer', 'sub.pem', '-cert', 'web.pem', '-no_nonce', '-respin', file, '-CAfile', 'root.pem', '-verify_other', 'sub.pem');
      expect(judged).toContain('Response verify OK');
      expect(judged).toContain('web.pem: revoked');
      expect(await core.call('certificates.ocsp.check', { certificate: server.id, response })).toMatchObject({ good: false, revocation: { state: 'revoked' } });
    }
    const { response } = await core.call<{ response: string }>('certificates.ocsp.respond', { certificate: root.id, request });
    expect(Buffer.from(response, 'base64url').toString('hex')).toBe('30030a0106'); // unauthorized: it is not of this authority
  });

  test('a responder on the network is asked with a nonce, only when that is allowed', async () => {
    const http: HttpServer = createServer((request, answer) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => void parts.push(part));
      request.on('end', () => {
        void core.call<{ response: string }>('certificates.ocsp.respond', { certificate: sub.id, request: base64url(Buffer.concat(parts)) }).then(({ response }) => answer.end(Buffer.from(response, 'base64url')));
      });
    });
    await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
      const good = await core.call<Made>('certificates.issue', { key: 'Third', issuer: sub.id, subject: 'CN=good', san: ['dns:good.example.org'], days: 5, ocspUrl: [url] });
      expect(await core.call('certificates.ocsp.check', { certificate: good.id })).toMatchObject({ good: true, nonce: 'fits' });
      await core.call('config.set', { key: 'certificates.fetchLocal', value: false });
      await expect(core.call('certificates.ocsp.check', { certificate: good.id })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      await core.call('config.set', { key: 'certificates.fetch', value: false });
      await expect(core.call('certificates.ocsp.check', { certificate: good.id })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    } finally {
      http.close();
    }
  });
});

describe('looking around', () => {
  test('a TLS server is examined, judged by our rules, and its certificates are kept', async () => {
    const { content } = await core.call<{ content: string }>('keys.export', { key: 'Third', encrypt: false });
    const local = await core.call<Made>('certificates.issue', { key: 'Third', issuer: root.id, subject: 'CN=localhost', san: ['dns:localhost', 'ip:127.0.0.1'], profile: 'tls-server', days: 5 });
    const tls = createTlsServer({ key: Buffer.from(content, 'base64url'), cert: local.pem + root.pem });
    await new Promise<void>((resolve) => void tls.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = tls.address() as AddressInfo;
      const seen = await core.call<{ trusted: boolean; chain: string[]; protocol: string; stapled: string }>('certificates.examine', { host: '127.0.0.1', port, save: true });
      expect(seen).toMatchObject({ trusted: true, protocol: 'TLSv1.3', stapled: 'none' });
      expect(await core.call('certificates.examine', { host: '127.0.0.1', port, serverName: 'other.example.org' })).toMatchObject({ trusted: false });
      expect(await core.call('certificates.examine', { host: '127.0.0.1', port, trust: 'system' })).toMatchObject({ trusted: false });
    } finally {
      tls.close();
    }
  });

  test.skipIf(!HAS_OPENSSL)('what ends soon is listed as a table, as CSV and as a calendar, and told once (skipped without openssl, for which it was revoked)', async () => {
    const { certificates, content } = await core.call<{ certificates: { label: string; days: number }[]; content: string }>('certificates.expiring', { days: 30, format: 'ics' });
    expect(certificates.length).toBeGreaterThan(2);
    expect(content.split('\r\n').every((line) => Buffer.byteLength(line) <= 75)).toBe(true);
    expect(content.match(/BEGIN:VEVENT/g)!.length).toBe(certificates.length);
    expect(content).not.toContain(server.id); // revoked
    const { certificates: all, content: table } = await core.call<{ certificates: { id: string; revoked: boolean }[]; content: string }>('certificates.expiring', { days: 30, format: 'csv', revoked: true });
    expect(all.find(({ id }) => id === server.id)).toMatchObject({ revoked: true });
    expect(table).toContain(`${server.id},true\r\n`);
    const told = (): string[] => events.flatMap((event) => (event.type === 'certificates.expiring' ? [`${event.id} ${event.days}`] : []));
    await core.call('store.lock');
    await core.call('store.unlock');
    await expect.poll(() => told().length).toBeGreaterThan(1);
    const first = told();
    expect(first).not.toContain(`${server.id} 30`);
    await core.call('store.lock');
    await core.call('store.unlock');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(told()).toEqual(first);
    expect(new Set(first).size).toBe(first.length);
  });

  test.skipIf(!HAS_OPENSSL)('a store with trust in the root alone verifies what is below it (skipped without openssl)', async () => {
    const { chain, complete } = await core.call<{ chain: CertificateRecord[]; complete: boolean }>('certificates.chain', { certificate: server.id });
    expect(chain.map(({ id }) => id)).toEqual([server.id, sub.id, root.id]);
    expect(complete).toBe(true);
    expect(await core.call('certificates.verify', { certificate: server.id, host: 'www.example.org' })).toMatchObject({ trusted: false, revocation: { state: 'revoked' } });
  });
});
