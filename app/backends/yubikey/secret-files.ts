import { open } from 'node:fs/promises';
import { KeywrightError, SecretBytes } from '../../contract/index.ts';
import type { TokenSecretKind } from '../../keystore/pins.ts';
import type { YubiKeySettings } from './manifest.ts';

/** Longest that a PIN or a management key in hexadecimal digits is, and a line's end. */
const MOST = 128;

/** @returns the configured source of secrets of the token with this serial; undefined when it has none. */
export function secretFiles({ secretsFor, pinFile, managementKeyFile }: YubiKeySettings, serial: string): ((kind: TokenSecretKind) => Promise<SecretBytes | undefined>) | undefined {
  if (secretsFor?.toLowerCase() !== serial.toLowerCase() || (pinFile === undefined && managementKeyFile === undefined)) return undefined;
  const files: Partial<Record<TokenSecretKind, string>> = { ...(pinFile === undefined ? {} : { pin: pinFile }), ...(managementKeyFile === undefined ? {} : { 'management-key': managementKeyFile }) };
  return async (kind) => {
    const path = files[kind];
    return path === undefined ? undefined : readSecret(path);
  };
}

/** @throws PIN_REQUIRED when the file cannot be read, or others may read it. */
async function readSecret(path: string): Promise<SecretBytes> {
  const refused = (detail: string, cause?: unknown): KeywrightError => new KeywrightError('PIN_REQUIRED', { detail, remedy: `Let this user alone read it: \`chmod 600 '${path}'\`.`, ...(cause === undefined ? {} : { cause }) });
  const file = await open(path, 'r').catch((cause: unknown) => { throw refused(`The configured secret file ${path} cannot be read.`, cause); });
  try {
    const { mode, size } = await file.stat();
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw refused(`Others on this computer may read the configured secret file ${path}; it was not used.`);
    if (size > MOST) throw refused(`The configured secret file ${path} is too long to hold a PIN or a management key.`);
    const content = await file.readFile();
    const end = content.findLastIndex((byte) => byte !== 0x0a && byte !== 0x0d) + 1;
    const secret = Uint8Array.from(content.subarray(0, end));
    content.fill(0);
    return new SecretBytes(secret);
  } finally {
    await file.close();
  }
}
