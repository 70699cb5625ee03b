import { useBridge, type ChosenFile, type FileReference } from '../bridge/index.ts';
import { byteSize, useText } from '../i18n/index.ts';
import { Button } from '../ui/index.ts';

/** What is chosen for an operation, as a form: one below another. */
export const PART = 'flex flex-col gap-5';

/** Of thousands, the first are shown. */
const MOST_SHOWN = 200;

/** Files that were chosen or dropped, and the button to choose them. */
export function ChosenFiles({ label, files, onChoose, multiple = false, folders = false, onClear, dropped = true }: { label: string; files: readonly ChosenFile[]; onChoose: (files: readonly ChosenFile[]) => void; multiple?: boolean; /** Whole folders too. */ folders?: boolean; onClear?: () => void; /** What is dropped on the window comes here. */ dropped?: boolean }) {
  const t = useText();
  const bridge = useBridge();
  const pick = async (): Promise<void> => {
    const chosen = await bridge.pickFiles({ title: label, multiple });
    if (chosen.length > 0) onChoose(chosen);
  };
  const pickFolder = async (): Promise<void> => {
    const chosen = await bridge.pickFolderOfFiles(label);
    if (chosen.length > 0) onChoose(chosen);
  };
  return (
    <section aria-label={label} className="flex flex-col gap-2">
      <h2 className="text-13 font-medium">{label}</h2>
      {files.length > 0 && (
        <ul className="max-h-60 overflow-y-auto rounded-control border border-border bg-canvas" tabIndex={0}>
          {files.slice(0, MOST_SHOWN).map((file, index) => (
            <li key={`${file.name}-${index}`} className="flex h-9 items-center justify-between gap-3 px-3 text-13">
              <span className="truncate">{file.folder === undefined || file.folder === '' ? file.name : `${file.folder}/${file.name}`}</span>
              <span className="shrink-0 text-muted">{file.isFolder === true ? t('files.folder') : byteSize(file.size, t.language)}</span>
            </li>
          ))}
          {files.length > MOST_SHOWN && <li className="flex h-9 items-center px-3 text-13 text-muted">{t('files.andMore', { n: files.length - MOST_SHOWN })}</li>}
        </ul>
      )}
      <div className="flex flex-wrap items-center gap-2">
        <Button onPress={() => void pick()}>{multiple ? t('files.choose') : t('files.chooseOne')}</Button>
        {folders && <Button onPress={() => void pickFolder()}>{t('files.chooseFolder')}</Button>}
        {files.length > 0 && onClear && <Button kind="plain" onPress={onClear}>{t('files.clear')}</Button>}
        {dropped && <span className="text-12 text-muted">{t('files.orDrop')}</span>}
      </div>
    </section>
  );
}

/** @returns what to give to an operation. @throws ProblemError for a file that cannot be read */
export async function referencesTo(files: readonly ChosenFile[]): Promise<FileReference[]> {
  const references: FileReference[] = [];
  for (const file of files) references.push(await file.toInput());
  return references;
}

/** @returns how many files were chosen; 0: nobody has counted those in a folder. */
export const countOf = (files: readonly ChosenFile[]): number => (files.some(({ isFolder }) => isFolder === true) ? 0 : files.length);

export const now = (): Date => new Date();

export const baseName = (path: string): string => path.split(/[/\\]/).at(-1) ?? path;
