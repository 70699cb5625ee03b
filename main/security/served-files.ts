import { extname, isAbsolute, join, relative } from 'node:path';

export const SCHEME = 'keywright';
/** Each window has an origin of its own, so that neither can reach into the other. */
export const ORIGINS = { window: `${SCHEME}://window`, prompt: `${SCHEME}://prompt` } as const;
export type Surface = keyof typeof ORIGINS;

const PAGES: Readonly<Record<Surface, string>> = { window: 'index.html', prompt: 'prompt.html' };
export const pageUrl = (surface: Surface) => `${ORIGINS[surface]}/${PAGES[surface]}`;

export const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/**
 * @param folder  what may be served, and nothing outside of it
 * @returns the file that a URL names, absolute, or undefined if this surface has no such file
 */
export function fileOf(url: string, surface: Surface, folder: string): string | undefined {
  let path: string;
  try {
    const parsed = new URL(url);
    if (parsed.protocol !== `${SCHEME}:` || parsed.host !== surface) return undefined;
    path = decodeURIComponent(parsed.pathname).replace(/^\/+/, '');
  } catch {
    return undefined;
  }
  if (path === '') path = PAGES[surface];
  // A surface has its own page alone; scripts and styles are shared.
  if (extname(path) === '.html' && path !== PAGES[surface]) return undefined;
  if (path.includes('\0') || path.includes('\\') || !(extname(path) in TYPES)) return undefined;
  const file = join(folder, path);
  const inside = relative(folder, file);
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? undefined : file;
}
