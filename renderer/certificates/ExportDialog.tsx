import { useState } from 'react';
import type { CertificateRecord } from '../../app/contract/index.ts';
import { useAction, useBridge, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Checkbox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, RadioGroup, Select, useToast } from '../ui/index.ts';

const FORMATS = ['pem', 'pkcs12', 'pkcs7', 'der', 'jwk'] as const;
const EXTENSIONS = { pem: 'pem', pkcs12: 'p12', pkcs7: 'p7b', der: 'cer', jwk: 'jwk' } as const;
type Format = (typeof FORMATS)[number];
const PROFILES = ['modern', 'strict', 'legacy'] as const;
/** Formats with a place for the private key. */
const WITH_KEY: readonly Format[] = ['pem', 'pkcs12', 'jwk'];

/** A certificate as a file, with its chain and its key if that is wanted; what the other side needs is said. */
export function ExportDialog({ certificate, onClose }: { certificate: CertificateRecord; onClose: () => void }) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const exports = useAction('certificates.export');
  const [format, setFormat] = useState<Format>('pem');
  const [withChain, setWithChain] = useState(false);
  const [withKey, setWithKey] = useState(false);
  const [profile, setProfile] = useState<(typeof PROFILES)[number]>('modern');
  const hasChain = format !== 'der';
  const canHaveKey = WITH_KEY.includes(format) && certificate.keys.length > 0;
  const input: InputFor<'certificates.export'> = { certificate: certificate.id, format, ...(hasChain && withChain && { withChain }), ...(canHaveKey && withKey && { withKey }), ...(format === 'pkcs12' && profile !== 'modern' && { profile }) };
  const submit = async (): Promise<void> => {
    const name = `${certificate.label.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')}.${EXTENSIONS[format]}`;
    const target = await bridge.saveTarget(name);
    if (target === undefined) return;
    const answer = await exports.run({ ...input, to: target.out });
    if (answer?.written === undefined) return;
    const where = await target.finish(answer.written);
    onClose();
    toast({ text: t('certificates.export.done', { name: certificate.label, where: where ?? name }) });
  };
  return (
    <Dialog title={t('certificates.export.title', { name: certificate.label })} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        <RadioGroup label={t('keys.format')} value={format} onChange={setFormat} options={FORMATS.map((name) => ({ value: name, label: t(`certificates.format.${name}`), help: t(`certificates.formatHelp.${name}`) }))} />
        {hasChain && <Checkbox isSelected={withChain} onChange={setWithChain}>{t('certificates.export.withChain')}</Checkbox>}
        {canHaveKey && <Checkbox isSelected={withKey} onChange={setWithKey}>{t('certificates.export.withKey')}</Checkbox>}
        {format === 'pkcs12' && <Select label={t('certificates.export.profile')} value={profile} onChange={setProfile} choices={PROFILES.map((name) => ({ value: name, label: t(`certificates.exportProfile.${name}`), help: t(`certificates.exportProfileHelp.${name}`) }))} />}
        {canHaveKey && withKey && <Notice>{t('keys.export.passphraseNote')}</Notice>}
        <ErrorNotice error={exports.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="certificates.export" input={input} />}>
        <Button onPress={exports.pending ? exports.cancel : onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={exports.pending}>{t('certificates.export.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}
