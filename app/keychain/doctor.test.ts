import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openTestCore, type TestCore } from './testing/core.ts';

interface Report { readonly ok: boolean; readonly findings: readonly { readonly level: string; readonly code: string; readonly detail: string }[] }

const report = ({ call }: TestCore): Promise<Report> => call<Report>('doctor.run', {});
const levels = ({ findings }: Report, code: string): string[] => findings.filter((finding) => finding.code === code).map(({ level }) => level);

describe('the doctor', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });

  test.runIf(process.platform === 'linux')('tells once that the smart-card service is missing, whether the store is locked or not', async () => {
    vi.stubEnv('PCSCLITE_CSOCK_NAME', '/nonexistent/pcscd.comm');
    await using opened = await openTestCore({ kind: 'sqlite' });
    expect(levels(await report(opened), 'pcsc.no-service')).toEqual(['warning']);
    await opened.call('store.lock');
    const locked = await report(opened);
    expect([locked.ok, levels(locked, 'store.locked'), levels(locked, 'pcsc.no-service')]).toEqual([true, ['ok'], ['warning']]);
  });

  test('tells a store that cannot be opened as a problem, not as a locked one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keywright-doctor-'));
    try {
      await writeFile(join(folder, 'store.json'), 'no JSON');
      await using opened = await openTestCore({ folder });
      const found = await report(opened);
      expect([found.ok, levels(found, 'store.damaged'), levels(found, 'store.locked')]).toEqual([false, ['problem'], []]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('tells a clock that is behind what the audit trail has seen', async () => {
    await using opened = await openTestCore();
    await opened.call('keys.generate', { algorithm: 'ed25519', label: 'Now', backend: 'software' });
    expect(levels(await report(opened), 'runtime.clock-behind')).toEqual([]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    expect(levels(await report(opened), 'runtime.clock-behind')).toEqual(['warning']);
  });
});
