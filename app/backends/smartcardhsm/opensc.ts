import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PinKeeper } from '../../keystore/pins.ts';
import type { BackendDeps, Finding } from '../../keystore/registry.ts';
import { findKnownModules } from '../pkcs11/known-modules.ts';
import type { Peculiarities } from '../pkcs11/peculiarities.ts';
import { ModuleSource, type ModuleOptions } from '../pkcs11/source.ts';
import { SMARTCARD_HSM_CAPABILITIES } from './capabilities.ts';

/** OpenSC's PKCS#11 module, through which keys are made and used. */

/** The card keeps no usages, and OpenSC shows what it has read of a key, which before login is half of it. */
const PECULIAR: Peculiarities = { usagesAreFixed: true };
/** Making RSA keys takes a card up to minutes. */
const GENERATE_SECONDS = 600;
/** One card does one thing at a time. */
const SESSIONS = 4;

/** @returns where OpenSC's module is; null when it is not installed. @param configured by the user, which comes first. */
export function openScModule(configured: string | undefined): string | null {
  if (configured !== undefined) return existsSync(configured) ? configured : null;
  return findKnownModules().find(({ module }) => module.name === 'OpenSC')?.path ?? null;
}

export function moduleMissing(configured: string | undefined): Finding {
  return {
    level: 'warning', code: 'smartcardhsm.opensc-missing',
    detail: configured === undefined ? 'OpenSC’s PKCS#11 module is not installed: the keys in a SmartCard-HSM can be backed up and restored, but not made or used.' : `There is no PKCS#11 module at ${configured}, so that keys in a SmartCard-HSM cannot be made or used.`,
    remedy: configured !== undefined ? 'Mend the setting, or leave it out: `keywright backends configure smartcardhsm --set module=`.'
      : process.platform === 'linux' ? 'Install it: `apt install opensc-pkcs11` or `dnf install opensc`.' : 'Install OpenSC from its makers. It is found where its installer puts it.',
  };
}

interface OpenScOptions {
  readonly instance: string;
  readonly module: string;
  readonly accepts: NonNullable<ModuleOptions['accepts']>;
  readonly pins: (slot: Parameters<NonNullable<ModuleOptions['pins']>>[0]) => PinKeeper;
  readonly present: NonNullable<ModuleOptions['present']>;
}

/** The module at work, in a process of its own. */
export interface OpenSc extends AsyncDisposable {
  readonly source: ModuleSource;
}

/** Starts it with a configuration of our own beside the user's. */
export async function startOpenSc(options: OpenScOptions, deps: BackendDeps): Promise<OpenSc> {
  const folder = await mkdtemp(join(tmpdir(), 'keywright-opensc-'));
  const file = join(folder, 'opensc.conf');
  await writeFile(file, `${OWN_SETTINGS}\n${await usersSettings()}`, { mode: 0o600 });
  const { instance, module, accepts, pins, present } = options;
  const source = new ModuleSource({
    instance, type: 'smartcardhsm', scheme: 'smartcardhsm', module, accepts, pins, present, peculiar: PECULIAR, environment: { OPENSC_CONF: file }, sessions: SESSIONS, deadlines: { seconds: 60, generateSeconds: GENERATE_SECONDS },
    // OpenSC lists mechanisms of its own making, and says that it imports private keys; the card refuses them.
    limit: ({ algorithms, capabilities }) => ({
      algorithms: SMARTCARD_HSM_CAPABILITIES.algorithms.filter((name) => algorithms.includes(name)), capabilities: SMARTCARD_HSM_CAPABILITIES.capabilities.filter((name) => capabilities.includes(name)),
    }),
  }, deps);
  return {
    source,
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * For this program alone, and before the user's settings, so that they hold: OpenSC must send no PIN by itself (it would send one again that the
 * card has refused since), and must not serve files from a cache that we have changed in the card.
 */
const OWN_SETTINGS = `app opensc-pkcs11 {
	framework pkcs15 {
		use_pin_caching = false;
		use_file_caching = no;
	}
}
`;

async function usersSettings(): Promise<string> {
  const path = process.env['OPENSC_CONF'] ?? '/etc/opensc/opensc.conf';
  return readFile(path, 'utf8').catch(() => '');
}
