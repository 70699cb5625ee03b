import { useBridge, type ChosenFile } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button } from './Button.tsx';

/** Files to choose, and which they are. */
export function PickFiles({ label, files, onPick, multiple = true, autoFocus = false }: { label: string; files: readonly ChosenFile[]; onPick: (files: readonly ChosenFile[]) => void; multiple?: boolean; autoFocus?: boolean }) {
  const t = useText();
  const bridge = useBridge();
  const pick = async (): Promise<void> => {
    const picked = await bridge.pickFiles({ title: label, multiple });
    if (picked.length > 0) onPick(picked);
  };
  return (
    <div className="flex items-center gap-3">
      <Button autoFocus={autoFocus} onPress={() => void pick()}>{label}</Button>
      <span className="min-w-0 truncate text-13">{files.length === 0 ? t('common.nothingChosen') : files.map(({ name }) => name).join(', ')}</span>
    </div>
  );
}

/** One file to choose, and which it is. */
export function PickFile({ label, file, onPick, autoFocus = true }: { label: string; file: ChosenFile | undefined; onPick: (file: ChosenFile) => void; autoFocus?: boolean }) {
  return <PickFiles label={label} files={file === undefined ? [] : [file]} multiple={false} autoFocus={autoFocus} onPick={([picked]) => picked !== undefined && onPick(picked)} />;
}
