import { argon2 as argon2Callback, createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { KeywrightError, type SecretBytes } from '../../contract/index.ts';
import { malformed, notSupported } from '../../formats/malformed.ts';
import { packet, PacketReader } from '../../formats/openpgp-packets.ts';
import { AEAD_TAG, AEADS, AES256, HASHES, isAead, OCB, PACKETS, SHA256, SYMMETRIC } from './algorithms.ts';
import { aeadCipher, type NewSessionKey, type SessionKey } from './session-key.ts';

/** Symmetric-Key Encrypted Session Key packets (RFC 9580 §5.3), and how a passphrase becomes a key (§3.7). */

const argon2 = promisify(argon2Callback);
const [SIMPLE, SALTED, ITERATED, ARGON2] = [0, 1, 3, 4];
/** 65,011,712 bytes are hashed: the most that there is. */
const COUNT = 0xff;
/** 64 MiB, three passes (RFC 9106 §4, the second choice). */
const [PASSES, LANES, MEMORY] = [3, 4, 16];
/** 1 GiB, and four passes over that: beyond it a file could make its reader run out of memory, or of patience. */
const [MOST_MEMORY, MOST_WORK] = [20, 4 * 2 ** 20];

/** @returns the packet; version 6 where the content is AEAD. */
export async function secretSessionKey({ key, cipher }: NewSessionKey, version: 4 | 6, ask: () => Promise<SecretBytes>): Promise<Buffer> {
  using passphrase = await ask();
  if (version === 4) {
    const s2k = Buffer.concat([Buffer.of(ITERATED, SHA256), randomBytes(8), Buffer.of(COUNT)]);
    const kek = await derive(new PacketReader(s2k), 32, passphrase);
    const encrypted = createCipheriv('aes-256-cfb', kek, Buffer.alloc(16)).update(Buffer.concat([Buffer.of(cipher), key]));
    return packet(PACKETS.secretSessionKey, Buffer.of(4, AES256), s2k, encrypted);
  }
  const s2k = Buffer.concat([Buffer.of(ARGON2), randomBytes(16), Buffer.of(PASSES, LANES, MEMORY)]);
  const nonce = randomBytes(AEADS[OCB]!.nonceBytes);
  const aad = aadOf(AES256, OCB);
  const sealer = aeadCipher(createCipheriv, AES256, OCB, keyEncryptionKey(await derive(new PacketReader(s2k), 32, passphrase), aad, 32), nonce).setAAD(aad);
  const encrypted = Buffer.concat([sealer.update(key), sealer.final(), sealer.getAuthTag()]);
  return packet(PACKETS.secretSessionKey, Buffer.of(6, 3 + s2k.length + nonce.length, AES256, OCB, s2k.length), s2k, nonce, encrypted);
}

/** @returns the session key, if the passphrase gives one: version 4 does not show whether it is the right one, version 6 does. @throws INVALID_INPUT, CAPABILITY_MISSING for what asks too much */
export async function openSecretSessionKey(body: Uint8Array, passphrase: SecretBytes): Promise<SessionKey | undefined> {
  const reader = new PacketReader(body);
  const version = reader.number(1, 'the version');
  if (version === 6) return openVersion6(reader, passphrase);
  if (version !== 4) return undefined;
  const cipher = reader.number(1, 'the cipher');
  const facts = SYMMETRIC[cipher];
  if (facts === undefined) throw foreignCipher(cipher);
  const kek = await derive(reader, facts.keyBytes, passphrase);
  const encrypted = reader.take(body.length - reader.offset, 'the session key');
  if (encrypted.length === 0) return { key: kek, cipher };
  const [own = 0, ...key] = createDecipheriv(`${facts.name}-cfb`, kek, Buffer.alloc(facts.blockBytes)).update(encrypted);
  return SYMMETRIC[own]?.keyBytes === key.length ? { key: Buffer.from(key), cipher: own } : undefined;
}

/** RFC 9580 §9.3, those that OpenSSL does not have, or no more. */
const FOREIGN: Readonly<Record<number, string>> = { 1: 'IDEA', 3: 'CAST5', 4: 'Blowfish', 10: 'Twofish' };
const foreignCipher = (cipher: number): KeywrightError => notSupported(`The file is encrypted with ${FOREIGN[cipher] ?? `a cipher of the number ${cipher}`}, which is not handled, whatever the passphrase.`, 'Open it with GnuPG, or have it encrypted with AES.');

async function openVersion6(reader: PacketReader, passphrase: SecretBytes): Promise<SessionKey | undefined> {
  reader.number(1, 'the length of the fields');
  const [cipher, aead, length] = [reader.number(1, 'the cipher'), reader.number(1, 'the AEAD'), reader.number(1, 'the length of the derivation')];
  const facts = SYMMETRIC[cipher];
  if (facts === undefined || !isAead(cipher, aead)) return undefined;
  const derivation = new PacketReader(reader.take(length, 'the derivation'));
  const nonce = reader.take(AEADS[aead]!.nonceBytes, 'the nonce');
  const rest = reader.take(reader.bytes.length - reader.offset, 'the session key');
  if (rest.length <= AEAD_TAG) throw malformed('The session key under the passphrase is too short.');
  const aad = aadOf(cipher, aead);
  const kek = keyEncryptionKey(await derive(derivation, facts.keyBytes, passphrase), aad, facts.keyBytes);
  const opener = aeadCipher(createDecipheriv, cipher, aead, kek, nonce).setAAD(aad).setAuthTag(rest.subarray(-AEAD_TAG));
  try {
    return { key: Buffer.concat([opener.update(rest.subarray(0, -AEAD_TAG)), opener.final()]), cipher: undefined };
  } catch {
    return undefined;
  }
}

const aadOf = (cipher: number, aead: number): Buffer => Buffer.of(0xc0 | PACKETS.secretSessionKey, 6, cipher, aead);

function keyEncryptionKey(derived: Uint8Array, info: Uint8Array, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', derived, Buffer.alloc(0), info, bytes));
}

/** A string-to-key specifier (RFC 9580 §3.7.1). @returns `bytes` bytes */
async function derive(reader: PacketReader, bytes: number, passphrase: SecretBytes): Promise<Buffer> {
  const kind = reader.number(1, 'the kind of derivation');
  if (kind === ARGON2) {
    const salt = reader.take(16, 'the salt');
    const [passes, parallelism, power] = [reader.number(1, 'the passes'), reader.number(1, 'the lanes'), reader.number(1, 'the memory')];
    if (passes === 0 || parallelism === 0 || power > 31 || 2 ** power < 8 * parallelism) throw malformed('How the passphrase is used is not valid (RFC 9580 §3.7.1.4).');
    if (power > MOST_MEMORY || passes * 2 ** power > MOST_WORK) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The passphrase of this file would need ${passes} passes over ${2 ** (power - 10)} MiB to be tried, and that is too much here.`, remedy: 'Have it encrypted with less.' });
    return argon2('argon2id', { message: passphrase.reveal(), nonce: salt, parallelism, tagLength: bytes, memory: 2 ** power, passes });
  }
  if (kind !== SIMPLE && kind !== SALTED && kind !== ITERATED) throw malformed('The passphrase is used in a way that is not handled.');
  const name = HASHES[reader.number(1, 'the hash')];
  if (name === undefined) throw malformed('The passphrase is hashed in a way that is not handled.');
  const salt = kind === SIMPLE ? Buffer.alloc(0) : reader.take(8, 'the salt');
  const code = kind === ITERATED ? reader.number(1, 'the count') : 0;
  const once = Buffer.concat([salt, passphrase.reveal()]);
  const count = kind === ITERATED ? Math.max(once.length, (16 + (code & 15)) << ((code >> 4) + 6)) : once.length;
  const derived = repeated(name, once, count, bytes);
  once.fill(0);
  return derived;
}

/** Hashes `count` bytes of `once` after itself, with more zeros in front for each block of the key. */
function repeated(hash: string, once: Buffer, count: number, bytes: number): Buffer {
  const times = Math.max(1, Math.floor(65_536 / Math.max(1, once.length)));
  const many = Buffer.concat(Array.from({ length: times }, () => once));
  const blocks: Buffer[] = [];
  for (let held = 0; held < bytes;) {
    const digest = createHash(hash).update(Buffer.alloc(blocks.length));
    for (let left = count; left > 0; left -= many.length) digest.update(left >= many.length ? many : many.subarray(0, left));
    const block = digest.digest();
    blocks.push(block);
    held += block.length;
    if (many.length === 0) break;
  }
  many.fill(0);
  return Buffer.concat(blocks).subarray(0, bytes);
}
