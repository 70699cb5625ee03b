import { createHash } from 'node:crypto';
import type { SignatureAlgorithmName } from '../contract/index.ts';
import { malformed } from '../formats/malformed.ts';
import { readSshPublic } from '../formats/openssh-public.ts';
import { buildSpki } from '../formats/spki.ts';
import { SshReader } from '../formats/ssh-wire.ts';
import { readSshKey, type SshKey, verifySshSignature } from './ssh-signature.ts';

/** OpenSSH certificates (PROTOCOL.certkeys): a key, whose it is, and an authority that says so. */

export interface SshOption {
  readonly name: string;
  /** Null for one that is there or not. */
  readonly value: string | null;
}

export interface SshCertificate {
  /** `ssh-ed25519-cert-v01@openssh.com` and its like. */
  readonly type: string;
  readonly key: SshKey;
  /** Between 0 and 2^64 - 1. */
  readonly serial: bigint;
  readonly isUser: boolean;
  readonly keyId: string;
  readonly principals: readonly string[];
  /** Null: since ever. */
  readonly notBefore: Date | null;
  /** Null: for ever. */
  readonly notAfter: Date | null;
  /** What must not be ignored: who does not know one of them must refuse the certificate. */
  readonly criticalOptions: readonly SshOption[];
  /** What it allows. */
  readonly extensions: readonly SshOption[];
  /** SubjectPublicKeyInfo, DER, of the authority. */
  readonly authority: Uint8Array;
  /** As SSH writes it. */
  readonly authorityBlob: Uint8Array;
  /** `rsa-sha2-512` and its like. */
  readonly signatureType: string;
  /** Null for SHA-1 (`ssh-rsa`), and for what its key cannot make. */
  readonly algorithm: SignatureAlgorithmName | null;
  /** Whether the authority's signature fits. One with SHA-1 never does. */
  readonly genuine: boolean;
}

const SUFFIX = '-cert-v01@openssh.com';
const FOREVER = (1n << 64n) - 1n;

export function isCertificateType(type: string): boolean {
  return type.endsWith(SUFFIX);
}

/** @returns the type of a key's certificates: `ssh-ed25519-cert-v01@openssh.com` for `ssh-ed25519`. */
export function certificateTypeOf(keyType: string): string {
  return `${keyType.replace(/@openssh\.com$/, '')}${SUFFIX}`;
}

/** @returns the certificate's blob in a line `type base64 comment`. @throws INVALID_INPUT */
export function sshCertificateBlob(content: Uint8Array): { blob: Buffer; comment: string } {
  const line = Buffer.from(content).toString('utf8').split(/\r?\n/).map((text) => text.trim()).find((text) => text !== '' && !text.startsWith('#')) ?? '';
  const [type = '', base64 = '', ...comment] = line.split(/[ \t]+/);
  if (!isCertificateType(type)) throw malformed('This is no line of an OpenSSH certificate.', 0, 'Give a file that ends in -cert.pub.');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw malformed('The second word of an OpenSSH certificate should be base64.', type.length + 1);
  const blob = Buffer.from(base64, 'base64');
  if (new SshReader(blob).text('the key type') !== type) throw malformed('The type in front and the one inside differ.', 0);
  return { blob, comment: comment.join(' ') };
}

/** @returns the line of a `-cert.pub` file, with its end. */
export function sshCertificateLine(blob: Uint8Array, comment: string): string {
  const clean = comment.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  return `${new SshReader(blob).text('the key type')} ${Buffer.from(blob).toString('base64')}${clean === '' ? '' : ` ${clean}`}\n`;
}

/** @returns hex SHA-256 of the certificate. */
export const sshCertificateId = (blob: Uint8Array): string => createHash('sha256').update(blob).digest('hex');

/** @returns what `ssh-keygen -l` shows of a key: `SHA256:` and base64 of its blob's hash. */
export const sshFingerprint = (keyBlob: Uint8Array): string => `SHA256:${createHash('sha256').update(keyBlob).digest('base64').replace(/=+$/, '')}`;

/** @throws INVALID_INPUT with the offset, CAPABILITY_MISSING for types that are not handled */
export async function readSshCertificate(blob: Uint8Array): Promise<SshCertificate> {
  const reader = new SshReader(blob);
  const type = reader.text('the key type');
  if (!isCertificateType(type)) throw malformed('This is no OpenSSH certificate.', 0);
  reader.string('the nonce');
  const key = readKey(type.slice(0, -SUFFIX.length), reader);
  const serial = uint64(reader, 'the serial number');
  const kindAt = reader.offset;
  const kind = reader.uint32('the kind');
  if (kind !== 1 && kind !== 2) throw malformed(`The certificate is of the kind ${kind}; 1 is for users and 2 for hosts.`, kindAt);
  const keyId = reader.text('the key id', 'utf8');
  const principals = nested(reader, 'the principals', (inside) => inside.text('a principal', 'utf8'));
  const notBefore = dateOf(uint64(reader, 'the beginning of its validity'), 0n);
  const notAfter = dateOf(uint64(reader, 'the end of its validity'), FOREVER);
  const criticalOptions = nested(reader, 'the critical options', readOption);
  const extensions = nested(reader, 'the extensions', readOption);
  reader.string('the reserved field');
  const authorityBlob = reader.string('the authority’s key');
  const signed = blob.subarray(0, reader.offset);
  const signature = reader.string('the signature');
  reader.finish('the certificate');
  const authority = readSshKey(authorityBlob);
  const { verified, algorithm } = await verifySshSignature(authority, signature, signed);
  return {
    type, key, serial, isUser: kind === 1, keyId, principals, notBefore, notAfter, criticalOptions, extensions, authority: authority.spki, authorityBlob,
    signatureType: new SshReader(signature).text('the signature’s type'), algorithm, genuine: verified,
  };
}

function readKey(type: string, reader: SshReader): SshKey {
  if (!type.startsWith('sk-')) return { kind: 'plain', spki: buildSpki(readSshPublic(type, reader)) };
  const spki = buildSpki(readSshPublic(type.slice(3), reader));
  return { kind: 'security-key', spki, application: reader.text('the application', 'utf8') };
}

function readOption(reader: SshReader): SshOption {
  const name = reader.text('an option', 'utf8');
  const { offset } = reader;
  const data = reader.string('the value of an option');
  if (data.length === 0) return { name, value: null };
  const inside = new SshReader(data, offset + 4);
  const value = inside.text('the value of an option', 'utf8');
  inside.finish('the value of an option');
  return { name, value };
}

function nested<T>(reader: SshReader, what: string, read: (inside: SshReader) => T): T[] {
  const { offset } = reader;
  const inside = new SshReader(reader.string(what), offset + 4);
  const found: T[] = [];
  while (inside.rest.length > 0) found.push(read(inside));
  return found;
}

function uint64(reader: SshReader, what: string): bigint {
  const high = reader.uint32(what);
  return (BigInt(high) << 32n) | BigInt(reader.uint32(what));
}

/** What no calendar holds is as good as without a bound, at either end. */
function dateOf(seconds: bigint, unbounded: bigint): Date | null {
  return seconds === unbounded || seconds > 8_640_000_000_000n ? null : new Date(Number(seconds) * 1000);
}
