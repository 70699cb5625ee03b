import type { KeyAlgorithmName } from '../../app/contract/index.ts';
import type { Text } from '../i18n/index.ts';
import type { ChoiceGroup } from '../ui/index.ts';

/** Algorithms as a person chooses them: by what they are for, the usual ones first. */
const GROUPS = {
  usual: ['ec-p256', 'ed25519', 'rsa-3072', 'aes-256'],
  rsa: ['rsa-2048', 'rsa-4096', 'rsa-8192'],
  curves: ['ec-p384', 'ec-p521', 'ec-secp256k1', 'ec-brainpoolp256r1', 'ec-brainpoolp384r1', 'ec-brainpoolp512r1', 'ed448'],
  agreement: ['x25519', 'x448'],
  symmetric: ['aes-128', 'aes-192', 'chacha20-poly1305', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'],
  quantum: [
    'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87', 'ml-kem-512', 'ml-kem-768', 'ml-kem-1024',
    'slh-dsa-sha2-128s', 'slh-dsa-sha2-128f', 'slh-dsa-sha2-192s', 'slh-dsa-sha2-192f', 'slh-dsa-sha2-256s', 'slh-dsa-sha2-256f',
    'slh-dsa-shake-128s', 'slh-dsa-shake-128f', 'slh-dsa-shake-192s', 'slh-dsa-shake-192f', 'slh-dsa-shake-256s', 'slh-dsa-shake-256f',
  ],
} as const satisfies Record<string, readonly KeyAlgorithmName[]>;

const CURVES: Readonly<Record<string, string>> = {
  'ec-p256': 'EC P-256', 'ec-p384': 'EC P-384', 'ec-p521': 'EC P-521', 'ec-secp256k1': 'EC secp256k1',
  'ec-brainpoolp256r1': 'EC brainpoolP256r1', 'ec-brainpoolp384r1': 'EC brainpoolP384r1', 'ec-brainpoolp512r1': 'EC brainpoolP512r1',
  ed25519: 'Ed25519', ed448: 'Ed448', x25519: 'X25519', x448: 'X448', 'chacha20-poly1305': 'ChaCha20-Poly1305',
};

/** @returns the name as people write it: "EC P-256", "RSA 3072", "ML-DSA-65". The same in every language. */
export function algorithmName(algorithm: string): string {
  const known = CURVES[algorithm];
  if (known !== undefined) return known;
  if (algorithm.startsWith('slh-dsa-')) return `SLH-DSA-${algorithm.slice('slh-dsa-'.length).replace(/^(sha2|shake)/, (family) => family.toUpperCase())}`;
  if (algorithm.startsWith('hmac-')) return `HMAC SHA-${algorithm.slice('hmac-sha'.length)}`;
  if (/^(rsa|aes)-/.test(algorithm)) return algorithm.toUpperCase().replace('-', ' ');
  return algorithm.toUpperCase();
}

/** @returns what an algorithm is good for, in a line. */
export function algorithmHelp(algorithm: KeyAlgorithmName, t: Text): string {
  const key = `keys.algorithm.${algorithm.startsWith('slh-dsa') ? 'slh-dsa' : algorithm}`;
  return t.has(key) ? t(key) : '';
}

/** @param offered algorithms that the chosen place has. */
export function algorithmChoices(offered: readonly KeyAlgorithmName[], t: Text): ChoiceGroup<KeyAlgorithmName>[] {
  return (Object.entries(GROUPS) as [keyof typeof GROUPS, readonly KeyAlgorithmName[]][]).flatMap(([group, algorithms]) => {
    const choices = algorithms.filter((algorithm) => offered.includes(algorithm)).map((algorithm) => ({ value: algorithm, label: algorithmName(algorithm), help: algorithmHelp(algorithm, t) }));
    return choices.length === 0 ? [] : [{ title: t(`keys.group.${group}`), choices }];
  });
}
