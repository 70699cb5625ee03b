import { useState } from 'react';
import type { PendingPrompt } from '../../app/contract/index.ts';
import { useText } from '../i18n/index.ts';
import { TextField } from '../ui/index.ts';
import { PromptForm, type Asked, type OnAnswer } from './PromptForm.tsx';
import { SecretField } from './SecretField.tsx';

/** One custodian's part of a split password, as it is written: “Prime: … Share ID: … Share value: …”. */
export interface PasswordPart {
  readonly prime: string;
  readonly id: string;
  readonly value: string;
}

const WRITTEN = /^\s*(?:prime\s*:\s*(?<prime>\S+)\s+)?share\s+id\s*:\s*(?<id>\S+)\s+share\s+value\s*:\s*(?<value>\S+)\s*$/i;

/** @returns the three numbers of a part that was pasted whole, or undefined. */
export function partIn(text: string): PasswordPart | undefined {
  const { prime = '', id, value } = WRITTEN.exec(text)?.groups ?? {};
  return id === undefined || value === undefined ? undefined : { prime, id, value };
}

/** The numbers of a part, for paper. */
export function PartShown({ part: { prime, id, value } }: { part: PasswordPart }) {
  const t = useText();
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] items-baseline gap-x-4 gap-y-1 rounded-control border border-edge bg-surface px-3 py-3">
      {([['prime', prime], ['id', id], ['value', value]] as const).map(([name, number]) => (
        <div key={name} className="contents">
          <dt className="text-13 text-muted">{t(`prompt.part.${name}`)}</dt>
          <dd className="font-mono text-16 font-semibold break-all select-all">{number}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Asks for a part, number by number; one that is pasted whole is taken apart. */
export function PartPrompt({ prompt, request, busy, onAnswer }: { prompt: PendingPrompt; request: Asked<'secret'>; busy: boolean; onAnswer: OnAnswer }) {
  const t = useText();
  const [part, setPart] = useState<PasswordPart>({ prime: '', id: '', value: '' });
  const change = (more: Partial<PasswordPart>): void => setPart({ ...part, ...more, ...Object.values(more).map(partIn).find((whole) => whole !== undefined) });
  const { prime, id, value } = { prime: part.prime.trim(), id: part.id.trim(), value: part.value.trim() };
  const written = `${prime === '' ? '' : `Prime: ${prime} `}Share ID: ${id} Share value: ${value}`;
  return (
    <PromptForm
      prompt={prompt} busy={busy} action={t(`ask.do.${request.purpose}`)} ready={/^\d{1,3}$/.test(id) && value !== ''}
      onSubmit={() => onAnswer({ kind: 'secret', secret: written })} onCancel={() => onAnswer({ kind: 'cancelled' })}
    >
      <SecretField label={t('prompt.part.prime')} name="part-prime" autoComplete="off" value={part.prime} onChange={(text) => change({ prime: text })} autoFocus help={t('prompt.part.primeHelp')} />
      <TextField label={t('prompt.part.id')} value={part.id} onChange={(text) => change({ id: text })} inputMode="numeric" />
      <SecretField label={t('prompt.part.value')} name="part-value" autoComplete="off" value={part.value} onChange={(text) => change({ value: text })} />
    </PromptForm>
  );
}
