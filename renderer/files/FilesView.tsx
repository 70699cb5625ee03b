import { FileCheck2, FileKey2, FileLock2, FileSearch2, FileSignature } from 'lucide-react';
import { useRef, useState, type ComponentProps, type KeyboardEvent } from 'react';
import type { Mending } from '../../app/contract/index.ts';
import type { ChosenFile } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { useCommands } from '../shell/commands.tsx';
import { useDropTarget } from '../shell/FileDrop.tsx';
import { ListPane } from '../shell/Panes.tsx';
import { ErrorNotice, matchesShortcut, Segments, sendForm } from '../ui/index.ts';
import { DecryptPart, EncryptPart } from './CryptPart.tsx';
import { isEncrypted, isSignature } from './guess.ts';
import { InspectPart } from './InspectPart.tsx';
import { SignPart } from './SignPart.tsx';
import { VerifyPart } from './VerifyPart.tsx';

const MODES = ['sign', 'verify', 'encrypt', 'decrypt', 'inspect'] as const;
type Mode = (typeof MODES)[number];
/** Does what the filled button says, from wherever the keyboard is. */
const GO = 'Mod+Enter';

/** Sign, verify, encrypt, decrypt and inspect files. What is dropped tells what is likely to be wanted. */
export function FilesView() {
  const t = useText();
  const [mode, setMode] = useState<Mode>('sign');
  const [files, setFiles] = useState<readonly ChosenFile[]>([]);
  const [signature, setSignature] = useState<ChosenFile>();
  // Counts up when a token is to be made of claims that are typed.
  const [claims, setClaims] = useState(0);
  const [undropped, setUndropped] = useState<unknown>();
  // What a finding has proposed, until another part is chosen by hand.
  const [proposed, setProposed] = useState<Mending>();
  const hasNext = proposed !== undefined && proposed.next !== null;
  const turn = (to: Mode): void => {
    setProposed(undefined);
    setMode(to);
  };
  const mend = (action: Mending): void => {
    setProposed(action);
    setMode(action.operation === 'files.sign' ? 'sign' : 'decrypt');
    // The file that was signed is another one than its signature.
    if (!action.takesFile) setFiles([]);
  };
  const part = useRef<HTMLDivElement>(null);
  const go = (): void => sendForm(part.current?.querySelector('form'));
  // Before the button that has the focus takes it for a press of its own.
  const goFromButton = (event: KeyboardEvent): void => {
    if (!matchesShortcut(event, GO)) return;
    event.preventDefault();
    event.stopPropagation();
    go();
  };
  useCommands([
    { id: 'files.go', label: t('files.go'), group: t('files.title'), shortcut: GO, onRun: go },
    { id: 'files.sign', label: t('files.signFiles'), group: t('files.title'), icon: FileSignature, onRun: () => turn('sign') },
    { id: 'files.jwt', label: t('files.makeJwt'), group: t('files.title'), icon: FileSignature, onRun: () => { setFiles([]); setClaims((before) => before + 1); turn('sign'); } },
    { id: 'files.verify', label: t('files.verifyFile'), group: t('files.title'), icon: FileCheck2, onRun: () => turn('verify') },
    { id: 'files.encrypt', label: t('files.encryptFiles'), group: t('files.title'), icon: FileLock2, onRun: () => turn('encrypt') },
    { id: 'files.decrypt', label: t('files.decryptFiles'), group: t('files.title'), icon: FileKey2, onRun: () => turn('decrypt') },
    { id: 'files.inspect', label: t('files.inspectFile'), group: t('files.title'), icon: FileSearch2, onRun: () => turn('inspect') },
  ]);
  useDropTarget({
    hint: (n) => t(`files.drop.${mode}`, { n }),
    onDrop: (dropped) => {
      setUndropped(undefined);
      const signed = dropped.filter(({ name }) => isSignature(name));
      if (mode === 'inspect') setFiles(dropped.slice(0, 1));
      else if (signed.length > 0 || mode === 'verify') {
        setMode('verify');
        const others = dropped.filter((file) => !signed.includes(file));
        const isPair = signed.length <= 1 && others.length <= 1 && others[0]?.isFolder !== true && files.length <= 1;
        if (isPair && signed.length === 1) setSignature(signed[0]);
        // Many find their signatures by their names.
        if (!isPair) setSignature(undefined);
        if (!isPair || others.length === 1) setFiles(isPair ? others : mode === 'verify' ? [...files, ...dropped] : dropped);
      } else if (dropped.every(({ name }) => isEncrypted(name))) {
        setFiles(mode === 'decrypt' ? [...files, ...dropped] : dropped);
        setMode('decrypt');
      } else setFiles([...files, ...dropped]);
    },
    onFailed: setUndropped,
    onOpen: (opened) => {
      const [signed] = opened.filter(({ name }) => isSignature(name));
      setSignature(signed);
      setFiles(opened.filter((file) => file !== signed));
      setMode(signed !== undefined ? 'verify' : opened.every(({ name }) => isEncrypted(name)) ? 'decrypt' : 'inspect');
    },
  });
  return (
    <ListPane title={t('files.title')}>
      <div className="flex min-h-0 grow flex-col gap-5 overflow-y-auto px-4 pt-2 pb-6">
        <Segments label={t('files.what')} value={mode} onChange={turn} options={MODES.map((value) => ({ value, label: t(`files.mode.${value}`) }))} />
        <div ref={part} onKeyDownCapture={goFromButton} className="flex max-w-[44rem] flex-col gap-5">
          <ErrorNotice error={undropped} />
          {mode === 'sign' && <SignPart key={claims} files={files} onFiles={setFiles} proposed={claims > 0 && proposed === undefined ? { format: 'jwt' } : (proposed?.input as ComponentProps<typeof SignPart>['proposed'])} />}
          {mode === 'verify' && <VerifyPart files={files} onFiles={setFiles} signature={signature} onSignature={setSignature} />}
          {mode === 'encrypt' && <EncryptPart files={files} onFiles={setFiles} proposed={proposed?.next?.input} />}
          {mode === 'decrypt' && <DecryptPart files={files} onFiles={setFiles} onThen={hasNext ? () => { setFiles([]); setMode('encrypt'); } : undefined} />}
          {mode === 'inspect' && <InspectPart file={files[0]} onFile={(file) => setFiles(file === undefined ? [] : [file])} onTurn={mend} />}
        </div>
      </div>
    </ListPane>
  );
}
