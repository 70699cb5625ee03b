import { createContext, type FormEvent, type ReactNode } from 'react';

/** Whether Enter sends what is within: to be said where Enter alone begins a line. */
export const InForm = createContext(false);

/** Sends a form as Enter in one of its fields would: not while its button is disabled. */
export function sendForm(form: HTMLFormElement | null | undefined): void {
  const button = form?.querySelector<HTMLButtonElement>('button[type="submit"]');
  if (button !== null && button !== undefined && !button.disabled) form?.requestSubmit(button);
}

/** A form that Enter sends in each of its fields; a button of type `submit` says what that does. Where that is disabled, Enter does nothing. */
export function Form({ label, onSubmit, className, children }: { label?: string; onSubmit: () => void; className?: string; children: ReactNode }) {
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    // Of a dialog within another form's component: React's events go up by components.
    event.stopPropagation();
    onSubmit();
  };
  return <form noValidate {...(label !== undefined && { 'aria-label': label })} onSubmit={submit} className={className}><InForm value>{children}</InForm></form>;
}
