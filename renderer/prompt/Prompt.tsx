import { ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import type { PendingPrompt } from '../../app/contract/index.ts';
import { useText, type MessageKey, type Text } from '../i18n/index.ts';
import { Notice, TextField } from '../ui/index.ts';
import { NewSecretPrompt } from './NewSecretPrompt.tsx';
import { PartPrompt } from './PasswordPart.tsx';
import { PromptForm, type Asked, type OnAnswer } from './PromptForm.tsx';
import { SecretField } from './SecretField.tsx';
import { ShowSecretPrompt } from './ShowSecretPrompt.tsx';
import { TouchPrompt } from './TouchPrompt.tsx';
import { say, secretName } from './wording.ts';

/** One prompt: who asks for what, and the way to answer. */
export function Prompt({ prompt, busy, onAnswer }: { prompt: PendingPrompt; busy: boolean; onAnswer: OnAnswer }) {
  const { request } = prompt;
  switch (request.kind) {
    case 'secret': return request.form === 'password-part' ? <PartPrompt key={prompt.id} prompt={prompt} request={request} busy={busy} onAnswer={onAnswer} /> : <SecretPrompt prompt={prompt} request={request} busy={busy} onAnswer={onAnswer} />;
    case 'new-secret': return <NewSecretPrompt prompt={prompt} request={request} busy={busy} onAnswer={onAnswer} />;
    case 'confirm': return <ConfirmPrompt prompt={prompt} request={request} busy={busy} onAnswer={onAnswer} />;
    case 'touch': return <TouchPrompt prompt={prompt} request={request} onAnswer={onAnswer} />;
    case 'show-secret': return <ShowSecretPrompt prompt={prompt} request={request} busy={busy} onAnswer={onAnswer} />;
  }
}

/** What a password manager may offer: not what a token or paper holds. */
const isPassword = (purpose: string): boolean => purpose.endsWith('passphrase') || purpose.endsWith('password');

/** What a wrong last try costs. */
function lastTryOf(purpose: string, t: Text): MessageKey {
  const key = `prompt.lastTry.${purpose}`;
  return t.has(key) ? key : 'prompt.lastTry.other';
}

function SecretPrompt({ prompt, request, busy, onAnswer }: { prompt: PendingPrompt; request: Asked<'secret'>; busy: boolean; onAnswer: OnAnswer }) {
  const t = useText();
  const [secret, setSecret] = useState('');
  const [lastTry, setLastTry] = useState('');
  const isLast = request.triesLeft === 1;
  const sentence = t('prompt.lastTrySentence');
  const ready = secret !== '' && (!isLast || lastTry.trim().toLocaleLowerCase() === sentence.toLocaleLowerCase());
  return (
    <PromptForm
      prompt={prompt} busy={busy} action={t(`ask.do.${request.purpose}`)} ready={ready}
      onSubmit={() => onAnswer({ kind: 'secret', secret, ...(isLast ? { lastTry: true } : {}) })} onCancel={() => onAnswer({ kind: 'cancelled' })}
    >
      <SecretField
        label={secretName(request, t)} name={request.purpose} autoComplete={isPassword(request.purpose) ? 'current-password' : 'off'}
        value={secret} onChange={setSecret} autoFocus help={request.triesLeft === undefined || isLast ? undefined : t('errors.triesLeft', { n: request.triesLeft })}
      />
      {isLast && (
        <>
          <Notice tone="warning">{t(lastTryOf(request.purpose, t))} {t('prompt.lastTryType', { sentence })}</Notice>
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
