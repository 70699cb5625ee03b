import type { KeyAlgorithmName } from '../contract/index.ts';
import { rsaBySize } from './identifiers.ts';
import { malformed, notSupported } from './malformed.ts';
import { checkRsaPublic, type PublicParts, uncompressedPoint } from './spki.ts';
import { sshMpint, SshReader, sshString } from './ssh-wire.ts';

/** Public keys of SSH: RFC 4253 §6.6 (RSA), RFC 5656 §3.1 (ECDSA), RFC 8709 §4 (Ed25519). */

const SSH_CURVES: Readonly<Record<string, KeyAlgorithmName>> = { nistp256: 'ec-p256', nistp384: 'ec-p384', nistp521: 'ec-p521' };
const TYPES = ['ssh-rsa', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-ed25519'];

/** @returns `ssh-ed25519` and its like. @throws CAPABILITY_MISSING for what OpenSSH has no name for */
export function sshKeyType(algorithm: KeyAlgorithmName): string {
  if (algorithm.startsWith('rsa-')) return 'ssh-rsa';
  const curve = Object.keys(SSH_CURVES).find((name) => SSH_CURVES[name] === algorithm);
  if (curve !== undefined) return `ecdsa-sha2-${curve}`;
  if (algorithm === 'ed25519') return 'ssh-ed25519';
  throw notSupported(`OpenSSH has no key type for ${algorithm}.`, 'Use PKCS#8 or PEM, or a key of a type that it has.', ['rsa-3072', 'ec-p256', 'ec-p384', 'ec-p521', 'ed25519']);
}

/** @throws CAPABILITY_MISSING naming the type of a key that we do not handle */
export function refuseSshType(type: string): never {
  if (/-cert-v0[01]@openssh\.com$/.test(type)) throw notSupported('This is an OpenSSH certificate; this version reads keys.', 'Give the key that it certifies.');
  if (type.startsWith('sk-')) throw notSupported('This key lives in a security key (FIDO), and its file is only a handle or its public key.', 'Use ssh-keygen with the security key itself; signatures by it are checked by files verify, with this as its public key.');
  if (type === 'ssh-dss') throw notSupported('A key for DSA, which Keywright does not handle.', 'OpenSSH has dropped DSA too: make a new key.', ['ed25519']);
  throw notSupported(`The key type ${/^[\x21-\x7e]{1,64}$/.test(type) ? type : 'in this file'} is not handled.`, 'Use a key of one of the types named.', TYPES);
}

/** @returns the key blob of SSH. */
export function sshBlob(parts: PublicParts): Buffer {
  const type = sshKeyType(parts.algorithm);
  if (parts.kind === 'rsa') return Buffer.concat([sshString(type), sshMpint(parts.e), sshMpint(parts.n)]);
  return Buffer.concat([sshString(type), ...(parts.kind === 'ec' ? [sshString(type.slice('ecdsa-sha2-'.length))] : []), sshString(parts.bytes)]);
}

/** @param base where `blob` begins in what the user has, for offsets in errors. */
export function parseSshBlob(blob: Uint8Array, base = 0): PublicParts {
  const reader = new SshReader(blob, base);
  const type = reader.text('the key type');
  const parts = readSshPublic(type, reader);
  reader.finish('the key');
  return parts;
}

/** Reads what follows the key type. */
export function readSshPublic(type: string, reader: SshReader): PublicParts {
  const { offset } = reader;
  if (type === 'ssh-rsa') {
    const e = reader.mpint('the public exponent');
    const n = reader.mpint('the modulus');
    checkRsaPublic({ n, e }, offset);
    return { kind: 'rsa', algorithm: rsaBySize(n.toString(2).length), n, e };
  }
  if (type === 'ssh-ed25519') {
    const bytes = reader.string('the public key');
    if (bytes.length !== 32) throw malformed(`An Ed25519 public key has 32 bytes, not ${bytes.length}.`, offset);
    return { kind: 'bytes', algorithm: 'ed25519', bytes };
  }
  return readSshEc(type, reader) ?? refuseSshType(type);
}

/** Reads curve and point of `ecdsa-sha2-*`; undefined for other types. */
export function readSshEc(type: string, reader: SshReader): (PublicParts & { kind: 'ec' }) | undefined {
  const curve = type.startsWith('ecdsa-sha2-') ? type.slice('ecdsa-sha2-'.length) : '';
  const algorithm = Object.hasOwn(SSH_CURVES, curve) ? SSH_CURVES[curve] : undefined;
  if (algorithm === undefined) return undefined;
  const { offset } = reader;
  if (reader.text('the curve') !== curve) throw malformed('The key says twice on which curve it is, and differently.', offset);
  const pointAt = reader.offset;
  return { kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, reader.string('the public point'), pointAt) };
}

/** Whether a line could be one of an authorized_keys or .pub file. */
export function looksLikeSshLine(text: string): boolean {
  return /^(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-|sk-(?:ssh|ecdsa)-|ssh-[a-z0-9-]+@|[a-z0-9-]+-cert-v01@openssh\.com)[^\s]* +AAAA/.test(text.slice(0, 200));
}

/** Reads one line, `type base64 comment`. */
export function parseSshLine(line: string): { parts: PublicParts; comment: string } {
  const [type = '', base64 = '', ...comment] = line.trim().split(/[ \t]+/);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw malformed('The second word of an OpenSSH public key should be base64.', type.length + 1);
  const blob = Buffer.from(base64, 'base64');
  if (new SshReader(blob).text('the key type') !== type) throw malformed('The key type in front and the one inside differ.', 0);
  return { parts: parseSshBlob(blob), comment: comment.join(' ') };
}

/** @returns the line of a .pub file, with its end. */
export function writeSshLine(parts: PublicParts, comment = ''): Buffer {
  const clean = comment.replace(/[\x00-\x1f\x7f]+/g, ' ').trim();
  return Buffer.from(`${sshKeyType(parts.algorithm)} ${sshBlob(parts).toString('base64')}${clean === '' ? '' : ` ${clean}`}\n`);
}

/** Cuts the key out of a certificate (PROTOCOL.certkeys): its type, and what stands between nonce and serial number. @returns the key's blob, not checked further. */
export function keyBlobOfCertificate(certificate: Uint8Array): Buffer {
  const reader = new SshReader(certificate);
  const type = reader.text('the key type');
  const plain = type.replace(/-cert-v01@openssh\.com$/, '');
  if (plain === type) throw malformed('This is no OpenSSH certificate.', 0);
  reader.string('the nonce');
  const fields = plain.startsWith('sk-ecdsa') ? 3 : plain === 'ssh-ed25519' ? 1 : 2;
  return Buffer.concat([sshString(plain.startsWith('sk-') ? `${plain}@openssh.com` : plain), ...Array.from({ length: fields }, () => sshString(reader.string('the key')))]);
}
