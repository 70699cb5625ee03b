import { z } from 'zod';
import type { BackendManifest } from '../../keystore/registry.ts';
import { namesSamePkcs11Object } from '../../keystore/pkcs11-uri.ts';
import { PKCS11_CAPABILITIES } from './capabilities.ts';

const Pkcs11Settings = z.strictObject({
  module: z.string().trim().min(1).max(4096).optional().describe('Path of the PKCS#11 module: a shared library, from the maker of the token. Without it, the instance has no tokens.'),
  environment: z.string().max(4096).optional().describe('Environment variables that the module’s own configuration needs, NAME=value, several parted by “;”.'),
  sessions: z.int().min(1).max(256).default(16).describe('Most sessions with one token at once.'),
  deadlineSeconds: z.int().min(1).max(600).default(60).describe('A call into the module that takes longer is ended, with the module’s process.'),
  generateSeconds: z.int().min(1).max(3600).default(600).describe('The same for making a key, which is slow on cards.'),
  pinFile: z.string().trim().min(1).max(4096).optional().describe('A file with the PIN of the token that `pinFor` names, which nobody else may read. For servers: whoever may use its keys then needs no PIN.'),
  pinFor: z.string().trim().min(1).max(64).optional().describe('Serial number or label of the one token that the PIN file is for.'),
});
export type Pkcs11Settings = z.output<typeof Pkcs11Settings>;

export const pkcs11Manifest: BackendManifest<typeof Pkcs11Settings> = {
  type: 'pkcs11',
  scheme: 'pkcs11',
  title: 'PKCS#11 token',
  summary: 'Keys in any token or HSM that comes with a PKCS#11 module. Each module runs in a process of its own.',
  config: Pkcs11Settings,
  capabilities: PKCS11_CAPABILITIES,
  host: 'worker',
  tokens: true,
  namesKey: namesSamePkcs11Object,
  async load() {
    const { openPkcs11 } = await import('./index.ts');
    return { openTokens: async ({ name, config }, deps) => openPkcs11(name, config, deps) };
  },
  async probe({ name, config }) {
    const { probePkcs11 } = await import('./index.ts');
    await probePkcs11(name, config);
  },
  async known() {
    const { findKnownModules, instanceName } = await import('./known-modules.ts');
    return findKnownModules().map(({ module: { name, for: summary }, path }) => ({ name: instanceName(name), title: name, summary, settings: path === null ? null : { module: path } }));
  },
  async *diagnose(config) {
    const { diagnosePkcs11 } = await import('./diagnose.ts');
    yield* diagnosePkcs11(config);
  },
};
