import type { TokenRecord } from '../../app/contract/index.ts';
import { useOperation } from '../bridge/index.ts';
import { listOf, useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Skeleton } from '../ui/index.ts';

/** What a PKCS#11 token says that it can do. */
export function MechanismsDialog({ token, onClose }: { token: TokenRecord; onClose: () => void }) {
  const t = useText();
  const input = { token: token.id };
  const { data, error } = useOperation('tokens.mechanisms', input);
  return (
    <Dialog title={t('tokens.mechanisms.title', { name: token.name })} open onClose={onClose} size="large">
      <DialogBody reads>
        {data === undefined && error === null && <Skeleton />}
        <ErrorNotice error={error} />
        {data !== undefined && (
          <table className="w-full text-left text-13">
            <thead className="text-12 text-muted">
              <tr>
                <th scope="col" className="py-1 pr-4 font-medium">{t('tokens.mechanisms.name')}</th>
                <th scope="col" className="py-1 pr-4 font-medium">{t('tokens.mechanisms.bits')}</th>
                <th scope="col" className="py-1 font-medium">{t('keys.uses')}</th>
              </tr>
            </thead>
            <tbody>
              {data.mechanisms.map(({ name, code, minimumBits, maximumBits, uses }) => (
                <tr key={code} className="border-t border-border align-top">
                  <td className="py-1.5 pr-4 font-mono text-12">{name}</td>
                  <td className="py-1.5 pr-4 whitespace-nowrap tabular-nums">{minimumBits === null && maximumBits === null ? '' : minimumBits === maximumBits ? maximumBits : t('tokens.mechanisms.range', { least: minimumBits ?? 0, most: maximumBits ?? 0 })}</td>
                  <td className="py-1.5 text-muted">{listOf(uses.map((use) => t.sentence(use) ?? use), t)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="tokens.mechanisms" input={input} />}>
        <Button onPress={onClose}>{t('common.close')}</Button>
      </DialogActions>
    </Dialog>
  );
}
