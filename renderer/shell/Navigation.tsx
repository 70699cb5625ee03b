import { Link, useMatchRoute } from '@tanstack/react-router';
import { Command as CommandIcon, Lock, Settings, type LucideIcon } from 'lucide-react';
import { Button as AriaButton, TooltipTrigger } from 'react-aria-components';
import { useText, wholeNumber } from '../i18n/index.ts';
import { cx, FloatingTip, shortcutLabel } from '../ui/index.ts';
import { PLACES } from './places.ts';
import { useWindowWidth } from './window-width.ts';

/** Under this width the navigation shows icons alone, each with its words as a tip. */
const ICONS_UNDER = 900;
const ITEM = 'flex h-8 items-center gap-2.5 rounded-control px-2 text-13 text-text';

/** Something is to be seen in a place: a dot, where its number is not shown, and words. */
interface PlaceMark {
  readonly tone: 'success' | 'warning';
  readonly words: string;
}

export function Navigation({ counts, marks, onLock, onPalette }: { counts: Readonly<Record<string, number | undefined>>; marks: Readonly<Record<string, PlaceMark | undefined>>; onLock: () => void; onPalette: () => void }) {
  const t = useText();
  const narrow = useWindowWidth() < ICONS_UNDER;
  return (
    <nav aria-label={t('shell.navigation')} className={cx('flex shrink-0 flex-col gap-0.5 overflow-y-auto border-r border-border bg-canvas p-2', narrow ? 'w-[52px]' : 'w-[200px]')}>
      <div className={cx('mb-2 flex h-9 items-center gap-2 px-2 text-14 font-semibold', narrow && 'justify-center px-0')}>
        <Mark />
        {!narrow && <span>{t('common.keywright')}</span>}
      </div>
      {PLACES.map(({ to, label, icon }) => <Place key={to} to={to} label={t(label)} icon={icon} count={counts[to]} mark={marks[to]} narrow={narrow} />)}
      <div className="grow" />
      <Place to="/settings" label={t('shell.settings')} icon={Settings} narrow={narrow} />
      <Act label={t('shell.commands')} shortcut="Mod+Shift+P" icon={CommandIcon} narrow={narrow} onPress={onPalette} />
      <Act label={t('shell.lock')} shortcut="Mod+L" icon={Lock} narrow={narrow} onPress={onLock} />
    </nav>
  );
}

function Place({ to, label, icon: Icon, count, mark, narrow }: { to: string; label: string; icon: LucideIcon; count?: number | undefined; mark?: PlaceMark | undefined; narrow: boolean }) {
  const t = useText();
  const here = useMatchRoute()({ to, fuzzy: true }) !== false;
  const link = (
    <Link to={to} {...(here && { 'aria-current': 'page' as const })} aria-label={narrow ? [label, mark?.words].filter(Boolean).join(', ') : undefined} className={cx(ITEM, 'relative', here ? 'bg-selected font-medium' : 'hover:bg-hover', narrow && 'justify-center px-0')}>
      <Icon aria-hidden className="size-5 shrink-0" strokeWidth={1.75} />
      {!narrow && <span className="grow truncate">{label}</span>}
      {!narrow && count !== undefined && count > 0 && <span className="text-12 text-muted">{wholeNumber(count, t.language)}</span>}
      {mark !== undefined && (narrow || count === undefined) && <span title={mark.words} className={cx('flex size-2 rounded-round', mark.tone === 'success' ? 'bg-success' : 'bg-warning', narrow && 'absolute top-1.5 right-1.5')}>{!narrow && <span className="sr-only">{mark.words}</span>}</span>}
    </Link>
  );
  return narrow ? <Tipped tip={mark === undefined ? label : `${label}: ${mark.words}`}>{link}</Tipped> : link;
}

function Act({ label, shortcut, icon: Icon, narrow, onPress }: { label: string; shortcut: string; icon: LucideIcon; narrow: boolean; onPress: () => void }) {
  const t = useText();
  return (
    <TooltipTrigger delay={500} closeDelay={0}>
      <AriaButton onPress={onPress} aria-label={label} className={cx(ITEM, 'w-full text-left hover:bg-hover', narrow && 'justify-center px-0')}>
        <Icon aria-hidden className="size-5 shrink-0" strokeWidth={1.75} />
        {!narrow && <span className="grow truncate">{label}</span>}
      </AriaButton>
      <FloatingTip>{`${label} (${shortcutLabel(shortcut, t)})`}</FloatingTip>
    </TooltipTrigger>
  );
}

/** The tip of a link, which is no button of React Aria's: the browser's own. */
function Tipped({ tip, children }: { tip: string; children: React.ReactNode }) {
  return <span title={tip}>{children}</span>;
}

/** The program's mark: a key's bow, and its bit as a wrench's jaw. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg aria-hidden width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" className="shrink-0 text-accent">
      <circle cx="6.5" cy="10" r="4" />
      <path d="M10.5 10H18M15 10v3.5M18 10v2.5" />
    </svg>
  );
}
