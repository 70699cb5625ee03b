import { useState, type ReactNode } from 'react';
import { asProblem, useAction, useBridge, useOperation, type ChosenFile, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import { Button, ComboBox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, Notice, RadioGroup, TextField } from '../ui/index.ts';

const KINDS = ['ssh-user', 'ssh-host'] as const;
type Kind = (typeof KINDS)[number];
const DAYS: Readonly<Record<Kind, number>> = { 'ssh-user': 30, 'ssh-host': 365 };
/** Keys that OpenSSH has a name for. */
const isOfSsh = ({ algorithm }: { algorithm: string }): boolean => algorithm === 'ed25519' || /^(?:rsa-|ec-p(?:256|384|521)$)/.test(algorithm);
const wordsOf = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');
const FROM_FILE = 'file';

/** A certificate of OpenSSH: the authority is a key. @param ways chooses what else to make. */
export function SshDialog({ ways, onClose, onMade }: { ways: ReactNode; onClose: () => void; onMade: (id: string) => void }) {
  const t = useText();
  const bridge = useBridge();
  const keys = useOperation('keys.list', { filter: 'usage=sign state=active', limit: 1000 });
  const issue = useAction('certificates.issue');
  const [kind, setKind] = useState<Kind>('ssh-user');
  const [subject, setSubject] = useState<string>(FROM_FILE);
  const [file, setFile] = useState<ChosenFile>();
  const [authority, setAuthority] = useState<string>();
  const [principals, setPrincipals] = useState('');
  const [keyId, setKeyId] = useState('');
  const [days, setDays] = useState('');
  const [command, setCommand] = useState('');
  const [addresses, setAddresses] = useState('');
  const [unreadable, setUnreadable] = useState<unknown>();
  const held = (keys.data?.keys ?? []).filter(isOfSsh);
  const signer = held.find(({ uri }) => uri === authority) ?? held[0];
  const named = wordsOf(principals);
  const count = days === '' ? DAYS[kind] : Number(days);
  const badDays = !Number.isInteger(count) || count < 1 || count > 36_500;
  const fromFile = subject === FROM_FILE;
  const isUser = kind === 'ssh-user';
  const input: InputFor<'certificates.issue'> = {
    issuer: signer?.uri ?? 'KEY', profile: kind, days: count, ...(!fromFile && { key: subject }),
    ssh: { principals: named, ...(keyId.trim() !== '' && { keyId: keyId.trim() }), ...(isUser && command.trim() !== '' && { forceCommand: command.trim() }), ...(isUser && addresses.trim() !== '' && { sourceAddress: wordsOf(addresses) }) },
  };
  const ready = !badDays && signer !== undefined && named.length > 0 && (!fromFile || file !== undefined);
  const submit = async (): Promise<void> => {
    if (!ready) return;
    setUnreadable(undefined);
    try {
      const made = await issue.run({ ...input, ...(fromFile && file !== undefined && { from: await file.toInput() }) });
      if (made === undefined) return;
      onClose();
      onMade(made.id);
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
    }
  };
  const pick = async (): Promise<void> => {
    const [picked] = await bridge.pickFiles({ title: t('certificates.ssh.choose') });
    if (picked !== undefined) setFile(picked);
  };
  return (
    <Dialog title={t('certificates.make.title')} open onClose={onClose} onSubmit={() => void submit()}>
      <DialogBody>
        {ways}
        <RadioGroup label={t('certificates.make.profile')} horizontal value={kind} onChange={setKind} options={KINDS.map((value) => ({ value, label: t(`certificates.ssh.kind.${value}`) }))} />
        <ComboBox label={t('certificates.make.key')} value={subject} onChange={setSubject} choices={[{ value: FROM_FILE, label: t('certificates.ssh.fromFile'), help: t('certificates.ssh.fromFileHelp') }, ...held.map(({ uri, label, algorithm }) => ({ value: uri, label, help: algorithmName(algorithm) }))]} />
        {fromFile && (
          <div className="flex items-center gap-3">
            <Button onPress={() => void pick()}>{t('certificates.ssh.choose')}</Button>
            <span className="min-w-0 truncate text-13">{file?.name ?? t('keys.import.nothingChosen')}</span>
          </div>
        )}
        <ComboBox label={t('certificates.ssh.authority')} value={signer?.uri} onChange={setAuthority} choices={held.map(({ uri, label, algorithm }) => ({ value: uri, label, help: algorithmName(algorithm) }))} help={held.length === 0 ? t('certificates.ssh.noAuthority') : t('certificates.ssh.authorityHelp')} />
        <TextField label={t('certificates.ssh.principals')} help={t(`certificates.ssh.principalsHelp.${kind}`)} value={principals} onChange={setPrincipals} />
        <TextField label={t('certificates.ssh.keyId')} help={t('certificates.ssh.keyIdHelp')} value={keyId} onChange={setKeyId} maxLength={200} />
        <TextField label={t('certificates.make.days')} value={days === '' ? String(DAYS[kind]) : days} onChange={setDays} isInvalid={badDays} inputMode="numeric" />
        {isUser && <TextField label={t('certificates.ssh.command')} help={t('certificates.ssh.commandHelp')} mono value={command} onChange={setCommand} />}
        {isUser && <TextField label={t('certificates.ssh.addresses')} help={t('certificates.ssh.addressesHelp')} value={addresses} onChange={setAddresses} />}
        <Notice title={t('certificates.make.result')}>
          <span className="break-words">{t('certificates.ssh.result', { kind: t(`certificates.ssh.kind.${kind}`), names: named.join(', ') || '–', authority: signer?.label ?? '–', days: badDays ? 0 : count })}</span>
        </Notice>
        <ErrorNotice error={unreadable ?? issue.error ?? keys.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="certificates.issue" input={fromFile ? { ...input, request: file?.name ?? 'FILE' } : input} />}>
        <Button onPress={issue.pending ? issue.cancel : onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" isDisabled={!ready} pending={issue.pending}>{t('certificates.wayAction.issue')}</Button>
      </DialogActions>
    </Dialog>
  );
}
