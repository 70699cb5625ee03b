import { compactDecrypt, CompactEncrypt } from 'jose';
import type { SecretBytes } from '../contract/index.ts';
import { parseJson } from './json.ts';
import { limits, mostRounds } from './limits.ts';
import { malformed, malformedAt, notSupported } from './malformed.ts';
import { wrongPassphrase } from './pbes.ts';

/** JWKs that are encrypted with a passphrase: a JWE (RFC 7516) whose content is a JWK or JWK Set (RFC 7517 §7), with PBES2 (RFC 7518 §4.8). */

const MAX_PLAIN = 4 * 1024 * 1024;
/**
 * Rounds of PBKDF2-HMAC-SHA512 for what we write: above OWASP's 210,000 for this hash, and below what libraries take unasked. joserfc refuses more than 300,000; go-jose and
 * Nimbus more than 1,000,000. (jose refuses more than 10,000 and jwcrypto more than 16,384 unless told otherwise: no safe number suits them.)
 */
export const JWE_ROUNDS = 220_000;
const PBES2 = ['PBES2-HS256+A128KW', 'PBES2-HS384+A192KW', 'PBES2-HS512+A256KW'];

interface JweHeader {
  readonly alg: string;
  readonly enc: string;
  /** Rounds of PBKDF2; null for other ways than a passphrase. */
  readonly rounds: number | null;
  readonly kid: string | null;
}

/** @param text compact. @throws INVALID_INPUT */
export function jweHeader(text: string): JweHeader {
  const [first = '', ...parts] = text.trim().split('.');
  if (parts.length !== 4) throw malformed('A compact JWE has five parts.', 0);
  const header = parseJson(Buffer.from(first, 'base64url')) as Record<string, unknown>;
  const name = (value: unknown): string => (typeof value === 'string' && /^[\w+.:-]{1,64}$/.test(value) ? value : '');
  if (typeof header !== 'object' || header === null || name(header['alg']) === '' || name(header['enc']) === '') throw malformedAt('offset 0', 'The header of the JWE lacks “alg” or “enc”.');
  const { p2c } = header;
  return { alg: name(header['alg']), enc: name(header['enc']), rounds: typeof p2c === 'number' ? p2c : null, kid: name(header['kid']) || null };
}

/** @returns whether a passphrase opens it, by what its header says. */
export function isPassphraseJwe(text: string): boolean {
  try {
    return PBES2.includes(jweHeader(text).alg);
  } catch {
    return false;
  }
}

/** @returns the JSON within; the caller wipes it. @throws PIN_INCORRECT, INVALID_INPUT, CAPABILITY_MISSING */
export async function openJwe(text: string, passphrase: SecretBytes): Promise<Buffer> {
  const { alg, rounds } = jweHeader(text);
  if (!PBES2.includes(alg)) throw notSupported(`The JWE is encrypted with ${alg}, not with a passphrase.`, 'Decrypt it with the key that it is for: keywright files decrypt.');
  if (rounds === null || !Number.isInteger(rounds) || rounds < 1) throw malformed('The header of the JWE lacks a valid “p2c”.', 0);
  if (rounds > limits().rounds) throw notSupported(`The JWE asks for ${rounds} rounds of key derivation; ${mostRounds(limits().rounds)}.`);
  try {
    const { plaintext } = await compactDecrypt(text.trim(), passphrase.reveal(), { keyManagementAlgorithms: PBES2, maxPBES2Count: limits().rounds, maxDecompressedLength: MAX_PLAIN });
    return Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.length);
  } catch (thrown) {
    const code = (thrown as { code?: string }).code ?? '';
    if (code === 'ERR_JWE_DECRYPTION_FAILED') throw wrongPassphrase();
    if (code.startsWith('ERR_J')) throw malformed('The JWE is not valid.', 0);
    throw wrongPassphrase(); // the key wrap did not fit: WebCrypto tells no more
  }
}

/** @returns a compact JWE: PBES2-HS512+A256KW with {@link JWE_ROUNDS}, A256GCM. */
export async function writeJwe(jwk: Uint8Array, passphrase: SecretBytes): Promise<Buffer> {
  const jwe = await new CompactEncrypt(jwk)
    .setProtectedHeader({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', cty: 'jwk+json' })
    .setKeyManagementParameters({ p2c: JWE_ROUNDS })
    .encrypt(passphrase.reveal());
  return Buffer.from(`${jwe}\n`);
}
