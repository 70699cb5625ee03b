import { useState } from 'react';
import { asProblem, useAction, type ChosenFile } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Checkbox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, forgetDrafts, Notice, PickFiles, ProgressBar, TextField, useDraft, useToast } from '../ui/index.ts';
import { FileContents, useInspected } from './FileContents.tsx';

/** Certificates and revocation lists out of files, told by their content, and shown before they are kept. */
export function ImportDialog({ files, onClose, onImported }: { files: readonly ChosenFile[]; onClose: () => void; onImported: (id: string) => void }) {
  const t = useText();
  const toast = useToast();
  const imports = useAction('certificates.import');
  const lists = useAction('certificates.crl.import');
  const [chosen, setChosen] = useState(files);
  const inspected = useInspected(chosen);
  // A name is for these files; trust is given anew each time.
  const draft = `certificates.import ${files.map(({ name }) => name).join('/')}`;
  const [{ label }, change] = useDraft(draft, { label: '' });
  const [trusted, setTrusted] = useState(false);
  const [unreadable, setUnreadable] = useState<unknown>();
  const options = { ...(label.trim() !== '' && { label: label.trim() }), ...(trusted && { trusted }) };
  /** @returns the first certificate that came of it; false when it failed. */
  const take = async (file: ChosenFile, kind: string | undefined): Promise<string | undefined | false> => {
    const from = await file.toInput();
    if (kind === 'crl') {
      const answer = await lists.run({ from });
      if (answer !== undefined) toast({ text: t('certificates.import.lists', { n: answer.crls.length, revoked: answer.revoked.length }) });
      return answer === undefined ? false : undefined;
    }
    const answer = await imports.run({ from, ...options });
    return answer === undefined ? false : answer.certificates[0]?.id;
  };
  const submit = async (): Promise<void> => {
    setUnreadable(undefined);
    let first: string | undefined;
    try {
      for (const [index, file] of chosen.entries()) {
        const came = await take(file, inspected.answers[index]?.kind);
        if (came === false) return setChosen(chosen.slice(index));
        first ??= came;
      }
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
      return;
    }
    forgetDrafts(draft);
    onClose();
    if (first !== undefined) onImported(first);
  };
  const pending = imports.pending || lists.pending;
  return (
    <Dialog title={t('certificates.import.title')} open onClose={onClose} onSubmit={() => void (chosen.length > 0 && submit())}>
      <DialogBody>
        <p className="text-13 text-muted">{t('certificates.import.reads')}</p>
        <PickFiles label={t('certificates.import.choose')} files={chosen} onPick={setChosen} autoFocus />
        <FileContents inspected={inspected} />
        <TextField label={t('certificates.name')} help={t('certificates.import.nameHelp')} value={label} onChange={(typed) => change({ label: typed })} maxLength={200} />
        <Checkbox isSelected={trusted} onChange={setTrusted}>{t('certificates.import.trust')}</Checkbox>
        {trusted && <Notice tone="warning">{t('certificates.import.trustWarning')}</Notice>}
        {imports.pending && imports.progress && imports.progress.total > 1 && <ProgressBar label={t('certificates.import.underWay', { done: imports.progress.done, n: imports.progress.total })} fraction={imports.progress.done / imports.progress.total} />}
        <ErrorNotice error={unreadable ?? imports.error ?? lists.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="certificates.import" input={{ content: 'FILE', ...options }} />}>
        <Button onPress={pending ? () => [imports, lists].forEach((action) => action.cancel()) : onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" isDisabled={chosen.length === 0} pending={pending}>{t('certificates.import.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
