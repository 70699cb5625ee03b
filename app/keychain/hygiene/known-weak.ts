import { createHash } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { sshBlob } from '../../formats/openssh-public.ts';
import { parseSpki } from '../../formats/spki.ts';
import { rsaNumbersOf } from '../inspector/weaknesses.ts';

/** Lists of keys whose private part others have: such as Debian's of 2006 to 2008 (CVE-2008-0166), and keys that firmware and examples brought along. */

/**
 * Reads a list. A line is 20 hex digits, as in Debian's `openssl-blacklist` (the last of SHA-1 over `Modulus=` and the modulus) and `openssh-blacklist` (the last of the key's MD5 fingerprint),
 * or 64, which are the SHA-256 of a SubjectPublicKeyInfo (RFC 7469 §2.4), with or without `SHA256:` in front. What follows `#` is a remark.
 *
 * @returns the entries. @throws INVALID_INPUT with the line
 */
export function readWeakList(content: Uint8Array): Set<string> {
  const entries = new Set<string>();
  for (const [index, line] of Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1').split('\n').entries()) {
    const entry = line.replace(/#.*/s, '').trim().toLowerCase().replace(/^sha256:/, '');
    if (entry === '') continue;
    if (!/^(?:[0-9a-f]{20}|[0-9a-f]{64})$/.test(entry)) {
      throw new KeywrightError('INVALID_INPUT', { detail: `Line ${index + 1} of the list of weak keys is neither 20 nor 64 hexadecimal digits.`, where: '/weakList', remedy: 'Give a list such as openssl-blacklist’s, openssh-blacklist’s, or one of SHA-256 fingerprints of public keys.' });
    }
    entries.add(entry);
  }
  if (entries.size === 0) throw new KeywrightError('INVALID_INPUT', { detail: 'The list of weak keys is empty.', where: '/weakList' });
  return entries;
}

/** @param spki SubjectPublicKeyInfo, DER. @returns whether a list names it. */
export function isListed(spki: Uint8Array, list: ReadonlySet<string>): boolean {
  if (list.size === 0) return false;
  if (list.has(createHash('sha256').update(spki).digest('hex'))) return true;
  const rsa = rsaNumbersOf(spki);
  // As `openssl rsa -modulus` prints it.
  if (rsa !== undefined && list.has(createHash('sha1').update(`Modulus=${hexOf(rsa.n)}\n`).digest('hex').slice(20))) return true;
  const blob = sshBlobOf(spki);
  return blob !== undefined && list.has(createHash('md5').update(blob).digest('hex').slice(12));
}

function hexOf(value: bigint): string {
  const hex = value.toString(16).toUpperCase();
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

/** @returns undefined for what OpenSSH has no form of. */
function sshBlobOf(spki: Uint8Array): Buffer | undefined {
  try {
    return sshBlob(parseSpki(spki));
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return undefined;
    throw thrown;
  }
}
