/** Numbers of OpenPGP (RFC 9580 §9.3, §9.5, §9.6) and what they stand for. */

interface SymmetricCipher {
  readonly name: string;
  readonly keyBytes: number;
  readonly blockBytes: number;
}

export const AES256 = 9;
export const SYMMETRIC: Readonly<Record<number, SymmetricCipher>> = {
  2: { name: 'des-ede3', keyBytes: 24, blockBytes: 8 },
  7: { name: 'aes-128', keyBytes: 16, blockBytes: 16 }, 8: { name: 'aes-192', keyBytes: 24, blockBytes: 16 }, [AES256]: { name: 'aes-256', keyBytes: 32, blockBytes: 16 },
  11: { name: 'camellia-128', keyBytes: 16, blockBytes: 16 }, 12: { name: 'camellia-192', keyBytes: 24, blockBytes: 16 }, 13: { name: 'camellia-256', keyBytes: 32, blockBytes: 16 },
};

export const OCB = 2;
/** EAX, the third, is in no OpenSSL. */
export const AEADS: Readonly<Record<number, { readonly mode: 'ocb' | 'gcm'; readonly nonceBytes: number }>> = { [OCB]: { mode: 'ocb', nonceBytes: 15 }, 3: { mode: 'gcm', nonceBytes: 12 } };
export const AEAD_TAG = 16;
/** OpenSSL has these modes with AES alone. */
export const isAead = (cipher: number, aead: number): boolean => AEADS[aead] !== undefined && SYMMETRIC[cipher]?.name.startsWith('aes-') === true;

export const SHA256 = 8;
/** With which passphrases are hashed; SHA-1 is GnuPG's default there. */
export const HASHES: Readonly<Record<number, string>> = { 2: 'sha1', [SHA256]: 'sha256', 9: 'sha384', 10: 'sha512', 11: 'sha224', 12: 'sha3-256', 14: 'sha3-512' };

/** Packet types (RFC 9580 §5). */
export const PACKETS = { publicSessionKey: 1, signature: 2, secretSessionKey: 3, onePassSignature: 4, compressed: 8, unprotected: 9, marker: 10, literal: 11, protected: 18, modificationDetection: 19, librePgp: 20, padding: 21 } as const;
