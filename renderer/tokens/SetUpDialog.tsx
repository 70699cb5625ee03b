import { Check } from 'lucide-react';
import { useState } from 'react';
import type { KeyRecord, TokenRecord } from '../../app/contract/index.ts';
import { useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { cx, Dialog, ErrorNotice, Skeleton } from '../ui/index.ts';
import { CertificateStep, KeyStep, SecretsStep, TryStep } from './set-up-steps.tsx';

const STEPS = ['secrets', 'key', 'certificate', 'try'] as const;
export type Step = (typeof STEPS)[number];

/** The guided way to a token that signs: defaults changed, a key made, a certificate beside it, tried once. Any step may be passed over. */
export function SetUpDialog({ token, onClose }: { token: TokenRecord; onClose: () => void }) {
  const t = useText();
  const [step, setStep] = useState<Step>('secrets');
  const [key, setKey] = useState<KeyRecord>();
  const shown = useOperation('tokens.show', { token: token.id });
  const slots = useOperation('tokens.slots', { token: token.id });
  const next = (): void => {
    const after = STEPS[STEPS.indexOf(step) + 1];
    // Without a key there is nothing to certify and nothing to try.
    if (after === undefined || (key === undefined && step === 'key')) onClose();
    else setStep(after);
  };
  const known = shown.data !== undefined && slots.data !== undefined ? { token, detail: shown.data, slots: slots.data.slots, onNext: next } : undefined;
  return (
    <Dialog title={t('tokens.setUp.title', { name: token.name })} open onClose={onClose}>
      <ol aria-label={t('tokens.setUp.steps')} className="flex gap-x-5 gap-y-1 px-5 pb-3 text-13">
        {STEPS.map((name, index) => {
          const done = index < STEPS.indexOf(step);
          return (
            <li key={name} {...(name === step && { 'aria-current': 'step' as const })} className={cx('flex items-center gap-1.5', name === step ? 'font-medium text-text' : 'text-muted')}>
              <span className={cx('flex size-5 items-center justify-center rounded-round border text-12', name === step ? 'border-accent' : 'border-edge')}>{done ? <Check role="img" aria-label={t('tokens.setUp.passed')} className="size-3" strokeWidth={2.5} /> : index + 1}</span>
              {t(`tokens.setUp.step.${name}`)}
            </li>
          );
        })}
      </ol>
      {known === undefined && <div className="px-5 pb-4">{shown.error === null && slots.error === null ? <Skeleton lines={4} /> : <ErrorNotice error={shown.error ?? slots.error} />}</div>}
      {known !== undefined && step === 'secrets' && <SecretsStep {...known} />}
      {known !== undefined && step === 'key' && <KeyStep {...known} made={key} onMade={setKey} />}
      {known !== undefined && step === 'certificate' && key !== undefined && <CertificateStep {...known} keyRecord={key} />}
      {known !== undefined && step === 'try' && key !== undefined && <TryStep {...known} keyRecord={key} />}
    </Dialog>
  );
}
