import { useText } from '../i18n/index.ts';
import { StateBadge, TimeInWords, useMinute } from '../ui/index.ts';

const SOON_MS = 30 * 24 * 60 * 60 * 1000;

/** When a key ends, in words; soon or past with an icon and a colour too. */
export function Expiry({ at }: { at: string | null }) {
  const t = useText();
  const now = useMinute();
  if (at === null) return t('keys.noEnd');
  const left = Date.parse(at) - now.getTime();
  return left > SOON_MS ? <TimeInWords at={at} /> : <StateBadge tone={left <= 0 ? 'danger' : 'warning'}><TimeInWords at={at} /></StateBadge>;
}
