import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { because, KeywrightError, SecretBytes, type Call } from '../../contract/index.ts';
import { keyFromPassword, ROUNDS } from './password-key.ts';

/**
 * A share of a device key encryption key as a file, in the form of `sc-hsm-tool`: `Salted__`, eight bytes of salt, and the 32 bytes of the share
 * under AES-256-CBC with a key from a password. The card XORs its shares to the DKEK.
 */

const MAGIC = Buffer.from('Salted__');
const SALT_LENGTH = 8;
const SHARE_LENGTH = 32;
/** Magic, salt, the share and its padding. */
const FILE_LENGTH = 64;

/** @param share 32 bytes. @param rounds fewer in tests alone. @returns the file, 64 bytes. @throws CANCELLED */
export async function sealShare(share: SecretBytes, password: SecretBytes, call: Pick<Call, 'signal'>, rounds = ROUNDS): Promise<Buffer> {
  const salt = randomBytes(SALT_LENGTH);
  using derived = await keyFromPassword(password.reveal(), salt, call, rounds);
  const cipher = createCipheriv('aes-256-cbc', derived.key, derived.iv);
  return Buffer.concat([MAGIC, salt, cipher.update(share.reveal()), cipher.final()]);
}

/** @throws INVALID_INPUT for a file that is no share. */
export function checkShareFile(file: Uint8Array): void {
  const problem = file.length !== FILE_LENGTH ? `it has ${file.length} bytes and not ${FILE_LENGTH}` : !MAGIC.equals(file.subarray(0, MAGIC.length)) ? 'it does not begin with “Salted__”' : undefined;
  if (problem !== undefined) throw new KeywrightError('INVALID_INPUT', { detail: `This is no DKEK share: ${problem}.`, where: '/share', remedy: 'Choose the file that was written when the share was made (.pbe).' });
}

/** @returns the share, 32 bytes; the caller wipes it. @throws INVALID_INPUT for a file that is no share, PIN_INCORRECT when the password does not fit, CANCELLED */
export async function openShare(file: Uint8Array, password: SecretBytes, call: Pick<Call, 'signal'>, rounds = ROUNDS): Promise<SecretBytes> {
  checkShareFile(file);
  const bytes = Buffer.from(file);
  using derived = await keyFromPassword(password.reveal(), bytes.subarray(MAGIC.length, MAGIC.length + SALT_LENGTH), call, rounds);
  const cipher = createDecipheriv('aes-256-cbc', derived.key, derived.iv);
  const parts: Buffer[] = [];
  try {
    parts.push(cipher.update(bytes.subarray(MAGIC.length + SALT_LENGTH)));
    parts.push(cipher.final());
    const share = Buffer.concat(parts);
    if (share.length === SHARE_LENGTH) return new SecretBytes(share);
    share.fill(0);
  } catch {
    // Wrong padding: the password does not fit. A right padding by chance, one time in 256, is caught by the length, which only 16 bytes of padding give.
  } finally {
    for (const part of parts) part.fill(0);
  }
  throw new KeywrightError('PIN_INCORRECT', because('dkek.password', {}));
}
