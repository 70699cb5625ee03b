import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import type { SecretBytes } from '../contract/index.ts';
import { contextPrimitive, contextTag, der, derInteger, derOid, derSequence, TAG } from './der.ts';
import { malformed } from './malformed.ts';
import { bmpString, PBE_3DES, pkcs12Derive } from './pbes1.ts';
import { encryptPbes2, encryptPkcs8 } from './pbes.ts';
import { pkcs12Mac } from './pkcs12-mac.ts';

/** Writes PKCS#12 (RFC 7292) for who will open it. */

/**
 * `modern`: AES-256 and a classic MAC with SHA-256; what is of this decade opens it. `strict`: PBMAC1 (RFC 9579) instead, which
 * takes OpenSSL 3.4, Java 24 or newer. `legacy`: 3DES and SHA-1, for the keychain of macOS and Windows before 10 1709.
 */
export type Pkcs12Profile = 'modern' | 'strict' | 'legacy';

/** Whoever guesses passphrases tries the cheapest part: MAC, certificates and keys cost about the same. */
const CLASSIC_ROUNDS = 300_000;
const LEGACY_ROUNDS = 50_000;

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const BAG = '1.2.840.113549.1.12.10.1';

interface Pkcs12Entry {
  /** PrivateKeyInfo, DER; not wiped. */
  readonly pkcs8?: Uint8Array;
  /** The certificate of the key, or one that stands alone. */
  readonly certificate?: Uint8Array;
  readonly friendlyName?: string;
}

/**
 * @param entries at least one; each with a key, a certificate, or both, which are then joined by a local key id.
 * @param passphrase UTF-8, not empty; not wiped. @returns the file, DER.
 */
export async function writePkcs12(entries: readonly Pkcs12Entry[], passphrase: SecretBytes, profile: Pkcs12Profile): Promise<Uint8Array> {
  if (passphrase.length === 0) throw malformed('The passphrase is empty.', undefined, 'Choose one of at least eight characters.');
  const certificates: Buffer[] = [];
  const keys: Buffer[] = [];
  for (const { pkcs8, certificate, friendlyName } of entries) {
    const id = pkcs8 === undefined ? undefined : createHash('sha1').update(certificate ?? pkcs8).digest().subarray(0, 20);
    const attributes = bagAttributes(friendlyName, certificate === undefined ? undefined : id);
    if (certificate !== undefined) certificates.push(bag(3, derSequence(derOid('1.2.840.113549.1.9.22.1'), explicit(der(TAG.octetString, certificate))), attributes));
    if (pkcs8 !== undefined) keys.push(bag(2, profile === 'legacy' ? await encrypt3des(pkcs8, passphrase) : await encryptPkcs8(pkcs8, passphrase), attributes));
  }
  const safes: Buffer[] = [];
  if (certificates.length > 0) safes.push(encryptedSafe(...(await encryptSafe(derSequence(...certificates), passphrase, profile))));
  if (keys.length > 0) safes.push(derSequence(derOid(DATA), explicit(der(TAG.octetString, derSequence(...keys)))));
  const authenticated = derSequence(...safes);
  const mac = profile === 'strict' ? pkcs12Mac(authenticated, passphrase.reveal(), 'pbmac1', 1) : profile === 'modern' ? pkcs12Mac(authenticated, passphrase.reveal(), 'sha256', CLASSIC_ROUNDS) : pkcs12Mac(authenticated, passphrase.reveal(), 'sha1', LEGACY_ROUNDS);
  return derSequence(derInteger(3n), derSequence(derOid(DATA), explicit(der(TAG.octetString, authenticated))), await mac);
}

const explicit = (content: Uint8Array): Buffer => der(contextTag(0), content);
const bag = (number: number, value: Uint8Array, attributes: Buffer): Buffer => derSequence(derOid(`${BAG}.${number}`), explicit(value), attributes);

function bagAttributes(friendlyName: string | undefined, localKeyId: Uint8Array | undefined): Buffer {
  const attribute = (oid: string, value: Buffer): Buffer => derSequence(derOid(oid), der(TAG.set, value));
  const all = [
    ...(friendlyName === undefined ? [] : [attribute('1.2.840.113549.1.9.20', der(0x1e, Buffer.from(friendlyName, 'utf16le').swap16()))]),
    ...(localKeyId === undefined ? [] : [attribute('1.2.840.113549.1.9.21', der(TAG.octetString, localKeyId))]),
  ];
  return all.length === 0 ? Buffer.alloc(0) : der(TAG.set, ...all.sort(Buffer.compare)); // SET OF in DER is sorted (X.690 §11.6)
}

async function encryptSafe(content: Buffer, passphrase: SecretBytes, profile: Pkcs12Profile): Promise<[scheme: Buffer, encrypted: Buffer]> {
  return profile === 'legacy' ? tripleDes(content, passphrase) : encryptPbes2(content, passphrase);
}

function encryptedSafe(scheme: Buffer, encrypted: Buffer): Buffer {
  const info = derSequence(derOid(DATA), scheme, der(contextPrimitive(0), encrypted));
  return derSequence(derOid(ENCRYPTED_DATA), explicit(derSequence(derInteger(0n), info)));
}

async function encrypt3des(pkcs8: Uint8Array, passphrase: SecretBytes): Promise<Buffer> {
  const [scheme, encrypted] = await tripleDes(pkcs8, passphrase);
  return derSequence(scheme, der(TAG.octetString, encrypted));
}

async function tripleDes(content: Uint8Array, passphrase: SecretBytes): Promise<[scheme: Buffer, encrypted: Buffer]> {
  const salt = randomBytes(8);
  const wide = bmpString(passphrase.reveal());
  const key = await pkcs12Derive('sha1', 1, 24, wide, salt, LEGACY_ROUNDS);
  const iv = await pkcs12Derive('sha1', 2, 8, wide, salt, LEGACY_ROUNDS);
  const cipher = createCipheriv('des-ede3-cbc', key, iv);
  const encrypted = Buffer.concat([cipher.update(content), cipher.final()]);
  for (const secret of [wide, key]) secret.fill(0);
  return [derSequence(derOid(PBE_3DES), derSequence(der(TAG.octetString, salt), derInteger(BigInt(LEGACY_ROUNDS)))), encrypted];
}
