import { createSecretKey } from 'node:crypto';
import { KeywrightError, SecretBytes } from '../../../contract/index.ts';
import { wrapWithAes } from '../../software/key-wrap.ts';
import { CKA, CKF_WRAP, CKK, CKM, CKO } from '../constants.ts';
import type { CkMechanism, Handle } from './cryptoki.ts';
import { attributes } from './objects.ts';
import type { SlotToken } from './token.ts';

/** Secrets that are under a key of the token: they go in as objects of the session, and come out as such. */

/** Most that is wrapped: an RSA key of 8,192 bits has 5 kB. */
const ROOM = 64 * 1024;
/** How far a token's own mechanism is AES-KWP: SoftHSM fills secrets up to eight bytes first, so that what is wrapped is another secret. */
type Kwp = 'exact' | 'whole blocks' | 'none';
const probed = new WeakMap<SlotToken, Kwp>();

/**
 * @returns the token's mechanism for AES-KWP (RFC 5649). That of v2.40 (CKM_AES_KEY_WRAP_PAD) pads in another way in some modules, so it is
 * tried with a known key first.
 * @throws CAPABILITY_MISSING
 */
export function kwpMechanism(token: SlotToken, session: Handle): number {
  if (token.has(CKM.AES_KEY_WRAP_KWP)) return CKM.AES_KEY_WRAP_KWP;
  if (kwpOf(token, session) === 'none') throw new KeywrightError('CAPABILITY_MISSING', { detail: 'The token does not wrap keys as RFC 5649 (AES-KWP).', remedy: 'Use aes-kw.', alternatives: ['aes-kw'] });
  return CKM.AES_KEY_WRAP_PAD;
}

function kwpOf(token: SlotToken, session: Handle): Kwp {
  let kwp = probed.get(token);
  if (kwp === undefined) {
    const whole = token.has(CKM.AES_KEY_WRAP_PAD, CKF_WRAP) && wrapsAsKwp(token, session, Buffer.alloc(24, 0x77));
    probed.set(token, (kwp = !whole ? 'none' : wrapsAsKwp(token, session, Buffer.alloc(20, 0x77)) ? 'exact' : 'whole blocks'));
  }
  return kwp;
}

function wrapsAsKwp(token: SlotToken, session: Handle, secret: Buffer): boolean {
  const key = Buffer.alloc(32, 0x4b);
  const wrapping = secretObject(token, session, key, CKK.AES);
  const wrapped = secretObject(token, session, secret, CKK.GENERIC_SECRET);
  try {
    const found = token.cryptoki.call('C_WrapKey', (lib) => lib.C_WrapKey(session, { mechanism: CKM.AES_KEY_WRAP_PAD } as CkMechanism, wrapping, wrapped, Buffer.alloc(ROOM)));
    return found.equals(wrapWithAes('aes-kwp', createSecretKey(key), secret));
  } catch {
    return false;
  } finally {
    for (const object of [wrapping, wrapped]) token.cryptoki.call('C_DestroyObject', (lib) => lib.C_DestroyObject(session, object));
  }
}

const mechanismOf = (token: SlotToken, session: Handle, algorithm: 'aes-kw' | 'aes-kwp'): CkMechanism => ({ mechanism: algorithm === 'aes-kw' ? CKM.AES_KEY_WRAP : kwpMechanism(token, session) }) as CkMechanism;

export async function wrapSecret(token: SlotToken, session: Handle, key: Handle, algorithm: 'aes-kw' | 'aes-kwp', secret: Buffer): Promise<Buffer> {
  const mechanism = mechanismOf(token, session, algorithm);
  if (secret.length % 8 !== 0 && (algorithm === 'aes-kw' || (mechanism.mechanism === CKM.AES_KEY_WRAP_PAD && kwpOf(token, session) !== 'exact'))) {
    throw new KeywrightError('CAPABILITY_MISSING', { detail: `The token wraps secrets of 8, 16, 24 … bytes alone as ${algorithm}, and this one has ${secret.length}.`, remedy: 'Wrap it with another key.' });
  }
  const object = secretObject(token, session, secret, CKK.GENERIC_SECRET);
  try {
    return await token.cryptoki.callAsync('C_WrapKey', (lib) => lib.C_WrapKeyAsync(session, mechanism, key, object, Buffer.alloc(ROOM)));
  } finally {
    token.cryptoki.call('C_DestroyObject', (lib) => lib.C_DestroyObject(session, object));
  }
}

/** @param mechanism of the key: AES key wrap or RSA-OAEP. */
export async function unwrapSecret(token: SlotToken, session: Handle, key: Handle, mechanism: CkMechanism | 'aes-kw' | 'aes-kwp', wrapped: Buffer): Promise<SecretBytes> {
  const means = typeof mechanism === 'string' ? mechanismOf(token, session, mechanism) : mechanism;
  const object = await token.cryptoki.callAsync('C_UnwrapKey', (lib) => lib.C_UnwrapKeyAsync(session, means, key, wrapped, [
    { type: CKA.CLASS, value: CKO.SECRET_KEY }, { type: CKA.KEY_TYPE, value: CKK.GENERIC_SECRET }, { type: CKA.TOKEN, value: false }, { type: CKA.SENSITIVE, value: false }, { type: CKA.EXTRACTABLE, value: true },
  ]));
  return takeValue(token, session, object);
}

/** @returns the value of an object of the session, which is destroyed. @throws PERMISSION_DENIED */
export function takeValue(token: SlotToken, session: Handle, object: Handle): SecretBytes {
  try {
    const value = attributes(token.cryptoki, session, object, [CKA.VALUE]).get(CKA.VALUE);
    if (value === undefined) throw new KeywrightError('PERMISSION_DENIED', { detail: 'The token keeps what it unwrapped or derived to itself.', remedy: 'Its settings may allow it; ask its maker.' });
    return new SecretBytes(value);
  } finally {
    token.cryptoki.call('C_DestroyObject', (lib) => lib.C_DestroyObject(session, object));
  }
}

function secretObject(token: SlotToken, session: Handle, value: Buffer, keyType: number): Handle {
  return token.cryptoki.call('C_CreateObject', (lib) => lib.C_CreateObject(session, [
    { type: CKA.CLASS, value: CKO.SECRET_KEY }, { type: CKA.KEY_TYPE, value: keyType }, { type: CKA.TOKEN, value: false }, { type: CKA.SENSITIVE, value: false },
    { type: CKA.EXTRACTABLE, value: true }, ...(keyType === CKK.AES ? [{ type: CKA.WRAP, value: true }] : []), { type: CKA.VALUE, value },
  ]));
}
