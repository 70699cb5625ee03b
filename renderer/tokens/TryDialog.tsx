import type { KeyRecord } from '../../app/contract/index.ts';
import { encodeText, useAction } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice } from '../ui/index.ts';

/** Signs a short message with a key and verifies that: whether the key, its PIN and its touch work. */
export function useTry(keyRecord: KeyRecord | undefined) {
  const sign = useAction('keys.sign');
  const verify = useAction('keys.verify');
  const message = encodeText('Keywright tries this key.');
  return {
    run: async (): Promise<boolean> => {
      if (keyRecord === undefined) return false;
      const signed = await sign.run({ key: keyRecord.uri, content: { message } });
      if (signed === undefined) return false;
      const verified = await verify.run({ key: keyRecord.uri, content: { message }, signature: signed.signature, algorithm: signed.algorithm });
      return verified?.valid === true;
    },
    cancel: () => {
      sign.cancel();
      verify.cancel();
    },
    pending: sign.pending || verify.pending,
    error: sign.error ?? verify.error,
    /** undefined: not tried yet. */
    works: sign.error === undefined ? verify.result?.valid : undefined,
    algorithm: sign.result?.algorithm,
    command: keyRecord === undefined ? undefined : { key: keyRecord.uri, content: { message: 'FILE' } },
  };
}

/** What came of trying a key. */
export function Tried({ tried }: { tried: ReturnType<typeof useTry> }) {
  const t = useText();
  return (
    <>
      {tried.works === true && !tried.pending && <Notice tone="success" live title={t('tokens.try.works')}>{t('tokens.try.worksHelp', { algorithm: tried.algorithm ?? '' })}</Notice>}
      {tried.works === false && !tried.pending && <Notice tone="danger" live title={t('tokens.try.fails')}>{t('tokens.try.failsHelp')}</Notice>}
      <ErrorNotice error={tried.error} />
    </>
  );
}

export function TryDialog({ keyRecord, onClose }: { keyRecord: KeyRecord; onClose: () => void }) {
  const t = useText();
  const tried = useTry(keyRecord);
  return (
    <Dialog title={t('tokens.try.title', { name: keyRecord.label })} open onClose={onClose} onSubmit={() => void tried.run()}>
      <DialogBody>
        <p className="text-13">{t('tokens.try.what')}</p>
        <Tried tried={tried} />
      </DialogBody>
      <DialogActions aside={tried.command && <CopyAsCommand operation="keys.sign" input={tried.command} />}>
        <Button onPress={tried.pending ? tried.cancel : onClose}>{tried.pending ? t('common.cancel') : t('common.close')}</Button>
        <Button kind="primary" type="submit" autoFocus pending={tried.pending}>{t('tokens.try.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
