import { hash } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { SecretBytes } from '../../contract/index.ts';
import type { Storage } from '../storage.ts';
import { HmacKey } from './hmac.ts';
import { createSealed, newRecoveryCode, openSealed, readHeader } from './index.ts';
import { parseRecoveryCode } from './recovery-code.ts';
import { bytes, CHEAP, copyOf, create, filled, flip, freshMemory, open, PASSPHRASE, ringOf, text, valueOf } from './testing.ts';

const withCode = (raw: Storage, code: string) => openSealed(raw, { kind: 'recovery-code', secret: text(code) });

describe('unlocking', () => {
  test('a store that was created opens with its passphrase and has its records', async () => {
    const raw = await freshMemory();
    await filled(raw, { 'keys/a': 'one', 'keys/b': 'two' });
    await using store = await open(raw);
    expect(await valueOf(store, 'keys/a')).toBe('one');
    expect(store.header).toMatchObject({ name: 'Keys', formatVersion: 2, slots: [{ kind: 'passphrase', label: 'Passphrase' }] });
    expect(store.problems).toEqual([]);
  });

  test('the header is readable without a secret and tells no wrapped key', async () => {
    const raw = await freshMemory();
    expect(await readHeader(raw)).toBeUndefined();
    await filled(raw, {});
    const header = await readHeader(raw);
    expect(header?.name).toBe('Keys');
    expect(Object.keys(header?.slots[0] ?? {}).sort()).toEqual(['createdAt', 'id', 'kind', 'label']);
  });

  test('a wrong passphrase is PIN_INCORRECT, and so is a way that the store does not have', async () => {
    const raw = await freshMemory();
    await filled(raw, {});
    await expect(open(raw, 'wrong')).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
    await expect(withCode(raw, newRecoveryCode())).rejects.toMatchObject({ code: 'PIN_INCORRECT', facts: { alternatives: ['passphrase'] } });
  });

  test('no store is NOT_FOUND; a second one in the same storage is refused', async () => {
    const raw = await freshMemory();
    await expect(open(raw)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await filled(raw, { a: '1' });
    await expect(create(raw)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await using store = await open(raw);
    expect(await valueOf(store, 'a')).toBe('1');
  });

  test('a passphrase opens in whichever Unicode form it is typed', async () => {
    const raw = await freshMemory();
    await (await createSealed(raw, { name: 'K', passphrase: text('Schlüssel'.normalize('NFC')), kdf: CHEAP }))[Symbol.asyncDispose]();
    await (await open(raw, 'Schlüssel'.normalize('NFD')))[Symbol.asyncDispose]();
  });

  test('an empty or endless passphrase is refused', async () => {
    await expect(createSealed(await freshMemory(), { name: 'K', passphrase: text(''), kdf: CHEAP })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(createSealed(await freshMemory(), { name: 'K', passphrase: text('x'.repeat(1025)), kdf: CHEAP })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('unless told, a store costs who guesses its passphrase 64 MiB, three passes and four lanes', async () => {
    const raw = await freshMemory();
    await (await createSealed(raw, { name: 'K', passphrase: text(PASSPHRASE) }))[Symbol.asyncDispose]();
    const header = Buffer.from((await raw.get('header'))?.value ?? []).toString('utf8');
    expect(header).toMatch(/"algorithm":"argon2id","memoryKiB":65536,"passes":3,"parallelism":4/);
    await (await open(raw))[Symbol.asyncDispose]();
  });

  test('after it is disposed nothing works, and the raw storage is still open', async () => {
    const raw = await freshMemory();
    await filled(raw, { a: '1' });
    const store = await open(raw);
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await expect(store.put('a', bytes('2'), { ifRevision: 'any' })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await expect(store.list('', { limit: 1 })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await expect(store.log.append(bytes('x'))).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await expect(store.log.read(1, 1)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    expect(() => store.deriveKey('audit', 32)).toThrow('locked');
    expect(() => [...store.snapshot('')]).toThrow('locked');
    expect(await raw.get('header')).toBeDefined();
  });

  test('locking wipes the root key itself', async () => {
    const raw = await freshMemory();
    await filled(raw, {});
    const keys = await ringOf(raw);
    const bytesOfRoot = keys.root.reveal();
    const wiped = vi.spyOn(HmacKey.prototype as { [Symbol.dispose](): void }, Symbol.dispose);
    expect(bytesOfRoot.some((byte) => byte !== 0)).toBe(true);
    keys[Symbol.dispose]();
    expect(bytesOfRoot.every((byte) => byte === 0)).toBe(true);
    expect(wiped).toHaveBeenCalledTimes(5); // what it is split into: names, records, index, log, header
    wiped.mockRestore();
    expect(() => keys.opaqueId('a')).toThrow('locked');
    expect(() => keys.root).toThrow('locked');
  });

  test('a derived key depends on its purpose and on the store, and on nothing else', async () => {
    const raw = await freshMemory();
    await using store = await create(raw);
    const hex = (secret: SecretBytes) => Buffer.from(secret.reveal()).toString('hex');
    const audit = hex(store.deriveKey('audit', 32));
    expect(hex(store.deriveKey('other', 32))).not.toBe(audit);
    expect(hex(store.deriveKey('audit', 64))).toHaveLength(128);
    await using other = await create(await freshMemory());
    expect(hex(other.deriveKey('audit', 32))).not.toBe(audit);
    await using again = await open(raw);
    expect(hex(again.deriveKey('audit', 32))).toBe(audit);
  });
});

describe('slots', () => {
  test('a recovery code unlocks, in any spelling that a person gives it', async () => {
    const raw = await freshMemory();
    const code = newRecoveryCode();
    {
      await using store = await create(raw);
      await store.put('a', bytes('1'), { ifRevision: 'absent' });
      expect(await store.slots.add({ kind: 'recovery-code', label: 'Paper', secret: text(code) })).toMatchObject({ kind: 'recovery-code', label: 'Paper' });
    }
    for (const typed of [code, code.toLowerCase(), code.replaceAll('-', ' '), code.replaceAll('-', '').replaceAll('0', 'o').replaceAll('1', 'l')]) {
      await using store = await withCode(raw, typed);
      expect(await valueOf(store, 'a')).toBe('1');
    }
    await expect(withCode(raw, newRecoveryCode())).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
  });

  test('a recovery code has 150 random bits in eight groups, and tells a typing error', () => {
    const code = newRecoveryCode();
    expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(newRecoveryCode()).not.toBe(code);
    expect(parseRecoveryCode(text(code)).length).toBe(30);
    let missed = 0;
    for (let at = 0; at < code.length; at++) {
      if (code[at] === '-') continue;
      const typed = code.slice(0, at) + (code[at] === 'X' ? 'Y' : 'X') + code.slice(at + 1);
      try {
        parseRecoveryCode(text(typed));
        missed += 1; // one in 1,024
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'PIN_INCORRECT' });
      }
    }
    expect(missed).toBeLessThan(4);
    for (const typed of ['', code.slice(1), `${code}0`, code.replace(/./, 'U'), code.replace(/./, 'é')]) {
      expect(() => parseRecoveryCode(text(typed))).toThrow('mistyped');
    }
  });

  test('a slot of another kind wraps a 32-byte key, so that a token or a keychain can unlock', async () => {
    const raw = await freshMemory();
    const key = new Uint8Array(32).fill(7);
    {
      await using store = await create(raw);
      await store.slots.add({ kind: 'os-keychain', label: 'This computer', secret: new SecretBytes(Uint8Array.from(key)) });
      await expect(store.slots.add({ kind: 'tpm', label: 'TPM', secret: text('short') })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    await using store = await openSealed(raw, { kind: 'os-keychain', secret: new SecretBytes(key) });
    expect(store.slots.list().map(({ kind }) => kind)).toEqual(['passphrase', 'os-keychain']);
  });

  test('a removed slot no longer opens; the last one stays', async () => {
    const raw = await freshMemory();
    const code = newRecoveryCode();
    {
      await using store = await create(raw);
      const [first] = store.slots.list();
      await expect(store.slots.remove(first?.id ?? '')).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(store.slots.remove('0000000000000000')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await store.slots.add({ kind: 'recovery-code', label: 'Paper', secret: text(code) });
      await store.slots.remove(first?.id ?? '');
    }
    await expect(open(raw)).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
    await using store = await withCode(raw, code);
    expect(store.slots.list()).toHaveLength(1);
    expect(store.problems).toEqual([]);
  });

  test('a change of passphrase leaves every record byte for byte', async () => {
    const raw = await freshMemory();
    await filled(raw, { a: '1', b: '2' });
    const before = await copyOf(raw, 'r/');
    {
      await using store = await open(raw);
      await expect(store.changePassphrase(text('wrong'), text('next'))).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
      await store.changePassphrase(text(PASSPHRASE), text('next'));
    }
    expect(await copyOf(raw, 'r/')).toEqual(before);
    await expect(open(raw)).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
    await using store = await open(raw, 'next');
    expect(await valueOf(store, 'b')).toBe('2');
    expect(store.problems).toEqual([]);
  });

  test('an older header that is put back is noticed', async () => {
    const raw = await freshMemory();
    await filled(raw, { a: '1' });
    const old = await raw.get('header');
    {
      await using store = await open(raw);
      await store.changePassphrase(text(PASSPHRASE), text('next'));
    }
    await raw.put('header', old?.value ?? bytes(''), { ifRevision: 'any' });
    await using store = await open(raw);
    expect(store.problems).toMatchObject([{ record: 'header' }]);
    expect((await store.verify({ signal: AbortSignal.timeout(10_000), progress: () => undefined })).problems).toMatchObject([{ record: 'header' }]);
    await store.changePassphrase(text(PASSPHRASE), text('third'));
    expect(store.problems).toEqual([]);
  });
});

describe('a damaged or hostile header', () => {
  /** Writes the header again as an attacker would: with a checksum that is right. */
  async function rewrite(raw: Storage, change: (json: any) => void): Promise<void> {
    const record = await raw.get('header');
    const [line = '', mac = ''] = new TextDecoder().decode(record?.value).split('\n');
    const json = JSON.parse(line) as unknown;
    change(json);
    const proven = `${JSON.stringify(json)}\n${mac}\n`;
    await raw.put('header', bytes(`${proven}${hash('sha256', proven)}\n`), { ifRevision: 'any' });
  }
  const corrupt = { code: 'CORRUPT_RECORD', facts: { where: 'header' } };

  test('any flipped bit is told as damage and not as a wrong passphrase', async () => {
    const raw = await freshMemory();
    await filled(raw, {});
    const length = (await raw.get('header'))?.value.length ?? 0;
    for (let at = 0; at < length; at += 7) {
      await flip(raw, 'header', at);
      await expect(readHeader(raw)).rejects.toMatchObject(corrupt);
      await expect(open(raw)).rejects.toMatchObject(corrupt);
      await flip(raw, 'header', at);
    }
    await (await open(raw))[Symbol.asyncDispose]();
  });

  test('truncated, empty and foreign headers are damage', async () => {
    const raw = await freshMemory();
    await filled(raw, {});
    const whole = (await raw.get('header'))?.value ?? bytes('');
    for (const value of [whole.subarray(0, 100), bytes(''), bytes('{}'), bytes('\n\n\n\n'), new Uint8Array(300_000)]) {
      await raw.put('header', value, { ifRevision: 'any' });
      await expect(readHeader(raw)).rejects.toMatchObject(corrupt);
    }
  });

  test('Argon2 with 100 GiB is refused before anything is allocated', async () => {
    const raw = await freshMemory();
    await filled(raw, {});
    for (const kdf of [{ memoryKiB: 100 * 1024 * 1024 }, { passes: 1e9 }, { parallelism: 1e6 }, { memoryKiB: 1024 * 1024, passes: 60 }, { memoryKiB: -1 }, { passes: 0.5 }, { memoryKiB: '64' }, { memoryKiB: 1e400 }]) {
      const header = await raw.get('header');
      await rewrite(raw, (json) => Object.assign(json.slots[0].kdf, kdf));
      await expect(readHeader(raw)).rejects.toMatchObject(corrupt);
      await expect(open(raw)).rejects.toMatchObject(corrupt);
      await raw.put('header', header?.value ?? bytes(''), { ifRevision: 'any' });
    }
  });

  test('a header that was altered does not open, even with the right passphrase', async () => {
    const raw = await freshMemory();
    await filled(raw, {});
    const header = await raw.get('header');
    const attempt = async (change: (json: any) => void) => {
      await rewrite(raw, change);
      const failure = await open(raw).then(() => undefined, (thrown: { code: string }) => thrown.code);
      await raw.put('header', header?.value ?? bytes(''), { ifRevision: 'any' });
      return failure;
    };
    expect(await attempt((json) => { json.name = 'Other'; })).toBe('CORRUPT_RECORD');
    expect(await attempt((json) => { json.createdAt = '2020-01-01T00:00:00.000Z'; })).toBe('CORRUPT_RECORD');
    expect(await attempt((json) => { json.slots[0].label = 'Other'; })).toBe('CORRUPT_RECORD');
    expect(await attempt((json) => { json.slots.push({ ...json.slots[0], id: '0011223344556677' }); })).toBe('CORRUPT_RECORD');
    // These change the slot's own key, so that nothing can tell them from a wrong passphrase.
    expect(await attempt((json) => { json.slots[0].kdf.passes = 2; })).toBe('PIN_INCORRECT');
    expect(await attempt((json) => { json.slots[0].kdf.salt = '00'.repeat(16); })).toBe('PIN_INCORRECT');
    expect(await attempt((json) => { json.slots[0].id = '0011223344556677'; })).toBe('PIN_INCORRECT');
    expect(await attempt((json) => { json.id = '00'.repeat(16); })).toBe('PIN_INCORRECT');
    expect(await attempt((json) => { json.slots = []; })).toBe('CORRUPT_RECORD');
    expect(await attempt((json) => { json.slots = Array.from({ length: 17 }, () => json.slots[0]); })).toBe('CORRUPT_RECORD');
    expect(await attempt((json) => { json.formatVersion = 0; })).toBe('CORRUPT_RECORD');
  });

  test('a store of a newer version is STORE_TOO_NEW and stays as it is', async () => {
    const raw = await freshMemory();
    await filled(raw, { a: '1' });
    await rewrite(raw, (json) => { json.formatVersion = 99; });
    const before = await copyOf(raw);
    await expect(readHeader(raw)).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
    await expect(open(raw)).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
    expect(await copyOf(raw)).toEqual(before);
  });
});
