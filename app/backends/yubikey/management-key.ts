import { createCipheriv, createDecipheriv, pbkdf2 as pbkdf2Callback, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { KeywrightError, SecretBytes, type TouchPolicy } from '../../contract/index.ts';
import type { TokenSecret } from '../../keystore/pins.ts';
import { announceTouch } from '../../keystore/token-prompts.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import { findTlv, leadingTlvs, orLeave, parseTlv, parseTlvs, statusError, SW, tlv, type Leaving } from '../../devices/index.ts';
import { readAdminData } from './admin-data.ts';
import { getObject } from './objects.ts';
import { CACHED_DELAY_MS, notTouched, TOUCH_SECONDS } from './touch.ts';
import { INS, MANAGEMENT_REFERENCE, OBJECT, touchPolicyOf } from './piv.ts';
import { withPin } from './secrets.ts';
import { reading, settle, unsettle, type PivChannel, type Settled } from './session.ts';
import type { YubiKey } from './yubikey.ts';

/** The management key: who has it may write keys and certificates (SP 800-73-4 part 2 §3.2.4, appendix A.1). */

const pbkdf2 = promisify(pbkdf2Callback);

export const MANAGEMENT_ALGORITHMS = {
  '3des': { reference: 0x03, cipher: 'des-ede3-ecb', length: 24, block: 8, title: '3DES' },
  'aes-128': { reference: 0x08, cipher: 'aes-128-ecb', length: 16, block: 16, title: 'AES-128' },
  'aes-192': { reference: 0x0a, cipher: 'aes-192-ecb', length: 24, block: 16, title: 'AES-192' },
  'aes-256': { reference: 0x0c, cipher: 'aes-256-ecb', length: 32, block: 16, title: 'AES-256' },
} as const;
export type ManagementAlgorithm = keyof typeof MANAGEMENT_ALGORITHMS;

/** As every YubiKey is delivered: no secret. */
const FACTORY_KEY = Buffer.from('0102030405060708'.repeat(3), 'hex');

export interface ManagementFacts {
  readonly algorithm: ManagementAlgorithm;
  readonly touchPolicy: TouchPolicy;
  /** null: the token does not tell (before 5.3). */
  readonly isDefault: boolean | null;
  /** `protected`: it is in the token, behind the PIN. `derived`: made from the PIN, as old programs did. */
  readonly kept: 'protected' | 'derived' | 'by-owner';
  readonly salt: Uint8Array | undefined;
}

export async function managementFacts(key: YubiKey): Promise<ManagementFacts> {
  return key.session.run(async (piv) => {
    const { isProtected, salt } = await readAdminData(piv);
    const kept = salt !== undefined ? 'derived' : isProtected ? 'protected' : 'by-owner';
    const untold = async (): Promise<ManagementFacts> => ({ algorithm: await algorithmByWitness(piv, key.gates.moveKey ? 'aes-192' : '3des'), touchPolicy: 'unknown', isDefault: null, kept, salt });
    if (!key.discovered.hasMetadata) return untold();
    const { data, sw } = await piv.transmit({ ins: INS.metadata, p2: MANAGEMENT_REFERENCE, le: 0 });
    // Metadata of slots alone.
    if (sw !== SW.ok) return untold();
    const elements = reading('The kind of management key cannot be read', () => parseTlvs(data, 'its metadata'));
    // Before there was a choice of algorithms, none was told.
    const reference = findTlv(elements, 0x01)?.[0] ?? MANAGEMENT_ALGORITHMS['3des'].reference;
    const algorithm = (Object.keys(MANAGEMENT_ALGORITHMS) as ManagementAlgorithm[]).find((name) => MANAGEMENT_ALGORITHMS[name].reference === reference);
    if (algorithm === undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The management key is of a kind that is not known here (${reference.toString(16)}).`, remedy: 'Use a newer version of Keywright.' });
    return { algorithm, touchPolicy: touchPolicyOf(findTlv(elements, 0x02)?.[1]), isDefault: findTlv(elements, 0x05)?.[0] === 1, kept, salt };
  });
}

/** @returns the algorithm for which the card gives a witness, which costs nothing: of those that it refuses it has no key. @param usual what it is delivered with, asked for first and taken where it tells nothing */
async function algorithmByWitness(piv: PivChannel, usual: ManagementAlgorithm): Promise<ManagementAlgorithm> {
  for (const name of [usual, ...(Object.keys(MANAGEMENT_ALGORITHMS) as ManagementAlgorithm[]).filter((other) => other !== usual)]) {
    const { reference, block } = MANAGEMENT_ALGORITHMS[name];
    const { data, sw } = await piv.transmit({ ins: INS.generalAuthenticate, p1: reference, p2: MANAGEMENT_REFERENCE, data: tlv(0x7c, tlv(0x80)), le: 0 });
    if (sw === SW.ok && witnessLength(data) === block) return name;
  }
  return usual;
}

function witnessLength(data: Uint8Array): number | undefined {
  return findTlv(leadingTlvs(findTlv(leadingTlvs(data, 'the answer'), 0x7c) ?? new Uint8Array(0), 'the answer'), 0x80)?.length;
}

const REFUSED_AT_ONCE_MS = 250;

/** The key itself was refused: somebody else changed it, or what is kept of it is old. */
class Refused extends Error {}

/**
 * GENERAL AUTHENTICATE with the management key, both sides proving that they have it. @throws Refused
 */
async function authenticate(piv: PivChannel, algorithm: ManagementAlgorithm, value: Uint8Array): Promise<void> {
  const { reference, cipher, block } = MANAGEMENT_ALGORITHMS[algorithm];
  const send = (...parts: readonly Uint8Array[]) => piv.transmit({ ins: INS.generalAuthenticate, p1: reference, p2: MANAGEMENT_REFERENCE, data: tlv(0x7c, ...parts), le: 0 });
  const part = (data: Uint8Array, tag: number): Uint8Array => reading('The management key was not checked', () => {
    const found = findTlv(parseTlvs(parseTlv(data, 0x7c, 'the answer'), 'the answer'), tag);
    if (found?.length !== block) throw new KeywrightError('INVALID_INPUT', `The answer should have ${block} bytes, and has ${found?.length ?? 0}.`);
    return found;
  });
  const first = await send(tlv(0x80));
  if (first.sw !== SW.ok) throw statusError(first.sw, 'The management key was not checked');
  const decipher = createDecipheriv(cipher, value, null).setAutoPadding(false);
  const challenge = randomBytes(block);
  const second = await send(tlv(0x80, decipher.update(part(first.data, 0x80))), tlv(0x81, challenge));
  if (second.sw === SW.securityStatus || second.sw === SW.noInformation || second.sw === SW.wrongData || second.sw >> 4 === 0x63c) throw new Refused();
  if (second.sw !== SW.ok) throw statusError(second.sw, 'The management key was not checked');
  const expected = createCipheriv(cipher, value, null).setAutoPadding(false).update(challenge);
  if (!timingSafeEqual(expected, part(second.data, 0x82))) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'The token does not have the management key that it pretends to have.', remedy: 'Do not trust what is in this slot of the reader.' });
}

function secretOf(key: YubiKey, algorithm: ManagementAlgorithm): TokenSecret {
  const { length, title } = MANAGEMENT_ALGORITHMS[algorithm];
  return {
    kind: 'management-key', token: key.title, triesLeft: async () => null, remedyWhenBlocked: 'A management key is never blocked.',
    problemOf: (typed) => (bytesOf(typed)?.length === length ? null : `This management key is ${title}: ${2 * length} hexadecimal digits. Nothing was sent to the token.`),
  };
}

/** @returns the bytes that were typed as hexadecimal digits, blanks aside; undefined for anything else. The caller wipes them. */
export function bytesOf(typed: Uint8Array): Buffer | undefined {
  const digits = Buffer.from(typed.filter((byte) => byte !== 0x20));
  const isHex = digits.length % 2 === 0 && digits.every((byte) => /[0-9a-fA-F]/.test(String.fromCharCode(byte)));
  const bytes = isHex ? Buffer.from(digits.toString('latin1'), 'hex') : undefined;
  digits.fill(0);
  return bytes;
}

interface ManagementReason {
  /** "Make a key in slot 9a" */
  readonly title: string;
  readonly place?: string;
  /** What is thrown away when the caller has gone: `key made in yubikey:serial=1;slot=9a`. */
  readonly late: string;
}

/** What is known while a manager is at work. */
export interface Managed {
  readonly algorithm: ManagementAlgorithm;
  /** The key in use; wiped afterwards. */
  readonly value: Uint8Array;
}

/**
 * Runs `work` as manager of the token, in one transaction with the authentication. The key is the factory's while the token
 * says so; one that comes with the call, or is configured; the one that the token keeps behind its PIN, or that is derived from it;
 * else one that a person knows.
 * @throws PIN_REQUIRED, PIN_INCORRECT, PIN_BLOCKED, CANCELLED, TOKEN_REMOVED, and what `work` does
 */
export function asManager<T>(key: YubiKey, reason: ManagementReason, call: KeyCall, work: (piv: PivChannel, managed: Managed) => Promise<T>): Promise<T> {
  return orLeave(call, reason.late, () => undefined, async (leaving) => {
    const facts = await managementFacts(key);
    const begin = (piv: PivChannel, value: Uint8Array): Promise<Settled<T>> => authenticated(key, piv, facts, value, leaving, call, () => work(piv, { algorithm: facts.algorithm, value }));
    if (facts.isDefault === true) return unsettle(await key.session.run((piv) => begin(piv, FACTORY_KEY), leaving.signal));
    // What the user gives goes before what the token keeps.
    if (facts.kept !== 'by-owner' && call.prompt.given?.includes('management-key') !== true) {
      const configured = await withConfiguredKey(key, facts, leaving, begin);
      if (configured !== undefined) return unsettle(configured);
      const done = await withKeptKey(key, facts, reason, call, leaving, begin);
      if (done !== undefined) return unsettle(done);
    }
    return unsettle(await key.pins.use(secretOf(key, facts.algorithm), { title: reason.title, ...(reason.place === undefined ? {} : { place: reason.place }), keep: 'insertion' }, call, async (typed) => {
      using value = new SecretBytes(bytesOf(typed.reveal()) ?? Buffer.alloc(0));
      // Awaited here: the key is wiped at the end of this block.
      return await key.session.run((piv) => begin(piv, value.reveal()), leaving.signal).catch((thrown: unknown) => {
        if (!(thrown instanceof Refused)) throw thrown;
        throw new KeywrightError('PIN_INCORRECT', { detail: 'This is not the management key of the token.', remedy: 'If nobody knows it, only a reset makes the token writable again.' });
      });
    }));
  });
}

/** Authenticates, then works. @throws Refused; what the work ends with is in the outcome. */
async function authenticated<T>(key: YubiKey, piv: PivChannel, { algorithm, touchPolicy }: ManagementFacts, value: Uint8Array, leaving: Leaving, call: KeyCall, work: () => Promise<T>): Promise<Settled<T>> {
  key.trusted = true;
  if (touchPolicy !== 'always' && touchPolicy !== 'cached') await authenticate(piv, algorithm, value);
  else {
    using _announced = announceTouch({ title: 'Touch the YubiKey to use its management key', subject: key.title, seconds: TOUCH_SECONDS }, touchPolicy === 'always' ? 0 : CACHED_DELAY_MS, call, (error) => leaving.leave(error));
    const began = performance.now();
    await authenticate(piv, algorithm, value).catch((thrown: unknown) => {
      // A wrong key is refused at once; the right one, when nobody touched, in the same words and late.
      throw thrown instanceof Refused && performance.now() - began > REFUSED_AT_ONCE_MS ? notTouched(key) : thrown;
    });
  }
  if (leaving.signal.aborted) throw leaving.signal.reason as Error;
  return settle(work());
}

/** @returns undefined when none is configured, or the token has another one by now. */
async function withConfiguredKey<T>(key: YubiKey, { algorithm }: ManagementFacts, leaving: Leaving, begin: (piv: PivChannel, value: Uint8Array) => Promise<Settled<T>>): Promise<Settled<T> | undefined> {
  using digits = await key.options.fromFile?.('management-key');
  const value = digits === undefined ? undefined : bytesOf(digits.reveal());
  if (value?.length !== MANAGEMENT_ALGORITHMS[algorithm].length) {
    value?.fill(0);
    return undefined;
  }
  return key.session.run((piv) => tryEach(piv, [value], begin), leaving.signal);
}

/** @returns undefined when what the PIN gives is not the management key: it was changed by a program that knows nothing of this. */
async function withKeptKey<T>(key: YubiKey, facts: ManagementFacts, { title }: ManagementReason, call: KeyCall, leaving: Leaving, begin: (piv: PivChannel, value: Uint8Array) => Promise<Settled<T>>): Promise<Settled<T> | undefined> {
  return unsettle(await withPin(key, { title, place: 'its management key is behind the PIN', keep: 'insertion' }, call, leaving.signal, async (piv, pin) => {
    if (facts.salt !== undefined && pin === null) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The management key of ${key.title} is derived from its PIN, which is entered at the reader and does not come here.`, remedy: 'Use a reader without a keypad.' });
    return settle(tryEach(piv, facts.salt === undefined || pin === null ? await protectedKeys(piv) : [await derivedKey(pin, facts.salt)], begin));
  }));
}

async function tryEach<T>(piv: PivChannel, candidates: readonly Buffer[], begin: (piv: PivChannel, value: Uint8Array) => Promise<Settled<T>>): Promise<Settled<T> | undefined> {
  try {
    for (const value of candidates) {
      try {
        return await begin(piv, value);
      } catch (thrown) {
        // A key of another length is none of this algorithm's.
        if (!(thrown instanceof Refused) && !(thrown instanceof RangeError)) throw thrown;
      }
    }
    return undefined;
  } finally {
    for (const value of candidates) value.fill(0);
  }
}

/** Tags in the object *printed information* (88): the key, and the one before while it is being changed. */
const PROTECTED = { outer: 0x88, key: 0x89, former: 0x8a } as const;

/** @returns what the object behind the PIN has as management key, the likelier first. */
async function protectedKeys(piv: PivChannel): Promise<Buffer[]> {
  const object = await getObject(piv, OBJECT.printed);
  if (object === undefined) return [];
  try {
    const inner = parseTlvs(parseTlv(object, PROTECTED.outer, 'the object'), 'the object');
    return [PROTECTED.key, PROTECTED.former].flatMap((tag) => findTlv(inner, tag) ?? []).map((value) => Buffer.from(value as Uint8Array));
  } catch {
    return [];
  }
}

export function protectedObject(value: Uint8Array, former?: Uint8Array): Buffer {
  return tlv(PROTECTED.outer, tlv(PROTECTED.key, value), ...(former === undefined ? [] : [tlv(PROTECTED.former, former)]));
}

/** As Yubico's PIV Manager derived it: PBKDF2-HMAC-SHA1, 10,000 rounds. */
export function derivedKey(pin: SecretBytes, salt: Uint8Array): Promise<Buffer> {
  return pbkdf2(pin.reveal(), salt, 10_000, MANAGEMENT_ALGORITHMS['3des'].length, 'sha1');
}

/** For work that has the card already. @returns whether this is the management key; the card then takes us for its manager. */
export async function proves(piv: PivChannel, algorithm: ManagementAlgorithm, value: Uint8Array): Promise<boolean> {
  try {
    await authenticate(piv, algorithm, value);
    return true;
  } catch (thrown) {
    if (thrown instanceof Refused) return false;
    throw thrown;
  }
}
