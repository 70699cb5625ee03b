import type { BackendManifest } from '../keystore/registry.ts';
import { aesManifest } from './aes/manifest.ts';
import { customManifest } from './custom/manifest.ts';
import { pkcs11Manifest } from './pkcs11/manifest.ts';
import { pkcs8Manifest } from './pkcs8/manifest.ts';
import { smartCardHsmManifest } from './smartcardhsm/manifest.ts';
import { yubikeyManifest } from './yubikey/manifest.ts';

/** With the composing index the only place that names concrete backends. A new one is a folder and a line here. */
export const BACKENDS: readonly BackendManifest[] = [pkcs8Manifest, aesManifest, pkcs11Manifest, smartCardHsmManifest, customManifest, yubikeyManifest];

const reason = 'not in this version';

/** Types that a later version brings, shown so that nobody looks for them in vain. */
export const LATER_BACKENDS = [
  { type: 'tpm2', title: 'TPM 2.0', summary: 'Keys bound to this machine by its Trusted Platform Module.', reason },
  { type: 'awskms', title: 'AWS KMS', summary: 'Keys in the AWS Key Management Service.', reason },
  { type: 'gcpkms', title: 'Google Cloud KMS', summary: 'Keys in Google Cloud Key Management Service.', reason },
  { type: 'azurekv', title: 'Azure Key Vault', summary: 'Keys in Azure Key Vault or Managed HSM.', reason },
  { type: 'vault', title: 'HashiCorp Vault', summary: 'Keys in the transit engine of HashiCorp Vault or OpenBao.', reason },
] as const;
