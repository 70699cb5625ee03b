import { Check, Copy, SquareTerminal } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useBridge, type InputFor, type OperationId } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, type ButtonProps } from './Button.tsx';
import { commandOf } from './command.ts';

const SHOW_DONE_MS = 2000;

function useCopy(text: string | (() => string), clearAfter?: number): [done: boolean, copy: () => void] {
  const bridge = useBridge();
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), SHOW_DONE_MS);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = (): void => {
    void bridge.copyText(typeof text === 'string' ? text : text(), clearAfter === undefined ? {} : { clearAfter }).then(() => setDone(true));
  };
  return [done, copy];
}

interface CopyProps {
  label?: string;
  text: string | (() => string);
  /** Seconds after which the clipboard is emptied: for what is secret. */
  clearAfter?: number;
}

/** Copies, and says so where it was pressed. */
export function CopyButton({ label, text, clearAfter, kind = 'quiet', ...rest }: CopyProps & Omit<ButtonProps, 'children' | 'onPress'>) {
  const t = useText();
  const [done, copy] = useCopy(text, clearAfter);
  return <Button {...rest} kind={kind} icon={done ? Check : Copy} onPress={copy}><span aria-live="polite">{done ? t('common.copied') : (label ?? t('common.copy'))}</span></Button>;
}

/** The command that does the same on the command line. */
export function CopyAsCommand<K extends OperationId>({ operation, input, ...rest }: { operation: K; input: InputFor<K> } & Omit<ButtonProps, 'children' | 'onPress'>) {
  const t = useText();
  const [done, copy] = useCopy(() => commandOf(operation, input));
  return <Button {...rest} kind={rest.kind ?? 'plain'} icon={done ? Check : SquareTerminal} onPress={copy}><span aria-live="polite">{done ? t('common.copied') : t('common.copyAsCommand')}</span></Button>;
}
