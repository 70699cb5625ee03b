import { CornerDownLeft, LoaderCircle, type LucideIcon } from 'lucide-react';
import { createContext, useContext, type ReactNode, type Ref } from 'react';
import { Button as AriaButton, Tooltip, TooltipTrigger, type ButtonProps as AriaButtonProps } from 'react-aria-components';
import { cx } from './cx.ts';

const KINDS = {
  /** The one action of a view or dialog. */
  primary: 'bg-accent text-accent-text hover:bg-accent-hover pressed:bg-accent-hover border border-transparent',
  quiet: 'bg-surface text-text border border-edge hover:bg-hover pressed:bg-selected',
  /** Loses something: stands apart. */
  destructive: 'bg-danger text-danger-text hover:bg-danger-hover pressed:bg-danger-hover border border-transparent',
  /** In toolbars, rows and menus. */
  plain: 'text-text hover:bg-hover pressed:bg-selected border border-transparent',
} as const;

/** Whether the one filled button of a view is elsewhere now: those within step back. */
export const FilledElsewhere = createContext(false);

export interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'children' | 'style' | 'isPending'> {
  kind?: keyof typeof KINDS;
  small?: boolean;
  icon?: LucideIcon;
  /** Something goes on: it says so after a moment, and cannot be pressed again. */
  pending?: boolean;
  children?: ReactNode;
  className?: string;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ kind = 'quiet', small = false, icon: Icon, pending = false, children, className, isDisabled, ...rest }: ButtonProps) {
  const sends = rest.type === 'submit' && !small && kind !== 'destructive';
  const stepsBack = useContext(FilledElsewhere) && kind === 'primary';
  return (
    <AriaButton
      {...rest}
      isDisabled={isDisabled ?? false}
      isPending={pending}
      {...((kind === 'primary' || kind === 'destructive') && !stepsBack && isDisabled !== true && { 'data-filled': '' })}
      className={cx(
        'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-control font-medium whitespace-nowrap select-none disabled:opacity-50',
        small ? 'h-7 px-2 text-13' : 'h-8 px-3 text-13',
        KINDS[stepsBack ? 'quiet' : kind],
        className,
      )}
    >
      {pending ? <LoaderCircle aria-hidden className="spin appear-late size-4" strokeWidth={1.75} /> : Icon && <Icon aria-hidden className="size-4" strokeWidth={1.75} />}
      {children}
      {/* What Enter does in the form around it. */}
      {sends && <CornerDownLeft aria-hidden className="size-3.5" strokeWidth={1.75} />}
    </AriaButton>
  );
}

/** A button of an icon alone: its words are its name and its tooltip. */
export function IconButton({ icon: Icon, label, size = 'size-4', className, tooltip = label, ...rest }: Omit<ButtonProps, 'icon' | 'children' | 'kind'> & { icon: LucideIcon; label: string; size?: string; tooltip?: string }) {
  return (
    <TooltipTrigger delay={500} closeDelay={0}>
      <AriaButton {...rest} aria-label={label} className={cx('inline-flex size-7 shrink-0 items-center justify-center rounded-control text-muted hover:bg-hover hover:text-text pressed:bg-selected disabled:opacity-50', className)}>
        <Icon aria-hidden className={size} strokeWidth={1.75} />
      </AriaButton>
      <FloatingTip>{tooltip}</FloatingTip>
    </TooltipTrigger>
  );
}

export function FloatingTip({ children }: { children: ReactNode }) {
  return (
    <Tooltip offset={6} className="max-w-72 rounded-control border border-border bg-raised px-2 py-1 text-12 text-text shadow-float">
      {children}
    </Tooltip>
  );
}
