import { useState } from 'react';
import type { SlotRecord, TokenRecord } from '../../app/contract/index.ts';
import { useAction, useBridge, type ChosenFile } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, PickFile, Select, useToast } from '../ui/index.ts';
import { slotTitle } from './core-wording.ts';
import { slotWords } from './SlotTable.tsx';
import { TokenDialog } from './TokenDialogs.tsx';

export interface InSlot {
  token: TokenRecord;
  slot: SlotRecord;
  onClose: () => void;
}

/** A certificate out of a file, for the key that is in the slot. */
export function PutCertificateDialog({ token, slot, onClose }: InSlot) {
  const t = useText();
  const put = useAction('tokens.put-certificate');
  const [file, setFile] = useState<ChosenFile>();
  const input = { token: token.id, slot: slot.slot };
  return (
    <TokenDialog
      title={t('tokens.putCertificate.title', slotWords(slot.slot, slot.key?.label))} operation="tokens.put-certificate" command={{ ...input, certificate: 'FILE' }} action={put} label={t('tokens.putCertificate.action')} done={t('tokens.done.put-certificate', slotWords(slot.slot, slot.key?.label))}
      ready={file !== undefined} input={async () => ({ ...input, from: await file!.toInput() })} onClose={onClose}
    >
      <p className="text-13 text-muted">{t('tokens.putCertificate.what')}</p>
      {slot.state === 'empty' && <Notice tone="warning">{t('tokens.putCertificate.noKey')}</Notice>}
      <PickFile label={t('tokens.certificateFile.choose')} file={file} onPick={setFile} />
    </TokenDialog>
  );
}

export function DeleteCertificateDialog({ token, slot, onClose }: InSlot) {
  const t = useText();
  const remove = useAction('tokens.delete-certificate');
  const input = { token: token.id, slot: slot.slot };
  return (
    <TokenDialog title={t('tokens.deleteCertificate.title', slotWords(slot.slot, slot.key?.label))} operation="tokens.delete-certificate" input={input} action={remove} label={t('tokens.deleteCertificate.action')} done={t('tokens.done.delete-certificate', slotWords(slot.slot, slot.key?.label))} destructive onClose={onClose}>
      <p className="text-13">{t('tokens.deleteCertificate.what')}</p>
      {slot.certificate !== null && <p className="text-13 break-words text-muted">{slot.certificate.subject}</p>}
    </TokenDialog>
  );
}

/** Into another slot: an empty one, or, at the price of its key, one that is taken. */
export function MoveKeyDialog({ token, slot, slots, onClose }: InSlot & { slots: readonly SlotRecord[] }) {
  const t = useText();
  const move = useAction('tokens.move-key');
  const others = slots.filter((other) => other.slot !== slot.slot && other.slot !== 'f9');
  const [to, setTo] = useState(others.find(({ state }) => state === 'empty')?.slot ?? others[0]?.slot);
  const target = others.find((other) => other.slot === to);
  const input = { token: token.id, from: slot.slot, to: to ?? '' };
  return (
    <TokenDialog title={t('tokens.moveKey.title', { slot: slot.slot })} operation="tokens.move-key" input={input} action={move} label={t('tokens.moveKey.action')} done={t('tokens.done.move-key', { slot: to ?? '' })} ready={target !== undefined} destructive={target?.state === 'key'} onClose={onClose}>
      <Select
        label={t('tokens.moveKey.to')} value={to} onChange={setTo} autoFocus
        choices={others.map((other) => ({ value: other.slot, label: t('keys.slotNamed', { slot: other.slot, title: slotTitle(other.title, t) }), help: t(`tokens.slotState.${other.state}`) }))}
      />
      {target?.state === 'key' && <Notice tone="danger" title={t('tokens.occupied.title')}>{t('tokens.occupied.help')}</Notice>}
    </TokenDialog>
  );
}

/** For good: the token asks for the key's fingerprint before. */
export function DeleteKeyDialog({ token, slot, onDone, onClose }: InSlot & { onDone: () => void }) {
  const t = useText();
  const remove = useAction('tokens.delete-key');
  const input = { token: token.id, slot: slot.slot };
  return (
    <TokenDialog title={t('tokens.deleteKey.title', slotWords(slot.slot, slot.key?.label))} operation="tokens.delete-key" input={input} action={remove} label={t('tokens.deleteKey.action')} done={t('tokens.done.delete-key', slotWords(slot.slot, slot.key?.label))} destructive onDone={onDone} onClose={onClose}>
      <Notice tone="danger" title={slot.key === null ? t('tokens.deleteKey.warning') : t('tokens.deleteKey.warningNamed', { name: slot.key.label })}>{t('tokens.deleteKey.help')}</Notice>
    </TokenDialog>
  );
}

/** Out of a SmartCard-HSM, under its DKEK, into a file. */
export function WrapKeyDialog({ token, slot, onClose }: InSlot) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const wrap = useAction('tokens.wrap-key');
  const input = { token: token.id, slot: slot.slot };
  const submit = async (): Promise<void> => {
    const target = await bridge.saveTarget(`key-${slot.slot}.wrapped`);
    if (target === undefined) return;
    const answer = await wrap.run({ ...input, to: target.out });
    if (answer?.written === undefined) return;
    await target.finish(answer.written);
    toast({ text: t('tokens.done.wrap-key', slotWords(slot.slot, slot.key?.label)) });
    onClose();
  };
  return (
    <Dialog title={t('tokens.wrapKey.title', slotWords(slot.slot, slot.key?.label))} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        <p className="text-13">{t('tokens.wrapKey.what')}</p>
        <ErrorNotice error={wrap.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="tokens.wrap-key" input={input} />}>
        <Button onPress={wrap.pending ? wrap.cancel : onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" autoFocus pending={wrap.pending}>{t('tokens.wrapKey.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
