import { createCipheriv, createDecipheriv, pbkdf2, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { KeywrightError, type SecretBytes } from '../contract/index.ts';
import { der, derInteger, derNull, derOid, DerReader, derSequence, TAG } from './der.ts';
import { readIdentifier } from './identifiers.ts';
import { malformed, notSupported } from './malformed.ts';
import { CONVERT, deriveForPbes1, PBES1_SCHEMES, readRounds } from './pbes1.ts';

/** Encrypted private keys: EncryptedPrivateKeyInfo (RFC 5958 §3) with PBES2 (RFC 8018 §6.2), and PBES1 to read alone. */

const pbkdf2Async = promisify(pbkdf2);
const scryptAsync = promisify(scrypt) as (password: Uint8Array, salt: Uint8Array, length: number, options: { N: number; r: number; p: number; maxmem: number }) => Promise<Buffer>;

/** What we write: as OWASP recommends for PBKDF2-HMAC-SHA256 (2023), and many times what OpenSSL does by default. */
export const PBKDF2_ROUNDS = 600_000;
/** What we read at most, so that a file cannot keep a core busy for minutes or take its memory. */
const MAX_PBKDF2_ROUNDS = 10_000_000;
const MAX_SCRYPT_MEMORY = 256 * 1024 * 1024;
const MAX_SCRYPT_PARALLEL = 16;

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';
const HMAC_SHA256 = '1.2.840.113549.2.9';
const AES_256_CBC = '2.16.840.1.101.3.4.1.42';
const PRFS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1', '1.2.840.113549.2.8': 'sha224', [HMAC_SHA256]: 'sha256', '1.2.840.113549.2.10': 'sha384', '1.2.840.113549.2.11': 'sha512',
  '1.2.840.113549.2.12': 'sha512-224', '1.2.840.113549.2.13': 'sha512-256',
};
const CIPHERS: Readonly<Record<string, { name: string; key: number; block: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', key: 16, block: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', key: 24, block: 16 },
  [AES_256_CBC]: { name: 'aes-256-cbc', key: 32, block: 16 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', key: 24, block: 8 },
};
const OLD_CIPHERS: Readonly<Record<string, string>> = { '1.2.840.113549.3.2': 'RC2', '1.3.14.3.2.7': 'DES', '1.2.840.113549.3.9': 'RC5' };

/**
 * @param bytes PrivateKeyInfo, DER.
 * @returns EncryptedPrivateKeyInfo, DER: PBES2, AES-256-CBC, PBKDF2-HMAC-SHA256 with 600,000 rounds and 16 bytes of salt.
 */
export async function encryptPkcs8(bytes: Uint8Array, passphrase: SecretBytes): Promise<Uint8Array> {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const key = await pbkdf2Async(passphrase.reveal(), salt, PBKDF2_ROUNDS, 32, 'sha256');
  try {
    const cipher = createCipheriv('aes-256-cbc', key, iv);
    const encrypted = Buffer.concat([cipher.update(bytes), cipher.final()]);
    const kdf = derSequence(der(TAG.octetString, salt), derInteger(BigInt(PBKDF2_ROUNDS)), derSequence(derOid(HMAC_SHA256), derNull()));
    const scheme = derSequence(derSequence(derOid(PBKDF2), kdf), derSequence(derOid(AES_256_CBC), der(TAG.octetString, iv)));
    return derSequence(derSequence(derOid(PBES2), scheme), der(TAG.octetString, encrypted));
  } finally {
    key.fill(0);
  }
}

/** How an encrypted private key is encrypted; made without the passphrase, so that one is asked only for what we can open. */
export interface EncryptedPkcs8 {
  readonly cipher: string;
  readonly encrypted: Uint8Array;
  /** Key and initialisation vector; the caller wipes them. */
  derive(passphrase: Uint8Array, signal?: AbortSignal): Promise<{ key: Buffer; iv: Uint8Array }>;
}

/** @throws INVALID_INPUT with the offset, CAPABILITY_MISSING naming a scheme that we do not open. */
export function parseEncryptedPkcs8(bytes: Uint8Array): EncryptedPkcs8 {
  const outer = new DerReader(bytes);
  const info = outer.enter('the encrypted private key');
  const scheme = readIdentifier(info, 'the encryption scheme');
  const { offset } = info;
  const encrypted = info.octets('the encrypted data');
  info.finish('the encrypted private key');
  outer.finish('the encrypted private key');
  if (encrypted.length === 0) throw malformed('There is no encrypted data.', offset);
  if (scheme.parameters === undefined) throw malformed('The encryption scheme has no parameters.', scheme.offset);
  const parameters = scheme.inside.inside(scheme.parameters);
  if (scheme.oid === PBES2) {
    if (scheme.parameters.tag !== TAG.sequence) throw malformed('The parameters of PBES2 should be a SEQUENCE.', scheme.parameters.offset);
    return checkedBlocks({ ...readPbes2(parameters), encrypted }, offset);
  }
  const old = PBES1_SCHEMES[scheme.oid];
  if (old === undefined) throw notSupported(`The key is encrypted in an unknown way (${scheme.oid}).`, CONVERT);
  if (old.cipher === undefined) throw notSupported(`The key is encrypted with ${old.name}, which is too weak to be supported.`, CONVERT);
  const { cipher, derive } = deriveForPbes1(old, parameters);
  return checkedBlocks({ cipher, derive, encrypted }, offset);
}

function checkedBlocks<T extends EncryptedPkcs8>(parsed: T, offset: number): T {
  const block = parsed.cipher.startsWith('aes') ? 16 : 8;
  if (parsed.encrypted.length % block !== 0) throw malformed(`The encrypted data is not a multiple of ${block} bytes.`, offset);
  return parsed;
}

/**
 * @param bytes EncryptedPrivateKeyInfo, DER.
 * @returns PrivateKeyInfo, DER; the caller wipes it.
 * @throws PIN_INCORRECT, INVALID_INPUT, CAPABILITY_MISSING for a scheme that is too old or too costly
 */
export async function decryptPkcs8(bytes: Uint8Array, passphrase: SecretBytes, signal?: AbortSignal): Promise<Uint8Array> {
  return openEncryptedPkcs8(parseEncryptedPkcs8(bytes), passphrase, signal);
}

export async function openEncryptedPkcs8(parsed: EncryptedPkcs8, passphrase: SecretBytes, signal?: AbortSignal): Promise<Uint8Array> {
  const { key, iv } = await parsed.derive(passphrase.reveal(), signal);
  signal?.throwIfAborted();
  try {
    const plain = decipher(parsed.cipher, key, iv, parsed.encrypted);
    if (looksLikePkcs8(plain)) return plain;
    plain.fill(0);
    throw wrongPassphrase();
  } finally {
    key.fill(0);
  }
}

/** @throws PIN_INCORRECT when the padding is wrong, as nearly always under a wrong key */
export function decipher(cipher: string, key: Uint8Array, iv: Uint8Array, encrypted: Uint8Array): Buffer {
  const decipher = createDecipheriv(cipher, key, iv);
  try {
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  } catch {
    throw wrongPassphrase();
  }
}

export function wrongPassphrase(): KeywrightError {
  return new KeywrightError('PIN_INCORRECT', { detail: 'The passphrase does not open this key.', remedy: 'Try again; capital letters and the keyboard layout matter.' });
}

/** One wrong passphrase in 256 leaves a padding that is right by chance: what is within then is not a whole SEQUENCE that begins with a version. */
function looksLikePkcs8(plain: Uint8Array): boolean {
  try {
    const outer = new DerReader(plain);
    const info = outer.enter('the private key');
    outer.finish('the private key');
    info.next('the version', TAG.integer);
    return true;
  } catch {
    return false;
  }
}

function readPbes2(parameters: DerReader): Omit<EncryptedPkcs8, 'encrypted'> {
  const kdf = readIdentifier(parameters, 'the key derivation function');
  const encryption = readIdentifier(parameters, 'the cipher');
  parameters.finish('the parameters of PBES2');
  const cipher = CIPHERS[encryption.oid];
  if (cipher === undefined) throw notSupported(`The key is encrypted with ${OLD_CIPHERS[encryption.oid] ?? `an unknown cipher (${encryption.oid})`}.`, CONVERT);
  const iv = encryption.parameters?.tag === TAG.octetString ? encryption.inside.content(encryption.parameters) : undefined;
  if (iv?.length !== cipher.block) throw malformed(`The initialisation vector of ${cipher.name} should be ${cipher.block} bytes.`, encryption.offset);
  if (kdf.parameters?.tag !== TAG.sequence) throw malformed('The key derivation function has no parameters.', kdf.offset);
  const inside = kdf.inside.inside(kdf.parameters);
  const derive = kdf.oid === PBKDF2 ? readPbkdf2(inside, cipher.key) : kdf.oid === SCRYPT ? readScrypt(inside, cipher.key) : undefined;
  if (derive === undefined) throw notSupported(`The key derivation function is unknown (${kdf.oid}).`, CONVERT);
  return { cipher: cipher.name, derive: async (passphrase) => ({ key: await derive(passphrase), iv }) };
}

type Derive = (passphrase: Uint8Array) => Promise<Buffer>;

/** PBKDF2-params (RFC 8018 A.2). */
function readPbkdf2(parameters: DerReader, length: number): Derive {
  const salt = parameters.octets('the salt of PBKDF2');
  const rounds = readRounds(parameters, MAX_PBKDF2_ROUNDS);
  checkLength(parameters, length);
  let hash = 'sha1';
  if (!parameters.atEnd) {
    const prf = readIdentifier(parameters, 'the pseudorandom function');
    const known = PRFS[prf.oid];
    if (known === undefined) throw notSupported(`The pseudorandom function of PBKDF2 is unknown (${prf.oid}).`, CONVERT);
    hash = known;
  }
  parameters.finish('the parameters of PBKDF2');
  return (passphrase) => pbkdf2Async(passphrase, salt, rounds, length, hash);
}

/** scrypt-params (RFC 7914 §7). */
function readScrypt(parameters: DerReader, length: number): Derive {
  const { offset } = parameters;
  const salt = parameters.octets('the salt of scrypt');
  const N = parameters.smallInteger('the cost of scrypt', 2 ** 31);
  const r = parameters.smallInteger('the block size of scrypt', 2 ** 20);
  const p = parameters.smallInteger('the parallelization of scrypt', 2 ** 20);
  checkLength(parameters, length);
  parameters.finish('the parameters of scrypt');
  if (N < 2 || (N & (N - 1)) !== 0 || r < 1 || p < 1) throw malformed('The parameters of scrypt are not valid: N must be a power of two.', offset);
  // What OpenSSL would refuse (RFC 7914 §6) must not reach it: node:crypto then leaves an error in OpenSSL's queue, and the next key is refused for it.
  if (r < 4 && N >= 2 ** (16 * r)) throw malformed('The cost of scrypt is too large for its block size (RFC 7914 §6).', offset);
  const memory = 128 * r * (N + 2 + p);
  if (memory > MAX_SCRYPT_MEMORY || p > MAX_SCRYPT_PARALLEL) {
    throw notSupported(`Opening this key would take scrypt ${Math.ceil(memory / 2 ** 20)} MiB ${p} times over; ${MAX_SCRYPT_MEMORY / 2 ** 20} MiB ${MAX_SCRYPT_PARALLEL} times is the most.`, CONVERT);
  }
  return (passphrase) => scryptAsync(passphrase, salt, length, { N, r, p, maxmem: 2 * MAX_SCRYPT_MEMORY });
}

function checkLength(parameters: DerReader, length: number): void {
  if (parameters.peek() !== TAG.integer) return;
  const { offset } = parameters;
  if (parameters.smallInteger('the key length', 2 ** 16) !== length) throw malformed(`The key length is not the ${length} bytes of the cipher.`, offset);
}
