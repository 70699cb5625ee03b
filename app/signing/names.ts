import type { KeyAlgorithmName, SignatureAlgorithmName } from '../contract/index.ts';

/** What signature algorithms are called in JOSE and COSE. Where a standard has no name for a pair of key and algorithm, neither has this. */

type Named<T> = Readonly<Partial<Record<SignatureAlgorithmName, (key: KeyAlgorithmName) => T | undefined>>>;
const on = <T>(names: Readonly<Partial<Record<KeyAlgorithmName, T>>>) => (key: KeyAlgorithmName): T | undefined => names[key];
const always = <T>(name: T) => (): T => name;
/** Both standards ask for a modulus of at least 2048 bits (RFC 7518 §3.3, §3.5; RFC 8230 §6.1). */
const rsa = <T>(name: T) => (key: KeyAlgorithmName): T | undefined => (key === 'rsa-1024' ? undefined : name);

/** `alg` of JWS: RFC 7518 §3.1, RFC 8037 §3.1, RFC 8812 §3.2, and ML-DSA as jose and WebCrypto have it. */
export const JOSE_ALGORITHMS: Named<string> = {
  'rsa-pkcs1-sha256': rsa('RS256'), 'rsa-pkcs1-sha384': rsa('RS384'), 'rsa-pkcs1-sha512': rsa('RS512'),
  'rsa-pss-sha256': rsa('PS256'), 'rsa-pss-sha384': rsa('PS384'), 'rsa-pss-sha512': rsa('PS512'),
  'ecdsa-sha256': on({ 'ec-p256': 'ES256', 'ec-secp256k1': 'ES256K' }), 'ecdsa-sha384': on({ 'ec-p384': 'ES384' }), 'ecdsa-sha512': on({ 'ec-p521': 'ES512' }),
  ed25519: always('EdDSA'), ed448: always('EdDSA'),
  'ml-dsa-44': always('ML-DSA-44'), 'ml-dsa-65': always('ML-DSA-65'), 'ml-dsa-87': always('ML-DSA-87'),
};

/** `alg` of COSE: RFC 9053 §2, RFC 8812 §2 (RSA PKCS#1, ES256K), RFC 8230 §2 (PSS), and IANA's registry for ML-DSA. */
export const COSE_ALGORITHMS: Named<bigint> = {
  'rsa-pkcs1-sha256': rsa(-257n), 'rsa-pkcs1-sha384': rsa(-258n), 'rsa-pkcs1-sha512': rsa(-259n),
  'rsa-pss-sha256': rsa(-37n), 'rsa-pss-sha384': rsa(-38n), 'rsa-pss-sha512': rsa(-39n),
  'ecdsa-sha256': on({ 'ec-p256': -7n, 'ec-secp256k1': -47n }), 'ecdsa-sha384': on({ 'ec-p384': -35n }), 'ecdsa-sha512': on({ 'ec-p521': -36n }),
  ed25519: always(-8n), ed448: always(-8n),
  'ml-dsa-44': always(-48n), 'ml-dsa-65': always(-49n), 'ml-dsa-87': always(-50n),
};
