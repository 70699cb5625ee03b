import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import type { Program } from './program.ts';

const THEMES = ['light', 'dark', 'contrast'] as const;
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const softly = expect.configure({ soft: true });

/** What depends on the theme; all else is the same in each. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

async function violations(page: Page, of: 'everything' | 'colours'): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  const found = await (of === 'everything' ? axe.withTags(TAGS) : axe.withRules(OF_COLOURS)).exclude('[data-live-announcer]').setLegacyMode(true).analyze();
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target.join(' ')} (${failureSummary ?? ''})`).slice(0, 3).join('; ')}`);
}

/**
 * Looks at a page in each theme: at all of it in the first, at its colours in the others. Electron opens no page of Playwright's own, hence the legacy mode. Left out is the hidden region
 * in which React Aria speaks: for some seconds it still names what has just been closed.
 */
export async function isAccessible(page: Page, what: string, themes: readonly string[] = THEMES): Promise<void> {
  const own = await page.evaluate(() => document.documentElement.dataset['theme']);
  for (const [index, theme] of themes.entries()) {
    await page.evaluate((name) => {
      document.documentElement.dataset['theme'] = name;
    }, theme);
    // Asked again for a moment: what opens or fades in counts by how it ends.
    await softly.poll(() => violations(page, index === 0 ? 'everything' : 'colours'), { message: `${what}, ${theme}`, timeout: 15_000 }).toEqual([]);
  }
  await page.evaluate((name) => {
    document.documentElement.dataset['theme'] = name ?? 'light';
  }, own);
}

/** A picture in light and dark, for people: a build machine takes none, since nobody looks there. */
export async function pictureOf({ kind }: Program, page: Page, name: string): Promise<void> {
  if (process.env['CI'] !== undefined) return;
  const own = await page.evaluate(() => document.documentElement.dataset['theme']);
  for (const theme of ['light', 'dark']) {
    await page.evaluate((chosen) => { document.documentElement.dataset['theme'] = chosen; }, theme);
    await page.screenshot({ path: `e2e/screenshots/${kind}-${name}-${theme}.png` });
  }
  await page.evaluate((chosen) => { document.documentElement.dataset['theme'] = chosen ?? 'light'; }, own);
}

const SIZES = { large: { width: 1280, height: 800 }, small: { width: 800, height: 600 } } as const;

/** The same in both sizes that the window must be good in; it is large again afterwards. */
export async function picturesOf(program: Program, page: Page, name: string): Promise<void> {
  if (process.env['CI'] !== undefined) return;
  for (const size of ['small', 'large'] as const) {
    await page.setViewportSize(SIZES[size]);
    await pictureOf(program, page, `${name}-${size}`);
  }
}
