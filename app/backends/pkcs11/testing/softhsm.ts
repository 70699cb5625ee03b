import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PinLedger } from '../../../../e2e/devices/pin-ledger.ts';
import { KeywrightError, type PromptAnswer, type PromptRequest } from '../../../contract/index.ts';
import type { KeyCall } from '../../../keystore/keystore.ts';
import { callFor } from '../../../keystore/testing/calls.ts';
import { memoryKind } from '../../../storage/memory/index.ts';
import type { Storage } from '../../../storage/storage.ts';
import { findCommand } from '../../../../scripts/runtimes.ts';
import { loadAddon } from '../module/addon.ts';
import { findKnownModules } from '../known-modules.ts';
import { ModuleSource, type ModuleOptions, type Pkcs11Token } from '../source.ts';

/** A SoftHSM of a test's own, with nothing in it that another test or program sees. */

export const PIN = '123456';
export const SO_PIN = '87654321';

export const SOFTHSM = findKnownModules().find(({ module }) => module.name === 'SoftHSM')?.path ?? null;

/** @returns why SoftHSM cannot be used here, or undefined. */
export function missingForSoftHsm(): string | undefined {
  try {
    loadAddon();
  } catch {
    return 'the PKCS#11 addon is not built (no C++ compiler)';
  }
  return SOFTHSM === null || findCommand('softhsm2-util', process.env) === undefined ? 'no SoftHSM (Debian package softhsm2)' : undefined;
}

export class SoftHsm implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'keywright-softhsm-'));
  readonly environment = { SOFTHSM2_CONF: join(this.folder, 'softhsm2.conf') };

  constructor() {
    mkdirSync(join(this.folder, 'tokens'));
    writeFileSync(this.environment.SOFTHSM2_CONF, `directories.tokendir = ${join(this.folder, 'tokens')}\nlog.level = ERROR\nslots.removable = false\n`);
  }

  /** Runs a tool that looks at it from outside. @returns what it prints. */
  tool(name: string, ...args: readonly string[]): string {
    return execFileSync(name, args, { env: { ...process.env, ...this.environment }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  pkcs11Tool(...args: readonly string[]): string {
    return this.tool('pkcs11-tool', '--module', SOFTHSM as string, ...args);
  }

  initialise(label: string): this {
    this.tool('softhsm2-util', '--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', SO_PIN);
    return this;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function optionsFor(hsm: SoftHsm, changes: Partial<ModuleOptions> = {}): ModuleOptions {
  return { instance: 'softhsm', type: 'pkcs11', scheme: 'pkcs11', module: SOFTHSM as string, environment: hsm.environment, sessions: 16, deadlines: { seconds: 60, generateSeconds: 600 }, ...changes };
}

/** @returns the source over it, once what is there is known. The caller disposes it. */
export async function openSource(hsm: SoftHsm, changes: Partial<ModuleOptions> = {}, storage?: Storage): Promise<ModuleSource> {
  const source = new ModuleSource(optionsFor(hsm, changes), { storage: storage ?? (await newStorage()), keepPinMinutes: () => 5 });
  await source.ready();
  return source;
}

export const newStorage = (): Promise<Storage> => memoryKind.open({ folder: randomUUID(), create: true });

export function tokenIn(source: ModuleSource, label: string): Pkcs11Token {
  const found = source.tokens().find(({ facts }) => facts.label === label);
  if (found === undefined) throw new Error(`There is no token “${label}”: ${JSON.stringify(source.findings())}`);
  return found;
}

/** A way in which the module of `misbehaving.c` is not as it should be. */
export type Misbehaviour =
  | 'hangs at start' | 'says that it is initialised' | 'hangs' | 'crashes' | 'gives too long a signature' | 'gives too short a signature' | 'gives nonsense lengths' | 'has one try left' | 'is locked'
  | 'prints to standard output' | 'has a keypad';

/** @returns why that module cannot be built here, or undefined. */
export function missingForMisbehaving(): string | undefined {
  return missingForSoftHsm() ?? (findCommand('gcc', process.env) === undefined ? 'no C compiler (Debian package gcc)' : undefined);
}

let built: string | undefined;

/** Built once a process. */
function misbehavingModule(): string {
  if (built !== undefined) return built;
  const folder = mkdtempSync(join(tmpdir(), 'keywright-module-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const module = join(folder, 'misbehaving.so');
  const includes = join(import.meta.dirname, '../../../../node_modules/pkcs11js/includes');
  execFileSync('gcc', ['-shared', '-fPIC', '-I', includes, '-o', module, join(import.meta.dirname, 'misbehaving.c'), '-ldl'], { stdio: 'pipe' });
  return (built = module);
}

/** @returns what opens a module that is this SoftHSM but for one fault. */
export function misbehaving(hsm: SoftHsm, how: Misbehaviour): Pick<ModuleOptions, 'module' | 'environment'> {
  const module = misbehavingModule();
  return { module, environment: { ...hsm.environment, SOFTHSM: SOFTHSM as string, MISBEHAVIOUR: how, KEYPAD_PIN: PIN, KEYPAD_SO_PIN: SO_PIN, KEYPAD_LOG: join(hsm.folder, 'keypad') } };
}

/** By purpose: what is typed, in turn; `true` confirms and types what is asked for. */
export type Answers = Partial<Record<PromptRequest['purpose'], string | readonly string[] | true>>;

/** @returns a call of somebody who answers prompts; what was asked is in `asked`. */
export function callOf(answers: Answers = {}, { signal, principal = 'owner', lastTry = false }: { signal?: AbortSignal; principal?: string; lastTry?: boolean } = {}): KeyCall & { readonly asked: PromptRequest[] } {
  const asked: PromptRequest[] = [];
  const left = new Map(Object.entries(answers).map(([purpose, answer]) => [purpose, typeof answer === 'string' || answer === true ? [answer] : [...answer]]));
  const base = callFor({} as Storage, signal === undefined ? {} : { signal });
  return {
    ...base, asked, id: randomUUID(), principal: { ...base.principal, id: principal },
    prompt: {
      interactive: true,
      async ask(request, ended): Promise<PromptAnswer> {
        asked.push(request);
        const answer = left.get(request.purpose)?.shift();
        // A notice stands until what it tells of is over.
        if (request.kind === 'touch') return new Promise((_resolve, reject) => { ended.addEventListener('abort', () => reject(ended.reason as Error), { once: true }); });
        if (answer === undefined) throw new KeywrightError('PIN_REQUIRED', 'Nobody answers.');
        if (request.kind === 'confirm') return { kind: 'confirmed', ...(request.typed === undefined ? {} : { typed: answer === true ? request.typed : answer }) };
        PinLedger.typed(String(answer));
        return { kind: 'secret', secret: String(answer), ...(lastTry ? { lastTry: true } : {}) };
      },
    },
  };
}
