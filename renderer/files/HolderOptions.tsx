import type { InputFor, OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Checkbox } from '../ui/index.ts';

/** Where a signature goes, in formats that leave the choice: several files in one container, or within an XML document. */
export interface Holder {
  readonly together: boolean;
  readonly within: boolean;
}

type Row = OutputFor<'files.formats'>['rows'][number];

export function holderInput({ together, within }: Holder, format: Row['format'], files: number): Pick<InputFor<'files.sign'>, 'together' | 'detached'> {
  if (format === 'asic') return together && files > 1 ? { together } : {};
  return format === 'xml' && within ? { detached: false } : {};
}

export function HolderOptions({ value, onChange, format, files }: { value: Holder; onChange: (value: Holder) => void; format: Row['format']; files: number }) {
  const t = useText();
  if (format === 'xml') return <Checkbox isSelected={value.within} onChange={(within) => onChange({ ...value, within })} help={t('files.withinHelp')}>{t('files.within')}</Checkbox>;
  if (format !== 'asic' || files < 2) return null;
  return <Checkbox isSelected={value.together} onChange={(together) => onChange({ ...value, together })} help={t('files.togetherHelp')}>{t('files.together')}</Checkbox>;
}
