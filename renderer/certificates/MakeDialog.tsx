import { useState } from 'react';
import { asProblem, useAction, useBridge, useOperation, type ChosenFile, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import { Button, ComboBox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, RadioGroup, Select, TextField } from '../ui/index.ts';
import { SshDialog } from './SshDialog.tsx';

const WAYS = ['self-signed', 'request', 'issue', 'issue-request', 'ssh'] as const;
type Way = (typeof WAYS)[number];
const PROFILES = ['root', 'sub-ca', 'tls-server', 'tls-client', 'code-signing', 'email', 'ocsp', 'timestamp'] as const;
const DAYS: Readonly<Record<(typeof PROFILES)[number], number>> = { root: 3650, 'sub-ca': 1825, 'tls-server': 90, 'tls-client': 365, 'code-signing': 365, email: 365, ocsp: 90, timestamp: 1825 };

const escaped = (name: string): string => name.trim().replaceAll(/[\\,+"<>;=#]/g, '\\$&');
const linesOf = (text: string): string[] => text.split(/[\n,]/).map((line) => line.trim()).filter((line) => line !== '');
/** `example.org` is a name, `192.0.2.1` an address, `ada@example.org` an e-mail address, and what has its kind in front stays as it is. */
const alternativeName = (text: string): string => (/^[a-z]+:/.test(text) ? text : /^[\d.]+$|:/.test(text) ? `ip:${text}` : text.includes('@') ? `email:${text}` : `dns:${text}`);

/** A certificate or a request, and as it will be in words while it is described. */
export function MakeDialog({ onClose, onMade }: { onClose: () => void; onMade: (id: string) => void }) {
  const t = useText();
  const bridge = useBridge();
  const keys = useOperation('keys.list', { filter: 'usage=sign state=active', limit: 1000 });
  const authorities = useOperation('certificates.list', { filter: 'purpose=ca', limit: 1000 });
  const [way, setWay] = useState<Way>('self-signed');
  const [key, setKey] = useState<string>();
  const [issuer, setIssuer] = useState<string>();
  const [profile, setProfile] = useState<(typeof PROFILES)[number]>('tls-server');
  const [name, setName] = useState('');
  const [organisation, setOrganisation] = useState('');
  const [alternatives, setAlternatives] = useState('');
  const [days, setDays] = useState('');
  const [file, setFile] = useState<ChosenFile>();
  const [unreadable, setUnreadable] = useState<unknown>();
  const selfSign = useAction('certificates.self-sign');
  const request = useAction('certificates.request');
  const issue = useAction('certificates.issue');
  const held = keys.data?.keys ?? [];
  const chosen = held.find(({ uri }) => uri === key) ?? held[0];
  const signers = (authorities.data?.certificates ?? []).filter(({ keys: own }) => own.length > 0);
  const signer = signers.find(({ id }) => id === issuer) ?? signers[0];
  const fromRequest = way === 'issue-request';
  const subject = [...(name.trim() === '' ? [] : [`CN=${escaped(name)}`]), ...(organisation.trim() === '' ? [] : [`O=${escaped(organisation)}`])].join(',');
  const san = linesOf(alternatives).map(alternativeName);
  const count = days === '' ? DAYS[profile] : Number(days);
  const badDays = !Number.isInteger(count) || count < 1 || count > 36_500;
  const described = { profile, ...(subject !== '' && { subject }), ...(san.length > 0 && { san }) };
  const making: InputFor<'certificates.self-sign'> = { key: chosen?.uri ?? 'KEY', ...described, days: count };
  const asking: InputFor<'certificates.request'> = { key: chosen?.uri ?? 'KEY', ...described };
  const issuing: InputFor<'certificates.issue'> = { issuer: signer?.id ?? 'ISSUER', ...described, days: count, ...(fromRequest ? {} : { key: chosen?.uri ?? 'KEY' }) };
  const pending = selfSign.pending || request.pending || issue.pending;
  const ready = !badDays && (fromRequest ? file !== undefined : chosen !== undefined && subject !== '') && (way === 'self-signed' || way === 'request' || signer !== undefined);
  const submit = async (): Promise<void> => {
    if (!ready) return;
    setUnreadable(undefined);
    try {
      if (way === 'request') {
        const target = await bridge.saveTarget(`${name.trim() || 'request'}.csr`);
        if (target === undefined) return;
        const answer = await request.run({ ...asking, to: target.out });
        if (answer?.written !== undefined) await target.finish(answer.written);
        return;
      }
      const made = way === 'self-signed' ? await selfSign.run(making) : await issue.run({ ...issuing, ...(file !== undefined && fromRequest && { from: await file.toInput() }) });
      if (made === undefined) return;
      onClose();
      onMade(made.id);
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
    }
  };
  const pick = async (): Promise<void> => {
    const [picked] = await bridge.pickFiles({ title: t('certificates.make.chooseRequest') });
    if (picked !== undefined) setFile(picked);
  };
  const ways = <RadioGroup label={t('certificates.make.way')} value={way} onChange={setWay} options={WAYS.map((value) => ({ value, label: t(`certificates.way.${value}`), help: t(`certificates.wayHelp.${value}`) }))} />;
  if (way === 'ssh') return <SshDialog ways={ways} onClose={onClose} onMade={onMade} />;
  const command = way === 'self-signed' ? <CopyAsCommand operation="certificates.self-sign" input={making} /> : way === 'request' ? <CopyAsCommand operation="certificates.request" input={asking} /> : <CopyAsCommand operation="certificates.issue" input={fromRequest ? { ...issuing, request: 'FILE' } : issuing} />;
  return (
    <Dialog title={t('certificates.make.title')} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        {ways}
        {fromRequest ? (
          <div className="flex items-center gap-3">
            <Button onPress={() => void pick()}>{t('certificates.make.chooseRequest')}</Button>
            <span className="min-w-0 truncate text-13">{file?.name ?? t('keys.import.nothingChosen')}</span>
          </div>
        ) : <ComboBox label={t('certificates.make.key')} value={chosen?.uri} onChange={setKey} choices={held.map(({ uri, label, algorithm }) => ({ value: uri, label, help: algorithmName(algorithm) }))} {...(held.length === 0 && { help: t('certificates.make.noKeys') })} />}
        {(way === 'issue' || fromRequest) && <ComboBox label={t('certificates.make.issuer')} value={signer?.id} onChange={setIssuer} choices={signers.map(({ id, label, subject: help }) => ({ value: id, label, help }))} {...(signers.length === 0 && { help: t('certificates.make.noIssuers') })} />}
        <Select label={t('certificates.make.profile')} value={profile} onChange={setProfile} choices={PROFILES.map((value) => ({ value, label: t(`certificates.profile.${value}`), help: t(`certificates.profileHelp.${value}`) }))} />
        <TextField label={t('certificates.make.name')} help={fromRequest ? t('certificates.make.nameOfRequest') : t('certificates.make.nameHelp')} value={name} onChange={setName} maxLength={64} />
        <TextField label={t('certificates.make.organisation')} value={organisation} onChange={setOrganisation} maxLength={64} />
        <TextField label={t('certificates.names')} help={t('certificates.make.namesHelp')} value={alternatives} onChange={setAlternatives} rows={2} />
        {way !== 'request' && <TextField label={t('certificates.make.days')} value={days === '' ? String(DAYS[profile]) : days} onChange={setDays} isInvalid={badDays} inputMode="numeric" />}
        <Notice title={t('certificates.make.result')}>
          <span className="break-words">{way === 'request'
            ? t('certificates.make.resultRequest', { subject: subject || '–', names: san.join(', ') || '–', profile: t(`certificates.profile.${profile}`) })
            : t('certificates.make.resultCertificate', { subject: fromRequest && subject === '' ? t('certificates.make.asRequested') : subject || '–', names: san.join(', ') || (fromRequest ? t('certificates.make.asRequested') : '–'), profile: t(`certificates.profile.${profile}`), issuer: way === 'self-signed' ? t('certificates.itself') : signer?.label ?? '–', days: badDays ? 0 : count })}</span>
        </Notice>
        {request.result !== undefined && <Notice tone="success" live title={t('certificates.make.requested')}>{t('certificates.make.requestedHelp')}</Notice>}
        <ErrorNotice error={unreadable ?? selfSign.error ?? request.error ?? issue.error ?? keys.error ?? authorities.error} />
      </DialogBody>
      <DialogActions aside={command}>
        <Button onPress={pending ? () => [selfSign, request, issue].forEach((action) => action.cancel()) : onClose}>{request.result === undefined ? t('common.cancel') : t('common.close')}</Button>
        <Button kind="primary" type="submit" isDisabled={!ready} pending={pending}>{t(`certificates.wayAction.${way}`)}</Button>
      </DialogActions>
    </Dialog>
  );
}
