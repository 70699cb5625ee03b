import { FileCheck2, FileSignature } from 'lucide-react';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { asProblem, useAction, useBridge, useOperation, type ChosenFile, type FileReference, type OutputFor, type SaveTarget } from '../bridge/index.ts';
import { byteSize, useText } from '../i18n/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import { useCommands } from '../shell/commands.tsx';
import { useDropTarget } from '../shell/FileDrop.tsx';
import { ListPane } from '../shell/Panes.tsx';
import { Button, ComboBox, CopyAsCommand, ErrorNotice, Fact, Facts, Notice, ProgressBar, Segments, useToast } from '../ui/index.ts';
import { SigningWithToken } from './SigningWithToken.tsx';
import { TokenGone } from './TokenGone.tsx';

type Mode = 'sign' | 'verify';

/** Sign files, or verify one that somebody sent. */
export function FilesView() {
  const t = useText();
  const [mode, setMode] = useState<Mode>('sign');
  const [files, setFiles] = useState<readonly ChosenFile[]>([]);
  const [signature, setSignature] = useState<ChosenFile>();
  useCommands([
    { id: 'files.sign', label: t('files.signFiles'), group: t('files.title'), icon: FileSignature, onRun: () => setMode('sign') },
    { id: 'files.verify', label: t('files.verifyFile'), group: t('files.title'), icon: FileCheck2, onRun: () => setMode('verify') },
  ]);
  useDropTarget({
    hint: (n) => (mode === 'sign' ? t('files.dropToSign', { n }) : t('files.dropToVerify')),
    onDrop: (dropped) => {
      if (mode === 'sign') setFiles([...files, ...dropped]);
      else takeForVerifying(dropped);
    },
  });
  /** Of a file and its signature dropped together, the one that ends in .sig is the signature. */
  const takeForVerifying = (dropped: readonly ChosenFile[]): void => {
    const signatures = dropped.filter(({ name }) => name.endsWith('.sig'));
    const others = dropped.filter(({ name }) => !name.endsWith('.sig'));
    if (signatures[0] !== undefined) setSignature(signatures[0]);
    if (others[0] !== undefined) setFiles([others[0]]);
  };
  return (
    <ListPane title={t('files.title')}>
      <div className="flex min-h-0 grow flex-col gap-5 overflow-y-auto px-4 pt-2 pb-6">
        <Segments label={t('files.what')} value={mode} onChange={setMode} options={[{ value: 'sign', label: t('files.signFiles') }, { value: 'verify', label: t('files.verifyFile') }]} />
        <div className="flex max-w-[44rem] flex-col gap-5">
          {mode === 'sign' ? <SignPart files={files} onFiles={setFiles} /> : <VerifyPart file={files[0]} onFile={(file) => setFiles([file])} signature={signature} onSignature={setSignature} />}
        </div>
      </div>
    </ListPane>
  );
}

function ChosenFiles({ label, files, onChoose, multiple = false, onClear }: { label: string; files: readonly ChosenFile[]; onChoose: (files: readonly ChosenFile[]) => void; multiple?: boolean; onClear?: () => void }) {
  const t = useText();
  const bridge = useBridge();
  const pick = async (): Promise<void> => {
    const chosen = await bridge.pickFiles({ title: label, multiple });
    if (chosen.length > 0) onChoose(chosen);
  };
  return (
    <section aria-label={label} className="flex flex-col gap-2">
      <h2 className="text-13 font-medium">{label}</h2>
      {files.length > 0 && (
        <ul className="max-h-60 overflow-y-auto rounded-control border border-border bg-canvas" tabIndex={0}>
          {files.map((file, index) => (
            <li key={`${file.name}-${index}`} className="flex h-9 items-center justify-between gap-3 px-3 text-13">
              <span className="truncate">{file.name}</span>
              <span className="shrink-0 text-muted">{byteSize(file.size, t.language)}</span>
            </li>
          ))}
        </ul>
      )}
      <div className="flex items-center gap-2">
        <Button onPress={() => void pick()}>{multiple ? t('files.choose') : t('files.chooseOne')}</Button>
        {files.length > 0 && onClear && <Button kind="plain" onPress={onClear}>{t('files.clear')}</Button>}
        <span className="text-12 text-muted">{t('files.orDrop')}</span>
      </div>
    </section>
  );
}

function useSigningKeys(use: 'sign' | 'verify'): KeyRecord[] {
  const keys = useOperation('keys.list', { filter: `usage=${use}${use === 'sign' ? ' state=active' : ''}`, limit: 1000 }, { keepPrevious: true });
  return keys.data?.keys ?? [];
}

function SignPart({ files, onFiles }: { files: readonly ChosenFile[]; onFiles: (files: readonly ChosenFile[]) => void }) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const keys = useSigningKeys('sign');
  const sign = useAction('files.sign');
  const { selected } = useSearch({ from: '/files' });
  const [chosen, setChosen] = useState(selected);
  const [unreadable, setUnreadable] = useState<unknown>();
  const [signed, setSigned] = useState<OutputFor<'files.sign'>>();
  const key = keys.find(({ uri }) => uri === chosen) ?? keys[0];
  const isTokenGone = sign.error?.code === 'TOKEN_REMOVED' && key !== undefined && key.hardware !== null;
  const submit = async (): Promise<void> => {
    if (key === undefined) return;
    setUnreadable(undefined);
    setSigned(undefined);
    const references: FileReference[] = [];
    try {
      for (const file of files) references.push(await file.toInput());
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
      return;
    }
    // One file: the person says where its signature goes. Several: each lies beside its file.
    const [only] = files;
    let target: SaveTarget | undefined;
    if (files.length === 1 && only !== undefined) {
      target = await bridge.saveTarget(`${only.name}.sig`);
      if (target === undefined) return;
    }
    const out = target !== undefined && 'path' in target.out ? target.out : { beside: true as const };
    const answer = await sign.run({ files: references, key: key.uri, out });
    if (answer === undefined) return;
    for (const { written } of answer.files) if (written !== null && 'download' in written) await (target ?? (await bridge.saveTarget('')))?.finish(written);
    setSigned(answer);
    onFiles([]);
    toast({ text: t('files.signed', { n: answer.files.length, key: key.label }) });
  };
  return (
    <>
      <ChosenFiles label={t('files.toSign')} files={files} multiple onChoose={(more) => onFiles([...files, ...more])} onClear={() => onFiles([])} />
      <ComboBox label={t('files.key')} value={key?.uri} onChange={setChosen} choices={keys.map(({ uri, label, algorithm }) => ({ value: uri, label, help: algorithmName(algorithm) }))} help={keys.length === 0 ? t('files.noKeys') : t('files.rawHelp')} className="max-w-96" />
      <div className="flex items-center gap-2">
        <Button kind="primary" isDisabled={files.length === 0 || key === undefined} pending={sign.pending} onPress={() => void submit()}>{t('files.signAction', { n: files.length })}</Button>
        {sign.pending && <Button onPress={sign.cancel}>{t('common.cancel')}</Button>}
        {key !== undefined && <CopyAsCommand operation="files.sign" input={{ files: files.length === 0 ? [{ path: 'FILE' }] : files.map(({ name }) => ({ path: name })), key: key.uri }} />}
      </div>
      {key?.hardware && <SigningWithToken keyRecord={key} hardware={key.hardware} files={files.length} />}
      {sign.pending && sign.progress && <ProgressBar label={t('files.signing', { name: sign.progress.file })} fraction={sign.progress.totalBytes === 0 ? null : sign.progress.bytes / sign.progress.totalBytes} />}
      {signed && <Signed answer={signed} />}
      {isTokenGone && <TokenGone keyRecord={key} files={files.length} onAgain={() => void submit()} />}
      <ErrorNotice error={unreadable ?? (isTokenGone ? undefined : sign.error)} />
    </>
  );
}

function Signed({ answer }: { answer: OutputFor<'files.sign'> }) {
  const t = useText();
  return (
    <Notice tone="success" live title={t('files.signedTitle', { n: answer.files.length })}>
      <ul className="flex flex-col gap-1">
        {answer.files.map(({ name, written, algorithm }) => (
          <li key={name} className="break-all">{written !== null && 'path' in written ? t('files.signedTo', { path: written.path, algorithm }) : t('files.signedSaved', { name: name.split(/[/\\]/).at(-1) ?? name, algorithm })}</li>
        ))}
      </ul>
    </Notice>
  );
}

function VerifyPart({ file, onFile, signature, onSignature }: { file: ChosenFile | undefined; onFile: (file: ChosenFile) => void; signature: ChosenFile | undefined; onSignature: (file: ChosenFile) => void }) {
  const t = useText();
  const keys = useSigningKeys('verify');
  const verify = useAction('files.verify');
  const [chosen, setChosen] = useState<string>('any');
  const [unreadable, setUnreadable] = useState<unknown>();
  const submit = async (): Promise<void> => {
    if (file === undefined || signature === undefined) return;
    setUnreadable(undefined);
    let references: [FileReference, FileReference];
    try {
      references = [await file.toInput(), await signature.toInput()];
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
      return;
    }
    await verify.run({ file: references[0], signature: references[1], ...(chosen !== 'any' && { key: chosen }) });
  };
  return (
    <>
      <ChosenFiles label={t('files.toVerify')} files={file === undefined ? [] : [file]} onChoose={([one]) => one !== undefined && onFile(one)} />
      <ChosenFiles label={t('files.itsSignature')} files={signature === undefined ? [] : [signature]} onChoose={([one]) => one !== undefined && onSignature(one)} />
      <ComboBox label={t('files.byKey')} value={chosen} onChange={setChosen} choices={[{ value: 'any', label: t('files.anyKey') }, ...keys.map(({ uri, label, algorithm }) => ({ value: uri, label, help: algorithmName(algorithm) }))]} className="max-w-96" />
      <div className="flex items-center gap-2">
        <Button kind="primary" isDisabled={file === undefined || signature === undefined} pending={verify.pending} onPress={() => void submit()}>{t('files.verifyAction')}</Button>
        {verify.pending && <Button onPress={verify.cancel}>{t('common.cancel')}</Button>}
        <CopyAsCommand operation="files.verify" input={{ file: { path: file?.name ?? 'FILE' }, signature: { path: signature?.name ?? 'FILE' } }} />
      </div>
      {verify.result && <Verdict answer={verify.result} />}
      <ErrorNotice error={unreadable ?? verify.error} />
    </>
  );
}

function Verdict({ answer }: { answer: OutputFor<'files.verify'> }) {
  const t = useText();
  const { signer } = answer;
  return (
    <Notice tone={answer.trusted ? 'success' : 'danger'} live title={answer.intact ? t('files.intact') : t('files.notIntact')}>
      <div className="flex flex-col gap-2">
        <p>{answer.intact ? t('files.intactHelp') : t('files.notIntactHelp')}</p>
        {signer !== null && (
          <Facts>
            <Fact name={t('files.signedBy')}>{signer.label ?? t('files.namedKey')}</Fact>
            <Fact name={t('files.fingerprint')}><code className="font-mono text-12 break-all">{signer.fingerprint}</code></Fact>
            {answer.algorithm !== null && <Fact name={t('keys.algorithm')}>{answer.algorithm}</Fact>}
          </Facts>
        )}
      </div>
    </Notice>
  );
}
