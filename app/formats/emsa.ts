import { createHash, randomBytes } from 'node:crypto';
import { HASH_SIZES, type HashName } from '../contract/index.ts';

/** How RSA signatures encode a ready digest (RFC 8017 §9): node:crypto does it for messages alone. */

const DIGEST_INFO: Readonly<Record<HashName, Buffer>> = {
  sha256: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  sha384: Buffer.from('3041300d060960864801650304020205000430', 'hex'),
  sha512: Buffer.from('3051300d060960864801650304020305000440', 'hex'),
};

/** @returns DigestInfo, DER (RFC 8017 §9.2 note 1): what EMSA-PKCS1-v1_5 pads. */
export function digestInfo(hash: HashName, digest: Uint8Array): Buffer {
  return Buffer.concat([DIGEST_INFO[hash], digest]);
}

/**
 * EMSA-PSS-ENCODE (RFC 8017 §9.1.1) with MGF1 over the same hash and a random salt as long as the hash.
 * @param length bytes of the modulus, which must have 8 bits a byte: then emBits is one less, and the top bit is cleared.
 * @returns `length` bytes.
 */
export function emsaPss(hash: HashName, digest: Uint8Array, length: number): Buffer {
  const size = HASH_SIZES[hash];
  const salt = randomBytes(size);
  const check = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
  const block = Buffer.alloc(length - size - 1);
  block[block.length - size - 1] = 1;
  salt.copy(block, block.length - size);
  maskGeneration(hash, check, block.length).forEach((byte, index) => { block[index] = (block[index] as number) ^ byte; });
  block[0] = (block[0] as number) & 0x7f;
  return Buffer.concat([block, check, Buffer.of(0xbc)]);
}

/** MGF1 (RFC 8017 B.2.1). */
export function maskGeneration(hash: HashName | 'sha1', seed: Uint8Array, length: number): Buffer {
  const size = hash === 'sha1' ? 20 : HASH_SIZES[hash];
  const blocks: Buffer[] = [];
  for (let counter = 0; counter * size < length; counter++) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(counter);
    blocks.push(createHash(hash).update(seed).update(bytes).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}
