import type { CoreEvent, ProgressOf, WireInputOf, WireOutputOf } from '../../app/contract/index.ts';
import type { Operations } from './operations.generated.ts';

export type OperationId = keyof Operations;
/** As it travels: bytes are base64url. Fields with a default may be left out. */
export type InputFor<K extends OperationId> = WireInputOf<Operations[K]>;
export type OutputFor<K extends OperationId> = WireOutputOf<Operations[K]>;
export type ProgressFor<K extends OperationId> = ProgressOf<Operations[K]>;

export interface CallControl<P = unknown> {
  signal?: AbortSignal;
  onProgress?: (event: P) => void;
}

/** A reference to a file that an operation may read: a path on this machine, or an upload. */
export type FileReference = { path: string } | { upload: string };

/** A file that a person chose or dropped. Its content stays where it is until it is needed. */
export interface ChosenFile {
  readonly name: string;
  /** A folder: it stands for all that is in it. On the desktop alone; a browser gives the files in it. */
  readonly isFolder?: boolean;
  /** Where it lay in a folder that was given to a browser: `a/b`. */
  readonly folder?: string;
  /** Bytes. */
  readonly size: number;
  /** What to give to an operation; uploads it first where the core cannot read paths of this person. */
  toInput(control?: { signal?: AbortSignal; onProgress?: (fraction: number) => void }): Promise<FileReference>;
  /** @returns the content. @throws ProblemError INVALID_INPUT when it is larger than `max` bytes, or cannot be read. */
  bytes(max: number): Promise<Uint8Array>;
  /** @returns its first bytes, to tell what it is; none when it cannot be read. */
  start(length: number): Promise<Uint8Array>;
}

export interface PickOptions {
  title?: string;
  multiple?: boolean;
  /** Extensions without a dot. */
  extensions?: readonly string[];
}

/** Where an operation shall write one file. */
export interface SaveTarget {
  readonly out: { path: string; overwrite: boolean } | { download: true };
  /** Hands the file over to the person. @returns its path; undefined when it went to the browser's downloads. */
  finish(written: { path: string } | { download: string }): Promise<string | undefined>;
}

/** A file that is dragged out of the window: nothing secret, since it lies in a folder for whoever is dropped on. */
interface DraggedFile {
  readonly name: string;
  /** MIME type. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

export type BridgeState = 'connected' | 'interrupted' | 'signed-out';

/** The one way from the window to the core and to the machine. Two implementations: the desktop's preload, and HTTP. */
export interface Bridge {
  readonly kind: 'desktop' | 'browser';
  readonly platform: 'linux' | 'darwin' | 'win32';
  /** @throws ProblemError alone. */
  call<K extends OperationId>(operation: K, input: InputFor<K>, control?: CallControl<ProgressFor<K>>): Promise<OutputFor<K>>;
  onEvent(listener: (event: CoreEvent) => void): () => void;
  /** Told at once, and whenever the channel to the core breaks or comes back. */
  onState(listener: (state: BridgeState) => void): () => void;
  /** Commands of the application's menu. */
  onCommand(listener: (command: string) => void): () => void;
  /** Files that the system gave to the program to open. */
  onOpenedFiles(listener: (files: readonly ChosenFile[]) => void): () => void;
  pickFiles(options: PickOptions): Promise<readonly ChosenFile[]>;
  /** Asks for a folder, with all that is in it. @returns nothing when cancelled. */
  pickFolderOfFiles(title: string): Promise<readonly ChosenFile[]>;
  /** @returns what was dropped, folders too. To be called before the drop's event ends. */
  filesDropped(transfer: DataTransfer): Promise<readonly ChosenFile[]>;
  fileFrom(file: File): ChosenFile;
  /** Opens a file that was chosen, or written by a call. Absent in a browser. @returns `shown` where it was shown in its folder instead: programs are not run. */
  openFile?(path: string): Promise<'opened' | 'shown'>;
  /** Absent in a browser. */
  showInFolder?(path: string): Promise<void>;
  /** Fetches what a call made, once more. Absent on the desktop. */
  download?(id: string, name: string): void;
  /** Absent where no folder of the core's machine can be chosen by a dialog. @returns undefined when cancelled. */
  pickFolder?(title: string): Promise<string | undefined>;
  /** @returns undefined when cancelled. */
  saveTarget(name: string): Promise<SaveTarget | undefined>;
  /** @returns where it was saved, or undefined when cancelled. */
  saveFile(bytes: Uint8Array, name: string): Promise<string | undefined>;
  /** Begins to drag a file out of the window, for whatever it is dropped on. To be called while the event of the drag's start is under way. */
  dragOut(event: DragEvent, file: DraggedFile): void;
  /** @param options.clearAfter seconds after which the clipboard is emptied, if it still holds the text. */
  copyText(text: string, options?: { clearAfter?: number }): Promise<void>;
  /** Brings the prompt surface to the front; with `unlessOpen` one that is there stays where it is. Called from a press or a key wherever possible: browsers refuse it otherwise. */
  openPromptSurface(options?: { unlessOpen?: boolean }): void;
}
