import { useState } from 'react';
import type { CertificateRecord } from '../../app/contract/index.ts';
import { useAction, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, Select, useToast } from '../ui/index.ts';

const REASONS = ['unspecified', 'key-compromise', 'affiliation-changed', 'superseded', 'cessation-of-operation', 'certificate-hold', 'privilege-withdrawn'] as const;

/** Revokes a certificate that an authority held here has issued; it holds for others with the next revocation list. */
export function RevokeDialog({ certificate, onClose, onList }: { certificate: CertificateRecord; onClose: () => void; onList: () => void }) {
  const t = useText();
  const toast = useToast();
  const revoke = useAction('certificates.revoke');
  const [reason, setReason] = useState<(typeof REASONS)[number]>('unspecified');
  const input: InputFor<'certificates.revoke'> = { certificate: certificate.id, reason };
  const submit = async (): Promise<void> => {
    if ((await revoke.run(input)) === undefined) return;
    onClose();
    toast({ text: t('certificates.revoke.done', { name: certificate.label }), action: { label: t('certificates.makeCrl'), onAction: onList } });
  };
  return (
    <Dialog title={t('certificates.revoke.title', { name: certificate.label })} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        <Notice tone="warning">{t('certificates.revoke.what')}</Notice>
        <Select label={t('certificates.revoke.reason')} value={reason} onChange={setReason} choices={REASONS.map((name) => ({ value: name, label: t(`certificates.reason.${name}`) }))} autoFocus />
        <ErrorNotice error={revoke.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="certificates.revoke" input={input} />}>
        <Button onPress={revoke.pending ? revoke.cancel : onClose}>{t('common.cancel')}</Button>
        <Button kind="destructive" type="submit" pending={revoke.pending}>{t('certificates.revoke.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
