import { execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from './core.ts';
import { median, reading, ROUNDS, seconds, type Reading } from './measure.ts';

const run = promisify(execFile);
const KEYWRIGHT = fileURLToPath(new URL('../bin/keywright', import.meta.url));
const PASSPHRASE = 'correct horse battery staple 42';
const REPEAT = ROUNDS * 2;

/** The command line from the shell, and an idle core. Needs the build (`npm run build`). */
export async function* processBenchmarks(): AsyncGenerator<Reading> {
  await using folder = await temporaryFolder();
  const passphrase = join(folder.path, 'pw');
  await writeFile(passphrase, PASSPHRASE, { mode: 0o600 });
  const env = { ...process.env, KEYWRIGHT_DATA_DIR: join(folder.path, 'data') };
  const keywright = (...words: string[]): Promise<unknown> => run(KEYWRIGHT, words, { env });
  await keywright('store', 'create', '--passphrase-file', passphrase);
  await keywright('keys', 'generate', '--algorithm', 'ec-p256', '--label', 'Bench', '--passphrase-file', passphrase);

  const list = async (...more: string[]): Promise<number[]> => {
    const times: number[] = [];
    for (let round = 0; round < REPEAT; round += 1) times.push(1000 * (await seconds(() => keywright('keys', 'list', ...more))));
    return times;
  };
  const inProcess = await list('--passphrase-file', passphrase);
  await keywright('store', 'unlock', '--passphrase-file', passphrase);
  yield reading('keywright keys list with an owner running, from the shell', await list(), 'ms', 100);
  const node = await times(() => run(process.execPath, ['-e', '0']));
  const derivation = await times(() => run(process.execPath, ['-e', "require('crypto').argon2Sync('argon2id',{message:'x',nonce:Buffer.alloc(16),parallelism:4,tagLength:32,memory:65536,passes:3})"]));
  yield reading('keywright keys list in-process, beyond Node and the Argon2id derivation', [median(inProcess) - median(derivation)], 'ms', 60);
  yield { name: 'Node’s own floor', value: median(node), unit: 'ms', target: 'reported', met: true };
  await keywright('store', 'lock');

  const agent = spawn(KEYWRIGHT, ['serve', '--listen', '127.0.0.1:0'], { env, stdio: 'ignore' });
  // It gives back the memory of starting two seconds after it started.
  await wait(6000);
  const status = await readFile(`/proc/${agent.pid}/status`, 'utf8').catch(() => '');
  agent.kill('SIGTERM');
  const resident = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024;
  yield reading('core, idle, resident', [resident], 'MiB', 90);
}

async function times(work: () => Promise<unknown>): Promise<number[]> {
  const measured: number[] = [];
  for (let round = 0; round < REPEAT; round += 1) measured.push(1000 * (await seconds(work)));
  return measured;
}
