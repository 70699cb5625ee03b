import { KeywrightError } from '../../contract/index.ts';
import { readSecretFile } from '../../devices/index.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import type { Pkcs11Settings } from './manifest.ts';
import { Provider } from '../worker/provider.ts';
import { environmentOf, ModuleSource } from './source.ts';
import { startWorker } from './start.ts';

/** A person waits for the answer: what comes up later than this is found later. */
const PROBE_SECONDS = 15;

/** The tokens of the module that an instance names. @throws INVALID_INPUT, BACKEND_UNAVAILABLE */
export function openPkcs11(name: string, config: Pkcs11Settings, deps: BackendDeps): ModuleSource {
  const { environment, sessions, deadlineSeconds, generateSeconds, pinFile, pinFor } = config;
  const module = moduleOf(name, config);
  return new ModuleSource({
    instance: name, type: 'pkcs11', scheme: 'pkcs11', module, environment: environmentOf(environment), sessions, deadlines: { seconds: deadlineSeconds, generateSeconds },
    ...(pinFile === undefined || pinFor === undefined ? {} : { fromFile: async (kind, { serial, label }) => (kind === 'pin' && (serial.toLowerCase() === pinFor.toLowerCase() || label === pinFor) ? readSecretFile(pinFile) : undefined) }),
  }, deps);
}

/** Loads the module in a process of its own, and ends that. @throws BACKEND_UNAVAILABLE or TIMEOUT with what is wrong with it */
export async function probePkcs11(name: string, config: Pkcs11Settings): Promise<void> {
  const module = moduleOf(name, config);
  const environment = environmentOf(config.environment);
  await using provider = new Provider({ title: `The PKCS#11 module ${module}`, instance: name, settings: { module, sessions: config.sessions }, start: () => startWorker(module, environment), startSeconds: PROBE_SECONDS });
  await provider.hello();
}

/** @throws BACKEND_UNAVAILABLE when the instance names none */
function moduleOf(name: string, { module }: Pkcs11Settings): string {
  if (module !== undefined) return module;
  throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `“${name}” has no module.`, remedy: `Name one: \`keywright backends configure ${name} --set module=PATH\`. \`keywright backends diagnose pkcs11\` lists those that are installed.` });
}
