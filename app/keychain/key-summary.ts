import { USAGES, type HardwareFacts, type KeyAlgorithmName, type Usage } from '../contract/index.ts';
import type { Protection } from '../keystore/keystore.ts';
import type { StoredKey } from './inventory.ts';

/** A key in an index of many: values by position, usages as bits. Append only. */
export type KeySummary = [
  uri: string, id: string, label: string, backend: string, type: string, algorithm: KeyAlgorithmName, usages: number, state: StoredKey['state'], createdAt: string,
  notBefore: string | null, notAfter: string | null, extractable: 0 | 1, protection: Protection, tags: string[], origin: StoredKey['origin'], trashedUntil: string | null,
  versions: [version: number, createdAt: string, retired: 0 | 1, fingerprint: string | null][], formerIds: string[], change: number,
  ...hardware: HardwareSummary[],
];
type HardwareSummary = [
  ref: string, token: string, tokenTitle: string, slot: string | null, slotTitle: string | null, pinPolicy: HardwareFacts['pinPolicy'], touchPolicy: HardwareFacts['touchPolicy'], madeOnDevice: boolean | null,
];

/** @returns the key as an index holds it: for {@link Storage.put}. */
export function toSummary(key: StoredKey): KeySummary {
  const summary: KeySummary = [
    key.uri, key.id, key.label, key.backend, key.type, key.algorithm, USAGES.reduce((bits, usage, index) => bits | (key.usages.includes(usage) ? 1 << index : 0), 0), key.state, key.createdAt,
    key.notBefore, key.notAfter, key.extractable ? 1 : 0, key.protection, [...key.tags], key.origin, key.trashedUntil,
    key.versions.map(({ version, createdAt, retired, fingerprint }) => [version, createdAt, retired ? 1 : 0, fingerprint]), [...key.formerIds], key.change,
  ];
  if (key.ref !== null && key.hardware !== null) {
    const { token, tokenTitle, slot, slotTitle, pinPolicy, touchPolicy, madeOnDevice } = key.hardware;
    summary.push([key.ref, token, tokenTitle, slot, slotTitle, pinPolicy, touchPolicy, madeOnDevice]);
  }
  return summary;
}

/** @returns the key that {@link toSummary} put down. */
export function fromSummary(summary: KeySummary): StoredKey {
  const [uri, id, label, backend, type, algorithm, usages, state, createdAt, notBefore, notAfter, extractable, protection, tags, origin, trashedUntil, versions, formerIds, change, hardware] = summary;
  return {
    uri, id, label, backend, type, algorithm, usages: usagesOf(usages), state, createdAt, notBefore, notAfter, extractable: extractable === 1, protection, tags, origin,
    trashedUntil, versions: versions.map(([version, at, retired, fingerprint]) => ({ version, createdAt: at, retired: retired === 1, fingerprint })), formerIds, change, ref: hardware?.[0] ?? null, hardware: hardware === undefined ? null : hardwareFrom(hardware),
  };
}

/** Few sets of usages occur, in many keys each. */
const USAGES_OF = new Map<number, readonly Usage[]>();

function usagesOf(bits: number): readonly Usage[] {
  let usages = USAGES_OF.get(bits);
  if (usages === undefined) USAGES_OF.set(bits, (usages = USAGES.filter((_, index) => (bits & (1 << index)) !== 0)));
  return usages;
}

function hardwareFrom([, token, tokenTitle, slot, slotTitle, pinPolicy, touchPolicy, madeOnDevice]: HardwareSummary): HardwareFacts {
  return { token, tokenTitle, slot, slotTitle, pinPolicy, touchPolicy, madeOnDevice };
}
