import { Copy } from 'lucide-react';
import { useState } from 'react';
import type { PendingPrompt } from '../../app/contract/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, TextField } from '../ui/index.ts';
import { usePromptClient } from './client-context.ts';
import { PartShown, partIn } from './PasswordPart.tsx';
import { PromptForm, type Asked, type OnAnswer } from './PromptForm.tsx';

const CLEAR_AFTER_SECONDS = 60;

/** A secret that is shown once, a recovery code or a part of a password. Its end is typed back: who can do that has it somewhere. */
export function ShowSecretPrompt({ prompt, request, busy, onAnswer }: { prompt: PendingPrompt; request: Asked<'show-secret'>; busy: boolean; onAnswer: OnAnswer }) {
  const t = useText();
  const client = usePromptClient();
  const [typed, setTyped] = useState('');
  const [copied, setCopied] = useState(false);
  const part = partIn(request.secret);
  const groups = request.secret.split('-');
  const last = bare(part === undefined ? (groups.at(-1) ?? '') : part.value).slice(-4);
  const differs = bare(typed).length >= last.length && bare(typed) !== last;
  return (
    <PromptForm
      prompt={prompt} busy={busy} action={t('prompt.kept')} ready={bare(typed) === last}
      onSubmit={() => onAnswer({ kind: 'confirmed' })} onCancel={() => onAnswer({ kind: 'cancelled' })}
      aside={
        <Button kind="plain" icon={Copy} onPress={() => void client.copyText(request.secret, CLEAR_AFTER_SECONDS).then(() => setCopied(true))}>
          <span aria-live="polite">{copied ? t('prompt.copiedFor', { n: CLEAR_AFTER_SECONDS }) : t('common.copy')}</span>
        </Button>
      }
    >
      {part !== undefined && <PartShown part={part} />}
      {part === undefined && <p aria-label={t('ask.field.show-recovery-code')} role="group" className="grid grid-cols-4 justify-items-center gap-x-2 gap-y-1 rounded-control border border-edge bg-surface px-3 py-3 font-mono text-16 font-semibold tracking-wider select-all">
        {groups.map((group, index) => <span key={index}>{group}</span>)}
      </p>}
      <TextField label={t('prompt.typeLastGroup')} value={typed} onChange={setTyped} autoFocus mono isInvalid={differs} help={differs ? <span className="text-danger">{t('prompt.differs')}</span> : t('prompt.typeLastGroupWhy')} />
    </PromptForm>
  );
}

const bare = (text: string): string => text.replaceAll(/[\s:]/g, '').toUpperCase();
