import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, type Download, type Locator, type Page } from '@playwright/test';
import type { Program } from './program.ts';
import { text } from './texts.ts';

/** Drops files onto the window, where the browser lets a test do that; elsewhere they are chosen. */
export async function dropped(program: Program, paths: readonly string[]): Promise<void> {
  const { page } = program;
  if (program.kind === 'browser') await drop(page.locator('main'), page, paths);
  else await program.choosing(paths, () => page.getByRole('button', { name: text('files.choose'), exact: true }).click());
  for (const path of paths) await expect(page.getByRole('listitem').filter({ hasText: basename(path) })).toBeVisible();
}

/** Drops files onto a view. @param hint  what the window says before, in the catalogue */
export async function drop(target: Locator, page: Page, paths: readonly string[], hint = 'files.drop.sign'): Promise<void> {
  const files = paths.map((path) => ({ name: basename(path), content: readFileSync(path, 'utf8') }));
  const transfer = await page.evaluateHandle((contents) => {
    const data = new DataTransfer();
    for (const { name, content } of contents) data.items.add(new File([content], name));
    return data;
  }, files);
  await target.dispatchEvent('dragover', { dataTransfer: transfer });
  await expect(page.getByText(text(hint, { n: paths.length }))).toBeVisible();
  await target.dispatchEvent('drop', { dataTransfer: transfer });
}

/** Signatures lie beside their files in Electron; a browser downloads them. @returns waits until all are there. */
export function collected(program: Program, paths: readonly string[]): () => Promise<void> {
  if (program.kind !== 'browser') return async () => undefined;
  const downloads: Promise<void>[] = [];
  const save = (download: Download): void => {
    const path = paths.find((one) => `${basename(one)}.sig` === download.suggestedFilename());
    if (path !== undefined) downloads.push(download.saveAs(`${path}.sig`));
  };
  program.page.on('download', save);
  return async () => {
    await expect.poll(() => downloads.length).toBe(paths.length);
    await Promise.all(downloads);
    program.page.off('download', save);
  };
}

/** Drags files and folders from outside onto the window and lets go, as the system's file manager does. @param hint what the window says while they are over it. */
export async function draggedIn(page: Page, paths: readonly string[], hint: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { x, y, width, height } = (await page.locator('main').boundingBox())!;
  const drag = async (type: 'dragEnter' | 'dragOver' | 'drop'): Promise<void> => {
    await session.send('Input.dispatchDragEvent', { type, x: x + width / 2, y: y + height / 2, data: { items: [], files: [...paths], dragOperationsMask: 1 } });
  };
  await drag('dragEnter');
  await drag('dragOver');
  await expect(page.getByText(hint)).toBeVisible();
  await drag('drop');
  await session.detach();
}
