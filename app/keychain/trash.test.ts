import { afterEach, describe, expect, test, vi } from 'vitest';
import type { KeyRecord } from '../contract/index.ts';
import { openTestCore } from './testing/core.ts';

const DAY = 86_400_000;
const fails = (code: string): unknown => expect.objectContaining({ code });
afterEach(() => vi.useRealTimers());

describe('a key in the trash', () => {
  test('is destroyed once its days are over, with an entry in the trail that says why; younger ones stay', async () => {
    await using core = await openTestCore({ kind: 'sqlite' });
    const [old, young, kept] = await Promise.all(['Old', 'Young', 'Kept'].map((label) => core.call<KeyRecord>('keys.generate', { label, algorithm: 'ed25519' }))) as [KeyRecord, KeyRecord, KeyRecord];
    await core.call('keys.delete', { key: old.id });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20 * DAY });
    await core.call('keys.delete', { key: young.id });
    vi.setSystemTime(Date.now() + 11 * DAY);
    await core.call('store.lock');
    await core.call('store.unlock');
    await vi.waitFor(() => expect(core.call('keys.show', { key: old.id })).rejects.toEqual(fails('NOT_FOUND')), 10_000);
    expect(await core.call('keys.show', { key: young.id })).toMatchObject({ trashedUntil: expect.any(String) });
    await core.call('keys.sign', { key: kept.id, content: { message: 'aGVsbG8' } });
    const { entries } = await core.call<{ entries: { operation: string; principal: string; detail: string }[] }>('audit.list', { subject: old.uri });
    expect(entries[0]).toMatchObject({ operation: 'keys.purge', principal: 'keywright', detail: expect.stringContaining('trash') });
    await core.call('store.lock');
    expect(await core.call('store.unlock')).toMatchObject({ keys: 2, problems: [] });
    expect(await core.call('store.verify')).toMatchObject({ ok: true });
  });

  test('is used by nothing, is listed only when asked for, and comes back as it was', async () => {
    await using core = await openTestCore();
    const key = await core.call<KeyRecord>('keys.generate', { label: 'Undone', algorithm: 'aes-256', tags: ['a'] });
    const { ciphertext } = await core.call<{ ciphertext: string }>('keys.encrypt', { key: key.id, plaintext: 'c2VjcmV0' });
    await core.call('keys.delete', { key: key.id });
    for (const [operation, input] of [['keys.encrypt', { plaintext: 'eA' }], ['keys.decrypt', { ciphertext }], ['keys.rotate', {}], ['keys.export', {}]] as const) {
      await expect(core.call(operation, { key: key.id, ...input }, { 'export-passphrase': 'another pass phrase 99' }), operation).rejects.toEqual(fails('CONFLICT'));
    }
    expect(await core.call('keys.list')).toMatchObject({ total: 0 });
    expect(await core.call('keys.list', { trash: true })).toMatchObject({ total: 1 });
    const restored = await core.call<KeyRecord>('keys.restore', { key: key.id });
    expect(restored).toEqual({ ...key, revision: restored.revision });
    expect(await core.call('keys.decrypt', { key: key.id, ciphertext })).toMatchObject({ plaintext: 'c2VjcmV0' });
  });

  test('is purged only after a confirmation that is typed', async () => {
    await using core = await openTestCore();
    const key = await core.call<KeyRecord>('keys.generate', { label: 'Doomed', algorithm: 'ed25519' });
    await core.call('keys.delete', { key: key.id });
    await expect(core.call('keys.purge', { key: key.id }, { confirm: undefined as never })).rejects.toEqual(fails('CANCELLED'));
    expect(await core.call('keys.restore', { key: key.id })).toMatchObject({ trashedUntil: null });
  });
});
