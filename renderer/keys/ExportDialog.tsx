import { useState } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { KEY_ALGORITHMS, useAction, useBridge, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Checkbox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, RadioGroup, useToast } from '../ui/index.ts';

type Format = 'pkcs8' | 'openssh' | 'jwk' | 'pkcs1' | 'sec1' | 'raw';
const EXTENSIONS: Readonly<Record<Format, string>> = { pkcs8: 'pem', pkcs1: 'pem', sec1: 'pem', jwk: 'jwk', openssh: 'key', raw: 'bin' };
const ENCRYPTED: readonly Format[] = ['pkcs8', 'openssh'];

/** Formats that have a place for a key of this algorithm. The core refuses what slips through, with the reason. */
function formatsFor(key: KeyRecord): Format[] {
  const { kind, family } = KEY_ALGORITHMS[key.algorithm];
  if (kind === 'symmetric') return ['raw', 'jwk'];
  return ['pkcs8', ...(['rsa', 'ec', 'eddsa'].includes(family) ? ['openssh' as const] : []), ...(['rsa', 'ec', 'eddsa', 'xdh'].includes(family) ? ['jwk' as const] : []),
    ...(family === 'rsa' ? ['pkcs1' as const] : []), ...(family === 'ec' ? ['sec1' as const] : [])];
}

/** A private key leaves the store: in a file with a passphrase of its own, or in clear after a confirmation in the prompt. */
export function ExportDialog({ keyRecord, open, onClose }: { keyRecord: KeyRecord; open: boolean; onClose: () => void }) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const exports = useAction('keys.export');
  const formats = formatsFor(keyRecord);
  const [format, setFormat] = useState<Format>(formats[0]!);
  const [encrypt, setEncrypt] = useState(true);
  const canEncrypt = ENCRYPTED.includes(format);
  const input: InputFor<'keys.export'> = { key: keyRecord.uri, format, ...(canEncrypt && !encrypt && { encrypt: false }) };
  const close = (): void => {
    exports.reset();
    onClose();
  };
  const submit = async (): Promise<void> => {
    // The core writes the file: no key passes through this window.
    const name = `${keyRecord.label.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')}.${EXTENSIONS[format]}`;
    const target = await bridge.saveTarget(name);
    if (target === undefined) return;
    const answer = await exports.run({ ...input, to: target.out });
    if (answer?.written === undefined) return;
    const where = await target.finish(answer.written);
    close();
    toast({ text: t('keys.export.done', { name: keyRecord.label, where: where ?? name }) });
  };
  return (
    <Dialog title={t('keys.export.title', { name: keyRecord.label })} open={open} onClose={close} onSubmit={() => void submit()}>
      <DialogBody>
        <RadioGroup
          label={t('keys.format')} value={format} onChange={setFormat}
          options={formats.map((name) => ({ value: name, label: t(`keys.format.${name}`), help: t(`keys.formatHelp.${name}`) }))}
        />
        {canEncrypt && <Checkbox isSelected={encrypt} onChange={setEncrypt}>{t('keys.export.encrypt')}</Checkbox>}
        {canEncrypt && encrypt ? <Notice>{t('keys.export.passphraseNote')}</Notice> : <Notice tone="warning">{t('keys.export.clearNote')}</Notice>}
        <ErrorNotice error={exports.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="keys.export" input={input} />}>
        <Button onPress={exports.pending ? exports.cancel : close}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={exports.pending}>{t('keys.export.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
