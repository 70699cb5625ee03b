import type { KeyRecord } from '../../app/contract/index.ts';
import { algorithmName } from './algorithms.ts';

/** Forms of several public keys in one file. */
export const PUBLIC_SETS = ['pem', 'openssh', 'jwk'] as const;
export type PublicSet = (typeof PUBLIC_SETS)[number];
export const SET_FILES: Readonly<Record<PublicSet, string>> = { pem: 'public-keys.pem', openssh: 'authorized_keys', jwk: 'public-keys.jwks.json' };

/**
 * @param keys  public keys in their own forms, each with the key that it is of
 * @returns the file: PEM with a line before each that says which it is (explanatory text, RFC 7468 §5.2), lines of OpenSSH, or a JWK Set (RFC 7517 §5)
 */
export function publicSet(format: PublicSet, keys: readonly { readonly key: Pick<KeyRecord, 'label' | 'algorithm'>; readonly text: string }[]): string {
  if (format === 'jwk') return `${JSON.stringify({ keys: keys.map(({ text }) => JSON.parse(text) as unknown) }, null, 2)}\n`;
  return keys.map(({ key: { label, algorithm }, text }) => `${format === 'pem' ? `${label.replaceAll(/[\p{Cc}-]+/gu, ' ')} (${algorithmName(algorithm)})\n` : ''}${text.trimEnd()}\n`).join(format === 'pem' ? '\n' : '');
}
