import { argon2, createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { SecretBytes } from '../contract/index.ts';
import { fromBigInt, toBigInt } from './der.ts';
import { limits, MEMORY_SETTING } from './limits.ts';
import { malformed, malformedAt, notSupported, within } from './malformed.ts';
import { parseSshBlob, sshBlob, sshKeyType } from './openssh-public.ts';
import { wrongPassphrase } from './pbes.ts';
import { ecParts, type PrivateParts, rsaParts } from './private-parts.ts';
import type { PublicParts } from './spki.ts';
import { sshMpint, SshReader, sshString } from './ssh-wire.ts';

/** PuTTY's private key files, versions 2 and 3 (PuTTY's manual, appendix C). */

const argon2Async = promisify(argon2);
const NAMES: Readonly<Record<string, 'argon2d' | 'argon2i' | 'argon2id'>> = { Argon2d: 'argon2d', Argon2i: 'argon2i', Argon2id: 'argon2id' };
/** What we read at most beside the limits of memory; puttygen writes 8 MiB and about 20 passes. */
const MAX_PASSES = 64; // over all of the memory that is allowed
const MAX_LANES = 16;
/** What we write: RFC 9106 §4, second choice. */
const WRITTEN = { memory: 64 * 1024, passes: 3, parallelism: 4 } as const;
const ED25519_SEED_HEADER = Buffer.of(0x04, 0x20);

interface PpkFile {
  readonly version: 2 | 3;
  readonly encrypted: boolean;
  readonly publicParts: PublicParts;
  readonly comment: string;
  /** @param passphrase needed when it is encrypted. @throws PIN_INCORRECT, INVALID_INPUT */
  open(passphrase: SecretBytes | undefined): Promise<PrivateParts>;
}

interface Fields {
  readonly type: string;
  readonly encryption: string;
  readonly comment: string;
  readonly publicBlob: Buffer;
  readonly privateBlob: Buffer;
  readonly mac: Buffer;
  readonly derivation: { readonly name: 'argon2d' | 'argon2i' | 'argon2id'; readonly memory: number; readonly passes: number; readonly parallelism: number; readonly salt: Buffer } | null;
}

/** @throws INVALID_INPUT with the line, CAPABILITY_MISSING */
export function parsePpk(content: Uint8Array): PpkFile {
  const lines = new Lines(content);
  const [, version] = /^PuTTY-User-Key-File-([123])$/.exec(lines.name()) ?? [];
  if (version === '1') throw notSupported('This is a PuTTY key of version 1, of a few months of the year 2000.', 'Load and save it with an old PuTTYgen.');
  if (version === undefined) throw malformedAt('line 1', 'A PuTTY key begins with PuTTY-User-Key-File-2 or 3.');
  const fields = readFields(lines, version === '3');
  if (fields.encryption !== 'none' && fields.encryption !== 'aes256-cbc') throw notSupported('The PuTTY key is encrypted with an unknown cipher.', 'Save it anew with PuTTYgen.');
  const encrypted = fields.encryption !== 'none';
  const publicParts = within('in the public key', () => parseSshBlob(fields.publicBlob));
  if (sshTypeIn(fields.publicBlob) !== fields.type) throw malformedAt('line 1', 'The key type in front and the one inside differ.');
  if (encrypted && fields.privateBlob.length % 16 !== 0) throw malformed('The encrypted part is not a multiple of 16 bytes.');
  return { version: version === '3' ? 3 : 2, encrypted, publicParts, comment: fields.comment, open: (passphrase) => open(fields, version === '3', publicParts, passphrase) };
}

function readFields(lines: Lines, isThree: boolean): Fields {
  const type = lines.value();
  const encryption = lines.field('Encryption');
  const comment = lines.field('Comment');
  const publicBlob = lines.base64('Public-Lines');
  let derivation: Fields['derivation'] = null;
  if (isThree && encryption !== 'none') {
    const { number } = lines;
    const name = NAMES[lines.field('Key-Derivation')];
    const [memory, passes, parallelism] = [lines.integer('Argon2-Memory'), lines.integer('Argon2-Passes'), lines.integer('Argon2-Parallelism')];
    const salt = lines.hex('Argon2-Salt');
    if (name === undefined) throw malformedAt(`line ${number}`, 'The key derivation is none of Argon2.');
    if (passes < 1 || parallelism < 1 || memory < 8 * parallelism || salt.length < 8) throw malformedAt(`line ${number}`, 'The parameters of Argon2 are not valid (RFC 9106 §3.1).');
    if (memory > 1024 * limits().memory || memory * passes > MAX_PASSES * 1024 * limits().memory || parallelism > MAX_LANES) throw notSupported(`Opening this key would take Argon2 ${memory} KiB ${passes} times over; ${limits().memory} MiB ${MAX_PASSES} times is the most (setting ${MEMORY_SETTING}).`, 'Save it anew with PuTTYgen, with less.');
    derivation = { name, memory, passes, parallelism, salt };
  }
  const privateBlob = lines.base64('Private-Lines');
  const mac = lines.hex('Private-MAC');
  lines.finish();
  return { type, encryption, comment, publicBlob, privateBlob, mac, derivation };
}

async function open(fields: Fields, isThree: boolean, publicParts: PublicParts, passphrase: SecretBytes | undefined): Promise<PrivateParts> {
  const encrypted = fields.encryption !== 'none';
  const secret = encrypted ? (passphrase?.reveal() ?? Buffer.alloc(0)) : Buffer.alloc(0);
  const keys = isThree ? await keysOf3(fields, secret) : keysOf2(secret);
  const plain = encrypted ? cbc(createDecipheriv('aes-256-cbc', keys.key, keys.iv), fields.privateBlob) : Buffer.from(fields.privateBlob);
  try {
    const own = macOf(isThree, keys.mac, fields, plain);
    if (own.length !== fields.mac.length || !timingSafeEqual(own, fields.mac)) throw encrypted ? wrongPassphrase() : malformed('The key does not fit its checksum: it was damaged.', undefined, 'Do not use it.');
    return within('in the private part', () => readPrivate(plain, publicParts));
  } finally {
    keys.wipe();
  }
}

interface Keys { readonly key: Buffer; readonly iv: Buffer; readonly mac: Buffer; wipe(): void }

async function keysOf3({ derivation }: Pick<Fields, 'derivation'>, secret: Uint8Array): Promise<Keys> {
  if (derivation === null) return { key: Buffer.alloc(0), iv: Buffer.alloc(0), mac: Buffer.alloc(0), wipe: () => undefined };
  const { name, salt, memory, passes, parallelism } = derivation;
  const derived = Buffer.from(await argon2Async(name, { message: secret, nonce: salt, parallelism, tagLength: 80, memory, passes }));
  return { key: derived.subarray(0, 32), iv: derived.subarray(32, 48), mac: derived.subarray(48), wipe: () => derived.fill(0) };
}

function keysOf2(secret: Uint8Array): Keys {
  const sha1 = (...parts: readonly Uint8Array[]): Buffer => createHash('sha1').update(Buffer.concat(parts)).digest();
  const key = Buffer.concat([sha1(Buffer.of(0, 0, 0, 0), secret), sha1(Buffer.of(0, 0, 0, 1), secret)]).subarray(0, 32);
  const mac = sha1(Buffer.from('putty-private-key-file-mac-key'), secret);
  return { key, iv: Buffer.alloc(16), mac, wipe: () => { key.fill(0); mac.fill(0); } };
}

function macOf(isThree: boolean, key: Buffer, { type, encryption, comment, publicBlob }: Pick<Fields, 'type' | 'encryption' | 'comment' | 'publicBlob'>, privateBlob: Buffer): Buffer {
  return createHmac(isThree ? 'sha256' : 'sha1', key).update(Buffer.concat([sshString(type), sshString(encryption), sshString(Buffer.from(comment, 'latin1')), sshString(publicBlob), sshString(privateBlob)])).digest();
}

function cbc(cipher: ReturnType<typeof createCipheriv> | ReturnType<typeof createDecipheriv>, input: Uint8Array): Buffer {
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(input), cipher.final()]);
}

function sshTypeIn(blob: Uint8Array): string {
  return new SshReader(blob).text('the key type');
}

/** What follows the private numbers is padding. */
function readPrivate(section: Buffer, publicParts: PublicParts): PrivateParts {
  const reader = new SshReader(section);
  if (publicParts.kind === 'rsa') {
    const { n, e } = publicParts;
    const [d, p, q, qi] = ['the private exponent', 'the first prime', 'the second prime', 'the coefficient'].map((what) => reader.mpint(what)) as [bigint, bigint, bigint, bigint];
    if (p <= 1n || q <= 1n) throw malformed('The primes of this RSA key are none.', 0);
    return rsaParts({ n, e, d, p, q, qi, dp: d % (p - 1n), dq: d % (q - 1n) }, 0);
  }
  if (publicParts.kind === 'ec') return ecParts(publicParts.algorithm, fromBigInt(reader.mpint('the private scalar')), publicParts.bytes, 0);
  const seed = reader.string('the private key');
  if (seed.length !== 32) throw malformed(`An Ed25519 private key has 32 bytes, not ${seed.length}.`, 0);
  return { kind: 'bytes', algorithm: publicParts.algorithm, secret: Buffer.concat([ED25519_SEED_HEADER, seed]), publicBytes: publicParts.bytes };
}

/** @returns the file, version 3; with a passphrase AES-256 and Argon2id with 64 MiB. @throws CAPABILITY_MISSING for algorithms that SSH has no name for */
export async function writePpk(parts: PrivateParts, publicParts: PublicParts, passphrase: SecretBytes | undefined, label: string): Promise<Buffer> {
  const comment = label.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  const publicBlob = sshBlob(publicParts);
  const numbers = parts.kind === 'rsa' ? Buffer.concat([parts.d, parts.p, parts.q, parts.qi].map(sshMpint)) : parts.kind === 'ec' ? sshMpint(toBigInt(parts.scalar)) : sshString(parts.secret.subarray(2));
  const fields = { type: sshKeyType(parts.algorithm), encryption: passphrase === undefined ? 'none' : 'aes256-cbc', comment, publicBlob };
  const derivation = passphrase === undefined ? null : { name: 'argon2id' as const, ...WRITTEN, salt: randomBytes(16) };
  // PuTTY pads with the beginning of a SHA-1 of the data, so that two files of one key do not differ.
  const padding = passphrase === undefined ? Buffer.alloc(0) : createHash('sha1').update(numbers).digest().subarray(0, (16 - (numbers.length % 16)) % 16);
  const plain = Buffer.concat([numbers, padding]);
  const keys = await keysOf3({ derivation }, passphrase?.reveal() ?? Buffer.alloc(0));
  const mac = macOf(true, keys.mac, fields, plain);
  const privateBlob = derivation === null ? plain : cbc(createCipheriv('aes-256-cbc', keys.key, keys.iv), plain);
  keys.wipe();
  const block = (name: string, bytes: Buffer): string => {
    const rows = bytes.toString('base64').match(/.{1,64}/g) ?? [];
    return `${name}: ${rows.length}\n${rows.join('\n')}\n`;
  };
  const kdf = derivation === null ? '' : `Key-Derivation: Argon2id\nArgon2-Memory: ${WRITTEN.memory}\nArgon2-Passes: ${WRITTEN.passes}\nArgon2-Parallelism: ${WRITTEN.parallelism}\nArgon2-Salt: ${derivation.salt.toString('hex')}\n`;
  const text = `PuTTY-User-Key-File-3: ${fields.type}\nEncryption: ${fields.encryption}\nComment: ${comment}\n${block('Public-Lines', publicBlob)}${kdf}${block('Private-Lines', privateBlob)}Private-MAC: ${mac.toString('hex')}\n`;
  for (const secret of [numbers, plain, ...(derivation === null ? [] : [privateBlob])]) secret.fill(0);
  return Buffer.from(text, 'latin1');
}

/** `Name: value`, a line each; blocks say how many lines they have. */
class Lines {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(content: Uint8Array) {
    this.#lines = Buffer.from(content).toString('latin1').replace(/\r?\n$/, '').split(/\r\n|\r|\n/, 5000);
  }

  /** Of the next line, from 1. */
  get number(): number {
    return this.#at + 1;
  }

  name(): string {
    return (this.#lines[this.#at] ?? '').split(':', 1)[0] as string;
  }

  value(): string {
    const line = this.#lines[this.#at++] ?? '';
    return line.slice(line.indexOf(':') + 1).replace(/^ /, '');
  }

  field(name: string): string {
    if (this.name() !== name) throw malformedAt(`line ${this.number}`, `“${name}” should be here.`);
    return this.value();
  }

  integer(name: string): number {
    const { number } = this;
    const text = this.field(name);
    if (!/^\d{1,9}$/.test(text)) throw malformedAt(`line ${number}`, `“${name}” should be a number.`);
    return Number(text);
  }

  hex(name: string): Buffer {
    const { number } = this;
    const text = this.field(name);
    if (!/^(?:[0-9a-fA-F]{2}){1,64}$/.test(text)) throw malformedAt(`line ${number}`, `“${name}” should be hexadecimal.`);
    return Buffer.from(text, 'hex');
  }

  base64(name: string): Buffer {
    const { number } = this;
    const count = this.integer(name);
    if (count > 2000 || this.#at + count > this.#lines.length) throw malformedAt(`line ${number}`, `“${name}” claims ${count} lines.`);
    const text = this.#lines.slice(this.#at, this.#at + count).join('');
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64') !== text) throw malformedAt(`line ${number + 1}`, `“${name}” should be base64.`);
    this.#at += count;
    return bytes;
  }

  finish(): void {
    if (this.#at !== this.#lines.length) throw malformedAt(`line ${this.number}`, 'Something follows the end of the key.');
  }
}
