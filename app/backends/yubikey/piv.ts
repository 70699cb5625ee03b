import { KEY_ALGORITHMS, type KeyAlgorithmName, type PinPolicy, type TouchPolicy } from '../../contract/index.ts';
import { buildSpki, uncompressedPoint } from '../../formats/spki.ts';
import { toBigInt } from '../../formats/der.ts';
import { findTlv, parseTlvs } from '../../devices/index.ts';

/** The numbers of the PIV application: those of SP 800-73-4 part 1 (tables 2, 4b) and part 2, SP 800-78-4, and Yubico's own. */

export const AID = {
  piv: Buffer.from('a000000308', 'hex'),
  /** As SP 800-73-4 part 1 §2.2 has it, without its version: who compares more than the beginning wants this, or all of it. */
  pivLonger: [Buffer.from('a00000030800001000', 'hex'), Buffer.from('a000000308000010000100', 'hex')],
  /** Yubico's management and one-time-password applications: serial number, form factor and firmware. */
  management: Buffer.from('a000000527471117', 'hex'),
  otp: Buffer.from('a0000005272001', 'hex'),
} as const;

export const INS = {
  select: 0xa4, getData: 0xcb, putData: 0xdb, verify: 0x20, changeReference: 0x24, resetRetry: 0x2c, generalAuthenticate: 0x87, generate: 0x47,
  // Yubico's own.
  version: 0xfd, serial: 0xf8, metadata: 0xf7, importKey: 0xfe, setManagementKey: 0xff, attest: 0xf9, reset: 0xfb, setRetries: 0xfa, moveKey: 0xf6,
} as const;

export const PIN_REFERENCE = 0x80;
export const PUK_REFERENCE = 0x81;
export const MANAGEMENT_REFERENCE = 0x9b;

export interface Slot {
  readonly name: string;
  readonly reference: number;
  readonly title: string;
  /** The data object of its certificate. */
  readonly certificate: number;
}

const slot = (name: string, title: string, certificate: number): Slot => ({ name, reference: Number.parseInt(name, 16), title, certificate });

/** Where keys go when no slot is named: not 9e, whose keys act without a PIN. */
const MAIN = [slot('9a', 'Authentication', 0x5fc105), slot('9c', 'Digital signature', 0x5fc10a), slot('9d', 'Key management', 0x5fc10b), slot('9e', 'Card authentication', 0x5fc101)];
const RETIRED = Array.from({ length: 20 }, (_, index) => slot((0x82 + index).toString(16), `Retired key management ${index + 1}`, 0x5fc10d + index));
export const ATTESTATION_SLOT = slot('f9', 'Attestation', 0x5fff01);
export const SLOTS: readonly Slot[] = [...MAIN, ...RETIRED, ATTESTATION_SLOT];

export const OBJECT = { chuid: 0x5fc102, ccc: 0x5fc107, printed: 0x5fc109, adminData: 0x5fff00 } as const;

/** Algorithm references. */
export const ALGORITHM_REFERENCES = {
  'rsa-1024': 0x06, 'rsa-2048': 0x07, 'rsa-3072': 0x05, 'rsa-4096': 0x16, 'ec-p256': 0x11, 'ec-p384': 0x14, ed25519: 0xe0, x25519: 0xe1,
} as const satisfies Partial<Record<KeyAlgorithmName, number>>;
export type PivAlgorithm = keyof typeof ALGORITHM_REFERENCES;

export function isPivAlgorithm(name: KeyAlgorithmName): name is PivAlgorithm {
  return name in ALGORITHM_REFERENCES;
}

/** @returns undefined for one that we do not know. */
export function algorithmOf(reference: number): PivAlgorithm | undefined {
  return (Object.keys(ALGORITHM_REFERENCES) as PivAlgorithm[]).find((name) => ALGORITHM_REFERENCES[name] === reference);
}

const PIN_POLICIES: readonly PinPolicy[] = ['unknown', 'never', 'once', 'always', 'match-once', 'match-always'];
const TOUCH_POLICIES: readonly TouchPolicy[] = ['unknown', 'never', 'always', 'cached'];

export const pinPolicyOf = (code: number | undefined): PinPolicy => PIN_POLICIES[code ?? 0] ?? 'unknown';
export const touchPolicyOf = (code: number | undefined): TouchPolicy => TOUCH_POLICIES[code ?? 0] ?? 'unknown';

/** @returns the number for a policy that is asked for; a fingerprint `match` counts once. */
export const pinPolicyCode = (policy: PinPolicy): number => PIN_POLICIES.indexOf(policy === 'match' ? 'match-once' : policy);
export const touchPolicyCode = (policy: TouchPolicy): number => TOUCH_POLICIES.indexOf(policy);

/**
 * @param objects modulus 81 and exponent 82, or point or bytes 86, as GENERATE and METADATA tell a public key (part 2, table 23).
 * @returns SPKI, DER. @throws INVALID_INPUT when it is no key of the algorithm.
 */
export function publicKeyOf(algorithm: PivAlgorithm, objects: Uint8Array): Buffer {
  const outer = parseTlvs(objects, 'the public key');
  // Bare in metadata, in a template of its own in the answer to GENERATE: either is read.
  const template = findTlv(outer, 0x7f49);
  const parts = template === undefined ? outer : parseTlvs(template, 'the public key');
  const part = (tag: number): Uint8Array => findTlv(parts, tag) ?? new Uint8Array(0);
  const { family } = KEY_ALGORITHMS[algorithm];
  if (family === 'rsa') return buildSpki({ kind: 'rsa', algorithm, n: toBigInt(part(0x81)), e: toBigInt(part(0x82)) });
  const bits = unwrapped(part(0x86), algorithm);
  return family === 'ec' ? buildSpki({ kind: 'ec', algorithm, bytes: uncompressedPoint(algorithm, bits) }) : buildSpki({ kind: 'bytes', algorithm, bytes: bits });
}

/** Some cards put the point into an OCTET STRING of its own, as PKCS#11 has it. A bare one is two bytes shorter, and begins with 04 too. */
function unwrapped(bits: Uint8Array, algorithm: PivAlgorithm): Uint8Array {
  const { family, bits: size } = KEY_ALGORITHMS[algorithm];
  const length = family === 'ec' ? 1 + size / 4 : bits.length - 2;
  return bits.length === length + 2 && bits[0] === 0x04 && bits[1] === length && (family === 'ec' || length === RAW_KEY) ? bits.subarray(2) : bits;
}

/** Of Ed25519 and X25519 (RFC 8410 §4). */
const RAW_KEY = 32;
