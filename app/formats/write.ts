import { KEY_ALGORITHMS, type KeyAlgorithmName, SecretBytes } from '../contract/index.ts';
import type { KeyMaterial } from '../keystore/keystore.ts';
import { writeAgeIdentity } from './age-identity.ts';
import { coseOfJwk, hasCoseKey } from './cose-key.ts';
import { writeJwe } from './jwe.ts';
import { privateJwk, secretJwk } from './jwk.ts';
import { malformed, notSupported } from './malformed.ts';
import { lacksSeed, publicOfPkcs8 } from './material.ts';
import { writeMinisignSecret } from './minisign-secret.ts';
import { writeOpenssh } from './openssh-private.ts';
import { encryptPkcs8 } from './pbes.ts';
import { writePem } from './pem.ts';
import { writePkcs12 } from './pkcs12-write.ts';
import { writePpk } from './ppk.ts';
import { buildPkcs1, buildPkcs8, buildSec1, parsePkcs8, type PrivateParts } from './private-parts.ts';
import { parseSpki, type PublicParts } from './spki.ts';
import { KEY_FILE_FORMATS, type KeyFileFormat, type WriteKeyOptions } from './types.ts';

/** How formats are called in sentences. */
export const FORMAT_NAMES: Readonly<Record<KeyFileFormat, string>> = {
  pkcs8: 'PKCS#8', pkcs1: 'PKCS#1', sec1: 'SEC 1', jwk: 'JWK', jwe: 'JWE', openssh: 'OpenSSH\'s format', ppk: 'PuTTY\'s format', pkcs12: 'PKCS#12', jks: 'A Java key store', bks: 'A key store of Bouncy Castle',
  cose: 'COSE', age: 'age', minisign: 'minisign', signify: 'signify', raw: 'Raw bytes',
};
/** Formats with a place for a passphrase, those that are text alone, and those that cannot do without a passphrase. */
export const CAN_ENCRYPT: ReadonlySet<KeyFileFormat> = new Set(['pkcs8', 'openssh', 'ppk', 'pkcs12', 'jwe', 'minisign', 'signify']);
export const MUST_ENCRYPT: ReadonlySet<KeyFileFormat> = new Set(['pkcs12', 'jwe']);
const TEXT_ALONE: ReadonlySet<KeyFileFormat> = new Set(['jwk', 'jwe', 'openssh', 'ppk', 'age', 'minisign', 'signify']);
/** `priv` of an AKP key (JOSE and COSE) is the seed alone. */
const SEEDLESS = 'JWK and COSE hold such a key by its seed, and this one came in its expanded form, without the seed';
const SSH_ALGORITHMS: readonly KeyAlgorithmName[] = ['ec-p256', 'ec-p384', 'ec-p521', 'ed25519'];

/** Formats that can hold a private or secret key of `algorithm`, the recommended one first. @param seedless as of {@link whyNot} */
export function keyFormatsOf(algorithm: KeyAlgorithmName, seedless = false): KeyFileFormat[] {
  return KEY_FILE_FORMATS.filter((format) => whyNot(algorithm, format, seedless) === null);
}

/**
 * @param seedless of ML-DSA and ML-KEM: the key is held in its expanded form alone ({@link lacksSeed})
 * @returns why a format cannot hold a private or secret key of `algorithm`, or null when it can.
 */
export function whyNot(algorithm: KeyAlgorithmName, format: KeyFileFormat, seedless = false): string | null {
  const { kind, family } = KEY_ALGORITHMS[algorithm];
  const hasJwk = kind === 'symmetric' ? family !== 'chacha20' : !algorithm.includes('brainpool');
  switch (format) {
    case 'jks': return 'Java reads PKCS#12 as well, and JKS is not safe any more: it is only read';
    case 'bks': return 'Bouncy Castle reads PKCS#12 as well, and BKS is not safe any more: it is only read';
    case 'raw': return kind === 'symmetric' ? null : 'only symmetric keys are raw bytes';
    case 'jwk': case 'jwe': return hasJwk ? (seedless ? SEEDLESS : null) : kind === 'symmetric' ? 'no standard gives it a JWK name' : 'no standard gives its curve a JWK name';
    case 'cose': return kind === 'symmetric' || (hasJwk && hasCoseKey(algorithm)) ? (seedless ? SEEDLESS : null) : 'COSE has no name for it';
    default:
  }
  if (kind === 'symmetric') return 'it is a symmetric key';
  switch (format) {
    case 'pkcs1': return family === 'rsa' ? null : 'it is for RSA alone';
    case 'sec1': return family === 'ec' ? null : 'it is for elliptic curves of SEC 1 alone';
    case 'openssh': case 'ppk': return family === 'rsa' || SSH_ALGORITHMS.includes(algorithm) ? null : `${format === 'ppk' ? 'PuTTY' : 'OpenSSH'} has no key type for it`;
    case 'age': return algorithm === 'x25519' ? null : `age identities are X25519 keys alone${algorithm === 'ed25519' || family === 'rsa' ? ', and age takes this key as a file of OpenSSH (age -i): choose that' : ''}`;
    case 'minisign': case 'signify': return algorithm === 'ed25519' ? null : `${format} has Ed25519 keys alone`;
    default: return null;
  }
}

/**
 * @returns the file. With a passphrase: PKCS#8 and PKCS#12 with AES-256-CBC and PBKDF2-HMAC-SHA256 of 600,000 rounds, JWE with
 *   PBES2 ({@link writeJwe}), OpenSSH and signify with bcrypt, PuTTY with Argon2id, minisign with scrypt. May hold a secret: the caller wipes it.
 * @throws CAPABILITY_MISSING with the reason and the formats that serve, where a format has no place for the algorithm, for
 *   a passphrase, or for the encoding
 */
export async function writeKey(material: KeyMaterial, options: WriteKeyOptions): Promise<Uint8Array> {
  const { format, encoding, passphrase, label } = options;
  checkWritable(material.algorithm, { format, encoding, encrypted: passphrase !== undefined, seedless: lacksSeed(material.algorithm, material.secret.reveal()) });
  if (passphrase?.length === 0) throw malformed('The passphrase is empty.', undefined, 'Choose one of at least eight characters.');
  if (format === 'raw') return Uint8Array.from(material.secret.reveal());
  if (format === 'jwk' || format === 'jwe' || format === 'cose') return writeJson(material, options);
  const pkcs8 = material.secret.reveal();
  if (format === 'pkcs12') return writePkcs12([{ pkcs8, ...(label === undefined ? {} : { friendlyName: label }), ...(options.certificate === undefined ? {} : { certificate: options.certificate }) }, ...(options.chain ?? []).map((certificate) => ({ certificate }))], passphrase as SecretBytes, options.profile ?? 'modern');
  const parts = parsePkcs8(pkcs8);
  const text = await writeText(parts, parseSpki(publicOfPkcs8(pkcs8)), options);
  if (text !== undefined) return text;
  const encrypted = format === 'pkcs8' && passphrase !== undefined;
  using content = new SecretBytes(build(parts, pkcs8, format));
  const bytes = encrypted ? await encryptPkcs8(content.reveal(), passphrase) : Uint8Array.from(content.reveal());
  if (encoding === 'der') return bytes;
  return writePem(format === 'pkcs1' ? 'RSA PRIVATE KEY' : format === 'sec1' ? 'EC PRIVATE KEY' : encrypted ? 'ENCRYPTED PRIVATE KEY' : 'PRIVATE KEY', bytes);
}

async function writeText(parts: PrivateParts, publicParts: PublicParts, { format, passphrase, label }: WriteKeyOptions): Promise<Uint8Array | undefined> {
  switch (format) {
    case 'openssh': return writePem('OPENSSH PRIVATE KEY', await writeOpenssh(parts, publicParts, passphrase, label ?? ''), 70);
    case 'ppk': return writePpk(parts, publicParts, passphrase, label ?? '');
    case 'age': return writeAgeIdentity(parts, publicParts, label);
    case 'minisign': case 'signify': return writeMinisignSecret(format, parts, publicParts.kind === 'rsa' ? Buffer.alloc(0) : publicParts.bytes, passphrase);
    default: return undefined;
  }
}

async function writeJson(material: KeyMaterial, { format, passphrase, label, certificate, chain }: WriteKeyOptions): Promise<Uint8Array> {
  const jwk = jwkOf(material);
  if (format === 'cose') return coseOfJwk(jwk, material.algorithm);
  const x5c = certificate === undefined ? {} : { x5c: [certificate, ...(chain ?? [])].map((one) => Buffer.from(one).toString('base64')) };
  const file = jsonFile({ ...jwk, ...x5c }, label);
  if (format === 'jwk') return file;
  try {
    return await writeJwe(file, passphrase as SecretBytes);
  } finally {
    file.fill(0);
  }
}

function jwkOf(material: KeyMaterial): Record<string, string> {
  if (KEY_ALGORITHMS[material.algorithm].kind === 'symmetric') return secretJwk(material);
  const pkcs8 = material.secret.reveal();
  return privateJwk(parsePkcs8(pkcs8), parseSpki(publicOfPkcs8(pkcs8)), pkcs8);
}

function build(parts: PrivateParts, pkcs8: Uint8Array, format: KeyFileFormat): Buffer {
  if (format === 'pkcs1' && parts.kind === 'rsa') return buildPkcs1(parts);
  if (format === 'sec1' && parts.kind === 'ec') return buildSec1(parts.algorithm, parts.scalar, true);
  return parts.kind === 'bytes' ? Buffer.from(pkcs8) : buildPkcs8(parts);
}

/**
 * For callers that ask somebody for a passphrase: what cannot be written is refused before.
 * @throws CAPABILITY_MISSING with the reason and the formats that serve, where `format` has no place for the algorithm, for a passphrase, or for the encoding
 */
export function checkWritable(algorithm: KeyAlgorithmName, { format, encoding, encrypted, seedless = false }: { readonly format: KeyFileFormat; readonly encoding: 'pem' | 'der'; readonly encrypted: boolean; readonly seedless?: boolean }): void {
  const possible = keyFormatsOf(algorithm, seedless);
  const reason = whyNot(algorithm, format, seedless);
  if (reason !== null) throw notSupported(format === 'jks' || format === 'bks' ? `${FORMAT_NAMES[format]} is not written: ${reason}.` : `${FORMAT_NAMES[format]} cannot hold a key of ${algorithm}: ${reason}.`, 'Choose one of the formats named.', possible);
  if (encrypted && !CAN_ENCRYPT.has(format)) {
    const safe = possible.filter((name) => CAN_ENCRYPT.has(name));
    throw notSupported(`${FORMAT_NAMES[format]} has no safe encryption with a passphrase.`, safe.length === 0 ? 'Export it without a passphrase, or copy the key to another backend.' : 'Choose one of the formats named, or export without a passphrase.', safe);
  }
  if (!encrypted && MUST_ENCRYPT.has(format)) throw notSupported(`${FORMAT_NAMES[format]} is not written without a passphrase.`, 'Choose a passphrase, or another format.', possible.filter((name) => !MUST_ENCRYPT.has(name)));
  if (encoding === 'der' && TEXT_ALONE.has(format)) throw notSupported(`${FORMAT_NAMES[format]} is text: it has no DER form.`, 'Choose the encoding pem, or PKCS#8.', possible.filter((name) => !TEXT_ALONE.has(name)));
}

function jsonFile(jwk: Readonly<Record<string, unknown>>, label: string | undefined): Buffer {
  return Buffer.from(`${JSON.stringify(label === undefined ? jwk : { ...jwk, kid: label }, null, 2)}\n`);
}
