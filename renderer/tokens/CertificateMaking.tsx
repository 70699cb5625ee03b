import { useState } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { encodeText, useAction, useBridge, type ChosenFile, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, forgetDrafts, Notice, PickFile, RadioGroup, TextField, useDraft } from '../ui/index.ts';
import { slotWords } from './SlotTable.tsx';

const WAYS = ['self-signed', 'request', 'file'] as const;
type Way = (typeof WAYS)[number];

const escaped = (name: string): string => name.replaceAll(/[\\,+"<>;=#]/g, '\\$&');

/** Ways to a certificate for a key in a slot: signed by itself, asked for from an authority, or one that is there already. */
export function useCertificateMaking({ token, slot, keyRecord }: { token: string; slot: string; keyRecord: KeyRecord }) {
  const bridge = useBridge();
  const draft = `tokens.certificate ${keyRecord.id}`;
  const [{ way, name, days }, change] = useDraft<{ way: Way; name: string; days: string }>(draft, { way: 'self-signed', name: keyRecord.label, days: '365' });
  const [file, setFile] = useState<ChosenFile>();
  const selfSign = useAction('certificates.self-sign');
  const request = useAction('certificates.request');
  const put = useAction('tokens.put-certificate');
  const count = /^\d{1,5}$/.test(days) && Number(days) >= 1 && Number(days) <= 36_500 ? Number(days) : undefined;
  const subject = `CN=${escaped(name.trim())}`;
  const making: InputFor<'certificates.self-sign'> = { key: keyRecord.uri, subject, ...(count !== undefined && { days: count }) };
  const asking: InputFor<'certificates.request'> = { key: keyRecord.uri, subject };
  const make = async (): Promise<boolean> => {
    if (way === 'request') {
      const target = await bridge.saveTarget(`${keyRecord.label}.csr`);
      if (target === undefined) return false;
      const answer = await request.run({ ...asking, to: target.out });
      if (answer?.written !== undefined) await target.finish(answer.written);
      return answer !== undefined;
    }
    const certificate = way === 'file' ? undefined : (await selfSign.run(making))?.pem;
    if (way === 'file' ? file === undefined : certificate === undefined) return false;
    const content = certificate === undefined ? { from: await file!.toInput() } : { certificate: encodeText(certificate) };
    return (await put.run({ token, slot, ...content })) !== undefined;
  };
  /** @returns whether it is done. */
  const run = async (): Promise<boolean> => {
    const isDone = await make();
    if (isDone) forgetDrafts(draft);
    return isDone;
  };
  return {
    way, name,
    setWay: (next: Way) => {
      change({ way: next });
      // What failed on another way says nothing about this one.
      for (const action of [selfSign, request, put]) action.reset();
    },
    setName: (typed: string) => change({ name: typed }), days, setDays: (typed: string) => change({ days: typed }), file, setFile, run,
    badDays: count === undefined,
    ready: way === 'file' ? file !== undefined : name.trim() !== '' && (way === 'request' || count !== undefined),
    pending: selfSign.pending || request.pending || put.pending,
    cancel: () => {
      for (const action of [selfSign, request, put]) action.cancel();
    },
    error: selfSign.error ?? request.error ?? put.error,
    requested: request.result !== undefined,
    command: way === 'request' ? <CopyAsCommand operation="certificates.request" input={asking} /> : way === 'file' ? <CopyAsCommand operation="tokens.put-certificate" input={{ token, slot, certificate: 'FILE' }} /> : <CopyAsCommand operation="certificates.self-sign" input={making} />,
  };
}

export function CertificateFields({ making }: { making: ReturnType<typeof useCertificateMaking> }) {
  const t = useText();
  return (
    <>
      <RadioGroup label={t('tokens.makeCertificate.way')} value={making.way} onChange={making.setWay} options={WAYS.map((way) => ({ value: way, label: t(`tokens.makeCertificate.${way}`), help: t(`tokens.makeCertificateHelp.${way}`) }))} />
      {making.way !== 'file' && <TextField label={t('tokens.makeCertificate.name')} help={t('tokens.makeCertificate.nameHelp')} value={making.name} onChange={making.setName} maxLength={64} />}
      {making.way === 'self-signed' && <TextField label={t('tokens.makeCertificate.days')} value={making.days} onChange={making.setDays} isInvalid={making.badDays} inputMode="numeric" />}
      {making.way === 'file' && <PickFile label={t('tokens.certificateFile.choose')} file={making.file} onPick={making.setFile} />}
      {making.requested && <Notice tone="success" live title={t('tokens.makeCertificate.requested')}>{t('tokens.makeCertificate.requestedHelp')}</Notice>}
      <ErrorNotice error={making.error} />
    </>
  );
}

/** A certificate for the key in a slot, from its menu. */
export function MakeCertificateDialog({ token, slot, keyRecord, onClose }: { token: string; slot: string; keyRecord: KeyRecord; onClose: () => void }) {
  const t = useText();
  const making = useCertificateMaking({ token, slot, keyRecord });
  const submit = async (): Promise<void> => {
    if ((await making.run()) && making.way !== 'request') onClose();
  };
  return (
    <Dialog title={t('tokens.putCertificate.title', slotWords(slot, keyRecord.label))} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody><CertificateFields making={making} /></DialogBody>
      <DialogActions aside={making.command}>
        <Button onPress={making.pending ? making.cancel : onClose}>{making.requested ? t('common.close') : t('common.cancel')}</Button>
        <Button kind="primary" type="submit" isDisabled={!making.ready} pending={making.pending}>{t(`tokens.makeCertificateAction.${making.way}`)}</Button>
      </DialogActions>
    </Dialog>
  );
}
