import { useText, type Telling } from '../i18n/index.ts';
import { Notice } from '../ui/index.ts';
import { baseName } from './chosen-files.tsx';

interface Done {
  readonly name: string;
  readonly written: { path: string } | { download: string } | null;
}

/** What became of each file. */
export function FilesDone({ title, files, failed, note }: { title: string; files: readonly Done[]; failed: readonly (Telling & { name: string; detail: string })[]; note?: (file: Done) => string | undefined }) {
  const t = useText();
  return (
    <>
      {files.length > 0 && (
        <Notice tone="success" live title={title}>
          <ul className="flex max-h-60 flex-col gap-1 overflow-y-auto" tabIndex={0} aria-label={title}>
            {files.map((file) => (
              <li key={file.name} className="break-all">{[file.written !== null && 'path' in file.written ? file.written.path : baseName(file.name), note?.(file)].filter(Boolean).join(' · ')}</li>
            ))}
          </ul>
        </Notice>
      )}
      {failed.length > 0 && (
        <Notice tone="danger" live title={t('files.failedTitle', { n: failed.length })}>
          <ul className="flex max-h-60 flex-col gap-1 overflow-y-auto" tabIndex={0} aria-label={t('files.failedTitle', { n: failed.length })}>
            {failed.map((one) => <li key={one.name} className="break-words">{baseName(one.name)}: {t.said(one, 'detail') ?? <span lang="en">{one.detail}</span>}</li>)}
          </ul>
        </Notice>
      )}
    </>
  );
}
