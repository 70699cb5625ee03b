import { z } from 'zod';
import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS } from '../../contract/index.ts';
import type { CapabilitySet } from '../../keystore/keystore.ts';
import type { BackendManifest } from '../../keystore/registry.ts';

export const PKCS8_CAPABILITIES: CapabilitySet = {
  algorithms: KEY_ALGORITHM_NAMES.filter((name) => KEY_ALGORITHMS[name].kind === 'pair'),
  capabilities: [
    'sign', 'verify', 'encrypt', 'decrypt', 'wrap', 'unwrap', 'agree', 'encapsulate', 'decapsulate', 'generate', 'import', 'export', 'rotate', 'copy', 'random',
  ],
};

const NoSettings = z.strictObject({});

export const pkcs8Manifest: BackendManifest<typeof NoSettings> = {
  type: 'pkcs8',
  scheme: 'pkcs8',
  title: 'Software key pairs',
  summary: 'Key pairs in the encrypted store itself, as PKCS#8; they act in this process.',
  config: NoSettings,
  capabilities: PKCS8_CAPABILITIES,
  host: 'core',
  async load() {
    const { openPkcs8 } = await import('./index.ts');
    return { open: async ({ name }, deps) => openPkcs8(name, deps) };
  },
};
