import { BadgeCheck, Ban, Download, RotateCw, Trash2 } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import type { CertificateRecord } from '../../app/contract/index.ts';
import { useAction, useBridge } from '../bridge/index.ts';
import { keptUntil, useText } from '../i18n/index.ts';
import { useCopyActions, useToast, type MenuEntries } from '../ui/index.ts';
import { commonNameIn } from './common-name.ts';
import { CompareDialog } from './CompareDialog.tsx';
import { CrlDialog } from './CrlDialog.tsx';
import { ExportDialog } from './ExportDialog.tsx';
import { RevokeDialog } from './RevokeDialog.tsx';

type Asking = { what: 'export' | 'revoke' | 'compare' | 'crl' | 'issuer-crl'; about: CertificateRecord };

/**
 * What can be done with certificates: the same in the menu of the list, in that of a detail and with the keyboard, with the dialogs that ask for more.
 * @param onGone  told of certificates that are not in the list any more
 */
export function useCertificateActions(onGone: (certificates: readonly CertificateRecord[]) => void, onOpen: (id: string) => void) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const { copy, asCommand } = useCopyActions();
  const [asking, setAsking] = useState<Asking>();
  const update = useAction('certificates.update');
  const remove = useAction('certificates.delete');
  const restore = useAction('certificates.restore');
  const purge = useAction('certificates.purge');
  const renew = useAction('certificates.renew');
  const unrevoke = useAction('certificates.revoke');
  const verify = useAction('certificates.verify');
  const exports = useAction('certificates.export');

  const renewAll = async (certificates: readonly CertificateRecord[], newKey = false): Promise<void> => {
    for (const { id } of certificates) {
      const after = await renew.run({ certificate: id, ...(newKey && { newKey }) });
      if (after === undefined) return;
      toast({ text: t('certificates.renewed', { name: after.label }) });
      if (certificates.length === 1) onOpen(after.id);
    }
  };
  const restoreAll = async (certificates: readonly CertificateRecord[]): Promise<void> => {
    for (const { id } of certificates) if ((await restore.run({ certificate: id })) === undefined) return;
  };
  const trash = async (certificates: readonly CertificateRecord[]): Promise<void> => {
    const moved: CertificateRecord[] = [];
    for (const { id, trashedUntil } of certificates) {
      if (trashedUntil !== null) continue;
      const after = await remove.run({ certificate: id });
      // The first that fails tells why; what is moved by then can be taken back.
      if (after === undefined) break;
      moved.push(after);
    }
    const [first] = moved;
    if (first === undefined) return;
    toast({ text: t('certificates.trashed', { n: moved.length, name: first.label, until: keptUntil(first, t) }), action: { label: t('common.undo'), onAction: () => void restoreAll(moved) } });
    onGone(moved);
  };
  const destroy = async (certificate: CertificateRecord): Promise<void> => {
    if ((await purge.run({ certificate: certificate.id })) !== undefined) onGone([certificate]);
  };
  /** OpenSSH has one format: there is nothing to ask. */
  const exportOne = async (certificate: CertificateRecord): Promise<void> => {
    if (certificate.type !== 'openssh') return setAsking({ what: 'export', about: certificate });
    const name = `${certificate.label.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')}-cert.pub`;
    const target = await bridge.saveTarget(name);
    if (target === undefined) return;
    const answer = await exports.run({ certificate: certificate.id, to: target.out });
    if (answer?.written === undefined) return;
    toast({ text: t('certificates.export.done', { name: certificate.label, where: (await target.finish(answer.written)) ?? name }) });
  };
  const inputsOf = (certificates: readonly CertificateRecord[]) => certificates.map(({ id }) => ({ certificate: id }));

  /** What there is for one certificate of X.509 alone. */
  const ofOne = (record: CertificateRecord, noKey: string | undefined): MenuEntries => {
    const onHold = record.revocation?.reason === 'certificate-hold';
    const ask = (what: Asking['what']) => () => setAsking({ what, about: record });
    return [
      ...(record.authority ? [{ id: 'crl', label: t('certificates.makeCrl'), disabled: noKey, onAction: ask('crl') }] : []),
      ...(record.revocation?.state === 'revoked' ? [{ id: 'issuer-crl', label: t('certificates.makeIssuerCrl'), disabled: record.issuedBy === null ? t('certificates.renewNoKey') : undefined, onAction: ask('issuer-crl') }] : []),
      ...(onHold ? [{ id: 'unrevoke', label: t('certificates.revoke.takeBack'), onAction: () => void unrevoke.run({ certificate: record.id, reason: 'remove-from-crl' }) }] : []),
      ...(record.issuedBy !== null && !record.selfSigned && (onHold || record.revocation?.state !== 'revoked') ? [{ id: 'revoke', label: t('certificates.revoke.open'), icon: Ban, destructive: true, onAction: ask('revoke') }] : []),
    ];
  };

  const menuOf = (certificates: readonly CertificateRecord[]): MenuEntries => {
    const [only] = certificates;
    if (only === undefined) return [];
    const one = certificates.length === 1;
    if (only.trashedUntil !== null) {
      return [
        { id: 'restore', label: t('certificates.restore'), onAction: () => void restoreAll(certificates) },
        asCommand(inputsOf(certificates), [['certificates.restore', t('certificates.restore')], ...(one ? [['certificates.purge', t('certificates.purge')] as const] : [])]),
        ...(one ? [null, { id: 'purge', label: t('certificates.purge'), icon: Trash2, destructive: true, onAction: () => void destroy(only) }] : []),
      ];
    }
    const isX509 = one && only.type === 'x509';
    const noKey = certificates.every(({ keys }) => keys.length > 0) || only.type === 'openssh' ? undefined : t('certificates.renewNoKey');
    const trust = only.trusted ? t('certificates.distrust') : t('certificates.trust');
    return [
      ...(one ? [{ id: 'export', label: t('certificates.export.open'), icon: Download, onAction: () => void exportOne(only) }] : []),
      ...(isX509 ? [
        { id: 'trust', label: trust, icon: BadgeCheck, onAction: () => void update.run({ certificate: only.id, trusted: !only.trusted }) },
        { id: 'compare', label: t('certificates.compare.open'), onAction: () => setAsking({ what: 'compare', about: only }) },
      ] : []),
      { id: 'copy', label: t('certificates.copyFingerprint'), onAction: () => copy(certificates.map(({ fingerprint }) => fingerprint).join('\n')) },
      asCommand(inputsOf(certificates), [
        ...(isX509 ? [['certificates.verify', t('certificates.verify')], ['certificates.update', trust, { trusted: !only.trusted }]] as const : []),
        ...(noKey === undefined ? [['certificates.renew', t('certificates.renew')] as const] : []), ...(isX509 && noKey === undefined ? [['certificates.renew', t('certificates.renewWithNewKey'), { newKey: true }] as const] : []),
        ['certificates.delete', t('certificates.trash')],
      ]),
      null,
      { id: 'renew', label: t('certificates.renew'), icon: RotateCw, disabled: noKey, onAction: () => void renewAll(certificates) },
      ...(isX509 ? [{ id: 'renew-key', label: t('certificates.renewWithNewKey'), disabled: noKey, onAction: () => void renewAll(certificates, true) }, ...ofOne(only, noKey)] : []),
      null,
      { id: 'trash', label: t('certificates.trash'), icon: Trash2, destructive: true, shortcut: 'Delete', onAction: () => void trash(certificates) },
    ];
  };

  const done = (): void => setAsking(undefined);
  const dialogs: ReactNode = asking !== undefined && (
    <>
      {asking.what === 'export' && <ExportDialog certificate={asking.about} onClose={done} />}
      {asking.what === 'revoke' && <RevokeDialog certificate={asking.about} onClose={done} onList={() => setAsking({ what: 'issuer-crl', about: asking.about })} />}
      {asking.what === 'crl' && <CrlDialog authority={asking.about} onClose={done} />}
      {asking.what === 'issuer-crl' && asking.about.issuedBy !== null && <CrlDialog authority={{ id: asking.about.issuedBy, label: commonNameIn(asking.about.issuer) }} onClose={done} />}
      {asking.what === 'compare' && <CompareDialog certificate={asking.about} onClose={done} />}
    </>
  );
  const actions = [update, remove, restore, purge, renew, unrevoke, verify, exports];
  return { menuOf, trash, restoreAll, renewAll, destroy, exportOne, verify, dialogs, restoring: restore.pending, destroying: purge.pending, renewing: renew.pending, exporting: exports.pending, error: actions.find(({ error }) => error !== undefined)?.error };
}
