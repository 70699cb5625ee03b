import { KEY_ALGORITHMS, type KeyAlgorithmName, SecretBytes } from '../contract/index.ts';
import type { KeyMaterial } from '../keystore/keystore.ts';
import { privateJwk, secretJwk } from './jwk.ts';
import { malformed, notSupported } from './malformed.ts';
import { publicOfPkcs8 } from './material.ts';
import { writeOpenssh } from './openssh-private.ts';
import { encryptPkcs8 } from './pbes.ts';
import { writePem } from './pem.ts';
import { buildPkcs1, buildPkcs8, buildSec1, parsePkcs8, type PrivateParts } from './private-parts.ts';
import { parseSpki } from './spki.ts';
import type { KeyFileFormat, WriteKeyOptions } from './types.ts';

const FORMAT_NAMES: Readonly<Record<KeyFileFormat, string>> = { pkcs8: 'PKCS#8', pkcs1: 'PKCS#1', sec1: 'SEC 1', jwk: 'JWK', openssh: 'OpenSSH\'s format', raw: 'Raw bytes' };

/** Formats that can hold a private or secret key of `algorithm`, the recommended one first. */
export function keyFormatsOf(algorithm: KeyAlgorithmName): KeyFileFormat[] {
  const { family, kind } = KEY_ALGORITHMS[algorithm];
  if (kind === 'symmetric') return family === 'chacha20' ? ['raw'] : ['jwk', 'raw'];
  const formats: KeyFileFormat[] = ['pkcs8'];
  if (family === 'rsa') formats.push('pkcs1');
  if (family === 'ec') formats.push('sec1');
  if (!algorithm.includes('brainpool')) formats.push('jwk');
  if (family === 'rsa' || ['ec-p256', 'ec-p384', 'ec-p521', 'ed25519'].includes(algorithm)) formats.push('openssh');
  return formats;
}

/**
 * @returns the file. PKCS#8 with a passphrase: PBES2, AES-256-CBC, PBKDF2-HMAC-SHA256 with 600,000 rounds. OpenSSH with one:
 *   aes256-ctr, bcrypt with 24 rounds. May hold a secret: the caller wipes it.
 * @throws CAPABILITY_MISSING with the reason and the formats that serve, where a format has no place for the algorithm, for
 *   a passphrase, or for the encoding
 */
export async function writeKey(material: KeyMaterial, options: WriteKeyOptions): Promise<Uint8Array> {
  const { format, encoding, passphrase, label } = options;
  checkPossible(material.algorithm, options);
  if (format === 'raw') return Uint8Array.from(material.secret.reveal());
  if (KEY_ALGORITHMS[material.algorithm].kind === 'symmetric') return jsonFile(secretJwk(material), label);
  const pkcs8 = material.secret.reveal();
  const parts = parsePkcs8(pkcs8);
  if (format === 'jwk') return jsonFile(privateJwk(parts, parseSpki(publicOfPkcs8(pkcs8)), pkcs8), label);
  if (format === 'openssh') return writePem('OPENSSH PRIVATE KEY', await writeOpenssh(parts, parseSpki(publicOfPkcs8(pkcs8)), passphrase, label ?? ''), 70);
  const encrypted = format === 'pkcs8' && passphrase !== undefined;
  using content = new SecretBytes(build(parts, pkcs8, format));
  const bytes = encrypted ? await encryptPkcs8(content.reveal(), passphrase) : Uint8Array.from(content.reveal());
  if (encoding === 'der') return bytes;
  return writePem(format === 'pkcs1' ? 'RSA PRIVATE KEY' : format === 'sec1' ? 'EC PRIVATE KEY' : encrypted ? 'ENCRYPTED PRIVATE KEY' : 'PRIVATE KEY', bytes);
}

function build(parts: PrivateParts, pkcs8: Uint8Array, format: KeyFileFormat): Buffer {
  if (format === 'pkcs1' && parts.kind === 'rsa') return buildPkcs1(parts);
  if (format === 'sec1' && parts.kind === 'ec') return buildSec1(parts.algorithm, parts.scalar, true);
  return parts.kind === 'bytes' ? Buffer.from(pkcs8) : buildPkcs8(parts);
}

function checkPossible(algorithm: KeyAlgorithmName, { format, encoding, passphrase }: WriteKeyOptions): void {
  const possible = keyFormatsOf(algorithm);
  if (!possible.includes(format)) throw notSupported(`${FORMAT_NAMES[format]} cannot hold a key of ${algorithm}: ${reason(algorithm, format)}.`, 'Choose one of the formats named.', possible);
  if (passphrase !== undefined && format !== 'pkcs8' && format !== 'openssh') {
    const safe = possible.filter((name) => name === 'pkcs8' || name === 'openssh');
    throw notSupported(`${FORMAT_NAMES[format]} has no safe encryption with a passphrase.`, safe.length === 0 ? 'Export it without a passphrase, or copy the key to another backend.' : 'Choose one of the formats named, or export without a passphrase.', safe);
  }
  if (passphrase?.length === 0) throw malformed('The passphrase is empty.', undefined, 'Choose one of at least eight characters.');
  if (encoding === 'der' && (format === 'jwk' || format === 'openssh')) throw notSupported(`${FORMAT_NAMES[format]} is text: it has no DER form.`, 'Choose the encoding pem, or PKCS#8.', possible.filter((name) => name !== 'jwk' && name !== 'openssh'));
}

function reason(algorithm: KeyAlgorithmName, format: KeyFileFormat): string {
  const { kind } = KEY_ALGORITHMS[algorithm];
  if (format === 'raw') return 'only symmetric keys are raw bytes';
  if (kind === 'symmetric') return format === 'jwk' ? 'no standard gives it a JWK name' : 'it is a symmetric key';
  if (format === 'pkcs1') return 'it is for RSA alone';
  if (format === 'sec1') return 'it is for elliptic curves of SEC 1 alone';
  return format === 'jwk' ? 'no standard gives its curve a JWK name' : 'OpenSSH has no key type for it';
}

function jsonFile(jwk: Record<string, string>, label: string | undefined): Buffer {
  return Buffer.from(`${JSON.stringify(label === undefined ? jwk : { ...jwk, kid: label }, null, 2)}\n`);
}
