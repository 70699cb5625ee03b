import { readFileSync } from 'node:fs';
import { expect, type Locator } from '@playwright/test';
import type { startElectron } from './electron.ts';
import type { Program } from './program.ts';

/**
 * Drags what can be dragged out of the window, as far as a test can: to what the system would be given.
 * In Electron that is the file that the main process hands to the system; in a browser, what the drag carries for whoever it is dropped on.
 */
export async function draggedOut(program: Program, from: Locator): Promise<{ readonly name: string; readonly content: Buffer }> {
  await from.hover();
  await expect(from).toHaveAttribute('data-ready', 'true');
  if (program.kind !== 'electron') {
    const transfer = await program.page.evaluateHandle(() => new DataTransfer());
    await from.dispatchEvent('dragstart', { dataTransfer: transfer });
    const [, name = '', base64 = ''] = /^[\w/+.-]+:([^:]+):data:[\w/+.-]+;base64,(.*)$/.exec(await transfer.evaluate((data) => data.getData('DownloadURL'))) ?? [];
    return { name, content: Buffer.from(base64, 'base64') };
  }
  const { app } = program as Awaited<ReturnType<typeof startElectron>>;
  await app.evaluate(({ BrowserWindow }) => {
    const [{ webContents }] = BrowserWindow.getAllWindows() as unknown as [{ webContents: { startDrag(item: { file: string }): void } }];
    webContents.startDrag = ({ file }) => Object.assign(globalThis, { draggedFile: file });
  });
  await from.dispatchEvent('dragstart');
  const file = (): Promise<string> => app.evaluate(() => (globalThis as { draggedFile?: string }).draggedFile ?? '');
  await expect.poll(file).not.toBe('');
  const path = await file();
  return { name: path.split(/[/\\]/).at(-1) as string, content: readFileSync(path) };
}
