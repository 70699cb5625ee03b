import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { JavaReader } from './java-reader.ts';
import { mostRounds, oldRounds } from './limits.ts';
import { malformed, notSupported } from './malformed.ts';
import { decipher, wrongPassphrase } from './pbes.ts';
import { bmpString, pkcs12Derive } from './pbes1.ts';
import type { Spending } from './spending.ts';
import { TWOFISH_BLOCK, twofishCbcDecrypt } from './twofish.ts';

/** Bouncy Castle's old key stores, to read alone: BKS and UBER. Neither has a standard; this is what Bouncy Castle 1.83 writes. */

const SALT = 20;
const DIGEST = 20;
const MAX_ENTRIES = 10_000;
/** Where the content begins: version, the salt with its length, rounds. */
const CONTENT_AT = 4 + 4 + SALT + 4;
const [END, CERTIFICATE, KEY, SECRET, SEALED] = [0, 1, 2, 3, 4];
const [KEY_PRIVATE, KEY_SECRET] = [0, 2];
/** What to do with what is not read. */
export const CONVERT_BKS = 'Convert it with Bouncy Castle’s provider: keytool -importkeystore -deststoretype PKCS12.';

export type BksEntry = { readonly alias: string; readonly created: Date | null; readonly offset: number } & (
  | { readonly kind: 'certificate'; readonly der: Uint8Array }
  /** A key, `sealed` with a passphrase or not; a chain begins with the key's certificate. `content`: see {@link openBksKey}. */
  | { readonly kind: 'key'; readonly sealed: boolean; readonly content: Uint8Array; readonly chain: readonly Uint8Array[] }
);

interface BksFile {
  readonly type: 'BKS' | 'UBER';
  readonly version: number;
  /** Rounds of key derivation, for the MAC of BKS and the encryption of UBER. */
  readonly rounds: number;
  /** Of UBER they are known only with the passphrase: null. */
  readonly entries: readonly BksEntry[] | null;
  /** @param passphrase UTF-8. @returns the entries, when the file is as it was written with it. @throws PIN_INCORRECT, INVALID_INPUT */
  open(passphrase: Uint8Array, signal: AbortSignal): Promise<readonly BksEntry[]>;
}

/** `bytes`: PKCS#8 of a private key, SPKI of a public one, a secret key itself; the caller wipes it. */
interface BksKey {
  readonly kind: 'private' | 'public' | 'secret';
  readonly algorithm: string;
  readonly bytes: Buffer;
}

/**
 * Neither begins with anything of its own but a small version and the length of the salt, which is always 20. What follows is
 * plain in BKS: an entry's kind, an alias, and a time whose first bytes are zero for ages to come. In UBER it is encrypted.
 */
export function bksKind(content: Uint8Array): BksFile['type'] | undefined {
  if (content.length < CONTENT_AT + 1 + DIGEST) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  if (view.getUint32(0) > 2 || view.getUint32(4) !== SALT || view.getUint32(8 + SALT) > 0x7fffffff) return undefined;
  const first = view.getUint8(CONTENT_AT);
  const encrypted = content.length - CONTENT_AT;
  if (first === END && encrypted === 1 + DIGEST) return 'BKS'; // empty
  if (first >= CERTIFICATE && first <= SEALED) {
    const timeAt = CONTENT_AT + 3 + view.getUint16(CONTENT_AT + 1);
    if (timeAt + 2 <= content.length && view.getUint16(timeAt) === 0) return 'BKS';
  }
  return encrypted % TWOFISH_BLOCK === 0 ? 'UBER' : 'BKS';
}

/** What a store says of itself, whatever it would cost to open it. @throws INVALID_INPUT with the offset */
export function bksHeader(content: Uint8Array): Pick<BksFile, 'type' | 'version' | 'rounds'> & { readonly salt: Uint8Array; readonly tooMany: boolean } {
  const type = bksKind(content);
  if (type === undefined) throw malformed('The file is no key store of Bouncy Castle.', 0);
  const header = new JavaReader(content, content.length);
  const version = header.uint32('the version');
  const salt = header.bytes('the salt');
  const { at } = header;
  const rounds = header.uint32('the number of rounds');
  if (rounds < 1) throw malformed('The number of rounds must be at least 1.', at);
  return { type, version, rounds, salt, tooMany: rounds > oldRounds() };
}

/** @throws INVALID_INPUT with the offset, CAPABILITY_MISSING */
export function parseBks(content: Uint8Array): BksFile {
  const { type, version, rounds, salt, tooMany } = bksHeader(content);
  if (tooMany) throw notSupported(`The key store asks for ${rounds} rounds of key derivation; ${mostRounds(oldRounds())}.`, CONVERT_BKS);
  if (type === 'UBER') {
    if (version === 0) throw notSupported('The first version of UBER derives its key in a way of its own, which is not read.', CONVERT_BKS);
    return { type, version, rounds, entries: null, open: (passphrase, signal) => openUber(content.subarray(CONTENT_AT), salt, rounds, passphrase, signal) };
  }
  const end = content.length - DIGEST;
  const entries = readEntries(new JavaReader(content, end, CONTENT_AT), end);
  return {
    type, version, rounds, entries,
    async open(passphrase, signal) {
      // Before version 2 the length of the MAC's key was given in bytes where bits were asked for: 2 bytes, so that many passphrases fit (CVE-2018-5382).
      const key = await derive(3, version === 2 ? DIGEST : 2, passphrase, salt, rounds, signal);
      const own = createHmac('sha1', key).update(content.subarray(CONTENT_AT, end)).digest();
      key.fill(0);
      if (!timingSafeEqual(own, content.subarray(end))) throw wrongPassphrase();
      return entries;
    },
  };
}

/** PBEWithSHAAndTwofish-CBC over the entries and their SHA-1. */
async function openUber(encrypted: Uint8Array, salt: Uint8Array, rounds: number, passphrase: Uint8Array, signal: AbortSignal): Promise<readonly BksEntry[]> {
  const key = await derive(1, 32, passphrase, salt, rounds, signal);
  const plain = twofishCbcDecrypt(key, await derive(2, TWOFISH_BLOCK, passphrase, salt, rounds, signal), encrypted);
  key.fill(0);
  const padding = plain.at(-1) as number;
  const end = plain.length - padding - DIGEST;
  const fits = padding >= 1 && padding <= TWOFISH_BLOCK && end >= 1 && timingSafeEqual(createHash('sha1').update(plain.subarray(0, end)).digest(), plain.subarray(end, end + DIGEST));
  if (!fits) {
    plain.fill(0);
    throw wrongPassphrase();
  }
  return readEntries(new JavaReader(plain, end), end);
}

function readEntries(reader: JavaReader, end: number): BksEntry[] {
  const entries: BksEntry[] = [];
  for (;;) {
    const offset = reader.at;
    const tag = reader.byte('the kind of an entry');
    if (tag === END) break;
    if (tag > SEALED) throw malformed(`An entry is of the unknown kind ${tag}.`, offset);
    if (entries.length === MAX_ENTRIES) throw malformed(`The key store has more than ${MAX_ENTRIES} entries.`, offset);
    const head = { alias: reader.text('an alias'), created: reader.date('the time of an entry'), offset };
    const { at } = reader;
    const length = reader.uint32('the length of a chain');
    if (length > 1000) throw malformed(`A chain claims ${length} certificates.`, at);
    const chain = Array.from({ length }, () => readCertificate(reader));
    if (tag === CERTIFICATE) entries.push({ ...head, kind: 'certificate', der: readCertificate(reader) });
    else if (tag === KEY) {
      const from = reader.at;
      skipKey(reader);
      entries.push({ ...head, kind: 'key', sealed: false, content: reader.slice(from), chain });
    } else entries.push({ ...head, kind: 'key', sealed: true, content: reader.bytes(tag === SECRET ? 'a protected key' : 'a sealed key'), chain });
  }
  if (reader.at !== end) throw malformed(`${end - reader.at} bytes follow the last entry.`, reader.at);
  return entries;
}

function readCertificate(reader: JavaReader): Uint8Array {
  const { at } = reader;
  if (reader.text('the type of a certificate') !== 'X.509') throw malformed('A certificate is of an unknown type.', at);
  return reader.bytes('a certificate');
}

function skipKey(reader: JavaReader): void {
  reader.byte('the kind of a key');
  reader.text('the format of a key');
  reader.text('the algorithm of a key');
  reader.bytes('a key');
}

/**
 * Opens the key of an entry.
 * @param passphrase UTF-8; not used for a key that is not sealed. @returns the key, with its algorithm as Java calls it. @throws PIN_INCORRECT, INVALID_INPUT, CAPABILITY_MISSING
 */
export async function openBksKey(entry: BksEntry & { kind: 'key' }, passphrase: Uint8Array, signal: AbortSignal, spending: Spending): Promise<BksKey> {
  if (!entry.sealed) return readKey(entry.content);
  const reader = new JavaReader(entry.content, entry.content.length);
  const salt = reader.bytes('the salt of a sealed key');
  const rounds = reader.uint32('the rounds of a sealed key');
  const encrypted = reader.slice(reader.at, entry.content.length);
  if (salt.length === 0 || rounds < 1 || encrypted.length === 0 || encrypted.length % 8 !== 0) throw malformed('A sealed key is not whole.');
  if (rounds > oldRounds()) throw notSupported(`A key asks for ${rounds} rounds of key derivation; ${mostRounds(oldRounds())}.`, CONVERT_BKS);
  spending.spend(rounds);
  const key = await derive(1, 24, passphrase, salt, rounds, signal);
  const plain = decipher('des-ede3-cbc', key, await derive(2, 8, passphrase, salt, rounds, signal), encrypted);
  key.fill(0);
  try {
    return readKey(plain);
  } catch {
    throw wrongPassphrase(); // one of 256 wrong passphrases leaves a padding that looks right
  } finally {
    plain.fill(0);
  }
}

function readKey(content: Uint8Array): BksKey {
  const reader = new JavaReader(content, content.length);
  const kind = reader.byte('the kind of a key');
  const format = reader.text('the format of a key');
  const algorithm = reader.text('the algorithm of a key');
  const { at } = reader;
  const bytes = reader.bytes('a key');
  reader.finish();
  if (format !== (['PKCS#8', 'X.509', 'RAW'] as const)[kind as 0]) throw malformed(`A key is of the kind ${kind}, which its format does not fit.`, at);
  return { kind: kind === KEY_PRIVATE ? 'private' : kind === KEY_SECRET ? 'secret' : 'public', algorithm, bytes: Buffer.from(bytes) };
}

/** As PKCS#12 derives (RFC 7292 B.2), where an empty passphrase is of no bytes at all. */
async function derive(id: 1 | 2 | 3, length: number, passphrase: Uint8Array, salt: Uint8Array, rounds: number, signal: AbortSignal): Promise<Buffer> {
  const wide = passphrase.length === 0 ? Buffer.alloc(0) : bmpString(passphrase);
  try {
    return await pkcs12Derive('sha1', id, length, wide, salt, rounds, signal);
  } finally {
    wide.fill(0);
  }
}
