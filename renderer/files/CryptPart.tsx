import { useState } from 'react';
import { asProblem, useAction, useBridge, type ChosenFile, type FileReference, type InputFor, type SaveTarget } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Badge, Button, Checkbox, ComboBox, commandOf, CopyAsCommand, ErrorNotice, Form, Notice, ProgressBar, Select, TextField } from '../ui/index.ts';
import { ChosenFiles, countOf, now, PART, referencesTo } from './chosen-files.tsx';
import { useKeyChoices, useRecipientsIn, whyNotMade } from './keys.ts';
import { FilesDone } from './results.tsx';

const ENDINGS = { age: '.age', cms: '.p7m', jwe: '.jwe', openpgp: '.pgp' } as const;
type Format = keyof typeof ENDINGS;
const FORMATS = Object.keys(ENDINGS) as Format[];

/** What keys and certificates in such files are usually encrypted to, by their names. */
function formatFor(files: readonly ChosenFile[]): Format {
  if (files.some(({ name }) => /\.(?:asc|pgp|gpg)$/i.test(name))) return 'openpgp';
  return files.some(({ name }) => /\.(?:jwk|json)$/i.test(name)) ? 'jwe' : 'cms';
}

interface PartProps {
  readonly files: readonly ChosenFile[];
  readonly onFiles: (files: readonly ChosenFile[]) => void;
}

/** For whom, and as what, a file is to be encrypted. */
type Proposal = Pick<InputFor<'files.encrypt'>, 'recipients' | 'toPassphrase' | 'format'>;

/** @returns references, and where the result goes: one file to where the person says, several beside themselves; undefined when cancelled. */
async function placesFor(files: readonly ChosenFile[], save: (name: string) => Promise<SaveTarget | undefined>, nameFor: (name: string) => string): Promise<{ references: FileReference[]; target: SaveTarget | undefined; out: InputFor<'files.encrypt'>['out'] } | undefined> {
  const references = await referencesTo(files);
  const [only] = files;
  if (files.length !== 1 || only === undefined || only.isFolder === true) return { references, target: undefined, out: { beside: true } };
  const target = await save(nameFor(only.name));
  if (target === undefined) return undefined;
  return { references, target, out: 'path' in target.out ? target.out : { beside: true } };
}

/** Encrypt files for keys held here, for others, or to a passphrase. */
export function EncryptPart({ files, onFiles, proposed }: PartProps & { readonly proposed?: Proposal | undefined }) {
  const t = useText();
  const bridge = useBridge();
  const encrypt = useAction('files.encrypt');
  const [recipients, setRecipients] = useState<readonly string[]>(proposed?.recipients ?? []);
  const [other, setOther] = useState('');
  const [certificates, setCertificates] = useState<readonly ChosenFile[]>([]);
  const [toPassphrase, setToPassphrase] = useState(proposed?.toPassphrase ?? false);
  const [format, setFormat] = useState<Format>(proposed?.format ?? 'age');
  const keys = useRecipientsIn(format);
  const choices = useKeyChoices(keys.filter(({ key }) => !recipients.includes(key)));
  const [unreadable, setUnreadable] = useState<unknown>();
  const [done, setDone] = useState<{ readonly asked: Omit<InputFor<'files.encrypt'>, 'files'>; readonly at: Date }>();
  const nobody = recipients.length === 0 && certificates.length === 0;
  const input: Omit<InputFor<'files.encrypt'>, 'files'> = { recipients: [...recipients], format, ...(toPassphrase && { toPassphrase }) };
  const asked = { ...input, ...(certificates.length > 0 && { recipientFiles: certificates.map(({ name }) => ({ path: name })) }) };
  const add = (recipient: string): void => {
    if (recipient.trim() !== '' && !recipients.includes(recipient.trim())) setRecipients([...recipients, recipient.trim()]);
    setOther('');
  };
  // What was typed there is one more recipient: who has not added it does not mean to be done.
  const addByEnter = (event: { key: string; preventDefault(): void }): void => {
    if (event.key !== 'Enter' || other.trim() === '') return;
    event.preventDefault();
    add(other);
  };
  const submit = async (): Promise<void> => {
    if (encrypt.pending) return;
    setUnreadable(undefined);
    try {
      const places = await placesFor(files, (name) => bridge.saveTarget(name), (name) => name + ENDINGS[format]);
      if (places === undefined) return;
      const answer = await encrypt.run({ ...input, files: places.references, recipientFiles: await referencesTo(certificates), out: places.out });
      for (const { written } of answer?.files ?? []) if (written !== null && 'download' in written) await (places.target ?? (await bridge.saveTarget('')))?.finish(written);
      if (answer === undefined) return;
      setDone({ asked, at: now() });
      onFiles([]);
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
    }
  };
  // Chosen before the format was.
  const unfit = new Map(keys.flatMap((row) => (recipients.includes(row.key) && !row.available ? [[row.key, whyNotMade(row, t)] as const] : [])));
  const nameOf = (recipient: string): string => keys.find(({ key }) => key === recipient)?.label ?? (recipient.length > 28 ? `${recipient.slice(0, 24)}…` : recipient);
  return (
    <>
      <Form onSubmit={() => void submit()} className={PART}>
        <ChosenFiles label={t('files.toEncrypt')} files={files} multiple folders onChoose={(more) => onFiles([...files, ...more])} onClear={() => onFiles([])} />
        <section aria-label={t('files.recipients')} className="flex flex-col gap-2">
          {/* One that was chosen is in the list below: the field begins anew, empty and closed. */}
          <ComboBox key={recipients.length} label={t('files.recipientKey')} value={undefined} onChange={add} choices={choices} className="max-w-96" />
          <div className="flex max-w-[36rem] flex-wrap items-end gap-2">
            <TextField label={t('files.recipientText')} help={t('files.recipientTextHelp')} value={other} onChange={setOther} onKeyDown={addByEnter} className="grow" />
            <Button className="mb-5" isDisabled={other.trim() === ''} onPress={() => add(other)}>{t('files.addRecipient')}</Button>
          </div>
          <ChosenFiles label={t('files.recipientFiles')} files={certificates} multiple dropped={false} onChoose={(more) => { setCertificates([...certificates, ...more]); setFormat(formatFor(more)); }} onClear={() => setCertificates([])} />
          {recipients.length > 0 && (
            <ul aria-label={t('files.recipients')} className="flex flex-wrap gap-1">
              {recipients.map((recipient) => (
                <li key={recipient} className="flex flex-wrap items-center gap-1"><Badge>{nameOf(recipient)}</Badge><Button small kind="plain" aria-label={t('files.removeRecipient', { name: nameOf(recipient) })} onPress={() => setRecipients(recipients.filter((each) => each !== recipient))}>×</Button>{unfit.has(recipient) && <span className="text-12 text-danger">{unfit.get(recipient)}</span>}</li>
              ))}
            </ul>
          )}
          <Checkbox isSelected={toPassphrase || nobody} isDisabled={nobody} onChange={setToPassphrase}>{t('files.toPassphrase')}</Checkbox>
        </section>
        <Select label={t('files.format')} value={format} onChange={setFormat} className="w-80" choices={FORMATS.map((name) => ({ value: name, label: t(`files.cryptName.${name}`), help: t(`files.cryptHelp.${name}`) }))} />
        <div className="flex flex-wrap items-center gap-2">
          <Button kind="primary" type="submit" isDisabled={files.length === 0 || unfit.size > 0} pending={encrypt.pending}>{t('files.encryptAction', { n: countOf(files) })}</Button>
          {encrypt.pending && <Button onPress={encrypt.cancel}>{t('common.cancel')}</Button>}
          <CopyAsCommand operation="files.encrypt" input={{ ...asked, files: files.length === 0 ? [{ path: 'FILE' }] : files.map(({ name }) => ({ path: name })) }} />
        </div>
      </Form>
      {encrypt.pending && encrypt.progress && <ProgressBar label={t('files.encrypting', { name: encrypt.progress.file })} fraction={encrypt.progress.totalBytes === 0 ? null : encrypt.progress.bytes / encrypt.progress.totalBytes} />}
      {encrypt.result && done && (
        <FilesDone
          operation="files.encrypt" asked={done.asked} at={done.at} title={t('files.encryptedTitle', { n: encrypt.result.files.length })} files={encrypt.result.files} failed={encrypt.result.failed} opens={false}
          commandFor={(name) => commandOf('files.encrypt', { files: [{ path: name }], ...done.asked })}
        />
      )}
      <ErrorNotice error={unreadable ?? encrypt.error} />
    </>
  );
}

/** Decrypt files with whatever opens them. */
export function DecryptPart({ files, onFiles, onThen }: PartProps & { /** What is decrypted is to be encrypted anew. */ readonly onThen?: (() => void) | undefined }) {
  const t = useText();
  const bridge = useBridge();
  const decrypt = useAction('files.decrypt');
  const [at, setAt] = useState<Date>();
  const [unreadable, setUnreadable] = useState<unknown>();
  const submit = async (): Promise<void> => {
    if (decrypt.pending) return;
    setUnreadable(undefined);
    try {
      const places = await placesFor(files, (name) => bridge.saveTarget(name), (name) => name.replace(/\.(?:age|p7m\.pem|p7m|cms|jwe|pgp|gpg|asc)$/i, ''));
      if (places === undefined) return;
      const answer = await decrypt.run({ files: places.references, out: places.out });
      for (const { written } of answer?.files ?? []) if (written !== null && 'download' in written) await (places.target ?? (await bridge.saveTarget('')))?.finish(written);
      if (answer === undefined) return;
      setAt(now());
      onFiles([]);
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
    }
  };
  return (
    <>
      <Form onSubmit={() => void submit()} className={PART}>
        <ChosenFiles label={t('files.toDecrypt')} files={files} multiple folders onChoose={(more) => onFiles([...files, ...more])} onClear={() => onFiles([])} />
        <p className="text-13 text-muted">{t('files.decryptHelp')}</p>
        {onThen !== undefined && <Notice title={t('mending.thenTitle')} actions={<Button small onPress={onThen}>{t('mending.thenAction')}</Button>}>{t('mending.thenHelp')}</Notice>}
        <div className="flex flex-wrap items-center gap-2">
          <Button kind="primary" type="submit" isDisabled={files.length === 0} pending={decrypt.pending}>{t('files.decryptAction', { n: countOf(files) })}</Button>
          {decrypt.pending && <Button onPress={decrypt.cancel}>{t('common.cancel')}</Button>}
          <CopyAsCommand operation="files.decrypt" input={{ files: files.length === 0 ? [{ path: 'FILE' }] : files.map(({ name }) => ({ path: name })) }} />
        </div>
      </Form>
      {decrypt.pending && decrypt.progress && <ProgressBar label={t('files.decrypting', { name: decrypt.progress.file })} fraction={decrypt.progress.totalBytes === 0 ? null : decrypt.progress.bytes / decrypt.progress.totalBytes} />}
      {decrypt.result && at && (
        <FilesDone
          operation="files.decrypt" asked={{}} at={at} title={t('files.decryptedTitle', { n: decrypt.result.files.length })} files={decrypt.result.files} failed={decrypt.result.failed} opens
          note={({ openedBy }) => t('files.openedBy', { name: openedBy })} commandFor={(name) => commandOf('files.decrypt', { files: [{ path: name }] })}
        />
      )}
      {decrypt.result?.files.some(({ authenticated }) => !authenticated) === true && <Notice tone="warning">{t('files.notAuthenticated')}</Notice>}
      {decrypt.result?.files.some(({ signed }) => signed) === true && <Notice tone="info">{t('files.signedInside')}</Notice>}
      <ErrorNotice error={unreadable ?? decrypt.error} />
    </>
  );
}
