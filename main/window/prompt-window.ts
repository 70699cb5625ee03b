import { BrowserWindow, session } from 'electron';
import type { Session, WebContents } from 'electron';
import type { Places } from '../places.ts';
import { lockSession, securePreferences } from '../security/lockdown.ts';
import { serveScheme } from '../security/scheme.ts';
import { pageUrl } from '../security/served-files.ts';
import { onFirstPaint } from './first-paint.ts';

const WIDTH = 480;
const HEIGHT = { first: 380, least: 160, most: 760 } as const;
/**
 * Milliseconds after the last prompt: one question often follows the other at once (a passphrase, then the recovery code),
 * and a window that goes and comes again flickers. Then it is hidden, and soon after ended with all that was typed in it.
 */
const HIDDEN_AFTER = 400;
const ENDED_AFTER = 3000;

interface PromptWindowOptions {
  readonly where: Places;
  readonly title: () => string;
  readonly parent: () => BrowserWindow | undefined;
  /** Language and theme of the main window; the prompt page takes them from its address. */
  readonly appearance: () => Readonly<Record<string, string>> | undefined;
  /** The person closed the window: whatever still waits is to be cancelled. */
  readonly onDismissed: () => void;
}

/**
 * The window in which secrets are typed: its own process, its own origin, its own session in memory. It lives while
 * prompts wait, so that what was typed goes with it.
 */
export class PromptWindow {
  readonly #options: PromptWindowOptions;
  #session: Session | undefined;
  #window: BrowserWindow | undefined;
  #rest: NodeJS.Timeout | undefined;

  constructor(options: PromptWindowOptions) {
    this.#options = options;
  }

  get contents(): WebContents | undefined {
    return this.#window?.isDestroyed() === false ? this.#window.webContents : undefined;
  }

  /** Opens it, or brings it to the front. */
  show(): void {
    clearTimeout(this.#rest);
    this.#rest = undefined;
    if (this.#window !== undefined && !this.#window.isDestroyed()) {
      this.#window.show();
      this.#window.focus();
      return;
    }
    this.#window = this.#open();
  }

  /** Nothing is asked any more. */
  rest(): void {
    if (this.#window === undefined || this.#rest !== undefined) return;
    this.#rest = setTimeout(() => {
      if (this.#window?.isDestroyed() === false) this.#window.hide();
      this.#rest = setTimeout(() => this.close(), ENDED_AFTER);
    }, HIDDEN_AFTER);
  }

  /** Ends it if nothing is asked: the next one is made as the person now wants it. */
  renew(): void {
    if (this.#rest !== undefined) this.close();
  }

  /** Ends it without asking anything. */
  close(): void {
    clearTimeout(this.#rest);
    this.#rest = undefined;
    const window = this.#window;
    this.#window = undefined;
    if (window?.isDestroyed() === false) window.destroy();
  }

  /** @param height  of the content, in CSS pixels */
  resize(height: unknown): void {
    if (typeof height !== 'number' || !Number.isFinite(height) || this.#window === undefined || this.#window.isDestroyed()) return;
    this.#window.setContentSize(WIDTH, Math.round(Math.min(Math.max(height, HEIGHT.least), HEIGHT.most)));
  }

  #open(): BrowserWindow {
    const { where, parent, title } = this.#options;
    const over = parent();
    const window = new BrowserWindow({
      width: WIDTH,
      height: HEIGHT.first,
      useContentSize: true,
      ...(over === undefined ? {} : { parent: over, ...centredOver(over) }),
      // Modal would bar the main window, whose Cancel and Lock must stay in reach.
      modal: false,
      resizable: false,
      minimizable: false,
      maximizable: false,
      fullscreenable: false,
      skipTaskbar: over !== undefined,
      alwaysOnTop: true,
      show: false,
      title: title(),
      icon: where.icon,
      webPreferences: securePreferences(this.#ownSession(), where.preload('prompt')),
    });
    window.setMenu(null);
    // Kept out of screen recordings where the system can do so.
    window.setContentProtection(true);
    window.on('close', () => {
      if (this.#window === window) {
        this.#window = undefined;
        this.#options.onDismissed();
      }
    });
    onFirstPaint(window, () => {
      if (this.#rest === undefined) window.show();
    });
    const appearance = this.#options.appearance();
    void window.loadURL(appearance === undefined ? pageUrl('prompt') : `${pageUrl('prompt')}#${new URLSearchParams(appearance)}`);
    return window;
  }

  /** Without `persist:` it is kept in memory alone. */
  #ownSession(): Session {
    if (this.#session === undefined) {
      this.#session = session.fromPartition('prompt');
      lockSession(this.#session);
      serveScheme(this.#session, 'prompt', this.#options.where.renderer);
    }
    return this.#session;
  }
}

function centredOver(parent: BrowserWindow): { x: number; y: number } {
  const { x, y, width, height } = parent.getBounds();
  return { x: Math.round(x + (width - WIDTH) / 2), y: Math.round(y + (height - HEIGHT.first) / 3) };
}
