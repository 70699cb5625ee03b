import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ran } from '../cli/testing/around.ts';
import type { Job } from '../contract/index.ts';
import { temporaryFolder } from '../formats/testing/keys.ts';
import { buildPdf } from '../signing/pdf/testing/documents.ts';
import { openTestCore, PASSPHRASE } from './testing/core.ts';

/** Batches whose process is killed with SIGKILL, and gone on with by another one. */

const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
const FILES = 150;

/** Runs a command line until `made` files have their output, and kills it. */
async function killedMidway(data: string, pw: string, argv: readonly string[], made: () => number): Promise<void> {
  const child = spawn(process.execPath, [MAIN, ...argv, '--no-agent', '--quiet'], { env: { ...process.env, KEYWRIGHT_DATA_DIR: data, KEYWRIGHT_PASSPHRASE_FILE: pw }, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  while (made() < 20 && child.exitCode === null) await sleep(1);
  child.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
}

test.each([
  { verb: 'encrypt', ending: '.age', options: ['--recipient', 'Files'] },
  { verb: 'sign', ending: '.signed.pdf', options: ['--key', 'Signing', '--format', 'pdf'] },
  { verb: 'sign', ending: '.pdf.sig', options: ['--key', 'Signing'] },
])('files $verb → $ending: what was finished and not noted is known again, nothing half-made stays, and nobody else’s file is taken for it', async ({ verb, ending, options }) => {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  writeFileSync(at('pw'), PASSPHRASE, { mode: 0o600 });
  mkdirSync(at('files'));
  const names = Array.from({ length: FILES }, (_, index) => `file-${String(index).padStart(3, '0')}`);
  const content = buildPdf();
  for (const name of names) writeFileSync(at(`files/${name}.pdf`), content);
  const output = (name: string): string => at(`files/${name}${ending === '.age' ? '.pdf.age' : ending}`);
  {
    await using core = await openTestCore({ folder: at('data') });
    await core.call('store.create', { kind: 'file' });
    const { uri } = await core.call<{ uri: string }>('keys.generate', { algorithm: 'ec-p256', label: 'Signing' });
    await core.call('certificates.self-sign', { key: uri, subject: 'CN=Ada', days: 10 });
    await core.call('keys.generate', { algorithm: 'x25519', label: 'Files' });
  }
  await killedMidway(at('data'), at('pw'), ['files', verb, ...names.map((name) => at(`files/${name}.pdf`)), ...options], () => names.filter((name) => existsSync(output(name))).length);
  const finished = new Map(names.filter((name) => existsSync(output(name))).map((name) => [name, readFileSync(output(name))]));
  expect(finished.size).toBeGreaterThanOrEqual(20);
  expect(finished.size).toBeLessThan(FILES);
  // Who was interrupted finds the job from the command line, where no agent runs.
  const listed = await ran(['jobs', 'list', '--json', '--no-agent'], { env: { KEYWRIGHT_DATA_DIR: at('data'), KEYWRIGHT_PASSPHRASE_FILE: at('pw') } });
  expect([listed.code, listed.json]).toMatchObject([0, { jobs: [{ state: 'interrupted', operation: `files.${verb}` }] }]);
  await using core = await openTestCore({ folder: at('data') });
  await core.call('store.unlock');
  const { jobs: [job] } = await core.call<{ jobs: Job[] }>('jobs.list');
  expect(job).toMatchObject({ state: 'interrupted', resumable: true });
  // Somebody else’s file has the place of one that is still to be made.
  writeFileSync(output(names.at(-1) as string), 'precious');
  expect(await core.call<Job>('jobs.resume', { id: job?.id })).toMatchObject({ state: 'failed', items: { done: FILES - 1, total: FILES } });
  expect(readFileSync(output(names.at(-1) as string), 'utf8')).toBe('precious');
  rmSync(output(names.at(-1) as string));
  expect(await core.call<Job>('jobs.resume', { id: job?.id })).toMatchObject({ state: 'done', items: { done: FILES } });
  for (const [name, before] of finished) expect(readFileSync(output(name)).equals(before), name).toBe(true);
  expect(readdirSync(at('files')).filter((name) => name.endsWith('.part'))).toEqual([]);
  expect(readdirSync(at('files')).length).toBe(2 * FILES);
});
