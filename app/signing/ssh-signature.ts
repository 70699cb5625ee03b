import { createHash } from 'node:crypto';
import { KEY_ALGORITHMS, SIGNATURE_ALGORITHMS, type KeyAlgorithmName, type SignatureAlgorithmName } from '../contract/index.ts';
import { derInteger, DerReader, derSequence } from '../formats/der.ts';
import { malformed, notSupported } from '../formats/malformed.ts';
import { parseSshBlob, readSshPublic } from '../formats/openssh-public.ts';
import { algorithmOfSpki, buildSpki } from '../formats/spki.ts';
import { sshMpint, SshReader, sshString } from '../formats/ssh-wire.ts';
import { contentOfMessage } from './format.ts';
import { verifySignature } from './verify.ts';

/** Signatures as SSH writes them: RFC 8332 §3 (RSA), RFC 5656 §3.1.2 (ECDSA), RFC 8709 §6 (Ed25519), and those of security keys (PROTOCOL.u2f). */

const RSA_TYPES = { 'rsa-sha2-256': 'rsa-pkcs1-sha256', 'rsa-sha2-512': 'rsa-pkcs1-sha512' } as const;
const EC_TYPES = { 'ecdsa-sha2-nistp256': 'ecdsa-sha256', 'ecdsa-sha2-nistp384': 'ecdsa-sha384', 'ecdsa-sha2-nistp521': 'ecdsa-sha512' } as const;
const EC_KEYS: Readonly<Record<string, KeyAlgorithmName>> = { 'ecdsa-sha2-nistp256': 'ec-p256', 'ecdsa-sha2-nistp384': 'ec-p384', 'ecdsa-sha2-nistp521': 'ec-p521' };
const TYPES: Readonly<Record<string, SignatureAlgorithmName>> = { ...RSA_TYPES, ...EC_TYPES, 'ssh-ed25519': 'ed25519' };

/** A key of SSH: a plain one, or one in a security key, whose signatures say more than what was asked for. */
export type SshKey = { readonly kind: 'plain'; readonly spki: Uint8Array } | { readonly kind: 'security-key'; readonly spki: Uint8Array; readonly application: string };

/** @param blob a public key of SSH, no certificate. @throws INVALID_INPUT, CAPABILITY_MISSING */
export function readSshKey(blob: Uint8Array): SshKey {
  const reader = new SshReader(blob);
  const type = reader.text('the key type');
  const inner = /^sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com$/.exec(type)?.[1];
  if (inner === undefined) return { kind: 'plain', spki: buildSpki(parseSshBlob(blob)) };
  const spki = buildSpki(readSshPublic(inner, reader));
  const application = reader.text('the application', 'utf8');
  reader.finish('the key');
  return { kind: 'security-key', spki, application };
}

/**
 * @param content a line of OpenSSH's, as its `.pub` files hold.
 * @returns SubjectPublicKeyInfo, DER, of a key that lives in a security key; undefined for a line of another kind. @throws INVALID_INPUT for a damaged one
 */
export function securityKeyOfLine(content: Uint8Array): Uint8Array | undefined {
  const line = /^\s*(?:#[^\n]*\n\s*)*sk-[a-z0-9-]+@openssh\.com[ \t]+([A-Za-z0-9+/]{40,4000}={0,2})(?:\s|$)/.exec(Buffer.from(content.buffer, content.byteOffset, Math.min(content.length, 16 * 1024)).toString('latin1'));
  return line === null ? undefined : readSshKey(Buffer.from(line[1] as string, 'base64')).spki;
}

/** @returns the signature's type in SSH. */
function sshSignatureType(algorithm: SignatureAlgorithmName): string {
  const type = Object.keys(TYPES).find((name) => TYPES[name] === algorithm);
  if (type === undefined) throw notSupported(`SSH has no signature type for ${algorithm}.`);
  return type;
}

/** @param signature ECDSA in DER. */
export function writeSshSignature(algorithm: SignatureAlgorithmName, signature: Uint8Array): Buffer {
  const type = sshSignatureType(algorithm);
  if (SIGNATURE_ALGORITHMS[algorithm].family !== 'ecdsa') return Buffer.concat([sshString(type), sshString(signature)]);
  const pair = new DerReader(signature).enter('the ECDSA signature');
  return Buffer.concat([sshString(type), sshString(Buffer.concat([sshMpint(pair.integer('r')), sshMpint(pair.integer('s'))]))]);
}

/** @returns whether it fits, and with which algorithm. RSA with SHA-1 (`ssh-rsa`) never does. */
export async function verifySshSignature(key: SshKey, signature: Uint8Array, message: Uint8Array): Promise<{ verified: boolean; algorithm: SignatureAlgorithmName | null; touched?: boolean }> {
  const reader = new SshReader(signature);
  const type = reader.text('the signature’s type');
  const plain = key.kind === 'plain' ? type : /^sk-(.+)@openssh\.com$/.exec(type)?.[1] ?? '';
  const algorithm = Object.hasOwn(TYPES, plain) ? (TYPES[plain] as SignatureAlgorithmName) : null;
  if (algorithm === null) {
    if (type.startsWith('webauthn-') || type.startsWith('ssh-mldsa')) throw notSupported(`Signatures of type ${type} are not checked in this version.`, 'Check it with ssh-keygen -Y verify.');
    return { verified: false, algorithm };
  }
  const fits = !Object.hasOwn(EC_KEYS, plain) || EC_KEYS[plain] === algorithmOfSpki(key.spki);
  const blob = reader.string('the signature');
  const raw = plain.startsWith('ecdsa-') ? ecdsaOf(blob) : blob;
  if (key.kind === 'plain') {
    reader.finish('the signature');
    return { verified: fits && (await verifySignature(key.spki, algorithm, contentOfMessage(algorithm, message), raw)), algorithm };
  }
  const tail = reader.rest;
  if (tail.length !== 5) throw malformed('A security key’s signature should end with flags and a counter.', reader.offset);
  const signed = Buffer.concat([createHash('sha256').update(key.application).digest(), tail, createHash('sha256').update(message).digest()]);
  return { verified: fits && (await verifySignature(key.spki, algorithm, contentOfMessage(algorithm, signed), raw)), algorithm, touched: ((tail[0] as number) & 1) === 1 };
}

function ecdsaOf(blob: Uint8Array): Uint8Array {
  const reader = new SshReader(blob);
  const [r, s] = [reader.mpint('r'), reader.mpint('s')];
  reader.finish('the ECDSA signature');
  return derSequence(derInteger(r), derInteger(s));
}

/** Signature algorithms of SSH that a key can make, the recommended one first. */
export function sshAlgorithmsOf(algorithm: KeyAlgorithmName): SignatureAlgorithmName[] {
  if (KEY_ALGORITHMS[algorithm].family === 'rsa') return ['rsa-pkcs1-sha512', 'rsa-pkcs1-sha256'];
  const ec = Object.keys(EC_KEYS).find((type) => EC_KEYS[type] === algorithm);
  if (ec !== undefined) return [EC_TYPES[ec as keyof typeof EC_TYPES]];
  return algorithm === 'ed25519' ? ['ed25519'] : [];
}
