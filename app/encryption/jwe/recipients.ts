import { constants, createPublicKey, diffieHellman, generateKeyPairSync, pbkdf2, publicEncrypt, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { KEY_ALGORITHMS, KeywrightError, SecretBytes } from '../../contract/index.ts';
import { JWE_ROUNDS } from '../../formats/jwe.ts';
import { thumbprint } from '../../formats/jwk.ts';
import { wrapKey } from '../key-wrap.ts';
import type { Party, PublicParty } from '../parties.ts';
import { AGREEING, concatKdf, PBES2 } from './algorithms.ts';

/** A recipient of a JWE (RFC 7516 §7.2.1) for each party. */

interface JweRecipient {
  /** `alg` and what goes with it. */
  readonly header: Readonly<Record<string, unknown>>;
  readonly encryptedKey: Uint8Array;
}

const derive = promisify(pbkdf2);
const NOTHING = Buffer.alloc(0);
const REMEDY = 'Choose an RSA, X25519, P-256, P-384 or P-521 key, or an AES key held here.';

/** @param contentKey 32 bytes. @throws CAPABILITY_MISSING for a party that JWE cannot encrypt to */
export async function jweRecipient(party: Party, contentKey: Uint8Array): Promise<JweRecipient> {
  switch (party.kind) {
    case 'passphrase': return forPassphrase(party, contentKey);
    case 'secret': return forSecret(party, contentKey);
    case 'age': throw new KeywrightError('CAPABILITY_MISSING', { detail: `${party.name} is a recipient of age, which JWE does not know.`, remedy: 'Encrypt with --format age, or name a public key.', alternatives: ['age'] });
    case 'key': break;
  }
  if (KEY_ALGORITHMS[party.algorithm].family === 'rsa') return forRsa(party, contentKey);
  if (AGREEING.includes(party.algorithm)) return byAgreement(party, contentKey);
  throw new KeywrightError('CAPABILITY_MISSING', { detail: `JWE has no way to encrypt for ${party.algorithm}, as “${party.name}” is.`, remedy: `${REMEDY} CMS has more curves.`, alternatives: ['rsa-3072', 'x25519', ...AGREEING.slice(0, 3)] });
}

/** RSAES-OAEP with SHA-256 (RFC 7518 §4.3). */
function forRsa({ spki }: PublicParty, contentKey: Uint8Array): JweRecipient {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  return { header: { alg: 'RSA-OAEP-256', kid: thumbprint(spki) }, encryptedKey: publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, contentKey) };
}

/** ECDH-ES with an ephemeral key, and AES key wrap (RFC 7518 §4.6, RFC 8037 §3.2). */
function byAgreement({ spki, algorithm }: PublicParty, contentKey: Uint8Array): JweRecipient {
  const alg = 'ECDH-ES+A256KW';
  const peer = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const { publicKey, privateKey } = (algorithm === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('ec', { namedCurve: KEY_ALGORITHMS[algorithm].openssl })) as { publicKey: KeyObject; privateKey: KeyObject };
  const shared = diffieHellman({ privateKey, publicKey: peer });
  const kek = concatKdf(shared, 32, alg, NOTHING, NOTHING);
  const encryptedKey = wrapKey(kek, contentKey);
  for (const secret of [shared, kek]) secret.fill(0);
  return { header: { alg, kid: thumbprint(spki), epk: publicKey.export({ format: 'jwk' }) }, encryptedKey };
}

/** AES key wrap (RFC 7518 §4.4) with a key that may be in a token or a cloud. */
async function forSecret({ algorithm, id, wrap, name }: Extract<Party, { kind: 'secret' }>, contentKey: Uint8Array): Promise<JweRecipient> {
  const { family, bits } = KEY_ALGORITHMS[algorithm];
  if (family !== 'aes') throw new KeywrightError('CAPABILITY_MISSING', { detail: `JWE wraps keys with AES, and “${name}” is ${algorithm}.`, remedy: REMEDY, alternatives: ['aes-256'] });
  using material = new SecretBytes(Buffer.from(contentKey));
  return { header: { alg: `A${bits}KW`, kid: id }, encryptedKey: await wrap(material) };
}

/** PBKDF2 and AES key wrap (RFC 7518 §4.8). */
async function forPassphrase({ ask }: Extract<Party, { kind: 'passphrase' }>, contentKey: Uint8Array): Promise<JweRecipient> {
  const alg = 'PBES2-HS512+A256KW';
  const salt = randomBytes(16);
  using passphrase = await ask();
  const kek = await passphraseKey(alg, passphrase, salt, JWE_ROUNDS);
  const encryptedKey = wrapKey(kek, contentKey);
  kek.fill(0);
  return { header: { alg, p2s: salt.toString('base64url'), p2c: JWE_ROUNDS }, encryptedKey };
}

/** @param alg of {@link PBES2}. @param salt `p2s`. @returns the key that wraps */
export function passphraseKey(alg: string, passphrase: SecretBytes, salt: Uint8Array, rounds: number): Promise<Buffer> {
  const { hash, keyBytes } = PBES2[alg] as NonNullable<(typeof PBES2)[string]>;
  return derive(passphrase.reveal(), Buffer.concat([Buffer.from(alg, 'latin1'), Buffer.of(0), salt]), rounds, keyBytes, hash);
}
