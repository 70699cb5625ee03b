import { useEffect, useState, type RefObject } from 'react';
import { flushSync } from 'react-dom';

export const ROW_HEIGHT = 36;
export const HEADER_HEIGHT = 32;
/** Lines that are drawn beyond the edge that the list moves to, and beyond the other: scrolling may be ahead of drawing. */
const AHEAD = 8;
const BEHIND = 2;
/** The window of lines that are drawn moves by so many at a time: not every frame of slow scrolling draws anything. */
const STEP = 4;

/** Lines that are drawn, from `first` on, each in a slot of the document: a slot that goes on to another line costs less than a new one. */
interface DrawnLines {
  readonly first: number;
  /** By line; numbers that are no two's. */
  readonly slots: readonly number[];
}

/** @returns the first line that is to be drawn, and the first that is not any more. */
export function linesToDraw(top: number, height: number, count: number, forward = true): { first: number; end: number } {
  const first = Math.floor((top / ROW_HEIGHT - (forward ? BEHIND : AHEAD)) / STEP) * STEP;
  const room = Math.ceil(height / ROW_HEIGHT) + AHEAD + BEHIND + STEP;
  return { first: Math.max(0, Math.min(first, count - room)), end: Math.max(0, Math.min(count, first + room)) };
}

let made = 0;

/**
 * @returns slots for lines. Lines that stay keep theirs. What comes after them takes those that were before them, moved to the end; what comes before them is
 * new, since all that follows would have to be moved. After a leap all are taken as they stand.
 */
export function slotsFor(before: DrawnLines, { first, end }: { first: number; end: number }): DrawnLines {
  const length = end - first;
  const { slots } = before;
  if (first === before.first && length === slots.length) return before;
  const shift = first - before.first;
  const leap = shift >= slots.length || -shift >= length;
  const fresh = (): number => (made += 1);
  if (leap) return { first, slots: Array.from({ length }, (_, index) => slots[index] ?? fresh()) };
  const free = shift > 0 ? slots.slice(0, shift) : [];
  return { first, slots: Array.from({ length }, (_, index) => slots[index + shift] ?? free.shift() ?? fresh()) };
}

/** @returns lines in sight, from the first to the last, under the heading. */
export function linesInSight(top: number, height: number, count: number): { first: number; last: number } {
  const last = Math.max(0, count - 1);
  return { first: Math.min(last, Math.floor(top / ROW_HEIGHT)), last: Math.max(0, Math.min(last, Math.ceil((top + height - HEADER_HEIGHT) / ROW_HEIGHT) - 1)) };
}

/** @returns where to scroll to so that a line is in sight as a whole; the same place where it is already. */
export function topFor(line: number, top: number, height: number): number {
  const above = line * ROW_HEIGHT;
  const below = above + ROW_HEIGHT + HEADER_HEIGHT - height;
  return above < top ? above : below > top ? below : top;
}

interface Seen {
  readonly top: number;
  readonly height: number;
  readonly width: number;
  readonly forward: boolean;
}

/**
 * What of a list of equally high lines is to be drawn, as its element is scrolled and resized. Lines are drawn within the frame in which the list has
 * moved, and nothing is measured for that.
 */
export function useLines(element: RefObject<HTMLDivElement | null>, count: number): Seen & { drawn: DrawnLines; show: (line: number) => void } {
  const [seen, setSeen] = useState<Seen>({ top: 0, height: 600, width: 10_000, forward: true });
  const [drawn, setDrawn] = useState<DrawnLines>({ first: 0, slots: [] });
  const now = slotsFor(drawn, linesToDraw(seen.top, seen.height, count, seen.forward));
  if (now !== drawn) setDrawn(now);
  useEffect(() => {
    const list = element.current;
    if (list === null) return;
    let before = -1;
    const scrolled = (): void => {
      const top = list.scrollTop;
      const step = Math.floor(top / ROW_HEIGHT / STEP);
      if (step === before) return;
      before = step;
      flushSync(() => setSeen((last) => ({ ...last, top, forward: top >= last.top })));
    };
    const observer = new ResizeObserver(() => setSeen((last) => ({ ...last, top: list.scrollTop, height: list.clientHeight, width: list.clientWidth })));
    observer.observe(list);
    list.addEventListener('scroll', scrolled, { passive: true });
    return () => {
      observer.disconnect();
      list.removeEventListener('scroll', scrolled);
    };
  }, [element]);
  const { height } = seen;
  const show = (line: number): void => {
    const list = element.current;
    if (list === null) return;
    const { scrollTop } = list;
    const top = topFor(line, scrollTop, height);
    if (top !== scrollTop) list.scrollTop = top;
  };
  return { ...seen, drawn: now, show };
}
