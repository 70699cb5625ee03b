import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCommand } from '../../scripts/runtimes.ts';
import { VirtualReader } from './vpcd.ts';

const STARTER = join(import.meta.dirname, 'pcscd-starter.pl');
const DRIVER = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so';
/** pcscd writes its process id there, wherever its socket is. */
const RUN = '/run/pcscd';

/** Reader names by which clients know what is in: ykcs11 and yubico-piv-tool look at none without "Yubico". */
export const YUBIKEY_READER = 'Yubico YubiKey OTP+FIDO+CCID';
export const SMARTCARD_HSM_READER = 'Nitrokey Nitrokey HSM';

/** vpcd opens two slots for each reader in the configuration, on neighbouring ports. */
const SLOTS = 2;
const START_ATTEMPTS = 5;

function pcscdCommand(): string | undefined {
  return findCommand('pcscd', { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` });
}

/** @returns why no smart-card service with virtual readers can be started here, or undefined when it can. */
export function missingForPcscd(): string | undefined {
  if (process.platform !== 'linux') return 'virtual smart-card readers need Linux';
  if (pcscdCommand() === undefined) return 'no pcscd (Debian package pcscd)';
  if (!existsSync(DRIVER)) return 'no virtual smart-card reader (Debian package vsmartcard-vpcd)';
  if (findCommand('perl', process.env) === undefined) return 'no perl, which starts pcscd on a socket of our own';
  if (!existsSync(RUN) && process.getuid?.() !== 0) return `pcscd needs the folder ${RUN}, which root alone can make`;
  return undefined;
}

interface PcscdOptions {
  /** Friendly names, one a reader; each has two slots. Both kinds of tokens when left out. */
  readonly readers?: readonly string[];
}

/** @returns a smart-card service of our own that answers clients. @throws Error with what pcscd said. */
export async function startPcscd(options: PcscdOptions = {}): Promise<Pcscd> {
  const missing = missingForPcscd();
  if (missing !== undefined) throw new Error(`The smart-card service cannot start: ${missing}.`);
  const pcscd = new Pcscd(options.readers ?? [YUBIKEY_READER, SMARTCARD_HSM_READER]);
  try {
    await pcscd.start();
  } catch (error) {
    await pcscd.stop();
    throw error;
  }
  return pcscd;
}

/**
 * A real pcscd with virtual readers, in the foreground, on a socket of its own: it neither disturbs nor sees the machine's
 * own smart-card service and readers, and any number may run at once. Clients reach it by `environment`.
 */
export class Pcscd implements AsyncDisposable {
  /** The path of the socket, in a folder of its own. */
  readonly socket: string;
  /** What makes a PC/SC client talk to this service: to be set in its environment before it starts. */
  readonly environment: Readonly<{ PCSCLITE_CSOCK_NAME: string }>;
  readonly #folder: string;
  readonly #names: readonly string[];
  #readers: VirtualReader[] = [];
  #process: ChildProcess | undefined;
  #said = '';

  constructor(names: readonly string[]) {
    this.#folder = mkdtempSync(join(tmpdir(), 'keywright-pcscd-'));
    this.#names = names;
    this.socket = join(this.#folder, 'pcscd.comm');
    this.environment = { PCSCLITE_CSOCK_NAME: this.socket };
  }

  /** Every slot of every reader. */
  get readers(): readonly VirtualReader[] {
    return this.#readers;
  }

  /** What pcscd logged since it started. */
  get said(): string {
    return this.#said;
  }

  /** @returns the n-th slot for a kind of token. @throws Error when there is none. */
  reader(kind: 'yubikey' | 'smartcardhsm', n = 0): VirtualReader {
    const name = kind === 'yubikey' ? YUBIKEY_READER : SMARTCARD_HSM_READER;
    const reader = this.#readers.filter((one) => one.name.startsWith(name))[n];
    if (reader === undefined) throw new Error(`There is no slot ${n} for ${name}.`);
    return reader;
  }

  /** Starts the service, or starts it again on the same socket after `stop({ keep: true })`: cards that were in are in again. */
  async start(): Promise<void> {
    if (this.#process !== undefined) throw new Error('The smart-card service runs already.');
    for (let attempt = 1; !(await this.#tryStart()); attempt += 1) {
      if (attempt === START_ATTEMPTS) throw new Error(`pcscd did not start: ${this.#said.slice(-2000)}`);
      await this.#end();
    }
    for (const reader of this.#readers) {
      const card = await reader.remove();
      if (card !== undefined) await reader.insert(card);
    }
  }

  /** Ends the service. With `keep`, cards stay in their readers without power until the service is started again. */
  async stop({ keep = false }: { keep?: boolean } = {}): Promise<void> {
    if (!keep) for (const reader of this.#readers) await reader.remove();
    await this.#end();
    if (!keep) rmSync(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const closed = once(process, 'close');
    process.stdin?.end();
    await closed;
  }

  /** @returns false when another program took one of the ports meanwhile. @throws Error when pcscd ended by itself. */
  async #tryStart(): Promise<boolean> {
    // A restart keeps the ports: tests hold on to the readers.
    if (this.#readers.length === 0) this.#readers = await this.#newReaders();
    const configuration = join(this.#folder, 'reader.conf.d');
    mkdirSync(configuration, { recursive: true });
    writeFileSync(join(configuration, 'virtual'), this.#names.map((name, index) => this.#entry(name, index)).join('\n'));
    this.#said = '';
    const started = spawn('perl', [STARTER, this.socket, pcscdCommand() ?? 'pcscd', '--foreground', '--info', '--config', configuration], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // No USB drivers: readers that are really plugged in belong to the machine's own service.
      env: { ...process.env, PCSCLITE_HP_DROPDIR: join(this.#folder, 'no-drivers') },
    });
    this.#process = started;
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    const hear = (chunk: Buffer): void => {
      this.#said += chunk.toString();
      if (this.#said.includes('daemon ready')) resolve();
    };
    started.stdout?.on('data', hear);
    started.stderr?.on('data', hear);
    started.on('error', reject);
    started.on('close', () => reject(new Error(`pcscd ended: ${this.#said.slice(-2000)}`)));
    await ready;
    const waiting = this.#said.split('Waiting for virtual ICC').length - 1;
    if (waiting === this.#readers.length) return true;
    if (this.#readers.every((reader) => reader.card === undefined)) this.#readers = [];
    return false;
  }

  async #newReaders(): Promise<VirtualReader[]> {
    const readers: VirtualReader[] = [];
    for (const name of this.#names) {
      const port = await freePorts();
      for (let slot = 0; slot < SLOTS; slot += 1) readers.push(new VirtualReader(`${name} 00 0${slot}`, port + slot));
    }
    return readers;
  }

  /** @returns a reader.conf(5) entry. Each reader has a copy of the driver, which keeps its slots in globals: two readers of one copy would share them. */
  #entry(name: string, index: number): string {
    const driver = join(this.#folder, `driver-${index}.so`);
    if (!existsSync(driver)) copyFileSync(realpathSync(DRIVER), driver);
    const port = `0x${this.#readers[index * SLOTS]?.port.toString(16)}`;
    return `FRIENDLYNAME "${name}"\nDEVICENAME /dev/null:${port}\nLIBPATH ${driver}\nCHANNELID ${port}\n`;
  }
}

/** @returns the first of two neighbouring ports that are free now, below those that the system gives to outgoing connections. */
async function freePorts(): Promise<number> {
  for (;;) {
    const port = 20_000 + 2 * Math.floor(Math.random() * 6_000);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port);
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
