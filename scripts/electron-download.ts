import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.ts';
import { electronInstaller, findElectron, type Environment } from './runtimes.ts';

interface DownloadOptions {
  readonly environment: Environment;
  readonly log: (line: string) => void;
  /** Aborted by the person who waits. */
  readonly signal: AbortSignal;
  /** Milliseconds without a further byte after which it is given up. */
  readonly patience?: number;
  /** Milliseconds after which it is given up in any case. */
  readonly deadline?: number;
}

const LOOK_EVERY = 500;

/** Bytes below a folder that others write into. */
function bytesIn(folder: string): number {
  let sum = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    try {
      if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name)).size;
    } catch {
      // Moved to its place meanwhile.
    }
  }
  return sum;
}

function whyItEnded(output: string): string {
  const line = /(ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|HTTPError|Response code \d+|checksum|certificate)[^\n]*/i.exec(output)?.[0];
  if (/fetch failed/.test(output)) return 'its server could not be reached';
  return line === undefined ? 'the installer failed' : line.trim().slice(0, 120);
}

/**
 * Downloads Electron's runtime by the installer of its own package, which checks it against the hashes that came with
 * the package. Given up when nothing arrives for a while: many machines cannot reach the place that it comes from.
 *
 * @returns the executable, or undefined with the reason logged. Never throws, never hangs.
 */
export async function downloadElectron(options: DownloadOptions): Promise<string | undefined> {
  const { environment, log, signal, patience = 20_000, deadline = 10 * 60_000 } = options;
  const installer = electronInstaller();
  if (installer === undefined) {
    log('Electron is not installed (a production installation has no desktop program).');
    return undefined;
  }
  log('Downloading the desktop runtime (Electron, about 120 MB). Ctrl+C skips it.');
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, '.cache', 'electron-'));
  const { ELECTRON_OVERRIDE_DIST_PATH: _, ...inherited } = environment;
  const child = spawn(process.execPath, [installer], { env: { ...inherited, TMPDIR: folder, TEMP: folder, TMP: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));

  const started = Date.now();
  let seen = 0;
  let lastByte = started;
  let reason = '';
  const giveUp = (why: string) => {
    reason = why;
    child.kill('SIGKILL');
  };
  const look = setInterval(() => {
    const bytes = bytesIn(folder);
    if (bytes !== seen) lastByte = Date.now();
    seen = bytes;
    if (Date.now() - lastByte > patience) giveUp(`nothing arrived for ${Math.round(patience / 1000)} s`);
    else if (Date.now() - started > deadline) giveUp('it took too long');
  }, LOOK_EVERY);
  const onAbort = () => giveUp('skipped');
  signal.addEventListener('abort', onAbort, { once: true });

  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      reason = error.message;
      resolve(null);
    });
    child.once('close', resolve);
  });
  clearInterval(look);
  signal.removeEventListener('abort', onAbort);
  rmSync(folder, { recursive: true, force: true });

  const executable = code === 0 ? findElectron(inherited) : undefined;
  if (executable === undefined) log(`The desktop runtime could not be downloaded: ${reason === '' ? whyItEnded(output) : reason}.`);
  return executable;
}
