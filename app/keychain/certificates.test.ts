import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { CertificateRecord, KeyRecord } from '../contract/index.ts';
import { FakeToken, FakeTokens, fakeTokenManifest } from '../keystore/testing/fake-token.ts';
import { forged, p256 } from '../certificates/testing/forge.ts';
import { HAS_OPENSSL } from '../formats/testing/keys.ts';
import { openTestCore, type TestCore } from './testing/core.ts';

/** Certificates through the dispatcher, over a whole core. */

const generate = (core: TestCore, label: string, algorithm = 'ec-p256'): Promise<KeyRecord> => core.call<KeyRecord>('keys.generate', { algorithm, label });
const base64url = (text: string): string => Buffer.from(text).toString('base64url');

describe('the store of certificates', () => {
  test('a self-signed certificate is trusted, joined to its key, and what node:crypto reads', async () => {
    await using core = await openTestCore();
    const key = await generate(core, 'Release signing');
    const made = await core.call<CertificateRecord & { pem: string }>('certificates.self-sign', { key: 'Release signing', subject: 'CN=Ada Example,O=Example', days: 365 });
    expect(made).toMatchObject({ label: 'Ada Example', subject: 'CN=Ada Example, O=Example', trusted: true, selfSigned: true, origin: 'made', issuedBy: made.id, keys: [{ uri: key.uri }], validity: 'valid' });
    const judged = new X509Certificate(made.pem);
    expect(judged.verify(judged.publicKey)).toBe(true);
    expect(judged.subject).toBe('O=Example\nCN=Ada Example');
    expect((await core.call<KeyRecord>('keys.show', { key: key.uri })).certificates).toEqual([made.id]);
  });

  test('the same certificate is kept once, and a label names it until another has it too', async () => {
    await using core = await openTestCore();
    await generate(core, 'One');
    const made = await core.call<CertificateRecord & { pem: string }>('certificates.self-sign', { key: 'One' });
    const again = await core.call<{ certificates: CertificateRecord[]; alreadyHeld: string[] }>('certificates.import', { content: base64url(`text before\n${made.pem}${made.pem}`) });
    expect(again.alreadyHeld).toEqual([made.id]);
    expect(again.certificates.map(({ id }) => id)).toEqual([made.id]);
    await core.call('certificates.self-sign', { key: 'One' });
    await expect(core.call('certificates.show', { certificate: 'One' })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { alternatives: expect.arrayContaining([made.id]) as unknown } });
    expect(await core.call('certificates.show', { certificate: made.fingerprint })).toMatchObject({ id: made.id });
  });

  test('what was imported is not trusted until somebody says so, and joins its key when that comes', async () => {
    await using other = await openTestCore();
    await generate(other, 'Elsewhere');
    const made = await other.call<{ id: string; pem: string }>('certificates.self-sign', { key: 'Elsewhere' });
    const { content } = await other.call<{ content: string }>('keys.export', { key: 'Elsewhere', encrypt: false });
    await using core = await openTestCore();
    const { certificates: [imported] } = await core.call<{ certificates: CertificateRecord[] }>('certificates.import', { content: base64url(made.pem) });
    expect(imported).toMatchObject({ trusted: false, keys: [], origin: 'imported' });
    expect(await core.call('certificates.update', { certificate: made.id, trusted: true, tags: ['web'] })).toMatchObject({ trusted: true, tags: ['web'], revision: '2' });
    await core.call('keys.import', { content, label: 'It came later' });
    expect(await core.call('certificates.show', { certificate: made.id })).toMatchObject({ keys: [{ label: 'It came later' }] });
    expect(await core.call('certificates.list', { filter: 'tag=web trusted=true key="It came later"' })).toMatchObject({ total: 1 });
    expect(await core.call('certificates.list', { filter: 'purpose=tls-server' })).toMatchObject({ total: 0 });
  });

  describe('a bundle of many', () => {
    const shared = p256();
    const root = forged({ subject: 'CN=Root', keys: shared }, undefined);
    const content = base64url([root, ...Array.from({ length: 800 }, (_, index) => forged({ subject: `CN=host${index}`, keys: shared }, root))].map(({ certificate }) => certificate.toPem()).join(''));
    interface Told { done: number; total: number; label: string }

    test('leaves others their turn while it is kept, tells how far it is, and joins each to its issuer', async () => {
      await using core = await openTestCore();
      const order: (string | number)[] = [];
      const answered = (id: string) => (): unknown => order.push(id);
      const others: Promise<unknown>[] = [];
      const { certificates } = await core.call<{ certificates: CertificateRecord[] }>('certificates.import', { content }, {}, { progress: (event) => {
        const { done, total } = event as Told;
        expect(total).toBe(801);
        order.push(done);
        // Not in this turn of the loop, as nobody's request is.
        if (done === 0) setImmediate(() => void others.push(core.call('keys.random', { bytes: 16 }).then(answered('another call'))));
      } });
      await Promise.all(others);
      const at = order.indexOf('another call');
      expect(at).toBeGreaterThan(0);
      expect(at).toBeLessThan(order.length - 1);
      expect(certificates).toHaveLength(801);
      expect(new Set(certificates.map(({ issuedBy }) => issuedBy))).toEqual(new Set([root.certificate.id]));
    });

    test('is a job that can be cancelled, and then nothing of it is kept', async () => {
      await using core = await openTestCore();
      const importing = core.call('certificates.import', { content }, {}, { progress: (event) => {
        if ((event as Told).done !== 100) return;
        void core.call<{ jobs: { id: string; state: string }[] }>('jobs.list').then(({ jobs }) => core.call('jobs.cancel', { id: jobs.find(({ state }) => state === 'running')!.id }));
      } });
      await expect(importing).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(await core.call('certificates.list')).toMatchObject({ total: 0 });
    });
  });

  test.skipIf(!HAS_OPENSSL)('a PKCS#12 file of certificates alone is one that openssl opens (skipped without openssl)', async () => {
    await using core = await openTestCore();
    await generate(core, 'One');
    const made = await core.call<CertificateRecord & { pem: string }>('certificates.self-sign', { key: 'One' });
    const { content, withKey } = await core.call<{ content: string; withKey: boolean }>('certificates.export', { certificate: made.id, format: 'pkcs12' }, { 'export-passphrase': 'another pass phrase 99' });
    expect(withKey).toBe(false);
    const seen = execFileSync('openssl', ['pkcs12', '-nokeys', '-passin', 'pass:another pass phrase 99'], { input: Buffer.from(content, 'base64url'), encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
    expect(seen).toContain(made.pem.trim().split('\n').slice(1, 3).join('\n'));
  });

  test('a deleted certificate waits in the trash, comes back, and goes for good only from there', async () => {
    await using core = await openTestCore();
    await generate(core, 'One');
    const { id } = await core.call<CertificateRecord>('certificates.self-sign', { key: 'One' });
    await expect(core.call('certificates.purge', { certificate: id })).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await core.call('certificates.delete', { certificate: id })).toMatchObject({ trashedUntil: expect.any(String) as unknown });
    expect(await core.call('certificates.list')).toMatchObject({ total: 0 });
    expect(await core.call('certificates.list', { trash: true })).toMatchObject({ total: 1 });
    expect(await core.call('certificates.restore', { certificate: id })).toMatchObject({ trashedUntil: null });
    await core.call('certificates.delete', { certificate: id });
    await core.call('certificates.purge', { certificate: id });
    await expect(core.call('certificates.show', { certificate: id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('certificates are there after the store was closed and opened again', async () => {
    await using core = await openTestCore({ kind: 'file' });
    await generate(core, 'One');
    const { id } = await core.call<CertificateRecord>('certificates.self-sign', { key: 'One', san: ['dns:bücher.example'] });
    await core.call('store.lock');
    await core.call('store.unlock');
    expect(await core.call('certificates.show', { certificate: id })).toMatchObject({ names: ['dns:xn--bcher-kva.example'], keys: [{ label: 'One' }] });
  });
});

describe('making', () => {
  test.each([
    [{ pathLength: 0 }, '/pathLength', '§4.2.1.9'], [{ permit: ['dns:example.org'] }, '/permit', '§4.2.1.10'], [{ keyUsage: ['key-cert-sign'] }, '/keyUsage', '§4.2.1.3'], [{ subject: '' }, '/subject', '§4.1.2.6'],
    [{ subject: '', profile: 'root', san: ['dns:a.example'] }, '/subject', '§4.1.2.6'], [{ profile: 'tls-server', subject: 'CN=Ada' }, '/san', 'RFC 9525'], [{ keyUsage: ['key-encipherment'] }, '/keyUsage', 'RFC 5480'],
    [{ notBefore: '2030-01-01T00:00:00.000Z', notAfter: '2029-01-01T00:00:00.000Z' }, '/notAfter', '§4.1.2.5'], [{ subject: 'C=Germany' }, '/subject', 'appendix A.1'],
  ])('refuses %j with its section', async (changes, where, section) => {
    await using core = await openTestCore();
    await generate(core, 'One');
    const refusal = await core.call('certificates.self-sign', { key: 'One', subject: 'CN=One', ...changes }).then(() => undefined, (thrown: { code: string; message: string; facts: { where: string } }) => thrown);
    expect(refusal).toMatchObject({ code: 'INVALID_INPUT', facts: { where } });
    expect(refusal?.message).toContain(section);
  });

  test('what browsers discourage is told, and done', async () => {
    await using core = await openTestCore();
    await generate(core, 'One', 'ed25519');
    const { warnings } = await core.call<{ warnings: { warning: string; rule: string }[] }>('certificates.self-sign', { key: 'One', subject: 'CN=server.local', profile: 'tls-server', days: 3000, san: ['dns:server.local', 'ip:10.0.0.1'] });
    expect(warnings.map(({ warning }) => warning)).toEqual(expect.arrayContaining([expect.stringContaining('3000 days'), expect.stringContaining('server.local is not a name'), expect.stringContaining('10.0.0.1'), expect.stringContaining('ed25519')]) as unknown);
  });

  test('serial numbers are positive, 160 bits at most, and never the same', async () => {
    await using core = await openTestCore();
    await generate(core, 'One');
    const serials = await Promise.all(Array.from({ length: 20 }, async () => (await core.call<CertificateRecord>('certificates.self-sign', { key: 'One' })).serial));
    expect(new Set(serials).size).toBe(20);
    for (const serial of serials) expect(BigInt(`0x${serial}`) < 1n << 159n && serial.length > 30).toBe(true);
  });
});

describe('tokens', () => {
  test('an authority whose key is in a token issues with its PIN, and a certificate in a slot stands in the one list', async () => {
    const tokens = new FakeTokens();
    const card = new FakeToken('1001');
    await using core = await openTestCore({ backends: [fakeTokenManifest(tokens)] });
    tokens.insert(card);
    await core.call('tokens.slots', { token: 'fake', refresh: true });
    const asked = { pin: '123456' };
    await core.call('keys.generate', { backend: 'fake', algorithm: 'ec-p256', label: 'Root in the token', slot: '9c' }, asked);
    const root = await core.call<CertificateRecord & { pem: string }>('certificates.self-sign', { key: 'Root in the token', subject: 'CN=Token root', profile: 'root' }, asked);
    await generate(core, 'Below');
    const below = await core.call<CertificateRecord & { pem: string }>('certificates.issue', { key: 'Below', issuer: root.id, subject: 'CN=Below', days: 10 }, asked);
    const [judged, judge] = [new X509Certificate(below.pem), new X509Certificate(root.pem)];
    expect(judged.verify(judge.publicKey) && judged.checkIssued(judge)).toBe(true);
    await core.call('tokens.put-certificate', { token: 'fake', slot: '9c', certificate: base64url(below.pem) }, asked).catch(() => undefined); // another key's: refused
    await core.call('tokens.put-certificate', { token: 'fake', slot: '9c', certificate: base64url(root.pem) }, asked);
    const shown = await core.call<CertificateRecord>('certificates.show', { certificate: root.id });
    expect(shown.places).toMatchObject([{ kind: 'store' }, { kind: 'token', token: 'fake-1001', slot: '9c', present: true }]);
    expect(shown.keys).toMatchObject([{ backend: 'fake-1001', present: true }]);
    expect(await core.call('certificates.list', { filter: 'place~1001' })).toMatchObject({ total: 1 });
    tokens.remove(card);
    expect((await core.call<CertificateRecord>('certificates.show', { certificate: root.id })).places[1]).toMatchObject({ present: false });
  });
});

test('what is weak about a key is told with it, and so is one key under two names', async () => {
  await using core = await openTestCore();
  await generate(core, 'One');
  expect((await core.call<KeyRecord>('keys.show', { key: 'One' })).findings).toEqual([]);
  await core.call('certificates.self-sign', { key: 'One', subject: 'CN=Ada' });
  await core.call('certificates.self-sign', { key: 'One', subject: 'CN=Ada', days: 10 });
  expect((await core.call<KeyRecord>('keys.show', { key: 'One' })).findings).toEqual([]);
  await core.call('certificates.self-sign', { key: 'One', subject: 'CN=Somebody else' });
  expect((await core.call<KeyRecord>('keys.show', { key: 'One' })).findings).toMatchObject([{ level: 'warning', code: 'reused-key', remedy: expect.stringContaining('--new-key') as unknown }]);
  const weak = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  await core.call('keys.import', { content: base64url(weak), label: 'Weak' });
  expect((await core.call<KeyRecord>('keys.show', { key: 'Weak' })).findings?.map(({ code }) => code)).toEqual(['rsa-exponent']);
});
