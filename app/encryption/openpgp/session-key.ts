import type { createCipheriv, createDecipheriv, CipherGCM, DecipherGCM } from 'node:crypto';
import { constants, createHash, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, publicEncrypt, type KeyObject } from 'node:crypto';
import { KEY_ALGORITHMS } from '../../contract/index.ts';
import { malformed } from '../../formats/malformed.ts';
import { ECDH, encryptionKeyBody, type OpenpgpEncryptionKey, readEncryptionKeyBody, X25519 } from '../../formats/openpgp-encryption-key.ts';
import { RSA } from '../../formats/openpgp-key.ts';
import { mpi, packet, PacketReader, uint16 } from '../../formats/openpgp-packets.ts';
import { buildSpki, parseSpki, uncompressedPoint } from '../../formats/spki.ts';
import { unwrapKey, wrapKey } from '../key-wrap.ts';
import { type HeldKey, unlessForAnother } from '../parties.ts';
import { AEAD_TAG, AEADS, HASHES, PACKETS, SYMMETRIC } from './algorithms.ts';

/** Public-Key Encrypted Session Key packets (RFC 9580 §5.1), versions 3 and 6. */

export interface SessionKey {
  readonly key: Buffer;
  /** Number of the cipher; undefined in version 6, where the content itself tells. */
  readonly cipher: number | undefined;
}

/** One that was made here: its cipher is known. */
export type NewSessionKey = SessionKey & { readonly cipher: number };

/** For SEIPD of version 1 and 2. */
type SessionKeyVersion = 3 | 6;

const SENDER = Buffer.from('Anonymous Sender    ', 'latin1');

/** @returns a cipher of an AEAD, one that OpenSSL has. */
export function aeadCipher<T extends typeof createCipheriv | typeof createDecipheriv>(make: T, cipher: number, aead: number, key: Uint8Array, nonce: Uint8Array): T extends typeof createCipheriv ? CipherGCM : DecipherGCM {
  return (make as typeof createCipheriv)(`${SYMMETRIC[cipher]!.name}-${AEADS[aead]!.mode}` as 'aes-256-gcm', key, nonce, { authTagLength: AEAD_TAG }) as never;
}

/** @param to the recipient's key. @returns the packet */
export function publicSessionKey(to: OpenpgpEncryptionKey, { key, cipher }: NewSessionKey, version: SessionKeyVersion): Buffer {
  const named = version === 3 ? Buffer.concat([Buffer.of(3), to.keyId]) : Buffer.concat([Buffer.of(6, 1 + to.fingerprint.length, to.version), to.fingerprint]);
  return packet(PACKETS.publicSessionKey, named, Buffer.of(to.number), to.number === X25519 ? forX25519(to, key, version === 3 ? cipher : undefined) : forOthers(to, checksummed(key, version === 3 ? cipher : undefined)));
}

/** Cipher (version 3), key, and the sum of its bytes. */
function checksummed(key: Uint8Array, cipher: number | undefined): Buffer {
  return Buffer.concat([cipher === undefined ? Buffer.alloc(0) : Buffer.of(cipher), key, uint16(sumOf(key))]);
}

const sumOf = (key: Uint8Array): number => key.reduce((sum, byte) => (sum + byte) & 0xffff, 0);

function forOthers(to: OpenpgpEncryptionKey, content: Buffer): Buffer {
  const publicKey = createPublicKey({ key: Buffer.from(to.spki), format: 'der', type: 'spki' });
  if (to.number === RSA) return mpi(publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, content));
  const ephemeral = (to.algorithm === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('ec', { namedCurve: KEY_ALGORITHMS[to.algorithm].openssl })) as { publicKey: KeyObject; privateKey: KeyObject };
  const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey });
  const { bytes } = parseSpki(ephemeral.publicKey.export({ type: 'spki', format: 'der' })) as { bytes: Uint8Array };
  const padding = 8 - (content.length % 8);
  const wrapped = wrapKey(ecdhKey(to, shared), Buffer.concat([content, Buffer.alloc(padding, padding)]));
  return Buffer.concat([mpi(to.algorithm === 'x25519' ? Buffer.concat([Buffer.of(0x40), bytes]) : bytes), Buffer.of(wrapped.length), wrapped]);
}

/** RFC 9580 §11.5. @returns the key that wraps */
function ecdhKey({ ecdh, fingerprint }: OpenpgpEncryptionKey, shared: Uint8Array): Buffer {
  const { oid, hash, cipher } = ecdh as NonNullable<typeof ecdh>;
  const [name, facts] = [hash >= 8 && hash <= 10 ? HASHES[hash] : undefined, cipher >= 7 && cipher <= 9 ? SYMMETRIC[cipher] : undefined];
  if (name === undefined || facts === undefined) throw malformed('The OpenPGP key derives keys in a way that is not handled.');
  const parameters = Buffer.concat([Buffer.of(oid.length), oid, Buffer.of(ECDH, 3, 1, hash, cipher), SENDER, fingerprint]);
  return createHash(name).update(Buffer.of(0, 0, 0, 1)).update(shared).update(parameters).digest().subarray(0, facts.keyBytes);
}

/** RFC 9580 §5.1.6. */
function forX25519(to: OpenpgpEncryptionKey, key: Buffer, cipher: number | undefined): Buffer {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const shared = diffieHellman({ privateKey, publicKey: createPublicKey({ key: Buffer.from(to.spki), format: 'der', type: 'spki' }) });
  const { bytes } = parseSpki(publicKey.export({ type: 'spki', format: 'der' })) as { bytes: Uint8Array };
  const wrapped = wrapKey(x25519Key(bytes, to.spki, shared), key);
  return Buffer.concat([bytes, cipher === undefined ? Buffer.of(wrapped.length) : Buffer.of(wrapped.length + 1, cipher), wrapped]);
}

function x25519Key(ephemeral: Uint8Array, own: Uint8Array, shared: Uint8Array): Buffer {
  const { bytes } = parseSpki(own) as { bytes: Uint8Array };
  return Buffer.from(hkdfSync('sha256', Buffer.concat([ephemeral, bytes, shared]), Buffer.alloc(0), 'OpenPGP X25519', 16));
}

export interface ReadSessionKey {
  readonly version: SessionKeyVersion;
  /** Key ID or fingerprint; empty: for somebody who is not named. */
  readonly named: Uint8Array;
  readonly number: number;
  readonly fields: PacketReader;
}

/** @param body of the packet. @returns undefined for versions that are not handled. @throws INVALID_INPUT */
export function readPublicSessionKey(body: Uint8Array): ReadSessionKey | undefined {
  const fields = new PacketReader(body);
  const version = fields.number(1, 'the version');
  if (version === 3) {
    const id = fields.take(8, 'the key ID');
    return { version, named: id.every((byte) => byte === 0) ? id.subarray(0, 0) : id, number: fields.number(1, 'the algorithm'), fields };
  }
  if (version !== 6) return undefined;
  const length = fields.number(1, 'the length of the fingerprint');
  const named = length === 0 ? new Uint8Array() : fields.take(length, 'the fingerprint').subarray(1);
  return { version, named, number: fields.number(1, 'the algorithm'), fields };
}

/** @returns the forms in which a held key may be a recipient. */
export function encryptionKeysOf({ spki, created }: Pick<HeldKey, 'spki' | 'created'>): OpenpgpEncryptionKey[] {
  return ([4, 6] as const).flatMap((version) => {
    const body = encryptionKeyBody(spki, created, version);
    return body === undefined ? [] : [readEncryptionKeyBody(body)];
  });
}

/** @returns the session key, if it is for this key in this form. @throws INVALID_INPUT for what is damaged, and what the key throws */
export async function openPublicSessionKey({ version, number, fields: given }: ReadSessionKey, key: HeldKey, form: OpenpgpEncryptionKey): Promise<SessionKey | undefined> {
  const fields = new PacketReader(given.bytes.subarray(given.offset));
  if (number === X25519) return openX25519(fields, key, form, version);
  if (number === ECDH) return openEcdh(fields, key, form, version);
  const encrypted = fields.mpi('the session key');
  const length = KEY_ALGORITHMS[key.algorithm].bits / 8;
  if (encrypted.length > length) return undefined;
  const content = await key.decrypt?.('rsa-pkcs1', Buffer.concat([Buffer.alloc(length - encrypted.length), encrypted])).catch(unlessForAnother);
  // PKCS#1 v1.5 gives something for every key: the checksum tells.
  return content === undefined ? undefined : verified(Buffer.from(content), version);
}

async function openEcdh(fields: PacketReader, key: HeldKey, form: OpenpgpEncryptionKey, version: SessionKeyVersion): Promise<SessionKey | undefined> {
  const point = fields.mpi('the sender’s key');
  const wrapped = fields.take(fields.number(1, 'the session key'), 'the session key');
  if (form.algorithm === 'x25519' ? point.length !== 33 || point[0] !== 0x40 : point[0] !== 4) return undefined;
  const peer = form.algorithm === 'x25519' ? buildSpki({ kind: 'bytes', algorithm: 'x25519', bytes: point.subarray(1) }) : pointOf(form, point);
  if (peer === undefined) return undefined;
  using shared = await key.agree?.(peer).catch(unlessForAnother);
  const padded = shared === undefined ? undefined : unwrapKey(ecdhKey(form, shared.reveal()), wrapped);
  const padding = padded?.at(-1) ?? 0;
  if (padded === undefined || padding === 0 || padding >= padded.length || !padded.subarray(-padding).every((byte) => byte === padding)) return undefined;
  return verified(padded.subarray(0, -padding), version);
}

function pointOf({ algorithm }: OpenpgpEncryptionKey, point: Uint8Array): Buffer | undefined {
  if (point.length !== 1 + 2 * Math.ceil(KEY_ALGORITHMS[algorithm].bits / 8)) return undefined;
  return buildSpki({ kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, point) });
}

async function openX25519(fields: PacketReader, key: HeldKey, { spki }: OpenpgpEncryptionKey, version: SessionKeyVersion): Promise<SessionKey | undefined> {
  const ephemeral = fields.take(32, 'the sender’s key');
  const rest = fields.take(fields.number(1, 'the session key'), 'the session key');
  const [cipher, wrapped] = version === 3 ? [rest[0], rest.subarray(1)] : [undefined, rest];
  using shared = await key.agree?.(buildSpki({ kind: 'bytes', algorithm: 'x25519', bytes: ephemeral })).catch(unlessForAnother);
  const content = shared === undefined ? undefined : unwrapKey(x25519Key(ephemeral, spki, shared.reveal()), wrapped);
  return content === undefined ? undefined : { key: content, cipher };
}

function verified(content: Buffer, version: SessionKeyVersion): SessionKey | undefined {
  const cipher = version === 3 ? content[0] : undefined;
  const key = content.subarray(version === 3 ? 1 : 0, -2);
  if (key.length < 16 || content.readUInt16BE(content.length - 2) !== sumOf(key)) return undefined;
  if (cipher !== undefined && SYMMETRIC[cipher]?.keyBytes !== key.length) return undefined;
  return { key: Buffer.from(key), cipher };
}
