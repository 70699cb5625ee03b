/**
 * What the desktop's preload scripts give to the two windows. Types alone, without imports, so that the preload can
 * implement them and nothing of the renderer reaches it. Everything here must survive structured clone over IPC.
 */

/** An error as it is sent (RFC 9457). Calls never reject with anything else: a rejected IPC promise would lose its members. */
interface DesktopProblem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  remedy?: string;
  alternatives?: readonly string[];
  triesLeft?: number;
  where?: string;
  retryAfter?: number;
  instance?: string;
}

export type DesktopResult = { ok: true; output: unknown } | { ok: false; problem: DesktopProblem };

interface DesktopPickOptions {
  /** Title of the system's dialog. */
  title?: string;
  multiple?: boolean;
  /** Choose folders instead of files. */
  folder?: boolean;
  /** Extensions without a dot. */
  extensions?: readonly string[];
}

export interface DesktopFile {
  path: string;
  name: string;
  /** Bytes; 0 for folders. */
  size: number;
}

interface DesktopSaveOptions {
  title?: string;
  /** Proposed file name, without folders. */
  name: string;
}

export type DesktopPlatform = 'linux' | 'darwin' | 'win32';

/** `window.keywright`, in the main window. */
export interface DesktopApi {
  /**
   * Calls an operation of the contract.
   * @param input  wire side: JSON values, bytes as base64url.
   * @param onProgress  told of each progress record, when the operation streams.
   * @param abortId  a name for {@link cancel}, unique among calls in flight.
   */
  call(operation: string, input: unknown, onProgress?: (event: unknown) => void, abortId?: string): Promise<DesktopResult>;
  cancel(abortId: string): void;
  /** Events of the core (`CoreEvent`) and of its host (`core.restarted`). @returns ends the subscription. */
  onEvent(listener: (event: unknown) => void): () => void;
  /** A command of the application menu or the tray: `keys.new`, `palette`, `lock`, `navigate:/settings` … @returns ends the subscription. */
  onCommand?(listener: (command: string) => void): () => void;
  /** @returns the path of a dropped or chosen file (`webUtils.getPathForFile`); '' when it has none. */
  pathForFile(file: File): string;
  /** @returns nothing when the dialog was cancelled. */
  pickFiles(options: DesktopPickOptions): Promise<readonly DesktopFile[]>;
  /** Asks where to save. @returns the path, or undefined when cancelled. The system's dialog has asked about overwriting. */
  pickSavePath(options: DesktopSaveOptions): Promise<string | undefined>;
  /** Asks where to save and writes (aside, then renamed). @returns the path, or undefined when cancelled. */
  saveFile(bytes: Uint8Array, options: DesktopSaveOptions): Promise<string | undefined>;
  /**
   * Lets the system drag a file of these bytes out of the window, while the person drags. It is written aside, into a folder of the program's own that goes when the program ends.
   * Ignored for names that are not those of certificates: a page starts no drag of what the system would run.
   */
  dragOut?(bytes: Uint8Array, name: string): void;
  /** Copies text; with `clearAfter` (seconds) the clipboard is emptied then, if it still holds it. */
  copyText(text: string, options?: { clearAfter?: number }): Promise<void>;
  /** Files that the system gave to the program to open, each told once: those from before at once, later ones as they come. @returns ends the subscription. */
  onOpenedFiles?(listener: (files: readonly DesktopFile[]) => void): () => void;
  /** @returns the first `length` bytes of such a file. Rejects for any other file. */
  readOpened?(path: string, length: number): Promise<Uint8Array>;
  /**
   * Opens a file that a person chose or a call of this window wrote, with the program that the system has for it. What the system would run is shown in its folder instead.
   * Rejects for any other file, and for one that is there no more.
   */
  openFile?(path: string): Promise<'opened' | 'shown'>;
  /** Shows such a file in its folder. Rejects as `openFile` does. */
  showInFolder?(path: string): Promise<void>;
  /** Brings the prompt window to the front, when prompts wait. */
  showPrompts(): void;
  /** Opens an https address in the system's browser. */
  openExternal?(url: string): void;
  readonly platform: DesktopPlatform;
  readonly version: string;
}

/** A prompt as it waits (`PendingPrompt` of the contract). */
interface DesktopPrompt {
  id: string;
  askedBy: string;
  askedAt: string;
  request: unknown;
}

/** `window.keywrightPrompt`, in the prompt window alone. */
export interface DesktopPromptApi {
  pending(): Promise<readonly DesktopPrompt[]>;
  /** @param answer  `PromptAnswer` of the contract. */
  answer(id: string, answer: unknown): Promise<DesktopResult>;
  /** Told when prompts come or go. @returns ends the subscription. */
  onChange(listener: () => void): () => void;
  /** Hides the window; called when no prompt is left. */
  close(): void;
  /** Asks for a content height in CSS pixels, so that the window fits its prompt. */
  resize?(height: number): void;
  /** Copies a recovery code; emptied after `clearAfter` seconds. */
  copyText(text: string, options?: { clearAfter?: number }): Promise<void>;
  readonly platform: DesktopPlatform;
}
