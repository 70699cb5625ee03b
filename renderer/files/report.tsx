import { FileDown } from 'lucide-react';
import { useBridge, type OperationId } from '../bridge/index.ts';
import { exactTime, useText, type MessageKey, type Text } from '../i18n/index.ts';
import { Button, Menu, useToast } from '../ui/index.ts';

/** What became of a batch, to keep: as JSON for programs, as text for people. */
export interface Report {
  readonly operation: OperationId;
  /** When it was done. */
  readonly at: Date;
  /** What was asked for, without the files. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** File by file, as the operation answered. */
  readonly files: readonly ReportedFile[];
}
interface ReportedFile {
  readonly name: string;
  /** `files.kind.…`. */
  readonly kind: string;
  readonly detail?: string | undefined;
  /** Whatever else the operation told of it. */
  readonly told?: object | undefined;
}

/** @returns JSON, UTF-8, with a line feed at its end. */
export function jsonReport({ operation, at, asked, files }: Report): string {
  const counts: Record<string, number> = {};
  for (const { kind } of files) counts[kind] = (counts[kind] ?? 0) + 1;
  return `${JSON.stringify({ report: 'keywright', version: 1, operation, at: at.toISOString(), asked, counts, files: files.map(({ name, kind, detail, told }) => ({ ...told, name, result: kind, ...(detail !== undefined && { detail }) })) }, null, 2)}\n`;
}

/** @returns lines in the window's language. What would act on a terminal is left out of names. */
export function textReport({ operation, at, files }: Report, t: Text): string {
  const words = (kind: string): string => t(`files.kind.${kind}` as MessageKey);
  const kinds = [...new Set(files.map(({ kind }) => kind))];
  const width = Math.max(...kinds.map((kind) => words(kind).length));
  const printable = (text: string): string => text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
  return [
    `Keywright · ${operation} · ${exactTime(at, t.language)}`,
    kinds.map((kind) => `${words(kind)}: ${files.filter((one) => one.kind === kind).length}`).join(', '),
    '',
    ...files.map(({ name, kind, detail }) => `${words(kind).padEnd(width)}  ${printable(name)}${detail === undefined ? '' : `  – ${printable(detail)}`}`),
    '',
  ].join('\n');
}

export function SaveReport({ report }: { report: Report }) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const save = async (content: string, ending: string): Promise<void> => {
    const where = await bridge.saveFile(new TextEncoder().encode(content), `keywright-${report.operation.replace('.', '-')}-${report.at.toISOString().slice(0, 10)}.${ending}`);
    if (where !== undefined) toast({ text: t('files.reportSaved', { where }) });
  };
  return (
    <Menu label={t('files.saveReport')} entries={[
      { id: 'text', label: t('files.reportText'), onAction: () => void save(textReport(report, t), 'txt') },
      { id: 'json', label: t('files.reportJson'), onAction: () => void save(jsonReport(report), 'json') },
    ]}>
      <Button small icon={FileDown}>{t('files.saveReport')}</Button>
    </Menu>
  );
}
