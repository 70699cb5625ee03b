import { Search, X, type LucideIcon } from 'lucide-react';
import { useContext, type KeyboardEvent, type ReactNode, type Ref } from 'react';
import {
  Checkbox as AriaCheckbox, FieldError, Input, Label, Radio as AriaRadio, RadioGroup as AriaRadioGroup, SearchField as AriaSearchField, Text,
  TextArea, TextField as AriaTextField, Button as AriaButton, type CheckboxProps, type RadioGroupProps, type SearchFieldProps, type TextFieldProps,
} from 'react-aria-components';
import { Check, Minus } from 'lucide-react';
import { useText } from '../i18n/index.ts';
import { cx } from './cx.ts';
import { InForm, sendForm } from './Form.tsx';
import { shortcutLabel } from './shortcut.ts';

export const CONTROL = 'h-8 w-full min-w-0 rounded-control border border-edge bg-surface px-2.5 text-13 text-text invalid:border-danger disabled:opacity-50';

/** Label above, help and error below: the same for every kind of field. */
export function FieldLabel({ children }: { children: ReactNode }) {
  return <Label className="text-13 font-medium text-text">{children}</Label>;
}

export function FieldHelp({ help }: { help?: ReactNode }) {
  return (
    <>
      {help !== undefined && help !== null && <Text slot="description" className="text-12 text-muted">{help}</Text>}
      <FieldError className="text-12 text-danger" />
    </>
  );
}

interface TextInputProps extends Omit<TextFieldProps, 'className' | 'children' | 'style'> {
  label: ReactNode;
  help?: ReactNode;
  placeholder?: string;
  /** Lines of a larger field. */
  rows?: number;
  mono?: boolean;
  className?: string;
  /** Behind the input, within its line. */
  trailing?: ReactNode;
  inputRef?: Ref<HTMLInputElement>;
}

export function TextField({ label, help, placeholder, rows, mono = false, className, trailing, inputRef, ...rest }: TextInputProps) {
  const t = useText();
  const sends = useContext(InForm) && rows !== undefined;
  return (
    <AriaTextField validationBehavior="aria" {...rest} className={cx('flex max-w-full flex-col gap-1', className)}>
      <FieldLabel>{label}</FieldLabel>
      {rows === undefined ? (
        <div className="flex items-center gap-2">
          <Input {...(inputRef && { ref: inputRef })} {...(placeholder !== undefined && { placeholder })} spellCheck={false} className={cx(CONTROL, mono && 'font-mono')} />
          {trailing}
        </div>
      ) : (
        <TextArea rows={rows} onKeyDown={submitWithModifier} {...(placeholder !== undefined && { placeholder })} spellCheck={false} className={cx(CONTROL, 'h-auto resize-y py-1.5', mono && 'font-mono')} />
      )}
      <FieldHelp help={sends ? <>{help}{help !== undefined && ' · '}{t('common.sentWith', { keys: shortcutLabel('Mod+Enter', t) })}</> : help} />
    </AriaTextField>
  );
}

/** Enter begins a line in a field of many; with Ctrl or Cmd it submits. */
function submitWithModifier(event: KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  sendForm(event.currentTarget.form);
}

/** Search; Esc empties it. `label` is its name, and its placeholder. */
export function SearchField({ label, className, inputRef, ...rest }: Omit<SearchFieldProps, 'className' | 'children' | 'style'> & { label: string; className?: string; inputRef?: Ref<HTMLInputElement> }) {
  const t = useText();
  return (
    <AriaSearchField {...rest} aria-label={label} className={cx('group relative flex items-center', className)}>
      <Search aria-hidden className="pointer-events-none absolute left-2.5 size-4 text-muted" strokeWidth={1.75} />
      <Input {...(inputRef && { ref: inputRef })} placeholder={label} spellCheck={false} className={cx(CONTROL, 'px-8 [&::-webkit-search-cancel-button]:hidden')} />
      <AriaButton aria-label={t('common.clearSearch')} className="absolute right-1 flex size-6 items-center justify-center rounded-control text-muted group-data-empty:hidden hover:bg-hover hover:text-text">
        <X aria-hidden className="size-3.5" strokeWidth={1.75} />
      </AriaButton>
    </AriaSearchField>
  );
}

export function Checkbox({ children, help, className, ...rest }: Omit<CheckboxProps, 'className' | 'children' | 'style'> & { children: ReactNode; help?: ReactNode; className?: string }) {
  return (
    <AriaCheckbox {...rest} className={cx('group flex items-start gap-2 text-13 disabled:opacity-50', className)}>
      {({ isIndeterminate, isSelected }) => (
        <>
          <span className="mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-[4px] border border-edge bg-surface text-accent-text group-selected:border-accent group-selected:bg-accent group-indeterminate:border-accent group-indeterminate:bg-accent">
            {isIndeterminate ? <Minus aria-hidden className="size-3" strokeWidth={3} /> : isSelected && <Check aria-hidden className="size-3" strokeWidth={3} />}
          </span>
          <span className="flex flex-col">
            {children}
            {help !== undefined && <span className="text-12 text-muted">{help}</span>}
          </span>
        </>
      )}
    </AriaCheckbox>
  );
}

interface RadioOption<V extends string> {
  value: V;
  label: string;
  help?: ReactNode;
  icon?: LucideIcon;
}

export function RadioGroup<V extends string>({ label, options, help, horizontal = false, onChange, className, ...rest }: Omit<RadioGroupProps, 'className' | 'children' | 'style' | 'onChange' | 'orientation'> & {
  label: ReactNode; options: readonly RadioOption<V>[]; help?: ReactNode; horizontal?: boolean; onChange?: (value: V) => void; className?: string;
}) {
  return (
    <AriaRadioGroup {...rest} orientation={horizontal ? 'horizontal' : 'vertical'} onChange={(value) => onChange?.(value as V)} className={cx('flex flex-col gap-1.5', className)}>
      <FieldLabel>{label}</FieldLabel>
      <div className={cx('flex', horizontal ? 'flex-wrap gap-x-5 gap-y-2' : 'flex-col gap-2')}>
        {options.map(({ value, label: name, help: explanation }) => (
          <AriaRadio key={value} value={value} className="group flex items-start gap-2 text-13 disabled:opacity-50">
            <span className="mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-round border border-edge bg-surface group-selected:border-[5px] group-selected:border-accent" />
            <span className="flex flex-col">
              {name}
              {explanation !== undefined && <span className="text-12 text-muted">{explanation}</span>}
            </span>
          </AriaRadio>
        ))}
      </div>
      <FieldHelp help={help} />
    </AriaRadioGroup>
  );
}
