import { createPublicKey, verify } from 'node:crypto';
import { KeywrightError, type HashName, type KeyAlgorithmName } from '../../contract/index.ts';
import { findTlv, leadingTlvs, parseTlv, parseTlvs, type Tlv } from '../../devices/index.ts';
import { derOid } from '../../formats/der.ts';
import { rsaBySize } from '../../formats/identifiers.ts';
import { buildSpki, checkRsaPublic, uncompressedPoint } from '../../formats/spki.ts';

/**
 * Card verifiable certificates (BSI TR-03110 part 3, §C.1 and §D.2), of which a SmartCard-HSM has three kinds: its own and its
 * issuer's, and for each key that was made in it a request that the device has signed.
 */

const TAG = {
  certificate: 0x7f21, body: 0x7f4e, signature: 0x5f37, profile: 0x5f29, authority: 0x42, publicKey: 0x7f49, holder: 0x5f20, from: 0x5f25, to: 0x5f24, request: 0x67,
  oid: 0x06, primeOrModulus: 0x81, exponent: 0x82, point: 0x86,
} as const;

/** Primes of the curves that we know (SEC 2, RFC 5639), as long as the field. */
const CURVE_OF_PRIME: Readonly<Record<string, KeyAlgorithmName>> = {
  'ffffffff00000001000000000000000000000000ffffffffffffffffffffffff': 'ec-p256',
  'fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff': 'ec-p384',
  '01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff': 'ec-p521',
  'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f': 'ec-secp256k1',
  'a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377': 'ec-brainpoolp256r1',
  '8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53': 'ec-brainpoolp384r1',
  'aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca703308717d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3': 'ec-brainpoolp512r1',
};

/** Hash of the signatures that a key makes, by the object identifier in it (TR-03110 part 3, §A.7.3). SHA-1 and SHA-224 are not accepted. */
const HASHES: ReadonlyMap<string, { readonly family: 'rsa' | 'ec'; readonly hash: HashName }> = new Map([
  ['0.4.0.127.0.7.2.2.2.1.2', { family: 'rsa', hash: 'sha256' }],
  ['0.4.0.127.0.7.2.2.2.2.3', { family: 'ec', hash: 'sha256' }],
  ['0.4.0.127.0.7.2.2.2.2.4', { family: 'ec', hash: 'sha384' }],
  ['0.4.0.127.0.7.2.2.2.2.5', { family: 'ec', hash: 'sha512' }],
].map(([oid, facts]) => [derOid(oid as string).subarray(2).toString('hex'), facts as { family: 'rsa' | 'ec'; hash: HashName }]));

/** A public key as a certificate holds it: below a root, an elliptic one names no curve and has that of its issuer. */
interface CvcKey {
  readonly family: 'rsa' | 'ec';
  readonly hash: HashName;
  /** null: the issuer's. */
  readonly curve: KeyAlgorithmName | null;
  /** Modulus and exponent, or the point. */
  readonly parts: readonly [Uint8Array, Uint8Array] | readonly [Uint8Array];
}

export interface Cvc {
  /** Who signed it: two letters, a name, five digits. */
  readonly authority: string;
  readonly holder: string;
  readonly key: CvcKey;
  /** `2025-06-28`; null in a request. */
  readonly from: string | null;
  readonly to: string | null;
  /** What is signed. */
  readonly body: Uint8Array;
  /** RSA: as long as the modulus. EC: r and s, as long as the order each (TR-03111 §5.2.1). */
  readonly signature: Uint8Array;
  /** The whole certificate. */
  readonly bytes: Uint8Array;
}

/** A request that a device has signed: its statement that the key was made in it. */
export interface CvcRequest {
  readonly request: Cvc;
  /** The holder's reference of the device that signed it. */
  readonly device: string;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A key that can verify: with its curve, whosever it was. */
export interface VerifyingKey {
  readonly algorithm: KeyAlgorithmName;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly hash: HashName;
}

/** @param bytes certificates one after another, and what may fill up their file. @throws INVALID_INPUT with the offset */
export function parseCvcs(bytes: Uint8Array, what: string): Cvc[] {
  return parseTlvs(filled(bytes, TAG.certificate, what), what).map((element) => {
    if (element.tag !== TAG.certificate) throw bad(`${what} holds something that is no certificate.`, element.offset);
    return certificateOf(element, within(bytes), what);
  });
}

/** @returns the bytes without the zeros or ones with which a card fills its file up; all of them where something else follows what has the tag. */
function filled(bytes: Uint8Array, wanted: number, what: string): Uint8Array {
  const elements = leadingTlvs(bytes, what);
  const other = elements.findIndex(({ tag }) => tag !== wanted);
  const last = elements.at(other < 0 ? -1 : other - 1);
  if (last === undefined || other === 0) return bytes;
  const end = last.value.byteOffset - bytes.byteOffset + last.value.length;
  return bytes.subarray(end).every((byte) => byte === 0 || byte === 0xff) ? bytes.subarray(0, end) : bytes;
}

/** @throws INVALID_INPUT with the offset, and for what is no request that a device has signed */
export function parseRequest(file: Uint8Array, what: string): CvcRequest {
  const bytes = filled(file, TAG.request, what);
  const content = parseTlv(bytes, TAG.request, what);
  const here = within(bytes).enter(content);
  const [certificate, device, signature, more] = parseTlvs(content, what, here.base);
  if (certificate?.tag !== TAG.certificate || device?.tag !== TAG.authority || signature?.tag !== TAG.signature || more !== undefined) throw bad(`${what} is not a request, the device’s reference and its signature.`, here.base);
  return {
    request: certificateOf(certificate, here, what), device: referenceIn(device, what), signature: signature.value, bytes,
    signed: content.subarray(0, signature.offset - here.base),
  };
}

/** Whether bytes may be such a request: what else is kept in its place is an X.509 certificate. */
export const looksLikeRequest = (bytes: Uint8Array): boolean => bytes[0] === TAG.request;

/** @param issuer whose curve it has, where it names none. @throws INVALID_INPUT for a key that is none, or of a kind that we do not know */
export function keyOf({ key, holder }: Cvc, issuer?: VerifyingKey): VerifyingKey {
  if (key.family === 'rsa') {
    const [n, e] = key.parts.map((part) => BigInt(`0x${Buffer.from(part).toString('hex') || '0'}`)) as [bigint, bigint];
    checkRsaPublic({ n, e });
    const algorithm = rsaBySize(n.toString(2).length);
    return { algorithm, hash: key.hash, spki: buildSpki({ kind: 'rsa', algorithm, n, e }) };
  }
  const algorithm = key.curve ?? issuer?.algorithm;
  if (algorithm === undefined) throw new KeywrightError('INVALID_INPUT', `The key of ${holder} names no curve, and its issuer’s is not known.`);
  return { algorithm, hash: key.hash, spki: buildSpki({ kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, key.parts[0]) }) };
}

/** @returns whether `key` made this signature. */
export function verifies(key: VerifyingKey, content: Uint8Array, signature: Uint8Array): boolean {
  try {
    const publicKey = createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' });
    return verify(key.hash, content, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    return false;
  }
}

/** Where in what is read some bytes are: for offsets in errors, and to cut elements out with their tags as they are. */
interface Place {
  readonly base: number;
  whole(element: Tlv): Uint8Array;
  enter(value: Uint8Array): Place;
}

function within(bytes: Uint8Array, base = 0): Place {
  return {
    base,
    whole: ({ offset, value }) => bytes.subarray(offset - base, value.byteOffset - bytes.byteOffset + value.length),
    enter: (value) => within(value, base + value.byteOffset - bytes.byteOffset),
  };
}

function certificateOf(element: Tlv, outer: Place, what: string): Cvc {
  const here = outer.enter(element.value);
  const { base } = here;
  const [body, signature, more] = parseTlvs(element.value, what, base);
  if (body?.tag !== TAG.body || signature?.tag !== TAG.signature || more !== undefined) throw bad(`${what} is not a body and a signature.`, base);
  const inner = here.enter(body.value);
  const parts = parseTlvs(body.value, what, inner.base);
  const part = (tag: number, name: string): Tlv => {
    const found = parts.find((one) => one.tag === tag);
    if (found === undefined) throw bad(`${what} lacks ${name}.`, body.offset);
    return found;
  };
  const profile = part(TAG.profile, 'its profile').value;
  if (profile.length !== 1 || profile[0] !== 0) throw bad(`${what} has a profile that we do not know.`, body.offset);
  return {
    authority: referenceIn(part(TAG.authority, 'the reference of who signed it'), what), holder: referenceIn(part(TAG.holder, 'the reference of its holder'), what),
    key: keyIn(part(TAG.publicKey, 'its public key'), inner, what), from: dateIn(findTlv(parts, TAG.from)), to: dateIn(findTlv(parts, TAG.to)),
    body: here.whole(body), signature: signature.value, bytes: outer.whole(element),
  };
}

function keyIn(element: Tlv, outer: Place, what: string): CvcKey {
  const parts = parseTlvs(element.value, what, outer.enter(element.value).base);
  const known = HASHES.get(Buffer.from(findTlv(parts, TAG.oid) ?? []).toString('hex'));
  if (known === undefined) throw bad(`${what} has a public key of a kind that we do not know.`, element.offset);
  const first = findTlv(parts, TAG.primeOrModulus);
  if (known.family === 'rsa') {
    const exponent = findTlv(parts, TAG.exponent);
    if (first === undefined || exponent === undefined) throw bad(`${what} has an RSA key without modulus or exponent.`, element.offset);
    return { ...known, curve: null, parts: [first, exponent] };
  }
  const point = findTlv(parts, TAG.point);
  if (point === undefined) throw bad(`${what} has a key without public point.`, element.offset);
  const curve = first === undefined ? null : CURVE_OF_PRIME[Buffer.from(first).toString('hex')];
  if (curve === undefined) throw bad(`${what} has a key on a curve that we do not know.`, element.offset);
  return { ...known, curve, parts: [point] };
}

function referenceIn({ value, offset }: Tlv, what: string): string {
  const text = Buffer.from(value).toString('latin1');
  if (!/^[\x21-\x7e]{3,16}$/.test(text)) throw bad(`${what} has a reference that is none.`, offset);
  return text;
}

/** Six digits, a byte each: YYMMDD (TR-03110 part 3, §D.2.1). */
function dateIn(value: Uint8Array | undefined): string | null {
  if (value?.length !== 6 || value.some((digit) => digit > 9)) return null;
  const [y1, y2, m1, m2, d1, d2] = value;
  return `20${y1}${y2}-${m1}${m2}-${d1}${d2}`;
}

function bad(detail: string, offset: number): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { detail: detail.charAt(0).toUpperCase() + detail.slice(1), where: `offset ${offset}` });
}
