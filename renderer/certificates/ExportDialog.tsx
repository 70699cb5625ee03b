import { useState } from 'react';
import type { CertificateRecord } from '../../app/contract/index.ts';
import { useAction, useBridge, useOperation, type InputFor } from '../bridge/index.ts';
import { useText, type Text } from '../i18n/index.ts';
import { Button, Checkbox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, RadioGroup, Select, useToast } from '../ui/index.ts';
import { DragOut } from './DragOut.tsx';

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
  const chain = useOperation('certificates.chain', certificate.selfSigned ? undefined : { certificate: certificate.id });
  const [key] = certificate.keys;
  const [withChain, setWithChain] = useState(!certificate.selfSigned);
  // PKCS#12 is taken for its key; elsewhere a key is the exception.
  const [keyWanted, setKeyWanted] = useState<boolean>();
  const withKey = keyWanted ?? (format === 'pkcs12' && key?.extractable === true);
  const [profile, setProfile] = useState<(typeof PROFILES)[number]>('modern');
  const hasChain = format !== 'der' && !certificate.selfSigned;
  const hasKey = WITH_KEY.includes(format) && key !== undefined;
  const canHaveKey = hasKey && key.extractable;
  const input: InputFor<'certificates.export'> = { certificate: certificate.id, format, ...(hasChain && withChain && { withChain }), ...(canHaveKey && withKey && { withKey }), ...(format === 'pkcs12' && profile !== 'modern' && { profile }) };
  const name = `${certificate.label.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^\.+/, '')}.${EXTENSIONS[format]}`;
  const asksPassphrase = format === 'pkcs12' || input.withKey === true;
  const submit = async (): Promise<void> => {
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
        {hasKey && <Checkbox isSelected={canHaveKey && withKey} isDisabled={!canHaveKey} onChange={setKeyWanted} {...(!canHaveKey && { help: t('certificates.export.keyStays', { place: key.token ?? t('keys.thisComputer') }) })}>{t('certificates.export.withKey')}</Checkbox>}
        {format === 'pkcs12' && <Select label={t('certificates.export.profile')} value={profile} onChange={setProfile} choices={PROFILES.map((name) => ({ value: name, label: t(`certificates.exportProfile.${name}`), help: t(`certificates.exportProfileHelp.${name}`) }))} />}
        <Notice title={t('certificates.export.needs')}>
          <ul className="list-disc pl-4">{needs(input, certificate, chain.data?.chain.at(-1)?.label, t).map((line) => <li key={line}>{line}</li>)}</ul>
        </Notice>
        {asksPassphrase ? <p className="text-13 text-muted">{t('certificates.export.noDrag')}</p> : <DragOut input={input} name={name} />}
        <ErrorNotice error={exports.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="certificates.export" input={input} />}>
        <Button onPress={exports.pending ? exports.cancel : onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" pending={exports.pending}>{t('certificates.export.action')}</Button>
      </DialogActions>
    </Dialog>
  );
}

/** @returns what the other side must have to do anything with the file, a line each. */
function needs({ format, withChain, withKey }: InputFor<'certificates.export'>, { selfSigned, label }: CertificateRecord, top: string | undefined, t: Text): string[] {
  const root = top ?? label;
  return [
    ...(format === 'pkcs12' || withKey === true ? [t('certificates.export.need.passphrase')] : []),
    ...(withKey === true ? [t('certificates.export.need.key')] : []),
    selfSigned ? t('certificates.export.need.trustIt') : withChain === true ? t('certificates.export.need.trustRoot', { root }) : t('certificates.export.need.chain', { root }),
  ];
}
