import { useNavigate } from '@tanstack/react-router';
import { AddBackendDialog } from '../backends/AddBackendDialog.tsx';
import { useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';

/** Adds a PKCS#11 module: its tokens show among the others. */
export function AddModuleDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  const navigate = useNavigate();
  const { data } = useOperation('backends.list', {});
  if (data === undefined) return null;
  return (
    <AddBackendDialog
      title={t('tokens.module.title')} open onClose={onClose} onAdded={() => void navigate({ to: '/tokens' })}
      types={data.types.filter(({ type, available }) => type === 'pkcs11' && available)} taken={data.backends.map(({ name }) => name)}
    />
  );
}
