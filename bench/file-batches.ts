import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { benchCore, keyInCore, OWNER, temporaryFolder } from './core.ts';
import { fill } from './files.ts';
import { compare, seconds, type Ratio, type Reading } from './measure.ts';

const [FILES, EACH] = [10_000, 10_000];

/** Files against the programs that people use for them: CMS over openssl, age over age, and many small ones over what file system and hash alone cost. */
export async function* fileBatchBenchmarks(): AsyncGenerator<Ratio | Reading> {
  await using folder = await temporaryFolder();
  await using core = await benchCore();
  const at = (name: string): string => join(folder.path, name);
  const call = (operation: string, input: object): Promise<unknown> => core.core.call(operation, input, { principal: OWNER });
  const run = (program: string, ...args: string[]): void => {
    const { status, stderr } = spawnSync(program, args);
    if (status !== 0) throw new Error(`${program} failed: ${stderr.toString()}`);
  };
  const { id, privateKey } = await keyInCore(core, 'ec-p256');
  await writeFile(at('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const { pem } = (await call('certificates.self-sign', { key: id, subject: 'CN=Bench', days: 30 })) as { pem: string };
  await writeFile(at('cert.pem'), pem);
  await fill(at('large'));

  yield await compare('CMS detached of 1 GiB, speed over openssl cms', 'GiB/s', { least: 0.9 },
    async () => 1 / (await seconds(() => run('openssl', 'cms', '-sign', '-binary', '-in', at('large'), '-signer', at('cert.pem'), '-inkey', at('key.pem'), '-outform', 'DER', '-out', at('openssl.p7s')))),
    async () => 1 / (await seconds(() => call('files.sign', { files: [{ path: at('large') }], key: id, format: 'cms', out: { beside: true, overwrite: true } }))));

  const recipient = 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj';
  if (spawnSync('age', ['--version']).error === undefined) {
    yield await compare('age of 1 GiB, speed over age', 'GiB/s', { least: 0.5 },
      async () => 1 / (await seconds(() => run('age', '-r', recipient, '-o', at('theirs.age'), at('large')))),
      async () => 1 / (await seconds(() => call('files.encrypt', { files: [{ path: at('large') }], recipients: [recipient], out: { beside: true, overwrite: true } }))));
  }

  await mkdir(at('small'));
  const paths = Array.from({ length: FILES }, (_, index) => at(`small/${String(index).padStart(5, '0')}`));
  for (const path of paths) await writeFile(path, randomBytes(EACH));
  const files = paths.map((path) => ({ path }));
  const clear = async (ending: string): Promise<void> => {
    for (const path of paths) await rm(path + ending, { force: true });
  };
  // The least that a signature beside each file costs: read it, hash it, and have 72 bytes written durably under a new name.
  yield await compare('10,000 files of 10 kB signed raw, speed over file system and hash alone', 'files/s', { least: 1 / 1.5 },
    async () => {
      await clear('.hash');
      return FILES / (await seconds(() => eachOf(paths, async (path) => {
        const digest = createHash('sha256').update(await readFile(path)).digest();
        const file = await open(`${path}.part`, 'wx', 0o600);
        await file.writeFile(Buffer.concat([digest, digest]));
        await file.sync();
        await file.close();
        await link(`${path}.part`, `${path}.hash`);
        await rm(`${path}.part`);
      })));
    },
    async () => {
      await clear('.sig');
      return FILES / (await seconds(() => call('files.sign', { files, key: id })));
    });
}

/** As many at once as `files.sign` has. */
async function eachOf(paths: readonly string[], work: (path: string) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (next < paths.length) await work(paths[next++] as string);
  }));
}
