import { ArrowLeft, Ellipsis } from 'lucide-react';
import { createContext, useContext, useEffect, useRef, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { useText, wholeNumber } from '../i18n/index.ts';
import { Button, cx, FilledElsewhere, IconButton, Menu, returnFocusToView, StatusLine, TimeInWords, useNarrow, type MenuAction } from '../ui/index.ts';
import { usePreferences } from './preferences.tsx';
import { useWindowWidth } from './window-width.ts';

/** Under this width a detail is a page of its own. */
export const ONE_PANE_UNDER = 720;
const DETAIL = { usual: 380, least: 300, most: 640 } as const;
const STEP = 16;

const within = (width: number): number => Math.round(Math.min(DETAIL.most, Math.max(DETAIL.least, width)));

/**
 * A list with a detail at its side, or in its place where there is no room. The width is remembered under `name`.
 * @param filled  where the filled button is while a detail is there: its own, unless it has none
 */
export function Panes({ name, list, detail, detailLabel, filled = 'detail', onCloseDetail }: { name: string; list: ReactNode; detail?: ReactNode; detailLabel: string; filled?: 'list' | 'detail'; onCloseDetail: () => void }) {
  const t = useText();
  const { preferences, change } = usePreferences();
  const windowWidth = useWindowWidth();
  const drag = useRef<{ x: number; width: number } | undefined>(undefined);
  // In a small window the list keeps more than half of it.
  const width = Math.min(within(preferences.panes[name] ?? DETAIL.usual), Math.max(DETAIL.least, Math.round(windowWidth * 0.43)));
  const setWidth = (next: number): void => change({ panes: { [name]: within(next) } });
  const hasDetail = detail !== undefined && detail !== null && detail !== false;

  // What was pressed in a detail may have gone with it: the list has the focus then.
  const back = useRef<HTMLButtonElement>(null);
  const onePane = windowWidth < ONE_PANE_UNDER;
  useEffect(() => {
    if (!hasDetail) returnFocusToView();
    // A press of the mouse gives the focus to what was pressed, which is hidden by then: this comes after it.
    else if (onePane) requestAnimationFrame(() => back.current?.focus());
  }, [hasDetail, onePane]);

  if (onePane) {
    return (
      <div className="flex min-h-0 min-w-0 grow flex-col">
        {/* The list stays, hidden, so that it keeps its place and its selection. */}
        <div className={cx('flex min-h-0 grow flex-col', hasDetail && 'hidden')}>{list}</div>
        {hasDetail && (
          <section aria-label={detailLabel} className="flex min-h-0 grow flex-col bg-surface">
            <div className="shrink-0 border-b border-border px-2 py-1.5"><Button kind="plain" small icon={ArrowLeft} ref={back} onPress={onCloseDetail}>{t('shell.back')}</Button></div>
            {detail}
          </section>
        )}
      </div>
    );
  }

  const press = (event: KeyboardEvent): void => {
    const next = { ArrowLeft: width + STEP, ArrowRight: width - STEP, Home: DETAIL.most, End: DETAIL.least }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setWidth(next);
  };
  const pull = (event: PointerEvent<HTMLDivElement>): void => {
    if (drag.current !== undefined) setWidth(drag.current.width + drag.current.x - event.clientX);
  };

  return (
    <div className="flex min-h-0 min-w-0 grow">
      <FilledElsewhere value={hasDetail && filled === 'detail'}><div className="flex min-h-0 min-w-0 grow flex-col">{list}</div></FilledElsewhere>
      {hasDetail && (
        <>
          <div
            role="separator" aria-orientation="vertical" aria-label={t('shell.resizeDetail')} tabIndex={0}
            aria-valuenow={width} aria-valuemin={DETAIL.least} aria-valuemax={DETAIL.most}
            onKeyDown={press}
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
              drag.current = { x: event.clientX, width };
            }}
            onPointerMove={pull}
            onPointerUp={() => {
              drag.current = undefined;
            }}
            onDoubleClick={() => setWidth(DETAIL.usual)}
            className="focus-inside relative z-10 -mr-1 w-1 shrink-0 cursor-col-resize touch-none hover:bg-edge"
          />
          <section aria-label={detailLabel} className="flex min-h-0 shrink-0 flex-col border-l border-border bg-surface" style={{ width }}>{detail}</section>
        </>
      )}
    </div>
  );
}

/** Under this width of a list what is less needed stands in a menu. */
const NARROW_LIST = 520;
const FOOT_ROOM = 740;

/**
 * A list with its title, actions, filters and foot.
 * @param secondary  what else can be done: buttons before the actions
 * @param foot  what is at hand at the foot of it; its status is told before
 */
export function ListPane({ title, actions, secondary = [], filters, status, foot = [], children }: {
  title: string; actions?: ReactNode; secondary?: readonly MenuAction[]; filters?: ReactNode; status?: ReactNode; foot?: readonly MenuAction[]; children: ReactNode;
}) {
  const t = useText();
  const pane = useRef<HTMLDivElement>(null);
  const narrow = useNarrow(pane, NARROW_LIST);
  // More than one thing beside the refreshing needs more room in a line with what is told.
  const narrowFoot = useNarrow(pane, foot.length > 2 ? FOOT_ROOM : NARROW_LIST);
  const aside = foot.filter(({ id }) => id !== REFRESH);
  const hidden = [...(narrow ? secondary : []), ...(narrowFoot ? aside : [])];
  return (
    <div ref={pane} className="flex min-h-0 min-w-0 grow flex-col bg-surface">
      <header className="flex min-h-12 shrink-0 flex-wrap items-center justify-between gap-x-3 gap-y-1 px-4 py-1.5">
        <h1 className="truncate text-16 font-semibold">{title}</h1>
        <div className="flex shrink-0 items-center gap-2">
          {hidden.length > 0 && <Menu label={t('common.more')} entries={hidden}><IconButton icon={Ellipsis} label={t('common.more')} className="size-8" /></Menu>}
          {!narrow && secondary.map(({ id, label, icon, onAction }) => <Button key={id} {...(icon && { icon })} onPress={onAction}>{label}</Button>)}
          {actions}
        </div>
      </header>
      {filters !== undefined && <div className="flex shrink-0 flex-wrap items-center gap-2 px-4 pb-2">{filters}</div>}
      {children}
      {status !== undefined && (
        <StatusLine>
          {status}
          <span className="ml-auto flex items-center gap-1">
            {foot.filter(({ id }) => !narrowFoot || id === REFRESH).map(({ id, label, icon, onAction }) => <Button key={id} small kind="plain" {...(icon && { icon })} onPress={onAction}>{label}</Button>)}
          </span>
        </StatusLine>
      )}
    </div>
  );
}

/** What the foot of a list tells first: how many there are, how many of them are selected, and how fresh that is. */
export function ListStatus({ count, selected = 0, asOf }: { count: string; selected?: number; asOf?: string | undefined }) {
  const t = useText();
  return (
    <>
      <span>{count}</span>
      {selected > 1 && <span className="text-text">{t('common.selected', { n: selected, shown: wholeNumber(selected, t.language) })}</span>}
      {asOf !== undefined && <span>{t.rich('common.asOf', { when: <TimeInWords at={asOf} /> })}</span>}
    </>
  );
}

/** At the foot of a list, however narrow it is. */
const REFRESH = 'refresh';

/** A detail: what it is, what can be done, then the facts. */
export function DetailPane({ title, subtitle, menu, actions, children }: { title: string; subtitle?: ReactNode; menu?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex min-h-0 grow flex-col overflow-y-auto">
      <header className="flex flex-col gap-3 border-b border-border px-5 py-4">
        <div className="flex items-start justify-between gap-2">
          <div className="min-w-0">
            <h2 className="text-16 font-semibold break-words">{title}</h2>
            {subtitle !== undefined && <p className="text-13 text-muted">{subtitle}</p>}
          </div>
          {menu}
        </div>
        {actions !== undefined && <div className="flex flex-wrap gap-2">{actions}</div>}
      </header>
      <div className="flex flex-col gap-5 px-5 py-4">{children}</div>
    </div>
  );
}

/** Level of the headings of sections: 3 within a detail, 2 on a page that has only its title above. */
export const SectionLevel = createContext<2 | 3>(3);

/** A part of a detail or of a page. */
export function Section({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  const Heading = useContext(SectionLevel) === 2 ? 'h2' : 'h3';
  return (
    <section className="flex flex-col gap-2.5">
      <div className="flex min-h-7 items-center justify-between gap-2">
        <Heading className="text-14 font-semibold">{title}</Heading>
        {actions}
      </div>
      {children}
    </section>
  );
}
