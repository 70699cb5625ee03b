import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS } from '../../contract/index.ts';
import type { CapabilitySet } from '../../keystore/keystore.ts';

export const PKCS8_CAPABILITIES: CapabilitySet = {
  algorithms: KEY_ALGORITHM_NAMES.filter((name) => KEY_ALGORITHMS[name].kind === 'pair' && name !== 'rsa-1024'),
  capabilities: [
    'sign', 'verify', 'encrypt', 'decrypt', 'wrap', 'unwrap', 'agree', 'encapsulate', 'decapsulate', 'generate', 'import', 'export', 'rotate', 'copy', 'random',
  ],
};
