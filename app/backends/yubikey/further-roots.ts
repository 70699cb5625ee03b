import { readFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { KeywrightError } from '../../contract/index.ts';
import { parsePem } from '../../formats/pem.ts';

/** @param path of a PEM file with certificates, as configured. @returns them, DER. @throws INVALID_INPUT when it cannot be read */
export async function furtherRoots(path: string | undefined): Promise<Uint8Array[]> {
  if (path === undefined) return [];
  try {
    return parsePem(await readFile(path)).filter(({ label }) => label === 'CERTIFICATE').map(({ content }) => new X509Certificate(content).raw);
  } catch (cause) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'The file with further attestation roots cannot be read as certificates in PEM.', where: '/settings/attestationRoots', remedy: 'Mend the setting: `keywright backends show yubikey`.', cause });
  }
}
