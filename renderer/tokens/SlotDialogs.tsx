import { useState } from 'react';
import type { SlotRecord, TokenRecord } from '../../app/contract/index.ts';
import { useAction, type ChosenFile } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Notice, Select } from '../ui/index.ts';
import { PickFile } from './PickFile.tsx';
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
      title={t('tokens.putCertificate.title', { slot: slot.slot })} operation="tokens.put-certificate" command={{ ...input, certificate: 'FILE' }} action={put} label={t('tokens.putCertificate.action')} done={t('tokens.done.put-certificate', { slot: slot.slot })}
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
    <TokenDialog title={t('tokens.deleteCertificate.title', { slot: slot.slot })} operation="tokens.delete-certificate" input={input} action={remove} label={t('tokens.deleteCertificate.action')} done={t('tokens.done.delete-certificate', { slot: slot.slot })} destructive onClose={onClose}>
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
        choices={others.map((other) => ({ value: other.slot, label: t('keys.slotNamed', { slot: other.slot, title: other.title }), help: t(`tokens.slotState.${other.state}`) }))}
      />
      {target?.state === 'key' && <Notice tone="danger" title={t('tokens.occupied.title')}>{t('tokens.occupied.help')}</Notice>}
    </TokenDialog>
  );
}

