import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { KeywrightError } from '../../contract/index.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png', '.ico': 'image/x-icon',
  '.woff2': 'font/woff2', '.json': 'application/json; charset=utf-8', '.txt': 'text/plain; charset=utf-8', '.webmanifest': 'application/manifest+json',
};

/** Nothing from elsewhere, nothing inline, no frame around it, no window that holds a handle on it. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=(), payment=(), display-capture=()',
};

/** The files of the built window: what is served is what was found, by exact name, so that no path leads out of the folder. */
export interface BuiltWindow {
  /** By URL path below the root: `/assets/index-1a2b3c.js`. */
  readonly files: ReadonlyMap<string, string>;
}

/** @throws BACKEND_UNAVAILABLE when the window was not built. */
export function builtWindow(folder: string): BuiltWindow {
  const files = new Map<string, string>();
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || TYPES[extname(entry.name)] === undefined) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(`/${relative(folder, path).split(sep).map(encodeURIComponent).join('/')}`, path);
    }
  } catch {
    // Told below: a folder that is not there has no pages.
  }
  if (!files.has('/index.html') || !files.has('/prompt.html')) {
    throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'The window was not built: its pages are missing.', remedy: 'Run `npm run build`, then try again.' });
  }
  return { files };
}

/** Serves one page as `/`, and what pages are made of; the pages themselves are no part of that. */
export function addStaticRoutes(app: FastifyInstance, window: BuiltWindow, page: '/index.html' | '/prompt.html'): void {
  const pagePath = window.files.get(page) as string;
  app.get('/', (_request, reply) => sendFile(reply, pagePath));
  app.get(page, (_request, reply) => sendFile(reply, pagePath));
  for (const [url, path] of window.files) {
    if (!url.endsWith('.html')) app.get(url, (_request, reply) => sendFile(reply, path));
  }
}

function sendFile(reply: FastifyReply, path: string): void {
  // Names in assets/ hold a hash of the content: they never change.
  const caching = path.includes(`${sep}assets${sep}`) ? 'public, max-age=31536000, immutable' : 'no-cache';
  void reply.headers({ ...PAGE_HEADERS, 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream', 'Cache-Control': caching }).send(readFileSync(path));
}
