import { z } from 'zod';
import { namesSamePkcs11Object } from '../../keystore/pkcs11-uri.ts';
import { noService } from '../../devices/findings.ts';
import { maybeService } from '../../devices/service.ts';
import type { BackendManifest } from '../../keystore/registry.ts';
import { SMARTCARD_HSM_CAPABILITIES } from './capabilities.ts';

const path = z.string().trim().min(1).max(4096);

const SmartCardHsmSettingsSchema = z.strictObject({
  module: path.optional().describe('Path of OpenSC’s PKCS#11 module, where it is not in a place of its installer’s.'),
  attestationRoots: path.optional().describe('A file with further roots for device certificates: card verifiable certificates (CVC), one after another. CardContact’s own is built in.'),
  pinFile: path.optional().describe('A file with the PIN of the token that `pinFor` names, which nobody else may read. For servers: whoever may use its keys then needs no PIN.'),
  pinFor: z.string().trim().min(1).max(16).optional().describe('Serial number of the one token that the PIN file is for.'),
});
export type SmartCardHsmSettings = z.output<typeof SmartCardHsmSettingsSchema>;

const SCHEME = 'smartcardhsm';

export const smartCardHsmManifest: BackendManifest<typeof SmartCardHsmSettingsSchema> = {
  type: 'smartcardhsm',
  scheme: SCHEME,
  title: 'SmartCard-HSM',
  summary: 'Keys in a SmartCard-HSM or Nitrokey HSM, with backup under a DKEK. Keys are used through OpenSC.',
  config: SmartCardHsmSettingsSchema,
  capabilities: SMARTCARD_HSM_CAPABILITIES,
  host: 'worker',
  builtIn: true,
  tokens: true,
  whyNoTokens: () => (maybeService() ? undefined : noService()),
  // What follows the scheme is as in PKCS#11 URIs.
  namesKey: (reference, uri) => namesSamePkcs11Object(withoutScheme(reference), withoutScheme(uri)),
  async load() {
    const [{ SmartCardHsmSource }, { Readers }] = await Promise.all([import('./source.ts'), import('../../devices/index.ts')]);
    return { openTokens: ({ name, config }, deps) => SmartCardHsmSource.open(name, config, deps, Readers.shared()) };
  },
  async *diagnose(config) {
    const { moduleMissing, openScModule } = await import('./opensc.ts');
    const module = openScModule(config.module);
    yield module === null ? moduleMissing(config.module) : { level: 'ok', code: 'smartcardhsm.opensc', detail: `Keys are made and used through ${module}.` };
  },
};

const withoutScheme = (uri: string): string => (uri.toLowerCase().startsWith(`${SCHEME}:`) ? uri.slice(SCHEME.length + 1) : uri);
