import type { InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Select, TextField } from '../ui/index.ts';

const PLACES = ['unseen', 'top-left', 'top-right', 'bottom-left', 'bottom-right', 'own'] as const;

/** How a signature of a PDF is seen, and what it says. */
export interface Seen {
  readonly reason: string;
  readonly place: (typeof PLACES)[number];
  /** Counted from 1, as it is typed. */
  readonly page: string;
  /** `left,bottom,right,top`, in points of 1/72 inch. */
  readonly rectangle: string;
}
export const UNSEEN: Seen = { reason: '', place: 'unseen', page: '1', rectangle: '36,36,216,81' };

/** Where on an A4 page, and within a Letter one too: half an inch from its edges. */
const RECTANGLES: Readonly<Record<Exclude<Seen['place'], 'unseen' | 'own'>, string>> = {
  'top-left': '36,711,216,756', 'top-right': '379,711,559,756', 'bottom-left': '36,36,216,81', 'bottom-right': '379,36,559,81',
};
const RECTANGLE = /^-?\d{1,6}(\.\d{1,3})?(,-?\d{1,6}(\.\d{1,3})?){3}$/;

const isPage = (page: string): boolean => /^[1-9]\d{0,5}$/.test(page);

/** Whether what was typed can be taken. */
export function isSeenWell({ place, page, rectangle }: Seen): boolean {
  return place === 'unseen' || (isPage(page) && (place !== 'own' || RECTANGLE.test(rectangle.replaceAll(' ', ''))));
}

export function pdfInput({ reason, place, page, rectangle }: Seen): Pick<InputFor<'files.sign'>, 'reason' | 'rectangle' | 'page'> {
  return {
    ...(reason.trim() !== '' && { reason: reason.trim() }),
    ...(place !== 'unseen' && { rectangle: place === 'own' ? rectangle.replaceAll(' ', '') : RECTANGLES[place], ...(isPage(page) && page !== '1' && { page: Number(page) }) }),
  };
}

export function PdfOptions({ value, onChange }: { value: Seen; onChange: (value: Seen) => void }) {
  const t = useText();
  const { place, page, rectangle } = value;
  return (
    <div className="flex flex-wrap gap-4">
      <TextField label={t('files.reason')} value={value.reason} onChange={(reason) => onChange({ ...value, reason })} help={t('files.reasonHelp')} className="w-80" maxLength={1000} />
      <Select
        label={t('files.seen')} value={place} onChange={(next) => onChange({ ...value, place: next })} className="w-80" help={place === 'unseen' ? t('files.seenHelp.unseen') : t('files.seenHelp.seen')}
        choices={PLACES.map((name) => ({ value: name, label: t(`files.seenName.${name}`) }))}
      />
      {place !== 'unseen' && <TextField label={t('files.page')} value={page} onChange={(next) => onChange({ ...value, page: next })} isInvalid={!isPage(page)} inputMode="numeric" help={t('files.pageHelp')} className="w-80" />}
      {place === 'own' && <TextField label={t('files.rectangle')} value={rectangle} onChange={(next) => onChange({ ...value, rectangle: next })} isInvalid={!isSeenWell(value)} help={t('files.rectangleHelp')} className="w-80" mono />}
    </div>
  );
}
