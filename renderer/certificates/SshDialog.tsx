import { useState } from 'react';
import { useAction, useOperation, type ChosenFile, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { ComboBox, CopyAsCommand, PickFile, RadioGroup, TextField, useDraft } from '../ui/index.ts';
import { keyChoices, MAKING, MakingDialog, useDays, useMaking, type Way } from './making.tsx';

const KINDS = ['ssh-user', 'ssh-host'] as const;
type Kind = (typeof KINDS)[number];
const DAYS: Readonly<Record<Kind, number>> = { 'ssh-user': 30, 'ssh-host': 365 };
/** Keys that OpenSSH has a name for. */
const isOfSsh = ({ algorithm }: { algorithm: string }): boolean => algorithm === 'ed25519' || /^(?:rsa-|ec-p(?:256|384|521)$)/.test(algorithm);
const wordsOf = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');
const FROM_FILE = 'file';

/** A certificate of OpenSSH: the authority is a key. */
export function SshDialog({ onWay, onClose, onMade }: { onWay: (way: Way) => void; onClose: () => void; onMade: (id: string) => void }) {
  const t = useText();
  const keys = useOperation('keys.list', { filter: 'usage=sign state=active', limit: 1000 });
  const issue = useAction('certificates.issue');
  const making = useMaking(onMade, onClose);
  const [{ kind, principals, keyId, command, addresses }, change] = useDraft(`${MAKING}.ssh`, { kind: 'ssh-user' as Kind, principals: '', keyId: '', command: '', addresses: '' });
  const [subject, setSubject] = useState<string>(FROM_FILE);
  const [file, setFile] = useState<ChosenFile>();
  const [authority, setAuthority] = useState<string>();
  const days = useDays(DAYS[kind]);
  const held = (keys.data?.keys ?? []).filter(isOfSsh);
  const signer = held.find(({ uri }) => uri === authority) ?? held[0];
  const named = wordsOf(principals);
  const fromFile = subject === FROM_FILE;
  const isUser = kind === 'ssh-user';
  const input: InputFor<'certificates.issue'> = {
    issuer: signer?.uri ?? 'KEY', profile: kind, days: days.count, ...(!fromFile && { key: subject }),
    ssh: { principals: named, ...(keyId.trim() !== '' && { keyId: keyId.trim() }), ...(isUser && command.trim() !== '' && { forceCommand: command.trim() }), ...(isUser && addresses.trim() !== '' && { sourceAddress: wordsOf(addresses) }) },
  };
  return (
    <MakingDialog
      way="ssh" onWay={onWay} making={making} onClose={onClose} action={t('certificates.wayAction.issue')} pending={issue.pending} onCancel={issue.cancel} error={issue.error ?? keys.error}
      ready={!days.bad && signer !== undefined && named.length > 0 && (!fromFile || file !== undefined)}
      onSubmit={() => void making.run(async () => issue.run({ ...input, ...(fromFile && file !== undefined && { from: await file.toInput() }) }))}
      aside={<CopyAsCommand operation="certificates.issue" input={fromFile ? { ...input, request: file?.name ?? 'FILE' } : input} />}
      result={t('certificates.ssh.result', { kind: t(`certificates.ssh.kind.${kind}`), names: named.join(', ') || '–', authority: signer?.label ?? '–', days: days.bad ? 0 : days.count })}
    >
      <RadioGroup label={t('certificates.make.profile')} horizontal value={kind} onChange={(chosen) => change({ kind: chosen })} options={KINDS.map((value) => ({ value, label: t(`certificates.ssh.kind.${value}`) }))} />
      <ComboBox label={t('certificates.make.key')} value={subject} onChange={setSubject} choices={[{ value: FROM_FILE, label: t('certificates.ssh.fromFile'), help: t('certificates.ssh.fromFileHelp') }, ...keyChoices(held, t)]} />
      {fromFile && <PickFile label={t('certificates.ssh.choose')} file={file} onPick={setFile} autoFocus={false} />}
      <ComboBox label={t('certificates.ssh.authority')} value={signer?.uri} onChange={setAuthority} choices={keyChoices(held, t)} help={held.length === 0 ? t('certificates.ssh.noAuthority') : t('certificates.ssh.authorityHelp')} />
      <TextField label={t('certificates.ssh.principals')} help={t(`certificates.ssh.principalsHelp.${kind}`)} value={principals} onChange={(text) => change({ principals: text })} />
      <TextField label={t('certificates.ssh.keyId')} help={t('certificates.ssh.keyIdHelp')} value={keyId} onChange={(text) => change({ keyId: text })} maxLength={200} />
      {days.field}
      {isUser && <TextField label={t('certificates.ssh.command')} help={t('certificates.ssh.commandHelp')} mono value={command} onChange={(text) => change({ command: text })} />}
      {isUser && <TextField label={t('certificates.ssh.addresses')} help={t('certificates.ssh.addressesHelp')} value={addresses} onChange={(text) => change({ addresses: text })} />}
    </MakingDialog>
  );
}
