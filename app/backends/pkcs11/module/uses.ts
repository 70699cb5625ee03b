import { randomBytes } from 'node:crypto';
import { HASH_SIZES, KEY_ALGORITHMS, KeywrightError, SIGNATURE_ALGORITHMS, type HashName, type KeyAlgorithmName, type SecretBytes } from '../../../contract/index.ts';
import { digestInfo, emsaPss } from '../../../formats/emsa.ts';
import { ecdsaP1363ToDer } from '../../../formats/index.ts';
import { unpadOaep, unpadPkcs1 } from '../../../formats/rsa-unpadding.ts';
import { CKA, CKD_NULL, CKF_DECRYPT, CKF_DERIVE, CKF_ENCRYPT, CKF_SIGN, CKG, CKK, CKM, CKO, CKU, CKZ_DATA_SPECIFIED, PARAMS } from '../constants.ts';
import { isReturn, notDecrypting } from '../errors.ts';
import type { Inputs } from '../messages.ts';
import type { CkMechanism, Handle } from './cryptoki.ts';
import type { SlotToken } from './token.ts';
import { takeValue, unwrapSecret, wrapSecret } from './wrapping.ts';

/** Keys of a token act. What it cannot pad, we pad; what it pads its own way, we don't use. */

type Input<M extends keyof Inputs> = Omit<Inputs[M], 'slot'>;

const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
const mechanism = (code: number, parameter?: unknown): CkMechanism => ({ mechanism: code, ...(parameter === undefined ? {} : { parameter }) }) as CkMechanism;

const HASHES: Readonly<Record<HashName | 'sha1', { readonly hashAlg: number; readonly mgf: number }>> = {
  sha1: { hashAlg: CKM.SHA_1, mgf: CKG.MGF1_SHA1 }, sha256: { hashAlg: CKM.SHA256, mgf: CKG.MGF1_SHA256 }, sha384: { hashAlg: CKM.SHA384, mgf: CKG.MGF1_SHA384 }, sha512: { hashAlg: CKM.SHA512, mgf: CKG.MGF1_SHA512 },
};
/** CK_EDDSA_PARAMS with neither pre-hash nor context: three words of zeros. Ed448 wants it by the letter (PKCS#11 v3.1 §6.3.6). */
const NO_EDDSA_CONTEXT = Buffer.alloc(24);
const SEED = randomBytes(32);
/** For what a call at once gives: it is copied before anything else runs. */
const ROOM = Buffer.alloc(2049);

/** One operation of a key: a mechanism, what goes in, and what that gives. */
interface Attempt {
  readonly means: CkMechanism;
  readonly data: Buffer;
}

/** A mechanism that the token has and refuses with these parameters: then the next one is tried. */
const isRefusal = (thrown: unknown): boolean => isReturn(thrown, 'MECHANISM_INVALID', 'MECHANISM_PARAM_INVALID', 'ARGUMENTS_BAD', 'FUNCTION_NOT_SUPPORTED');

/** @returns a signature as our interface has it: ECDSA in DER. */
export async function sign(token: SlotToken, { key, keyAlgorithm, algorithm, data, secret }: Input<'keys.sign'>): Promise<Uint8Array> {
  const { bits } = KEY_ALGORITHMS[keyAlgorithm];
  const attempts = signAttempts(token, keyAlgorithm, algorithm, bytes(data));
  if (attempts.length === 0) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The token does not make ${algorithm} signatures.`, remedy: 'Choose another algorithm, or another key.' });
  const length = signatureLength(keyAlgorithm);
  const signature = await token.withKey(key, (session, handle) => firstThatWorks(attempts, async ({ means, data: block }) => {
    token.cryptoki.call('C_SignInit', (lib) => lib.C_SignInit(session, means, handle));
    authenticate(token, session, secret, () => token.cryptoki.call('C_Sign', (lib) => lib.C_Sign(session, block, Buffer.alloc(length))));
    // Room for more than it may be, so that more is noticed.
    const inPool = (): Promise<Buffer> => token.cryptoki.callAsync('C_Sign', (lib) => lib.C_SignAsync(session, block, Buffer.alloc(length + 1)));
    const now = (): Buffer => Buffer.from(token.cryptoki.call('C_Sign', (lib) => lib.C_Sign(session, block, ROOM.subarray(0, length + 1).fill(0))));
    // A PIN for each use is a person's, or a card's: that is never quick.
    return secret !== undefined ? inPool() : token.paces.run(`${key.id}/${key.label}/${means.mechanism}`, inPool, now);
  }));
  if (signature.length !== length) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The module gave a signature of ${signature.length} bytes, and one of ${keyAlgorithm} has ${length}.`, remedy: 'Install another version of the module.' });
  return SIGNATURE_ALGORITHMS[algorithm].family === 'ecdsa' ? ecdsaP1363ToDer(signature, bits) : signature;
}

function signatureLength(algorithm: KeyAlgorithmName): number {
  const { family, bits } = KEY_ALGORITHMS[algorithm];
  if (family === 'eddsa') return algorithm === 'ed25519' ? 64 : 114;
  return family === 'rsa' ? bits / 8 : 2 * Math.ceil(bits / 8);
}

function signAttempts(token: SlotToken, keyAlgorithm: KeyAlgorithmName, algorithm: Input<'keys.sign'>['algorithm'], data: Buffer): Attempt[] {
  const { family, hash } = SIGNATURE_ALGORITHMS[algorithm];
  const modulus = KEY_ALGORITHMS[keyAlgorithm].bits / 8;
  const attempts: (Attempt | false)[] = (() => {
    switch (family) {
      case 'rsa-pkcs1': {
        const info = digestInfo(hash as HashName, data);
        return [
          token.has(CKM.RSA_PKCS, CKF_SIGN) && { means: mechanism(CKM.RSA_PKCS), data: info },
          // EMSA-PKCS1-v1_5 (RFC 8017 §9.2)
          token.has(CKM.RSA_X_509, CKF_SIGN) && { means: mechanism(CKM.RSA_X_509), data: Buffer.concat([Buffer.of(0, 1), Buffer.alloc(modulus - info.length - 3, 0xff), Buffer.of(0), info]) },
        ];
      }
      case 'rsa-pss': {
        const { hashAlg, mgf } = HASHES[hash as HashName];
        return [
          token.has(CKM.RSA_PKCS_PSS, CKF_SIGN) && { means: mechanism(CKM.RSA_PKCS_PSS, { type: PARAMS.RSA_PSS, hashAlg, mgf, saltLen: HASH_SIZES[hash as HashName] }), data },
          token.has(CKM.RSA_X_509, CKF_SIGN) && { means: mechanism(CKM.RSA_X_509), data: emsaPss(hash as HashName, data, modulus) },
        ];
      }
      // The leftmost bits count (FIPS 186-5 §6.4.1); tokens refuse more than the curve has.
      case 'ecdsa': return [token.has(CKM.ECDSA, CKF_SIGN) && { means: mechanism(CKM.ECDSA), data: data.subarray(0, Math.ceil(KEY_ALGORITHMS[keyAlgorithm].bits / 8)) }];
      case 'eddsa': {
        const has = token.has(CKM.EDDSA, CKF_SIGN);
        return [has && { means: mechanism(CKM.EDDSA), data }, has && algorithm === 'ed448' && { means: mechanism(CKM.EDDSA, NO_EDDSA_CONTEXT), data }];
      }
      default: return [];
    }
  })();
  return attempts.filter((one) => one !== false);
}

async function firstThatWorks<A, T>(attempts: readonly A[], work: (attempt: A) => Promise<T>): Promise<T> {
  for (const [index, attempt] of attempts.entries()) {
    try {
      return await work(attempt);
    } catch (thrown) {
      if (index === attempts.length - 1 || !isRefusal(thrown)) throw thrown;
    }
  }
  throw new KeywrightError('CAPABILITY_MISSING', { detail: 'The token has no mechanism for that.', remedy: 'See `keywright tokens mechanisms`.' });
}

/** Gives the PIN that this one use asks for. A wrong one leaves the operation waiting: it is brought to its end. */
function authenticate(token: SlotToken, session: Handle, secret: string | null | undefined, finish: () => unknown): void {
  if (secret === undefined) return;
  try {
    token.cryptoki.call('C_Login', (lib) => lib.C_Login(session, CKU.CONTEXT_SPECIFIC, bytes(secret ?? '').toString()));
  } catch (thrown) {
    // A key that does not want it says that nothing is to be logged in to.
    if (isReturn(thrown, 'OPERATION_NOT_INITIALIZED', 'USER_ALREADY_LOGGED_IN')) return;
    try {
      finish();
    } catch {
      // That is how it ends.
    }
    throw thrown;
  }
}

async function decrypt(token: SlotToken, session: Handle, handle: Handle, means: CkMechanism, data: Buffer, room: number, secret: string | null | undefined): Promise<Buffer> {
  token.cryptoki.call('C_DecryptInit', (lib) => lib.C_DecryptInit(session, means, handle));
  authenticate(token, session, secret, () => token.cryptoki.call('C_Decrypt', (lib) => lib.C_Decrypt(session, data, Buffer.alloc(room))));
  try {
    return await token.cryptoki.callAsync('C_Decrypt', (lib) => lib.C_DecryptAsync(session, data, Buffer.alloc(room)));
  } catch (thrown) {
    // Modules say in many ways that something does not decrypt.
    if (isReturn(thrown, 'GENERAL_ERROR', 'FUNCTION_FAILED', 'ENCRYPTED_DATA_INVALID', 'ENCRYPTED_DATA_LEN_RANGE', 'DATA_INVALID', 'DATA_LEN_RANGE', 'ARGUMENTS_BAD', 'DEVICE_ERROR', 'SIGNATURE_INVALID')) throw notDecrypting();
    throw thrown;
  }
}

/** RSA decryption (RFC 8017 §7). Without the padding in the token, the bare operation and a padding of ours, in constant time. */
export async function decryptRsa(token: SlotToken, { key, bits, padding, hash, data: text, secret }: Input<'keys.decrypt-rsa'>): Promise<Buffer> {
  const data = bytes(text);
  const size = bits / 8;
  if (data.length !== size) throw notDecrypting();
  const oaep = mechanism(CKM.RSA_PKCS_OAEP, { type: PARAMS.RSA_OAEP, source: CKZ_DATA_SPECIFIED, ...HASHES[hash] });
  return token.withKey(key, async (session, handle) => {
    if (token.has(CKM.RSA_X_509, CKF_DECRYPT)) {
      try {
        const block = leftPadded(await decrypt(token, session, handle, mechanism(CKM.RSA_X_509), data, size, secret), size);
        if (padding === 'pkcs1') return Buffer.from(unpadPkcs1(block, data, SEED));
        const message = unpadOaep(hash, block);
        if (message === undefined) throw notDecrypting();
        return Buffer.from(message);
      } catch (thrown) {
        if (!isReturn(thrown, 'KEY_FUNCTION_NOT_PERMITTED') && !isRefusal(thrown)) throw thrown;
        if (padding === 'oaep-unwrap' && isReturn(thrown, 'KEY_FUNCTION_NOT_PERMITTED')) return takeBytes(await unwrapSecret(token, session, handle, oaep, data));
      }
    }
    return decrypt(token, session, handle, padding === 'pkcs1' ? mechanism(CKM.RSA_PKCS) : oaep, data, size, secret);
  });
}

const leftPadded = (block: Buffer, size: number): Buffer => (block.length === size ? block : Buffer.concat([Buffer.alloc(size - block.length), block]));

function takeBytes(secret: SecretBytes): Buffer {
  using own = secret;
  return Buffer.from(own.reveal());
}

const NONCE_SIZES = { 'aes-gcm': 12, 'aes-cbc': 16, 'aes-ctr': 16 } as const;
type AesMode = keyof typeof NONCE_SIZES;
const TAG = 16;

function aesMechanism(algorithm: AesMode, nonce: Buffer, aad: Buffer | undefined): CkMechanism {
  if (algorithm === 'aes-gcm') return mechanism(CKM.AES_GCM, { type: PARAMS.AES_GCM_V240, iv: nonce, ivBits: nonce.length * 8, tagBits: TAG * 8, ...(aad === undefined ? {} : { aad }) });
  if (algorithm === 'aes-cbc') return mechanism(CKM.AES_CBC_PAD, nonce);
  // CK_AES_CTR_PARAMS: bits of the counter in a word, then the first block.
  const parameters = Buffer.alloc(8 + 16);
  parameters.writeBigUInt64LE(128n);
  nonce.copy(parameters, 8);
  return mechanism(CKM.AES_CTR, parameters);
}

export async function encryptAes(token: SlotToken, { key, algorithm, plaintext, aad, secret }: Input<'keys.encrypt'>): Promise<{ ciphertext: string; nonce: string; tag?: string }> {
  const mode = modeOf(token, algorithm, CKF_ENCRYPT);
  const nonce = randomBytes(NONCE_SIZES[mode]);
  const data = bytes(plaintext);
  const whole = await token.withKey(key, async (session, handle) => {
    const room = Buffer.alloc(data.length + 2 * TAG);
    token.cryptoki.call('C_EncryptInit', (lib) => lib.C_EncryptInit(session, aesMechanism(mode, nonce, aad === undefined ? undefined : bytes(aad)), handle));
    authenticate(token, session, secret, () => token.cryptoki.call('C_Encrypt', (lib) => lib.C_Encrypt(session, data, Buffer.alloc(room.length))));
    return token.cryptoki.callAsync('C_Encrypt', (lib) => lib.C_EncryptAsync(session, data, room));
  });
  if (mode !== 'aes-gcm') return { ciphertext: whole.toString('base64url'), nonce: nonce.toString('base64url') };
  return { ciphertext: whole.subarray(0, -TAG).toString('base64url'), nonce: nonce.toString('base64url'), tag: whole.subarray(-TAG).toString('base64url') };
}

export async function decryptAes(token: SlotToken, { key, algorithm, ciphertext, nonce, tag, aad, secret }: Input<'keys.decrypt'>): Promise<Buffer> {
  const mode = modeOf(token, algorithm, CKF_DECRYPT);
  const given = bytes(nonce);
  if (given.length !== NONCE_SIZES[mode] || (mode === 'aes-gcm') !== (tag !== undefined) || (tag !== undefined && bytes(tag).length !== TAG)) throw notDecrypting();
  const data = Buffer.concat([bytes(ciphertext), ...(tag === undefined ? [] : [bytes(tag)])]);
  return token.withKey(key, (session, handle) => decrypt(token, session, handle, aesMechanism(mode, given, aad === undefined ? undefined : bytes(aad)), data, data.length + TAG, secret));
}

const AES_MECHANISMS = { 'aes-gcm': CKM.AES_GCM, 'aes-cbc': CKM.AES_CBC_PAD, 'aes-ctr': CKM.AES_CTR } as const;

function modeOf(token: SlotToken, algorithm: string, flag: number): AesMode {
  const code = AES_MECHANISMS[algorithm as AesMode];
  if (code === undefined || !token.has(code, flag)) {
    throw new KeywrightError('CAPABILITY_MISSING', {
      detail: `The token does not have ${algorithm}.`, remedy: 'Choose one of the algorithms named.', alternatives: Object.entries(AES_MECHANISMS).filter(([, one]) => token.has(one, flag)).map(([name]) => name),
    });
  }
  return algorithm as AesMode;
}

export function wrap(token: SlotToken, { key, algorithm, material }: Input<'keys.wrap'>): Promise<Buffer> {
  return token.withKey(key, (session, handle) => wrapSecret(token, session, handle, algorithm, bytes(material)));
}

export async function unwrap(token: SlotToken, { key, algorithm, wrapped }: Input<'keys.unwrap'>): Promise<Buffer> {
  const data = bytes(wrapped);
  if (data.length < (algorithm === 'aes-kw' ? 24 : 16) || data.length % 8 !== 0) throw notDecrypting();
  return token.withKey(key, async (session, handle) => {
    try {
      return takeBytes(await unwrapSecret(token, session, handle, algorithm, data));
    } catch (thrown) {
      if (isReturn(thrown, 'WRAPPED_KEY_INVALID', 'WRAPPED_KEY_LEN_RANGE', 'GENERAL_ERROR', 'FUNCTION_FAILED', 'ENCRYPTED_DATA_INVALID', 'ENCRYPTED_DATA_LEN_RANGE', 'DATA_INVALID', 'TEMPLATE_INCONSISTENT', 'ATTRIBUTE_VALUE_INVALID')) throw notDecrypting();
      throw thrown;
    }
  });
}

/** ECDH without key derivation (PKCS#11 v3.1 §6.3.17, CKD_NULL). @param point of the peer, uncompressed. @returns the x coordinate, field length. */
export function agree(token: SlotToken, { key, keyAlgorithm, point, secret }: Input<'keys.agree'>): Promise<Buffer> {
  const length = Math.ceil(KEY_ALGORITHMS[keyAlgorithm].bits / 8);
  if (!token.has(CKM.ECDH1_DERIVE, CKF_DERIVE)) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'The token does not have ECDH.', remedy: 'Use a key elsewhere.' });
  return token.withKey(key, async (session, handle) => {
    const means = mechanism(CKM.ECDH1_DERIVE, { type: PARAMS.EC_DH, kdf: CKD_NULL, publicData: bytes(point) });
    if (secret !== undefined) token.cryptoki.call('C_Login', (lib) => lib.C_Login(session, CKU.CONTEXT_SPECIFIC, bytes(secret ?? '').toString()));
    const object = await token.cryptoki.callAsync('C_DeriveKey', (lib) => lib.C_DeriveKeyAsync(session, means, handle, [
      { type: CKA.CLASS, value: CKO.SECRET_KEY }, { type: CKA.KEY_TYPE, value: CKK.GENERIC_SECRET }, { type: CKA.TOKEN, value: false }, { type: CKA.SENSITIVE, value: false },
      { type: CKA.EXTRACTABLE, value: true }, { type: CKA.VALUE_LEN, value: length },
    ]));
    return takeBytes(takeValue(token, session, object));
  });
}

const MACS: Partial<Record<KeyAlgorithmName, { readonly code: number; readonly length: number }>> = {
  'hmac-sha256': { code: CKM.SHA256_HMAC, length: 32 }, 'hmac-sha384': { code: CKM.SHA384_HMAC, length: 48 }, 'hmac-sha512': { code: CKM.SHA512_HMAC, length: 64 },
};

export function mac(token: SlotToken, { key, keyAlgorithm, data }: Input<'keys.mac'>): Promise<Buffer> {
  const found = MACS[keyAlgorithm];
  if (found === undefined || !token.has(found.code, CKF_SIGN)) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The token does not have ${keyAlgorithm}.`, remedy: 'Use a key elsewhere.' });
  return token.withKey(key, (session, handle) => {
    token.cryptoki.call('C_SignInit', (lib) => lib.C_SignInit(session, mechanism(found.code), handle));
    return token.cryptoki.callAsync('C_Sign', (lib) => lib.C_SignAsync(session, bytes(data), Buffer.alloc(found.length)));
  });
}

export function random(token: SlotToken, length: number): Promise<Buffer> {
  return token.sessions.useWithoutLogin((session) => token.cryptoki.call('C_GenerateRandom', (lib) => lib.C_GenerateRandom(session, Buffer.alloc(length))));
}
