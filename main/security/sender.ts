import type { IpcMainEvent, IpcMainInvokeEvent, WebContents } from 'electron';
import { ORIGINS } from './served-files.ts';
import type { Surface } from './served-files.ts';

/**
 * Whether a message comes from where it may: the top frame of that very window, showing our own page. A frame that has
 * gone, a page from elsewhere or the other window are refused.
 */
export function isFrom(event: IpcMainEvent | IpcMainInvokeEvent, surface: Surface, contents: WebContents | undefined): boolean {
  const frame = event.senderFrame;
  if (contents === undefined || contents.isDestroyed() || event.sender !== contents) return false;
  if (frame === null || frame !== contents.mainFrame) return false;
  return frame.url.startsWith(`${ORIGINS[surface]}/`);
}
