import { createCipheriv, createDecipheriv, createHmac, createPublicKey, diffieHellman, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { HASH_SIZES, KEY_ALGORITHMS, KeywrightError, type HashName, type KeyAlgorithmName, type SecretBytes } from '../../contract/index.ts';
import { buildSpki, parseSpki, uncompressedPoint } from '../../formats/spki.ts';
import { doesNotOpen } from './refusals.ts';

/**
 * Hybrid Public Key Encryption, base mode (RFC 9180), one message a context. The private key acts through a function alone,
 * so that one in a token can open what was sealed to it.
 */

interface Kem {
  /** RFC 9180 §7.1. */
  readonly id: number;
  readonly hash: HashName;
  /** Bytes of a serialized public key. */
  readonly publicSize: number;
}

const KEMS: Partial<Record<KeyAlgorithmName, Kem>> = {
  'ec-p256': { id: 0x0010, hash: 'sha256', publicSize: 65 },
  'ec-p384': { id: 0x0011, hash: 'sha384', publicSize: 97 },
  'ec-p521': { id: 0x0012, hash: 'sha512', publicSize: 133 },
  x25519: { id: 0x0020, hash: 'sha256', publicSize: 32 },
  x448: { id: 0x0021, hash: 'sha512', publicSize: 56 },
};

/** RFC 9180 §7.2. */
const KDF_IDS: Readonly<Record<HashName, number>> = { sha256: 0x0001, sha384: 0x0002, sha512: 0x0003 };

/** RFC 9180 §7.3. */
const AEADS = {
  'aes-128-gcm': { id: 0x0001, keySize: 16 },
  'aes-256-gcm': { id: 0x0002, keySize: 32 },
  'chacha20-poly1305': { id: 0x0003, keySize: 32 },
} as const;
export type HpkeAead = keyof typeof AEADS;

const NONCE = 12;
const TAG = 16;
const BASE_MODE = Buffer.of(0);
const EMPTY = Buffer.alloc(0);

/** The algorithms of keys that can open HPKE. */
const HPKE_KEYS = Object.keys(KEMS) as KeyAlgorithmName[];

interface HpkeSuite {
  /** By default the hash of the curve's KEM: SHA-256, SHA-384 or SHA-512. */
  readonly kdf?: HashName;
  /** AES-256-GCM by default. */
  readonly aead?: HpkeAead;
}

interface HpkeContext extends HpkeSuite {
  /** The recipient's public key: SPKI, DER. */
  readonly recipient: Uint8Array;
  /** What both sides know of the exchange; bound into the key. Empty by default. */
  readonly info?: Uint8Array | undefined;
  /** Authenticated with the message. Empty by default. */
  readonly aad?: Uint8Array | undefined;
}

/** A Diffie-Hellman with the recipient's private key. @param peer SPKI, DER. @returns the shared secret, field length. */
export type Agree = (peer: Uint8Array) => Promise<SecretBytes>;

const generatePair = promisify(generateKeyPair as (type: string, options: object, done: (error: Error | null, publicKey: KeyObject, privateKey: KeyObject) => void) => void) as unknown as
  (type: string, options: object) => Promise<{ privateKey: KeyObject; publicKey: KeyObject }>;

/** SealBase (RFC 9180 §6.1). @returns the encapsulated key followed by the ciphertext, which ends in a tag of 16 bytes. */
export async function hpkeSeal(context: HpkeContext, plaintext: Uint8Array): Promise<Buffer> {
  const { algorithm, kem, serialized } = recipientOf(context.recipient);
  const { family, openssl } = KEY_ALGORITHMS[algorithm];
  const ephemeral = await generatePair(family === 'ec' ? 'ec' : openssl, family === 'ec' ? { namedCurve: openssl } : {});
  const encapsulated = serializedOf(ephemeral.publicKey.export({ type: 'spki', format: 'der' }));
  let dh: Buffer;
  try {
    dh = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: createPublicKey({ key: Buffer.from(context.recipient), format: 'der', type: 'spki' }) });
  } catch {
    throw new KeywrightError('INVALID_INPUT', { detail: 'To this public key nothing can be encrypted: it is a point of low order.' });
  }
  const secret = kemSecret(kem, dh, encapsulated, serialized);
  const { cipher, key, nonce } = schedule(kem, context, secret);
  try {
    const sealing = createCipheriv(cipher as 'aes-256-gcm', key, nonce, { authTagLength: TAG });
    sealing.setAAD(context.aad ?? EMPTY, { plaintextLength: plaintext.length });
    return Buffer.concat([encapsulated, sealing.update(plaintext), sealing.final(), sealing.getAuthTag()]);
  } finally {
    for (const bytes of [dh, secret, key]) bytes.fill(0);
  }
}

/**
 * OpenBase (RFC 9180 §6.1).
 * @param sealed as {@link hpkeSeal} gives it.
 * @throws INVALID_INPUT, in the same words whatever was wrong
 */
export async function hpkeOpen(context: HpkeContext, agree: Agree, sealed: Uint8Array): Promise<Buffer> {
  const { algorithm, kem, serialized } = recipientOf(context.recipient);
  if (sealed.length < kem.publicSize + TAG) throw doesNotOpen();
  const encapsulated = sealed.subarray(0, kem.publicSize);
  using dh = await agreeWithEncapsulated(algorithm, encapsulated, agree);
  const secret = kemSecret(kem, dh.reveal(), encapsulated, serialized);
  const { cipher, key, nonce } = schedule(kem, context, secret);
  try {
    const opening = createDecipheriv(cipher as 'aes-256-gcm', key, nonce, { authTagLength: TAG });
    const body = sealed.subarray(kem.publicSize, sealed.length - TAG);
    opening.setAAD(context.aad ?? EMPTY, { plaintextLength: body.length });
    opening.setAuthTag(sealed.subarray(sealed.length - TAG));
    return Buffer.concat([opening.update(body), opening.final()]);
  } catch {
    throw doesNotOpen();
  } finally {
    for (const bytes of [secret, key]) bytes.fill(0);
  }
}

async function agreeWithEncapsulated(algorithm: KeyAlgorithmName, encapsulated: Uint8Array, agree: Agree): Promise<SecretBytes> {
  let peer: Buffer;
  try {
    peer = KEY_ALGORITHMS[algorithm].family === 'ec'
      ? buildSpki({ kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, encapsulated) })
      : buildSpki({ kind: 'bytes', algorithm, bytes: encapsulated });
    return await agree(peer);
  } catch (thrown) {
    // A point that is not on the curve, or of low order, tells no more than any other ciphertext that does not open.
    throw thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT' ? doesNotOpen() : thrown;
  }
}

function recipientOf(spki: Uint8Array): { algorithm: KeyAlgorithmName; kem: Kem; serialized: Uint8Array } {
  const { algorithm } = parseSpki(spki);
  const kem = KEMS[algorithm];
  if (kem === undefined) {
    throw new KeywrightError('CAPABILITY_MISSING', { detail: `RFC 9180 gives no HPKE for ${algorithm}.`, remedy: 'Choose a key of one of the algorithms named.', alternatives: HPKE_KEYS });
  }
  return { algorithm, kem, serialized: serializedOf(spki) };
}

/** SerializePublicKey (RFC 9180 §7.1.1): the uncompressed point, or the u coordinate. */
function serializedOf(spki: Uint8Array): Uint8Array {
  const parts = parseSpki(spki);
  if (parts.kind === 'rsa') throw new TypeError('RSA has no HPKE');
  return parts.bytes;
}

/** ExtractAndExpand of DHKEM (RFC 9180 §4.1). */
function kemSecret(kem: Kem, dh: Uint8Array, encapsulated: Uint8Array, recipient: Uint8Array): Buffer {
  const suite = Buffer.concat([Buffer.from('KEM'), twoBytes(kem.id)]);
  const extracted = labeledExtract(kem.hash, suite, EMPTY, 'eae_prk', dh);
  return labeledExpand(kem.hash, suite, extracted, 'shared_secret', Buffer.concat([encapsulated, recipient]), HASH_SIZES[kem.hash]);
}

/** KeySchedule in base mode (RFC 9180 §5.1), for the first message of a context: its nonce is the base nonce. */
function schedule(kem: Kem, { kdf = kem.hash, aead = 'aes-256-gcm', info = EMPTY }: HpkeContext, secret: Uint8Array): { cipher: HpkeAead; key: Buffer; nonce: Buffer } {
  const suite = Buffer.concat([Buffer.from('HPKE'), twoBytes(kem.id), twoBytes(KDF_IDS[kdf]), twoBytes(AEADS[aead].id)]);
  const context = Buffer.concat([BASE_MODE, labeledExtract(kdf, suite, EMPTY, 'psk_id_hash', EMPTY), labeledExtract(kdf, suite, EMPTY, 'info_hash', info)]);
  const extracted = labeledExtract(kdf, suite, secret, 'secret', EMPTY);
  return {
    cipher: aead,
    key: labeledExpand(kdf, suite, extracted, 'key', context, AEADS[aead].keySize),
    nonce: labeledExpand(kdf, suite, extracted, 'base_nonce', context, NONCE),
  };
}

/** RFC 9180 §4. */
function labeledExtract(hash: HashName, suite: Uint8Array, salt: Uint8Array, label: string, material: Uint8Array): Buffer {
  return createHmac(hash, salt).update('HPKE-v1').update(suite).update(label).update(material).digest();
}

function labeledExpand(hash: HashName, suite: Uint8Array, key: Uint8Array, label: string, info: Uint8Array, length: number): Buffer {
  const labeled = Buffer.concat([twoBytes(length), Buffer.from('HPKE-v1'), suite, Buffer.from(label), info]);
  const blocks: Buffer[] = [];
  let block: Buffer = EMPTY;
  for (let counter = 1; blocks.length * HASH_SIZES[hash] < length; counter++) {
    block = createHmac(hash, key).update(block).update(labeled).update(Buffer.of(counter)).digest();
    blocks.push(block);
  }
  return Buffer.concat(blocks).subarray(0, length);
}

function twoBytes(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
