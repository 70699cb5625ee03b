import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { KeywrightError } from '../../contract/index.ts';
import type { Finding } from '../../keystore/registry.ts';
import type { ProviderProcess } from '../worker/provider.ts';
import type { CustomSettings } from './manifest.ts';

/** The program of a custom backend: looked at before each start, then run with its standard input and output as the channel. */

type Program = Pick<CustomSettings, 'program' | 'sha256' | 'interpreter'>;

/** Of our environment, what any program may need; nothing that could hold a secret of another one. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'APPDATA', 'LOCALAPPDATA', 'USERPROFILE', 'XDG_RUNTIME_DIR', 'PCSCLITE_CSOCK_NAME'];

/** @throws BACKEND_UNAVAILABLE when the file is not the one that was pinned, or others may change it */
async function assertPinned({ program, sha256 }: Program): Promise<void> {
  const found = await hashOf(program);
  if (found === sha256) return;
  throw new KeywrightError('BACKEND_UNAVAILABLE', {
    detail: `${program} is not the program that was set up: its SHA-256 is ${found}, and ${sha256} was pinned. It was not run.`,
    remedy: 'If you changed it yourself, pin it anew: `keywright backends configure NAME --set sha256=…`. Otherwise find out who did.',
  });
}

export async function startProgram(settings: Program): Promise<ProviderProcess> {
  await assertPinned(settings);
  const { program, interpreter } = settings;
  const environment = Object.fromEntries(INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  const child = spawn(interpreter ?? program, interpreter === undefined ? [] : [program], { stdio: ['pipe', 'pipe', 'pipe'], env: environment, windowsHide: true });
  return { process: child, input: child.stdin, output: child.stdout };
}

export async function* diagnoseProgram(settings: Program): AsyncGenerator<Finding> {
  try {
    await assertPinned(settings);
    yield { level: 'ok', code: 'custom.pinned', detail: `${settings.program} is the program that was pinned.` };
  } catch (thrown) {
    const { facts } = thrown as KeywrightError;
    yield { level: 'problem', code: 'custom.not-pinned', detail: facts.detail, ...(facts.remedy === undefined ? {} : { remedy: facts.remedy }) };
  }
}

async function hashOf(path: string): Promise<string> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The program ${path} cannot be read.`, remedy: 'See whether it is there and may be read.', cause });
  });
  try {
    const { mode } = await file.stat();
    if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
      throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `Others on this computer may change ${path}: it was not run.`, remedy: `chmod go-w '${path}'` });
    }
    const hash = createHash('sha256');
    for await (const piece of file.createReadStream({ autoClose: false })) hash.update(piece as Buffer);
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}
