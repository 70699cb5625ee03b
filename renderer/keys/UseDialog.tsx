import { createContext, useContext, useState } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { asProblem, decodeBase64url, encodeBase64url, encodeText, KEY_ALGORITHMS, useAction, useBridge, type ChosenFile } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, CopyButton, Dialog, DialogActions, DialogBody, ErrorNotice, Form, forgetDrafts, Notice, Segments, TextField, useDraft } from '../ui/index.ts';

export type Use = 'sign' | 'verify' | 'encrypt' | 'decrypt';
const LARGEST = 16 * 1024 * 1024;

/** @returns what of signing, verifying, encrypting and decrypting a key can do. */
export function usesOf(key: KeyRecord): Use[] {
  return (['sign', 'verify', 'encrypt', 'decrypt'] as const).filter((use) => key.usages.includes(use));
}

/** Text or a file of up to 16 MiB, signed, verified, encrypted or decrypted with one key. Large files are signed in Files. */
export function UseDialog({ keyRecord, use, onUse, open, onClose }: { keyRecord: KeyRecord; use: Use; onUse: (use: Use) => void; open: boolean; onClose: () => void }) {
  const t = useText();
  const uses = usesOf(keyRecord);
  const [switched, setSwitched] = useState(false);
  const turnTo = (next: Use): void => {
    setSwitched(true);
    onUse(next);
  };
  return (
    <Dialog title={t('keys.use.title', { name: keyRecord.label })} open={open} onClose={onClose} size="medium">
      <FocusContent value={!switched}>
      <div className="px-5 pb-3"><Segments label={t('keys.use.what')} value={use} onChange={turnTo} options={uses.map((name) => ({ value: name, label: t(`keys.use.${name}`) }))} /></div>
      {use === 'sign' && <Signing keyRecord={keyRecord} onClose={onClose} />}
      {use === 'verify' && <Verifying keyRecord={keyRecord} onClose={onClose} />}
      {use === 'encrypt' && <Encrypting keyRecord={keyRecord} onClose={onClose} />}
      {use === 'decrypt' && <Decrypting keyRecord={keyRecord} onClose={onClose} />}
      </FocusContent>
    </Dialog>
  );
}

/** Whether the content has the focus as it comes: not when another use was just chosen, where the keyboard is still among the uses. */
const FocusContent = createContext(true);

interface PartProps {
  keyRecord: KeyRecord;
  onClose: () => void;
}

/** Text that was typed, or a file: as bytes, once they are needed. @param draft  under which what was typed is kept; undefined for what may be secret */
function useContent(draft: string | undefined) {
  const t = useText();
  const bridge = useBridge();
  const [{ text }, change] = useDraft(draft, { text: '' });
  const [file, setFile] = useState<ChosenFile>();
  const [unreadable, setUnreadable] = useState<unknown>();
  const read = async (): Promise<string | undefined> => {
    setUnreadable(undefined);
    try {
      return file === undefined ? encodeText(text) : encodeBase64url(await file.bytes(LARGEST));
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
      return undefined;
    }
  };
  const pick = async (): Promise<void> => {
    const [chosen] = await bridge.pickFiles({ title: t('keys.use.chooseFile') });
    if (chosen !== undefined) setFile(chosen);
  };
  return { text, setText: (typed: string) => change({ text: typed }), file, clear: () => setFile(undefined), pick, read, unreadable };
}

function ContentField({ content, label, mono = false }: { content: ReturnType<typeof useContent>; label: string; mono?: boolean }) {
  const t = useText();
  const autoFocus = useContext(FocusContent);
  return (
    <div className="flex flex-col gap-2">
      {content.file === undefined
        ? <TextField label={label} rows={5} mono={mono} autoFocus={autoFocus} value={content.text} onChange={content.setText} />
        : <p className="text-13">{t('keys.use.file', { name: content.file.name })}</p>}
      <div className="flex gap-2">
        <Button small onPress={() => void content.pick()}>{t('keys.use.chooseFile')}</Button>
        {content.file !== undefined && <Button small kind="plain" onPress={content.clear}>{t('keys.use.typeInstead')}</Button>}
      </div>
    </div>
  );
}

function Signing({ keyRecord, onClose }: PartProps) {
  const t = useText();
  const draft = `keys.use.sign ${keyRecord.id}`;
  const content = useContent(draft);
  const sign = useAction('keys.sign');
  const submit = async (): Promise<void> => {
    const message = await content.read();
    if (message !== undefined && (await sign.run({ key: keyRecord.uri, content: { message } })) !== undefined) forgetDrafts(draft);
  };
  return (
    <Form onSubmit={() => void submit()} className="flex min-h-0 flex-col">
      <DialogBody>
        <ContentField content={content} label={t('keys.use.message')} />
        {sign.result && <Outcome label={t('keys.use.signature')} text={sign.result.signature} note={t('keys.use.signedAs', { algorithm: sign.result.algorithm, version: sign.result.version })} fileName="signature.sig" />}
        <ErrorNotice error={content.unreadable ?? sign.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="keys.sign" input={{ key: keyRecord.uri, content: { message: 'FILE' } }} />}>
        <Button onPress={onClose}>{t('common.close')}</Button>
        <Button kind="primary" type="submit" pending={sign.pending}>{t('keys.use.sign')}</Button>
      </DialogActions>
    </Form>
  );
}

function Verifying({ keyRecord, onClose }: PartProps) {
  const t = useText();
  const draft = `keys.use.verify ${keyRecord.id}`;
  const content = useContent(draft);
  const verify = useAction('keys.verify');
  const [{ signature }, change] = useDraft(`${draft} signature`, { signature: '' });
  const trimmed = signature.replaceAll(/\s/g, '');
  const submit = async (): Promise<void> => {
    if (trimmed === '') return;
    const message = await content.read();
    if (message !== undefined && (await verify.run({ key: keyRecord.uri, content: { message }, signature: toBase64url(trimmed) })) !== undefined) forgetDrafts(draft);
  };
  return (
    <Form onSubmit={() => void submit()} className="flex min-h-0 flex-col">
      <DialogBody>
        <ContentField content={content} label={t('keys.use.message')} />
        <TextField label={t('keys.use.signature')} help={t('keys.use.signatureHelp')} mono rows={3} value={signature} onChange={(typed) => change({ signature: typed })} />
        {verify.result && (verify.result.valid
          ? <Notice tone="success" live>{t('keys.use.valid', { version: verify.result.version ?? 1 })}</Notice>
          : <Notice tone="danger" live>{t('keys.use.invalid')}</Notice>)}
        <ErrorNotice error={content.unreadable ?? verify.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="keys.verify" input={{ key: keyRecord.uri, content: { message: 'FILE' }, signature: 'FILE' }} />}>
        <Button onPress={onClose}>{t('common.close')}</Button>
        <Button kind="primary" type="submit" pending={verify.pending} isDisabled={trimmed === ''}>{t('keys.use.verify')}</Button>
      </DialogActions>
    </Form>
  );
}

function Encrypting({ keyRecord, onClose }: PartProps) {
  const t = useText();
  // What is to be encrypted is likely to be secret.
  const content = useContent(undefined);
  const encrypt = useAction('keys.encrypt');
  const submit = async (): Promise<void> => {
    const plaintext = await content.read();
    if (plaintext !== undefined) await encrypt.run({ key: keyRecord.uri, plaintext });
  };
  const short = KEY_ALGORITHMS[keyRecord.algorithm].family === 'rsa';
  return (
    <Form onSubmit={() => void submit()} className="flex min-h-0 flex-col">
      <DialogBody>
        <ContentField content={content} label={t('keys.use.plaintext')} />
        {short && <p className="text-12 text-muted">{t('keys.use.rsaShort')}</p>}
        {encrypt.result && <Outcome label={t('keys.use.ciphertext')} text={encrypt.result.ciphertext} note={t('keys.use.encryptedAs', { algorithm: encrypt.result.algorithm, version: encrypt.result.version })} fileName={`${content.file?.name ?? 'message'}.enc`} />}
        <ErrorNotice error={content.unreadable ?? encrypt.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="keys.encrypt" input={{ key: keyRecord.uri, plaintext: 'FILE' }} />}>
        <Button onPress={onClose}>{t('common.close')}</Button>
        <Button kind="primary" type="submit" pending={encrypt.pending}>{t('keys.use.encrypt')}</Button>
      </DialogActions>
    </Form>
  );
}

function Decrypting({ keyRecord, onClose }: PartProps) {
  const t = useText();
  const draft = `keys.use.decrypt ${keyRecord.id}`;
  const content = useContent(draft);
  const decrypt = useAction('keys.decrypt');
  const submit = async (): Promise<void> => {
    const ciphertext = content.file === undefined ? toBase64url(content.text.replaceAll(/\s/g, '')) : await content.read();
    if (ciphertext !== undefined && (await decrypt.run({ key: keyRecord.uri, ciphertext })) !== undefined) forgetDrafts(draft);
  };
  return (
    <Form onSubmit={() => void submit()} className="flex min-h-0 flex-col">
      <DialogBody>
        <ContentField content={content} label={t('keys.use.ciphertextIn')} mono />
        {decrypt.result && <Outcome label={t('keys.use.plaintext')} text={decrypt.result.plaintext} decoded note={t('keys.use.decryptedBy', { version: decrypt.result.version })} fileName={(content.file?.name ?? 'message').replace(/\.enc$/, '')} />}
        <ErrorNotice error={content.unreadable ?? decrypt.error} />
      </DialogBody>
      <DialogActions aside={<CopyAsCommand operation="keys.decrypt" input={{ key: keyRecord.uri, ciphertext: 'FILE' }} />}>
        <Button onPress={onClose}>{t('common.close')}</Button>
        <Button kind="primary" type="submit" pending={decrypt.pending}>{t('keys.use.decrypt')}</Button>
      </DialogActions>
    </Form>
  );
}

/** Bytes that came out: as base64url, or as the text that they are, to copy or to save. */
function Outcome({ label, text, decoded = false, note, fileName }: { label: string; text: string; decoded?: boolean; note: string; fileName: string }) {
  const t = useText();
  const bridge = useBridge();
  const bytes = decodeBase64url(text);
  const shown = decoded ? asText(bytes) : text;
  return (
    <section aria-label={label} className="flex flex-col gap-2 rounded-control border border-border bg-canvas p-3" aria-live="polite">
      <p className="text-13 font-medium">{label}</p>
      <pre className="max-h-40 overflow-auto font-mono text-12 break-all whitespace-pre-wrap" tabIndex={0}>{shown ?? t('keys.use.binary', { n: bytes.length })}</pre>
      <p className="text-12 text-muted">{note}</p>
      <div className="flex gap-2">
        {shown !== undefined && <CopyButton small text={shown} />}
        <Button small onPress={() => void bridge.saveFile(bytes, fileName)}>{t('keys.use.save')}</Button>
      </div>
    </section>
  );
}

function asText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Standard base64 with padding is what people often have. */
function toBase64url(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
