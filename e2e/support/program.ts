import type { Page } from '@playwright/test';

export type Kind = 'browser' | 'electron';

/** Keywright as a person has it before them, in the browser or in Electron. */
export interface Program {
  readonly kind: Kind;
  /** The main window. */
  readonly page: Page;
  /** @returns the prompt surface, once a prompt waits there. */
  prompt(): Promise<Page>;
  /** The next dialog for files answers with these; start it before the click that opens the dialog. */
  choosing(paths: readonly string[], click: () => Promise<void>): Promise<void>;
  /** The next save goes to this path. @returns once the file is there. */
  saving(path: string, click: () => Promise<void>): Promise<void>;
  /** What the core and its host logged. */
  said(): string;
  close(): Promise<void>;
}
