import { der, derInteger, derNull, derOid, derSequence, TAG } from '../../../../formats/der.ts';
import { decipher, parseEncryptedPkcs8 } from '../../../../formats/pbes.ts';
import { bytes, number, type TestVector } from './corpus.ts';
import { LeftOut, same, type Runner } from './tally.ts';

/** PBKDF2 and PBES2 as they are met in encrypted PKCS#8: each vector is made into one. */

const PRFS: Readonly<Record<string, string>> = { sha1: '1.2.840.113549.2.7', sha224: '1.2.840.113549.2.8', sha256: '1.2.840.113549.2.9', sha384: '1.2.840.113549.2.10', sha512: '1.2.840.113549.2.11' };
const CIPHERS: Readonly<Record<number, string>> = { 16: '2.16.840.1.101.3.4.1.2', 24: '2.16.840.1.101.3.4.1.22', 32: '2.16.840.1.101.3.4.1.42' };

function encryptedPkcs8(hash: string, keySize: number, test: TestVector, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const kdf = derSequence(der(TAG.octetString, bytes(test, 'salt')), derInteger(BigInt(number(test, 'iterationCount'))), derSequence(derOid(PRFS[hash]!), derNull()));
  const scheme = derSequence(derSequence(derOid('1.2.840.113549.1.5.12'), kdf), derSequence(derOid(CIPHERS[keySize]!), der(TAG.octetString, iv)));
  return derSequence(derSequence(derOid('1.2.840.113549.1.5.13'), scheme), der(TAG.octetString, ciphertext));
}

export const pbes2 = (hash: string, bits: number): Runner => async () => async (test) => {
  const parsed = parseEncryptedPkcs8(encryptedPkcs8(hash, bits / 8, test, bytes(test, 'iv'), bytes(test, 'ct')));
  const { key, iv } = await parsed.derive(bytes(test, 'password'));
  return same(decipher(parsed.cipher, key, iv, parsed.encrypted), bytes(test, 'msg'));
};

export const pbkdf2 = (hash: string): Runner => async () => async (test) => {
  const size = number(test, 'dkLen');
  if (CIPHERS[size] === undefined) return new LeftOut('derived as the key of a cipher: 16, 24 or 32 bytes');
  const parsed = parseEncryptedPkcs8(encryptedPkcs8(hash, size, test, Buffer.alloc(16), Buffer.alloc(16)));
  return same((await parsed.derive(bytes(test, 'password'))).key, bytes(test, 'dk'));
};
