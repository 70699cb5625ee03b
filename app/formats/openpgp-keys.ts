/** OpenPGP keys (RFC 9580 §10.1), to be shown alone: Keywright keeps none of them. */

export interface OpenpgpKeyFacts {
  readonly isPrivate: boolean;
  /** Hex, upper case. */
  readonly fingerprint: string;
  /** "rsaEncryptSign 3072", "ed25519" */
  readonly algorithm: string;
  /** null for other keys than RSA. */
  readonly rsaBits: number | null;
  readonly created: Date;
  readonly expires: Date | null;
  readonly userIds: readonly string[];
  readonly subkeys: readonly { readonly id: string; readonly algorithm: string; readonly created: Date }[];
}

const [MAX_KEYS, MAX_SUBKEYS] = [100, 50];

/** @param content armoured or binary. @returns undefined when it holds no keys that can be read. The library is loaded when such a file is met. */
export async function openpgpKeys(content: Uint8Array): Promise<OpenpgpKeyFacts[] | undefined> {
  const { readKeys, readPrivateKeys } = await import('openpgp');
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('utf8');
  const isArmored = text.includes('-----BEGIN PGP');
  const from = (isArmored ? { armoredKeys: text } : { binaryKeys: Uint8Array.from(content) }) as { armoredKeys: string };
  const isPrivate = text.includes('PGP PRIVATE KEY BLOCK');
  const keys = await (isPrivate ? readPrivateKeys(from) : readKeys(from)).catch(() => undefined); // whatever it throws: these are no keys
  if (keys === undefined) return undefined;
  return Promise.all(keys.slice(0, MAX_KEYS).map(async (key): Promise<OpenpgpKeyFacts> => {
    const info = key.getAlgorithmInfo() as AlgorithmInfo;
    const expires = await key.getExpirationTime().catch(() => null);
    return {
      isPrivate: key.isPrivate(), fingerprint: key.getFingerprint().toUpperCase(), algorithm: named(info), rsaBits: info.algorithm.startsWith('rsa') ? (info.bits ?? null) : null, created: key.getCreationTime(),
      expires: expires instanceof Date ? expires : null, userIds: key.getUserIDs(),
      subkeys: key.getSubkeys().slice(0, MAX_SUBKEYS).map((sub) => ({ id: sub.getKeyID().toHex().toUpperCase(), algorithm: named(sub.getAlgorithmInfo() as AlgorithmInfo), created: sub.getCreationTime() })),
    };
  }));
}

interface AlgorithmInfo {
  readonly algorithm: string;
  readonly bits?: number;
  readonly curve?: string;
}

const named = ({ algorithm, curve, bits }: AlgorithmInfo): string => `${algorithm} ${curve ?? bits ?? ''}`.trim();
