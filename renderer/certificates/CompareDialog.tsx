import { useState } from 'react';
import type { CertificateRecord } from '../../app/contract/index.ts';
import { useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, ComboBox, Dialog, DialogActions, DialogBody, ErrorNotice, Notice } from '../ui/index.ts';

/** Two certificates side by side; what differs stands out. */
export function CompareDialog({ certificate, onClose }: { certificate: CertificateRecord; onClose: () => void }) {
  const t = useText();
  const [other, setOther] = useState<string>();
  const all = useOperation('certificates.list', { limit: 1000 });
  const answer = useOperation('certificates.compare', other === undefined ? undefined : { certificate: certificate.id, other });
  return (
    <Dialog title={t('certificates.compare.title', { name: certificate.label })} open onClose={onClose} onSubmit={onClose}>
      <DialogBody>
        <ComboBox label={t('certificates.compare.with')} value={other} onChange={setOther} choices={(all.data?.certificates ?? []).filter(({ id }) => id !== certificate.id).map(({ id, label, issuer }) => ({ value: id, label, help: issuer }))} />
        {answer.data !== undefined && <Notice tone={answer.data.sameKey ? 'success' : 'info'}>{answer.data.sameKey ? t('certificates.compare.sameKey') : t('certificates.compare.otherKey')}</Notice>}
        {answer.data !== undefined && (
          <div className="max-h-96 overflow-auto" tabIndex={0} role="region" aria-label={t('certificates.compare.title', { name: certificate.label })}>
            <table className="w-full table-fixed text-12">
              <thead><tr><th scope="col" className="w-1/4 p-1 text-left">{t('certificates.compare.field')}</th><th scope="col" className="p-1 text-left">{t('certificates.compare.this')}</th><th scope="col" className="p-1 text-left">{t('certificates.compare.other')}</th></tr></thead>
              <tbody>
                {answer.data.rows.map(({ name, equal, left, right }) => (
                  <tr key={name} className={equal ? 'text-muted' : 'font-medium'}><th scope="row" className="p-1 text-left font-normal break-words">{equal ? name : `≠ ${name}`}</th><td className="p-1 break-all">{left ?? '–'}</td><td className="p-1 break-all">{right ?? '–'}</td></tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <ErrorNotice error={all.error ?? answer.error} />
      </DialogBody>
      <DialogActions><Button kind="primary" type="submit">{t('common.close')}</Button></DialogActions>
    </Dialog>
  );
}
