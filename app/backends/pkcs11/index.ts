import { KeywrightError } from '../../contract/index.ts';
import { readSecretFile } from '../../devices/index.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import type { Pkcs11Settings } from './manifest.ts';
import { environmentOf, ModuleSource } from './source.ts';

/** The tokens of the module that an instance names. @throws INVALID_INPUT, BACKEND_UNAVAILABLE */
export function openPkcs11(name: string, config: Pkcs11Settings, deps: BackendDeps): ModuleSource {
  const { module, environment, sessions, deadlineSeconds, generateSeconds, pinFile, pinFor } = config;
  if (module === undefined) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `“${name}” has no module.`, remedy: `Name one: \`keywright backends configure ${name} --set module=PATH\`. \`keywright backends diagnose pkcs11\` lists those that are installed.` });
  return new ModuleSource({
    instance: name, type: 'pkcs11', scheme: 'pkcs11', module, environment: environmentOf(environment), sessions, deadlines: { seconds: deadlineSeconds, generateSeconds },
    ...(pinFile === undefined || pinFor === undefined ? {} : { fromFile: async (kind, { serial, label }) => (kind === 'pin' && (serial.toLowerCase() === pinFor.toLowerCase() || label === pinFor) ? readSecretFile(pinFile) : undefined) }),
  }, deps);
}
