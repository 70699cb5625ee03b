import type { SecretBytes } from '../../contract/index.ts';
import { readSecretFile } from '../../devices/index.ts';
import type { TokenSecretKind } from '../../keystore/pins.ts';
import type { YubiKeySettings } from './manifest.ts';

/** @returns the configured source of secrets of the token with this serial; undefined when it has none. */
export function secretFiles({ secretsFor, pinFile, managementKeyFile }: YubiKeySettings, serial: string): ((kind: TokenSecretKind) => Promise<SecretBytes | undefined>) | undefined {
  if (secretsFor?.toLowerCase() !== serial.toLowerCase() || (pinFile === undefined && managementKeyFile === undefined)) return undefined;
  const files: Partial<Record<TokenSecretKind, string>> = { ...(pinFile === undefined ? {} : { pin: pinFile }), ...(managementKeyFile === undefined ? {} : { 'management-key': managementKeyFile }) };
  return async (kind) => {
    const path = files[kind];
    return path === undefined ? undefined : readSecretFile(path);
  };
}
