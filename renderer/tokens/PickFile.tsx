import { useBridge, type ChosenFile } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button } from '../ui/index.ts';

/** One file to choose, and which it is. */
export function PickFile({ label, file, onPick }: { label: string; file: ChosenFile | undefined; onPick: (file: ChosenFile) => void }) {
  const t = useText();
  const bridge = useBridge();
  const pick = async (): Promise<void> => {
    const [picked] = await bridge.pickFiles({ title: label });
    if (picked !== undefined) onPick(picked);
  };
  return (
    <div className="flex items-center gap-3">
      <Button autoFocus onPress={() => void pick()}>{label}</Button>
      <span className="min-w-0 truncate text-13">{file?.name ?? t('tokens.file.none')}</span>
    </div>
  );
}
