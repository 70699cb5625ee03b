import type { Certificate } from '../certificates/index.ts';
import { KeywrightError } from '../contract/index.ts';
import type { SigningKey } from './format.ts';

/** @throws CAPABILITY_MISSING when the key has no certificate that serves */
export async function certificateFor(key: SigningKey): Promise<Awaited<ReturnType<NonNullable<SigningKey['certificate']>>>> {
  if (key.certificate !== undefined) return key.certificate();
  throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${key.label}” has no certificate.`, remedy: `Make one with \`keywright certificates self-sign\`, or request one with \`keywright certificates request\`.` });
}

/** @returns the signer's certificate and those between it and its root. @throws as {@link certificateFor} */
export async function chainFor(key: SigningKey): Promise<readonly Certificate[]> {
  const { certificate, chain } = await certificateFor(key);
  return [certificate, ...chain];
}
