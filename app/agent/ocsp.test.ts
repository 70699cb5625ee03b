import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HAS_OPENSSL } from '../formats/testing/keys.ts';
import { openTestCore, PASSPHRASE, type TestCore } from '../keychain/testing/core.ts';
import { type Agent, startAgent } from './index.ts';

interface Made { id: string; serial: string; pem: string }
let folder: string;
let core: TestCore;
let agent: Agent;
let made: { root: Made; good: Made; bad: Made; stranger: Made };
const file = (name: string, content: string | Buffer): string => {
  writeFileSync(join(folder, name), content);
  return name;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-ocsp-'));
  core = await openTestCore();
  for (const label of ['Root', 'Good', 'Bad', 'Responder', 'Other']) await core.call('keys.generate', { algorithm: 'ec-p256', label });
  const root = await core.call<Made>('certificates.self-sign', { key: 'Root', subject: 'CN=Root', profile: 'root' });
  const issue = (key: string) => core.call<Made>('certificates.issue', { key, issuer: root.id, subject: `CN=${key}`, san: [`dns:${key.toLowerCase()}.example.org`], profile: 'tls-server' });
  made = { root, good: await issue('Good'), bad: await issue('Bad'), stranger: await core.call<Made>('certificates.self-sign', { key: 'Other', subject: 'CN=Other', profile: 'root' }) };
  await core.call('certificates.revoke', { certificate: made.bad.id, reason: 'key-compromise' });
  agent = await startAgent(core.core, { listen: '127.0.0.1:0', ocsp: { listen: '127.0.0.1:0', hours: 2 } });
  for (const [name, { pem }] of Object.entries(made)) file(`${name}.pem`, pem);
});
afterAll(async () => {
  await agent.close();
  await core[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

// Not spawnSync: the answer comes from this very process.
async function openssl(...args: string[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { execFile } = await import('node:child_process');
  execFile('openssl', args, { cwd: folder, encoding: 'utf8', timeout: 20_000 }, (_error, stdout, stderr) => resolve(stdout + stderr));
  return promise;
}
const request = (certificate: string, ...more: string[]): Buffer => {
  spawnSync('openssl', ['ocsp', '-issuer', 'root.pem', '-cert', certificate, '-reqout', 'request.der', ...more], { cwd: folder });
  return execFileSync('cat', ['request.der'], { cwd: folder });
};
const post = (body: Uint8Array, where = agent.ocsp!, type = 'application/ocsp-request') => fetch(where, { method: 'POST', body: Buffer.from(body), headers: { 'Content-Type': type } });
const bytes = async (answer: Response): Promise<string> => Buffer.from(await answer.arrayBuffer()).toString('hex');

describe.skipIf(!HAS_OPENSSL)('judged by openssl ocsp (skipped without it)', () => {
  const ask = (certificate: string, ...more: string[]): Promise<string> => openssl('ocsp', '-issuer', 'root.pem', '-cert', certificate, '-url', agent.ocsp!, '-CAfile', 'root.pem', ...more);

  test('the authority answers good, revoked with its reason, and unknown for what it never issued, with the nonce repeated', async () => {
    const good = await ask('good.pem');
    expect(good).toContain('Response verify OK');
    expect(good).toContain('good.pem: good');
    expect(good).not.toMatch(/nonce/i);
    expect(await ask('bad.pem')).toMatch(/bad\.pem: revoked[^]*Reason: keyCompromise/);
    expect(await openssl('ocsp', '-issuer', 'root.pem', '-serial', '0x1234', '-url', agent.ocsp!, '-CAfile', 'root.pem')).toContain('0x1234: unknown');
    expect(await openssl('ocsp', '-issuer', 'stranger.pem', '-serial', '1', '-url', agent.ocsp!, '-CAfile', 'root.pem')).toContain('unknown');
  });

  test('a responder that the authority appoints answers from then on', async () => {
    await core.call('certificates.issue', { key: 'Responder', issuer: made.root.id, profile: 'ocsp', subject: 'CN=Responder', san: [] });
    const text = await ask('good.pem', '-resp_text');
    expect(text).toContain('Response verify OK');
    expect(text).toMatch(/Subject: CN ?= ?Responder/);
  });

  test('what is asked by GET is answered with how long it may be kept, again while nothing has changed, and anew once something has', async () => {
    const der = request('good.pem', '-no_nonce');
    const get = async (text: string) => fetch(`${agent.ocsp!}/${text}`);
    const first = await get(encodeURIComponent(der.toString('base64')));
    expect(first.headers.get('content-type')).toBe('application/ocsp-response');
    expect(first.headers.get('cache-control')).toMatch(/max-age=3[56]\d\d$/);
    const once = await bytes(first);
    expect(await bytes(await get(der.toString('base64')))).toBe(once);
    expect(await bytes(await post(der))).toBe(once);
    file('response.der', Buffer.from(once, 'hex'));
    expect(await openssl('ocsp', '-issuer', 'root.pem', '-cert', 'good.pem', '-respin', 'response.der', '-CAfile', 'root.pem')).toContain('good.pem: good');
    await core.call('certificates.revoke', { certificate: made.good.id, reason: 'certificate-hold' });
    expect(await ask('good.pem', '-no_nonce')).toContain('good.pem: revoked');
    await core.call('certificates.revoke', { certificate: made.good.id, reason: 'remove-from-crl' });
    expect(await ask('good.pem', '-no_nonce')).toContain('good.pem: good');
  });

  test('a nonce makes an answer of its own, and one of no length or of too much is refused (RFC 9654 §2.1)', async () => {
    const withNonce = (nonce: number): Buffer => {
      const der = request('good.pem', '-no_nonce');
      const inside = der.subarray(der[1]! < 0x80 ? 2 : der[1] === 0x81 ? 3 : 4);
      const wrap = (tag: number, ...parts: Buffer[]): Buffer => {
        const all = Buffer.concat(parts);
        return Buffer.concat([Buffer.of(tag), all.length < 0x80 ? Buffer.of(all.length) : all.length < 0x100 ? Buffer.of(0x81, all.length) : Buffer.of(0x82, all.length >> 8, all.length & 0xff), all]);
      };
      const tbs = inside.subarray(inside[1]! < 0x80 ? 2 : 3);
      return wrap(0x30, wrap(0x30, tbs, wrap(0xa2, wrap(0x30, wrap(0x30, Buffer.from('06092b0601050507300102', 'hex'), wrap(4, wrap(4, Buffer.alloc(nonce, 7))))))));
    };
    for (const length of [1, 32, 128]) {
      const [one, other] = [await bytes(await post(withNonce(length))), await bytes(await post(withNonce(length)))];
      expect(one).toContain(Buffer.alloc(length, 7).toString('hex'));
      expect(one).not.toBe(other); // ECDSA is random: each was signed for itself
    }
    for (const length of [0, 129, 1000]) expect(await bytes(await post(withNonce(length))), String(length)).toBe('30030a0101');
  });

  test('below /ocsp of the agent it is the same, and off unless it is asked for', async () => {
    const der = request('good.pem', '-no_nonce');
    const beside = await startAgent(core.core, { listen: '127.0.0.1:0', ocsp: { hours: 1 } });
    const without = await startAgent(core.core, { listen: '127.0.0.1:0' });
    try {
      expect(beside.ocsp).toBe(`${beside.addresses[0]}/ocsp`);
      expect(await openssl('ocsp', '-issuer', 'root.pem', '-cert', 'good.pem', '-url', beside.ocsp!, '-CAfile', 'root.pem')).toContain('good.pem: good');
      expect((await fetch(`${beside.ocsp!}/${encodeURIComponent(der.toString('base64'))}`)).status).toBe(200);
      expect(without.ocsp).toBeUndefined();
      expect((await post(der, `${without.addresses[0]}/ocsp`)).status).toBe(404);
    } finally {
      await beside.close();
      await without.close();
    }
  });
});

describe('whatever else is sent', () => {
  test('is malformed, unauthorized or not there, and never a fault', async () => {
    for (const body of [Buffer.alloc(0), Buffer.from('hello'), Buffer.from('3000', 'hex'), Buffer.alloc(60_000, 0x30), Buffer.from('30820000', 'hex')]) expect(await bytes(await post(body))).toBe('30030a0101');
    for (const path of ['', 'nonsense%%', 'aGVsbG8=', '../etc', '%2e%2e']) expect([400, 404, 200]).toContain((await fetch(`${agent.ocsp!}/${path}`)).status);
    expect((await post(Buffer.alloc(70_000))).status).toBe(400);
    expect((await post(Buffer.from('x'), agent.ocsp!, 'text/plain')).status).toBe(400);
    expect((await fetch(agent.ocsp!, { method: 'DELETE' })).status).toBe(404);
    expect((await fetch(`${agent.ocsp!}/v1/keys`)).headers.get('content-type')).toBe('application/ocsp-response');
  });

  test('and a locked store asks to try later, which unlocking ends', async () => {
    const der = Buffer.from('30423040303e303c303a300906052b0e03021a050004140000000000000000000000000000000000000000041400000000000000000000000000000000000000000201ff', 'hex');
    expect(await bytes(await post(der))).not.toBe('30030a0103');
    await core.call('store.lock', {});
    try {
      expect(await bytes(await post(der))).toBe('30030a0103');
    } finally {
      await core.call('store.unlock', {}, { answers: { 'store-passphrase': PASSPHRASE } } as never);
    }
  });

  test('an address that is taken is told, and nothing stays behind', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    await expect(startAgent(core.core, { listen: '127.0.0.1:0', ocsp: { listen: `127.0.0.1:${port}`, hours: 1 } })).rejects.toMatchObject({ code: 'CONFLICT' });
    taken.close();
  });
});
