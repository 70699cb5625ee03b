import { useState } from 'react';
import { asProblem, useAction, useBridge, type ChosenFile, type InputFor, type OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Checkbox, ComboBox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, Skeleton, TextField, useOnOpen, useToast } from '../ui/index.ts';

type Row = OutputFor<'files.convert'>['formats'][number];

/** A file as another kind of file: every format is listed, those that do not fit with the reason. */
export function ConvertDialog({ file, proposed, onClose }: { file: ChosenFile; /** The format to begin with. */ proposed?: Row['format']; onClose: () => void }) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const look = useAction('files.convert');
  const convert = useAction('files.convert');
  const [format, setFormat] = useState(proposed);
  const [encrypt, setEncrypt] = useState(true);
  const [item, setItem] = useState('1');
  const [unreadable, setUnreadable] = useState<unknown>();
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    setUnreadable(undefined);
    try {
      await work();
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
    }
  };
  // Looked into once, when the dialog opens: its passphrase is asked for then.
  useOnOpen(() => void attempt(async () => void (await look.run({ from: await file.toInput() }))));
  const said = (text: string): string => t.sentence(text) ?? text;
  const rows = (look.result?.formats ?? []).map((one): Row => ({ ...one, title: said(one.title), opens: said(one.opens), reason: one.reason === null ? null : said(one.reason), loses: one.loses.map(said) }));
  const row = rows.find((one) => one.format === format) ?? rows.find(({ available }) => available);
  const canChoose = row !== undefined && !row.available && /--item/.test(look.result?.formats.find((one) => one.format === row.format)?.reason ?? '');
  const number = Number(item);
  const badItem = canChoose && (!Number.isInteger(number) || number < 1);
  const options: Omit<InputFor<'files.convert'>, 'from' | 'to'> = row === undefined ? {} : { format: row.format, ...(row.passphrase === 'possible' && !encrypt && { encrypt }), ...(canChoose && { item: number }) };
  const ready = row !== undefined && (row.available || canChoose) && !badItem;
  const submit = (): Promise<void> => attempt(async () => {
    if (!ready) return;
    const target = await bridge.saveTarget(`${file.name.replace(/\.[^.]*$/, '')}.${row.format.replace('public-', '')}`);
    if (target === undefined) return;
    const answer = await convert.run({ ...options, from: await file.toInput(), to: target.out });
    if (answer?.written === undefined) return;
    const where = await target.finish(answer.written);
    onClose();
    toast({ text: [t('files.convert.done', { where: where ?? row.title }), ...answer.notes.map(said)].join(' ') });
  });
  return (
    <Dialog title={t('files.convert.title', { name: file.name })} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        {look.pending && <Skeleton />}
        {row !== undefined && (
          <ComboBox label={t('files.convert.format')} value={row.format} onChange={setFormat} choices={rows.map(({ format: value, title, part, opens, available, reason }) => ({ value, label: part === 'all' ? title : `${title} (${t(`files.convert.part.${part}`)})`, help: available ? t('files.convert.opens', { opens }) : reason ?? '' }))} />
        )}
        {row !== undefined && !row.available && !canChoose && <Notice tone="warning">{row.reason}</Notice>}
        {canChoose && <TextField label={t('files.convert.item')} help={row.reason ?? ''} value={item} onChange={setItem} inputMode="numeric" isInvalid={badItem} />}
        {row?.available === true && row.loses.length > 0 && <Notice title={t('files.convert.loses')}><ul className="list-disc pl-4">{row.loses.map((text) => <li key={text}>{text}</li>)}</ul></Notice>}
        {row?.passphrase === 'possible' && <Checkbox isSelected={encrypt} onChange={setEncrypt}>{t('files.convert.encrypt')}</Checkbox>}
        {row?.passphrase === 'none' && (row.part === 'private' || row.part === 'all') && (look.result?.keys ?? 0) > 0 && <Notice tone="warning">{t('files.convert.clear')}</Notice>}
        <ErrorNotice error={unreadable ?? look.error ?? convert.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="files.convert" input={{ content: file.name, ...options }} />}>
        <Button onPress={convert.pending ? convert.cancel : onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" isDisabled={!ready} pending={convert.pending}>{t('files.convert.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
