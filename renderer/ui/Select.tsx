import { Check, ChevronDown, type LucideIcon } from 'lucide-react';
import { useContext, useEffect, useRef, type ReactNode } from 'react';
import {
  Button as AriaButton, ComboBox as AriaComboBox, ComboBoxStateContext, Header, Input, ListBox, ListBoxItem, ListBoxSection, Popover, Select as AriaSelect, SelectValue, Text,
} from 'react-aria-components';
import { useText } from '../i18n/index.ts';
import { cx } from './cx.ts';
import { CONTROL, FieldHelp, FieldLabel } from './Field.tsx';

export interface Choice<V extends string> {
  value: V;
  label: string;
  help?: string;
  icon?: LucideIcon;
  disabled?: boolean;
}

export interface ChoiceGroup<V extends string> {
  title: string;
  choices: readonly Choice<V>[];
}

interface ChoosingProps<V extends string> {
  label: string;
  value: V | undefined;
  onChange: (value: V) => void;
  choices?: readonly Choice<V>[];
  groups?: readonly ChoiceGroup<V>[];
  help?: ReactNode;
  disabled?: boolean;
  /** No label to be seen: it is the control's name, and stands in it while nothing is chosen. */
  inline?: boolean;
  /** Of a filter: the choice that filters nothing. The control then shows what it is about. */
  neutral?: V;
  error?: string | undefined;
  className?: string;
  autoFocus?: boolean;
}

export const POPOVER = 'overflow-auto rounded-panel border border-border bg-raised p-1 text-text shadow-float outline-none';
const ITEM = 'focus-inside group flex cursor-default items-start gap-2 rounded-control px-2 py-1.5 text-13 text-text focused:bg-selected hover:bg-hover disabled:text-muted';

function ChoiceItem<V extends string>({ value, label, help, icon: Icon, disabled = false }: Choice<V>) {
  return (
    <ListBoxItem id={value} textValue={label} isDisabled={disabled} className={ITEM}>
      {({ isSelected }) => (
        <>
          {Icon && <Icon aria-hidden className="mt-0.5 size-4 shrink-0 text-muted" strokeWidth={1.75} />}
          <span className="flex min-w-0 grow flex-col">
            <Text slot="label">{label}</Text>
            {help !== undefined && <Text slot="description" className="text-12 text-muted">{help}</Text>}
          </span>
          <Check aria-hidden className={cx('mt-0.5 size-4 shrink-0 text-accent', !isSelected && 'invisible')} strokeWidth={2} />
        </>
      )}
    </ListBoxItem>
  );
}

function Choices<V extends string>({ choices = [], groups = [], empty }: { choices: readonly Choice<V>[] | undefined; groups: readonly ChoiceGroup<V>[] | undefined; empty?: string }) {
  return (
    <ListBox className="flex flex-col outline-none" {...(empty !== undefined && { renderEmptyState: () => <p className="px-2 py-1.5 text-13 text-muted">{empty}</p> })}>
      {choices.map((choice) => <ChoiceItem key={choice.value} {...choice} />)}
      {groups.map(({ title, choices: members }) => (
        <ListBoxSection key={title} className="flex flex-col">
          <Header className="px-2 pt-2 pb-1 text-12 font-medium text-muted">{title}</Header>
          {members.map((choice) => <ChoiceItem key={choice.value} {...choice} />)}
        </ListBoxSection>
      ))}
    </ListBox>
  );
}

/** One of a few. */
export function Select<V extends string>({ label, value, onChange, choices, groups, help, disabled = false, inline = false, neutral, error, className, autoFocus = false }: ChoosingProps<V>) {
  return (
    <AriaSelect
      value={value ?? null}
      onChange={(key) => key !== null && onChange(String(key) as V)}
      isDisabled={disabled}
      isInvalid={error !== undefined}
      autoFocus={autoFocus}
      {...(inline && { 'aria-label': label })}
      className={cx('flex max-w-full min-w-0 flex-col gap-1', className)}
    >
      {!inline && <FieldLabel>{label}</FieldLabel>}
      <AriaButton className={cx(CONTROL, 'flex items-center justify-between gap-2 text-left hover:bg-hover')}>
        <SelectValue className="min-w-0 truncate">
          {({ selectedText, isPlaceholder }) => (isPlaceholder ? <span className="text-muted">{label}</span> : value !== undefined && value === neutral ? <><span aria-hidden className="text-muted">{label}</span><span className="sr-only">{selectedText}</span></> : <span title={selectedText}>{selectedText}</span>)}
        </SelectValue>
        <ChevronDown aria-hidden className="size-4 shrink-0 text-muted" strokeWidth={1.75} />
      </AriaButton>
      <FieldHelp help={error ?? help} />
      <Popover className={cx(POPOVER, 'min-w-(--trigger-width) max-w-96')}>
        <Choices choices={choices} groups={groups} />
      </Popover>
    </AriaSelect>
  );
}

/** Until what a control that takes the focus scrolls by itself has been told of. */
const SCROLLED_MS = 60;

/**
 * The field of a combination box. Its list opens when it takes the focus or is pressed, but not before the place around it has come to rest: a field that was
 * out of sight is scrolled into it by the focus itself. When the field is scrolled away, its list goes too, and does not float over what has nothing to do with it.
 */
function ComboBoxInput() {
  const state = useContext(ComboBoxStateContext);
  const latest = useRef(state);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const field = useRef<HTMLInputElement>(null);
  const isOpen = state?.isOpen === true;
  useEffect(() => {
    latest.current = state;
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (!isOpen) return;
    // Opened by typing meanwhile: once something was chosen, it stays closed.
    clearTimeout(timer.current);
    const scrolled = ({ target }: Event): void => {
      if (field.current === null || !(target instanceof Element) || target === field.current || !target.contains(field.current)) return;
      const [around, own] = [target.getBoundingClientRect(), field.current.getBoundingClientRect()];
      if (own.bottom <= around.top || own.top >= around.bottom) latest.current?.close();
    };
    window.addEventListener('scroll', scrolled, { capture: true, passive: true });
    return () => window.removeEventListener('scroll', scrolled, { capture: true });
  }, [isOpen]);
  const open = (): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      if (document.activeElement === field.current && latest.current?.isOpen === false) latest.current.open(null, 'manual');
    }, SCROLLED_MS);
  };
  // What is no event of the browser’s tells of the list: which of its choices the keyboard is at.
  return <Input ref={field} spellCheck={false} onFocus={({ nativeEvent }) => nativeEvent.isTrusted && open()} onClick={open} className={cx(CONTROL, 'pr-9')} />;
}

/** One of many: typing narrows them. */
export function ComboBox<V extends string>({ label, value, onChange, choices, groups, help, disabled = false, error, className, autoFocus = false }: ChoosingProps<V>) {
  const t = useText();
  return (
    <AriaComboBox
      value={value ?? null}
      onChange={(key) => key !== null && onChange(String(key) as V)}
      isDisabled={disabled}
      isInvalid={error !== undefined}
      autoFocus={autoFocus}
      className={cx('flex max-w-full min-w-0 flex-col gap-1', className)}
    >
      <FieldLabel>{label}</FieldLabel>
      <div className="relative">
        <ComboBoxInput />
        <AriaButton className="absolute top-0 right-0 flex h-8 w-8 items-center justify-center rounded-control text-muted">
          <ChevronDown aria-hidden className="size-4" strokeWidth={1.75} />
        </AriaButton>
      </div>
      <FieldHelp help={error ?? help} />
      <Popover className={cx(POPOVER, 'w-(--trigger-width)')}>
        <Choices choices={choices} groups={groups} empty={t('common.nothingFits')} />
      </Popover>
    </AriaComboBox>
  );
}
