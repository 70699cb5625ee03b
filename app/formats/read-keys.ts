import type { KeyAlgorithmName, SecretBytes } from '../contract/index.ts';
import type { KeyMaterial } from '../keystore/keystore.ts';
import { readAgeIdentities } from './age-identity.ts';
import { jwkOfCose } from './cose-key.ts';
import { parseJson } from './json.ts';
import { isPrivateJwk, type Jwk, readPrivateJwk } from './jwk.ts';
import { isPassphraseJwe, openJwe } from './jwe.ts';
import { isLegacyEncrypted, parseLegacyEncryption } from './legacy-pem.ts';
import { BCRYPT_ROUND } from './limits.ts';
import { malformed, malformedAt, within } from './malformed.ts';
import { checkedMaterial } from './material.ts';
import { parseMinisignSecret } from './minisign-secret.ts';
import { parseOpenssh } from './openssh-private.ts';
import { openEncryptedPkcs8, parseEncryptedPkcs8 } from './pbes.ts';
import type { PemBlock } from './pem.ts';
import { parsePpk } from './ppk.ts';
import type { Passphrases } from './passphrases.ts';
import { parsePkcs1, parsePkcs8, parseSec1 } from './private-parts.ts';
import { symmetricMaterial } from './symmetric.ts';
import type { FoundCertificate, KeyFileFormat, ReadKey } from './types.ts';

/** Reads single keys, each from the format that it is already known to be in. */

const MAX_KEYS = 1000;
export const PEM_FORMATS: Readonly<Record<string, KeyFileFormat>> = {
  'PRIVATE KEY': 'pkcs8', 'ENCRYPTED PRIVATE KEY': 'pkcs8', 'RSA PRIVATE KEY': 'pkcs1', 'EC PRIVATE KEY': 'sec1', 'OPENSSH PRIVATE KEY': 'openssh',
};

/** @returns the private key in a PEM block: PKCS#8, PKCS#1, SEC1, OpenSSH, encrypted or not. @throws INVALID_INPUT with the place; CAPABILITY_MISSING; PIN_INCORRECT, PIN_REQUIRED */
export async function readBlock(block: PemBlock, passphrases: Passphrases): Promise<ReadKey> {
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

/** @returns the private key in DER. @param note which key the passphrase is asked for @throws INVALID_INPUT with the place; CAPABILITY_MISSING; PIN_INCORRECT, PIN_REQUIRED */
export async function readDer(content: Uint8Array, format: KeyFileFormat | 'pkcs8-encrypted', passphrases: Passphrases, note?: string): Promise<ReadKey> {
  if (format === 'pkcs8-encrypted') {
    const encrypted = parseEncryptedPkcs8(content);
    return passphrases.open(note, async (passphrase, signal) => {
      passphrases.spending.spend(encrypted.cost);
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

const labelled = (label: string): { label?: string } => (label.trim() === '' ? {} : { label: label.trim().slice(0, 200) });

/** @returns the private key in the bytes of an `openssh-key-v1` block. @param note which key the passphrase is asked for @throws INVALID_INPUT; CAPABILITY_MISSING; PIN_INCORRECT, PIN_REQUIRED */
export async function readOpenssh(content: Uint8Array, passphrases: Passphrases, note?: string): Promise<ReadKey> {
  const file = parseOpenssh(content);
  const read = async (passphrase: SecretBytes | undefined, signal: AbortSignal): Promise<ReadKey> => {
    passphrases.spending.spend(BCRYPT_ROUND * (file.protection?.rounds ?? 0));
    const { parts, comment } = await file.open(passphrase, signal);
    return { material: await checkedMaterial(parts), format: 'openssh', wasEncrypted: file.encrypted, ...labelled(comment) };
  };
  return file.encrypted ? passphrases.open(note, read) : read(undefined, passphrases.signal);
}

/** @returns the private key of a PuTTY file of version 2 or 3, its comment as label. @throws INVALID_INPUT; CAPABILITY_MISSING; PIN_INCORRECT, PIN_REQUIRED */
export async function readPpk(content: Uint8Array, passphrases: Passphrases): Promise<ReadKey> {
  const file = parsePpk(content);
  const read = async (passphrase: SecretBytes | undefined): Promise<ReadKey> =>
    ({ material: await checkedMaterial(await file.open(passphrase)), format: 'ppk', wasEncrypted: file.encrypted, ...labelled(file.comment) });
  return file.encrypted ? passphrases.open(file.comment || undefined, read) : read(undefined);
}

/** @returns the Ed25519 key of a secret key file of minisign or signify. @throws INVALID_INPUT; CAPABILITY_MISSING; PIN_INCORRECT, PIN_REQUIRED */
export async function readMinisign(content: Uint8Array, passphrases: Passphrases): Promise<ReadKey> {
  const file = parseMinisignSecret(content);
  const read = async (passphrase: SecretBytes | undefined, signal: AbortSignal): Promise<ReadKey> =>
    ({ material: await checkedMaterial(await file.open(passphrase, signal)), format: file.format, wasEncrypted: file.encrypted });
  return file.encrypted ? passphrases.open(file.comment || undefined, read) : read(undefined, passphrases.signal);
}

/** @returns the X25519 keys of an age identity file, one a line. @throws INVALID_INPUT with the line */
export async function readAge(content: Uint8Array): Promise<ReadKey[]> {
  const keys: ReadKey[] = [];
  for (const { parts, line } of readAgeIdentities(content)) keys.push({ material: await within(`line ${line}`, () => checkedMaterial(parts)), format: 'age', wasEncrypted: false });
  return keys;
}

/** @returns undefined for a public key. */
export async function readCose(content: Uint8Array, algorithm: KeyAlgorithmName | undefined): Promise<ReadKey | undefined> {
  const jwk = jwkOfCose(content);
  return jwk === undefined ? undefined : { material: await readPrivateJwk(jwk, algorithm), format: 'cose', wasEncrypted: false };
}

/** @returns undefined when it is not for a passphrase. */
export async function readJwe(content: Uint8Array, algorithm: KeyAlgorithmName | undefined, passphrases: Passphrases): Promise<{ keys: ReadKey[]; certificates: FoundCertificate[] } | undefined> {
  const text = Buffer.from(content).toString('latin1').trim();
  if (!isPassphraseJwe(text)) return undefined;
  return passphrases.open(undefined, async (passphrase) => {
    const plain = await openJwe(text, passphrase);
    try {
      const { keys, certificates } = await within('once decrypted', () => readJwks(parseJson(plain), algorithm));
      return { keys: keys.map((key) => ({ ...key, format: 'jwe' as const, wasEncrypted: true })), certificates };
    } finally {
      plain.fill(0);
    }
  });
}

/** @returns the private and secret keys of a JWK or JWK Set, and the certificates of all its members. */
export async function readJwks(json: unknown, algorithm: KeyAlgorithmName | undefined): Promise<{ keys: ReadKey[]; certificates: FoundCertificate[]; members: number }> {
  const isObject = (value: unknown): value is Jwk => typeof value === 'object' && value !== null && !Array.isArray(value);
  const listed = isObject(json) ? json['keys'] : json;
  if (listed !== undefined && !Array.isArray(listed)) throw malformedAt('/keys', '"keys" of a JWK Set should be an array.');
  const members: readonly unknown[] = listed ?? [json];
  const prefix = isObject(json) ? '/keys/' : '/';
  if (members.length > MAX_KEYS) throw malformedAt(`${prefix}${MAX_KEYS}`, `The set has ${members.length} keys; ${MAX_KEYS} is the most.`);
  const placed = members.map((jwk, index) => ({ jwk, place: listed === undefined ? '' : `${prefix}${index}` }));
  for (const { jwk, place } of placed) if (!isObject(jwk)) throw malformedAt(place, 'A JWK should be a JSON object.');
  const all = placed as { jwk: Jwk; place: string }[];
  const certificates = all.flatMap(({ jwk, place }) => readX5c(jwk, place));
  const keys: ReadKey[] = [];
  try {
    for (const { jwk, place } of all) {
      if (!isPrivateJwk(jwk)) continue;
      const { kid } = jwk;
      keys.push({ material: await (place === '' ? readPrivateJwk(jwk, algorithm) : within(place, () => readPrivateJwk(jwk, algorithm))), format: 'jwk', wasEncrypted: false, ...(typeof kid === 'string' ? labelled(kid) : {}) });
    }
  } catch (thrown) {
    for (const { material } of keys) material.secret.wipe();
    throw thrown;
  }
  return { keys, certificates, members: members.length };
}

/** RFC 7517 §4.7: certificates in base64 (not base64url), the key's own first. */
function readX5c(jwk: Jwk, place: string): FoundCertificate[] {
  const { x5c, kid } = jwk;
  if (x5c === undefined) return [];
  if (!Array.isArray(x5c) || x5c.length > 100) throw malformedAt(`${place}/x5c`, '“x5c” should be an array of certificates.');
  return x5c.map((text: unknown, index) => {
    const bytes = Buffer.from(typeof text === 'string' ? text : '', 'base64');
    if (bytes.length === 0) throw malformedAt(`${place}/x5c/${index}`, 'A member of “x5c” should be a certificate in base64.');
    return { der: bytes, ...(index === 0 && typeof kid === 'string' ? labelled(kid) : {}) };
  });
}

/** @returns a secret key that is nothing but its bytes. @throws INVALID_INPUT without an algorithm, or for a length that is not its; CAPABILITY_MISSING for one that is not symmetric */
export function readRaw(content: Uint8Array, algorithm: KeyAlgorithmName | undefined): ReadKey {
  if (algorithm === undefined) throw malformed('Raw bytes do not say what key they are.', undefined, 'Name the algorithm: aes-256, hmac-sha256 …');
  return { material: symmetricMaterial(algorithm, content), format: 'raw', wasEncrypted: false };
}
