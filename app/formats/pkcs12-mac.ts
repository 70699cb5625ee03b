import { createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { der, derInteger, derNull, derOid, type DerReader, derSequence, TAG } from './der.ts';
import { readIdentifier } from './identifiers.ts';
import { limits, oldRounds, ROUNDS_SETTING } from './limits.ts';
import { malformed, notSupported } from './malformed.ts';
import { bmpString, PKCS12_HASH_BLOCKS, pkcs12Derive, readRounds } from './pbes1.ts';
import { HMAC_SHA256, PBKDF2, PBKDF2_ROUNDS, PRFS } from './pbes.ts';

/** What protects a PKCS#12 file against changes: MacData (RFC 7292 §4, classic) and PBMAC1 (RFC 9579). */

const pbkdf2Async = promisify(pbkdf2);
const PBMAC1 = '1.2.840.113549.1.5.14';
const SHA1 = '1.3.14.3.2.26';
const SHA256 = '2.16.840.1.101.3.4.2.1';
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.5': 'md5', [SHA1]: 'sha1', '2.16.840.1.101.3.4.2.4': 'sha224', [SHA256]: 'sha256', '2.16.840.1.101.3.4.2.2': 'sha384', '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.5': 'sha512-224', '2.16.840.1.101.3.4.2.6': 'sha512-256',
};
/** RFC 9579 §5: a key that is too short makes a MAC that fits many passwords. Longer ones than a hash are of no use and do no harm (Bouncy Castle's provider for TLS writes 256 bytes). */
const [MIN_KEY, MAX_KEY] = [20, 512];

export interface Pkcs12Mac {
  /** "HMAC-SHA256, 2048 rounds" */
  readonly name: string;
  readonly kind: 'classic' | 'pbmac1';
  readonly hash: string;
  readonly rounds: number;
  /** @param passphrase UTF-8; null: the password that is not there at all, which differs from the empty one. */
  fits(content: Uint8Array, passphrase: Uint8Array | null, signal?: AbortSignal): Promise<boolean>;
}

/** @param reader of MacData's content. @throws INVALID_INPUT with the offset, CAPABILITY_MISSING */
export function readPkcs12Mac(reader: DerReader): Pkcs12Mac {
  const digestInfo = reader.enter('the digest of the MAC');
  const algorithm = readIdentifier(digestInfo, 'the algorithm of the MAC');
  const { offset } = digestInfo;
  const digest = digestInfo.octets('the MAC');
  digestInfo.finish('the digest of the MAC');
  const salt = reader.octets('the salt of the MAC');
  if (algorithm.oid === PBMAC1) {
    while (!reader.atEnd) reader.next('the rounds of the MAC'); // RFC 9579 §5: salt and rounds out here are of no use, and ignored
    if (algorithm.parameters?.tag !== TAG.sequence) throw malformed('PBMAC1 has no parameters.', algorithm.offset);
    return readPbmac1(algorithm.inside.inside(algorithm.parameters), digest);
  }
  const rounds = reader.atEnd ? 1 : readRounds(reader, oldRounds());
  reader.finish('the MAC');
  const hash = HASHES[algorithm.oid];
  if (hash === undefined || PKCS12_HASH_BLOCKS[hash] === undefined) throw notSupported(`The MAC of the file has an unknown hash (${algorithm.oid}).`, 'Write the file anew: openssl pkcs12 -export.');
  return {
    name: `HMAC-${hash.toUpperCase()}, ${rounds} rounds`, kind: 'classic', hash, rounds,
    async fits(content, passphrase, signal) {
      const wide = passphrase === null ? Buffer.alloc(0) : bmpString(passphrase);
      const key = await pkcs12Derive(hash, 3, digest.length === 0 ? 1 : createHmac(hash, '').digest().length, wide, salt, rounds, signal);
      wide.fill(0);
      return same(hash, key, content, digest, offset);
    },
  };
}

function readPbmac1(parameters: DerReader, digest: Uint8Array): Pkcs12Mac {
  const kdf = readIdentifier(parameters, 'the key derivation of PBMAC1');
  const mac = readIdentifier(parameters, 'the MAC of PBMAC1');
  parameters.finish('the parameters of PBMAC1');
  const hash = PRFS[mac.oid];
  if (hash === undefined) throw notSupported(`PBMAC1 with an unknown MAC (${mac.oid}).`, 'Write the file anew with HMAC-SHA256.');
  if (kdf.oid !== PBKDF2 || kdf.parameters?.tag !== TAG.sequence) throw notSupported('PBMAC1 without PBKDF2, which RFC 9579 §5 asks for.', 'Write the file anew.');
  const inside = kdf.inside.inside(kdf.parameters);
  const salt = inside.octets('the salt of PBKDF2');
  const rounds = readRounds(inside, limits().rounds);
  const { offset } = inside;
  if (inside.peek() !== TAG.integer) throw malformed('PBMAC1 does not say how long its key is, which RFC 9579 §5 asks for.', offset, 'Do not trust this file: its MAC may fit any passphrase.');
  const length = inside.integer('the key length');
  if (length < BigInt(MIN_KEY) || length > BigInt(MAX_KEY)) {
    throw malformed(`The key of PBMAC1 should have ${MIN_KEY} to ${MAX_KEY} bytes; the file says ${length < 0n || length > 10_000n ? 'something else by far' : length}.`, offset, 'Do not trust this file: a MAC with a short key fits many passphrases (CVE-2026-34181).');
  }
  let prf = 'sha1';
  if (!inside.atEnd) {
    const identifier = readIdentifier(inside, 'the pseudorandom function');
    const known = PRFS[identifier.oid];
    if (known === undefined) throw notSupported(`PBMAC1 with an unknown pseudorandom function (${identifier.oid}).`);
    prf = known;
  }
  inside.finish('the parameters of PBKDF2');
  // Each 20 bytes and more of the key take all rounds anew.
  if (rounds * Math.ceil(Number(length) / 20) > 2 * limits().rounds) throw notSupported(`Checking this file would take ${rounds} rounds of PBKDF2 for a key of ${length} bytes, which is too much (setting ${ROUNDS_SETTING}).`, 'Write the file anew.');
  return {
    name: `PBMAC1 with HMAC-${hash.toUpperCase()}, ${rounds} rounds`, kind: 'pbmac1', hash, rounds,
    async fits(content, passphrase, signal) {
      const key = await pbkdf2Async(passphrase ?? Buffer.alloc(0), salt, rounds, Number(length), prf);
      signal?.throwIfAborted();
      return same(hash, key, content, digest, offset);
    },
  };
}

function same(hash: string, key: Buffer, content: Uint8Array, digest: Uint8Array, offset: number): boolean {
  const own = createHmac(hash, key).update(content).digest();
  key.fill(0);
  if (own.length !== digest.length) throw malformed(`A MAC with ${hash} has ${own.length} bytes, not ${digest.length}.`, offset);
  return timingSafeEqual(own, digest);
}

/** @returns MacData, DER, over the content of the authenticated safe. */
export async function pkcs12Mac(content: Uint8Array, passphrase: Uint8Array, kind: 'sha1' | 'sha256' | 'pbmac1', rounds: number): Promise<Buffer> {
  const salt = randomBytes(16);
  if (kind === 'pbmac1') {
    const key = await pbkdf2Async(passphrase, salt, PBKDF2_ROUNDS, 32, 'sha256');
    const prf = derSequence(derOid(HMAC_SHA256), derNull());
    const kdf = derSequence(derOid(PBKDF2), derSequence(der(TAG.octetString, salt), derInteger(BigInt(PBKDF2_ROUNDS)), derInteger(32n), prf));
    return macData(derSequence(derOid(PBMAC1), derSequence(kdf, prf)), createHmac('sha256', key).update(content).digest(), salt, 1);
  }
  const wide = bmpString(passphrase);
  const key = await pkcs12Derive(kind, 3, kind === 'sha1' ? 20 : 32, wide, salt, rounds);
  wide.fill(0);
  return macData(derSequence(derOid(kind === 'sha1' ? SHA1 : SHA256), derNull()), createHmac(kind, key).update(content).digest(), salt, rounds);
}

function macData(algorithm: Buffer, digest: Buffer, salt: Buffer, rounds: number): Buffer {
  return derSequence(derSequence(algorithm, der(TAG.octetString, digest)), der(TAG.octetString, salt), derInteger(BigInt(rounds)));
}
