import * as agreement from './agreement.ts';
import * as encapsulation from './encapsulation.ts';
import * as passwords from './passwords.ts';
import * as rsa from './rsa.ts';
import * as signatures from './signatures.ts';
import * as symmetric from './symmetric.ts';
import { LeftOut, type Runner } from './tally.ts';

/** Every file of the corpus: how it runs, or why it does not. In parts, so that they run side by side. */

const each = (runner: Runner, ...names: string[]): Record<string, Runner> => Object.fromEntries(names.map((name) => [name, runner]));
const notOffered = (reason: string, ...names: string[]): Record<string, LeftOut> => Object.fromEntries(names.map((name) => [name, new LeftOut(reason)]));

const pbes2Files = Object.fromEntries(['1', '224', '256', '384', '512'].flatMap((hash) =>
  [128, 192, 256].map((bits) => [`pbes2_hmacsha${hash}_aes_${bits}`, passwords.pbes2(`sha${hash}`, bits)] as const)));

const PLAN = {
  signatures: {
    ...each(signatures.ecdsa,
      'ecdsa_brainpoolP256r1_sha256_p1363', 'ecdsa_brainpoolP256r1_sha256', 'ecdsa_brainpoolP384r1_sha384', 'ecdsa_brainpoolP512r1_sha512', 'ecdsa_secp256k1_sha256_p1363',
      'ecdsa_secp256k1_sha256', 'ecdsa_secp256r1_sha256_p1363', 'ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384_p1363', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512_p1363',
      'ecdsa_secp521r1_sha512', 'ecdsa_secp256r1_sha3_256', 'ecdsa_secp384r1_sha3_384', 'ecdsa_secp521r1_sha3_512'),
    ...each(signatures.eddsa, 'ed25519', 'ed448'),
    ...each(signatures.rsaPkcs1, 'rsa_signature_2048_sha256', 'rsa_signature_2048_sha384', 'rsa_signature_2048_sha512', 'rsa_signature_3072_sha256', 'rsa_signature_4096_sha512'),
    ...each(signatures.rsaPkcs1Generate, 'rsa_pkcs1_2048_sig_gen', 'rsa_pkcs1_3072_sig_gen', 'rsa_pkcs1_4096_sig_gen'),
    ...each(signatures.rsaPss,
      'rsa_pss_2048_sha256_mgf1_0_params', 'rsa_pss_2048_sha256_mgf1_0', 'rsa_pss_2048_sha256_mgf1_32_params', 'rsa_pss_2048_sha256_mgf1_32', 'rsa_pss_2048_sha256_mgf1sha1_20',
      'rsa_pss_2048_sha384_mgf1_48', 'rsa_pss_2048_sha512_mgf1sha256_32_params', 'rsa_pss_3072_sha256_mgf1_32', 'rsa_pss_4096_sha512_mgf1_64_params', 'rsa_pss_4096_sha512_mgf1_64',
      'rsa_pss_misc'),
  },
  agreement: {
    ...each(agreement.ecdh, 'ecdh_brainpoolP256r1', 'ecdh_brainpoolP384r1', 'ecdh_brainpoolP512r1', 'ecdh_secp256r1'),
    ...each(agreement.ecdhPoint, 'ecdh_secp256r1_ecpoint', 'ecdh_secp384r1_ecpoint', 'ecdh_secp521r1_ecpoint'),
    ...each(agreement.ecdhPem, 'ecdh_secp256r1_pem'),
    ...each(agreement.fromFiles, 'ecdh_secp256k1_webcrypto', 'ecdh_secp256r1_webcrypto', 'x25519_jwk', 'x448_pem'),
    ...each(agreement.xdh, 'x25519', 'x448'),
    ...each(agreement.xdhAsn, 'x25519_asn'),
  },
  encryption: {
    ...each(symmetric.aead('aes-gcm'), 'aes_gcm'),
    ...each(symmetric.aead('chacha20-poly1305'), 'chacha20_poly1305'),
    ...each(symmetric.cbc, 'aes_cbc_pkcs5'),
    ...each(symmetric.keyWrap('aes-kw'), 'aes_wrap'),
    ...each(symmetric.keyWrap('aes-kwp'), 'aes_kwp'),
    ...each(symmetric.hmac('hmac-sha256'), 'hmac_sha256'),
    ...each(symmetric.hmac('hmac-sha384'), 'hmac_sha384'),
    ...each(symmetric.hmac('hmac-sha512'), 'hmac_sha512'),
    ...each(symmetric.hkdf('sha256'), 'hkdf_sha256'),
    ...each(symmetric.hkdf('sha384'), 'hkdf_sha384'),
    ...each(symmetric.hkdf('sha512'), 'hkdf_sha512'),
    ...each(rsa.oaep,
      'rsa_oaep_2048_sha1_mgf1sha1', 'rsa_oaep_2048_sha256_mgf1sha1', 'rsa_oaep_2048_sha256_mgf1sha256', 'rsa_oaep_2048_sha384_mgf1sha1', 'rsa_oaep_2048_sha384_mgf1sha384',
      'rsa_oaep_2048_sha512_mgf1sha1', 'rsa_oaep_2048_sha512_mgf1sha512', 'rsa_oaep_3072_sha256_mgf1sha1', 'rsa_oaep_3072_sha256_mgf1sha256', 'rsa_oaep_3072_sha512_mgf1sha1',
      'rsa_oaep_3072_sha512_mgf1sha512', 'rsa_oaep_4096_sha256_mgf1sha1', 'rsa_oaep_4096_sha256_mgf1sha256', 'rsa_oaep_4096_sha512_mgf1sha1', 'rsa_oaep_4096_sha512_mgf1sha512'),
    ...each(rsa.pkcs1Decrypt, 'rsa_pkcs1_2048', 'rsa_pkcs1_3072'),
    ...notOffered('no key of ours has this cipher; JWE has, and app/encryption/jwe/jwe.test.ts runs the whole file', 'a128cbc_hs256', 'a192cbc_hs384', 'a256cbc_hs512'),
    ...notOffered('XChaCha20-Poly1305 is not offered', 'xchacha20_poly1305'),
    ...notOffered('CMAC is not offered', 'aes_cmac'),
    ...notOffered('HMAC keys are made for SHA-256, SHA-384 and SHA-512 alone', 'hmac_sha1', 'hmac_sha224', 'hmac_sha3_224', 'hmac_sha3_256', 'hmac_sha3_384', 'hmac_sha3_512', 'hmac_sha512_224', 'hmac_sha512_256'),
    ...notOffered('HKDF is offered with SHA-256, SHA-384 and SHA-512 alone', 'hkdf_sha1'),
    ...notOffered('the format is a matter of files: app/encryption/jwe/jwe.test.ts runs it, but for RSA1_5, AES-GCM key wrap and “dir”, which are not offered', 'json_web_encryption'),
    ...notOffered('the format is a matter of files: app/signing/vectors.test.ts runs what has a public key, since MACs are not offered in it', 'json_web_crypto', 'json_web_key', 'json_web_signature'),
  },
  'post-quantum': {
    ...each(signatures.mlDsaVerify, 'mldsa_44_verify'),
    ...each(signatures.mlDsaSign, 'mldsa_44_sign_noseed', 'mldsa_44_sign_seed', 'mldsa_65_sign_seed', 'mldsa_87_sign_seed'),
    ...each(encapsulation.decapsulate, 'mlkem_512', 'mlkem_768'),
    ...each(encapsulation.decapsulateExpanded, 'mlkem_512_semi_expanded_decaps', 'mlkem_768_semi_expanded_decaps', 'mlkem_1024_semi_expanded_decaps'),
    ...each(encapsulation.keyGeneration, 'mlkem_512_keygen_seed', 'mlkem_1024_keygen_seed'),
    ...each(encapsulation.encapsulate, 'mlkem_512_encaps'),
  },
  passwords: {
    ...pbes2Files,
    ...Object.fromEntries(['sha1', 'sha224', 'sha256', 'sha384', 'sha512'].map((hash) => [`pbkdf2_hmac${hash}`, passwords.pbkdf2(hash)] as const)),
  },
} satisfies Record<string, Record<string, Runner | LeftOut>>;

export type Part = keyof typeof PLAN;
export const PARTS = Object.keys(PLAN) as Part[];

/** @returns how a file runs, or why not; undefined for one that nobody has thought of. */
export function planFor(part: Part, name: string): Runner | LeftOut | undefined {
  return (PLAN[part] as Record<string, Runner | LeftOut>)[name];
}
