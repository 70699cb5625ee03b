import { ArrowDown, ArrowUp } from 'lucide-react';
import { memo, useEffect, useId, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore, type KeyboardEvent, type MouseEvent, type ReactNode, type Ref, type RefObject } from 'react';
import { useText } from '../i18n/index.ts';
import { cx } from './cx.ts';
import { atLine, lineOfRow, linesOf, type RowGroup } from './groups.ts';
import { HEADER_HEIGHT, linesInSight, ROW_HEIGHT, useLines } from './lines-in-sight.ts';
import { ContextMenu, type MenuEntries } from './Menu.tsx';
import { viewHasFocus } from './view-focus.ts';
import { useReach } from './reach.ts';
import { NO_SELECTION, select, type Extend, type ListSelection } from './selection.ts';
import { useTyping } from './typing.ts';

export interface Column<Row> {
  id: string;
  title: string;
  /** The title is heard and not seen: of a column of buttons. */
  titleHidden?: boolean;
  /** A track of CSS grid: `minmax(10rem, 2fr)`. */
  width: string;
  sortable?: boolean;
  /** Left out while the table is narrower than so many pixels. */
  fromWidth?: number;
  /** What it shows always fits, or is cut within: cutting it off here would cost each row a clip. */
  fits?: boolean;
  cell: (row: Row) => ReactNode;
}

export interface Sort {
  by: string;
  descending: boolean;
}

/** Is told which rows are to be seen, and tells when they have come or changed, by another number. */
export interface RowSource<Row> {
  /** Rows whether in sight or not, for a selection that reaches further. Without it all are there. */
  load?(first: number, last: number, signal: AbortSignal): AsyncIterable<readonly Row[]>;
  /** Where the next row is whose text begins so, loaded or not; undefined for none. Without it all are there. */
  seek?(beginning: string, from: number, signal: AbortSignal): Promise<number | undefined>;
  onRange(first: number, last: number): void;
  subscribe(listener: () => void): () => void;
  version(): number;
}

interface VirtualTableHandle {
  focus(): void;
  scrollToTop(): void;
}

interface VirtualTableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  /** Rows that there are, loaded or not. */
  count: number;
  /** Headings over rows that stand together. */
  groups?: readonly RowGroup[];
  /** A row, or undefined while it is not loaded. */
  rowAt: (index: number) => Row | undefined;
  /** Where rows are loaded as they come into sight. */
  rows?: RowSource<Row>;
  keyOf: (row: Row) => string;
  /** What type-ahead looks at, and what the row is called. */
  textOf: (row: Row) => string;
  selection: ListSelection;
  onSelection: (selection: ListSelection) => void;
  /** Told of the rows that are selected, as far as they are loaded, while they are several; of none otherwise. */
  onSelectedRows?: (rows: readonly Row[]) => void;
  /** Enter, or a double press. */
  onOpen?: (row: Row) => void;
  onPreview?: (row: Row) => void;
  onDelete?: (rows: readonly Row[]) => void;
  onRename?: (row: Row) => void;
  menu?: (rows: readonly Row[]) => MenuEntries;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /** Told which rows are to be seen. */
  onRange?: (first: number, last: number) => void;
  empty?: ReactNode;
  ref?: Ref<VirtualTableHandle>;
}

/** A table of any length: only what is to be seen is in the document. Keyboard and selection as in a file manager. */
export function VirtualTable<Row>(props: VirtualTableProps<Row>) {
  const { label, columns, count, groups = NO_GROUPS, rowAt, rows = ALL_THERE, keyOf, textOf, selection, onSelection, onSelectedRows, onOpen, onPreview, onDelete, onRename, menu, sort, onSort, onRange, empty, ref } = props;
  const t = useText();
  const id = useId();
  const grid = useRef<HTMLDivElement>(null);
  const [menuAt, setMenuAt] = useState<{ x: number; y: number }>();
  const handlers = useRef<RowHandlers>(IDLE);
  const awaited = useRef<number>(undefined);
  const typing = useTyping(rows, (index) => handlers.current.goTo(index));
  const reach = useReach(rows.load, keyOf);
  const active = Math.min(selection.active, Math.max(0, count - 1));

  const lines = linesOf(count, groups);
  const { top, height, width, drawn, show } = useLines(grid, lines);
  const version = useSyncExternalStore(rows.subscribe, rows.version);
  const inSight = linesInSight(top, height, lines);
  const firstRow = rowNear(inSight.first, groups);
  const lastRow = rowNear(inSight.last, groups);
  useEffect(() => {
    rows.onRange(firstRow, lastRow);
    onRange?.(firstRow, lastRow);
  }, [firstRow, lastRow, rows, onRange]);
  // Other rows altogether: another search, another order.
  useLayoutEffect(() => {
    // In braces: browsers of today answer with a promise, which React would take for how to end it.
    void grid.current?.scrollTo({ top: 0 });
  }, [rows]);
  useImperativeHandle(ref, () => ({ focus: () => grid.current?.focus(), scrollToTop: () => grid.current?.scrollTo({ top: 0 }) }), []);

  // A view that was come to by the keyboard waits for its list.
  useEffect(() => {
    if (viewHasFocus()) grid.current?.focus({ preventScroll: true });
  }, []);

  const shown = useMemo(() => columns.filter((column) => (column.fromWidth ?? 0) <= width), [columns, width]);
  const template = shown.map((column) => column.width).join(' ');
  const keyAt = (index: number): string | undefined => {
    const row = rowAt(index);
    return row === undefined ? undefined : keyOf(row);
  };
  const selectedRows = (): Row[] => {
    const found = new Map<string, Row>();
    for (let index = 0; index < count && found.size < selection.selected.size; index += 1) {
      const row = rowAt(index);
      if (row !== undefined && selection.selected.has(keyOf(row))) found.set(keyOf(row), row);
    }
    for (const [key, row] of reach.rows) if (selection.selected.has(key) && !found.has(key)) found.set(key, row);
    return [...found.values()];
  };

  const tellSelected = useRef(() => undefined as void);
  useEffect(() => {
    tellSelected.current = () => onSelectedRows?.(selection.selected.size > 1 ? selectedRows() : []);
  });
  useEffect(() => tellSelected.current(), [selection.selected, reach.rows, version, rows]);

  /** Everything from one row to another; what is not loaded yet joins the selection when it is, unless something else is selected by then. */
  function selectBetween(anchor: number, to: number, at: number): void {
    const next = { ...select({ ...selection, anchor }, to, { range: true }, keyAt), active: at };
    const [first, last] = [Math.min(anchor, to), Math.max(anchor, to)];
    onSelection(next);
    if (next.selected.size <= last - first) reach.to(first, last, (selected) => onSelection({ ...next, selected }));
  }

  function goTo(index: number, extend: Extend = {}): void {
    if (count === 0) return;
    const to = Math.max(0, Math.min(count - 1, index));
    reach.stop();
    typing.stop();
    if (extend.range === true && extend.toggle !== true) selectBetween(selection.anchor, to, to);
    else onSelection(select(selection, to, extend, keyAt));
    awaited.current = keyAt(to) === undefined && extend.moveOnly !== true && extend.range !== true ? to : undefined;
    show(lineOfRow(to, groups));
  }

  // A row that was gone to before it was loaded is selected when it comes.
  useEffect(() => {
    if (awaited.current !== active || keyAt(active) === undefined) return;
    awaited.current = undefined;
    onSelection(select(selection, active, {}, keyAt));
  });

  function press(event: KeyboardEvent): void {
    if (event.target !== grid.current) return;
    const { key, shiftKey } = event;
    const modified = event.ctrlKey || event.metaKey;
    const page = Math.max(1, Math.floor((grid.current?.clientHeight ?? 0) / ROW_HEIGHT) - 2);
    const extend: Extend = { range: shiftKey, moveOnly: modified && !shiftKey };
    const row = rowAt(active);
    const handled: Record<string, () => void> = {
      ArrowDown: () => goTo(selection.selected.size === 0 && active === 0 && !modified ? 0 : active + 1, extend),
      ArrowUp: () => goTo(active - 1, extend),
      PageDown: () => goTo(active + page, extend),
      PageUp: () => goTo(active - page, extend),
      Home: () => goTo(0, extend),
      End: () => goTo(count - 1, extend),
      Enter: () => row !== undefined && onOpen?.(row),
      ' ': () => (modified ? goTo(active, { toggle: true }) : typing.isUnderWay() ? typeOn(' ') : row !== undefined && (goTo(active), (onPreview ?? onOpen)?.(row))),
      Delete: () => onDelete?.(selectedRows()),
      F2: () => row !== undefined && onRename?.(row),
      ContextMenu: () => openMenuAtActive(),
      Escape: () => (reach.stop(), onSelection({ ...selection, selected: new Set() })),
    };
    if (key === 'F10' && shiftKey) openMenuAtActive();
    else if (modified && key.toLowerCase() === 'a') selectBetween(0, count - 1, active);
    else if (key in handled) handled[key]?.();
    else if (key.length === 1 && !modified && !event.altKey) typeOn(key);
    else return;
    event.preventDefault();
  }

  const typeOn = (letter: string): void => typing.on(letter, active, count, (index) => {
    const row = rowAt(index);
    return row === undefined ? undefined : textOf(row);
  });

  function openMenuAtActive(): void {
    const element = document.getElementById(`${id}-${active}`);
    if (element === null) return;
    if (!selection.selected.has(keyAt(active) ?? '')) goTo(active);
    const box = element.getBoundingClientRect();
    setMenuAt({ x: box.left + 24, y: box.bottom });
  }

  function openMenu(event: MouseEvent, index: number): void {
    if (menu === undefined) return;
    event.preventDefault();
    if (!selection.selected.has(keyAt(index) ?? '')) goTo(index);
    setMenuAt({ x: event.clientX, y: event.clientY });
  }

  const latest: RowHandlers = {
    goTo,
    press: (event, index) => event.button === 0 && goTo(index, { range: event.shiftKey, toggle: event.ctrlKey || event.metaKey }),
    open: (index) => {
      const row = rowAt(index);
      if (row !== undefined) onOpen?.(row);
    },
    menu: openMenu,
  };
  useEffect(() => {
    handlers.current = latest;
  });

  // The row that the keyboard is at stays in the document: `aria-activedescendant` must point at something.
  const activeLine = lineOfRow(active, groups);
  const toDraw: (readonly [slot: string | number, line: number])[] = drawn.slots.map((slot, index) => [slot, drawn.first + index]);
  if (count > 0 && activeLine < drawn.first) toDraw.unshift(['active', activeLine]);
  if (count > 0 && activeLine >= drawn.first + drawn.slots.length) toDraw.push(['active', activeLine]);
  return (
    <>
      <div className="relative flex min-h-0 grow flex-col">
        <div
          ref={grid}
          role="grid"
          aria-label={label}
          aria-rowcount={lines + 1}
          aria-colcount={shown.length}
          aria-multiselectable
          aria-busy={reach.busy}
          tabIndex={0}
          {...(count > 0 && { 'aria-activedescendant': `${id}-${active}` })}
          onKeyDown={press}
          className="peer group/grid relative flex min-h-0 grow flex-col overflow-x-hidden overflow-y-auto outline-none"
        >
          <div role="row" aria-rowindex={1} className="sticky top-0 z-10 grid shrink-0 items-center border-b border-border bg-surface px-2 text-12 text-muted" style={{ height: HEADER_HEIGHT, gridTemplateColumns: template }}>
            {shown.map((column) => <HeaderCell key={column.id} column={column} sort={sort} onSort={onSort} />)}
          </div>
          {count === 0 ? (
            <div role="row" className="grow"><div role="gridcell" className="h-full">{empty}</div></div>
          ) : (
            <div role="rowgroup" className="relative w-full shrink-0" style={{ height: lines * ROW_HEIGHT, paddingTop: drawn.first * ROW_HEIGHT }}>
              {toDraw.map(([slot, line]) => {
                const there = atLine(line, groups);
                if ('heading' in there) return <GroupHeading key={slot} line={line} group={there.heading} columns={shown.length} />;
                const index = there.row;
                const row = rowAt(index);
                return (
                  <TableRow
                    key={slot} id={`${id}-${index}`} index={index} line={line} outside={slot === 'active'} row={row} columns={shown} template={template}
                    selected={row !== undefined && selection.selected.has(keyOf(row))} active={index === active} loading={t('common.loading')} on={handlers}
                  />
                );
              })}
            </div>
          )}
        </div>
        {/* Over the header and the rows, whose backgrounds would hide the edges of an outline within. */}
        <div aria-hidden className="pointer-events-none invisible absolute inset-0 z-20 border-2 border-(--focus) peer-focus-visible:visible" />
      </div>
      {menu && <ContextMenu label={label} entries={menuAt === undefined ? [] : menu(selectedRows())} at={menuAt} onClose={() => (setMenuAt(undefined), grid.current?.focus())} />}
    </>
  );
}

interface RowHandlers {
  goTo(index: number): void;
  press(event: MouseEvent, index: number): void;
  open(index: number): void;
  menu(event: MouseEvent, index: number): void;
}

const IDLE: RowHandlers = { goTo: () => undefined, press: () => undefined, open: () => undefined, menu: () => undefined };

interface TableRowProps<Row> {
  id: string;
  index: number;
  line: number;
  /** Not among those in sight: kept for the keyboard. */
  outside: boolean;
  row: Row | undefined;
  columns: readonly Column<Row>[];
  template: string;
  selected: boolean;
  active: boolean;
  loading: string;
  on: RefObject<RowHandlers>;
}

/** Drawn again only when something of it changes: scrolling costs what comes into sight. */
const TableRow = memo(function TableRow<Row>({ id, index, line, outside, row, columns, template, selected, active, loading, on }: TableRowProps<Row>) {
  return (
    <div
      id={id}
      role="row"
      data-line={line}
      {...(row === undefined && { 'data-waits': '' })}
      aria-rowindex={line + 2}
      aria-selected={selected}
      onMouseDown={(event) => on.current.press(event, index)}
      onDoubleClick={() => on.current.open(index)}
      onContextMenu={(event) => on.current.menu(event, index)}
      className={cx(
        outside && 'absolute left-0',
        'grid w-full items-center px-2 text-13 text-muted select-none',
        selected ? 'bg-selected' : 'hover:bg-hover',
        active && 'group-focus-visible/grid:outline-2 group-focus-visible/grid:-outline-offset-2 group-focus-visible/grid:outline-(--focus)',
      )}
      style={{ height: ROW_HEIGHT, ...(outside && { top: line * ROW_HEIGHT }), gridTemplateColumns: template }}
    >
      {row === undefined
        ? <div role="gridcell" aria-label={loading} className="px-2"><div className="h-2.5 w-40 rounded-control bg-hover" /></div>
        : columns.map((column, position) => (
          <div key={column.id} role="gridcell" className={cx('min-w-0 px-2 *:align-top', column.fits === true ? 'whitespace-nowrap' : 'truncate', position === 0 && 'text-14 font-medium text-text')}>{column.cell(row)}</div>
        ))}
    </div>
  );
}) as <Row>(props: TableRowProps<Row>) => ReactNode;

const NO_GROUPS: readonly RowGroup[] = [];
const ALL_THERE: RowSource<never> = { onRange: () => undefined, subscribe: () => () => undefined, version: () => 0 };

/** @returns the row on a line, or the first one under it where it is a heading. */
function rowNear(line: number, groups: readonly RowGroup[]): number {
  const there = atLine(line, groups);
  return 'row' in there ? there.row : there.heading.start;
}

function GroupHeading({ line, group, columns }: { line: number; group: RowGroup; columns: number }) {
  return (
    <div role="row" aria-rowindex={line + 2} className="flex w-full items-end px-2 pb-1.5" style={{ height: ROW_HEIGHT }}>
      <div role="gridcell" aria-colspan={columns} className="flex min-w-0 items-baseline gap-2 px-2 text-12 font-medium text-muted">
        <span className="truncate">{group.title}</span>
        <span className="tabular-nums">{group.count}</span>
      </div>
    </div>
  );
}

function HeaderCell<Row>({ column, sort, onSort }: { column: Column<Row>; sort: Sort | undefined; onSort: ((sort: Sort) => void) | undefined }) {
  const sorted = sort?.by === column.id;
  const Arrow = sort?.descending ? ArrowDown : ArrowUp;
  return (
    <div role="columnheader" {...(column.sortable && { 'aria-sort': sorted ? (sort.descending ? 'descending' : 'ascending') : 'none' })} className="min-w-0 px-2">
      {column.sortable ? (
        <button type="button" onClick={() => onSort?.({ by: column.id, descending: sorted ? !sort.descending : false })} className={cx('flex h-6 max-w-full items-center gap-1 rounded-control hover:text-text', sorted && 'font-medium text-text')}>
          <span className="truncate">{column.title}</span>
          {sorted && <Arrow aria-hidden className="size-3 shrink-0" strokeWidth={2} />}
        </button>
      ) : (
        <span className={column.titleHidden === true ? 'sr-only' : 'truncate'}>{column.title}</span>
      )}
    </div>
  );
}

export { NO_SELECTION, ROW_HEIGHT, type ListSelection };
