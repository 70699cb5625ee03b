import type { KeywrightError } from '../../contract/index.ts';
import type { Finding } from '../../keystore/registry.ts';
import { findKnownModules, instanceName } from './known-modules.ts';
import type { Pkcs11Settings } from './manifest.ts';
import { loadAddon } from './module/addon.ts';

/** What is missing for PKCS#11: the addon, and for the type as a whole, which of the well-known modules are installed. */
export async function* diagnosePkcs11({ module }: Pkcs11Settings): AsyncGenerator<Finding> {
  try {
    // The addon alone; no module is loaded into this process.
    loadAddon();
    yield { level: 'ok', code: 'pkcs11.addon', detail: 'The PKCS#11 addon is built.' };
  } catch (thrown) {
    const { facts } = thrown as KeywrightError;
    yield { level: 'problem', code: 'pkcs11.addon-missing', detail: facts.detail, ...(facts.remedy === undefined ? {} : { remedy: facts.remedy }) };
  }
  if (module !== undefined) return;
  for (const { module: { name, for: purpose }, path } of findKnownModules()) {
    yield path === null
      ? { level: 'ok', code: 'pkcs11.module-absent', detail: `${name} (${purpose}): not installed.` }
      : { level: 'ok', code: 'pkcs11.module-found', detail: `${name} (${purpose}): ${path}`, remedy: `keywright backends add pkcs11 --name ${instanceName(name)} --set module='${path}'` };
  }
}
