import { useEffect, useState } from 'react';
import type { PendingPrompt } from '../../app/contract/index.ts';
import { useText, type MessageKey } from '../i18n/index.ts';
import { cx } from '../ui/index.ts';
import { PromptForm, type Asked, type OnAnswer } from './PromptForm.tsx';
import { SecretField } from './SecretField.tsx';
import { strengthOf, type Strength } from './strength.ts';
import { secretName } from './wording.ts';

/** A secret to choose: typed twice, with its strength. */
export function NewSecretPrompt({ prompt, request, busy, onAnswer }: { prompt: PendingPrompt; request: Asked<'new-secret'>; busy: boolean; onAnswer: OnAnswer }) {
  const t = useText();
  const [secret, setSecret] = useState('');
  const [again, setAgain] = useState('');
  const [strength, setStrength] = useState<Strength>();
  const isText = (request.form ?? 'text') === 'text';
  useEffect(() => {
    let current = true;
    if (secret === '' || !isText) setStrength(undefined);
    else void strengthOf(secret).then((value) => current && setStrength(value));
    return () => {
      current = false;
    };
  }, [secret, isText]);
  const least = request.minLength ?? 8;
  const length = [...secret].length;
  const longEnough = length >= least && (request.maxLength === undefined || length <= request.maxLength) && ALPHABETS[request.form ?? 'text'].test(secret);
  const lengths = request.maxLength === undefined || request.maxLength === least ? String(least) : `${least}–${request.maxLength}`;
  const help = isText ? (longEnough ? t('prompt.goodLength') : t('prompt.atLeast', { n: least })) : t(request.form === 'hex' ? 'prompt.form.hex' : 'prompt.form.pin', { n: lengths });
  const differs = again !== '' && again !== secret && !secret.startsWith(again);
  return (
    <PromptForm
      prompt={prompt} busy={busy} action={t(`ask.do.${request.purpose}`)} ready={longEnough && again === secret}
      onSubmit={() => onAnswer({ kind: 'secret', secret })} onCancel={() => onAnswer({ kind: 'cancelled' })}
    >
      <div className="flex flex-col gap-1">
        <SecretField
          label={secretName(request, t)} name="new-secret" autoComplete="new-password" value={secret} onChange={setSecret} autoFocus
          help={help}
        />
        {isText && <StrengthMeter strength={strength} />}
      </div>
      <SecretField label={t('prompt.again')} name="new-secret-again" autoComplete="new-password" value={again} onChange={setAgain} error={differs ? t('prompt.differs') : undefined} />
    </PromptForm>
  );
}

const ALPHABETS = { text: /^/, pin: /^[\x20-\x7e]*$/, hex: /^([0-9a-fA-F]{2})*$/ } as const;

const COLOURS = ['bg-danger', 'bg-danger', 'bg-warning', 'bg-success', 'bg-success'] as const;

function StrengthMeter({ strength }: { strength: Strength | undefined }) {
  const t = useText();
  return (
    <div className="flex items-center gap-3">
      <div aria-hidden className="flex grow gap-1">
        {[0, 1, 2, 3, 4].map((step) => (
          <div key={step} className={cx('h-1 grow rounded-round', strength !== undefined && step <= strength ? COLOURS[strength] : 'bg-border')} />
        ))}
      </div>
      <p role="status" className="w-28 text-right text-12 text-muted">{strength === undefined ? '' : t(`prompt.strength.${strength}` as MessageKey)}</p>
    </div>
  );
}
