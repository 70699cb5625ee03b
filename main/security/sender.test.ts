import type { IpcMainEvent, WebContents } from 'electron';
import { expect, test } from 'vitest';
import { isFrom } from './sender.ts';

function page(url: string) {
  const mainFrame = { url };
  return { mainFrame, isDestroyed: () => false } as WebContents;
}

function message(sender: WebContents, frame: unknown = sender.mainFrame): IpcMainEvent {
  return { sender, senderFrame: frame } as IpcMainEvent;
}

const own = page('keywright://window/index.html');

test('the window’s own top frame may speak', () => {
  expect(isFrom(message(own), 'window', own)).toBe(true);
});

test('a frame inside the page may not, whatever its address', () => {
  expect(isFrom(message(own, { url: 'keywright://window/index.html' }), 'window', own)).toBe(false);
});

test('a frame that has gone may not', () => {
  expect(isFrom(message(own, null), 'window', own)).toBe(false);
});

test('another window may not, though it shows the same page', () => {
  expect(isFrom(message(page('keywright://window/index.html')), 'window', own)).toBe(false);
});

test.each(['keywright://prompt/prompt.html', 'https://window/', 'keywright://window.example/', 'keywright://windowx/', 'about:blank'])('a window that shows %s may not', (url) => {
  const astray = page(url);
  expect(isFrom(message(astray), 'window', astray)).toBe(false);
});
