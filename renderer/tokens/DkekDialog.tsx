import { useState } from 'react';
import type { TokenRecord } from '../../app/contract/index.ts';
import { useAction, useBridge, type ChosenFile, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Checkbox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, forgetDrafts, Notice, PickFile, TextField, useDraft } from '../ui/index.ts';
import { inRange, TokenDialog } from './TokenDialogs.tsx';

const part = (text: string): number | undefined => inRange(text, 2, 20);

interface Asked {
  token: TokenRecord;
  onClose: () => void;
}

/** A share of the key that protects keys on their way out of a SmartCard-HSM, into a file. */
export function CreateShareDialog({ token, onClose }: Asked) {
  const t = useText();
  const bridge = useBridge();
  const create = useAction('tokens.dkek.create-share');
  const draft = `tokens.dkek.create-share ${token.id}`;
  const [{ split, threshold, total }, change] = useDraft(draft, { split: false, threshold: '2', total: '3' });
  const [needed, parts] = [part(threshold), inRange(total, 3, 20)];
  const ready = !split || (needed !== undefined && parts !== undefined && needed <= parts);
  const input: InputFor<'tokens.dkek.create-share'> = { token: token.id, ...(split && needed !== undefined && parts !== undefined && { threshold: needed, total: parts }) };
  const submit = async (): Promise<void> => {
    const target = await bridge.saveTarget('dkek-share.pbe');
    if (target === undefined) return;
    const answer = await create.run({ ...input, to: target.out });
    if (answer?.written === undefined) return;
    forgetDrafts(draft);
    await target.finish(answer.written);
  };
  return (
    <Dialog title={t('tokens.action.create-dkek-share')} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        <p className="text-13 text-muted">{t('tokens.dkek.what')}</p>
        <Checkbox isSelected={split} onChange={(chosen) => change({ split: chosen })} help={t('tokens.dkek.splitHelp')}>{t('tokens.dkek.split')}</Checkbox>
        {split && (
          <div className="flex gap-3">
            <TextField label={t('tokens.dkek.needed')} value={threshold} onChange={(typed) => change({ threshold: typed })} isInvalid={needed === undefined} inputMode="numeric" />
            <TextField label={t('tokens.dkek.parts')} value={total} onChange={(typed) => change({ total: typed })} isInvalid={parts === undefined} inputMode="numeric" />
          </div>
        )}
        {create.result !== undefined && <Notice tone="success" live title={t('tokens.dkek.made')}><KeyCheck value={create.result.keyCheckValue} /></Notice>}
        <ErrorNotice error={create.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="tokens.dkek.create-share" input={input} />}>
        <Button kind={create.result === undefined ? 'quiet' : 'primary'} onPress={create.pending ? create.cancel : onClose}>{create.result === undefined ? t('common.cancel') : t('common.close')}</Button>
        {create.result === undefined && <Button kind="primary" type="submit" isDisabled={!ready} pending={create.pending}>{t('tokens.dkek.create')}</Button>}
      </DialogActions>
    </Dialog>
  );
}

export function ImportShareDialog({ token, onClose }: Asked) {
  const t = useText();
  const imports = useAction('tokens.dkek.import-share');
  const [file, setFile] = useState<ChosenFile>();
  const draft = `tokens.dkek.import-share ${token.id}`;
  const [{ split, parts }, change] = useDraft(draft, { split: false, parts: '2' });
  const count = part(parts);
  const input = { token: token.id, ...(split && count !== undefined && { passwordParts: count }) };
  const { result } = imports;
  return (
    <TokenDialog
      title={t('tokens.action.import-dkek-share')} operation="tokens.dkek.import-share" draft={draft} command={{ ...input, share: 'FILE' }} input={async () => ({ ...input, from: await file!.toInput() })}
      action={imports} label={t('tokens.dkek.import')} ready={file !== undefined && (!split || count !== undefined)} finished={result?.outstanding === 0} onClose={onClose}
    >
      <p className="text-13 text-muted">{t('tokens.dkek.what')}</p>
      <PickFile label={t('tokens.dkek.choose')} file={file} onPick={setFile} />
      <Checkbox isSelected={split} onChange={(chosen) => change({ split: chosen })}>{t('tokens.dkek.wasSplit')}</Checkbox>
      {split && <TextField label={t('tokens.dkek.needed')} value={parts} onChange={(typed) => change({ parts: typed })} isInvalid={count === undefined} inputMode="numeric" />}
      {result !== undefined && (
        <Notice tone={result.outstanding === 0 ? 'success' : 'info'} live title={result.outstanding === 0 ? t('tokens.dkek.complete') : t('tokens.dkek.outstanding', { n: result.outstanding })}>
          <KeyCheck value={result.keyCheckValue} />
        </Notice>
      )}
    </TokenDialog>
  );
}

/** A key that was taken out of a SmartCard-HSM with the same DKEK, put into this one. */
export function UnwrapDialog({ token, onClose }: Asked) {
  const t = useText();
  const unwrap = useAction('tokens.unwrap-key');
  const [file, setFile] = useState<ChosenFile>();
  const draft = `tokens.unwrap-key ${token.id}`;
  const [{ label }, change] = useDraft(draft, { label: '' });
  const input = { token: token.id, ...(label.trim() !== '' && { label: label.trim() }) };
  return (
    <TokenDialog
      title={t('tokens.action.unwrap-key')} operation="tokens.unwrap-key" draft={draft} command={{ ...input, wrapped: 'FILE' }} input={async () => ({ ...input, from: await file!.toInput() })}
      action={unwrap} label={t('tokens.unwrap.action')} done={t('tokens.done.unwrap-key', { name: token.name })} ready={file !== undefined} onClose={onClose}
    >
      <p className="text-13 text-muted">{t('tokens.unwrap.what')}</p>
      <PickFile label={t('tokens.unwrap.choose')} file={file} onPick={setFile} />
      <TextField label={t('keys.name')} value={label} onChange={(typed) => change({ label: typed })} maxLength={200} />
    </TokenDialog>
  );
}

function KeyCheck({ value }: { value: string | null }) {
  const t = useText();
  return value !== null && t('tokens.dkek.check', { value });
}
