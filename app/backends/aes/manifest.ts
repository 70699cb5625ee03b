import { z } from 'zod';
import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS } from '../../contract/index.ts';
import type { CapabilitySet } from '../../keystore/keystore.ts';
import type { BackendManifest } from '../../keystore/registry.ts';

export const AES_CAPABILITIES: CapabilitySet = {
  algorithms: KEY_ALGORITHM_NAMES.filter((name) => KEY_ALGORITHMS[name].kind === 'symmetric'),
  capabilities: ['encrypt', 'decrypt', 'wrap', 'unwrap', 'derive', 'mac', 'verify-mac', 'generate', 'import', 'export', 'rotate', 'copy', 'random'],
};

const NoSettings = z.strictObject({});

export const aesManifest: BackendManifest<typeof NoSettings> = {
  type: 'aes',
  scheme: 'aes',
  title: 'Software symmetric keys',
  summary: 'AES, ChaCha20-Poly1305 and HMAC keys in the encrypted store itself; they act in this process.',
  config: NoSettings,
  capabilities: AES_CAPABILITIES,
  host: 'core',
  async load() {
    const { openAes } = await import('./index.ts');
    return { open: async ({ name }, deps) => openAes(name, deps) };
  },
};
