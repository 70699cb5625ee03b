import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryKind } from '../../../storage/memory/index.ts';
import type { Storage } from '../../../storage/storage.ts';
import { findCommand } from '../../../../scripts/runtimes.ts';
import { loadAddon } from '../module/cryptoki.ts';
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

export function optionsFor(hsm: SoftHsm, changes: Partial<ModuleOptions> = {}): ModuleOptions {
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
