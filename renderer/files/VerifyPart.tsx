import { useState } from 'react';
import { asProblem, useAction, useBridge, type ChosenFile, type FileReference, type InputFor, type OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import { Button, Checkbox, ComboBox, commandOf, CopyAsCommand, ErrorNotice, Form, Notice, ProgressBar } from '../ui/index.ts';
import { baseName, ChosenFiles, now, PART, referencesTo } from './chosen-files.tsx';
import { manifestAmong } from './guess.ts';
import { useKeysThat } from './keys.ts';
import { Outcomes, type Outcome } from './outcomes.tsx';
import { SaveReport } from './report.tsx';
import { Verdict } from './Verdict.tsx';

type Judged = OutputFor<'files.verify'>['files'][number];
const KINDS = { trusted: 'valid', untrusted: 'untrusted', invalid: 'invalid', unsigned: 'unsigned', failed: 'failed' } as const;

interface Props {
  readonly files: readonly ChosenFile[];
  readonly onFiles: (files: readonly ChosenFile[]) => void;
  /** Of one file: its signature, where that is not looked for by its name. */
  readonly signature: ChosenFile | undefined;
  readonly onSignature: (file: ChosenFile | undefined) => void;
}

/** Verify what somebody sent: a file by a signature beside it or within it, or many files and whole folders. */
export function VerifyPart({ files, onFiles, signature, onSignature }: Props) {
  const t = useText();
  const bridge = useBridge();
  const keys = useKeysThat('verify');
  const verify = useAction('files.verify');
  const [chosen, setChosen] = useState<string>('any');
  const [unreadable, setUnreadable] = useState<unknown>();
  const [judged, setJudged] = useState<{ readonly files: readonly Judged[]; readonly many: boolean; readonly manifest: Judged | null; readonly asked: Readonly<Record<string, unknown>>; readonly at: Date }>();
  const [byManifest, setByManifest] = useState<boolean>();
  const isMany = files.length > 1 || files[0]?.isFolder === true;
  const [first] = files;
  const possible = manifestAmong(files.flatMap(({ name, isFolder }) => (isFolder === true ? [] : [name])));
  const manifest = possible !== undefined && (byManifest ?? possible.likely) ? files.find(({ name }) => name === possible.name) : undefined;
  const by = chosen === 'any' ? {} : { key: chosen };
  const submit = async (): Promise<void> => {
    if (first === undefined || verify.pending) return;
    setUnreadable(undefined);
    setJudged(undefined);
    try {
      if (manifest !== undefined) {
        const at = await manifest.toInput();
        // The manifest knows where its files lie; only what was uploaded has to be given with it.
        const references = 'path' in at ? [] : await referencesTo([...files.filter((file) => file !== manifest), ...(signature === undefined ? [] : [signature])]);
        const answer = await verify.run({ manifest: at, ...(references.length > 0 && { files: references }), ...by });
        if (answer !== undefined) setJudged({ files: answer.files, many: true, manifest: answer.manifest, asked: by, at: now() });
        return;
      }
      if (!isMany) {
        const answer = await verify.run({ file: await first.toInput(), ...(signature !== undefined && { signature: await signature.toInput() }), ...by });
        if (answer !== undefined) setJudged({ files: answer.files, many: false, manifest: null, asked: by, at: now() });
        return;
      }
      const all: Judged[] = [];
      // Uploads find their signatures by name, and in two folders there may be files of one name.
      for (const [folder, within] of byFolder(files)) {
        const references: FileReference[] = await referencesTo(within);
        const answer = await verify.run({ files: references, ...by });
        if (answer === undefined) return;
        all.push(...answer.files.map((file) => (folder === '' ? file : { ...file, name: `${folder}/${file.name}` })));
      }
      setJudged({ files: all, many: true, manifest: null, asked: by, at: now() });
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
    }
  };
  const input: InputFor<'files.verify'> = manifest !== undefined ? { manifest: { path: manifest.name }, ...by } : isMany ? { files: files.map(({ name }) => ({ path: name })), ...by } : { file: { path: first?.name ?? 'FILE' }, ...(signature !== undefined && { signature: { path: signature.name } }), ...by };
  return (
    <>
      <Form onSubmit={() => void submit()} className={PART}>
        <ChosenFiles label={t('files.toVerify')} files={files} multiple folders onChoose={(more) => onFiles([...files, ...more])} onClear={() => { onFiles([]); setJudged(undefined); setByManifest(undefined); }} />
        {possible !== undefined && <Checkbox isSelected={manifest !== undefined} onChange={setByManifest} help={t(bridge.showInFolder === undefined ? 'files.byManifestHelpBrowser' : 'files.byManifestHelp')}>{t('files.byManifest', { name: baseName(possible.name) })}</Checkbox>}
        {!isMany && manifest === undefined && <ChosenFiles label={t('files.itsSignature')} files={signature === undefined ? [] : [signature]} dropped={false} onChoose={([one]) => one !== undefined && onSignature(one)} onClear={() => onSignature(undefined)} />}
        <ComboBox label={t('files.byKey')} value={chosen} onChange={setChosen} choices={[{ value: 'any', label: t('files.anyKey') }, ...keys.map(({ uri, label, algorithm }) => ({ value: uri, label, help: algorithmName(algorithm) }))]} className="max-w-96" />
        <div className="flex flex-wrap items-center gap-2">
          <Button kind="primary" type="submit" isDisabled={first === undefined} pending={verify.pending}>{manifest !== undefined ? t('files.verifyActionManifest') : isMany && files.every(({ isFolder }) => isFolder !== true) ? t('files.verifyActionMany', { n: files.length }) : isMany ? t('files.verifyActionFolder') : t('files.verifyAction')}</Button>
          {verify.pending && <Button onPress={verify.cancel}>{t('common.cancel')}</Button>}
          <CopyAsCommand operation="files.verify" input={input} />
        </div>
      </Form>
      {verify.pending && (isMany || manifest !== undefined) && verify.progress && <ProgressBar label={t('files.verifying', { name: verify.progress.file })} fraction={verify.progress.files === 0 ? null : verify.progress.index / verify.progress.files} />}
      {judged !== undefined && judged.manifest !== null && (
        <section aria-label={t('files.theManifest')} className="flex flex-col gap-2">
          <h2 className="text-13 font-medium">{t('files.theManifest')}</h2>
          <Verdict file={judged.manifest} />
        </section>
      )}
      {judged !== undefined && (judged.many ? <ManyVerdicts judged={judged.files} asked={judged.asked} at={judged.at} /> : judged.files.map((file) => <Verdict key={file.name} file={file} />))}
      <ErrorNotice error={unreadable ?? verify.error} />
    </>
  );
}

function byFolder(files: readonly ChosenFile[]): Map<string, ChosenFile[]> {
  const folders = new Map<string, ChosenFile[]>();
  for (const file of files) folders.set(file.folder ?? '', [...(folders.get(file.folder ?? '') ?? []), file]);
  return folders;
}

/** How many are valid, and each with its verdict. */
function ManyVerdicts({ judged, asked, at }: { judged: readonly Judged[]; asked: Readonly<Record<string, unknown>>; at: Date }) {
  const t = useText();
  const [valid, unsigned] = [judged.filter(({ trusted }) => trusted).length, judged.filter(({ state }) => state === 'unsigned').length];
  const rest = judged.length - valid - unsigned;
  const whoOf = ({ signer, trusted }: Judged): string | null => (signer === null ? null : t(trusted ? 'files.by' : 'files.bySomebody', { name: signer.name ?? signer.label ?? signer.fingerprint.slice(0, 15) }));
  const outcomes = judged.map((file, index): Outcome => ({
    key: String(index), name: file.name, kind: KINDS[file.state], says: whoOf(file), file: { path: file.name }, opens: true,
    command: commandOf('files.verify', { file: { path: file.name }, ...(file.signatureFiles[0] !== undefined && { signature: { path: file.signatureFiles[0] } }), ...asked }),
  }));
  const report = { operation: 'files.verify' as const, at, asked, files: judged.map((file) => ({ name: file.name, kind: KINDS[file.state], detail: t.sentence(file.verdict) ?? file.verdict, told: { ...file, verdict: undefined } })) };
  return (
    <>
      <Notice tone={rest > 0 ? 'danger' : unsigned > 0 || judged.length === 0 ? 'warning' : 'success'} live title={judged.length === 0 ? t('files.nothingToVerify') : t('files.verifiedTitle', { valid, rest, unsigned })} {...(judged.length > 0 && { actions: <SaveReport report={report} /> })} />
      {judged.length > 0 && <Outcomes label={t('files.verified')} outcomes={outcomes} renderDetail={({ key }) => <Verdict file={judged[Number(key)] as Judged} live={false} />} />}
    </>
  );
}
