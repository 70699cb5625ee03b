import { z } from 'zod';
import type { BackendManifest } from '../../keystore/registry.ts';
import { PKCS8_CAPABILITIES } from './capabilities.ts';

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
