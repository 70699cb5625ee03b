import { KEY_ALGORITHMS, type KeyAlgorithmName, type SignatureAlgorithmName, signatureAlgorithmsOf } from '../contract/index.ts';

/** Which key can make which signature format, and why not the rest. A new format is a new row here and a module beside this one. */

export interface SignatureFormatFacts {
  /** @returns the signature algorithms with which a key of `algorithm` can make it, the recommended one first, or why it cannot. */
  judge(algorithm: KeyAlgorithmName): { readonly algorithms: readonly SignatureAlgorithmName[] } | { readonly reason: string };
}

export const SIGNATURE_FORMATS = {
  /** The bare signature, in a file of its own. */
  raw: {
    judge: (algorithm) => {
      const algorithms = signatureAlgorithmsOf(algorithm);
      return algorithms.length > 0 ? { algorithms } : { reason: whyNoSignature(algorithm) };
    },
  },
} as const satisfies Record<string, SignatureFormatFacts>;
export type SignatureFormatName = keyof typeof SIGNATURE_FORMATS;

export interface FormatRow {
  readonly format: SignatureFormatName;
  readonly available: boolean;
  readonly algorithms: readonly SignatureAlgorithmName[];
  /** Why not, in a sentence; null when it is available. */
  readonly reason: string | null;
}

/** @returns a row for each format. */
export function formatsOf(algorithm: KeyAlgorithmName): FormatRow[] {
  return (Object.keys(SIGNATURE_FORMATS) as SignatureFormatName[]).map((format) => {
    const verdict = SIGNATURE_FORMATS[format].judge(algorithm);
    return 'reason' in verdict ? { format, available: false, algorithms: [], reason: verdict.reason } : { format, available: true, algorithms: verdict.algorithms, reason: null };
  });
}

function whyNoSignature(algorithm: KeyAlgorithmName): string {
  const { kind, family } = KEY_ALGORITHMS[algorithm];
  if (family === 'hmac') return `${algorithm} makes message authentication codes, which prove nothing to anybody who does not have the key.`;
  if (kind === 'symmetric') return `${algorithm} is a symmetric key: it encrypts, and does not sign.`;
  return family === 'ml-kem' ? `${algorithm} encapsulates secrets, and does not sign.` : `${algorithm} agrees on secrets, and does not sign.`;
}
