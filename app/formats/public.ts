import { KEY_ALGORITHMS, type KeyAlgorithmName } from '../contract/index.ts';
import { parseJson } from './json.ts';
import { type Jwk, publicJwk, publicPartsOfJwk } from './jwk.ts';
import { malformed, notSupported, within } from './malformed.ts';
import { looksLikeSshLine, parseSshLine, writeSshLine } from './openssh-public.ts';
import { looksLikePem, parsePem, writePem } from './pem.ts';
import { ageRecipient, readAgeRecipient } from './age-identity.ts';
import { coseKey, hasCoseKey, readCoseKey } from './cose-key.ts';
import { MINISIGN_COMMENT, readMinisignPublicKey, writeMinisignPublicKey } from './minisign.ts';
import { BARE_MINISIGN, recognise } from './recognise.ts';
import { sniffDer } from './sniff.ts';
import { buildSpki, parseRsaPublicKey, parseSpki, type PublicParts } from './spki.ts';
import type { PublicKeyFormat } from './types.ts';

/** Longest file that may hold a public key: an SLH-DSA or RSA key takes a hundredth of it. */
const MAX_PUBLIC_KEY_FILE = 1024 * 1024;

/**
 * @param spki SubjectPublicKeyInfo, DER.
 * @param comment OpenSSH's comment, or the JWK's `kid`; PEM and DER have no place for one.
 * @returns text for PEM, JWK, OpenSSH and minisign, each with a line end; DER and COSE as they are.
 * @throws CAPABILITY_MISSING when the format has no name for the algorithm
 */
export function writePublicKey(spki: Uint8Array, algorithm: KeyAlgorithmName, format: PublicKeyFormat, comment?: string): Uint8Array {
  const parts = parseSpki(spki);
  if (parts.algorithm !== algorithm) throw malformed(`The public key is ${parts.algorithm}, not ${algorithm}.`);
  switch (format) {
    case 'der': return buildSpki(parts);
    case 'pem': return writePem('PUBLIC KEY', buildSpki(parts));
    case 'openssh': return writeSshLine(parts, comment);
    case 'minisign': return minisignFile(parts);
    case 'cose': return coseKey(parts);
    case 'age': return Buffer.from(`${ageRecipient(parts)}\n`);
    case 'jwk': return Buffer.from(`${JSON.stringify({ ...publicJwk(parts), ...(comment === undefined ? {} : { kid: comment }) }, null, 2)}\n`);
  }
}

/**
 * @param content SPKI in PEM or DER, PKCS#1 public key in PEM or DER, JWK or COSE_Key (a private one gives its public part), minisign, a recipient of age, or a line of OpenSSH.
 * @returns canonical SPKI, DER, so that its fingerprint does not depend on the file.
 * @throws INVALID_INPUT with the place, CAPABILITY_MISSING naming what it is
 */
export function readPublicKey(content: Uint8Array): { spki: Uint8Array; algorithm: KeyAlgorithmName } {
  const parts = readPublicParts(content);
  return { spki: buildSpki(parts), algorithm: parts.algorithm };
}

function readPublicParts(content: Uint8Array): PublicParts {
  if (content.length > MAX_PUBLIC_KEY_FILE) throw malformed(`The file has ${content.length} bytes; ${MAX_PUBLIC_KEY_FILE} is the most for a public key.`, MAX_PUBLIC_KEY_FILE);
  const kind = sniffDer(content);
  if (kind === 'public-key' || (kind === undefined && content[0] === 0x30)) return parseSpki(content);
  if (kind === undefined && (content[0] ?? 0) >> 5 === 5) return readCoseKey(content); // a map of CBOR; no text begins so
  if (kind === 'pkcs1-public') return { kind: 'rsa', ...parseRsaPublicKey(content) };
  if (kind === undefined && looksLikePem(content)) {
    const block = parsePem(content).find(({ label }) => label === 'PUBLIC KEY' || label === 'RSA PUBLIC KEY');
    if (block !== undefined) {
      return within(`line ${block.line}`, () => (block.label === 'PUBLIC KEY' ? parseSpki(block.content) : { kind: 'rsa', ...parseRsaPublicKey(block.content) }));
    }
  } else if (kind === undefined) {
    const text = Buffer.from(content).toString('latin1').replace(/^\xef\xbb\xbf/, '').trimStart();
    if (BARE_MINISIGN.test(text)) return { kind: 'bytes', algorithm: 'ed25519', bytes: readMinisignPublicKey(Buffer.from(`${MINISIGN_COMMENT} minisign public key\n${text.trim()}\n`)) };
    if (text.startsWith(MINISIGN_COMMENT)) return { kind: 'bytes', algorithm: 'ed25519', bytes: readMinisignPublicKey(content) };
    if (/^(?:#.*\r?\n)*age1/.test(text)) return readAgeRecipient((/^age1\S+/m.exec(text) as RegExpExecArray)[0]);
    if (text.startsWith('{')) return publicPartsOfJwk(onlyJwk(parseJson(content)));
    const line = text.split(/[\r\n]/, 1)[0] as string;
    if (looksLikeSshLine(line)) return parseSshLine(line).parts;
  }
  const { what, detail, readable } = recognise(content);
  if (what === 'unknown' || what === 'empty') throw malformed('The file holds no public key that can be read: SPKI in PEM or DER, JWK, COSE, minisign, or a line of OpenSSH.', 0);
  throw notSupported(readable ? `${detail} A public key is needed here.` : detail, 'Give the public key.', ['pem', 'der', 'jwk', 'openssh']);
}

function minisignFile(parts: PublicParts): Uint8Array {
  if (parts.kind === 'bytes' && parts.algorithm === 'ed25519') return writeMinisignPublicKey(parts.bytes);
  throw notSupported(`minisign has Ed25519 keys alone, and this one is ${parts.algorithm}.`, 'Write it as SPKI or OpenSSH.', ['pem', 'openssh']);
}

function onlyJwk(json: unknown): Jwk {
  const keys = (json as { keys?: unknown }).keys;
  const jwk: unknown = Array.isArray(keys) ? keys[0] : json;
  if (Array.isArray(keys) && keys.length !== 1) throw malformed(`The set has ${keys.length} keys; one is needed.`);
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw malformed('A JWK should be a JSON object.');
  return jwk as Jwk;
}

/**
 * @param spki SubjectPublicKeyInfo, DER. @returns a JWK with the key id and the certificates (RFC 7517 §4.7) given.
 * @throws CAPABILITY_MISSING for curves without a JWK name
 */
export function publicJwkOf(spki: Uint8Array, { kid, x5c }: { kid?: string; x5c?: readonly Uint8Array[] }): Buffer {
  const members = { ...publicJwk(parseSpki(spki)), ...(kid === undefined ? {} : { kid }), ...(x5c === undefined ? {} : { x5c: x5c.map((der) => Buffer.from(der).toString('base64')) }) };
  return Buffer.from(`${JSON.stringify(members, null, 2)}\n`);
}

export const PUBLIC_KEY_FORMATS = ['pem', 'der', 'jwk', 'openssh', 'minisign', 'cose', 'age'] as const satisfies readonly PublicKeyFormat[];

/** Formats that can hold a public key of `algorithm`. */
export function publicFormatsOf(algorithm: KeyAlgorithmName): PublicKeyFormat[] {
  return PUBLIC_KEY_FORMATS.filter((format) => whyNotPublic(algorithm, format) === null);
}

/** @returns why a format cannot hold a public key of `algorithm`, or null when it can. */
export function whyNotPublic(algorithm: KeyAlgorithmName, format: PublicKeyFormat): string | null {
  const { family, kind } = KEY_ALGORITHMS[algorithm];
  if (kind === 'symmetric') return 'it is a symmetric key, which has no public part';
  switch (format) {
    case 'jwk': return algorithm.includes('brainpool') ? 'no standard gives its curve a JWK name' : null;
    case 'openssh': return family === 'rsa' || ['ec-p256', 'ec-p384', 'ec-p521', 'ed25519'].includes(algorithm) ? null : 'OpenSSH has no key type for it';
    case 'minisign': return algorithm === 'ed25519' ? null : 'minisign has Ed25519 keys alone';
    case 'cose': return hasCoseKey(algorithm) ? null : 'COSE has no name for it';
    case 'age': return algorithm === 'x25519' ? null : 'this kind of recipient is an X25519 key; age takes OpenSSH lines of RSA and Ed25519 keys too';
    default: return null;
  }
}
