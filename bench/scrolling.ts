import type { CDPSession, Page } from '@playwright/test';

/** What a frame of 60 a second may take. */
export const FRAME_MS = 16.7;
const ROW_HEIGHT = 36;

export interface Scrolled {
  /** Frames a second, by the page's own clock. */
  readonly rate: number;
  /** Milliseconds of processor time of the page's main thread in each frame: script, style, layout, and the recording of what is painted. */
  readonly work: readonly number[];
  /** Frames in which some place in sight had no row at all, and those in which a row in sight still waited for its page. */
  readonly blank: number;
  readonly waiting: number;
  /** Milliseconds from when the hand rests until all rows in sight are there. */
  readonly settled: number;
}

/** What a hand does with a long list. `wheel` turns on and on; `drag` takes the thumb through all of it; `keys` presses PageDown. */
export const WAYS = ['wheel', 'drag', 'keys'] as const;
export type Way = (typeof WAYS)[number];

/** Scrolls the first grid of a page, and looks at each frame. The list has to fill the right part of the page's middle. */
export async function scroll(page: Page, way: Way): Promise<Scrolled> {
  await page.bringToFront();
  const list = page.getByRole('grid').first();
  await list.evaluate(async (element) => {
    element.scrollTop = 0;
    element.focus();
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
  const session = await page.context().newCDPSession(page);
  try {
    const watched = list.evaluate(watch, ROW_HEIGHT);
    const work = await traced(session, () => WAY[way](page, session));
    await page.evaluate(() => { (window as unknown as { watching: boolean }).watching = false; });
    return { ...(await watched), work };
  } finally {
    await session.detach();
  }
}

const WAY: Readonly<Record<Way, (page: Page, session: CDPSession) => Promise<void>>> = {
  // A fast turn: some ten rows a frame, for two seconds.
  wheel: async (page, session) => {
    const box = await page.getByRole('grid').first().boundingBox();
    if (box === null) throw new Error('there is no list to scroll');
    await session.send('Input.synthesizeScrollGesture', { x: Math.round(box.x + box.width / 2), y: Math.round(box.y + box.height / 2), yDistance: -48_000, speed: 24_000, gestureSourceType: 'mouse', preventFling: true });
  },
  // Through nearly all keys in two seconds: each frame is at another place.
  drag: async (page) => page.getByRole('grid').first().evaluate(async (element) => {
    // To another place each time, or its rows would be there already.
    const all = (element.scrollHeight - element.clientHeight) * (0.8 + 0.2 * Math.random());
    for (let n = 1; n <= 120; n += 1) {
      await new Promise(requestAnimationFrame);
      element.scrollTop = (all * n) / 120;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }),
  keys: async (page) => {
    for (let n = 0; n < 60; n += 1) {
      await page.keyboard.press('PageDown');
      await page.waitForTimeout(16);
    }
  },
};

/** Runs in the page. Looks at each frame before it is painted, after all that the page has drawn for it. */
async function watch(list: Element, rowHeight: number): Promise<Omit<Scrolled, 'work'>> {
  const state = window as unknown as { watching: boolean };
  state.watching = true;
  let [frames, blank, waiting, started, last, top, settled] = [0, 0, 0, 0, 0, list.scrollTop, 0];
  while (state.watching) {
    const now = await new Promise<number>(requestAnimationFrame);
    // What the frame's own callbacks do comes before a message to oneself that they post, and painting may come before it: asked for within the frame.
    await Promise.resolve();
    const moved = list.scrollTop !== top;
    top = list.scrollTop;
    if (frames === 0 && !moved) started = now;
    if (frames === 0 && !moved) continue;
    const seen = [...list.querySelectorAll<HTMLElement>('[data-line]')];
    const first = Math.floor(top / rowHeight);
    const end = Math.min(Math.ceil((top + list.clientHeight - 32) / rowHeight), Number(list.getAttribute('aria-rowcount')) - 1);
    const lines = new Set(seen.map((row) => Number(row.dataset['line'])));
    let [missing, loading] = [false, false];
    for (let line = first; line < end; line += 1) missing ||= !lines.has(line);
    for (const row of seen) loading ||= row.dataset['waits'] !== undefined && Number(row.dataset['line']) >= first && Number(row.dataset['line']) < end;
    if (!moved) {
      if (loading) settled = now - last;
      continue;
    }
    frames += 1;
    last = now;
    settled = 0;
    if (seen.length > 0 && missing) blank += 1;
    if (loading) waiting += 1;
  }
  return { rate: (frames * 1000) / (last - started), blank, waiting, settled };
}

interface TraceEvent { readonly name: string; readonly ph: string; readonly pid: number; readonly tid: number; readonly ts: number; readonly dur?: number; readonly tdur?: number; readonly args?: { readonly name?: string } }

/** @returns the processor time of the main thread in each frame while `work` runs. */
async function traced(session: CDPSession, work: () => Promise<void>): Promise<number[]> {
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', '__metadata'], recordMode: 'recordUntilFull' } });
  await work();
  const ended = new Promise((resolve) => { session.once('Tracing.tracingComplete', resolve); });
  await session.send('Tracing.end');
  await ended;
  return workPerFrame(events);
}

function workPerFrame(events: readonly TraceEvent[]): number[] {
  const frames = Map.groupBy(events.filter(({ name }) => name === 'FireAnimationFrame'), ({ pid, tid }) => `${pid} ${tid}`);
  // The page that moves is the one with the most frames.
  const [busiest, fired] = [...frames].sort(([, one], [, other]) => other.length - one.length)[0] ?? [];
  if (busiest === undefined || fired === undefined) throw new Error('the trace has no frames');
  const starts = fired.map(({ ts }) => ts).sort((a, b) => a - b);
  const tasks = events.filter(({ name, pid, tid, ph }) => name === 'RunTask' && ph === 'X' && `${pid} ${tid}` === busiest).sort((a, b) => a.ts - b.ts);
  const spent = new Map<number, number>();
  let frame = 0;
  for (const { ts, dur = 0, tdur = dur } of tasks) {
    // A task belongs to the frame that begins within it or comes next.
    while (frame < starts.length && starts[frame]! < ts) frame += 1;
    spent.set(frame, (spent.get(frame) ?? 0) + tdur / 1000);
  }
  return [...spent].filter(([at]) => at < starts.length).map(([, ms]) => ms);
}

export const percentile = (values: readonly number[], at: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * at))] ?? 0;
