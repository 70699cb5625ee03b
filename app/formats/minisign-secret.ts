import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { SecretBytes } from '../contract/index.ts';
import { bcryptPbkdf } from './bcrypt-pbkdf.ts';
import { bcryptRounds, limits, MEMORY_SETTING, memoryBytes, mostRounds } from './limits.ts';
import { malformed, notSupported } from './malformed.ts';
import { MINISIGN_COMMENT, minisignKeyId, minisignKeyName, minisignLines } from './minisign.ts';
import { wrongPassphrase } from './pbes.ts';
import type { PrivateParts } from './private-parts.ts';

/** Secret keys of minisign (its page, “Secret key format”) and of signify (OpenBSD's signify.c). Both hold Ed25519. */

const scryptAsync = promisify(scrypt) as (password: Uint8Array, salt: Uint8Array, length: number, options: { N: number; r: number; p: number; maxmem: number }) => Promise<Buffer>;
const MINISIGN_BYTES = 2 + 2 + 2 + 32 + 8 + 8 + 8 + 64 + 32;
const SIGNIFY_BYTES = 2 + 2 + 4 + 16 + 8 + 8 + 64;
const ED25519_SEED_HEADER = Buffer.of(0x04, 0x20);
/** minisign itself takes 1 GiB for each key: what it writes must open. */
/** minisign itself takes 1 GiB. */
const MEMORY_TIMES = 4;
/** libsodium's units: N = 2^17, r = 8, p = 1, which take 128 MiB. */
const WRITTEN = { operations: 4_194_304n, memory: 268_435_456n } as const;
const SIGNIFY_ROUNDS = 42;

interface MinisignSecretFile {
  readonly format: 'minisign' | 'signify';
  readonly encrypted: boolean;
  readonly comment: string;
  /** @throws PIN_INCORRECT, INVALID_INPUT */
  open(passphrase: SecretBytes | undefined, signal: AbortSignal): Promise<PrivateParts>;
}

/** Whether the file is a secret key, not a public one or a signature. */
export function isMinisignSecret(content: Uint8Array): boolean {
  const [comment = '', base64 = ''] = Buffer.from(content.subarray(0, 4096)).toString('latin1').split(/\r?\n/);
  const bytes = Buffer.from(base64, 'base64').length;
  return comment.startsWith(MINISIGN_COMMENT) && (bytes === MINISIGN_BYTES || bytes === SIGNIFY_BYTES);
}

/** @throws INVALID_INPUT, CAPABILITY_MISSING */
export function parseMinisignSecret(content: Uint8Array): MinisignSecretFile {
  const [first = '', base64 = '', ...more] = minisignLines(content);
  if (!first.startsWith(MINISIGN_COMMENT)) throw malformed(`The first line should begin with “${MINISIGN_COMMENT}”.`, 0);
  const blob = Buffer.from(base64, 'base64');
  if (blob.toString('base64') !== base64 || more.some((line) => line.trim() !== '')) throw malformed('The second line should be base64, and the last.', first.length + 1);
  const comment = first.slice(MINISIGN_COMMENT.length).trim();
  if (blob.toString('latin1', 0, 2) !== 'Ed') throw malformed('The key is not for Ed25519.', first.length + 1);
  if (blob.length === SIGNIFY_BYTES) return signifyFile(blob, comment);
  if (blob.length === MINISIGN_BYTES) return minisignFile(blob, comment);
  throw malformed(`A secret key of minisign has ${MINISIGN_BYTES} bytes and one of signify ${SIGNIFY_BYTES}, not ${blob.length}.`, first.length + 1);
}

function minisignFile(blob: Buffer, comment: string): MinisignSecretFile {
  const kdf = blob.toString('latin1', 2, 4);
  if (kdf !== 'Sc' && kdf !== '\0\0') throw notSupported('The minisign key is encrypted in an unknown way.');
  const encrypted = kdf === 'Sc';
  const parameters = encrypted ? scryptParameters(blob.readBigUInt64LE(38), blob.readBigUInt64LE(46)) : undefined;
  return {
    format: 'minisign', encrypted, comment,
    async open(passphrase) {
      const body = Buffer.from(blob.subarray(54));
      if (parameters !== undefined) {
        if (passphrase === undefined) throw wrongPassphrase();
        const stream = await scryptAsync(passphrase.reveal(), blob.subarray(6, 38), body.length, { ...parameters, maxmem: 2 * MEMORY_TIMES * memoryBytes() });
        body.forEach((byte, index) => { body[index] = byte ^ (stream[index] as number); });
        stream.fill(0);
      }
      try {
        const [keyId, pair, checksum] = [body.subarray(0, 8), body.subarray(8, 72), body.subarray(72)];
        // minisign-nopassword keys of other programs have no checksum; the public half below proves the key all the same.
        const fits = checksum.every((byte) => byte === 0) && !encrypted ? true : timingSafeEqual(await checksumOf(blob.subarray(0, 2), keyId, pair), checksum);
        if (!fits) throw encrypted ? wrongPassphrase() : malformed('The minisign key does not fit its checksum.', undefined, 'It is damaged: do not use it.');
        return partsOf(pair);
      } finally {
        body.fill(0);
      }
    },
  };
}

async function checksumOf(algorithm: Uint8Array, keyId: Uint8Array, pair: Uint8Array): Promise<Uint8Array> {
  const { blake2b } = await import('@noble/hashes/blake2.js');
  return blake2b(Buffer.concat([algorithm, keyId, pair]), { dkLen: 32 });
}

/** libsodium's crypto_pwhash_scryptsalsa208sha256, which names limits of operations and memory instead of scrypt's own numbers. */
function scryptParameters(operations: bigint, memory: bigint): { N: number; r: number; p: number } {
  const r = 8n;
  const work = operations < 32_768n ? 32_768n : operations;
  const few = work < memory / 32n;
  const most = few ? work / (r * 4n) : memory / (r * 128n);
  let log = 1n;
  while (log < 63n && 1n << log <= most / 2n) log++;
  const p = few ? 1n : (work / 4n / (1n << log)) / r;
  if (128n * r * (1n << log) > BigInt(MEMORY_TIMES * memoryBytes()) || p < 1n || p > 16n) throw notSupported(`Opening the minisign key would take more than ${MEMORY_TIMES * limits().memory} MiB of memory (four times the setting ${MEMORY_SETTING}), or too long.`, 'Set its passphrase anew with: minisign -C.');
  return { N: Number(1n << log), r: 8, p: Number(p) };
}

function signifyFile(blob: Buffer, comment: string): MinisignSecretFile {
  if (blob.toString('latin1', 2, 4) !== 'BK') throw notSupported('The signify key is encrypted in an unknown way.');
  const rounds = blob.readUInt32BE(4);
  if (rounds > bcryptRounds()) throw notSupported(`The signify key asks for ${rounds} rounds of bcrypt; ${mostRounds(bcryptRounds())}.`);
  return {
    format: 'signify', encrypted: rounds > 0, comment,
    async open(passphrase, signal) {
      const pair = Buffer.from(blob.subarray(40));
      if (rounds > 0) {
        if (passphrase === undefined || passphrase.length === 0) throw wrongPassphrase();
        const stream = await bcryptPbkdf(passphrase.reveal(), blob.subarray(8, 24), rounds, pair.length, signal);
        pair.forEach((byte, index) => { pair[index] = byte ^ (stream[index] as number); });
        stream.fill(0);
      }
      try {
        if (!createHash('sha512').update(pair).digest().subarray(0, 8).equals(blob.subarray(24, 32))) throw rounds > 0 ? wrongPassphrase() : malformed('The signify key does not fit its checksum.', undefined, 'It is damaged: do not use it.');
        return partsOf(pair);
      } finally {
        pair.fill(0);
      }
    },
  };
}

/** Seed and public key side by side; both are checked to belong together by who reads the parts. */
function partsOf(pair: Uint8Array): PrivateParts {
  return { kind: 'bytes', algorithm: 'ed25519', secret: Buffer.concat([ED25519_SEED_HEADER, pair.subarray(0, 32)]), publicBytes: Uint8Array.from(pair.subarray(32)) };
}

/** @returns the secret key file; without a passphrase it is not encrypted. @throws CAPABILITY_MISSING for other keys than Ed25519 */
export async function writeMinisignSecret(format: 'minisign' | 'signify', parts: PrivateParts, publicBytes: Uint8Array, passphrase: SecretBytes | undefined): Promise<Buffer> {
  if (parts.kind !== 'bytes' || parts.algorithm !== 'ed25519') throw notSupported(`${format} has Ed25519 keys alone.`);
  const keyId = minisignKeyId(publicBytes);
  const pair = Buffer.concat([parts.secret.subarray(2), publicBytes]);
  try {
    return format === 'signify' ? await signifySecret(pair, keyId, passphrase) : await minisignSecret(pair, keyId, passphrase);
  } finally {
    pair.fill(0);
  }
}

async function minisignSecret(pair: Buffer, keyId: Buffer, passphrase: SecretBytes | undefined): Promise<Buffer> {
  const salt = passphrase === undefined ? Buffer.alloc(32) : randomBytes(32);
  const body = Buffer.concat([keyId, pair, await checksumOf(Buffer.from('Ed'), keyId, pair)]);
  const limits = Buffer.alloc(16);
  if (passphrase !== undefined) {
    limits.writeBigUInt64LE(WRITTEN.operations, 0);
    limits.writeBigUInt64LE(WRITTEN.memory, 8);
    const stream = await scryptAsync(passphrase.reveal(), salt, body.length, { ...scryptParameters(WRITTEN.operations, WRITTEN.memory), maxmem: 2 * MEMORY_TIMES * memoryBytes() });
    body.forEach((byte, index) => { body[index] = byte ^ (stream[index] as number); });
  }
  const head = Buffer.from(passphrase === undefined ? 'Ed\0\0B2' : 'EdScB2', 'latin1');
  return secretFile(`minisign ${passphrase === undefined ? '' : 'encrypted '}secret key ${minisignKeyName(keyId)}`, Buffer.concat([head, salt, limits, body]));
}

async function signifySecret(pair: Buffer, keyId: Buffer, passphrase: SecretBytes | undefined): Promise<Buffer> {
  const salt = randomBytes(16);
  const rounds = Buffer.alloc(4);
  const body = Buffer.from(pair);
  if (passphrase !== undefined) {
    rounds.writeUInt32BE(SIGNIFY_ROUNDS);
    const stream = await bcryptPbkdf(passphrase.reveal(), salt, SIGNIFY_ROUNDS, body.length, new AbortController().signal);
    body.forEach((byte, index) => { body[index] = byte ^ (stream[index] as number); });
  }
  const checksum = createHash('sha512').update(pair).digest().subarray(0, 8);
  return secretFile('signify secret key', Buffer.concat([Buffer.from('EdBK'), rounds, salt, checksum, keyId, body]));
}

function secretFile(comment: string, blob: Buffer): Buffer {
  return Buffer.from(`${MINISIGN_COMMENT} ${comment}\n${blob.toString('base64')}\n`);
}
