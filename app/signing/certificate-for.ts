import type { Certificate } from '../certificates/index.ts';
import { because, KeywrightError } from '../contract/index.ts';
import type { SigningKey } from './format.ts';

/** @throws CAPABILITY_MISSING when the key has no certificate that serves */
export async function certificateFor(key: SigningKey): Promise<Awaited<ReturnType<NonNullable<SigningKey['certificate']>>>> {
  if (key.certificate !== undefined) return key.certificate();
  throw new KeywrightError('CAPABILITY_MISSING', because('certificate.none-for-key', { key: key.label }));
}

/** @returns the signer's certificate and those between it and its root. @throws as {@link certificateFor} */
export async function chainFor(key: SigningKey): Promise<readonly Certificate[]> {
  const { certificate, chain } = await certificateFor(key);
  return [certificate, ...chain];
}
