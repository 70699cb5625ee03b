import { useMemo, useState } from 'react';
import { useAction, useBridge, useOperation, type ChosenFile, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { ComboBox, CopyAsCommand, Notice, PickFile, Select, TextField, useDraft } from '../ui/index.ts';
import { FileContents, useInspected } from './FileContents.tsx';
import { keyChoices, MAKING, MakingDialog, useDays, useMaking, type Way } from './making.tsx';
import { SshDialog } from './SshDialog.tsx';

const PROFILES = ['root', 'sub-ca', 'tls-server', 'tls-client', 'code-signing', 'email', 'ocsp', 'timestamp'] as const;
type Profile = (typeof PROFILES)[number];
const DAYS: Readonly<Record<Profile, number>> = { root: 3650, 'sub-ca': 1825, 'tls-server': 90, 'tls-client': 365, 'code-signing': 365, email: 365, ocsp: 90, timestamp: 1825 };
const AUTHORITIES: readonly Profile[] = ['root', 'sub-ca'];
const MAX_PATH = 50;

const escaped = (name: string): string => name.trim().replaceAll(/[\\,+"<>;=#]/g, '\\$&');
const linesOf = (text: string): string[] => text.split(/[\n,]/).map((line) => line.trim()).filter((line) => line !== '');
/** `example.org` is a name, `192.0.2.1` an address, `ada@example.org` an e-mail address, and what has its kind in front stays as it is. */
const alternativeName = (text: string): string => (/^[a-z]+:/.test(text) ? text : /^[\d./]+$|:/.test(text) ? `ip:${text}` : text.includes('@') ? `email:${text}` : `dns:${text}`);

interface Props {
  /** A request that was dropped. */
  file?: ChosenFile | undefined;
  onClose: () => void;
  onMade: (id: string) => void;
}

/** A certificate or a request, and as it will be in words while it is described. */
export function MakeDialog({ file, onClose, onMade }: Props) {
  const [{ way }, change] = useDraft<{ way: Way }>(file === undefined ? `${MAKING}.way` : undefined, { way: file === undefined ? 'self-signed' : 'issue-request' });
  const setWay = (next: Way): void => change({ way: next });
  if (way === 'ssh') return <SshDialog onWay={setWay} onClose={onClose} onMade={onMade} />;
  return <X509Dialog way={way} onWay={setWay} file={file} onClose={onClose} onMade={onMade} />;
}

function X509Dialog({ way, onWay, file: dropped, onClose, onMade }: Props & { way: Exclude<Way, 'ssh'>; onWay: (way: Way) => void }) {
  const t = useText();
  const bridge = useBridge();
  const keys = useOperation('keys.list', { filter: 'usage=sign state=active', limit: 1000 });
  const authorities = useOperation('certificates.list', { filter: 'purpose=ca', limit: 1000 });
  const making = useMaking(onMade, onClose);
  const selfSign = useAction('certificates.self-sign');
  const request = useAction('certificates.request');
  const issue = useAction('certificates.issue');
  const [key, setKey] = useState<string>();
  const [issuer, setIssuer] = useState<string>();
  const [draft, change] = useDraft(dropped === undefined ? MAKING : undefined, { profile: 'tls-server' as Profile, name: '', organisation: '', alternatives: '', pathLength: '', permitted: '', forbidden: '', listUrl: '' });
  const { profile, name, organisation, alternatives, pathLength, permitted, forbidden, listUrl } = draft;
  const [file, setFile] = useState(dropped);
  const inspected = useInspected(useMemo(() => (file === undefined ? [] : [file]), [file]));
  const days = useDays(DAYS[profile]);
  const held = keys.data?.keys ?? [];
  const chosen = held.find(({ uri }) => uri === key) ?? held[0];
  const signers = (authorities.data?.certificates ?? []).filter(({ keys: own }) => own.length > 0);
  const signer = signers.find(({ id }) => id === issuer) ?? signers[0];
  const fromRequest = way === 'issue-request';
  const isIssued = way === 'issue' || fromRequest;
  const isAuthority = AUTHORITIES.includes(profile);
  const subject = [...(name.trim() === '' ? [] : [`CN=${escaped(name)}`]), ...(organisation.trim() === '' ? [] : [`O=${escaped(organisation)}`])].join(',');
  const san = linesOf(alternatives).map(alternativeName);
  const below = pathLength.trim() === '' ? undefined : Number(pathLength);
  const badPath = isAuthority && below !== undefined && (!Number.isInteger(below) || below < 0 || below > MAX_PATH);
  const limits = (lines: string): string[] => (isAuthority && way !== 'request' ? linesOf(lines).map(alternativeName) : []);
  const [permit, exclude] = [limits(permitted), limits(forbidden)];
  const described = { profile, ...(subject !== '' && { subject }), ...(san.length > 0 && { san }), ...(isAuthority && below !== undefined && !badPath && { pathLength: below }) };
  const validity = { days: days.count, ...(permit.length > 0 && { permit }), ...(exclude.length > 0 && { exclude }) };
  const selfSigning: InputFor<'certificates.self-sign'> = { key: chosen?.uri ?? 'KEY', ...described, ...validity };
  const asking: InputFor<'certificates.request'> = { key: chosen?.uri ?? 'KEY', ...described };
  const issuing: InputFor<'certificates.issue'> = { issuer: signer?.id ?? 'ISSUER', ...described, ...validity, ...(listUrl.trim() !== '' && { crlUrl: linesOf(listUrl) }), ...(fromRequest ? {} : { key: chosen?.uri ?? 'KEY' }) };
  const writeRequest = async (): Promise<undefined> => {
    const target = await bridge.saveTarget(`${name.trim() || 'request'}.csr`);
    const answer = target === undefined ? undefined : await request.run({ ...asking, to: target.out });
    if (answer?.written !== undefined) await target?.finish(answer.written);
  };
  const submit = (): void => void making.run(async () => {
    if (way === 'request') return writeRequest();
    return way === 'self-signed' ? selfSign.run(selfSigning) : issue.run({ ...issuing, ...(file !== undefined && fromRequest && { from: await file.toInput() }) });
  });
  const asRequested = fromRequest ? t('certificates.make.asRequested') : '–';
  const shown = { subject: subject || asRequested, names: isAuthority ? 'none' : san.join(', ') || asRequested, profile: t(`certificates.profile.${profile}`) };
  /** What it limits, too: an authority without limits should be seen to have none. */
  const limited = [
    ...(isAuthority && !badPath ? [below === undefined ? t('certificates.make.resultNoLimit') : t('certificates.make.resultPath', { n: below })] : []),
    ...(permit.length > 0 ? [t('certificates.make.resultPermitted', { names: permit.join(', ') })] : []),
    ...(exclude.length > 0 ? [t('certificates.make.resultForbidden', { names: exclude.join(', ') })] : []),
    ...(isIssued && listUrl.trim() !== '' ? [t('certificates.make.resultList', { places: linesOf(listUrl).join(', ') })] : []),
  ];
  return (
    <MakingDialog
      way={way} onWay={onWay} making={making} onClose={onClose} onSubmit={submit} action={t(`certificates.wayAction.${way}`)}
      pending={selfSign.pending || request.pending || issue.pending} onCancel={() => [selfSign, request, issue].forEach((action) => action.cancel())} error={selfSign.error ?? request.error ?? issue.error ?? keys.error ?? authorities.error}
      ready={!days.bad && !badPath && (fromRequest ? file !== undefined : chosen !== undefined && subject !== '') && (!isIssued || signer !== undefined)}
      aside={way === 'self-signed' ? <CopyAsCommand operation="certificates.self-sign" input={selfSigning} /> : way === 'request' ? <CopyAsCommand operation="certificates.request" input={asking} /> : <CopyAsCommand operation="certificates.issue" input={fromRequest ? { ...issuing, request: file?.name ?? 'FILE' } : issuing} />}
      result={[
        way === 'request' ? t('certificates.make.resultRequest', shown) : t('certificates.make.resultCertificate', { ...shown, issuer: way === 'self-signed' ? t('certificates.itself') : signer?.label ?? '–', days: days.bad ? 0 : days.count }),
        ...limited,
      ].join(' ')}
      {...(request.result !== undefined && way === 'request' && { done: <Notice tone="success" live title={t('certificates.make.requested')}>{t('certificates.make.requestedHelp')}</Notice> })}
    >
      {fromRequest ? (
        <>
          <PickFile label={t('certificates.make.chooseRequest')} file={file} onPick={setFile} autoFocus={false} />
          <FileContents inspected={inspected} />
        </>
      ) : <ComboBox label={t('certificates.make.key')} value={chosen?.uri} onChange={setKey} choices={keyChoices(held, t)} {...(held.length === 0 && { help: t('certificates.make.noKeys') })} />}
      {isIssued && <ComboBox label={t('certificates.make.issuer')} value={signer?.id} onChange={setIssuer} choices={signers.map(({ id, label, subject: help }) => ({ value: id, label, help }))} {...(signers.length === 0 && { help: t('certificates.make.noIssuers') })} />}
      <Select label={t('certificates.make.profile')} value={profile} onChange={(chosen) => change({ profile: chosen })} choices={PROFILES.map((value) => ({ value, label: t(`certificates.profile.${value}`), help: t(`certificates.profileHelp.${value}`) }))} />
      <TextField label={t('certificates.make.name')} help={fromRequest ? t('certificates.make.nameOfRequest') : t('certificates.make.nameHelp')} value={name} autoFocus={!fromRequest} onChange={(text) => change({ name: text })} maxLength={64} />
      <TextField label={t('certificates.make.organisation')} value={organisation} onChange={(text) => change({ organisation: text })} maxLength={64} />
      {!isAuthority && <TextField label={t('certificates.names')} help={fromRequest ? t('certificates.make.namesOfRequest') : t('certificates.make.namesHelp')} value={alternatives} onChange={(text) => change({ alternatives: text })} rows={2} />}
      {isAuthority && <TextField label={t('certificates.make.pathLength')} help={t('certificates.make.pathLengthHelp')} value={pathLength} onChange={(text) => change({ pathLength: text })} isInvalid={badPath} inputMode="numeric" />}
      {isAuthority && way !== 'request' && <TextField label={t('certificates.make.permitted')} help={t('certificates.make.permittedHelp')} value={permitted} onChange={(text) => change({ permitted: text })} rows={2} />}
      {isAuthority && way !== 'request' && <TextField label={t('certificates.make.forbidden')} help={t('certificates.make.forbiddenHelp')} value={forbidden} onChange={(text) => change({ forbidden: text })} rows={2} />}
      {way !== 'request' && days.field}
      {isIssued && <TextField label={t('certificates.make.listUrl')} help={t('certificates.make.listUrlHelp')} value={listUrl} onChange={(text) => change({ listUrl: text })} />}
    </MakingDialog>
  );
}
