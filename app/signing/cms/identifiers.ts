import { SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureAlgorithmName } from '../../contract/index.ts';
import { derNull, derOid, derSequence } from '../../formats/der.ts';
import { signatureIdentifier } from '../../certificates/signatures.ts';

/** Names of CMS (RFC 5652), CAdES (ETSI EN 319 122-1) and timestamps (RFC 3161), and which digest goes with which signature. */

const PKCS9 = '1.2.840.113549.1.9';
export const CMS = {
  data: '1.2.840.113549.1.7.1', signedData: '1.2.840.113549.1.7.2', contentType: `${PKCS9}.3`, messageDigest: `${PKCS9}.4`, signingTime: `${PKCS9}.5`, counterSignature: `${PKCS9}.6`,
  signingCertificate: `${PKCS9}.16.2.12`, signingCertificateV2: `${PKCS9}.16.2.47`, timeStampToken: `${PKCS9}.16.2.14`, timeStampInfo: `${PKCS9}.16.1.4`,
  certificateValues: `${PKCS9}.16.2.23`, revocationValues: `${PKCS9}.16.2.24`, ocspResponse: '1.3.6.1.5.5.7.16.2',
} as const;
export const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
export const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
export const DSA_PUBLIC_KEY = '1.2.840.10040.4.1';

const NIST_HASH = '2.16.840.1.101.3.4.2';
/** SHAKE256 whose length in bits is its parameter: 512 is the one that signatures use (RFC 8419 §2.3). */
export const SHAKE256_LENGTH = `${NIST_HASH}.18`;
/** Names of node:crypto. `shake256` gives 64 bytes here (RFC 8419 §2.3), `shake128` 32 (RFC 9814). */
export const DIGESTS = {
  [`${NIST_HASH}.1`]: 'sha256', [`${NIST_HASH}.2`]: 'sha384', [`${NIST_HASH}.3`]: 'sha512', '1.3.14.3.2.26': 'sha1', [`${NIST_HASH}.4`]: 'sha224',
  [`${NIST_HASH}.8`]: 'sha3-256', [`${NIST_HASH}.9`]: 'sha3-384', [`${NIST_HASH}.10`]: 'sha3-512', [`${NIST_HASH}.11`]: 'shake128', [`${NIST_HASH}.12`]: 'shake256', [SHAKE256_LENGTH]: 'shake256', '1.2.840.113549.2.5': 'md5',
} as const satisfies Record<string, string>;
export type DigestName = (typeof DIGESTS)[keyof typeof DIGESTS];

function digestOid(name: DigestName): string {
  return (Object.keys(DIGESTS) as (keyof typeof DIGESTS)[]).find((oid) => DIGESTS[oid] === name) as string;
}

/** AlgorithmIdentifier of a digest; parameters are absent (RFC 5754 §2). */
export function digestIdentifier(name: DigestName): Buffer {
  return derSequence(derOid(digestOid(name)));
}

/**
 * The digest of the content that goes with a signature: its own hash, or for pure schemes what their standard asks for: SHA-512
 * for Ed25519 (RFC 8419 §3.1) and ML-DSA (RFC 9882 §3.3), SHAKE256 for Ed448, and for SLH-DSA that of its set (RFC 9814 §4).
 */
export function digestFor(algorithm: SignatureAlgorithmName): 'sha256' | 'sha384' | 'sha512' | 'shake128' | 'shake256' {
  const { hash }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithm];
  if (hash !== null) return hash;
  if (algorithm.startsWith('slh-dsa-sha2-128')) return 'sha256';
  if (algorithm.startsWith('slh-dsa-shake-128')) return 'shake128';
  return algorithm === 'ed448' || algorithm.startsWith('slh-dsa-shake') ? 'shake256' : 'sha512';
}

/** AlgorithmIdentifier of the signature. RSA with PKCS#1 is named by its key, as all programs do (RFC 3370 §3.2). */
export function signerIdentifier(algorithm: SignatureAlgorithmName): Buffer {
  return SIGNATURE_ALGORITHMS[algorithm].family === 'rsa-pkcs1' ? derSequence(derOid(RSA_ENCRYPTION), derNull()) : signatureIdentifier(algorithm);
}
