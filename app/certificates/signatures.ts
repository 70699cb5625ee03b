import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { KEY_ALGORITHMS, type HashName, type KeyAlgorithmFacts, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureAlgorithmName } from '../contract/index.ts';
import { contextTag, derNull, derOid, DerReader, derSequence, TAG } from '../formats/der.ts';
import { malformed } from '../formats/malformed.ts';
import { MGF1_OID, PSS_OID, pssIdentifier } from '../formats/rsa-pss.ts';
import { whole } from './reading/asn1.ts';

/** Signature algorithms of certificates (RFC 3279, 4055, 5758, 8410, 9881, 9909): their identifiers, and checking what they made. */

type Kind = 'rsa' | 'rsa-pss' | 'ec' | 'dsa' | 'ed25519' | 'ed448' | 'ml-dsa' | 'slh-dsa' | 'none';

export interface SignatureAlgorithmInfo {
  readonly oid: string;
  /** `ecdsa-sha256` where the contract has it, else what it is in words. */
  readonly name: string;
  readonly kind: Kind;
  /** As node:crypto names it; null for pure schemes. */
  readonly hash: string | null;
  readonly saltLength?: number;
  /** Why it must not be relied on any more. */
  readonly weak?: string;
  /** AlgorithmIdentifier, DER. */
  readonly der: Uint8Array;
  /** What is wrong with its parameters. */
  readonly fault?: string;
}

interface Known { readonly name: string; readonly kind: Kind; readonly hash: string | null; readonly weak?: string; readonly parameters: 'null' | 'absent' | 'pss' }

const SHA1_WEAK = 'SHA-1 has been broken since 2017: two certificates with one signature can be made (SP 800-131A rev. 2 §9).';
const rsa = (name: string, hash: string, weak?: string): Known => ({ name, kind: 'rsa', hash, parameters: 'null', ...(weak === undefined ? {} : { weak }) });
const ecdsa = (name: string, hash: string, weak?: string): Known => ({ name, kind: 'ec', hash, parameters: 'absent', ...(weak === undefined ? {} : { weak }) });

const RSA = '1.2.840.113549.1.1';
const ECDSA = '1.2.840.10045.4';
const NIST = '2.16.840.1.101.3.4';

const KNOWN: Readonly<Record<string, Known>> = {
  [`${RSA}.2`]: rsa('RSA PKCS#1 with MD2', 'md2', 'MD2 is broken.'), [`${RSA}.4`]: rsa('RSA PKCS#1 with MD5', 'md5', 'MD5 is broken: collisions take seconds.'), [`${RSA}.5`]: rsa('RSA PKCS#1 with SHA-1', 'sha1', SHA1_WEAK),
  '1.3.14.3.2.29': rsa('RSA PKCS#1 with SHA-1 (OIW)', 'sha1', SHA1_WEAK),
  [`${RSA}.14`]: rsa('RSA PKCS#1 with SHA-224', 'sha224'), [`${RSA}.11`]: rsa('rsa-pkcs1-sha256', 'sha256'), [`${RSA}.12`]: rsa('rsa-pkcs1-sha384', 'sha384'), [`${RSA}.13`]: rsa('rsa-pkcs1-sha512', 'sha512'),
  [`${NIST}.3.13`]: rsa('RSA PKCS#1 with SHA3-224', 'sha3-224'), [`${NIST}.3.14`]: rsa('RSA PKCS#1 with SHA3-256', 'sha3-256'), [`${NIST}.3.15`]: rsa('RSA PKCS#1 with SHA3-384', 'sha3-384'), [`${NIST}.3.16`]: rsa('RSA PKCS#1 with SHA3-512', 'sha3-512'),
  [PSS_OID]: { name: 'RSA PSS', kind: 'rsa-pss', hash: null, parameters: 'pss' },
  [`${ECDSA}.1`]: ecdsa('ECDSA with SHA-1', 'sha1', SHA1_WEAK), [`${ECDSA}.3.1`]: ecdsa('ECDSA with SHA-224', 'sha224'), [`${ECDSA}.3.2`]: ecdsa('ecdsa-sha256', 'sha256'), [`${ECDSA}.3.3`]: ecdsa('ecdsa-sha384', 'sha384'), [`${ECDSA}.3.4`]: ecdsa('ecdsa-sha512', 'sha512'),
  [`${NIST}.3.9`]: ecdsa('ECDSA with SHA3-224', 'sha3-224'), [`${NIST}.3.10`]: ecdsa('ECDSA with SHA3-256', 'sha3-256'), [`${NIST}.3.11`]: ecdsa('ECDSA with SHA3-384', 'sha3-384'), [`${NIST}.3.12`]: ecdsa('ECDSA with SHA3-512', 'sha3-512'),
  '1.3.101.112': { name: 'ed25519', kind: 'ed25519', hash: null, parameters: 'absent' }, '1.3.101.113': { name: 'ed448', kind: 'ed448', hash: null, parameters: 'absent' },
  '1.2.840.10040.4.3': { name: 'DSA with SHA-1', kind: 'dsa', hash: 'sha1', weak: 'DSA is no longer approved (FIPS 186-5).', parameters: 'absent' },
  [`${NIST}.3.1`]: { name: 'DSA with SHA-224', kind: 'dsa', hash: 'sha224', weak: 'DSA is no longer approved (FIPS 186-5).', parameters: 'absent' },
  [`${NIST}.3.2`]: { name: 'DSA with SHA-256', kind: 'dsa', hash: 'sha256', weak: 'DSA is no longer approved (FIPS 186-5).', parameters: 'absent' },
  '1.2.156.10197.1.501': { name: 'SM2 with SM3', kind: 'none', hash: null, parameters: 'absent' },
  ...Object.fromEntries(Object.entries<KeyAlgorithmFacts>(KEY_ALGORITHMS).filter(([, { family }]) => family === 'ml-dsa' || family === 'slh-dsa').map(([name, { oid, family }]) => [oid as string, { name, kind: family as Kind, hash: null, parameters: 'absent' } satisfies Known])),
};

const HASH_OIDS: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1', [`${NIST}.2.4`]: 'sha224', [`${NIST}.2.1`]: 'sha256', [`${NIST}.2.2`]: 'sha384', [`${NIST}.2.3`]: 'sha512', '1.2.840.113549.2.5': 'md5',
  [`${NIST}.2.7`]: 'sha3-224', [`${NIST}.2.8`]: 'sha3-256', [`${NIST}.2.9`]: 'sha3-384', [`${NIST}.2.10`]: 'sha3-512',
};

/** Reads AlgorithmIdentifier of a signature. @throws INVALID_INPUT with the offset when it is malformed; what is unknown is told by its OID. */
export function readSignatureAlgorithm(reader: DerReader, what: string): SignatureAlgorithmInfo {
  const element = reader.next(what, TAG.sequence);
  const inside = reader.inside(element);
  const oid = inside.oid(what);
  const known = KNOWN[oid];
  const bytes = whole(reader, element);
  if (known === undefined) return { oid, name: `unknown algorithm ${oid}`, kind: 'none', hash: null, der: bytes };
  const { name, kind, hash, weak } = known;
  const told = { oid, name, kind, hash, der: bytes, ...(weak === undefined ? {} : { weak }) };
  if (known.parameters === 'pss') return { ...told, ...pssParameters(inside, what) };
  const parameters = inside.atEnd ? undefined : inside.next(what);
  inside.finish(what);
  const isNull = parameters?.tag === TAG.null && parameters.from === parameters.to;
  // RFC 4055 §5: implementations must accept absent parameters as well as NULL for RSA.
  if (known.parameters === 'null' && (parameters === undefined || isNull)) return parameters === undefined ? { ...told, fault: 'The parameters of its algorithm are absent, and should be NULL (RFC 4055 §5).' } : told;
  if (known.parameters === 'absent' && parameters === undefined) return told;
  return { ...told, fault: `The parameters of its algorithm should be ${known.parameters === 'null' ? 'NULL' : 'absent'}.` };
}

/** RSASSA-PSS-params (RFC 4055 §3.1). */
function pssParameters(inside: DerReader, what: string): Pick<SignatureAlgorithmInfo, 'name' | 'hash' | 'saltLength'> & { weak?: string; fault?: string } {
  if (inside.atEnd) return { name: 'RSA PSS without parameters', hash: null, fault: 'RSA PSS lacks its parameters (RFC 4055 §3.1).' };
  const parameters = inside.enter(what);
  inside.finish(what);
  const hashOf = (within: DerReader): string => {
    const identifier = within.enter(what);
    const oid = identifier.oid(what);
    if (!identifier.atEnd) identifier.next(what, TAG.null);
    identifier.finish(what);
    return HASH_OIDS[oid] ?? oid;
  };
  const explicit = (number: number): DerReader | undefined => {
    const element = parameters.optional(what, contextTag(number));
    return element === undefined ? undefined : parameters.inside(element);
  };
  const first = explicit(0);
  const hash = first === undefined ? 'sha1' : hashOf(first);
  const mask = explicit(1);
  let maskHash = 'sha1';
  let fault: string | undefined;
  if (mask !== undefined) {
    const identifier = mask.enter(what);
    if (identifier.oid(what) !== MGF1_OID) fault = 'RSA PSS has a mask generation other than MGF1.';
    else maskHash = hashOf(identifier);
  }
  const salt = explicit(2);
  const saltLength = salt === undefined ? 20 : salt.smallInteger(what, 1024);
  const trailer = explicit(3);
  if (trailer !== undefined && trailer.smallInteger(what, 255) !== 1) fault = 'RSA PSS has another trailer than 0xbc.';
  parameters.finish(what);
  if (hash !== maskHash) fault ??= `RSA PSS hashes with ${hash} and masks with ${maskHash}.`;
  if (!Object.values(HASH_OIDS).includes(hash)) fault ??= `RSA PSS names the unknown hash ${hash}.`;
  const name = (['sha256', 'sha384', 'sha512'] as string[]).includes(hash) && maskHash === hash ? `rsa-pss-${hash}` : `RSA PSS with ${hash}`;
  return { name, hash, saltLength, ...(hash === 'sha1' || hash === 'md5' ? { weak: SHA1_WEAK } : {}), ...(fault === undefined ? {} : { fault }) };
}

/** @returns AlgorithmIdentifier, DER, of a signature that we make. */
export function signatureIdentifier(name: SignatureAlgorithmName): Buffer {
  const facts: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[name];
  if (facts.family === 'rsa-pss') return pssIdentifier(facts.hash as HashName);
  const oid = Object.entries(KNOWN).find(([, known]) => known.name === name)?.[0];
  if (oid === undefined) throw new Error(`${name} has no identifier`);
  return facts.family === 'rsa-pkcs1' ? derSequence(derOid(oid), derNull()) : derSequence(derOid(oid));
}

/** A public key as far as certificates need it. */
export interface PublicKeyInfo {
  readonly spki: Uint8Array;
  /** `ec-p256` where the contract has it, else in words. */
  readonly name: string;
  readonly key: KeyObject | undefined;
  /** Why it cannot be used, or must not be relied on. */
  readonly problem?: string | undefined;
  /** The problem is its age alone: it is too short, or of a kind that is no longer approved. */
  readonly outdated?: boolean | undefined;
  /** Of RSA: bits of the modulus. */
  readonly bits?: number | undefined;
}

const CURVES: Readonly<Record<string, string>> = Object.fromEntries(Object.entries<KeyAlgorithmFacts>(KEY_ALGORITHMS).filter(([, { family }]) => family === 'ec').map(([name, { openssl }]) => [openssl, name]));
const NAMES_BY_OID: Readonly<Record<string, string>> = Object.fromEntries(Object.entries<KeyAlgorithmFacts>(KEY_ALGORITHMS).flatMap(([name, { family, oid }]) => (oid === undefined || family === 'rsa' ? [] : [[oid, name]])));
const EC = '1.2.840.10045.2.1';
const RSA_KEYS: ReadonlySet<string> = new Set([`${RSA}.1`, PSS_OID]);

/** @param spki SubjectPublicKeyInfo, DER. Never throws: what node:crypto cannot load is told. Loading takes long, so that it waits until the key is needed: lists need its name alone. */
export function publicKeyInfo(spki: Uint8Array): PublicKeyInfo {
  const read = fromBytes(spki);
  return read === undefined ? loadedKeyInfo(spki) : new ReadKey(spki, read);
}

interface ReadFacts { readonly name: string; readonly bits?: number; readonly exponent?: bigint }

/** A key of a kind that is known, as its bytes have it. */
class ReadKey implements PublicKeyInfo {
  readonly spki: Uint8Array;
  readonly name: string;
  readonly bits: number | undefined;
  readonly #exponent: bigint | undefined;
  #loaded: { readonly key: KeyObject | undefined } | undefined;

  constructor(spki: Uint8Array, { name, bits, exponent }: ReadFacts) {
    this.spki = spki;
    this.name = name;
    this.bits = bits;
    this.#exponent = exponent;
  }

  get key(): KeyObject | undefined {
    return (this.#loaded ??= { key: load(this.spki) }).key;
  }

  get problem(): string | undefined {
    return this.key === undefined ? UNUSABLE : this.bits === undefined ? undefined : rsaProblem(this.bits, this.#exponent ?? 0n);
  }

  get outdated(): boolean {
    return this.key !== undefined && this.bits !== undefined && rsaOutdated(this.bits, this.#exponent ?? 0n);
  }
}

const UNUSABLE = 'its public key cannot be used here';
const exponentProblem = (exponent: bigint): string | undefined =>
  (exponent < 3n || exponent % 2n === 0n ? 'the exponent of its RSA key is not an odd number from 3 up' : exponent >= 2n ** 256n ? 'the exponent of its RSA key has more than 256 bits (FIPS 186-5 §5.4)' : undefined);
/** What OpenSSL computes with, and so nearly everybody: a longer one is a burden for whoever checks a signature, and no use to anybody. */
const MOST_RSA_BITS = 16_384;
const rsaProblem = (bits: number, exponent: bigint): string | undefined => exponentProblem(exponent) ?? (bits > MOST_RSA_BITS ? `its RSA key of ${bits} bits is longer than anybody computes with (${MOST_RSA_BITS} at most)` : bits < 2048 ? `its RSA key of ${bits} bits is too short (SP 800-131A rev. 2: 2048 at least)` : undefined);
const rsaOutdated = (bits: number, exponent: bigint): boolean => bits < 2048 && exponentProblem(exponent) === undefined;

function load(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki.buffer, spki.byteOffset, spki.length), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

/** @returns undefined for other keys than those that the contract has, and for what is malformed: node:crypto says what those are. */
function fromBytes(spki: Uint8Array): ReadFacts | undefined {
  try {
    const info = new DerReader(spki).enter('');
    const identifier = info.enter('');
    const oid = identifier.oid('');
    if (oid === EC) {
      const name = NAMES_BY_OID[identifier.oid('')];
      return name === undefined ? undefined : { name };
    }
    if (!RSA_KEYS.has(oid)) return NAMES_BY_OID[oid] === undefined ? undefined : { name: NAMES_BY_OID[oid] };
    const key = new DerReader(info.bits('')).enter('');
    const modulus = key.octets('', TAG.integer);
    const exponent = key.octets('', TAG.integer);
    if (modulus.length < 2 || modulus.length > 4097 || exponent.length === 0 || exponent.length > 512 || (modulus[0] as number) >= 0x80 || (exponent[0] as number) >= 0x80) return undefined;
    const first = modulus[0] === 0 ? 1 : 0;
    const bits = 8 * (modulus.length - first) - (Math.clz32(modulus[first] as number) - 24);
    return { name: oid === PSS_OID ? `rsa-${bits} (PSS alone)` : `rsa-${bits}`, bits, exponent: BigInt(`0x${Buffer.from(exponent).toString('hex')}`) };
  } catch {
    return undefined;
  }
}

function loadedKeyInfo(spki: Uint8Array): PublicKeyInfo {
  const key = load(spki);
  if (key === undefined) return { spki, name: nameByOid(spki), key: undefined, problem: UNUSABLE };
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: details = {} } = key;
  if (type === 'rsa' || type === 'rsa-pss') {
    const { modulusLength = 0, publicExponent = 0n } = details;
    return { spki, name: type === 'rsa-pss' ? `rsa-${modulusLength} (PSS alone)` : `rsa-${modulusLength}`, key, bits: modulusLength, problem: rsaProblem(modulusLength, publicExponent), outdated: rsaOutdated(modulusLength, publicExponent) };
  }
  if (type === 'ec') {
    if (!namesItsCurve(spki)) return { spki, name: 'EC on a curve that it spells out', key, problem: 'its key spells out the numbers of a curve instead of naming one (RFC 5480 §2.1.1): whoever chooses them may choose some that sign for another’s key' };
    const name = CURVES[details.namedCurve ?? ''];
    return name === undefined ? { spki, name: `EC on ${details.namedCurve ?? 'a curve of its own'}`, key, ...(/192|160|112|128|sect1/.test(details.namedCurve ?? '') ? { problem: `its key on ${details.namedCurve} is too short (SP 800-131A rev. 2)`, outdated: true } : {}) } : { spki, name, key };
  }
  if (type === 'dsa') return { spki, name: `dsa-${details.modulusLength ?? 0}`, key, problem: 'DSA is no longer approved (FIPS 186-5)', outdated: true };
  return { spki, name: type, key };
}

/** Whether the parameters of an EC key are the name of a curve, as they must be. */
function namesItsCurve(spki: Uint8Array): boolean {
  const identifier = new DerReader(spki).enter('').enter('');
  identifier.next('');
  return identifier.peek() === TAG.oid;
}

function nameByOid(spki: Uint8Array): string {
  try {
    return `key of algorithm ${new DerReader(spki).enter('').enter('').oid('')}`;
  } catch {
    return 'key that cannot be read';
  }
}

/**
 * Checks a signature over `data`.
 * @param signature content of the BIT STRING. @returns false for anything that does not fit: another kind of key, unknown algorithm, malformed bytes.
 */
export function verifySigned({ key, bits }: PublicKeyInfo, algorithm: SignatureAlgorithmInfo, data: Uint8Array, signature: Uint8Array): boolean {
  const type = key?.asymmetricKeyType;
  // Parameters that are absent or NULL make no difference where they say nothing: Java writes NULL for DSA.
  if (key === undefined || type === undefined || (algorithm.fault !== undefined && algorithm.kind !== 'rsa' && algorithm.kind !== 'dsa')) return false;
  // OpenSSL takes a signature whose leading zero was left out, which is none (RFC 8017 §8.1.2, §8.2.2 step 1).
  if ((type === 'rsa' || type === 'rsa-pss') && signature.length !== Math.ceil((bits ?? 0) / 8)) return false;
  try {
    switch (algorithm.kind) {
      case 'rsa': return type === 'rsa' && algorithm.hash !== null && verify(algorithm.hash, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
      case 'rsa-pss': return (type === 'rsa' || type === 'rsa-pss') && algorithm.hash !== null && verify(algorithm.hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength ?? 20 }, signature);
      case 'ec': return type === 'ec' && verify(algorithm.hash, data, key, signature);
      case 'dsa': return type === 'dsa' && verify(algorithm.hash, data, key, signature);
      case 'ed25519': case 'ed448': return type === algorithm.kind && verify(null, data, key, signature);
      case 'ml-dsa': case 'slh-dsa': return (type as string) === algorithm.name && verify(null, data, key, signature);
      default: return false;
    }
  } catch {
    return false;
  }
}

/**
 * Reads a signature.
 * @returns its bytes; none where it is not of whole bytes, as all signatures are: then nobody's key has made it. @throws INVALID_INPUT where it is no BIT STRING
 */
export function readSignature(reader: DerReader, what: string): Uint8Array {
  const element = reader.next(what, TAG.bitString);
  const content = reader.content(element);
  if (content.length === 0) throw malformed(`${what} is no BIT STRING.`, element.offset);
  return content[0] === 0 ? content.subarray(1) : new Uint8Array();
}
