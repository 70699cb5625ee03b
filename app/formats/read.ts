import { type KeyAlgorithmName, KeywrightError, type SecretBytes } from '../contract/index.ts';
import type { KeyMaterial } from '../keystore/keystore.ts';
import { DerReader, TAG } from './der.ts';
import { parseJson } from './json.ts';
import { isPrivateJwk, type Jwk, readPrivateJwk } from './jwk.ts';
import { isLegacyEncrypted, parseLegacyEncryption } from './legacy-pem.ts';
import { malformed, malformedAt, notSupported, within } from './malformed.ts';
import { checkedMaterial } from './material.ts';
import { OPENSSH_MAGIC, parseOpenssh } from './openssh-private.ts';
import { openEncryptedPkcs8, parseEncryptedPkcs8 } from './pbes.ts';
import { looksLikePem, parsePem, type PemBlock } from './pem.ts';
import { parsePkcs1, parsePkcs8, parseSec1 } from './private-parts.ts';
import { recognise } from './recognise.ts';
import { sniffDer } from './sniff.ts';
import { symmetricMaterial } from './symmetric.ts';
import type { KeyFileFormat, ReadKey, ReadKeysOptions } from './types.ts';

/** Largest file of keys that is read. */
export const MAX_KEY_FILE = 4 * 1024 * 1024;
const MAX_KEYS = 1000;
const DER_FORMATS: Readonly<Record<string, KeyFileFormat>> = { pkcs8: 'pkcs8', 'pkcs8-encrypted': 'pkcs8', pkcs1: 'pkcs1', sec1: 'sec1' };
const PEM_FORMATS: Readonly<Record<string, KeyFileFormat>> = {
  'PRIVATE KEY': 'pkcs8', 'ENCRYPTED PRIVATE KEY': 'pkcs8', 'RSA PRIVATE KEY': 'pkcs1', 'EC PRIVATE KEY': 'sec1', 'OPENSSH PRIVATE KEY': 'openssh',
};

/**
 * Reads all private and secret keys of a file: PKCS#8, PKCS#1 and SEC 1 in PEM or DER, OpenSSH, JWK and JWK Set, or one raw key.
 * Certificates and public keys that stand beside them are passed over.
 *
 * @param content at most 4 MiB.
 * @returns at least one key, in the order of the file; each was checked to be whole. The caller wipes their secrets.
 * @throws INVALID_INPUT with the place (`offset 12`, `line 3, offset 12`, `/keys/0/d`), CAPABILITY_MISSING naming what the
 *   file is when it is not malformed but foreign, PIN_INCORRECT, and whatever `passphrase` throws
 */
export async function readKeys(content: Uint8Array, options: ReadKeysOptions): Promise<ReadKey[]> {
  if (content.length > MAX_KEY_FILE) throw malformed(`The file has ${content.length} bytes; ${MAX_KEY_FILE} is the most for keys.`, MAX_KEY_FILE);
  if (content.length === 0) throw malformed('The file is empty.', 0);
  const { format } = options;
  if (format === 'raw') return [readRaw(content, options.algorithm)];
  const passphrases = new Passphrases(options);
  const keys: ReadKey[] = [];
  try {
    for (const read of findKeys(content, format, passphrases, options)) {
      options.signal.throwIfAborted();
      const key = await read();
      if (key === undefined) continue;
      keys.push(key);
      if (options.algorithm !== undefined && key.material.algorithm !== options.algorithm) {
        throw malformed(`The key is ${key.material.algorithm}, not ${options.algorithm}.`, undefined, 'Leave the algorithm out: the file says it.');
      }
    }
    return keys;
  } catch (thrown) {
    for (const { material } of keys) material.secret.wipe();
    throw thrown;
  } finally {
    passphrases.wipe();
  }
}

type Reading = () => Promise<ReadKey | undefined>;

function findKeys(content: Uint8Array, format: KeyFileFormat | undefined, passphrases: Passphrases, options: ReadKeysOptions): Reading[] {
  const only = (found: KeyFileFormat): void => {
    if (format !== undefined && format !== found) throw malformed(`The file is ${found}, not ${format}.`, 0, 'Leave the format out: it is told by content.');
  };
  const kind = sniffDer(content);
  const derFormat = kind === undefined ? undefined : DER_FORMATS[kind];
  if (derFormat !== undefined) {
    only(derFormat);
    return [() => readDer(content, kind === 'pkcs8-encrypted' ? 'pkcs8-encrypted' : derFormat, passphrases)];
  }
  if (Buffer.from(content.subarray(0, OPENSSH_MAGIC.length)).equals(OPENSSH_MAGIC)) {
    only('openssh');
    return [() => readOpenssh(content, passphrases)];
  }
  if (kind === undefined && looksLikePem(content)) return pemReadings(content, format, passphrases);
  const first = Buffer.from(content.subarray(0, 1024)).toString('latin1').replace(/^\xef\xbb\xbf/, '').trimStart()[0];
  if (first === '{' || first === '[') {
    only('jwk');
    return jwkReadings(content, options.algorithm);
  }
  if (kind === undefined && content[0] === 0x30 && !isText(content) && !isForeignDer(content)) return [() => readDer(content, format ?? 'pkcs8', passphrases)]; // damaged: let the parser say where
  throw notReadable(content);
}

function pemReadings(content: Uint8Array, format: KeyFileFormat | undefined, passphrases: Passphrases): Reading[] {
  const strange = recognise(content);
  let blocks: PemBlock[];
  try {
    blocks = parsePem(content);
  } catch (thrown) {
    throw strange.readable || strange.what === 'unknown' ? thrown : notReadable(content); // OpenPGP's armour is not quite PEM
  }
  const keyBlocks = blocks.filter(({ label }) => Object.hasOwn(PEM_FORMATS, label));
  if (keyBlocks.length === 0) throw notReadable(content);
  const found = keyBlocks.map(({ label }) => PEM_FORMATS[label] as KeyFileFormat);
  if (format !== undefined && !found.includes(format)) throw malformed(`The file is ${found[0]}, not ${format}.`, 0, 'Leave the format out: it is told by content.');
  return keyBlocks.filter(({ label }) => format === undefined || PEM_FORMATS[label] === format).map((block) => () => within(`line ${block.line}`, () => readBlock(block, passphrases)));
}

async function readBlock(block: PemBlock, passphrases: Passphrases): Promise<ReadKey> {
  const note = block.friendlyName ?? `the key at line ${block.line}`;
  const named = (key: ReadKey): ReadKey => (key.label !== undefined || block.friendlyName === undefined ? key : { ...key, label: block.friendlyName });
  const format = PEM_FORMATS[block.label] as KeyFileFormat;
  if (isLegacyEncrypted(block)) {
    if (format !== 'pkcs1' && format !== 'sec1') throw malformed(`The PEM block ${block.label} cannot have encryption headers.`);
    const open = parseLegacyEncryption(block);
    return passphrases.open(note, async (passphrase) => {
      const plain = open(passphrase);
      try {
        return named({ ...(await readDer(plain, format, passphrases)), wasEncrypted: true });
      } finally {
        plain.fill(0);
      }
    });
  }
  if (format === 'openssh') return named(await readOpenssh(block.content, passphrases, note));
  return named(await readDer(block.content, block.label === 'ENCRYPTED PRIVATE KEY' ? 'pkcs8-encrypted' : format, passphrases, note));
}

async function readDer(content: Uint8Array, format: KeyFileFormat | 'pkcs8-encrypted', passphrases: Passphrases, note?: string): Promise<ReadKey> {
  if (format === 'pkcs8-encrypted') {
    const encrypted = parseEncryptedPkcs8(content);
    return passphrases.open(note, async (passphrase, signal) => {
      const plain = await openEncryptedPkcs8(encrypted, passphrase, signal);
      try {
        return { material: await within('once decrypted', () => materialOf(() => parsePkcs8(plain))), format: 'pkcs8', wasEncrypted: true };
      } finally {
        plain.fill(0);
      }
    });
  }
  const parse = format === 'pkcs1' ? parsePkcs1 : format === 'sec1' ? parseSec1 : parsePkcs8;
  return { material: await materialOf(() => parse(content)), format, wasEncrypted: false };
}

async function materialOf(parse: () => ReturnType<typeof parsePkcs8>): Promise<KeyMaterial> {
  return checkedMaterial(parse());
}

async function readOpenssh(content: Uint8Array, passphrases: Passphrases, note?: string): Promise<ReadKey> {
  const file = parseOpenssh(content);
  const read = async (passphrase: SecretBytes | undefined, signal: AbortSignal): Promise<ReadKey> => {
    const { parts, comment } = await file.open(passphrase, signal);
    return { material: await checkedMaterial(parts), format: 'openssh', wasEncrypted: file.encrypted, ...(comment.trim() === '' ? {} : { label: comment.trim().slice(0, 200) }) };
  };
  return file.encrypted ? passphrases.open(note, read) : read(undefined, passphrases.signal);
}

function jwkReadings(content: Uint8Array, algorithm: KeyAlgorithmName | undefined): Reading[] {
  const json = parseJson(content);
  const isObject = (value: unknown): value is Jwk => typeof value === 'object' && value !== null && !Array.isArray(value);
  const listed = isObject(json) ? json['keys'] : json;
  if (listed !== undefined && !Array.isArray(listed)) throw malformedAt('/keys', '"keys" of a JWK Set should be an array.');
  const members: readonly unknown[] = listed ?? [json];
  const prefix = isObject(json) ? '/keys/' : '/';
  if (members.length > MAX_KEYS) throw malformedAt(`${prefix}${MAX_KEYS}`, `The set has ${members.length} keys; ${MAX_KEYS} is the most.`);
  const placed = members.map((jwk, index) => ({ jwk, place: listed === undefined ? '' : `${prefix}${index}` }));
  for (const { jwk, place } of placed) if (!isObject(jwk)) throw malformedAt(place, 'A JWK should be a JSON object.');
  const found = (placed as { jwk: Jwk; place: string }[]).filter(({ jwk }) => isPrivateJwk(jwk));
  const [first] = members;
  if (found.length === 0) {
    if (isObject(first) && 'kty' in first) throw notSupported('The JWK is a public key: there is no private key in it to import.', 'Give the file with the private key.');
    if (['jwe', 'jws'].includes(recognise(content).what)) throw notReadable(content);
    throw malformedAt(prefix, 'This JSON holds no JWK: "kty" is missing.');
  }
  return found.map(({ jwk, place }) => async () => {
    const material = await (place === '' ? readPrivateJwk(jwk, algorithm) : within(place, () => readPrivateJwk(jwk, algorithm)));
    const { kid } = jwk;
    return { material, format: 'jwk', wasEncrypted: false, ...(typeof kid === 'string' && kid.trim() !== '' ? { label: kid.trim().slice(0, 200) } : {}) };
  });
}

function readRaw(content: Uint8Array, algorithm: KeyAlgorithmName | undefined): ReadKey {
  if (algorithm === undefined) throw malformed('Raw bytes do not say what key they are.', undefined, 'Name the algorithm: aes-256, hmac-sha256 …');
  return { material: symmetricMaterial(algorithm, content), format: 'raw', wasEncrypted: false };
}

function notReadable(content: Uint8Array): KeywrightError {
  const { what, detail } = recognise(content);
  if (what === 'unknown' || what === 'empty') return malformed(`The file holds no key that can be read. ${detail}`, 0);
  return notSupported(detail, 'Give a file with a private key in a format named.', ['pkcs8', 'pkcs1', 'sec1', 'jwk', 'openssh', 'raw']);
}

/** A whole SEQUENCE that does not begin as a private key does. */
function isForeignDer(content: Uint8Array): boolean {
  try {
    const outer = new DerReader(content);
    const inside = outer.enter('it');
    outer.finish('it');
    return inside.peek() !== TAG.integer;
  } catch {
    return false;
  }
}

/** Text can begin with "0", which is the tag of a SEQUENCE. */
function isText(content: Uint8Array): boolean {
  return content.subarray(0, 64).every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

/** Asks for a passphrase once; a second key of the same file is tried with what opened the first before asking again. */
class Passphrases {
  readonly signal: AbortSignal;
  readonly #ask: ReadKeysOptions['passphrase'];
  #known: SecretBytes | undefined;

  constructor(options: ReadKeysOptions) {
    this.signal = options.signal;
    this.#ask = options.passphrase;
  }

  async open<T>(note: string | undefined, work: (passphrase: SecretBytes, signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#known !== undefined) {
      try {
        return await work(this.#known, this.signal);
      } catch (thrown) {
        if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_INCORRECT') throw thrown;
      }
    }
    const asked = await this.#ask(note);
    this.wipe();
    this.#known = asked;
    return work(asked, this.signal);
  }

  wipe(): void {
    this.#known?.wipe();
    this.#known = undefined;
  }
}
