import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { benchCore, keyInCore, OWNER, temporaryFolder } from './core.ts';
import { compare, seconds, type Ratio, type Reading } from './measure.ts';

const GIBIBYTE = 1024 ** 3;

/** Signing a file of 1 GiB against `openssl dgst -sha256 -sign` with the same key, and how much memory it takes. */
export async function* fileBenchmarks(): AsyncGenerator<Ratio | Reading> {
  await using folder = await temporaryFolder();
  await using core = await benchCore();
  const { id, privateKey } = await keyInCore(core, 'ec-p256');
  const path = join(folder.path, 'large');
  await fill(path);
  const pem = join(folder.path, 'key.pem');
  await writeFile(pem, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const before = process.memoryUsage.rss();
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 20);
  yield await compare('raw signature of 1 GiB, speed', 'GiB/s', { least: 0.9 },
    async () => 1 / (await seconds(() => {
      const { status } = spawnSync('openssl', ['dgst', '-sha256', '-sign', pem, '-out', join(folder.path, 'openssl.sig'), path]);
      if (status !== 0) throw new Error('openssl failed');
    })),
    async () => {
      await rm(`${path}.sig`, { force: true });
      return 1 / (await seconds(() => core.core.call('files.sign', { files: [{ path }], key: id }, { principal: OWNER })));
    });
  clearInterval(watch);
  const grown = (highest - before) / 1024 ** 2;
  yield { name: 'memory that signing 1 GiB takes', value: grown, unit: 'MiB', target: '< 64 MiB', met: grown < 64 };
}

/** Writes 1 GiB that does not compress. */
export async function fill(path: string): Promise<void> {
  await using file = await open(path, 'w');
  const chunk = randomBytes(1024 ** 2);
  for (let written = 0; written < GIBIBYTE; written += chunk.length) await file.write(chunk);
}
