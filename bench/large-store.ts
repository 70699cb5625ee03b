import { join } from 'node:path';
import { SecretBytes } from '../app/contract/index.ts';
import { Inventory, KEY_PREFIX } from '../app/keychain/inventory.ts';
import { PASSPHRASE } from '../app/keychain/testing/core.ts';
import { storageKind } from '../app/storage/registry.ts';
import { openSealed } from '../app/storage/sealed/index.ts';
import { coreWith, OWNER } from './core.ts';
import { reading, ROUNDS, seconds, type Reading } from './measure.ts';

const KEYS = 100_000;

/** A store of 100,000 keys: how soon it can be searched, how long a page takes, and how much memory it holds. */
export async function* largeStoreBenchmarks(): AsyncGenerator<Reading> {
  await using core = await coreWith(KEYS);
  const page = (input: object): Promise<unknown> => core.core.call('keys.list', { limit: 100, ...input }, { principal: OWNER });
  await page({ search: 'warm' });
  const found: number[] = [];
  for (let round = 0; round < ROUNDS * 4; round += 1) found.push(1000 * (await seconds(() => page({ search: `key ${(round * 7919) % KEYS}` }))));
  yield reading('a page of 100 found by label among 100,000 keys', found, 'ms', 20);
  yield { name: 'resident memory with 100,000 keys open', value: process.memoryUsage.rss() / 1024 ** 2, unit: 'MiB', target: 'reported', met: true };
  await core.core.call('store.lock', {}, { principal: OWNER });
  await core.core[Symbol.asyncDispose]();

  using passphrase = SecretBytes.fromText(PASSPHRASE);
  await using raw = await (await storageKind('sqlite')).open({ folder: join(core.folder, 'store'), create: false });
  const opened: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const unlocking = performance.now();
    await using sealed = await openSealed(raw, { kind: 'passphrase', secret: passphrase });
    const inventory = new Inventory(sealed.snapshot(KEY_PREFIX));
    inventory.select('label', false, ['key 5'], () => true).slice(0, 100);
    opened.push((performance.now() - unlocking) / 1000 - (await derivation()));
  }
  yield reading('from the root key at hand to search ready and the first page, 100,000 keys', opened, 's', 1);
}

/** The Argon2id derivation alone, which comes before the root key is at hand. */
async function derivation(): Promise<number> {
  const { argon2Sync, randomBytes } = await import('node:crypto');
  return seconds(() => void argon2Sync('argon2id', { message: randomBytes(16), nonce: randomBytes(16), parallelism: 4, tagLength: 32, memory: 65_536, passes: 3 }));
}
