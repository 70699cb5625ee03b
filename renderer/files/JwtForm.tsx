import { useImperativeHandle, type Ref } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { useAction, useBridge, type InputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, CopyAsCommand, CopyButton, ErrorNotice, ExactTime, Notice, Select, TextField, useDraft } from '../ui/index.ts';

/** Seconds after which a copied token leaves the clipboard: it lets in whoever has it. */
const CLEAR_AFTER = 60;
const TEXTS = ['issuer', 'subject', 'audience', 'expires', 'notBefore', 'type'] as const;
type Name = (typeof TEXTS)[number] | 'issuedAt' | 'issuedTime' | 'id' | 'claims';
const EMPTY: Readonly<Record<Name, string>> = { issuer: '', subject: '', audience: '', expires: '1h', notBefore: '', type: 'JWT', issuedAt: 'now', issuedTime: '', id: '', claims: '' };
const WHEN = /^(\d{1,6}[smhd]|\d{4}-\d\d-\d\d.*)$/;

/** Whether a field can be taken as it is typed. */
function isWell(name: Name, text: string): boolean {
  const typed = text.trim();
  if (name === 'issuedTime') return /^\d{4}-\d\d-\d\d/.test(typed) && !Number.isNaN(Date.parse(typed));
  if (name === 'type') return typed !== '';
  if (typed === '') return true;
  if (name === 'expires' || name === 'notBefore') return WHEN.test(typed) && (!typed.includes('-') || !Number.isNaN(Date.parse(typed)));
  if (name !== 'claims') return true;
  try {
    const value: unknown = JSON.parse(typed);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** A date and time without an offset is the person's own. */
function timeOf(text: string): string {
  return /^\d{4}-/.test(text) ? new Date(text).toISOString() : text;
}

export interface ClaimsHandle {
  submit(): void;
}

/** The claims of a JSON Web Token. @param ref  makes it, for the form around, which Enter sends */
export function JwtClaims({ keyRecord, ref }: { keyRecord: KeyRecord; ref: Ref<ClaimsHandle> }) {
  const t = useText();
  const bridge = useBridge();
  const make = useAction('files.jwt');
  const [typed, change] = useDraft('files.jwt', EMPTY);
  const set = (name: Name) => (text: string): void => change({ [name]: text });
  const said = (name: Name): string | undefined => (typed[name].trim() === '' ? undefined : typed[name].trim());
  const isAsked = (name: Name): boolean => name !== 'issuedTime' || typed.issuedAt === 'at';
  const [bad] = (Object.keys(EMPTY) as Name[]).filter((name) => isAsked(name) && !isWell(name, typed[name]));
  const audience = typed.audience.split(/[\s,]+/).filter((one) => one !== '');
  const optional = (name: 'issuer' | 'subject' | 'id' | 'claims'): object => (said(name) === undefined ? {} : { [name]: said(name) });
  const when = (name: 'expires' | 'notBefore'): object => (said(name) === undefined ? {} : { [name]: isWell(name, typed[name]) ? timeOf(typed[name].trim()) : said(name) });
  const input: InputFor<'files.jwt'> = {
    key: keyRecord.uri, ...optional('issuer'), ...optional('subject'), ...(audience.length > 0 && { audience }), ...when('expires'), ...when('notBefore'), issuedAt: typed.issuedAt === 'at' ? (isWell('issuedTime', typed.issuedTime) ? timeOf(typed.issuedTime.trim()) : typed.issuedTime) : typed.issuedAt, ...optional('id'), ...optional('claims'), type: typed.type.trim(),
  };
  const answer = make.result;
  useImperativeHandle(ref, () => ({ submit: () => bad === undefined && !make.pending && void make.run(input) }));
  return (
    <div className="flex flex-col gap-5">
      <div className="grid grid-cols-[repeat(auto-fill,minmax(15rem,1fr))] gap-4">
        {TEXTS.map((name) => <TextField key={name} label={t(`files.jwt.${name}`)} help={t(`files.jwtHelp.${name}`)} value={typed[name]} onChange={set(name)} isInvalid={!isWell(name, typed[name])} maxLength={2000} />)}
        <Select label={t('files.jwt.issuedAt')} help={t('files.jwtHelp.issuedAt')} value={typed.issuedAt} onChange={set('issuedAt')} choices={[{ value: 'now', label: t('files.jwt.now') }, { value: 'none', label: t('files.jwt.none') }, { value: 'at', label: t('files.jwt.at') }]} />
        {isAsked('issuedTime') && <TextField label={t('files.jwt.issuedTime')} help={t('files.jwtHelp.issuedTime')} value={typed.issuedTime} onChange={set('issuedTime')} isInvalid={typed.issuedTime !== '' && !isWell('issuedTime', typed.issuedTime)} maxLength={40} />}
        <TextField label={t('files.jwt.id')} help={t('files.jwtHelp.id')} value={typed.id} onChange={set('id')} maxLength={2000} trailing={<Button onPress={() => set('id')(crypto.randomUUID())}>{t('files.jwt.makeId')}</Button>} />
      </div>
      <TextField label={t('files.jwt.claims')} help={t('files.jwtHelp.claims')} value={typed.claims} onChange={set('claims')} isInvalid={!isWell('claims', typed.claims)} rows={4} mono />
      <div className="flex flex-wrap items-center gap-2">
        <Button kind="primary" type="submit" isDisabled={bad !== undefined} pending={make.pending}>{t('files.jwt.action')}</Button>
        {make.pending && <Button onPress={make.cancel}>{t('common.cancel')}</Button>}
        <CopyAsCommand operation="files.jwt" input={input} />
      </div>
      {answer !== undefined && (
        <Notice tone="success" live title={answer.expiresAt === null ? t('files.jwt.madeForever') : t.rich('files.jwt.made', { at: <ExactTime at={answer.expiresAt} /> })} actions={<>
          <CopyButton small text={answer.token} clearAfter={CLEAR_AFTER} />
          <Button small onPress={() => void bridge.saveFile(new TextEncoder().encode(answer.token), 'token.jwt')}>{t('files.jwt.save')}</Button>
        </>}>
          <pre tabIndex={0} aria-label={t('files.formatName.jwt')} className="max-h-40 overflow-auto rounded-control border border-border bg-canvas p-2 font-mono text-12 break-all whitespace-pre-wrap">{answer.token}</pre>
        </Notice>
      )}
      <ErrorNotice error={make.error} />
    </div>
  );
}
