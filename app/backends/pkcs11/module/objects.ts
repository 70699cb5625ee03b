import type { KeyAlgorithmName, Usage } from '../../../contract/index.ts';
import { publicOfCertificate } from '../certificates.ts';
import { CKA, CKC_X_509, CKK, CKO } from '../constants.ts';
import type { Cryptoki, Handle, Template } from './cryptoki.ts';
import { isReturn } from '../errors.ts';
import { curveIn, noteOf, rsaOf, spkiOfPoint, spkiOfRsa, symmetricOf, usagesOf } from '../key-types.ts';

/** What is in a token, as it says itself: every fact is an attribute that was read. */

export interface KeyObject {
  readonly kind: 'private' | 'secret-key';
  /** CKA_ID in hex. */
  readonly id: string;
  readonly label: string;
  /** null: a kind of key that has no name here; then {@link note} says what it is. */
  readonly algorithm: KeyAlgorithmName | null;
  readonly note: string | null;
  readonly usages: readonly Usage[];
  readonly extractable: boolean;
  /** SPKI, base64url. */
  readonly publicKey: string | null;
  /** CKA_LOCAL; null when the token does not tell. */
  readonly local: boolean | null;
  readonly alwaysAuthenticate: boolean;
  /** False: only its public key shows until somebody logs in. */
  readonly seen: boolean;
}

interface CertificateObject {
  readonly id: string;
  readonly label: string;
  /** X.509, DER, base64url. */
  readonly der: string;
}

export interface TokenObjects {
  readonly keys: readonly KeyObject[];
  readonly certificates: readonly CertificateObject[];
}

/** Largest attribute that is believed: a certificate, a modulus. */
const MAX_ATTRIBUTE = 1024 * 1024;
const AT_ONCE = 64;
/** More objects than any token holds. */
const MAX_OBJECTS = 100_000;

type Values = ReadonlyMap<number, Buffer>;

export function find(cryptoki: Cryptoki, session: Handle, template: Template, most = MAX_OBJECTS): Handle[] {
  cryptoki.call('C_FindObjectsInit', (lib) => lib.C_FindObjectsInit(session, template));
  const found: Handle[] = [];
  try {
    while (found.length < most) {
      const some = cryptoki.call('C_FindObjects', (lib) => lib.C_FindObjects(session, Math.min(AT_ONCE, most - found.length)));
      found.push(...some);
      if (some.length === 0) break;
    }
  } finally {
    cryptoki.call('C_FindObjectsFinal', (lib) => lib.C_FindObjectsFinal(session));
  }
  return found;
}

/** @returns those attributes that the object has and that may be read; one that it lacks makes the module refuse them all, so then one by one. */
export function attributes(cryptoki: Cryptoki, session: Handle, object: Handle, types: readonly number[]): Values {
  const read = (some: readonly number[]): [number, Buffer][] => cryptoki.call('C_GetAttributeValue', (lib) => lib.C_GetAttributeValue(session, object, some.map((type) => ({ type }))))
    .flatMap(({ type, value }) => (Buffer.isBuffer(value) && value.length <= MAX_ATTRIBUTE ? [[type, value] as [number, Buffer]] : []));
  try {
    return new Map(read(types));
  } catch (thrown) {
    if (!isAbsent(thrown)) throw thrown;
  }
  return new Map(types.flatMap((type) => {
    try {
      return read([type]);
    } catch (thrown) {
      if (isAbsent(thrown)) return [];
      throw thrown;
    }
  }));
}

// Modules differ in how they say that an object has no such attribute.
const isAbsent = (thrown: unknown): boolean => isReturn(thrown, 'ATTRIBUTE_TYPE_INVALID', 'ATTRIBUTE_SENSITIVE', 'ATTRIBUTE_VALUE_INVALID', 'FUNCTION_NOT_SUPPORTED', 'FUNCTION_FAILED', 'GENERAL_ERROR', 'DATA_INVALID', 'DEVICE_ERROR');

const isSet = (values: Values, type: number): boolean => (values.get(type)?.[0] ?? 0) !== 0;
const text = (values: Values, type: number): string => (values.get(type) ?? Buffer.alloc(0)).toString('utf8').replace(/\0+$/, '');
const hex = (values: Values, type: number): string => (values.get(type) ?? Buffer.alloc(0)).toString('hex');

/** @returns a CK_ULONG, which is as long as the machine's words. */
function number(value: Buffer | undefined): number | null {
  if (value === undefined || (value.length !== 4 && value.length !== 8)) return null;
  const found = value.length === 8 ? value.readBigUInt64LE() : BigInt(value.readUInt32LE());
  return found > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(found);
}

const PUBLIC = [CKA.ID, CKA.LABEL, CKA.KEY_TYPE, CKA.VERIFY, CKA.ENCRYPT, CKA.WRAP, CKA.DERIVE] as const;
const PRIVATE = [CKA.ID, CKA.LABEL, CKA.KEY_TYPE, CKA.SIGN, CKA.DECRYPT, CKA.UNWRAP, CKA.DERIVE, CKA.EXTRACTABLE] as const;
const SECRET = [CKA.ID, CKA.LABEL, CKA.KEY_TYPE, CKA.SIGN, CKA.VERIFY, CKA.ENCRYPT, CKA.DECRYPT, CKA.WRAP, CKA.UNWRAP, CKA.DERIVE, CKA.EXTRACTABLE, CKA.VALUE_LEN] as const;

interface PublicPart {
  readonly algorithm: KeyAlgorithmName | null;
  readonly note: string | null;
  readonly spki: string | null;
}

/** Reads everything that shows in a session. */
export async function readObjects(cryptoki: Cryptoki, session: Handle): Promise<TokenObjects> {
  const objects = (type: number): Handle[] => find(cryptoki, session, [{ type: CKA.CLASS, value: type }, { type: CKA.TOKEN, value: true }]);
  const read = (object: Handle, types: readonly number[]): Values => attributes(cryptoki, session, object, types);

  const certificates = objects(CKO.CERTIFICATE).flatMap((object): CertificateObject[] => {
    const values = read(object, [CKA.ID, CKA.LABEL, CKA.VALUE, CKA.CERTIFICATE_TYPE]);
    const der = values.get(CKA.VALUE);
    if ((number(values.get(CKA.CERTIFICATE_TYPE)) ?? CKC_X_509) !== CKC_X_509 || der === undefined || der.length === 0) return [];
    return [{ id: hex(values, CKA.ID), label: text(values, CKA.LABEL), der: der.toString('base64url') }];
  });

  const publics: { values: Values; part: PublicPart; id: string; label: string }[] = [];
  for (const object of objects(CKO.PUBLIC_KEY)) {
    const values = read(object, PUBLIC);
    publics.push({ values, part: await publicPart(values, (types) => read(object, types)), id: hex(values, CKA.ID), label: text(values, CKA.LABEL) });
  }

  const keys: KeyObject[] = [];
  for (const object of objects(CKO.PRIVATE_KEY)) {
    const values = read(object, PRIVATE);
    const [id, label] = [hex(values, CKA.ID), text(values, CKA.LABEL)];
    const keyType = number(values.get(CKA.KEY_TYPE)) ?? -1;
    // The public key of the same id and type; by label where there is no id.
    const partner = publics.find((one) => one.id === id && (id !== '' || one.label === label) && number(one.values.get(CKA.KEY_TYPE)) === keyType);
    const part = typeof partner?.part.spki === 'string' ? partner.part : (await ownPublicPart(values, (types) => read(object, types))) ?? publicOfCertificate(certificates.find((one) => one.id === id && id !== '')?.der) ?? partner?.part ?? { algorithm: null, note: null, spki: null };
    const more = read(object, [CKA.LOCAL, CKA.ALWAYS_AUTHENTICATE]);
    const sign = isSet(values, CKA.SIGN);
    const decrypt = isSet(values, CKA.DECRYPT);
    const unwrap = isSet(values, CKA.UNWRAP);
    // Whoever has the public key can verify and encrypt; the token's flags on its own copy count where it has one.
    const flag = (type: number, own: boolean): boolean => (partner === undefined ? own : isSet(partner.values, type));
    keys.push({
      kind: 'private', id, label, algorithm: part.algorithm, note: part.algorithm === null ? part.note ?? noteOf(keyType, null) : null, publicKey: part.spki,
      usages: part.algorithm === null ? [] : usagesOf(part.algorithm, { sign, verify: flag(CKA.VERIFY, sign), decrypt, encrypt: flag(CKA.ENCRYPT, decrypt), unwrap, wrap: flag(CKA.WRAP, unwrap), derive: isSet(values, CKA.DERIVE) }),
      extractable: isSet(values, CKA.EXTRACTABLE), local: more.has(CKA.LOCAL) ? isSet(more, CKA.LOCAL) : null, alwaysAuthenticate: isSet(more, CKA.ALWAYS_AUTHENTICATE), seen: true,
    });
  }

  for (const { values, part, id, label } of publics) {
    if (keys.some((key) => key.id === id && (id !== '' || key.label === label) && key.publicKey === part.spki)) continue;
    const [verify, encrypt, wrap, derive] = [isSet(values, CKA.VERIFY), isSet(values, CKA.ENCRYPT), isSet(values, CKA.WRAP), isSet(values, CKA.DERIVE)];
    keys.push({
      kind: 'private', id, label, algorithm: part.algorithm, note: part.note, publicKey: part.spki, extractable: false, local: null, alwaysAuthenticate: false, seen: false,
      usages: part.algorithm === null ? [] : usagesOf(part.algorithm, { sign: verify, verify, encrypt, decrypt: encrypt, wrap, unwrap: wrap, derive }),
    });
  }

  for (const object of objects(CKO.SECRET_KEY)) {
    const values = read(object, SECRET);
    const keyType = number(values.get(CKA.KEY_TYPE)) ?? -1;
    const bytes = number(values.get(CKA.VALUE_LEN));
    const algorithm = bytes === null ? null : symmetricOf(keyType, bytes);
    const more = read(object, [CKA.LOCAL]);
    keys.push({
      kind: 'secret-key', id: hex(values, CKA.ID), label: text(values, CKA.LABEL), algorithm, note: algorithm === null ? noteOf(keyType, bytes === null ? null : bytes * 8) : null, publicKey: null,
      usages: algorithm === null ? [] : usagesOf(algorithm, {
        sign: isSet(values, CKA.SIGN), verify: isSet(values, CKA.VERIFY), encrypt: isSet(values, CKA.ENCRYPT), decrypt: isSet(values, CKA.DECRYPT), wrap: isSet(values, CKA.WRAP), unwrap: isSet(values, CKA.UNWRAP), derive: isSet(values, CKA.DERIVE),
      }),
      extractable: isSet(values, CKA.EXTRACTABLE), local: more.has(CKA.LOCAL) ? isSet(more, CKA.LOCAL) : null, alwaysAuthenticate: false, seen: true,
    });
  }
  return { keys, certificates };
}

async function publicPart(values: Values, read: (types: readonly number[]) => Values): Promise<PublicPart> {
  const keyType = number(values.get(CKA.KEY_TYPE));
  try {
    if (keyType === CKK.RSA) return rsaPart(read([CKA.MODULUS, CKA.PUBLIC_EXPONENT]));
    if (keyType === CKK.EC || keyType === CKK.EC_EDWARDS || keyType === CKK.EC_MONTGOMERY) {
      const numbers = read([CKA.EC_PARAMS, CKA.EC_POINT]);
      const algorithm = await curveIn(numbers.get(CKA.EC_PARAMS) ?? Buffer.alloc(0));
      const point = numbers.get(CKA.EC_POINT);
      if (algorithm !== null && point !== undefined) return { algorithm, note: null, spki: spkiOfPoint(algorithm, point).toString('base64url') };
      return { algorithm: null, note: algorithm === null ? 'EC on a curve without a name here' : `${algorithm} without its public point`, spki: null };
    }
  } catch {
    return { algorithm: null, note: `${noteOf(keyType ?? -1, null)}, and its public key makes no sense`, spki: null };
  }
  return { algorithm: null, note: noteOf(keyType ?? -1, null), spki: null };
}

/** What a private key tells of its public one by itself: all of it for RSA, from v2.40 on perhaps for others (CKA_PUBLIC_KEY_INFO). */
async function ownPublicPart(values: Values, read: (types: readonly number[]) => Values): Promise<PublicPart | undefined> {
  const part = await publicPart(values, read);
  return part.spki === null ? undefined : part;
}

function rsaPart(values: Values): PublicPart {
  const [modulus, exponent] = [values.get(CKA.MODULUS), values.get(CKA.PUBLIC_EXPONENT)];
  if (modulus === undefined || exponent === undefined) return { algorithm: null, note: 'RSA without its public key', spki: null };
  const bits = BigInt(`0x${modulus.toString('hex') || '0'}`).toString(2).length;
  const algorithm = rsaOf(bits);
  return algorithm === null ? { algorithm, note: `RSA ${bits}`, spki: null } : { algorithm, note: null, spki: spkiOfRsa(modulus, exponent).toString('base64url') };
}
