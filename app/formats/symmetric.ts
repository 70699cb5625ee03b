import { KEY_ALGORITHMS, KeywrightError, type KeyAlgorithmName, SecretBytes } from '../contract/index.ts';
import type { KeyMaterial } from '../keystore/keystore.ts';
import { malformed } from './malformed.ts';

/** Longer HMAC keys than this gain nothing: they are hashed first (RFC 2104 §2). */
const MAX_HMAC_KEY = 1024;

/**
 * @param bytes the key itself; copied. AES and ChaCha20: exactly as long as the algorithm says. HMAC: at least as long as
 *   the hash (RFC 7518 §3.2), at most 1024 bytes.
 * @throws INVALID_INPUT, CAPABILITY_MISSING for an algorithm of key pairs
 */
export function symmetricMaterial(algorithm: KeyAlgorithmName, bytes: Uint8Array): KeyMaterial {
  const { kind, family, bits } = KEY_ALGORITHMS[algorithm];
  if (kind !== 'symmetric') {
    throw new KeywrightError('CAPABILITY_MISSING', {
      detail: `Raw bytes are read as symmetric keys alone, and ${algorithm} is a key pair.`, remedy: 'Give the key as PKCS#8, JWK or OpenSSH.', alternatives: ['pkcs8', 'jwk', 'openssh'],
    });
  }
  const expected = bits / 8;
  if (family === 'hmac' ? bytes.length < expected || bytes.length > MAX_HMAC_KEY : bytes.length !== expected) {
    const wanted = family === 'hmac' ? `${expected} to ${MAX_HMAC_KEY}` : String(expected);
    const text = looksLikeText(bytes) ? 'The content looks like text; convert hex or base64 to bytes first.' : 'Choose the algorithm that fits the key, or another file.';
    throw malformed(`A key for ${algorithm} has ${wanted} bytes; ${bytes.length} were given.`, undefined, text);
  }
  return { algorithm, secret: new SecretBytes(Uint8Array.from(bytes)) };
}

function looksLikeText(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d);
}
