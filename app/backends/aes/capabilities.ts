import { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS } from '../../contract/index.ts';
import type { CapabilitySet } from '../../keystore/keystore.ts';

export const AES_CAPABILITIES: CapabilitySet = {
  algorithms: KEY_ALGORITHM_NAMES.filter((name) => KEY_ALGORITHMS[name].kind === 'symmetric'),
  capabilities: ['encrypt', 'decrypt', 'wrap', 'unwrap', 'derive', 'mac', 'verify-mac', 'generate', 'import', 'export', 'rotate', 'copy', 'random'],
};
