/** Object identifiers of enveloped data (RFC 5652 §6, RFC 5083, RFC 5084, RFC 3560, RFC 5753, RFC 3211, RFC 8018). */

export const DATA = '1.2.840.113549.1.7.1';
export const ENVELOPED_DATA = '1.2.840.113549.1.7.3';
export const AUTH_ENVELOPED_DATA = '1.2.840.113549.1.9.16.1.23';

export const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
export const RSAES_OAEP = '1.2.840.113549.1.1.7';
export const MGF1 = '1.2.840.113549.1.1.8';
export const PBKDF2 = '1.2.840.113549.1.5.12';
export const PWRI_KEK = '1.2.840.113549.1.9.16.3.9';
export const SUBJECT_KEY_IDENTIFIER = '2.5.29.14';

export type Hash = 'sha1' | 'sha256' | 'sha384' | 'sha512';
export const HASHES: Readonly<Record<string, Hash>> = { '1.3.14.3.2.26': 'sha1', '2.16.840.1.101.3.4.2.1': 'sha256', '2.16.840.1.101.3.4.2.2': 'sha384', '2.16.840.1.101.3.4.2.3': 'sha512' };
export const SHA256 = '2.16.840.1.101.3.4.2.1';
/** HMACs as pseudo-random functions of PBKDF2. */
export const PRFS: Readonly<Record<string, Hash>> = { '1.2.840.113549.2.7': 'sha1', '1.2.840.113549.2.9': 'sha256', '1.2.840.113549.2.10': 'sha384', '1.2.840.113549.2.11': 'sha512' };
export const HMAC_SHA256 = '1.2.840.113549.2.9';

/** ECDH with the key derivation of X9.63: standard and cofactor, which are the same on these curves. */
export const AGREEMENTS: Readonly<Record<string, Hash>> = {
  '1.3.133.16.840.63.0.2': 'sha1', '1.3.132.1.11.1': 'sha256', '1.3.132.1.11.2': 'sha384', '1.3.132.1.11.3': 'sha512',
  '1.3.133.16.840.63.0.3': 'sha1', '1.3.132.1.14.1': 'sha256', '1.3.132.1.14.2': 'sha384', '1.3.132.1.14.3': 'sha512',
};
export const ECDH_SHA256 = '1.3.132.1.11.1';
/** AES key wrap, by the key's bytes. */
export const KEY_WRAPS: Readonly<Record<string, number>> = { '2.16.840.1.101.3.4.1.5': 16, '2.16.840.1.101.3.4.1.25': 24, '2.16.840.1.101.3.4.1.45': 32 };
export const AES256_WRAP = '2.16.840.1.101.3.4.1.45';

export interface ContentCipher {
  readonly cipher: string;
  readonly keyBytes: number;
  readonly authenticated: boolean;
}
export const CONTENT_CIPHERS: Readonly<Record<string, ContentCipher>> = {
  '2.16.840.1.101.3.4.1.6': { cipher: 'aes-128-gcm', keyBytes: 16, authenticated: true },
  '2.16.840.1.101.3.4.1.26': { cipher: 'aes-192-gcm', keyBytes: 24, authenticated: true },
  '2.16.840.1.101.3.4.1.46': { cipher: 'aes-256-gcm', keyBytes: 32, authenticated: true },
  '2.16.840.1.101.3.4.1.2': { cipher: 'aes-128-cbc', keyBytes: 16, authenticated: false },
  '2.16.840.1.101.3.4.1.22': { cipher: 'aes-192-cbc', keyBytes: 24, authenticated: false },
  '2.16.840.1.101.3.4.1.42': { cipher: 'aes-256-cbc', keyBytes: 32, authenticated: false },
  '1.2.840.113549.3.7': { cipher: 'des-ede3-cbc', keyBytes: 24, authenticated: false },
};
export const AES256_GCM = '2.16.840.1.101.3.4.1.46';
export const AES256_CBC = '2.16.840.1.101.3.4.1.42';
