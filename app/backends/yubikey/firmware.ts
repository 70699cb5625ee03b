import type { KeyAlgorithmName, PinPolicy, TouchPolicy } from '../../contract/index.ts';
import { ATTESTATION_SLOT, SLOTS, type PivAlgorithm, type Slot } from './piv.ts';

/** What a firmware can do, as Yubico documents it. The version is the device's own word; what can be asked for by a command is (`discovery.ts`). */

export type Version = readonly [major: number, minor: number, patch: number];

export const versionText = (version: Version): string => version.join('.');

export function isAtLeast(version: Version, ...wanted: Version): boolean {
  for (const index of [0, 1, 2] as const) if (version[index] !== wanted[index]) return version[index] > wanted[index];
  return true;
}

export interface Gates {
  /** Keys that can be made and taken in. */
  readonly algorithms: readonly PivAlgorithm[];
  readonly pinPolicies: readonly PinPolicy[];
  readonly touchPolicies: readonly TouchPolicy[];
  readonly slots: readonly Slot[];
  readonly attestation: boolean;
  readonly moveKey: boolean;
  readonly aesManagementKey: boolean;
  /** Each use of the management key may need a touch. */
  readonly managementTouch: boolean;
  /** RSA keys that are made here can be factored (CVE-2017-15361, ROCA). */
  readonly weakRsa: boolean;
  /** Tries are told as 63 0X and not as 63 CX. */
  readonly oldRetryStatus: boolean;
  /** Bytes of command data, chained blocks together. */
  readonly buffer: number;
}

/**
 * @param firmware of the device. @param piv what the PIV application says of itself: another number on a NEO.
 * @param hasFingerprints a YubiKey Bio, which has the policies *match*.
 */
export function gatesOf(firmware: Version, piv: Version, hasFingerprints: boolean): Gates {
  const from = (...wanted: Version): boolean => isAtLeast(firmware, ...wanted);
  const four = from(4, 0, 0);
  const attestation = from(4, 3, 0);
  return {
    algorithms: ['ec-p256', ...(four ? ['ec-p384' as const] : []), ...(from(5, 7, 0) ? ['ed25519' as const, 'x25519' as const] : []), 'rsa-2048', ...(from(5, 7, 0) ? ['rsa-3072' as const, 'rsa-4096' as const] : []), 'rsa-1024'],
    pinPolicies: four ? ['never', 'once', 'always', ...(hasFingerprints ? ['match-once' as const, 'match-always' as const] : [])] : [],
    touchPolicies: four ? ['never', 'always', ...(attestation ? ['cached' as const] : [])] : [],
    slots: SLOTS.filter((slot) => (slot === ATTESTATION_SLOT ? attestation : four || slot.reference >= 0x9a)),
    attestation,
    moveKey: from(5, 7, 0),
    aesManagementKey: from(5, 4, 2),
    managementTouch: four,
    weakRsa: from(4, 2, 6) && !from(4, 3, 5),
    oldRetryStatus: !isAtLeast(piv, 1, 0, 4),
    buffer: four ? 3072 : 2048,
  };
}

/** @returns which firmware brings an algorithm, for refusals. */
export function firmwareFor(algorithm: KeyAlgorithmName): string | undefined {
  if (['rsa-3072', 'rsa-4096', 'ed25519', 'x25519'].includes(algorithm)) return '5.7';
  return algorithm === 'ec-p384' ? '4.0' : undefined;
}
