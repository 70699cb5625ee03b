import { z } from 'zod';
import type { BackendManifest } from '../../keystore/registry.ts';
import { AES_CAPABILITIES } from './capabilities.ts';

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
