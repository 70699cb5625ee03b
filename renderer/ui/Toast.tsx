import { X } from 'lucide-react';
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useText } from '../i18n/index.ts';
import { Button, IconButton } from './Button.tsx';
import { cx } from './cx.ts';
import { useIsAnyDialogOpen } from './open-dialogs.ts';
import { returnFocusToView } from './view-focus.ts';

interface ToastMessage {
  text: string;
  /** What takes it back. A toast with an action stays longer, and while it is pointed at or focused. */
  action?: { label: string; onAction: () => void };
}

const STAY_MS = 6000;
const STAY_WITH_ACTION_MS = 20_000;

const ToastContext = createContext<(message: ToastMessage) => void>(() => undefined);
const ClearContext = createContext<() => void>(() => undefined);

/** @returns takes all messages away: what they name must not outlive a lock. */
export function useClearToasts(): () => void {
  return useContext(ClearContext);
}

/** @returns tells something that has been done. Errors are never told so: they stay where they happened. */
export function useToast(): (message: ToastMessage) => void {
  return useContext(ToastContext);
}

interface Shown extends ToastMessage {
  id: number;
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<readonly Shown[]>([]);
  const lastId = useRef(0);
  const show = useCallback((message: ToastMessage) => {
    lastId.current += 1;
    const id = lastId.current;
    setShown((before) => [...before.slice(-2), { ...message, id }]);
  }, []);
  const clear = useCallback(() => setShown([]), []);
  const dismiss = useCallback((id: number) => {
    setShown((before) => before.filter((one) => one.id !== id));
    returnFocusToView();
  }, []);
  const t = useText();
  const inDialog = useIsAnyDialogOpen();
  // Never over what is pressed: above the foot of the list, and at the top while a dialog has its buttons at the foot.
  const region = useMemo(() => (
    <section aria-label={t('common.messages')} className={cx('pointer-events-none fixed left-1/2 z-50 flex max-w-full -translate-x-1/2 flex-col items-center gap-2 px-2', inDialog ? 'top-4' : 'bottom-12')}>
      <div aria-live="polite" className="flex flex-col items-center gap-2">
        {shown.map((message) => <ToastItem key={message.id} message={message} waits={inDialog && message.action !== undefined} onDismiss={() => dismiss(message.id)} />)}
      </div>
    </section>
  ), [shown, dismiss, t, inDialog]);
  return (
    <ToastContext value={show}>
      <ClearContext value={clear}>{children}</ClearContext>
      {region}
    </ToastContext>
  );
}

/** @param waits  it is out of sight, and does not go: what takes something back cannot be pressed beside a dialog, and is there again after it */
function ToastItem({ message, waits, onDismiss }: { message: Shown; waits: boolean; onDismiss: () => void }) {
  const t = useText();
  const [held, setHeld] = useState(false);
  const dismiss = useRef(onDismiss);
  useEffect(() => {
    dismiss.current = onDismiss;
  });
  useEffect(() => {
    if (held || waits) return;
    const timer = setTimeout(() => dismiss.current(), message.action === undefined ? STAY_MS : STAY_WITH_ACTION_MS);
    return () => clearTimeout(timer);
  }, [held, waits, message]);
  return (
    <div
      onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}
      hidden={waits}
      className="pointer-events-auto flex max-w-[32rem] items-center [&[hidden]]:hidden gap-3 rounded-control border border-border bg-raised py-1.5 pr-1.5 pl-3 text-13 shadow-float"
    >
      <span>{message.text}</span>
      {message.action && <Button small kind="quiet" onPress={() => (message.action?.onAction(), onDismiss())}>{message.action.label}</Button>}
      <IconButton icon={X} label={t('common.dismiss')} onPress={onDismiss} />
    </div>
  );
}
