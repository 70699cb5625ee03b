import { useRef, type KeyboardEvent, type PointerEvent } from 'react';
import { useText, wholeNumber } from '../i18n/index.ts';
import { sizeOf, within, type PageBox, type Place } from './pdf-place.ts';

/** Pixels of the page's longer side as it is drawn. */
const LONGER = 300;
/** Points that an arrow key moves by. */
const STEP = 6;
const MM = 25.4 / 72;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** A page in its true proportions, with the place of a signature on it: dragged, pulled at its corner, or moved by the arrow keys; with Shift they change its size. */
export function PagePlace({ page, number, value, onChange }: { page: PageBox; /** Counted from 1. */ number: number; value: Place; onChange: (place: Place) => void }) {
  const t = useText();
  const size = sizeOf(page);
  const scale = LONGER / Math.max(size.width, size.height);
  const grip = useRef<{ readonly x: number; readonly y: number; readonly from: Place; readonly resizes: boolean }>(undefined);
  const change = (from: Place, dx: number, dy: number, resizes: boolean): void =>
    onChange(resizes ? resized(page, from, dx, dy) : within(page, { ...from, x: from.x + dx, y: from.y + dy }));
  const press = (event: PointerEvent, resizes: boolean): void => {
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    grip.current = { x: event.clientX, y: event.clientY, from: value, resizes };
  };
  const move = (event: PointerEvent): void => {
    if (grip.current === undefined || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const { x, y, from, resizes } = grip.current;
    change(from, (event.clientX - x) / scale, (event.clientY - y) / scale, resizes);
  };
  const release = (): void => { grip.current = undefined; };
  const key = (event: KeyboardEvent): void => {
    const [dx, dy] = ARROWS[event.key] ?? [];
    if (dx === undefined || dy === undefined) return;
    event.preventDefault();
    change(value, dx * STEP, dy * STEP, event.shiftKey);
  };
  const mm = (points: number): string => wholeNumber(Math.round(points * MM), t.language);
  const where = t('files.placeWhere', { page: number, x: mm(value.x), y: mm(value.y), width: mm(value.width), height: mm(value.height) });
  return (
    <figure className="flex flex-wrap items-start gap-4">
      <div className="relative shrink-0 touch-none border border-edge bg-surface" style={{ width: size.width * scale + 2, height: size.height * scale + 2 }}>
        <button
          type="button" aria-label={`${t('files.placeBox')}: ${where}`} onPointerDown={(event) => press(event, false)} onPointerMove={move} onPointerUp={release} onPointerCancel={release} onKeyDown={key}
          className="absolute cursor-move overflow-hidden rounded-[3px] border border-accent bg-selected text-12 text-text"
          style={{ left: value.x * scale, top: value.y * scale, width: value.width * scale, height: value.height * scale }}
        >
          <span aria-hidden onPointerDown={(event) => press(event, true)} onPointerMove={move} onPointerUp={release} onPointerCancel={release} className="absolute right-0 bottom-0 size-2.5 cursor-nwse-resize bg-accent" />
        </button>
      </div>
      <figcaption className="flex max-w-72 flex-col gap-2 text-12 text-muted">
        <span aria-live="polite" className="text-13 text-text tabular-nums">{where}</span>
        <span>{t('files.placeHelp')}</span>
      </figcaption>
    </figure>
  );
}

/** Its upper left corner stays where it is. */
function resized(page: PageBox, { x, y, width, height }: Place, dx: number, dy: number): Place {
  const size = sizeOf(page);
  return within(page, { x, y, width: Math.min(width + dx, size.width - x), height: Math.min(height + dy, size.height - y) });
}
