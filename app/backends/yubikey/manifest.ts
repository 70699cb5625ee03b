import { z } from 'zod';
import { noService } from '../../devices/findings.ts';
import { maybeService } from '../../devices/service.ts';
import type { BackendManifest } from '../../keystore/registry.ts';
import { YUBIKEY_CAPABILITIES } from './capabilities.ts';

const path = z.string().trim().min(1).max(4096);

const YubiKeySettingsSchema = z.strictObject({
  attestationRoots: path.optional().describe('A file with further authorities for attestations, PEM. Yubico’s own are built in.'),
  // A command line takes what has digits alone for a number.
  secretsFor: z.union([z.string().trim().regex(/^[0-9a-fA-F]{1,32}$/, 'a serial'), z.int().nonnegative()]).transform(String).optional().describe('Serial of the one YubiKey that the two files below are for.'),
  pinFile: path.optional().describe('A file with the PIN of that YubiKey, which nobody else may read. For servers: anybody who may use its keys then needs no PIN.'),
  managementKeyFile: path.optional().describe('A file with the management key of that YubiKey, in hexadecimal digits, which nobody else may read.'),
});
export type YubiKeySettings = z.output<typeof YubiKeySettingsSchema>;

export const yubikeyManifest: BackendManifest<typeof YubiKeySettingsSchema> = {
  type: 'yubikey',
  scheme: 'yubikey',
  title: 'YubiKey',
  summary: 'Keys in the PIV slots of a YubiKey. Only the system’s smart-card service is needed.',
  config: YubiKeySettingsSchema,
  capabilities: YUBIKEY_CAPABILITIES,
  host: 'core',
  builtIn: true,
  tokens: true,
  whyNoTokens: () => (maybeService() ? undefined : noService()),
  async load() {
    const [{ YubiKeySource }, { Readers }] = await Promise.all([import('./source.ts'), import('../../devices/index.ts')]);
    return { openTokens: async ({ name, config }, deps) => new YubiKeySource(name, config, deps, Readers.shared()) };
  },
};
