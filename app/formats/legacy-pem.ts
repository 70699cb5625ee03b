import { createHash } from 'node:crypto';
import type { SecretBytes } from '../contract/index.ts';
import { DerReader } from './der.ts';
import { malformed, notSupported } from './malformed.ts';
import { decipher, wrongPassphrase } from './pbes.ts';
import type { PemBlock } from './pem.ts';

/**
 * Keys that OpenSSL encrypted in its old way, to read alone: headers of RFC 1421, a key from one round of MD5
 * (EVP_BytesToKey). Weak, hence never written.
 */

const CIPHERS: Readonly<Record<string, { name: string; key: number; block: number }>> = {
  'AES-128-CBC': { name: 'aes-128-cbc', key: 16, block: 16 },
  'AES-192-CBC': { name: 'aes-192-cbc', key: 24, block: 16 },
  'AES-256-CBC': { name: 'aes-256-cbc', key: 32, block: 16 },
  'DES-EDE3-CBC': { name: 'des-ede3-cbc', key: 24, block: 8 },
  'DES-CBC': { name: 'des-ede3-cbc', key: 8, block: 8 },
};

/** @returns whether the block's own headers say that it is encrypted (RFC 1421 §4.6.1.1), as OpenSSL's oldest form does. */
export function isLegacyEncrypted(block: PemBlock): boolean {
  return /^4\s*,\s*ENCRYPTED$/.test(block.headers.get('proc-type') ?? '') || block.headers.has('dek-info');
}

/** How the block is encrypted; made without the passphrase. @throws INVALID_INPUT, CAPABILITY_MISSING */
export function parseLegacyEncryption(block: PemBlock): (passphrase: SecretBytes) => Buffer {
  const header = block.headers.get('dek-info');
  if (header === undefined) throw malformed('The PEM block is encrypted, but its DEK-Info header is missing.');
  const [, name, hex] = /^([A-Za-z0-9-]{1,40})\s*,\s*([0-9A-Fa-f]{1,64})$/.exec(header) ?? [];
  if (name === undefined || hex === undefined) throw malformed('The DEK-Info header is not a cipher, a comma and an initialisation vector in hex.');
  const cipher = CIPHERS[name.toUpperCase()];
  if (cipher === undefined) throw notSupported(`The key is encrypted with ${name}, which is not supported.`, 'Convert the file first: openssl pkcs8 -topk8 -v2 aes-256-cbc.');
  const iv = Buffer.from(hex, 'hex');
  if (hex.length !== 2 * cipher.block) throw malformed(`The DEK-Info header should give ${cipher.block} bytes in hex for ${name}.`);
  if (block.content.length === 0 || block.content.length % cipher.block !== 0) throw malformed(`The encrypted data is not a multiple of ${cipher.block} bytes.`);
  return (passphrase) => {
    const derived = bytesToKey(passphrase.reveal(), iv.subarray(0, 8), cipher.key);
    const key = cipher.key === 8 ? Buffer.concat([derived, derived, derived]) : derived;
    const plain = decipher(cipher.name, key, iv, block.content);
    key.fill(0);
    try {
      const outer = new DerReader(plain);
      outer.enter('the key');
      outer.finish('the key');
    } catch {
      plain.fill(0);
      throw wrongPassphrase();
    }
    return plain;
  };
}

function bytesToKey(passphrase: Uint8Array, salt: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let made = 0; made < length; made += 16) {
    blocks.push(createHash('md5').update(blocks.at(-1) ?? Buffer.alloc(0)).update(passphrase).update(salt).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}
