import { X } from 'lucide-react';
import { useContext, useId, type ReactNode } from 'react';
import { Button as AriaButton, Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useText } from '../i18n/index.ts';
import { Button } from './Button.tsx';
import { cx } from './cx.ts';
import { Form } from './Form.tsx';
import { AboveDialogs, useCountedDialog } from './open-dialogs.ts';

const WIDTHS = { small: 'w-[26rem]', medium: 'w-[35rem]', large: 'w-[52rem]' } as const;

interface DialogProps {
  title: string;
  open: boolean;
  onClose: () => void;
  size?: keyof typeof WIDTHS;
  /** A question that must be answered by its buttons. */
  alert?: boolean;
  children: ReactNode;
  /** Enter submits; the buttons stand in `DialogActions`. */
  onSubmit?: () => void;
}

export function Dialog({ title, open, onClose, size = 'medium', alert = false, children, onSubmit }: DialogProps) {
  const t = useText();
  const above = useContext(AboveDialogs);
  useCountedDialog(open);
  const content = (
    <>
      <header className="flex items-center justify-between gap-3 px-5 pt-4 pb-3">
        <Heading slot="title" className="text-16 font-semibold">{withoutEllipsis(title)}</Heading>
        {/* No tip: it would open whenever the focus falls back to it, and take the first Esc. */}
        <AriaButton aria-label={t('common.close')} onPress={onClose} className="-mr-2 flex size-7 shrink-0 items-center justify-center rounded-control text-muted hover:bg-hover hover:text-text">
          <X aria-hidden className="size-4" strokeWidth={1.75} />
        </AriaButton>
      </header>
      {above}
      {children}
    </>
  );
  return (
    <ModalOverlay isOpen={open} onOpenChange={(next) => !next && onClose()} isDismissable={!alert} className="fixed inset-0 z-40 flex items-center justify-center bg-scrim p-4">
      <Modal className={cx('flex max-h-full max-w-full flex-col rounded-panel border border-border bg-raised shadow-float', WIDTHS[size])}>
        <AriaDialog role={alert ? 'alertdialog' : 'dialog'} className="flex min-h-0 flex-col outline-none">
          {onSubmit === undefined ? content : <Form onSubmit={onSubmit} className="flex min-h-0 flex-col">{content}</Form>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** What stood in a menu with “…” has no more to ask for. */
const withoutEllipsis = (title: string): string => title.replace(/\s?…$/, '');

/** @param reads  there is nothing to press in it: then it takes the focus itself, so that the keyboard can scroll it. */
export function DialogBody({ children, className, reads = false }: { children: ReactNode; className?: string; reads?: boolean }) {
  return <div {...(reads && { tabIndex: 0, role: 'group' })} className={cx(reads && 'focus-inside', 'flex min-h-0 flex-col gap-4 overflow-y-auto px-5 pt-1 pb-4', className)}>{children}</div>;
}

/** Cancel and the one action, at the right; what does not decide (copy, help) at the left. */
export function DialogActions({ children, aside }: { children: ReactNode; aside?: ReactNode }) {
  return (
    <footer className="flex flex-wrap items-center justify-between gap-2 border-t border-border px-5 py-3">
      <div className="-ml-3 flex items-center gap-2">{aside}</div>
      <div className="ml-auto flex items-center gap-2">{children}</div>
    </footer>
  );
}

/** Says what will happen and does it. */
export function ConfirmDialog({ title, open, onClose, action, destructive = false, pending = false, onConfirm, children }: {
  title: string; open: boolean; onClose: () => void; action: string; destructive?: boolean; pending?: boolean; onConfirm: () => void; children: ReactNode;
}) {
  const t = useText();
  const id = useId();
  return (
    <Dialog title={title} open={open} onClose={onClose} size="small" alert>
      <DialogBody className="text-13"><div id={id}>{children}</div></DialogBody>
      <DialogActions>
        <Button onPress={onClose}>{t('common.cancel')}</Button>
        <Button kind={destructive ? 'destructive' : 'primary'} pending={pending} onPress={onConfirm} autoFocus={!destructive}>{action}</Button>
      </DialogActions>
    </Dialog>
  );
}
