import type { InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Select, TextField } from '../ui/index.ts';

/** How a signature of a PDF is seen, and what it says. */
export interface Seen {
  readonly reason: string;
  readonly place: 'unseen' | 'first-page';
}

/** The lower left corner of the first page, where most pages have a margin: points of 1/72 inch. */
const CORNER = '36,36,216,81';

export function pdfInput({ reason, place }: Seen): Pick<InputFor<'files.sign'>, 'reason' | 'rectangle'> {
  return { ...(reason.trim() !== '' && { reason: reason.trim() }), ...(place === 'first-page' && { rectangle: CORNER }) };
}

export function PdfOptions({ value, onChange }: { value: Seen; onChange: (value: Seen) => void }) {
  const t = useText();
  return (
    <div className="flex flex-wrap gap-4">
      <TextField label={t('files.reason')} value={value.reason} onChange={(reason) => onChange({ ...value, reason })} help={t('files.reasonHelp')} className="w-80" maxLength={1000} />
      <Select
        label={t('files.seen')} value={value.place} onChange={(place) => onChange({ ...value, place })} className="w-80" help={t(`files.seenHelp.${value.place}`)}
        choices={(['unseen', 'first-page'] as const).map((place) => ({ value: place, label: t(`files.seenName.${place}`), help: t(`files.seenHelp.${place}`) }))}
      />
    </div>
  );
}
