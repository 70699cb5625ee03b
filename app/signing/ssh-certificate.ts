import { malformed } from '../formats/malformed.ts';
import { parseSshBlob, readSshPublic } from '../formats/openssh-public.ts';
import { buildSpki, type PublicParts } from '../formats/spki.ts';
import { SshReader } from '../formats/ssh-wire.ts';
import { verifySshSignature } from './ssh-signature.ts';

/** OpenSSH certificates (PROTOCOL.certkeys): a key, whose it is, and an authority that says so. */

export interface SshCertificate {
  readonly key: PublicParts;
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly isUser: boolean;
  readonly notBefore: Date | null;
  readonly notAfter: Date | null;
  /** SubjectPublicKeyInfo, DER, of the authority. */
  readonly authority: Uint8Array;
  /** Options that must not be ignored, and that mean nothing to a file's signature. */
  readonly criticalOptions: readonly string[];
  /** Whether the authority's signature fits. */
  readonly genuine: boolean;
}

const SUFFIX = '-cert-v01@openssh.com';

export function isCertificateType(type: string): boolean {
  return type.endsWith(SUFFIX);
}

/** @throws INVALID_INPUT with the offset, CAPABILITY_MISSING for types that are not handled */
export async function readSshCertificate(blob: Uint8Array): Promise<SshCertificate> {
  const reader = new SshReader(blob);
  const type = reader.text('the key type');
  if (!isCertificateType(type)) throw malformed('This is no OpenSSH certificate.', 0);
  reader.string('the nonce');
  const key = readSshPublic(type.slice(0, -SUFFIX.length), reader);
  uint64(reader, 'the serial number');
  const kind = reader.uint32('the kind');
  const keyId = reader.text('the key id', 'utf8');
  const principals = stringsIn(reader.string('the principals'), reader.offset);
  const after = uint64(reader, 'the beginning of its validity');
  const before = uint64(reader, 'the end of its validity');
  const criticalOptions = stringsIn(reader.string('the critical options'), reader.offset).filter((_, index) => index % 2 === 0);
  reader.string('the extensions');
  reader.string('the reserved field');
  const authorityBlob = reader.string('the authority’s key');
  const signed = blob.subarray(0, reader.offset);
  const signature = reader.string('the signature');
  reader.finish('the certificate');
  const authority = buildSpki(parseSshBlob(authorityBlob));
  const { verified } = await verifySshSignature({ kind: 'plain', spki: authority }, signature, signed);
  return { key, keyId, principals, isUser: kind === 1, notBefore: dateOf(after), notAfter: dateOf(before), authority, criticalOptions, genuine: verified };
}

function uint64(reader: SshReader, what: string): bigint {
  const high = reader.uint32(what);
  return (BigInt(high) << 32n) | BigInt(reader.uint32(what));
}

/** All ones is for ever; zero is since ever. */
function dateOf(seconds: bigint): Date | null {
  return seconds === 0n || seconds > 8_640_000_000_000n ? null : new Date(Number(seconds) * 1000);
}

function stringsIn(content: Uint8Array, base: number): string[] {
  const reader = new SshReader(content, base);
  const strings: string[] = [];
  while (reader.rest.length > 0) strings.push(reader.text('an entry', 'utf8'));
  return strings;
}
