import { useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { asProblem, useAction, useBridge, useOperation, type ChosenFile, type FileReference, type InputFor, type OutputFor, type SaveTarget } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { usePreferences } from '../shell/preferences.tsx';
import { Button, Checkbox, ComboBox, commandOf, CopyAsCommand, ErrorNotice, Form, ProgressBar, Select } from '../ui/index.ts';
import { ChosenFiles, countOf, now, PART, referencesTo } from './chosen-files.tsx';
import { FilesDone } from './results.tsx';
import { SigningWithToken } from './SigningWithToken.tsx';
import { TokenGone } from './TokenGone.tsx';
import { JwtClaims, type ClaimsHandle } from './JwtForm.tsx';
import { useFittingFormat } from './fitting-format.ts';
import { signatureName } from './guess.ts';
import { useKeyChoices, useKeysThat, useMakersOf, whyNotMade, type FormatRow } from './keys.ts';
import { endingOf, type Holder, holderInput, HolderOptions } from './HolderOptions.tsx';
import { areWordsWell, FormatOptions, NO_WORDS, type Words, wordsInput } from './FormatOptions.tsx';
import { isSeenWell, PdfOptions, pdfInput, type Seen, UNSEEN } from './PdfOptions.tsx';

type Format = FormatRow['format'];

/** What was signed, and what was asked for then. */
interface Signed extends OutputFor<'files.sign'> {
  readonly asked: Omit<InputFor<'files.sign'>, 'files' | 'out'>;
  readonly at: Date;
  /** What was written holds the document itself. */
  readonly opens: boolean;
}

/** Sign files, as what and with which key. */
export function SignPart({ files, onFiles, proposed }: { files: readonly ChosenFile[]; onFiles: (files: readonly ChosenFile[]) => void; /** Key and format to begin with. */ proposed?: { readonly key?: string; readonly format: Format } | undefined }) {
  const t = useText();
  const bridge = useBridge();
  const keys = useKeysThat('sign');
  const sign = useAction('files.sign');
  const { selected } = useSearch({ from: '/files' });
  const [chosen, setChosen] = useState(proposed?.key ?? selected);
  const [chosenFormat, setChosenFormat] = useState(proposed?.format);
  const [seen, setSeen] = useState<Seen>(UNSEEN);
  const { preferences, change } = usePreferences();
  const [typed, setTyped] = useState<Omit<Words, 'timestamp'>>(NO_WORDS);
  const words: Words = { ...typed, timestamp: preferences.timestampAuthority };
  const [holder, setHolder] = useState<Holder>({ together: true, within: false });
  const fitting = useFittingFormat(files);
  const wanted = chosenFormat ?? fitting ?? 'raw';
  const [listed, setListed] = useState(false);
  const [unreadable, setUnreadable] = useState<unknown>();
  const [signed, setSigned] = useState<Signed>();
  const makers = useMakersOf(wanted);
  const choices = useKeyChoices(makers);
  // Unless one was chosen, the first that makes what is wanted.
  const able = new Set(makers.flatMap(({ available, key: uri }) => (available ? [uri] : [])));
  const key = keys.find(({ uri }) => uri === chosen) ?? keys.find(({ uri }) => able.has(uri)) ?? keys[0];
  const formats = useOperation('files.formats', key === undefined ? undefined : { key: key.uri }, { keepPrevious: true });
  const rows = (formats.data?.rows ?? []).filter(({ uses }) => uses > 0);
  const row = rows.find(({ format, available }) => format === wanted && available) ?? rows.find(({ available }) => available);
  const format = row?.format ?? 'raw';
  const more = { ...(format === 'pdf' && pdfInput(seen)), ...(row !== undefined && holderInput(holder, row, files.length)), ...wordsInput(words, format) };
  const isWell = areWordsWell(words, format) && (format !== 'pdf' || isSeenWell(seen));
  const isOne = (files.length === 1 && files[0]?.isFolder !== true) || 'together' in more;
  // A manifest lies in a folder of the person's: a browser has none to write to.
  const takesManifest = !isOne && files.length > 0 && bridge.showInFolder !== undefined;
  // Without a file the claims of a token are typed.
  const isClaims = format === 'jwt' && files.length === 0 && key !== undefined && signed === undefined;
  const isTokenGone = sign.error?.code === 'TOKEN_REMOVED' && key !== undefined && key.hardware !== null;
  const claims = useRef<ClaimsHandle>(null);
  const submit = async (): Promise<void> => {
    if (key === undefined || !isWell || sign.pending) return;
    setUnreadable(undefined);
    setSigned(undefined);
    let references: FileReference[];
    try {
      references = await referencesTo(files);
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
      return;
    }
    // One output: the person says where it goes. Several: each lies beside its file.
    const [only] = files;
    let target: SaveTarget | undefined;
    if (isOne && only !== undefined) {
      target = await bridge.saveTarget(signatureName(only.name, row && endingOf(holder, row)));
      if (target === undefined) return;
    }
    let manifest: InputFor<'files.sign'>['manifest'];
    if (takesManifest && listed) {
      const place = await bridge.saveTarget('manifest.json');
      if (place === undefined) return;
      if ('path' in place.out) manifest = place.out;
    }
    const out = target !== undefined && 'path' in target.out ? target.out : { beside: true as const };
    const asked = { key: key.uri, format, ...more };
    const answer = await sign.run({ files: references, ...asked, ...(manifest !== undefined && { manifest }), out });
    if (answer === undefined) return;
    const downloads = new Map(answer.files.flatMap(({ written }) => (written !== null && 'download' in written ? [[written.download, written]] : [])));
    for (const written of downloads.values()) await (target ?? (await bridge.saveTarget('')))?.finish(written);
    setSigned({ ...answer, asked, at: now(), opens: row !== undefined && endingOf(holder, row).copy });
    onFiles([]);
  };
  return (
    <>
      <Form onSubmit={() => (isClaims ? claims.current?.submit() : void submit())} className={PART}>
        <ChosenFiles label={t('files.toSign')} files={files} multiple folders onChoose={(more) => onFiles([...files, ...more])} onClear={() => onFiles([])} />
        <div className="flex flex-wrap gap-4">
          <ComboBox label={t('files.key')} value={key?.uri} onChange={setChosen} choices={choices} {...(keys.length === 0 && { help: t('files.noKeys') })} className="w-80" />
          <Select
            label={t('files.format')} value={format} onChange={setChosenFormat} className="w-80" help={t(`files.formatHelp.${format}`)}
            choices={rows.map((one) => ({ value: one.format, label: t(`files.formatName.${one.format}`), disabled: !one.available, help: whyNotMade(one, t) ?? (one.limit === null ? undefined : (t.sentence(one.limit) ?? one.limit)) ?? t(`files.formatHelp.${one.format}`) }))}
          />
        </div>
        {format === 'pdf' && <PdfOptions value={seen} onChange={setSeen} files={files} />}
        {isClaims && <JwtClaims ref={claims} keyRecord={key} />}
        {!isClaims && <FormatOptions value={words} onChange={(next) => { setTyped(next); if (next.timestamp !== words.timestamp) change({ timestampAuthority: next.timestamp }); }} format={format} />}
        {row !== undefined && <HolderOptions value={holder} onChange={setHolder} row={row} files={files.length} />}
        {takesManifest && <Checkbox isSelected={listed} onChange={setListed} help={t('files.listedHelp')}>{t('files.listed')}</Checkbox>}
        {!isClaims && <div className="flex flex-wrap items-center gap-2">
          <Button kind="primary" type="submit" isDisabled={files.length === 0 || key === undefined || row === undefined || !isWell} pending={sign.pending}>{t('files.signAction', { n: countOf(files) })}</Button>
          {sign.pending && <Button onPress={sign.cancel}>{t('common.cancel')}</Button>}
          {key !== undefined && <CopyAsCommand operation="files.sign" input={{ files: files.length === 0 ? [{ path: 'FILE' }] : files.map(({ name }) => ({ path: name })), key: key.uri, format, ...more, ...(takesManifest && listed && { manifest: { path: 'manifest.json' } }) }} />}
        </div>}
      </Form>
      {key?.hardware && <SigningWithToken keyRecord={key} hardware={key.hardware} files={(isOne ? 1 : files.length) * (row?.uses ?? 1)} />}
      {sign.pending && sign.progress && <ProgressBar label={t('files.signing', { name: sign.progress.file })} fraction={sign.progress.totalBytes === 0 ? null : sign.progress.bytes / sign.progress.totalBytes} />}
      {signed && (
        <FilesDone
          operation="files.sign" asked={signed.asked} at={signed.at} title={t('files.signedTitle', { n: signed.files.length })} files={signed.files} failed={signed.failed} opens={signed.opens}
          isKept={({ kept }) => kept} note={({ kept }) => (kept ? t('files.kept') : undefined)} commandFor={(name) => commandOf('files.sign', { files: [{ path: name }], ...signed.asked })}
        />
      )}
      {signed !== undefined && signed.manifest !== null && <p className="text-13 break-all">{t('files.listedIn', { path: signed.manifest.path })}</p>}
      {isTokenGone && <TokenGone keyRecord={key} files={files.length} onAgain={() => void submit()} />}
      <ErrorNotice error={unreadable ?? formats.error ?? (isTokenGone ? undefined : sign.error)} />
    </>
  );
}
