import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { app, dialog } from 'electron';
import type { BrowserWindow } from 'electron';
import type { DesktopFile } from '../renderer/bridge/desktop-api.ts';
import type { Words } from './texts.ts';

/** What the window may save through a dialog (bytes); anything larger is written by the core, which streams. */
const LARGEST = 256 * 1024 * 1024;

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
}

/** Opens the system's dialog. @returns what was chosen, empty when cancelled. */
export async function pickFiles(window: BrowserWindow, words: Words, options: unknown): Promise<DesktopFile[]> {
  const { title, multiple, folder, extensions } = (options ?? {}) as Record<string, unknown>;
  const allowed = Array.isArray(extensions) ? extensions.filter((one): one is string => typeof one === 'string' && /^[\w-]{1,20}$/.test(one)) : [];
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    title: text(title) ?? words.chooseFiles,
    properties: [folder === true ? 'openDirectory' : 'openFile', ...(multiple === true ? ['multiSelections' as const] : [])],
    ...(allowed.length > 0 ? { filters: [{ name: allowed.join(', '), extensions: allowed }, { name: '*', extensions: ['*'] }] } : {}),
  });
  if (canceled) return [];
  return Promise.all(filePaths.map(async (path) => {
    const facts = await stat(path);
    return { path, name: basename(path), size: facts.isFile() ? facts.size : 0 };
  }));
}

/** Asks where to save; the system's dialog asks about overwriting. @returns the path, or undefined when cancelled. */
export async function pickSavePath(window: BrowserWindow, words: Words, options: unknown): Promise<string | undefined> {
  const { title, name } = (options ?? {}) as Record<string, unknown>;
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    title: text(title) ?? words.saveAs,
    defaultPath: join(app.getPath('documents'), basename(text(name) ?? 'untitled')),
    properties: ['showOverwriteConfirmation', 'createDirectory'],
  });
  return canceled || filePath === '' ? undefined : filePath;
}

/** Asks where to save and writes: aside, to disk, then renamed, so that the name never holds half a file. */
export async function saveFile(window: BrowserWindow, words: Words, bytes: unknown, options: unknown): Promise<string | undefined> {
  if (!(bytes instanceof Uint8Array) || bytes.length > LARGEST) throw new Error('Not bytes that can be saved.');
  const path = await pickSavePath(window, words, options);
  if (path === undefined) return undefined;
  const aside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  try {
    const file = await open(aside, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  return path;
}
