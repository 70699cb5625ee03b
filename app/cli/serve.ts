import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, Option } from 'commander';
import { type Configuration, configFileOf, dataDirOf, loadConfig } from '../config/index.ts';
import { KeywrightError, type Prompter } from '../contract/index.ts';
import { openCore, version } from '../index.ts';
import { KeptCore } from '../rpc/kept-core.ts';
import { ownOrUse, type Owner } from '../rpc/owner.ts';
import { startAgent, type AgentOptions } from '../agent/index.ts';
import { globalsOf, type Globals } from './globals.ts';
import { unlockFor } from './open.ts';
import { addGlobals, givenBy, helpOption, usageError } from './parse.ts';
import { CommandPrompter, readSecretFile } from './secrets.ts';
import { StandardInput } from './standard-input.ts';
import { OWNER, type Surroundings } from './surroundings.ts';
import { HelpAsked } from './words.ts';

/** Milliseconds that calls in flight get when the agent is told to end. */
const PATIENCE = 5000;
/** The name of the service credential (`LoadCredential=keywright-passphrase:…` in a systemd unit). */
const CREDENTIAL = 'keywright-passphrase';

interface ServeOptions {
  readonly listen?: string;
  readonly socket?: string;
  readonly ui?: boolean;
  readonly 'tls-cert'?: string;
  readonly 'tls-key'?: string;
}

/** `keywright serve`: the agent, until SIGTERM or Ctrl+C. Starts locked, unless a file or a service credential has the passphrase. */
export async function serve(argv: readonly string[], around: Surroundings): Promise<number> {
  const given = parse(argv);
  const options = given as ServeOptions;
  const globals = globalsOf(given, around.env);
  const tls = tlsOf(options);
  const ui = options.ui === true ? { folder: windowFolder() } : undefined;
  const dataDir = dataDirOf(globals.dataDir, around.env);
  const { path, named } = configFileOf(globals.config, dataDir, around.env);
  const config = loadConfig({ file: path, named, env: around.env, flags: options.listen === undefined ? {} : { 'serve.listen': options.listen } });
  const say = (line: string): void => {
    if (!globals.quiet) around.stdout.write(`${line}\n`);
  };

  let owner: Owner | undefined;
  const acquire = async () => {
    const held = await ownOrUse({ dataDir, kind: 'serve', version, signal: around.signal, open: (claim) => openCore({ dataDir, config, kind: 'serve', claim }) });
    owner = held.owner;
    return held.core;
  };
  const core = await KeptCore.begin(acquire);
  try {
    // An agent that cannot open its store has nothing to serve; later it keeps trying.
    if (core.failure !== undefined) throw core.failure;
    const prompt = passphraseFrom(globals, around);
    if (prompt !== undefined) await unlockFor(core, { principal: OWNER, prompt, signal: around.signal }, false);
    const agentOptions: AgentOptions = { listen: String(config.get('serve.listen')), ...(options.socket === undefined ? {} : { socket: resolve(options.socket) }), ...(tls === undefined ? {} : { tls }), ...(ui === undefined ? {} : { ui }), ...ocspOf(config) };
    const agent = await startAgent(core, agentOptions);
    try {
      for (const address of agent.addresses) say(`Keywright listens on ${address}`);
      if (agent.ocsp !== undefined) say(`OCSP is answered at ${agent.ocsp}`);
      if (agent.loginUrl !== undefined) say(`Open ${agent.loginUrl()} within a minute; it works once.`);
      if (prompt === undefined) say('Locked stores stay locked until somebody unlocks them: `keywright store unlock`.');
      await aborted(around.signal);
    } finally {
      await agent.close();
    }
  } finally {
    if (owner === undefined) await core[Symbol.asyncDispose]();
    else await owner.close({ patience: PATIENCE });
  }
  return 0;
}

/** @returns the serve command's options by their long names. @throws HelpAsked, INVALID_INPUT */
function parse(argv: readonly string[]): Record<string, unknown> {
  const command = new Command('keywright serve')
    .description('Start the local agent: REST, and with --ui the window in a browser.')
    .exitOverride()
    .addHelpOption(helpOption())
    .addOption(new Option('--listen <address>', 'HOST:PORT; port 0 takes any that is free (default: 127.0.0.1:8420, or serve.listen)'))
    .addOption(new Option('--socket <path>', 'also listen on a Unix socket, for REST with a token'))
    .addOption(new Option('--ui', 'also serve the window to a browser'))
    .addOption(new Option('--tls-cert <file>', 'certificate chain, PEM; needed for any address but this machine’s own'))
    .addOption(new Option('--tls-key <file>', 'its private key, PEM'))
    .optionsGroup('Options of every command:');
  addGlobals(command);
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text), writeErr: () => undefined });
  command.action(() => undefined);
  try {
    command.parse([...argv], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.code === 'commander.helpDisplayed') throw new HelpAsked(help);
    throw usageError(thrown.message, { words: ['serve'] });
  }
  const given = givenBy(command);
  if (given['agent'] !== undefined) throw new KeywrightError('INVALID_INPUT', { detail: 'An agent is started here, so there is none to use.', where: '--agent', remedy: 'Leave out --agent and --no-agent.' });
  return given;
}

function ocspOf(config: Configuration): Pick<AgentOptions, 'ocsp'> {
  const listen = String(config.get('ocsp.listen'));
  return config.get('ocsp.respond') === true ? { ocsp: { hours: Number(config.get('ocsp.hours')), ...(listen === '' ? {} : { listen }) } } : {};
}

function tlsOf(options: ServeOptions): AgentOptions['tls'] | undefined {
  const { 'tls-cert': certFile, 'tls-key': keyFile } = options;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) throw new KeywrightError('INVALID_INPUT', { detail: 'A certificate and its key belong together.', where: certFile === undefined ? '--tls-cert' : '--tls-key', remedy: 'Give both --tls-cert and --tls-key.' });
  return { certFile, keyFile };
}

/** @returns who answers with the passphrase, if a file or a service credential holds it. */
function passphraseFrom(globals: Globals, around: Surroundings): Prompter | undefined {
  const none = async () => undefined;
  if (globals.secretFiles['passphrase-file'] !== undefined) {
    return new CommandPrompter({ files: globals.secretFiles, also: {}, stdin: new StandardInput(around.stdin, around.signal), yes: false, signal: around.signal, terminal: none, hasTerminal: false });
  }
  const folder = around.env['CREDENTIALS_DIRECTORY'];
  if (folder === undefined || !existsSync(join(folder, CREDENTIAL))) return undefined;
  const secret = readSecretFile(join(folder, CREDENTIAL), 'CREDENTIALS_DIRECTORY', true);
  return {
    interactive: false,
    async ask(request) {
      if (request.purpose === 'store-passphrase') return { kind: 'secret', secret };
      throw new KeywrightError('PIN_REQUIRED', { detail: `${request.title}: a service has nobody to ask.`, remedy: 'Do this on the command line or in the window.' });
    },
  };
}

/** Where the built window lies: beside the bundle, or beside the sources. */
function windowFolder(): string {
  const places = ['./renderer/', '../../dist/renderer/'].map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return places.find((place) => existsSync(join(place, 'index.html'))) ?? places[0]!;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
