import { KEY_ALGORITHMS, because, KeywrightError, SecretBytes, type KeyAlgorithmName } from '../../contract/index.ts';
import { type Jwk, publicPartsOfJwk, thumbprint } from '../../formats/jwk.ts';
import { malformedAt, within } from '../../formats/malformed.ts';
import { buildSpki } from '../../formats/spki.ts';
import { unwrapKey } from '../key-wrap.ts';
import { type HeldKey, type Openers, unlessForAnother } from '../parties.ts';
import { AGREEING, concatKdf, ECDH, KEY_WRAPS, PBES2, RSA_OAEP } from './algorithms.ts';
import { base64url, type ReadRecipient } from './read.ts';
import { passphraseKey } from './recipients.ts';

/** Which of the recipients is us, and the content encryption key that it gives. */

/** About ten seconds, for all passphrases of a file together. */
const MOST_ROUNDS = 10_000_000;
const EMPTY = Buffer.alloc(0);

export interface Opened {
  readonly name: string;
  /** Wiped by who takes it. */
  readonly key: SecretBytes;
  /** False: agreed on and not wrapped, so that the content alone shows whether it is the right one. */
  readonly certain: boolean;
}

/**
 * @param keyBytes of the content's cipher, @param enc its name.
 * @returns the keys that may be it, one after another: the next is looked for when the last did not fit.
 * @throws PIN_INCORRECT for a wrong passphrase, INVALID_INPUT, NOT_FOUND when nobody among the recipients is us
 */
export async function* contentKeys(recipients: readonly ReadRecipient[], keyBytes: number, enc: string, openers: Openers): AsyncGenerator<Opened> {
  let found = false;
  for (const recipient of recipients) {
    for await (const opened of keysOf(recipient, enc, keyBytes, openers)) {
      found = true;
      yield checked(opened, keyBytes);
    }
  }
  const passphrases = recipients.filter(({ header }) => Object.hasOwn(PBES2, String(header['alg'])));
  if (passphrases.length > 0) return yield checked(await withPassphrase(passphrases, openers), keyBytes);
  if (found) return;
  if (recipients.some(({ header }) => header['alg'] === 'RSA1_5')) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'The key of this JWE is encrypted with RSA1_5, which is not opened: who sees the answers to many altered files could read it (RFC 8725 §3.2).', remedy: 'Have it encrypted with RSA-OAEP-256.', alternatives: Object.keys(RSA_OAEP) });
  throw new KeywrightError('NOT_FOUND', { detail: `None of your keys opens this file. It is for: ${recipients.map(({ header }) => described(header)).join(', ').slice(0, 500)}.`, remedy: 'Plug in the token with the key, or import the key.' });
}

function keysOf(recipient: ReadRecipient, enc: string, keyBytes: number, openers: Openers): AsyncGenerator<Opened> {
  const { alg } = recipient.header;
  if (typeof alg !== 'string') throw malformedAt(recipient.where, 'It does not say how the key is encrypted (alg).');
  if (Object.hasOwn(RSA_OAEP, alg)) return transported(recipient, RSA_OAEP[alg as keyof typeof RSA_OAEP], openers.keys);
  if (Object.hasOwn(ECDH, alg)) return agreed(recipient, alg, enc, keyBytes, openers.keys);
  return Object.hasOwn(KEY_WRAPS, alg) ? wrapped(recipient, KEY_WRAPS[alg] as KeyAlgorithmName, openers) : nothing();
}

async function* nothing(): AsyncGenerator<never> {}

/** Those that the header names; where it names none that is held, all that are able. */
function candidates<T>(able: readonly T[], header: Jwk, nameOf: (one: T) => string): T[] {
  const named = able.filter((one) => nameOf(one) === header['kid']);
  return named.length > 0 ? named : [...able];
}

async function* transported({ header, encryptedKey }: ReadRecipient, algorithm: (typeof RSA_OAEP)[keyof typeof RSA_OAEP], keys: readonly HeldKey[]): AsyncGenerator<Opened> {
  const able = keys.filter(({ decrypt, algorithm: own }) => decrypt !== undefined && KEY_ALGORITHMS[own].bits / 8 === encryptedKey.length);
  for (const key of candidates(able, header, ({ spki }) => thumbprint(spki))) {
    const content = await key.decrypt?.(algorithm, encryptedKey).catch(unlessForAnother);
    if (content !== undefined) yield { name: key.name, key: new SecretBytes(Buffer.from(content)), certain: true };
  }
}

async function* agreed({ header, encryptedKey, where }: ReadRecipient, alg: string, enc: string, keyBytes: number, keys: readonly HeldKey[]): AsyncGenerator<Opened> {
  const { epk } = header;
  if (typeof epk !== 'object' || epk === null) throw malformedAt(where, 'The key of the sender (epk) is not there.');
  const peer = within(`${where}/epk`, () => publicPartsOfJwk(epk as Jwk));
  const [apu, apv] = ['apu', 'apv'].map((name) => (typeof header[name] === 'string' ? base64url(header[name], name) : EMPTY)) as [Buffer, Buffer];
  const wrapBytes = ECDH[alg] as number;
  if (wrapBytes === 0 && encryptedKey.length > 0) throw malformedAt(where, 'There is an encrypted key beside one that is agreed on.');
  const able = keys.filter(({ agree, algorithm }) => agree !== undefined && algorithm === peer.algorithm && AGREEING.includes(algorithm));
  for (const key of candidates(able, header, ({ spki }) => thumbprint(spki))) {
    using shared = await key.agree?.(buildSpki(peer)).catch(unlessForAnother);
    if (shared === undefined) continue;
    const derived = concatKdf(shared.reveal(), wrapBytes === 0 ? keyBytes : wrapBytes, wrapBytes === 0 ? enc : alg, apu, apv);
    const content = wrapBytes === 0 ? derived : unwrapKey(derived, encryptedKey);
    if (content !== undefined) yield { name: key.name, key: new SecretBytes(content), certain: wrapBytes > 0 };
  }
}

async function* wrapped({ header, encryptedKey }: ReadRecipient, algorithm: KeyAlgorithmName, { secrets }: Openers): AsyncGenerator<Opened> {
  for (const secret of candidates(secrets.filter((one) => one.algorithm === algorithm), header, ({ id }) => id)) {
    const key = await secret.unwrap(encryptedKey).catch(unlessForAnother);
    if (key !== undefined) yield { name: secret.name, key, certain: true };
  }
}

async function withPassphrase(recipients: readonly ReadRecipient[], openers: Openers): Promise<Opened> {
  const each = recipients.map(({ header, encryptedKey, where }) => {
    const { alg, p2s, p2c } = header;
    if (typeof p2s !== 'string' || typeof p2c !== 'number' || !Number.isInteger(p2c) || p2c < 1) throw malformedAt(where, 'The salt or the rounds of the passphrase (p2s, p2c) are not valid.');
    const salt = base64url(p2s, 'The salt');
    if (salt.length < 8) throw malformedAt(where, 'The salt of the passphrase is shorter than 8 bytes (RFC 7518 §4.8.1.1).');
    return { alg: alg as string, salt, rounds: p2c, encryptedKey };
  });
  const rounds = each.reduce((sum, one) => sum + one.rounds, 0);
  if (rounds > MOST_ROUNDS) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The JWE asks for ${rounds} rounds of key derivation; ${MOST_ROUNDS} is the most, since a file could else keep this machine busy for as long as it likes.`, remedy: 'Have it encrypted with fewer rounds.' });
  using passphrase = await openers.passphrase();
  for (const { alg, salt, rounds: own, encryptedKey } of each) {
    const kek = await passphraseKey(alg, passphrase, salt, own);
    const content = unwrapKey(kek, encryptedKey);
    kek.fill(0);
    if (content !== undefined) return { name: 'a passphrase', key: new SecretBytes(content), certain: true };
  }
  throw new KeywrightError('PIN_INCORRECT', because('secret.opens-no-file', {}));
}

function checked(opened: Opened, keyBytes: number): Opened {
  if (opened.key.length === keyBytes) return opened;
  opened.key.wipe();
  throw new KeywrightError('INVALID_INPUT', { detail: 'The key of the content has a wrong length.' });
}

function described(header: Jwk): string {
  const [alg, kid] = [header['alg'], header['kid']].map((value) => (typeof value === 'string' && /^[\w+.:/=-]{1,128}$/.test(value) ? value : undefined));
  return `${alg ?? 'a way that is not handled'}${kid === undefined ? '' : ` (key ${kid})`}`;
}
