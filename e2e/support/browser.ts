import { chromium, expect, type BrowserContext, type Page } from '@playwright/test';
import { startPrivateAgent } from '../../scripts/start-agent.ts';
import { findBrowser, rootSwitches } from '../../scripts/runtimes.ts';
import { environment } from './electron.ts';
import type { Program } from './program.ts';

/** Why a browser cannot be tried here, or undefined. */
export function browserMissing(): string | undefined {
  return findBrowser(process.env) === undefined ? 'no Chromium-based browser here' : undefined;
}

/** Starts an agent of its own and opens its window in a real browser. */
export async function startBrowser(dataFolder: string, surroundings: Readonly<Record<string, string>> = {}): Promise<Program & { readonly context: BrowserContext }> {
  const executablePath = findBrowser(process.env);
  if (executablePath === undefined) throw new Error(browserMissing());
  const agent = await startPrivateAgent(['--data-dir', dataFolder], environment(surroundings));
  const browser = await chromium.launch({ executablePath, args: [...rootSwitches(), '--disable-gpu', '--lang=en-US'] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US', acceptDownloads: true, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  await page.goto(agent.address);
  return {
    kind: 'browser',
    context,
    page,
    prompt: () => promptPage(context, page),
    async choosing(paths, click) {
      const chooser = page.waitForEvent('filechooser');
      await click();
      await (await chooser).setFiles([...paths]);
    },
    async saving(path, click) {
      // Answering a prompt in between takes its time.
      const download = page.waitForEvent('download', { timeout: 60_000 });
      await click();
      await (await download).saveAs(path);
    },
    said: () => agent.said.join('\n'),
    async close() {
      await browser.close();
      await agent.stop();
    },
  };
}

async function promptPage(context: BrowserContext, page: Page): Promise<Page> {
  const find = () => context.pages().find((one) => one !== page && !one.isClosed() && /^https?:/.test(one.url()) && new URL(one.url()).origin !== new URL(page.url()).origin);
  await expect.poll(() => find() !== undefined, { message: 'the prompt page opens' }).toBe(true);
  const prompt = find();
  if (prompt === undefined) throw new Error('The prompt page closed again.');
  return prompt;
}
