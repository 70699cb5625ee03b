import { clipboard } from 'electron';

/** Longest text to copy (UTF-16 units) and longest delay (s). */
const LONGEST = 16 * 1024 * 1024;
const LONGEST_DELAY = 3600;

/** Copies text, and empties the clipboard afterwards if it still holds that text. */
export class TimedClipboard {
  #pending: { text: string; timer: NodeJS.Timeout } | undefined;

  /** @param clearAfter  seconds; left out: it stays */
  copy(text: unknown, clearAfter: unknown): void {
    if (typeof text !== 'string' || text.length > LONGEST) throw new Error('Not a text that can be copied.');
    clearTimeout(this.#pending?.timer);
    this.#pending = undefined;
    clipboard.writeText(text);
    if (typeof clearAfter !== 'number' || !(clearAfter > 0)) return;
    const timer = setTimeout(() => void this.clear(), Math.min(clearAfter, LONGEST_DELAY) * 1000);
    this.#pending = { text, timer };
  }

  /** Empties it now, if it still holds what is to be cleared: at the end of its time, at locking, at quitting. */
  async clear(): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined) return;
    clearTimeout(pending.timer);
    this.#pending = undefined;
    // Some versions of Electron answer at once, others with a promise.
    const held = await clipboard.readText();
    if (held === pending.text) clipboard.clear();
  }
}
