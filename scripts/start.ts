/**
 * npm start [-- --data-dir DIR …]
 *
 * Opens Keywright: the desktop window with Electron; without Electron the same window in a Chromium-based browser, served
 * by an agent of its own; without either, or without a display, it serves and prints one address to open.
 */
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { downloadElectron } from './electron-download.ts';
import { isStale, PARTS } from './freshness.ts';
import { ROOT } from './paths.ts';
import { findBrowser, findElectron, hasDisplay, type Environment } from './runtimes.ts';
import { startPrivateAgent, type PrivateAgent } from './start-agent.ts';
import { openAppWindow } from './start-browser.ts';
import { runElectron } from './start-electron.ts';

const HELP = `npm start [-- options]

  --data-dir DIR     where the store and the configuration live
  --browser          the window in a browser, even if Electron is there
  --no-download      do not try to download Electron
  --no-window        open nothing: serve, and print the address

Anything else is passed on to the program.`;

const say = (line: string) => console.log(line);

interface Options {
  readonly 'data-dir'?: string;
  readonly browser?: boolean;
  readonly 'no-download'?: boolean;
  readonly 'no-window'?: boolean;
  readonly help?: boolean;
}

function readOptions(argv: readonly string[]): { options: Options; rest: string[] } {
  const own = {
    'data-dir': { type: 'string' }, browser: { type: 'boolean' }, 'no-download': { type: 'boolean' }, 'no-window': { type: 'boolean' }, help: { type: 'boolean', short: 'h' },
  } as const;
  const { values, tokens } = parseArgs({ args: [...argv], options: own, strict: false, tokens: true, allowPositionals: true });
  const rest = tokens.flatMap((token) => {
    if (token.kind === 'option') return token.name in own ? [] : [argv[token.index] ?? ''];
    return token.kind === 'positional' ? [token.value] : [];
  });
  return { options: values as Options, rest };
}

/** Where the browser keeps the profile of our window: nothing of ours is in it but the session's cookie. */
function profileFolder(dataFolder: string | undefined, environment: Environment): string {
  if (dataFolder !== undefined) return join(dataFolder, 'browser');
  const cache = environment['XDG_CACHE_HOME'] ?? environment['LOCALAPPDATA'] ?? join(homedir(), '.cache');
  return join(cache, 'keywright', 'browser');
}

async function electronHere(options: Options, environment: Environment): Promise<string | undefined> {
  if (options.browser === true) return undefined;
  const executable = findElectron(environment);
  if (executable !== undefined || options['no-download'] === true) return executable;
  const skipped = new AbortController();
  const skip = () => skipped.abort();
  process.once('SIGINT', skip);
  try {
    return await downloadElectron({ environment, log: say, signal: skipped.signal });
  } finally {
    process.off('SIGINT', skip);
  }
}

/** @returns the exit code when the window was closed, or undefined when no browser could be opened. */
async function inBrowser(agent: PrivateAgent, browser: string, profile: string, environment: Environment): Promise<number | undefined> {
  say(`Opening the window in ${browser}. It ends when the window is closed, or with Ctrl+C.`);
  let end = () => undefined as void;
  let wasInterrupted = false;
  const interrupted = () => {
    wasInterrupted = true;
    end();
  };
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  const outcome = await Promise.race([
    openAppWindow(browser, agent.address, profile, environment, (close) => (end = close)),
    agent.ended.then(() => 'agent ended' as const),
  ]);
  process.off('SIGINT', interrupted);
  process.off('SIGTERM', interrupted);
  if (!wasInterrupted && outcome === 'failed') {
    say('The browser could not be opened.');
    return undefined;
  }
  if (!wasInterrupted && outcome === 'handed over') {
    say('The window opened in a browser that runs already. Ctrl+C ends it.');
    return untilStopped(agent);
  }
  end();
  await agent.stop();
  return 0;
}

/** Serves until Ctrl+C, or until the agent ends by itself. */
async function untilStopped(agent: PrivateAgent): Promise<number> {
  const stop = () => void agent.stop();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return agent.ended;
}

/** In a process of its own: the bundler's memory goes with it. What fails is told there; an older build may still serve. */
function buildIfStale(): void {
  if (PARTS.some(isStale)) spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), '--if-stale'], { stdio: 'inherit' });
}

async function main(argv: readonly string[], environment: Environment): Promise<number> {
  const { options, rest } = readOptions(argv);
  if (options.help === true) {
    say(HELP);
    return 0;
  }
  const dataFolder = options['data-dir'] ?? environment['KEYWRIGHT_DATA_DIR'];
  const passedOn = [...(options['data-dir'] === undefined ? [] : ['--data-dir', options['data-dir']]), ...rest];
  buildIfStale();

  const wantsWindow = options['no-window'] !== true && hasDisplay(environment);
  if (wantsWindow) {
    const electron = await electronHere(options, environment);
    if (electron !== undefined) {
      const outcome = await runElectron(electron, passedOn, environment);
      if (outcome.opened === 'elsewhere') {
        say('Keywright is open already: its window was brought to the front.');
        return 0;
      }
      if (outcome.opened) return outcome.exitCode;
      say(`Electron could not open its window (${outcome.reason}).`);
    }
  }

  const agent = await startPrivateAgent(passedOn, environment);
  const browser = wantsWindow ? findBrowser(environment) : undefined;
  if (browser !== undefined) {
    const exitCode = await inBrowser(agent, browser, profileFolder(dataFolder, environment), environment);
    if (exitCode !== undefined) return exitCode;
  }
  say('Keywright serves its window. Open this address in a browser on this machine; it works once, within a minute:');
  say(`\n  ${agent.address}\n`);
  say(wantsWindow
    ? 'For the desktop window: let `npm start` download Electron, or install a Chromium-based browser. Ctrl+C ends it.'
    : 'For the desktop window: run `npm start` in a desktop session (this one has no display). Ctrl+C ends it.');
  return untilStopped(agent);
}

try {
  process.exitCode = await main(process.argv.slice(2), process.env);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
