import { useEffect, useState } from 'react';
import type { KeyAlgorithmName, KeyRecord } from '../../app/contract/index.ts';
import { asProblem, useAction, type ChosenFile, type FileReference, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, PickFile, Select, TextField } from '../ui/index.ts';
import { algorithmName } from './algorithms.ts';
import { InTokenFields, useTokenPlace, type InToken } from './InTokenFields.tsx';
import type { IntoSlot } from './NewKeyDialog.tsx';

const SYMMETRIC: readonly KeyAlgorithmName[] = ['aes-128', 'aes-192', 'aes-256', 'chacha20-poly1305', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'];

/** Keys out of a file that was chosen or dropped. What kind of file it is tells its content; a passphrase is asked for in the prompt. With `into`, it goes into that slot of a token. */
export function ImportDialog({ file, open, into, onClose, onImported }: { file: ChosenFile | undefined; open: boolean; into?: IntoSlot; onClose: () => void; onImported: (keys: KeyRecord[]) => void }) {
  const t = useText();
  const imports = useAction('keys.import');
  const [chosen, setChosen] = useState<ChosenFile>();
  const [label, setLabel] = useState('');
  const [raw, setRaw] = useState<KeyAlgorithmName | 'told'>('told');
  const [unreadable, setUnreadable] = useState<unknown>();
  const [inToken, setInToken] = useState<InToken>(into === undefined ? {} : { slot: into.slot.slot });
  const place = useTokenPlace(into?.token.id);
  useEffect(() => {
    if (file !== undefined) setChosen(file);
  }, [file]);
  const inputWith = (source: Pick<InputFor<'keys.import'>, 'content' | 'from'>): InputFor<'keys.import'> => ({
    ...source, ...(into !== undefined && { backend: into.token.id, ...inToken }), ...(label.trim() !== '' && { label: label.trim() }), ...(raw !== 'told' && { format: 'raw' as const, algorithm: raw }),
  });
  const close = (): void => {
    imports.reset();
    setUnreadable(undefined);
    setChosen(undefined);
    onClose();
  };
  const submit = async (): Promise<void> => {
    if (chosen === undefined) return;
    setUnreadable(undefined);
    let from: FileReference;
    try {
      // The file is named, not read: no key passes through this window.
      from = await chosen.toInput();
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
      return;
    }
    const answer = await imports.run(inputWith({ from }));
    if (answer === undefined) return;
    setLabel('');
    close();
    onImported(answer.keys);
  };
  return (
    <Dialog title={into === undefined ? t('keys.import.title') : t('keys.import.inSlotTitle', { slot: into.slot.slot, token: into.token.name })} open={open} onClose={close} onSubmit={() => void submit()}>
      <DialogBody>
        <p className="text-13 text-muted">{t('keys.import.reads')}</p>
        <PickFile label={t('keys.import.choose')} file={chosen} onPick={setChosen} autoFocus={false} />
        <TextField label={t('keys.name')} help={t('keys.import.nameHelp')} value={label} onChange={setLabel} maxLength={200} />
        {into === undefined && <Select
          label={t('keys.import.content')} value={raw} onChange={setRaw}
          choices={[{ value: 'told', label: t('keys.import.byContent') }, ...SYMMETRIC.map((algorithm) => ({ value: algorithm, label: t('keys.import.rawKey', { algorithm: algorithmName(algorithm) }) }))]}
        />}
        {into !== undefined && <InTokenFields place={place} value={inToken} onChange={setInToken} fixedSlot />}
        <Notice>{t('keys.import.note')}</Notice>
        <ErrorNotice error={unreadable ?? imports.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="keys.import" input={inputWith({ content: 'FILE' })} />}>
        <Button onPress={imports.pending ? imports.cancel : close}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" isDisabled={chosen === undefined} pending={imports.pending}>{t('keys.import.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
