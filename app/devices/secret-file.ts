import { open } from 'node:fs/promises';
import { KeywrightError, SecretBytes } from '../contract/index.ts';

/** Longest that a PIN or a management key in hexadecimal digits is, and a line's end. */
const MOST = 128;

/**
 * Reads a secret that a token is given by the configuration. Line ends at its end are not part of it.
 * @throws PIN_REQUIRED when the file cannot be read, or others may read it
 */
export async function readSecretFile(path: string): Promise<SecretBytes> {
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
