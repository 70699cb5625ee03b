import { ChevronRight, type LucideIcon } from 'lucide-react';
import { useRef, type ReactNode } from 'react';
import { Menu as AriaMenu, MenuItem, MenuTrigger, Popover, Separator, SubmenuTrigger, Text } from 'react-aria-components';
import { useText } from '../i18n/index.ts';
import { cx } from './cx.ts';
import { POPOVER } from './Select.tsx';
import { shortcutLabel } from './shortcut.ts';

export interface MenuAction {
  id: string;
  label: string;
  icon?: LucideIcon;
  /** As in `Mod+Shift+P`. */
  shortcut?: string;
  destructive?: boolean;
  /** Why it cannot be done now; said beneath it. */
  disabled?: string | undefined;
  /** It opens a menu of these, and does nothing by itself. */
  entries?: readonly MenuAction[];
  onAction: () => void;
}

/** `null` separates. */
export type MenuEntries = readonly (MenuAction | null)[];

function MenuItems({ label, entries }: { label: string; entries: MenuEntries }) {
  // Names stand in one line, with an icon before them or without.
  const hasIcons = entries.some((entry) => entry?.icon !== undefined);
  return (
    <AriaMenu
      aria-label={label}
      autoFocus="first"
      disabledKeys={entries.flatMap((entry) => (entry?.disabled === undefined ? [] : [entry.id]))}
      onAction={(id) => entries.find((entry) => entry?.id === id)?.onAction()}
      className="min-w-52 outline-none"
    >
      {entries.map((entry, index) =>
        entry === null ? (
          <Separator key={`separator-${index}`} className="mx-2 my-1 border-t border-border" />
        ) : entry.entries !== undefined ? (
          <SubmenuTrigger key={entry.id}>
            <Item entry={entry} hasIcons={hasIcons} />
            <Popover className={POPOVER} offset={-2}><MenuItems label={entry.label} entries={entry.entries} /></Popover>
          </SubmenuTrigger>
        ) : (
          <Item key={entry.id} entry={entry} hasIcons={hasIcons} />
        ),
      )}
    </AriaMenu>
  );
}

function Item({ entry, hasIcons }: { entry: MenuAction; hasIcons: boolean }) {
  return (
    <MenuItem id={entry.id} textValue={entry.label} className={cx('focus-inside flex cursor-default items-center gap-2 rounded-control px-2 py-1.5 text-13 focused:bg-selected disabled:text-muted', entry.destructive ? 'text-danger' : 'text-text')}>
      {entry.icon ? <entry.icon aria-hidden className="size-4 shrink-0" strokeWidth={1.75} /> : hasIcons && <span aria-hidden className="size-4 shrink-0" />}
      {entry.disabled === undefined ? <Text slot="label" className="grow"><Name {...entry} /></Text> : (
        // Without slots all of it is the name: what is to be read, the reason too, is what is heard.
        <span className="flex grow flex-col">
          <Name {...entry} />
          <span className="max-w-64 text-12 text-muted">{entry.disabled}</span>
        </span>
      )}
      {entry.entries !== undefined && <ChevronRight aria-hidden className="size-4 shrink-0 text-muted" strokeWidth={1.75} />}
    </MenuItem>
  );
}

function Name({ label, shortcut }: MenuAction) {
  const t = useText();
  return (
    <span className="flex items-center justify-between gap-4">
      {label}
      {shortcut !== undefined && <kbd className="font-sans text-12 text-muted">{shortcutLabel(shortcut, t)}</kbd>}
    </span>
  );
}

/** A button that opens a menu. `children` is the button. */
export function Menu({ label, entries, children }: { label: string; entries: MenuEntries; children: ReactNode }) {
  return (
    <MenuTrigger>
      {children}
      <Popover placement="bottom end" className={POPOVER}>
        <MenuItems label={label} entries={entries} />
      </Popover>
    </MenuTrigger>
  );
}

/** An entry that closes the menu that it stands in, however deep. */
const closing = (entry: MenuAction, onClose: () => void): MenuAction => ({
  ...entry, onAction: () => (onClose(), entry.onAction()), ...(entry.entries && { entries: entry.entries.map((one) => closing(one, onClose)) }),
});

/** A menu at a point of the window, in CSS pixels. */
export function ContextMenu({ label, entries, at, onClose }: { label: string; entries: MenuEntries; at: { x: number; y: number } | undefined; onClose: () => void }) {
  const anchor = useRef<HTMLSpanElement>(null);
  return (
    <>
      <span ref={anchor} aria-hidden className="pointer-events-none fixed" style={{ left: at?.x ?? 0, top: at?.y ?? 0 }} />
      <Popover triggerRef={anchor} isOpen={at !== undefined} onOpenChange={(open) => !open && onClose()} placement="bottom start" offset={2} className={POPOVER}>
        <MenuItems label={label} entries={entries.map((entry) => entry && closing(entry, onClose))} />
      </Popover>
    </>
  );
}
