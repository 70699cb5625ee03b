import type { CertificateRecord } from '../../app/contract/index.ts';
import type { Text } from '../i18n/index.ts';

/** @returns where a certificate's key is, in words. */
export function keyPlace({ keys, places }: CertificateRecord, t: Text): string {
  const [key] = keys;
  if (key !== undefined) return key.backend === 'software' ? t('keys.thisComputer') : key.backend;
  const token = places.find(({ kind }) => kind === 'token');
  return token?.title ?? t('certificates.noKey');
}
