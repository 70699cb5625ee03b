import { argon2 as argon2Callback, hkdf as hkdfCallback, pbkdf2 as pbkdf2Callback, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { askSecret, KeywrightError, type Call, type InputOf, type keyUseOperations, type OutputOf } from '../contract/index.ts';

const hkdfAsync = promisify(hkdfCallback);
const pbkdf2 = promisify(pbkdf2Callback);
const argon2 = promisify(argon2Callback);

const LEAST_ROUNDS = 600_000;
const LEAST_PASSES = 3;
const DEFAULT_MEMORY = 65_536;
const LEAST_SALT = 8;
const LEAST_TAG = 4;

/** HKDF (RFC 5869). @returns `length` bytes. */
export async function hkdf(secret: Uint8Array, { hash, salt, info, length }: { hash: string; salt?: Uint8Array | undefined; info?: Uint8Array | undefined; length: number }): Promise<Uint8Array> {
  const most = 255 * ({ sha256: 32, sha384: 48, sha512: 64 }[hash] ?? 32);
  if (length > most) throw new KeywrightError('INVALID_INPUT', { detail: `HKDF with ${hash} gives at most ${most} bytes (RFC 5869 §2.3).`, where: '/length' });
  const empty = new Uint8Array();
  return new Uint8Array(await hkdfAsync(hash, secret, salt ?? empty, info ?? empty, length));
}

/** Derives from a password that is asked for: Argon2id (RFC 9106, one lane) or PBKDF2 (RFC 8018 §5.2). */
export async function derivePassword(input: InputOf<typeof keyUseOperations.derivePassword>, call: Call): Promise<OutputOf<typeof keyUseOperations.derivePassword>> {
  const salt = input.salt ?? randomBytes(16);
  if (salt.length < LEAST_SALT) throw new KeywrightError('INVALID_INPUT', { detail: `The salt needs at least ${LEAST_SALT} bytes.`, where: '/salt' });
  const slow = input.function === 'argon2id';
  const least = slow ? LEAST_PASSES : LEAST_ROUNDS;
  const iterations = input.iterations ?? least;
  if (iterations < least) throw new KeywrightError('INVALID_INPUT', { detail: `${input.function} needs at least ${least} iterations.`, where: '/iterations' });
  if (slow && input.length < LEAST_TAG) throw new KeywrightError('INVALID_INPUT', { detail: `Argon2id gives at least ${LEAST_TAG} bytes (RFC 9106 §3.1).`, where: '/length' });
  using password = await askSecret({ kind: 'secret', purpose: 'password', title: 'Password to derive from' }, call);
  if (slow) {
    const memory = input.memory ?? DEFAULT_MEMORY;
    const derived = await argon2('argon2id', { message: password.reveal(), nonce: salt, parallelism: 1, tagLength: input.length, memory, passes: iterations });
    return { derived, salt, function: input.function, iterations, memory };
  }
  const derived = await pbkdf2(password.reveal(), salt, iterations, input.length, input.function.slice('pbkdf2-'.length));
  return { derived, salt, function: input.function, iterations, memory: null };
}
