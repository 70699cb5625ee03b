import type { OperationId } from '../bridge/index.ts';
import { useText, type Telling } from '../i18n/index.ts';
import { Notice } from '../ui/index.ts';
import { baseName } from './chosen-files.tsx';
import { Outcomes, type Outcome } from './outcomes.tsx';
import { SaveReport, type Report } from './report.tsx';

interface Done {
  readonly name: string;
  readonly written: { path: string } | { download: string } | null;
}

interface Props<File extends Done> {
  readonly operation: OperationId;
  /** What was asked for, without the files: for the report. */
  readonly asked: Readonly<Record<string, unknown>>;
  readonly at: Date;
  readonly title: string;
  readonly files: readonly File[];
  readonly failed: readonly (Telling & { name: string; detail: string })[];
  readonly note?: (file: File) => string | undefined;
  /** It was there already. */
  readonly isKept?: (file: File) => boolean;
  /** What was written is a document, which a program shows. */
  readonly opens: boolean;
  /** The command that does it for one file. */
  readonly commandFor: (name: string) => string;
}

/** What became of each file. */
export function FilesDone<File extends Done>({ operation, asked, at, title, files, failed, note, isKept, opens, commandFor }: Props<File>) {
  const t = useText();
  const done = files.map((file, index): Outcome => ({
    key: `${index} ${file.name}`, name: file.name, kind: isKept?.(file) === true ? 'kept' : 'done', says: note?.(file) ?? null, file: file.written, opens, command: commandFor(file.name),
  }));
  const why = (one: (typeof failed)[number]): string => t.said(one, 'detail') ?? one.detail;
  const report: Report = {
    operation, at, asked,
    files: [
      ...files.map((file, index) => ({ name: file.name, kind: done[index]?.kind ?? 'done', detail: note?.(file), told: { ...file, signature: undefined } })),
      ...failed.map((one) => ({ name: one.name, kind: 'failed', detail: why(one), told: { ...one } })),
    ],
  };
  const isBatch = files.length + failed.length > 1;
  return (
    <>
      {files.length > 0 && (
        <Notice tone="success" live title={title} {...(isBatch && { actions: <SaveReport report={report} /> })}>
          {done.length > 0 && <Outcomes label={title} outcomes={done} />}
        </Notice>
      )}
      {failed.length > 0 && (
        <Notice tone="danger" live title={t('files.failedTitle', { n: failed.length })} {...(isBatch && files.length === 0 && { actions: <SaveReport report={report} /> })}>
          <ul className="flex max-h-60 flex-col gap-1 overflow-y-auto" tabIndex={0} aria-label={t('files.failedTitle', { n: failed.length })}>
            {failed.map((one) => <li key={one.name} className="break-words">{baseName(one.name)}: {t.said(one, 'detail') ?? <span lang="en">{one.detail}</span>}</li>)}
          </ul>
        </Notice>
      )}
    </>
  );
}
