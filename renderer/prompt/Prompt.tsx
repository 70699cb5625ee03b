import { ShieldCheck } from 'lucide-react';
import { useId, useState, type FormEvent, type ReactNode } from 'react';
import type { PendingPrompt, PromptAnswer } from '../../app/contract/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Notice, TextField } from '../ui/index.ts';
import { NewSecretPrompt } from './NewSecretPrompt.tsx';
import { SecretField } from './SecretField.tsx';
import { ShowSecretPrompt } from './ShowSecretPrompt.tsx';
import { say, secretName } from './wording.ts';

export type Asked<K extends PendingPrompt['request']['kind']> = Extract<PendingPrompt['request'], { kind: K }>;
export type OnAnswer = (answer: PromptAnswer) => void;

/** One prompt: who asks for what, and the way to answer. */
export function Prompt({ prompt, busy, onAnswer }: { prompt: PendingPrompt; busy: boolean; onAnswer: OnAnswer }) {
  const { request } = prompt;
  switch (request.kind) {
    case 'secret': return <SecretPrompt prompt={prompt} request={request} busy={busy} onAnswer={onAnswer} />;
    case 'new-secret': return <NewSecretPrompt prompt={prompt} request={request} busy={busy} onAnswer={onAnswer} />;
    case 'confirm': return <ConfirmPrompt prompt={prompt} request={request} busy={busy} onAnswer={onAnswer} />;
    case 'show-secret': return <ShowSecretPrompt prompt={prompt} request={request} busy={busy} onAnswer={onAnswer} />;
  }
}

/** What is the same for all: the title, who asks, what went wrong before, Cancel and the action. */
export function PromptForm({ prompt, busy, action, destructive = false, ready, onSubmit, onCancel, children, aside }: {
  prompt: PendingPrompt; busy: boolean; action: string; destructive?: boolean; ready: boolean; onSubmit: () => void; onCancel?: () => void; children?: ReactNode; aside?: ReactNode;
}) {
  const t = useText();
  const heading = useId();
  const { title, subject, note } = prompt.request;
  const warns = prompt.request.kind === 'secret' && note !== undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (ready && !busy) onSubmit();
  };
  return (
    <form aria-labelledby={heading} noValidate onSubmit={submit} className="flex min-h-0 grow flex-col">
      <div className="flex min-h-0 grow flex-col gap-3 overflow-y-auto px-6 pt-5 pb-4">
        <div>
          <h1 id={heading} className="text-16 font-semibold break-words">{say(title, t)}</h1>
          {subject !== undefined && <p className="text-13 break-words text-muted">{subject}</p>}
          <p className="text-12 text-muted">{t('prompt.askedBy', { who: askedBy(prompt.askedBy, t) })}</p>
        </div>
        {note !== undefined && (warns ? <Notice tone="warning" live>{say(note, t)}</Notice> : <p className="text-13">{say(note, t)}</p>)}
        {children}
      </div>
      <footer className="flex shrink-0 items-center gap-2 border-t border-border px-6 py-3">
        {aside}
        <span className="grow" />
        {onCancel !== undefined && <Button onPress={onCancel}>{t('common.cancel')}</Button>}
        <Button kind={destructive ? 'destructive' : 'primary'} type="submit" pending={busy} isDisabled={!ready}>{action}</Button>
      </footer>
    </form>
  );
}

function askedBy(who: string, t: ReturnType<typeof useText>): string {
  const key = `prompt.who.${who}`;
  return t.has(key) ? t(key) : who;
}

function SecretPrompt({ prompt, request, busy, onAnswer }: { prompt: PendingPrompt; request: Asked<'secret'>; busy: boolean; onAnswer: OnAnswer }) {
  const t = useText();
  const [secret, setSecret] = useState('');
  const [lastTry, setLastTry] = useState('');
  const isLast = request.triesLeft === 1;
  const sentence = t('prompt.lastTrySentence');
  const ready = secret !== '' && (!isLast || lastTry.trim().toLocaleLowerCase() === sentence);
  return (
    <PromptForm
      prompt={prompt} busy={busy} action={t(`ask.do.${request.purpose}`)} ready={ready}
      onSubmit={() => onAnswer({ kind: 'secret', secret })} onCancel={() => onAnswer({ kind: 'cancelled' })}
    >
      <SecretField
        label={secretName(request, t)} name={request.purpose} autoComplete={request.purpose === 'pin' || request.purpose === 'recovery-code' ? 'off' : 'current-password'}
        value={secret} onChange={setSecret} autoFocus help={request.triesLeft === undefined ? undefined : t('errors.triesLeft', { n: request.triesLeft })}
      />
      {isLast && (
        <>
          <Notice tone="warning">{t('prompt.lastTry', { sentence })}</Notice>
          <TextField label={t('prompt.typeSentence', { sentence })} value={lastTry} onChange={setLastTry} />
        </>
      )}
    </PromptForm>
  );
}

function ConfirmPrompt({ prompt, request, busy, onAnswer }: { prompt: PendingPrompt; request: Asked<'confirm'>; busy: boolean; onAnswer: OnAnswer }) {
  const t = useText();
  const [typed, setTyped] = useState('');
  const wanted = request.typed;
  return (
    <PromptForm
      prompt={prompt} busy={busy} action={say(request.action, t)} destructive={request.destructive} ready={wanted === undefined || typed === wanted}
      onSubmit={() => onAnswer(wanted === undefined ? { kind: 'confirmed' } : { kind: 'confirmed', typed })} onCancel={() => onAnswer({ kind: 'cancelled' })}
    >
      {wanted === undefined
        ? <p className="flex items-center gap-2 text-13 text-muted"><ShieldCheck aria-hidden className="size-4 shrink-0" strokeWidth={1.75} />{t('prompt.nothingYet')}</p>
        : <TextField label={t('prompt.typeSentence', { sentence: wanted })} value={typed} onChange={setTyped} autoFocus />}
    </PromptForm>
  );
}
