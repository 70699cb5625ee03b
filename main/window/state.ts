import { readFileSync, writeFileSync } from 'node:fs';
import { screen } from 'electron';
import type { BrowserWindow, Rectangle } from 'electron';

interface WindowState {
  bounds: Partial<Rectangle> & { width: number; height: number };
  maximized: boolean;
}

const INITIAL: WindowState = { bounds: { width: 1280, height: 800 }, maximized: false };
export const SMALLEST = { width: 640, height: 480 } as const;

function isState(value: unknown): value is WindowState {
  const { bounds, maximized } = (value ?? {}) as Partial<WindowState>;
  return typeof maximized === 'boolean' && typeof bounds === 'object' && bounds !== null
    && [bounds.width, bounds.height, bounds.x ?? 0, bounds.y ?? 0].every((number) => Number.isFinite(number));
}

/** Whether enough of the window would lie on a screen to be grabbed: the screen of last time may be gone. */
function isVisible({ x, y, width, height }: WindowState['bounds']): boolean {
  if (x === undefined || y === undefined) return false;
  return screen.getAllDisplays().some(({ workArea: area }) =>
    x < area.x + area.width - 80 && x + width > area.x + 80 && y >= area.y - 8 && y < area.y + area.height - 40 && height > 0);
}

/** @returns how the window was left, or the first-time state. A file that makes no sense counts as none. */
export function readWindowState(file: string): WindowState {
  try {
    const state: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isState(state)) return INITIAL;
    const size = { width: Math.max(state.bounds.width, SMALLEST.width), height: Math.max(state.bounds.height, SMALLEST.height) };
    const { x, y } = state.bounds;
    return { ...state, bounds: isVisible(state.bounds) && x !== undefined && y !== undefined ? { x, y, ...size } : size };
  } catch {
    return INITIAL;
  }
}

/** Writes the window's place when it closes and, at most once a second, when it moves. */
export function rememberWindowState(window: BrowserWindow, file: string): void {
  let timer: NodeJS.Timeout | undefined;
  const write = () => {
    if (window.isDestroyed()) return;
    const state: WindowState = { bounds: window.getNormalBounds(), maximized: window.isMaximized() };
    try {
      writeFileSync(file, JSON.stringify(state));
    } catch {
      // A place that cannot be remembered is no reason to bother anybody.
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(write, 1000);
  };
  window.on('resize', soon);
  window.on('move', soon);
  window.on('close', () => {
    clearTimeout(timer);
    write();
  });
}
