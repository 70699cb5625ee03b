import { KeywrightError } from '../contract/index.ts';
import { bksKind } from './bks.ts';
import { isPrivateJwk, type Jwk } from './jwk.ts';
import { looksLikeCoseKey } from './cose-key.ts';
import { DerReader, TAG } from './der.ts';
import { looksLikeJks } from './jks.ts';
import { parseJson } from './json.ts';
import { malformed, malformedAt, notSupported, within } from './malformed.ts';
import { isMinisignSecret } from './minisign-secret.ts';
import { OPENSSH_MAGIC } from './openssh-private.ts';
import { Passphrases } from './passphrases.ts';
import { looksLikePem, parsePem, type PemBlock } from './pem.ts';
import { readPkcs7 } from './pkcs7.ts';
import { PEM_FORMATS, readAge, readBlock, readCose, readDer, readJwe, readJwks, readMinisign, readOpenssh, readPpk, readRaw } from './read-keys.ts';
import { readPkcs12 } from './read-stores.ts';
import { readBks, readJks } from './read-java-stores.ts';
import { recognise } from './recognise.ts';
import { cutOff, sniffDer } from './sniff.ts';
import type { FileContents, KeyFileFormat, ReadKey, ReadKeysOptions } from './types.ts';

/** Largest file of keys that is read. */
export const MAX_KEY_FILE = 4 * 1024 * 1024;
const DER_FORMATS: Readonly<Record<string, KeyFileFormat>> = { pkcs8: 'pkcs8', 'pkcs8-encrypted': 'pkcs8', pkcs1: 'pkcs1', sec1: 'sec1' };
const CERTIFICATE_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']);
/** Labels of PEM blocks that hold certificates, lists, or whole containers. */
const OTHER_LABELS: ReadonlySet<string> = new Set([...CERTIFICATE_LABELS, 'X509 CRL', 'PKCS7', 'CMS', 'PKCS12']);
const READ_FORMATS = ['pkcs8', 'pkcs1', 'sec1', 'jwk', 'openssh', 'pkcs12', 'jks', 'bks', 'ppk', 'age', 'minisign', 'cose', 'raw'];

/**
 * Reads all private and secret keys of a file: PKCS#8, PKCS#1 and SEC 1 in PEM or DER, OpenSSH, PuTTY, JWK and JWK Set (also as a
 * JWE for a passphrase), PKCS#12, JKS and JCEKS, BKS and UBER, COSE, age, minisign and signify, or one raw key. {@link readContents} gives the
 * certificates beside them too.
 *
 * @param content at most 4 MiB.
 * @returns at least one key, in the order of the file; each was checked to be whole. The caller wipes their secrets.
 * @throws INVALID_INPUT with the place (`offset 12`, `line 3, offset 12`, `/keys/0/d`), CAPABILITY_MISSING naming what the
 *   file is when it is not malformed but foreign, PIN_INCORRECT, and whatever `passphrase` throws
 */
export async function readKeys(content: Uint8Array, options: ReadKeysOptions): Promise<ReadKey[]> {
  return (await readContents(content, options)).keys;
}

/**
 * As {@link readKeys}, with the certificates and revocation lists that the file holds beside them.
 * @returns at least one key, or, when certificates alone are wanted, at least one certificate.
 */
export async function readContents(content: Uint8Array, options: ReadKeysOptions): Promise<FileContents> {
  if (content.length > MAX_KEY_FILE) throw malformed(`The file has ${content.length} bytes; ${MAX_KEY_FILE} is the most for keys.`, MAX_KEY_FILE);
  if (content.length === 0) throw malformed('The file is empty.', 0);
  if (options.format === 'raw') return { keys: [readRaw(content, options.algorithm)], certificates: [], crls: [], notes: [] };
  const contents: FileContents = { keys: [], certificates: [], crls: [], notes: [], refused: [] };
  const passphrases = new Passphrases(options);
  try {
    await find(content, { ...options, contents, passphrases, want: options.want === 'certificates' ? 'certificates' : 'all' });
    checkFound(content, contents, options);
    return contents;
  } catch (thrown) {
    for (const { material } of contents.keys) material.secret.wipe();
    throw thrown;
  } finally {
    passphrases.wipe();
  }
}

function checkFound(content: Uint8Array, { keys, certificates, crls, refused }: FileContents, { algorithm, want }: ReadKeysOptions): void {
  if (want === 'certificates') {
    if (certificates.length === 0 && crls.length === 0) throw notSupported(`The file holds no certificate. ${recognise(content).detail}`, 'Give a file with certificates.');
    return;
  }
  if (keys.length === 0) {
    if (want === 'anything' && certificates.length + crls.length > 0) return;
    if (refused?.[0] !== undefined) throw refused[0];
    if (certificates.length === 0) throw notReadable(content);
    throw notSupported(`${recognise(content).detail} It holds ${certificates.length === 1 ? 'a certificate' : `${certificates.length} certificates`} and no private key.`, 'Import it with `keywright certificates import`.');
  }
  const other = keys.find(({ material }) => algorithm !== undefined && material.algorithm !== algorithm);
  if (other !== undefined) throw malformed(`The key is ${other.material.algorithm}, not ${algorithm}.`, undefined, 'Leave the algorithm out: the file says it.');
}

interface Search extends ReadKeysOptions {
  readonly contents: FileContents;
  readonly passphrases: Passphrases;
  readonly want: 'all' | 'certificates';
}

async function find(content: Uint8Array, search: Search): Promise<void> {
  const { contents, passphrases, want, format, algorithm } = search;
  const only = (found: KeyFileFormat): boolean => {
    if (format !== undefined && format !== found) throw malformed(`The file is ${found}, not ${format}.`, 0, 'Leave the format out: it is told by content.');
    return want === 'all';
  };
  const add = (...keys: readonly ReadKey[]): void => { contents.keys.push(...keys); };
  const kind = sniffDer(content);
  if (kind !== undefined && cutOff(content) !== undefined) throw malformed(recognise(content).detail, content.length, 'Get the file anew: its end is missing.');
  const derFormat = kind === undefined ? undefined : DER_FORMATS[kind];
  if (derFormat !== undefined) return only(derFormat) ? add(await readDer(content, kind === 'pkcs8-encrypted' ? 'pkcs8-encrypted' : derFormat, passphrases)) : undefined;
  if (kind === 'pkcs12') {
    only('pkcs12');
    return readPkcs12(content, contents, passphrases, want);
  }
  if (kind === 'cms' || kind === 'certificate' || kind === 'crl') return lenient(() => addDer(kind, content, contents), 'The file', search);
  if (Buffer.from(content.subarray(0, OPENSSH_MAGIC.length)).equals(OPENSSH_MAGIC)) return only('openssh') ? add(await readOpenssh(content, passphrases)) : undefined;
  if (looksLikeJks(content)) {
    only('jks');
    return readJks(content, contents, passphrases, want);
  }
  if (bksKind(content) !== undefined) {
    only('bks');
    return readBks(content, contents, passphrases, want);
  }
  if (kind === undefined && looksLikePem(content)) return findInPem(content, search);
  const start = Buffer.from(content.subarray(0, 1024)).toString('latin1').replace(/^\xef\xbb\xbf/, '').trimStart();
  if (start[0] === '{' || start[0] === '[') {
    only('jwk');
    return findInJson(content, search);
  }
  if (start.startsWith('PuTTY-User-Key-File-')) return only('ppk') ? add(await readPpk(content, passphrases)) : undefined;
  if (isMinisignSecret(content)) return want === 'all' ? add(await readMinisign(content, passphrases)) : undefined;
  if (/(?:^|\n)AGE-(?:SECRET-KEY|PLUGIN)-/i.test(start)) return only('age') ? add(...(await readAge(content))) : undefined;
  if (start.startsWith('eyJ')) {
    const read = await readJwe(content, algorithm, passphrases);
    if (read === undefined) throw notReadable(content);
    only('jwe');
    add(...read.keys);
    contents.certificates.push(...read.certificates);
    return undefined;
  }
  if (looksLikeCoseKey(content)) {
    const key = await readCose(content, algorithm);
    if (key === undefined) throw notSupported('The COSE key is a public one: there is no private key in it to import.', 'Give the file with the private key.');
    return only('cose') ? add(key) : undefined;
  }
  if (kind === undefined && content[0] === 0x30 && !isText(content) && !isForeignDer(content)) add(await readDer(content, format ?? 'pkcs8', passphrases)); // damaged: let the parser say where
  else throw notReadable(content);
}

function addDer(kind: 'cms' | 'certificate' | 'crl', content: Uint8Array, contents: FileContents): void {
  if (kind === 'certificate') contents.certificates.push({ der: content });
  else if (kind === 'crl') contents.crls.push(content);
  else {
    const { certificates, crls } = readPkcs7(content);
    contents.certificates.push(...certificates.map((der) => ({ der })));
    contents.crls.push(...crls);
  }
}

async function findInPem(content: Uint8Array, search: Search): Promise<void> {
  const { contents, passphrases, want, format } = search;
  const strange = recognise(content);
  let blocks: PemBlock[];
  try {
    blocks = parsePem(content);
  } catch (thrown) {
    throw strange.readable || strange.what === 'unknown' ? thrown : notReadable(content); // OpenPGP's armour is not quite PEM
  }
  const isKey = ({ label }: PemBlock): boolean => Object.hasOwn(PEM_FORMATS, label);
  const found = blocks.filter((block) => isKey(block) || OTHER_LABELS.has(block.label));
  if (found.length === 0) throw notReadable(content);
  const formats = found.filter(isKey).map(({ label }) => PEM_FORMATS[label]);
  if (format !== undefined && !formats.includes(format) && !found.some(({ label }) => label === 'PKCS12' && format === 'pkcs12')) throw malformed(`The file is ${formats[0] ?? strange.what}, not ${format}.`, 0, 'Leave the format out: it is told by content.');
  for (const block of found) {
    passphrases.signal.throwIfAborted();
    await within(`line ${block.line}`, async () => {
      if (block.label === 'PKCS12') return readPkcs12(block.content, contents, passphrases, want);
      if (!isKey(block)) return lenient(() => addBlock(block, contents), `The PEM block ${block.label} at line ${block.line}`, search);
      if (want === 'all' && (format === undefined || PEM_FORMATS[block.label] === format)) contents.keys.push(await readBlock(block, passphrases));
    });
  }
}

function addBlock({ label, content, friendlyName }: PemBlock, contents: FileContents): void {
  if (!CERTIFICATE_LABELS.has(label)) return addDer(label === 'X509 CRL' ? 'crl' : 'cms', content, contents);
  const reader = new DerReader(content);
  const { to } = reader.next('the certificate', TAG.sequence); // behind a TRUSTED CERTIFICATE stand OpenSSL's own notes on trust
  contents.certificates.push({ der: content.subarray(0, to), ...(friendlyName === undefined ? {} : { label: friendlyName }) });
}

/** Who wants the keys gets them, though something beside them is damaged: that is said. */
function lenient(work: () => void, what: string, { want, contents }: Search): void {
  try {
    work();
  } catch (thrown) {
    if (want === 'certificates' || !(thrown instanceof KeywrightError)) throw thrown;
    contents.notes.push(`${what} was passed over: ${thrown.message}`);
  }
}

async function findInJson(content: Uint8Array, { contents, algorithm, want }: Search): Promise<void> {
  const json = parseJson(content);
  const isObject = (value: unknown): value is Jwk => typeof value === 'object' && value !== null && !Array.isArray(value);
  const listed = isObject(json) ? json['keys'] : json;
  const members: readonly unknown[] = Array.isArray(listed) ? listed : [json];
  const [first] = members;
  if (members.every((jwk) => isObject(jwk) && !isPrivateJwk(jwk))) {
    if (!(isObject(first) && 'kty' in first)) {
      if (['jwe', 'jws'].includes(recognise(content).what)) throw notReadable(content);
      throw malformedAt(isObject(json) ? '/keys/' : '/', 'This JSON holds no JWK: "kty" is missing.');
    }
    if (want === 'all') throw notSupported('The JWK is a public key: there is no private key in it to import.', 'Give the file with the private key.');
  }
  const { keys, certificates } = await readJwks(json, algorithm);
  contents.certificates.push(...certificates);
  if (want === 'all') contents.keys.push(...keys);
  else for (const { material } of keys) material.secret.wipe();
}

function notReadable(content: Uint8Array): KeywrightError {
  const { what, detail } = recognise(content);
  if (what === 'unknown' || what === 'empty') return malformed(`The file holds no key that can be read. ${detail}`, 0);
  return notSupported(detail, 'Give a file with a private key in a format named.', READ_FORMATS);
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
