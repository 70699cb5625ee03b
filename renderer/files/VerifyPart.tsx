import { useState } from 'react';
import { asProblem, useAction, type ChosenFile, type FileReference, type OutputFor } from '../bridge/index.ts';
import { listOf, useText } from '../i18n/index.ts';
import { PathTree } from '../certificates/Verdict.tsx';
import { algorithmName } from '../keys/algorithms.ts';
import { Button, ComboBox, CopyAsCommand, ErrorNotice, ExactTime, Fact, Facts, Notice, StateBadge } from '../ui/index.ts';
import { ChosenFiles } from './chosen-files.tsx';
import { useKeysThat } from './keys.ts';

/** Verify a file that somebody sent, by a signature beside it or within it. */
export function VerifyPart({ file, onFile, signature, onSignature }: { file: ChosenFile | undefined; onFile: (file: ChosenFile | undefined) => void; signature: ChosenFile | undefined; onSignature: (file: ChosenFile | undefined) => void }) {
  const t = useText();
  const keys = useKeysThat('verify');
  const verify = useAction('files.verify');
  const [chosen, setChosen] = useState<string>('any');
  const [unreadable, setUnreadable] = useState<unknown>();
  const submit = async (): Promise<void> => {
    if (file === undefined) return;
    setUnreadable(undefined);
    let references: { file: FileReference; signature?: FileReference };
    try {
      references = { file: await file.toInput(), ...(signature !== undefined && { signature: await signature.toInput() }) };
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
      return;
    }
    await verify.run({ ...references, ...(chosen !== 'any' && { key: chosen }) });
  };
  return (
    <>
      <ChosenFiles label={t('files.toVerify')} files={file === undefined ? [] : [file]} onChoose={([one]) => one !== undefined && onFile(one)} onClear={() => onFile(undefined)} />
      <ChosenFiles label={t('files.itsSignature')} files={signature === undefined ? [] : [signature]} onChoose={([one]) => one !== undefined && onSignature(one)} onClear={() => onSignature(undefined)} />
      <ComboBox label={t('files.byKey')} value={chosen} onChange={setChosen} choices={[{ value: 'any', label: t('files.anyKey') }, ...keys.map(({ uri, label, algorithm }) => ({ value: uri, label, help: algorithmName(algorithm) }))]} className="max-w-96" />
      <div className="flex items-center gap-2">
        <Button kind="primary" isDisabled={file === undefined} pending={verify.pending} onPress={() => void submit()}>{t('files.verifyAction')}</Button>
        {verify.pending && <Button onPress={verify.cancel}>{t('common.cancel')}</Button>}
        <CopyAsCommand operation="files.verify" input={{ file: { path: file?.name ?? 'FILE' }, ...(signature !== undefined && { signature: { path: signature.name } }) }} />
      </div>
      {verify.result && <Verdict answer={verify.result} />}
      <ErrorNotice error={unreadable ?? verify.error} />
    </>
  );
}

function Verdict({ answer }: { answer: OutputFor<'files.verify'> }) {
  const t = useText();
  const { intact, trusted, signatures, files } = answer;
  const broken = files.every(({ state }) => state === 'unsigned') ? 'unsigned' : 'notIntact';
  const untrusted = signatures.some(({ trustedBy, coverage }) => trustedBy === null && coverage?.changes.includes('annotation') === true) ? 'annotated' : 'untrusted';
  // A PDF may have grown since its last signature, as that allows.
  const isWhole = signatures.some(({ coverage }) => coverage === null || coverage.revision === coverage.revisions);
  return (
    <Notice tone={trusted ? 'success' : intact ? 'warning' : 'danger'} live title={trusted ? t('files.intact') : intact ? t(`files.${untrusted}`) : t(`files.${broken}`)}>
      <div className="flex flex-col gap-3">
        <p>{trusted ? t(isWhole ? 'files.intactHelp' : 'files.intactPartHelp') : intact ? t(`files.${untrusted}Help`) : t(`files.${broken}Help`)}</p>
        {signatures.map((one, index) => <OneSignature key={index} signature={one} />)}
      </div>
    </Notice>
  );
}

/** The certificates that lead to a root, each with its checks, as under Certificates. */
function Tree({ title, path }: { title: string; path: NonNullable<OutputFor<'files.verify'>['signatures'][number]['path']> }) {
  return (
    <div className="flex flex-col gap-1.5">
      <p className="text-13 font-medium">{title}</p>
      <PathTree path={path} />
    </div>
  );
}

function OneSignature({ signature }: { signature: OutputFor<'files.verify'>['signatures'][number] }) {
  const t = useText();
  const { format, signer, trustedBy, time, algorithm, problem, notes, coverage, path } = signature;
  return (
    <>
      <Facts>
        <Fact name={t('files.format')}>{t(`files.formatName.${format}`)}</Fact>
        <Fact name={t('files.isIntact')}><StateBadge tone={signature.intact ? 'success' : 'danger'}>{t(signature.intact ? 'files.intactYes' : 'files.intactNo')}</StateBadge></Fact>
        {signer !== null && <Fact name={t('files.signedBy')}>{signer.name ?? signer.label ?? t('files.namedKey')}</Fact>}
        <Fact name={t('files.trustedBy')}>{trustedBy === null ? t('files.trustedByNobody') : t(`files.trust.${trustedBy.source}`, { name: trustedBy.name })}</Fact>
        {time !== null && <Fact name={t('files.signedAt')}>{t.rich(time.according === 'timestamp' ? 'files.atByAuthority' : 'files.atBySigner', { at: <ExactTime at={time.at} />, by: time.by ?? '' })}</Fact>}
        {signer !== null && <Fact name={t('files.fingerprint')}><code className="font-mono text-12 break-all">{signer.fingerprint}</code></Fact>}
        {algorithm !== null && <Fact name={t('keys.algorithm')}>{algorithm}</Fact>}
        {problem !== null && <Fact name={t('files.problem')}><span lang="en">{problem}</span></Fact>}
        {coverage !== null && <Fact name={t('files.covers')}>{coverage.revision === coverage.revisions && coverage.changes.length === 0 ? t('files.coversAll') : t('files.coversVersion', { n: coverage.revision, of: coverage.revisions })}</Fact>}
        {coverage !== null && coverage.changes.length > 0 && <Fact name={t('files.afterwards')}>{listOf(coverage.changes.map((change) => t(`files.change.${change}`)), t)}</Fact>}
        {notes.map((note) => <Fact key={note} name={t('files.note')}><span lang="en">{note}</span></Fact>)}
      </Facts>
      {path !== null && <Tree title={t('files.signerPath')} path={path} />}
      {time !== null && time.path !== null && <Tree title={t('files.timePath')} path={time.path} />}
    </>
  );
}
