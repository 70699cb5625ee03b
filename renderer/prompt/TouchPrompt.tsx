import { Fingerprint } from 'lucide-react';
import type { PendingPrompt } from '../../app/contract/index.ts';
import { useText, whoName } from '../i18n/index.ts';
import { Button } from '../ui/index.ts';
import { Countdown } from './Countdown.tsx';
import type { Asked, OnAnswer } from './PromptForm.tsx';
import { say } from './wording.ts';

/** A touch is awaited: nothing to type, nothing to press but Cancel. It goes away by itself. */
export function TouchPrompt({ prompt, request, onAnswer }: { prompt: PendingPrompt; request: Asked<'touch'>; onAnswer: OnAnswer }) {
  const t = useText();
  return (
    <form aria-labelledby="touch-title" className="flex min-h-0 grow flex-col" onSubmit={(event) => event.preventDefault()}>
      <div className="flex min-h-0 grow gap-4 overflow-y-auto px-6 pt-5 pb-4">
        <Fingerprint aria-hidden className="size-10 shrink-0 animate-pulse text-accent motion-reduce:animate-none" strokeWidth={1.5} />
        <div className="min-w-0">
          <div role="alert"><h1 id="touch-title" className="text-16 font-semibold break-words">{say(request.title, t)}</h1></div>
          {request.subject !== undefined && <p className="text-13 break-words text-muted">{request.subject}</p>}
          <p className="text-12 text-muted">{t('prompt.askedBy', { who: whoName(prompt.askedBy, t) })}</p>
          <Countdown since={prompt.askedAt} seconds={request.seconds} touch />
        </div>
      </div>
      <footer className="flex shrink-0 items-center justify-end gap-2 border-t border-border px-6 py-3">
        <Button onPress={() => onAnswer({ kind: 'cancelled' })}>{t('common.cancel')}</Button>
      </footer>
    </form>
  );
}
