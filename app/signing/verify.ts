import { constants, createHash, createPublicKey, type KeyObject, publicDecrypt, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { HASH_SIZES, type HashName, type KeyAlgorithmName, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureAlgorithmName } from '../contract/index.ts';
import { parseSpki, type PublicParts } from '../formats/spki.ts';
import type { Content } from '../keystore/keystore.ts';

const verifyAsync = promisify(verify);

/** DigestInfo of PKCS#1 (RFC 8017 §9.2, note 1), without the digest. */
const DIGEST_INFO: Readonly<Record<HashName, Buffer>> = {
  sha256: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  sha384: Buffer.from('3041300d060960864801650304020205000430', 'hex'),
  sha512: Buffer.from('3051300d060960864801650304020305000440', 'hex'),
};

/**
 * Verifies a signature with a public key alone.
 *
 * @param spki SubjectPublicKeyInfo, DER.
 * @param content the message, or its digest for algorithms that hash first. node:crypto cannot verify ready digests: RSA
 *   is opened and compared here (RFC 8017 §8.2.2, §8.1.2), ECDSA goes to @noble/curves.
 * @param signature ECDSA: DER. PSS: any salt length.
 * @returns false for anything that does not fit: another key, a wrong length, malformed bytes.
 */
export async function verifySignature(spki: Uint8Array, algorithm: SignatureAlgorithmName, content: Content, signature: Uint8Array): Promise<boolean> {
  const facts: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
  let parts: PublicParts;
  let key: KeyObject;
  try {
    parts = parseSpki(spki);
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return false;
  }
  if (!facts.keys.includes(parts.algorithm)) return false;
  try {
    if ('message' in content) return await verifyMessage(key, facts, content.message, signature);
    const { digest } = content;
    if (facts.hash === null || digest.length !== HASH_SIZES[facts.hash]) return false;
    if (parts.kind === 'ec') return (await nobleCurve(parts.algorithm)).verify(signature, digest, parts.bytes, { prehash: false, lowS: false, format: 'der' });
    return facts.family === 'rsa-pss' ? verifyPssDigest(key, facts.hash, digest, signature) : verifyPkcs1Digest(key, facts.hash, digest, signature);
  } catch {
    return false;
  }
}

async function verifyMessage(key: KeyObject, { family, hash }: SignatureAlgorithmFacts, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const padding = family === 'rsa-pss' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } : {};
  return verifyAsync(hash, message, { key, ...padding }, signature);
}

function verifyPkcs1Digest(key: KeyObject, hash: HashName, digest: Uint8Array, signature: Uint8Array): boolean {
  const length = modulusLength(key);
  if (signature.length !== length) return false;
  return publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature).equals(Buffer.concat([DIGEST_INFO[hash], digest]));
}

/** EMSA-PSS-VERIFY (RFC 8017 §9.1.2) with MGF1 over the same hash. */
function verifyPssDigest(key: KeyObject, hash: HashName, digest: Uint8Array, signature: Uint8Array): boolean {
  const length = modulusLength(key);
  if (signature.length !== length) return false;
  const encoded = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  const size = HASH_SIZES[hash];
  // emBits is the modulus less one bit: all our moduli are whole bytes, so exactly the top bit must be clear.
  const masked = encoded.subarray(0, length - size - 1);
  const check = encoded.subarray(length - size - 1, length - 1);
  if (encoded[length - 1] !== 0xbc || ((masked[0] as number) & 0x80) !== 0) return false;
  const block = Buffer.from(masked);
  mask(hash, check, block.length).forEach((byte, index) => { block[index] = (block[index] as number) ^ byte; });
  block[0] = (block[0] as number) & 0x7f;
  const one = block.findIndex((byte) => byte !== 0);
  if (one < 0 || block[one] !== 1) return false;
  const salt = block.subarray(one + 1);
  return createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest().equals(check);
}

/** MGF1 (RFC 8017 B.2.1). */
function mask(hash: HashName, seed: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let counter = 0; blocks.length * HASH_SIZES[hash] < length; counter++) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(counter);
    blocks.push(createHash(hash).update(seed).update(bytes).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

function modulusLength(key: KeyObject): number {
  return (key.asymmetricKeyDetails?.modulusLength as number) / 8;
}

async function nobleCurve(algorithm: KeyAlgorithmName): Promise<typeof import('@noble/curves/nist.js')['p256']> {
  if (algorithm === 'ec-secp256k1') return (await import('@noble/curves/secp256k1.js')).secp256k1;
  if (algorithm.startsWith('ec-brainpool')) {
    const { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } = await import('@noble/curves/misc.js');
    return algorithm === 'ec-brainpoolp256r1' ? brainpoolP256r1 : algorithm === 'ec-brainpoolp384r1' ? brainpoolP384r1 : brainpoolP512r1;
  }
  const { p256, p384, p521 } = await import('@noble/curves/nist.js');
  return algorithm === 'ec-p256' ? p256 : algorithm === 'ec-p384' ? p384 : p521;
}
