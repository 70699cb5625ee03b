import { z } from 'zod';

/**
 * The only file that enumerates algorithms. Names are those of the command line and of every face; object identifiers
 * are from RFC 5480, RFC 5639, RFC 8410, RFC 8017, RFC 9881 (ML-DSA), RFC 9935 (ML-KEM) and RFC 9909 (SLH-DSA).
 */

export const USAGES = [
  'sign', 'verify', 'encrypt', 'decrypt', 'wrap', 'unwrap', 'agree', 'derive', 'encapsulate', 'decapsulate', 'mac', 'verify-mac',
] as const;
export type Usage = (typeof USAGES)[number];

type KeyFamily = 'rsa' | 'ec' | 'eddsa' | 'xdh' | 'aes' | 'chacha20' | 'hmac' | 'ml-dsa' | 'ml-kem' | 'slh-dsa';

export interface KeyAlgorithmFacts {
  readonly family: KeyFamily;
  /** 'pair': a private and a public key; 'symmetric': secret bytes. */
  readonly kind: 'pair' | 'symmetric';
  /** Modulus bits, field bits, or key bits. */
  readonly bits: number;
  /** The name that node:crypto and OpenSSL give the curve or the algorithm. */
  readonly openssl: string;
  /** Object identifier of the curve (EC) or of the key's algorithm. */
  readonly oid: string | null;
  /** What a key of this algorithm can ever be used for. */
  readonly usages: readonly Usage[];
  /** JWK `crv` (RFC 7518 §6.2.1.1, RFC 8037, RFC 8812) where a standard gives one. */
  readonly jwkCurve?: string;
}

const pair = (family: KeyFamily, bits: number, openssl: string, oid: string | null, usages: readonly Usage[], jwkCurve?: string): KeyAlgorithmFacts =>
  ({ family, kind: 'pair', bits, openssl, oid, usages, ...(jwkCurve === undefined ? {} : { jwkCurve }) });
const symmetric = (family: KeyFamily, bits: number, openssl: string, usages: readonly Usage[]): KeyAlgorithmFacts =>
  ({ family, kind: 'symmetric', bits, openssl, oid: null, usages });

const RSA_USES = ['sign', 'verify', 'encrypt', 'decrypt', 'wrap', 'unwrap'] as const;
const EC_USES = ['sign', 'verify', 'agree'] as const;
const NIST_EC_USES = ['sign', 'verify', 'agree', 'encrypt', 'decrypt'] as const; // encrypt: HPKE has these curves
const X_USES = ['agree', 'encrypt', 'decrypt'] as const;
const SIGN_USES = ['sign', 'verify'] as const;
const KEM_USES = ['encapsulate', 'decapsulate'] as const;
const AES_USES = ['encrypt', 'decrypt', 'wrap', 'unwrap'] as const;
const HMAC_USES = ['mac', 'verify-mac', 'derive'] as const;
const RSA_OID = '1.2.840.113549.1.1.1';
const NIST_ALGORITHM = '2.16.840.1.101.3.4';

const SLH_DSA_SETS = [
  'sha2-128s', 'sha2-128f', 'sha2-192s', 'sha2-192f', 'sha2-256s', 'sha2-256f',
  'shake-128s', 'shake-128f', 'shake-192s', 'shake-192f', 'shake-256s', 'shake-256f',
] as const;
type SlhDsaName = `slh-dsa-${(typeof SLH_DSA_SETS)[number]}`;
const slhDsa = <T>(make: (set: string, index: number) => T): Record<SlhDsaName, T> =>
  Object.fromEntries(SLH_DSA_SETS.map((set, index) => [`slh-dsa-${set}`, make(set, index)])) as Record<SlhDsaName, T>;

export const KEY_ALGORITHMS = {
  /** Found in old tokens and files. Too weak for anything new: the software backends have none. */
  'rsa-1024': pair('rsa', 1024, 'rsa', RSA_OID, RSA_USES),
  'rsa-2048': pair('rsa', 2048, 'rsa', RSA_OID, RSA_USES),
  'rsa-3072': pair('rsa', 3072, 'rsa', RSA_OID, RSA_USES),
  'rsa-4096': pair('rsa', 4096, 'rsa', RSA_OID, RSA_USES),
  'rsa-8192': pair('rsa', 8192, 'rsa', RSA_OID, RSA_USES),
  'ec-p256': pair('ec', 256, 'prime256v1', '1.2.840.10045.3.1.7', NIST_EC_USES, 'P-256'),
  'ec-p384': pair('ec', 384, 'secp384r1', '1.3.132.0.34', NIST_EC_USES, 'P-384'),
  'ec-p521': pair('ec', 521, 'secp521r1', '1.3.132.0.35', NIST_EC_USES, 'P-521'),
  'ec-secp256k1': pair('ec', 256, 'secp256k1', '1.3.132.0.10', EC_USES, 'secp256k1'),
  'ec-brainpoolp256r1': pair('ec', 256, 'brainpoolP256r1', '1.3.36.3.3.2.8.1.1.7', EC_USES),
  'ec-brainpoolp384r1': pair('ec', 384, 'brainpoolP384r1', '1.3.36.3.3.2.8.1.1.11', EC_USES),
  'ec-brainpoolp512r1': pair('ec', 512, 'brainpoolP512r1', '1.3.36.3.3.2.8.1.1.13', EC_USES),
  ed25519: pair('eddsa', 255, 'ed25519', '1.3.101.112', SIGN_USES, 'Ed25519'),
  ed448: pair('eddsa', 448, 'ed448', '1.3.101.113', SIGN_USES, 'Ed448'),
  x25519: pair('xdh', 255, 'x25519', '1.3.101.110', X_USES, 'X25519'),
  x448: pair('xdh', 448, 'x448', '1.3.101.111', X_USES, 'X448'),
  'aes-128': symmetric('aes', 128, 'aes-128', AES_USES),
  'aes-192': symmetric('aes', 192, 'aes-192', AES_USES),
  'aes-256': symmetric('aes', 256, 'aes-256', AES_USES),
  'chacha20-poly1305': symmetric('chacha20', 256, 'chacha20-poly1305', ['encrypt', 'decrypt']),
  'hmac-sha256': symmetric('hmac', 256, 'sha256', HMAC_USES),
  'hmac-sha384': symmetric('hmac', 384, 'sha384', HMAC_USES),
  'hmac-sha512': symmetric('hmac', 512, 'sha512', HMAC_USES),
  'ml-dsa-44': pair('ml-dsa', 44, 'ml-dsa-44', `${NIST_ALGORITHM}.3.17`, SIGN_USES),
  'ml-dsa-65': pair('ml-dsa', 65, 'ml-dsa-65', `${NIST_ALGORITHM}.3.18`, SIGN_USES),
  'ml-dsa-87': pair('ml-dsa', 87, 'ml-dsa-87', `${NIST_ALGORITHM}.3.19`, SIGN_USES),
  'ml-kem-512': pair('ml-kem', 512, 'ml-kem-512', `${NIST_ALGORITHM}.4.1`, KEM_USES),
  'ml-kem-768': pair('ml-kem', 768, 'ml-kem-768', `${NIST_ALGORITHM}.4.2`, KEM_USES),
  'ml-kem-1024': pair('ml-kem', 1024, 'ml-kem-1024', `${NIST_ALGORITHM}.4.3`, KEM_USES),
  ...slhDsa((set, index) => pair('slh-dsa', Number(/\d+/.exec(set.slice(5))?.[0]), `slh-dsa-${set}`, `${NIST_ALGORITHM}.3.${20 + index}`, SIGN_USES)),
} as const satisfies Record<string, KeyAlgorithmFacts>;

export type KeyAlgorithmName = keyof typeof KEY_ALGORITHMS;
export const KEY_ALGORITHM_NAMES = Object.keys(KEY_ALGORITHMS) as KeyAlgorithmName[];
export const KeyAlgorithm = z.enum(KEY_ALGORITHM_NAMES as [KeyAlgorithmName, ...KeyAlgorithmName[]]);

export type HashName = 'sha256' | 'sha384' | 'sha512';

export interface SignatureAlgorithmFacts {
  readonly family: 'rsa-pkcs1' | 'rsa-pss' | 'ecdsa' | 'eddsa' | 'ml-dsa' | 'slh-dsa';
  /** null: a pure scheme, which signs the message itself. */
  readonly hash: HashName | null;
  /** Key algorithms that can make it. */
  readonly keys: readonly KeyAlgorithmName[];
}

const RSA_KEYS = ['rsa-1024', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'rsa-8192'] as const;
const EC_KEYS = [
  'ec-p256', 'ec-p384', 'ec-p521', 'ec-secp256k1', 'ec-brainpoolp256r1', 'ec-brainpoolp384r1', 'ec-brainpoolp512r1',
] as const;
const scheme = (family: SignatureAlgorithmFacts['family'], hash: HashName | null, keys: readonly KeyAlgorithmName[]): SignatureAlgorithmFacts =>
  ({ family, hash, keys });

export const SIGNATURE_ALGORITHMS = {
  'rsa-pkcs1-sha256': scheme('rsa-pkcs1', 'sha256', RSA_KEYS),
  'rsa-pkcs1-sha384': scheme('rsa-pkcs1', 'sha384', RSA_KEYS),
  'rsa-pkcs1-sha512': scheme('rsa-pkcs1', 'sha512', RSA_KEYS),
  'rsa-pss-sha256': scheme('rsa-pss', 'sha256', RSA_KEYS),
  'rsa-pss-sha384': scheme('rsa-pss', 'sha384', RSA_KEYS),
  // 130 bytes for hash and salt (RFC 8017 §9.1.1, step 3) are more than 1024 bits hold.
  'rsa-pss-sha512': scheme('rsa-pss', 'sha512', RSA_KEYS.filter((name) => name !== 'rsa-1024')),
  'ecdsa-sha256': scheme('ecdsa', 'sha256', EC_KEYS),
  'ecdsa-sha384': scheme('ecdsa', 'sha384', EC_KEYS),
  'ecdsa-sha512': scheme('ecdsa', 'sha512', EC_KEYS),
  ed25519: scheme('eddsa', null, ['ed25519']),
  ed448: scheme('eddsa', null, ['ed448']),
  'ml-dsa-44': scheme('ml-dsa', null, ['ml-dsa-44']),
  'ml-dsa-65': scheme('ml-dsa', null, ['ml-dsa-65']),
  'ml-dsa-87': scheme('ml-dsa', null, ['ml-dsa-87']),
  ...slhDsa((set) => scheme('slh-dsa', null, [`slh-dsa-${set}` as SlhDsaName])),
} as const satisfies Record<string, SignatureAlgorithmFacts>;

export type SignatureAlgorithmName = keyof typeof SIGNATURE_ALGORITHMS;
export const SIGNATURE_ALGORITHM_NAMES = Object.keys(SIGNATURE_ALGORITHMS) as SignatureAlgorithmName[];
export const SignatureAlgorithm = z.enum(SIGNATURE_ALGORITHM_NAMES as [SignatureAlgorithmName, ...SignatureAlgorithmName[]]);

/** Bytes of each hash. */
export const HASH_SIZES: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** ECDSA signatures: a DER SEQUENCE (RFC 3279 §2.2.3) or r and s side by side (IEEE P1363). Others have one form only. */
export const SignatureEncoding = z.enum(['der', 'p1363']);

/** Encryption algorithms and the key families that have them. `legacy` ones decrypt only. */
export const ENCRYPTION_ALGORITHMS = {
  'aes-gcm': { families: ['aes'], authenticated: true, legacy: false },
  'aes-cbc': { families: ['aes'], authenticated: false, legacy: false },
  'aes-ctr': { families: ['aes'], authenticated: false, legacy: false },
  'chacha20-poly1305': { families: ['chacha20'], authenticated: true, legacy: false },
  'rsa-oaep-sha256': { families: ['rsa'], authenticated: false, legacy: false },
  'rsa-oaep-sha384': { families: ['rsa'], authenticated: false, legacy: false },
  'rsa-oaep-sha512': { families: ['rsa'], authenticated: false, legacy: false },
  'rsa-oaep-sha1': { families: ['rsa'], authenticated: false, legacy: true },
  'rsa-pkcs1': { families: ['rsa'], authenticated: false, legacy: true },
  hpke: { families: ['ec', 'xdh'], authenticated: true, legacy: false },
} as const satisfies Record<string, { families: readonly KeyFamily[]; authenticated: boolean; legacy: boolean }>;
export type EncryptionAlgorithmName = keyof typeof ENCRYPTION_ALGORITHMS;
export const EncryptionAlgorithm = z.enum(Object.keys(ENCRYPTION_ALGORITHMS) as [EncryptionAlgorithmName, ...EncryptionAlgorithmName[]]);

/** Key-wrapping algorithms: RFC 3394, RFC 5649, RFC 8017 §7.1, and CKM_RSA_AES_KEY_WRAP (PKCS#11 v3.0 §6.1.21). */
const WRAP_ALGORITHMS = {
  'aes-kw': { families: ['aes'] },
  'aes-kwp': { families: ['aes'] },
  'rsa-oaep-sha256': { families: ['rsa'] },
  'rsa-oaep-sha384': { families: ['rsa'] },
  'rsa-oaep-sha512': { families: ['rsa'] },
  'rsa-aes-kwp': { families: ['rsa'] },
} as const satisfies Record<string, { families: readonly KeyFamily[] }>;
export type WrapAlgorithmName = keyof typeof WRAP_ALGORITHMS;
export const WrapAlgorithm = z.enum(Object.keys(WRAP_ALGORITHMS) as [WrapAlgorithmName, ...WrapAlgorithmName[]]);

const madeBefore = new Map<KeyAlgorithmName, SignatureAlgorithmName[]>();

/** @returns signature algorithms that a key of `algorithm` can make, the recommended one first. Asked for at each signature, so made once. */
export function signatureAlgorithmsOf(algorithm: KeyAlgorithmName): readonly SignatureAlgorithmName[] {
  let names = madeBefore.get(algorithm);
  if (names === undefined) madeBefore.set(algorithm, (names = signatureAlgorithmsFor(algorithm)));
  return names;
}

function signatureAlgorithmsFor(algorithm: KeyAlgorithmName): SignatureAlgorithmName[] {
  const names = SIGNATURE_ALGORITHM_NAMES.filter((name) => (SIGNATURE_ALGORITHMS[name].keys as readonly string[]).includes(algorithm));
  const { family, bits } = KEY_ALGORITHMS[algorithm];
  const preferred = family === 'ec' ? `ecdsa-sha${bits <= 256 ? 256 : bits <= 384 ? 384 : 512}` : family === 'rsa' ? 'rsa-pss-sha256' : names[0];
  return names.sort((a, b) => Number(b === preferred) - Number(a === preferred));
}

/** @returns encryption algorithms of a key, the recommended one first; HPKE only where RFC 9180 §7.1 names the curve. */
export function encryptionAlgorithmsOf(algorithm: KeyAlgorithmName): EncryptionAlgorithmName[] {
  const facts: KeyAlgorithmFacts = KEY_ALGORITHMS[algorithm];
  if (!facts.usages.includes('decrypt')) return [];
  return (Object.keys(ENCRYPTION_ALGORITHMS) as EncryptionAlgorithmName[]).filter((name) =>
    (ENCRYPTION_ALGORITHMS[name].families as readonly string[]).includes(facts.family) && !isTooShort(algorithm, name));
}

/** OAEP with SHA-512 takes 130 bytes for itself (RFC 8017 §7.1.1): 1024 bits have 128. */
function isTooShort(algorithm: KeyAlgorithmName, name: EncryptionAlgorithmName | WrapAlgorithmName): boolean {
  return algorithm === 'rsa-1024' && name === 'rsa-oaep-sha512';
}

/** @returns wrapping algorithms of a key, the recommended one first. */
export function wrapAlgorithmsOf(algorithm: KeyAlgorithmName): WrapAlgorithmName[] {
  const facts: KeyAlgorithmFacts = KEY_ALGORITHMS[algorithm];
  if (!facts.usages.includes('wrap')) return [];
  const names = (Object.keys(WRAP_ALGORITHMS) as WrapAlgorithmName[]).filter((name) =>
    (WRAP_ALGORITHMS[name].families as readonly string[]).includes(facts.family) && !isTooShort(algorithm, name));
  const preferred = facts.family === 'aes' ? 'aes-kwp' : 'rsa-aes-kwp';
  return names.sort((a, b) => Number(b === preferred) - Number(a === preferred));
}
