import { useAction, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Checkbox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Fact, Facts, TextField, useDraft } from '../ui/index.ts';
import { Verdict } from './Verdict.tsx';

/** Looks at a TLS server: whom it says it is, whether that is to be believed, and how it speaks. */
export function ExamineDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  const examine = useAction('certificates.examine');
  const [{ host, save }, change] = useDraft('certificates.examine', { host: '', save: false });
  const input: InputFor<'certificates.examine'> = { host: host.trim(), ...(save && { save }) };
  const answer = examine.result;
  return (
    <Dialog title={t('certificates.examine.title')} open onClose={onClose} onSubmit={() => void (host.trim() !== '' && examine.run(input))}>
      <DialogBody>
        <TextField label={t('certificates.examine.host')} help={t('certificates.examine.hostHelp')} value={host} onChange={(text) => change({ host: text })} autoFocus />
        <Checkbox isSelected={save} onChange={(chosen) => change({ save: chosen })}>{t('certificates.examine.save')}</Checkbox>
        {answer !== undefined && (
          <>
            <Verdict verdict={answer} />
            <Facts>
              <Fact name={t('certificates.examine.address')}>{`${answer.address}:${answer.port}`}</Fact>
              <Fact name={t('certificates.examine.protocol')}>{`${answer.protocol}, ${answer.cipher}`}</Fact>
              <Fact name={t('certificates.examine.stapled')}>{t(`certificates.stapled.${answer.stapled}`)}</Fact>
            </Facts>
          </>
        )}
        <ErrorNotice error={examine.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="certificates.examine" input={{ ...input, host: input.host === '' ? 'HOST' : input.host }} />}>
        <Button onPress={examine.pending ? examine.cancel : onClose}>{answer === undefined ? t('common.cancel') : t('common.close')}</Button>
        <Button kind="primary" type="submit" isDisabled={host.trim() === ''} pending={examine.pending}>{t('certificates.examine.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
