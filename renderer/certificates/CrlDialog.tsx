import { useState } from 'react';
import { decodeBase64url, useAction, useBridge, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Checkbox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, forgetDrafts, Notice, RadioGroup, TextField, TimeInWords, useDraft, useToast } from '../ui/index.ts';

const FORMATS = ['der', 'pem'] as const;
const USUAL_DAYS = '7';
const MAX_DAYS = 3650;

/** Signs a revocation list of an authority, and gives it as a file: those who check take it from where the certificates say. */
export function CrlDialog({ authority, onClose }: { authority: { readonly id: string; readonly label: string }; onClose: () => void }) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const create = useAction('certificates.crl.create');
  const draft = `certificates.crl ${authority.id}`;
  const [{ days }, change] = useDraft(draft, { days: USUAL_DAYS });
  const [format, setFormat] = useState<(typeof FORMATS)[number]>('der');
  const [delta, setDelta] = useState(false);
  const count = Number(days);
  const bad = !Number.isInteger(count) || count < 1 || count > MAX_DAYS;
  const input: InputFor<'certificates.crl.create'> = { certificate: authority.id, days: count, format, ...(delta && { delta }) };
  const made = create.result;
  const save = async (answer: NonNullable<typeof made>): Promise<void> => {
    const where = await bridge.saveFile(decodeBase64url(answer.content), answer.fileName);
    if (where === undefined && bridge.kind === 'desktop') return;
    onClose();
    toast({ text: t('certificates.crl.saved', { number: answer.crl.number ?? '', where: where ?? answer.fileName }) });
  };
  const submit = async (): Promise<void> => {
    if (bad) return;
    const answer = made ?? (await create.run(input));
    if (answer === undefined) return;
    forgetDrafts(draft);
    await save(answer);
  };
  return (
    <Dialog title={t('certificates.crl.title', { name: authority.label })} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        {made === undefined ? (
          <>
            <p className="text-13">{t('certificates.crl.what')}</p>
            <TextField label={t('certificates.crl.days')} help={t('certificates.crl.daysHelp')} value={days} onChange={(typed) => change({ days: typed })} isInvalid={bad} inputMode="numeric" autoFocus />
            <Checkbox isSelected={delta} onChange={setDelta} help={t('certificates.crl.deltaHelp')}>{t('certificates.crl.delta')}</Checkbox>
            <RadioGroup label={t('keys.format')} value={format} onChange={setFormat} options={FORMATS.map((name) => ({ value: name, label: t(`certificates.format.${name}`), help: t(`certificates.crl.formatHelp.${name}`) }))} />
          </>
        ) : (
          <Notice tone="success" live title={t('certificates.crlMade', { number: made.crl.number ?? '' })}>
            {t('certificates.crlMadeHelp', { n: made.crl.entries })} {made.crl.nextUpdate !== null && t.rich('certificates.crl.next', { when: <TimeInWords at={made.crl.nextUpdate} /> })}
          </Notice>
        )}
        <ErrorNotice error={create.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="certificates.crl.create" input={{ ...input, days: bad ? Number(USUAL_DAYS) : count }} />}>
        <Button onPress={create.pending ? create.cancel : onClose}>{made === undefined ? t('common.cancel') : t('common.close')}</Button>
        <Button kind="primary" type="submit" isDisabled={bad} pending={create.pending}>{made === undefined ? t('certificates.crl.action') : t('certificates.crl.save')}</Button>
      </DialogActions>
    </Dialog>
  );
}
