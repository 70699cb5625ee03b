import { createPrivateKey, createPublicKey, createSecretKey, randomBytes } from 'node:crypto';
import { KEY_ALGORITHMS, KeywrightError, SecretBytes, type KeyAlgorithmName } from '../../../contract/index.ts';
import { der, DerReader, fromBigInt, TAG } from '../../../formats/der.ts';
import { buildPkcs8, parsePkcs8, pointOf, type PrivateParts } from '../../../formats/private-parts.ts';
import { parseSpki } from '../../../formats/spki.ts';
import { unwrapWithAes, wrapWithAes } from '../../software/key-wrap.ts';
import { CKA, CKC_X_509, CKF_GENERATE, CKF_GENERATE_KEY_PAIR, CKK, CKM, CKO } from '../constants.ts';
import { namesOf } from '../certificates.ts';
import { isReturn } from '../errors.ts';
import { ecParameters, flagsOf, keyTypeOf, type UsageFlags } from '../key-types.ts';
import type { Inputs, KeySelector } from '../messages.ts';
import type { CkMechanism, Handle, Template } from './cryptoki.ts';
import { attributes, find } from './objects.ts';
import { selecting, type SlotToken } from './token.ts';
import { kwpMechanism } from './wrapping.ts';

/** Making, taking in, giving out and destroying keys and certificates. */

type NewKey = Omit<Inputs['keys.generate'], 'slot'>;

const bool = (type: number, value: boolean): Template[number] => ({ type, value });
const PUBLIC_EXPONENT = Buffer.from([1, 0, 1]);

function common({ id, label }: NewKey, objectClass: number, keyType: number): Template {
  return [
    { type: CKA.CLASS, value: objectClass }, { type: CKA.KEY_TYPE, value: keyType }, bool(CKA.TOKEN, true),
    { type: CKA.ID, value: Buffer.from(id, 'hex') }, { type: CKA.LABEL, value: Buffer.from(label) },
  ];
}

// Only flags that are true are stated, but for those whose default is theirs to choose: tokens refuse attributes that a type does not have.
function publicTemplate(key: NewKey, flags: UsageFlags): Template {
  return [...common(key, CKO.PUBLIC_KEY, keyTypeOf(key.algorithm)), bool(CKA.PRIVATE, false), bool(CKA.VERIFY, flags.verify), ...rsaOnly(key.algorithm, [bool(CKA.ENCRYPT, flags.encrypt), bool(CKA.WRAP, flags.wrap)]), ...(flags.derive ? [bool(CKA.DERIVE, true)] : [])];
}

function privateTemplate(key: NewKey, flags: UsageFlags): Template {
  return [
    ...common(key, CKO.PRIVATE_KEY, keyTypeOf(key.algorithm)), bool(CKA.PRIVATE, true), bool(CKA.SENSITIVE, !(key.extractable && isEdwards(key.algorithm))), bool(CKA.EXTRACTABLE, key.extractable),
    bool(CKA.SIGN, flags.sign), ...rsaOnly(key.algorithm, [bool(CKA.DECRYPT, flags.decrypt), bool(CKA.UNWRAP, flags.unwrap)]), ...(KEY_ALGORITHMS[key.algorithm].family === 'rsa' ? [] : [bool(CKA.DERIVE, flags.derive)]),
  ];
}

function secretTemplate(key: NewKey, flags: UsageFlags): Template {
  const aes = KEY_ALGORITHMS[key.algorithm].family === 'aes';
  return [
    ...common(key, CKO.SECRET_KEY, keyTypeOf(key.algorithm)), bool(CKA.PRIVATE, true), bool(CKA.SENSITIVE, true), bool(CKA.EXTRACTABLE, key.extractable),
    bool(CKA.SIGN, flags.sign), bool(CKA.VERIFY, flags.verify), ...(aes ? [bool(CKA.ENCRYPT, flags.encrypt), bool(CKA.DECRYPT, flags.decrypt), bool(CKA.WRAP, flags.wrap), bool(CKA.UNWRAP, flags.unwrap)] : []),
  ];
}

/** Not all tokens wrap them: one that may leave must then be readable to whoever is logged in. */
const isEdwards = (algorithm: KeyAlgorithmName): boolean => KEY_ALGORITHMS[algorithm].family === 'eddsa';
const rsaOnly = (algorithm: KeyAlgorithmName, template: Template): Template => (KEY_ALGORITHMS[algorithm].family === 'rsa' ? template : []);

const PAIR_GENERATION = { rsa: CKM.RSA_PKCS_KEY_PAIR_GEN, ec: CKM.EC_KEY_PAIR_GEN, eddsa: CKM.EC_EDWARDS_KEY_PAIR_GEN, xdh: CKM.EC_MONTGOMERY_KEY_PAIR_GEN } as const;

/** @throws CAPABILITY_MISSING when the token has no such keys */
export async function generateKey(token: SlotToken, key: NewKey): Promise<void> {
  const { family, bits, kind } = KEY_ALGORITHMS[key.algorithm];
  const flags = flagsOf(key.algorithm, key.usages);
  await token.sessions.use(async (session) => {
    assertFree(token, session, key);
    if (kind === 'symmetric') {
      const mechanism = family === 'aes' ? CKM.AES_KEY_GEN : CKM.GENERIC_SECRET_KEY_GEN;
      assertHas(token, mechanism, CKF_GENERATE, key.algorithm);
      const template = [...secretTemplate(key, flags), { type: CKA.VALUE_LEN, value: bits / 8 }];
      await token.cryptoki.callAsync('C_GenerateKey', (lib) => lib.C_GenerateKeyAsync(session, { mechanism } as CkMechanism, template));
      return;
    }
    const mechanism = PAIR_GENERATION[family as keyof typeof PAIR_GENERATION];
    assertHas(token, mechanism, CKF_GENERATE_KEY_PAIR, key.algorithm);
    const parameters: Template = family === 'rsa' ? [{ type: CKA.MODULUS_BITS, value: bits }, { type: CKA.PUBLIC_EXPONENT, value: PUBLIC_EXPONENT }] : [{ type: CKA.EC_PARAMS, value: ecParameters(key.algorithm) }];
    const make = (own: Template, secret: Template) => token.cryptoki.callAsync('C_GenerateKeyPair', (lib) => lib.C_GenerateKeyPairAsync(session, { mechanism } as CkMechanism, [...own, ...parameters], secret));
    try {
      await make(publicTemplate(key, flags), privateTemplate(key, flags));
    } catch (thrown) {
      // Some modules refuse every attribute that is not theirs to decide: what they make of it is read afterwards.
      if (!isReturn(thrown, 'ATTRIBUTE_TYPE_INVALID')) throw thrown;
      await make(common(key, CKO.PUBLIC_KEY, keyTypeOf(key.algorithm)), common(key, CKO.PRIVATE_KEY, keyTypeOf(key.algorithm)));
    }
  });
  token.forgetHandles();
}

/** @param material PKCS#8 for a pair, the key itself else. */
export async function importKey(token: SlotToken, key: NewKey, material: Buffer): Promise<void> {
  const flags = flagsOf(key.algorithm, key.usages);
  const { kind } = KEY_ALGORITHMS[key.algorithm];
  await token.sessions.use(async (session) => {
    assertFree(token, session, key);
    if (kind === 'symmetric') {
      await create(token, session, secretTemplate(key, flags), [{ type: CKA.VALUE, value: material }], material);
      return;
    }
    const parts = parsePkcs8(material);
    const [publicOnes, privateOnes] = components(parts);
    await create(token, session, privateTemplate(key, flags), privateOnes, buildPkcs8(parts));
    // Without its public half the key would be of no use: tokens do not all give that by themselves.
    const handle = find(token.cryptoki, session, selecting({ id: key.id, label: key.label }, CKO.PUBLIC_KEY), 1);
    if (handle.length === 0) token.cryptoki.call('C_CreateObject', (lib) => lib.C_CreateObject(session, [...publicTemplate(key, flags), ...publicOnes]));
  });
  token.forgetHandles();
}

function components(parts: PrivateParts): [Template, Template] {
  const value = (type: number, bytes: Uint8Array): Template[number] => ({ type, value: Buffer.from(bytes) });
  if (parts.kind === 'rsa') {
    const { n, e, d, p, q, dp, dq, qi } = parts;
    const numbers: readonly (readonly [number, bigint])[] = [[CKA.MODULUS, n], [CKA.PUBLIC_EXPONENT, e]];
    const own: readonly (readonly [number, bigint])[] = [[CKA.PRIVATE_EXPONENT, d], [CKA.PRIME_1, p], [CKA.PRIME_2, q], [CKA.EXPONENT_1, dp], [CKA.EXPONENT_2, dq], [CKA.COEFFICIENT, qi]];
    const template = (list: typeof numbers): Template => list.map(([type, number]) => value(type, fromBigInt(number)));
    return [template(numbers), template([...numbers, ...own])];
  }
  const parameters = value(CKA.EC_PARAMS, ecParameters(parts.algorithm));
  if (parts.kind === 'ec') {
    const point = der(TAG.octetString, parts.point ?? pointOf(parts.algorithm, parts.scalar));
    return [[parameters, value(CKA.EC_POINT, point)], [parameters, value(CKA.VALUE, parts.scalar)]];
  }
  // CurvePrivateKey is an OCTET STRING within (RFC 8410 §7).
  const secret = parts.secret[0] === TAG.octetString ? parts.secret.subarray(2) : parts.secret;
  return [[parameters, value(CKA.EC_POINT, der(TAG.octetString, publicBytesOf(parts)))], [parameters, value(CKA.VALUE, secret)]];
}

function publicBytesOf(parts: PrivateParts & { kind: 'bytes' }): Uint8Array {
  const spki = createPublicKey(createPrivateKey({ key: buildPkcs8(parts), format: 'der', type: 'pkcs8' })).export({ type: 'spki', format: 'der' });
  return (parseSpki(spki) as { bytes: Uint8Array }).bytes;
}

/** Creates an object as it is; where the token takes no key in clear, wrapped under a key that is made for that and forgotten. */
async function create(token: SlotToken, session: Handle, template: Template, values: Template, whole: Buffer): Promise<void> {
  try {
    token.cryptoki.call('C_CreateObject', (lib) => lib.C_CreateObject(session, [...template, ...values]));
    return;
  } catch (thrown) {
    if (!isReturn(thrown, 'TEMPLATE_INCONSISTENT', 'TEMPLATE_INCOMPLETE', 'FUNCTION_NOT_SUPPORTED', 'ATTRIBUTE_VALUE_INVALID', 'ATTRIBUTE_READ_ONLY', 'ATTRIBUTE_TYPE_INVALID', 'ACTION_PROHIBITED', 'FUNCTION_FAILED')) throw thrown;
    try {
      await withTransportKey(token, session, async (handle, key) => {
        const mechanism = { mechanism: kwpMechanism(token, session) } as CkMechanism;
        await token.cryptoki.callAsync('C_UnwrapKey', (lib) => lib.C_UnwrapKeyAsync(session, mechanism, handle, wrapWithAes('aes-kwp', createSecretKey(key), whole), template));
      });
    } catch {
      throw new KeywrightError('CAPABILITY_MISSING', { detail: `The token takes no keys from outside: ${thrown.facts.detail}`, remedy: 'Generate the key in the token.' });
    }
  }
}

/** @returns PKCS#8, or the symmetric key itself. @throws PERMISSION_DENIED when the token does not let it go */
export function exportKey(token: SlotToken, selector: KeySelector, algorithm: KeyAlgorithmName): Promise<SecretBytes> {
  return token.withKey(selector, (session, handle) => {
    const value = isEdwards(algorithm) ? attributes(token.cryptoki, session, handle, [CKA.VALUE]).get(CKA.VALUE) : undefined;
    if (value === undefined) return wrappedOut(token, session, handle, algorithm);
    // CurvePrivateKey is an OCTET STRING within (RFC 8410 §7).
    return new SecretBytes(buildPkcs8({ kind: 'bytes', algorithm, secret: der(TAG.octetString, value) }));
  });
}

function wrappedOut(token: SlotToken, session: Handle, handle: Handle, algorithm: KeyAlgorithmName): Promise<SecretBytes> {
  return withTransportKey(token, session, async (transport, key) => {
    const mechanism = { mechanism: kwpMechanism(token, session) } as CkMechanism;
    const wrapped = await token.cryptoki.callAsync('C_WrapKey', (lib) => lib.C_WrapKeyAsync(session, mechanism, transport, handle, Buffer.alloc(16 * 1024)));
    const secret = unwrapWithAes('aes-kwp', createSecretKey(key), wrapped);
    if (KEY_ALGORITHMS[algorithm].kind === 'symmetric') return secret;
    using padded = secret;
    // Some fill it up with zeros before they wrap it.
    const { to } = new DerReader(padded.reveal()).next('the private key', TAG.sequence);
    return new SecretBytes(buildPkcs8(parsePkcs8(padded.reveal().subarray(0, to))));
  });
}

/** An AES key of this session alone, whose value we know. */
async function withTransportKey<T>(token: SlotToken, session: Handle, work: (handle: Handle, key: Buffer) => Promise<T>): Promise<T> {
  const key = randomBytes(32);
  const handle = token.cryptoki.call('C_CreateObject', (lib) => lib.C_CreateObject(session, [
    { type: CKA.CLASS, value: CKO.SECRET_KEY }, { type: CKA.KEY_TYPE, value: CKK.AES }, bool(CKA.TOKEN, false), bool(CKA.SENSITIVE, false), bool(CKA.EXTRACTABLE, true),
    bool(CKA.WRAP, true), bool(CKA.UNWRAP, true), { type: CKA.VALUE, value: key },
  ]));
  try {
    return await work(handle, key);
  } finally {
    key.fill(0);
    token.cryptoki.call('C_DestroyObject', (lib) => lib.C_DestroyObject(session, handle));
  }
}

/** Destroys the key and its public half. @throws NOT_FOUND */
export async function removeKey(token: SlotToken, selector: KeySelector): Promise<void> {
  await token.withKey(selector, (session, handle) => {
    token.cryptoki.call('C_DestroyObject', (lib) => lib.C_DestroyObject(session, handle));
    if (selector.kind === 'secret-key' || selector.id === '') return;
    for (const half of find(token.cryptoki, session, selecting(selector, CKO.PUBLIC_KEY))) token.cryptoki.call('C_DestroyObject', (lib) => lib.C_DestroyObject(session, half));
  });
  token.forgetHandles();
}

/** The certificate takes the place of those with the same id. */
export async function putCertificate(token: SlotToken, { id, label, der: bytes }: Pick<Inputs['certificates.put'], 'id' | 'label' | 'der'>): Promise<void> {
  const value = Buffer.from(bytes, 'base64url');
  const { subject, issuer, serial } = namesOf(value);
  await token.sessions.use((session) => {
    const before = find(token.cryptoki, session, selecting({ id, label: '' }, CKO.CERTIFICATE));
    const now = token.cryptoki.call('C_CreateObject', (lib) => lib.C_CreateObject(session, [
      { type: CKA.CLASS, value: CKO.CERTIFICATE }, { type: CKA.CERTIFICATE_TYPE, value: CKC_X_509 }, bool(CKA.TOKEN, true), bool(CKA.PRIVATE, false),
      { type: CKA.ID, value: Buffer.from(id, 'hex') }, { type: CKA.LABEL, value: Buffer.from(label) },
      { type: CKA.SUBJECT, value: subject }, { type: CKA.ISSUER, value: issuer }, { type: CKA.SERIAL_NUMBER, value: serial }, { type: CKA.VALUE, value },
    ]));
    // Only now, so that a token without room for it keeps the old one. Where a place holds one certificate, it is the same object.
    for (const handle of before) if (!handle.equals(now)) token.cryptoki.call('C_DestroyObject', (lib) => lib.C_DestroyObject(session, handle));
  });
}

/** @throws NOT_FOUND */
export async function deleteCertificate(token: SlotToken, id: string): Promise<void> {
  await token.sessions.use((session) => {
    const found = find(token.cryptoki, session, selecting({ id, label: '' }, CKO.CERTIFICATE));
    if (found.length === 0) throw new KeywrightError('NOT_FOUND', { detail: `There is no certificate with the id ${id} in the token.`, remedy: 'See `keywright tokens slots`.' });
    for (const handle of found) token.cryptoki.call('C_DestroyObject', (lib) => lib.C_DestroyObject(session, handle));
  });
}

function assertHas(token: SlotToken, mechanism: number, flag: number, algorithm: KeyAlgorithmName): void {
  if (!token.has(mechanism, flag)) throw new KeywrightError('CAPABILITY_MISSING', { detail: `The token does not make ${algorithm} keys.`, remedy: 'See `keywright tokens show` for those it makes.' });
}

/** A second key of the same id and type would be taken for the first. @throws ALREADY_EXISTS */
function assertFree(token: SlotToken, session: Handle, key: NewKey): void {
  const classes = KEY_ALGORITHMS[key.algorithm].kind === 'pair' ? [CKO.PRIVATE_KEY, CKO.PUBLIC_KEY] : [CKO.SECRET_KEY];
  if (!classes.some((one) => find(token.cryptoki, session, selecting({ id: key.id, label: '' }, one), 1).length > 0)) return;
  throw new KeywrightError('ALREADY_EXISTS', { detail: `The token has a key with the id ${key.id} already.`, where: '/slot', remedy: 'Leave the slot out: a free id is chosen.' });
}
