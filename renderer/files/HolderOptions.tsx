import type { InputFor, OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Checkbox, RadioGroup } from '../ui/index.ts';

/** Where a signature goes, in formats that leave the choice: several files in one container, in a file of its own, or with the signed file inside. */
export interface Holder {
  readonly together: boolean;
  readonly within: boolean;
}

type Row = OutputFor<'files.formats'>['rows'][number];
const PLACES = ['detached', 'within'] as const;

export function holderInput({ together, within }: Holder, row: Row, files: number): Pick<InputFor<'files.sign'>, 'together' | 'detached'> {
  if (row.format === 'asic') return together && files > 1 ? { together } : {};
  return row.inside !== null && within ? { detached: false } : {};
}

/** @returns what is added to the name of what is signed, and whether before its ending. */
export function endingOf(holder: Holder, row: Row): { readonly suffix: string; readonly copy: boolean } {
  return (holder.within ? row.inside : null) ?? row;
}

export function HolderOptions({ value, onChange, row, files }: { value: Holder; onChange: (value: Holder) => void; row: Row; files: number }) {
  const t = useText();
  if (row.inside !== null) {
    const kind = row.format === 'xml' ? 'xml' : 'file';
    return (
      <RadioGroup
        label={t('files.holder')} value={value.within ? 'within' : 'detached'} onChange={(place) => onChange({ ...value, within: place === 'within' })}
        options={PLACES.map((place) => ({ value: place, label: t(`files.holder.${place}.${kind}`), help: t(`files.holderHelp.${place}.${kind}`) }))}
      />
    );
  }
  if (row.format !== 'asic' || files < 2) return null;
  return <Checkbox isSelected={value.together} onChange={(together) => onChange({ ...value, together })} help={t('files.togetherHelp')}>{t('files.together')}</Checkbox>;
}
