import type { CapabilitySet } from '../../keystore/keystore.ts';

/** The most that a SmartCard-HSM does through OpenSC: what a version lacks, the module does not list. */
export const SMARTCARD_HSM_CAPABILITIES: CapabilitySet = {
  algorithms: ['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384', 'ec-p521', 'ec-secp256k1', 'ec-brainpoolp256r1', 'ec-brainpoolp384r1', 'ec-brainpoolp512r1'],
  capabilities: ['sign', 'verify', 'encrypt', 'decrypt', 'wrap', 'unwrap', 'agree', 'generate', 'random'],
};
