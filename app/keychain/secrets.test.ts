import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS, type KeyRecord } from '../contract/index.ts';
import { answering, openTestCore, somebody, type TestCore } from './testing/core.ts';

/** Known secrets are put in, and looked for wherever they must not be, in each form in which bytes are written down. */

const STORE_PASSPHRASE = 'canary-STORE-passphrase-8fJ2qLx0';
const EXPORT_PASSPHRASE = 'canary-EXPORT-passphrase-Zk71mWw4';
const OWN_PASSPHRASE = 'canary-OWN-passphrase-Tt93bVq6';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'der' });
const raw = Buffer.from(pair.privateKey.export({ format: 'jwk' }).d!, 'base64url');
const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

/** @returns the forms in which a secret may be written: itself, hexadecimal, base64 at each of its three alignments, and as JSON bytes. */
function formsOf(name: string, secret: Uint8Array): [string, Buffer][] {
  const bytes = Buffer.from(secret);
  const texts: [string, string][] = [[`${name} in hexadecimal`, bytes.toString('hex')], [`${name} in HEXADECIMAL`, bytes.toString('hex').toUpperCase()], [`${name} as a list of numbers`, [...bytes].join(',')]];
  for (const shift of [0, 1, 2]) {
    // Characters that depend on neighbouring bytes are left out.
    const coded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64').replace(/=+$/, '').slice(shift === 0 ? 0 : shift + 1, -2);
    texts.push([`${name} in base64 (${shift})`, coded], [`${name} in base64url (${shift})`, coded.replaceAll('+', '-').replaceAll('/', '_')]);
  }
  return [[name, bytes], ...texts.map(([form, text]): [string, Buffer] => [form, Buffer.from(text)])];
}

const CANARIES: [string, Buffer][] = [
  ...formsOf('the passphrase', Buffer.from(STORE_PASSPHRASE)), ...formsOf('the passphrase of the export', Buffer.from(EXPORT_PASSPHRASE)), ...formsOf('the key’s own passphrase', Buffer.from(OWN_PASSPHRASE)),
  ...formsOf('the private scalar', raw), ...formsOf('the PKCS#8 key', pkcs8), ['a line of the PEM', Buffer.from(pem.split('\n')[1]!)],
  ['the passphrase in UTF-16', Buffer.from(STORE_PASSPHRASE, 'utf16le')],
];

function leaksIn(where: string, haystack: Uint8Array | string): string[] {
  const bytes = Buffer.from(haystack as Uint8Array);
  return CANARIES.filter(([, needle]) => bytes.includes(needle)).map(([name]) => `${where}: ${name}`);
}

async function leaksInFolder(folder: string, except: (name: string) => boolean = () => false): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || except(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    found.push(...leaksIn(path, path), ...leaksIn(path, await readFile(path).catch(() => Buffer.alloc(0))));
  }
  return found;
}

test('a leak would be noticed, in every form and at every alignment', () => {
  for (let shift = 0; shift < 3; shift += 1) {
    const text = Buffer.concat([Buffer.alloc(shift, 'x'), raw, Buffer.from('yz')]);
    for (const encoding of ['base64', 'base64url', 'hex'] as const) expect(leaksIn('here', text.toString(encoding))).not.toEqual([]);
  }
  expect(leaksIn('here', JSON.stringify({ secret: STORE_PASSPHRASE }))).toEqual(['here: the passphrase']);
});

describe('in a core', () => {
  const logged: string[] = [];
  const write = process.stderr.write.bind(process.stderr);
  let core: TestCore;
  let folder: string;
  beforeAll(async () => {
    process.stderr.write = ((chunk: string | Uint8Array) => (logged.push(Buffer.from(chunk as string).toString('latin1')), true)) as typeof process.stderr.write;
    folder = await mkdtemp(join(tmpdir(), 'keywright-secrets-'));
    core = await openTestCore({ folder });
  });
  afterAll(async () => {
    process.stderr.write = write;
    await core[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('no error, event, audit entry, listing or file holds a secret that passed through', async () => {
    const seen: string[] = [];
    core.core.subscribe((event) => seen.push(JSON.stringify(event)));
    const prompt = answering({
      'new-store-passphrase': STORE_PASSPHRASE, 'store-passphrase': STORE_PASSPHRASE, 'export-passphrase': EXPORT_PASSPHRASE, 'import-passphrase': EXPORT_PASSPHRASE,
      'new-key-passphrase': OWN_PASSPHRASE, 'key-passphrase': OWN_PASSPHRASE, password: OWN_PASSPHRASE, confirm: true,
    });
    const call = <T>(operation: string, input: unknown = {}): Promise<T> => core.core.call(operation, input, { principal: somebody(), prompt, progress: (event) => seen.push(JSON.stringify(event)) }) as Promise<T>;
    await call('store.create', { kind: 'sqlite' });
    const { keys: [key] } = await call<{ keys: [KeyRecord] }>('keys.import', { content: Buffer.from(pem).toString('base64url'), label: 'Canary' });
    await call('keys.import', { content: Buffer.from(pem).toString('base64url'), label: 'Canary with a passphrase', ownPassphrase: true }).catch((thrown: unknown) => seen.push(JSON.stringify(thrown)));
    await call('keys.export', { key: key.id }); // encrypted: the passphrase and the key are both in it, and neither shows
    await call('keys.sign', { key: key.id, content: { message: 'aGVsbG8' } });
    await call('keys.rotate', { key: key.id });
    await call('keys.delete', { key: key.id });
    await call('keys.restore', { key: key.id });
    await call('store.backup', { out: { path: join(folder, 'backup.kwb') } });
    // Secrets where they do not belong: whatever is answered does not repeat them.
    const misplaced = [STORE_PASSPHRASE, pem, raw.toString('base64url'), pkcs8.toString('base64url'), Buffer.from(`${STORE_PASSPHRASE}${pem}`).toString('base64url')];
    for (const operation of OPERATIONS) {
      if (['store.lock', 'store.open', 'store.restore'].includes(operation.id)) continue;
      for (const secret of misplaced) {
        for (const input of [secret, [secret], { [secret.slice(0, 20)]: secret }, { key: key.id, passphrase: secret }, { key: key.id, content: secret }, { key: key.id, algorithm: secret }, { type: secret }, { key: key.id, content: { digest: secret } }, { id: { secret } }]) {
          await core.core.call(operation.id, input, { principal: somebody(), prompt, signal: AbortSignal.timeout(20_000) }).catch((thrown: unknown) => {
            const { message, facts } = thrown as { message: string; facts: unknown };
            // A name that the caller sent as a field's name is told back, cut: it names the fault. Values never are.
            seen.push(`${operation.id}: ${message.replaceAll(secret.slice(0, 20), '')} ${JSON.stringify({ ...(facts as object), detail: '' })}`);
          });
        }
      }
    }
    for (const operation of ['store.status', 'store.slots.list', 'store.recent', 'keys.list', 'backends.list', 'jobs.list', 'audit.export', 'access.list', 'config.show', 'agent.metrics', 'doctor.run']) seen.push(JSON.stringify(await call(operation)));
    expect(seen.flatMap((text) => leaksIn(text.slice(0, 80), text))).toEqual([]);
    expect(leaksIn('the log', logged.join(''))).toEqual([]);
    expect(await leaksInFolder(folder)).toEqual([]);
    await call('store.lock');
    expect(await leaksInFolder(folder)).toEqual([]);
  });
});

const program = join(import.meta.dirname, '../../bin/keywright');
const built = existsSync(join(import.meta.dirname, '../../dist/keywright.js'));
const linux = process.platform === 'linux';
const why = !built ? ' (skipped: not built, run `npm run build`)' : !linux ? ' (skipped: processes are looked at through /proc)' : '';

describe('in processes of their own', () => {
  test.skipIf(why !== '')(`no command, background owner or agent shows a secret in its arguments, environment, log or files${why}`, async () => {
    const home = await mkdtemp(join(tmpdir(), 'keywright-processes-'));
    const data = join(home, 'data');
    const secrets = join(home, 'secrets');
    const children: ChildProcess[] = [];
    const output: string[] = [];
    const found: string[] = [];
    const environment = { PATH: process.env['PATH'] ?? '', HOME: home, XDG_RUNTIME_DIR: join(home, 'run'), KEYWRIGHT_DATA_DIR: data };
    /** Looks at every process that was started here, by what is in its environment. */
    const lookAtProcesses = async (): Promise<number> => {
      let ours = 0;
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
        const [line, surroundings] = await Promise.all(['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`).catch(() => Buffer.alloc(0)))) as [Buffer, Buffer];
        if (!surroundings.includes(home) && !line.includes(home)) continue;
        ours += 1;
        // A program that ended meanwhile has no limits any more, and what a test starts by itself has those of the machine.
        const limits = line.includes('keywright.js') ? (await readFile(`/proc/${pid}/limits`, 'utf8').catch(() => '')) : '';
        if (limits !== '' && !/^Max core file size +0 /m.test(limits)) found.push(`process ${pid} would leave a core dump`);
        found.push(...leaksIn(`the arguments of process ${pid}`, line), ...leaksIn(`the environment of process ${pid}`, surroundings));
      }
      return ours;
    };
    const run = async (...args: string[]): Promise<number> => {
      const child = spawn(program, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
      children.push(child);
      child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString('latin1')));
      child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString('latin1')));
      const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
      let over = false;
      void ended.then(() => (over = true));
      while (!over) {
        await lookAtProcesses();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return ended;
    };
    try {
      await mkdir(secrets, { mode: 0o700 });
      await mkdir(environment.XDG_RUNTIME_DIR, { mode: 0o700 });
      for (const [name, secret] of [['store', STORE_PASSPHRASE], ['export', EXPORT_PASSPHRASE], ['key.pem', pem]] as const) await writeFile(join(secrets, name), secret, { mode: 0o600 });
      const unlock = ['--passphrase-file', join(secrets, 'store')];
      expect(await run('store', 'create', ...unlock), output.join('')).toBe(0);
      expect(await run('store', 'unlock', ...unlock, '--verbose'), output.join('')).toBe(0);
      expect(await lookAtProcesses(), 'the background owner is among the processes looked at').toBeGreaterThan(0);
      expect(await run('keys', 'import', join(secrets, 'key.pem'), '--label', 'Canary'), output.join('')).toBe(0);
      expect(await run('keys', 'export', 'Canary', '--export-passphrase-file', join(secrets, 'export'), '--out', join(home, 'exported.pem')), output.join('')).toBe(0);
      for (const wrong of [['keys', 'show', 'nothing'], ['keys', 'export', 'Canary', '--format', 'nonsense'], ['keys', 'sign', 'Canary', '--in', '/nowhere'], ['keys', 'list', '--filter', 'x=y']]) expect(await run(...wrong, '--verbose')).not.toBe(0);
      expect(await run('store', 'lock')).toBe(0);
      const agent = spawn(program, ['serve', '--listen', '127.0.0.1:0', ...unlock, '--verbose'], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
      children.push(agent);
      const listening = new Promise<void>((resolve, reject) => {
        const heard = (chunk: Buffer): void => {
          output.push(chunk.toString('latin1'));
          if (/127\.0\.0\.1:\d+/.test(output.join(''))) resolve();
        };
        agent.stdout.on('data', heard);
        agent.stderr.on('data', heard);
        agent.on('close', () => reject(new Error(`the agent ended: ${output.join('').slice(-500)}`)));
      });
      await listening;
      expect(await lookAtProcesses()).toBeGreaterThan(0);
      agent.removeAllListeners('close');
      agent.kill('SIGTERM');
      await new Promise((resolve) => agent.on('close', resolve));
      found.push(...leaksIn('the output of the processes', output.join('')), ...(await leaksInFolder(data)), ...(await leaksInFolder(environment.XDG_RUNTIME_DIR)));
      expect(found).toEqual([]);
      // What was exported is the key, for who knows the passphrase.
      const exported = createPrivateKey({ key: await readFile(join(home, 'exported.pem')), passphrase: EXPORT_PASSPHRASE });
      expect(exported.export({ format: 'jwk' }).d).toBe(raw.toString('base64url'));
    } finally {
      for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
      try {
        execFileSync(program, ['store', 'lock'], { env: environment, stdio: 'ignore', timeout: 20_000 });
      } catch {
        // It may be locked already.
      }
      await rm(home, { recursive: true, force: true });
    }
  });
});
