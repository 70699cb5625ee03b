import { FileQuestion, HardDrive, Unplug, Usb } from 'lucide-react';
import type { CertificateRecord } from '../../app/contract/index.ts';
import { useText } from '../i18n/index.ts';
import { Badge, cx } from '../ui/index.ts';

/** Where a certificate's key is, with an icon and in words; a token that holds the certificate alone is named too. */
export function KeyPlace({ certificate: { keys, places } }: { certificate: CertificateRecord }) {
  const t = useText();
  const [key] = keys;
  const token = key === undefined ? places.find(({ kind }) => kind === 'token') : undefined;
  const inToken = key?.token ?? token?.title ?? null;
  const Icon = inToken !== null ? Usb : key === undefined ? FileQuestion : HardDrive;
  const here = key === undefined || key.present;
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      <Icon aria-hidden className={cx('size-4 shrink-0', key === undefined && 'text-muted')} strokeWidth={1.75} />
      <span className={cx('truncate', (key === undefined || !here) && 'text-muted')}>{inToken ?? (key === undefined ? t('certificates.noKey') : key.backend === 'software' ? t('keys.thisComputer') : key.backend)}</span>
      {!here && <Badge icon={Unplug}>{t('keys.notPresent')}</Badge>}
    </span>
  );
}
