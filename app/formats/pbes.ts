import { createCipheriv, createDecipheriv, pbkdf2, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { because, KeywrightError, type SecretBytes } from '../contract/index.ts';
import { der, derInteger, derNull, derOid, DerReader, derSequence, TAG } from './der.ts';
import { readIdentifier } from './identifiers.ts';
import { limits, MEMORY_SETTING, memoryBytes } from './limits.ts';
import { malformed, notSupported } from './malformed.ts';
import { rc2Decrypt, rc4 } from './old-ciphers.ts';
import { CONVERT, deriveForPbes1, PBES1_SCHEMES, readRounds } from './pbes1.ts';

/** Encrypted private keys: EncryptedPrivateKeyInfo (RFC 5958 §3) with PBES2 (RFC 8018 §6.2), and PBES1 to read alone. */

const pbkdf2Async = promisify(pbkdf2);
const scryptAsync = promisify(scrypt) as (password: Uint8Array, salt: Uint8Array, length: number, options: { N: number; r: number; p: number; maxmem: number }) => Promise<Buffer>;

/** What we write: as OWASP recommends for PBKDF2-HMAC-SHA256 (2023), and many times what OpenSSL does by default. */
export const PBKDF2_ROUNDS = 600_000;
const MAX_SCRYPT_PARALLEL = 16;

const PBES2 = '1.2.840.113549.1.5.13';
export const PBKDF2 = '1.2.840.113549.1.5.12';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';
export const HMAC_SHA256 = '1.2.840.113549.2.9';
const AES_256_CBC = '2.16.840.1.101.3.4.1.42';
export const PRFS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1', '1.2.840.113549.2.8': 'sha224', [HMAC_SHA256]: 'sha256', '1.2.840.113549.2.10': 'sha384', '1.2.840.113549.2.11': 'sha512',
  '1.2.840.113549.2.12': 'sha512-224', '1.2.840.113549.2.13': 'sha512-256',
};
const CIPHERS: Readonly<Record<string, { name: string; key: number; block: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', key: 16, block: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', key: 24, block: 16 },
  [AES_256_CBC]: { name: 'aes-256-cbc', key: 32, block: 16 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', key: 24, block: 8 },
};
const [RC2_CBC, DES_CBC] = ['1.2.840.113549.3.2', '1.3.14.3.2.7'];
const OLD_CIPHERS: Readonly<Record<string, string>> = { '1.2.840.113549.3.9': 'RC5' };
/** RC2's version numbers (RFC 8018 B.2.3) and the effective bits that they stand for. */
const RC2_VERSIONS: Readonly<Record<number, number>> = { 160: 40, 120: 64, 58: 128 };

/**
 * @param bytes PrivateKeyInfo, DER.
 * @returns EncryptedPrivateKeyInfo, DER: PBES2, AES-256-CBC, PBKDF2-HMAC-SHA256 with 600,000 rounds and 16 bytes of salt.
 */
export async function encryptPkcs8(bytes: Uint8Array, passphrase: SecretBytes): Promise<Buffer> {
  const [scheme, encrypted] = await encryptPbes2(bytes, passphrase);
  return derSequence(scheme, der(TAG.octetString, encrypted));
}

/** @returns the AlgorithmIdentifier of the encryption, DER, and the ciphertext, with the parameters of {@link encryptPkcs8}. */
export async function encryptPbes2(bytes: Uint8Array, passphrase: SecretBytes): Promise<[scheme: Buffer, encrypted: Buffer]> {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const key = await pbkdf2Async(passphrase.reveal(), salt, PBKDF2_ROUNDS, 32, 'sha256');
  try {
    const cipher = createCipheriv('aes-256-cbc', key, iv);
    const encrypted = Buffer.concat([cipher.update(bytes), cipher.final()]);
    const kdf = derSequence(der(TAG.octetString, salt), derInteger(BigInt(PBKDF2_ROUNDS)), derSequence(derOid(HMAC_SHA256), derNull()));
    const scheme = derSequence(derSequence(derOid(PBKDF2), kdf), derSequence(derOid(AES_256_CBC), der(TAG.octetString, iv)));
    return [derSequence(derOid(PBES2), scheme), encrypted];
  } finally {
    key.fill(0);
  }
}

/** How something is encrypted; made without the passphrase, so that one is asked only for what we can open. */
interface EncryptionScheme {
  /** As node:crypto names it, or `rc2-40`, `rc2-64`, `rc2-128`, `rc4`. */
  readonly cipher: string;
  /** In words, for who looks at the file: "PBES2 with aes-256-cbc". */
  readonly name: string;
  /** What opening it costs, in rounds of PBKDF2. */
  readonly cost: number;
  /** Key and initialisation vector; the caller wipes them. */
  derive(passphrase: Uint8Array | null, signal?: AbortSignal): Promise<{ key: Buffer; iv: Uint8Array }>;
}

export interface EncryptedPkcs8 extends EncryptionScheme {
  readonly encrypted: Uint8Array;
}

/** @throws INVALID_INPUT with the offset, CAPABILITY_MISSING naming a scheme that we do not open. */
export function parseEncryptedPkcs8(bytes: Uint8Array): EncryptedPkcs8 {
  const outer = new DerReader(bytes);
  const info = outer.enter('the encrypted private key');
  const scheme = readEncryptionScheme(info);
  const { offset } = info;
  const encrypted = info.octets('the encrypted data');
  info.finish('the encrypted private key');
  outer.finish('the encrypted private key');
  return checkedBlocks({ ...scheme, encrypted }, offset);
}

/** Reads the AlgorithmIdentifier of an encryption with a passphrase: PBES2, PBES1, or one of PKCS#12's. */
export function readEncryptionScheme(reader: DerReader): EncryptionScheme {
  const scheme = readIdentifier(reader, 'the encryption scheme');
  if (scheme.parameters === undefined) throw malformed('The encryption scheme has no parameters.', scheme.offset);
  const parameters = scheme.inside.inside(scheme.parameters);
  if (scheme.oid === PBES2) {
    if (scheme.parameters.tag !== TAG.sequence) throw malformed('The parameters of PBES2 should be a SEQUENCE.', scheme.parameters.offset);
    return readPbes2(parameters);
  }
  const old = PBES1_SCHEMES[scheme.oid];
  if (old === undefined) throw notSupported(`The key is encrypted in an unknown way (${scheme.oid}).`, CONVERT);
  return { name: old.name, ...deriveForPbes1(old, parameters) };
}

/** @throws INVALID_INPUT unless `encrypted` is whole blocks. */
export function checkedBlocks<T extends EncryptedPkcs8>(parsed: T, offset: number): T {
  if (parsed.encrypted.length === 0) throw malformed('There is no encrypted data.', offset);
  if (parsed.cipher === 'rc4') return parsed;
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

/** As {@link decryptPkcs8}, of what was parsed already. @returns PrivateKeyInfo, DER; the caller wipes it. @throws PIN_INCORRECT */
export async function openEncryptedPkcs8(parsed: EncryptedPkcs8, passphrase: SecretBytes, signal?: AbortSignal): Promise<Uint8Array> {
  const plain = await openEncrypted(parsed, passphrase.reveal(), signal);
  if (looksLikePkcs8(plain)) return plain;
  plain.fill(0);
  throw wrongPassphrase();
}

/** @returns the plaintext, which a wrong passphrase now and then lets through as nonsense. @throws PIN_INCORRECT */
export async function openEncrypted(parsed: EncryptedPkcs8, passphrase: Uint8Array | null, signal?: AbortSignal): Promise<Buffer> {
  const { key, iv } = await parsed.derive(passphrase, signal);
  signal?.throwIfAborted();
  try {
    if (parsed.cipher === 'rc4') return rc4(key, parsed.encrypted);
    if (parsed.cipher.startsWith('rc2-')) return unpadded(await rc2Decrypt(key, Number(parsed.cipher.slice(4)), iv, parsed.encrypted));
    return decipher(parsed.cipher, key, iv, parsed.encrypted);
  } finally {
    key.fill(0);
  }
}

function unpadded(plain: Buffer): Buffer {
  const count = plain.at(-1) as number;
  if (count >= 1 && count <= 8 && plain.subarray(-count).every((byte) => byte === count)) return plain.subarray(0, -count);
  plain.fill(0);
  throw wrongPassphrase();
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

/** @returns PIN_INCORRECT, whatever it was that did not open: which check failed is not told, as in every other format. */
export function wrongPassphrase(): KeywrightError {
  return new KeywrightError('PIN_INCORRECT', because('secret.opens-no-key', {}));
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

function readPbes2(parameters: DerReader): EncryptionScheme {
  const kdf = readIdentifier(parameters, 'the key derivation function');
  const encryption = readIdentifier(parameters, 'the cipher');
  parameters.finish('the parameters of PBES2');
  const { name, key, block, iv } = cipherOf(encryption);
  if (iv?.length !== block) throw malformed(`The initialisation vector of ${name} should be ${block} bytes.`, encryption.offset);
  const derive = readDerivation(kdf, key);
  return { cipher: name, name: `PBES2 with ${name}`, cost: derive.cost, derive: async (passphrase) => {
    const derived = await derive.run(passphrase ?? new Uint8Array());
    return { key: encryption.oid === DES_CBC ? Buffer.concat([derived, derived, derived]) : derived, iv };
  } };
}

function cipherOf({ oid, parameters, inside }: ReturnType<typeof readIdentifier>): { name: string; key: number; block: number; iv: Uint8Array | undefined } {
  const given = parameters?.tag === TAG.octetString ? inside.content(parameters) : undefined;
  if (oid === DES_CBC) return { name: 'des-ede3-cbc', key: 8, block: 8, iv: given };
  if (oid === RC2_CBC && parameters?.tag === TAG.sequence) {
    const reader = inside.inside(parameters);
    const bits = reader.peek() === TAG.integer ? RC2_VERSIONS[reader.smallInteger('the version of RC2', 1024)] : 32;
    if (bits === undefined || bits === 32) throw notSupported('The key is encrypted with RC2 of an effective length that nobody uses.', CONVERT);
    return { name: `rc2-${bits}`, key: bits / 8, block: 8, iv: reader.octets('the initialisation vector') };
  }
  const cipher = CIPHERS[oid];
  if (cipher === undefined) throw notSupported(`The key is encrypted with ${OLD_CIPHERS[oid] ?? `an unknown cipher (${oid})`}.`, CONVERT);
  return { ...cipher, iv: given };
}

/** Reads the parameters of PBKDF2 or scrypt. @param length of the key. */
function readDerivation(kdf: ReturnType<typeof readIdentifier>, length: number): Derive {
  if (kdf.parameters?.tag !== TAG.sequence) throw malformed('The key derivation function has no parameters.', kdf.offset);
  const inside = kdf.inside.inside(kdf.parameters);
  if (kdf.oid === PBKDF2) return readPbkdf2(inside, length);
  if (kdf.oid === SCRYPT) return readScrypt(inside, length);
  throw notSupported(`The key derivation function is unknown (${kdf.oid}).`, CONVERT);
}

interface Derive {
  readonly cost: number;
  run(passphrase: Uint8Array): Promise<Buffer>;
}

/** PBKDF2-params (RFC 8018 A.2). */
function readPbkdf2(parameters: DerReader, length: number): Derive {
  const salt = parameters.octets('the salt of PBKDF2');
  const rounds = readRounds(parameters, limits().rounds);
  checkLength(parameters, length);
  let hash = 'sha1';
  if (!parameters.atEnd) {
    const prf = readIdentifier(parameters, 'the pseudorandom function');
    const known = PRFS[prf.oid];
    if (known === undefined) throw notSupported(`The pseudorandom function of PBKDF2 is unknown (${prf.oid}).`, CONVERT);
    hash = known;
  }
  parameters.finish('the parameters of PBKDF2');
  return { cost: rounds, run: (passphrase) => pbkdf2Async(passphrase, salt, rounds, length, hash) };
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
  if (memory > memoryBytes() || p > MAX_SCRYPT_PARALLEL) {
    throw notSupported(`Opening this key would take scrypt ${Math.ceil(memory / 2 ** 20)} MiB ${p} times over; ${limits().memory} MiB ${MAX_SCRYPT_PARALLEL} times is the most (setting ${MEMORY_SETTING}).`, CONVERT);
  }
  return { cost: N * r * p, run: (passphrase) => scryptAsync(passphrase, salt, length, { N, r, p, maxmem: 2 * Math.max(memory, 2 ** 20) }) };
}

function checkLength(parameters: DerReader, length: number): void {
  if (parameters.peek() !== TAG.integer) return;
  const { offset } = parameters;
  if (parameters.smallInteger('the key length', 2 ** 16) !== length) throw malformed(`The key length is not the ${length} bytes of the cipher.`, offset);
}
