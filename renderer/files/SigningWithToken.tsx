import { Hand, Unplug } from 'lucide-react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { useText } from '../i18n/index.ts';

/** What a token will ask for, before it does: how often its PIN, how often a touch. */
export function SigningWithToken({ keyRecord, hardware, files }: { keyRecord: KeyRecord; hardware: NonNullable<KeyRecord['hardware']>; files: number }) {
  const t = useText();
  if (!keyRecord.present) return <p className="flex items-center gap-2 text-13 text-warning"><Unplug aria-hidden className="size-4 shrink-0" strokeWidth={1.75} />{t('keys.notPresentTitle', { token: hardware.tokenTitle })}</p>;
  const n = Math.max(1, files);
  return (
    <p className="flex items-center gap-2 text-13 text-muted">
      <Hand aria-hidden className="size-4 shrink-0" strokeWidth={1.75} />
      <span>{t('files.token', { token: hardware.tokenTitle })} {t(`files.pin.${hardware.pinPolicy}`)} {t(`files.touch.${hardware.touchPolicy}`, { n })}</span>
    </p>
  );
}
