import type { Locator, Page } from '@playwright/test';
import { isAllThere } from '../support/cut-off.ts';
import { expect, test } from '../support/fixture.ts';
import { person } from '../support/person.ts';
import { text } from '../support/texts.ts';

/** The narrowest that WCAG 2.2 (1.4.10) asks for, and a window of 1280 × 800 at 200 %. */
const SIZES = [[320, 640], [640, 400]] as const;
const PLACES = ['keys', 'certificates', 'files', 'tokens', 'backends', 'health', 'activity', 'settings'] as const;
const DIALOGS = [['keys', 'Control+n', 'keys.new.title'], ['keys', 'Control+i', 'keys.import.title'], ['backends', 'Control+n', 'backends.addTitle'], ['keys', 'Control+Shift+P', undefined], ['keys', 'Control+/', 'shell.shortcuts']] as const;

/** Goes to a place by its address: its link has no words where there is no room for them. */
const goesTo = (page: Page, place: string): Promise<unknown> => page.evaluate((name) => { location.hash = `#/${name}`; }, place);

test('nothing is cut off in a window of 320 pixels, nor at 200 %, in either language', async ({ program }) => {
  test.slow();
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  await ada.makesAKey('Release signing of the whole department');
  await page.keyboard.press('Escape');
  for (const language of ['en', 'de'] as const) {
    await page.evaluate((name) => { localStorage.setItem('keywright.preferences', JSON.stringify({ language: name })); }, language);
    await fetchConfig(page, language);
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      const look = async (what: string): Promise<void> => {
        await page.screenshot({ path: `e2e/screenshots/${program.kind}-${language}-${width}-${what}.png` });
        await isAllThere(page, `${what}, ${language}, ${width}`);
      };
      for (const place of PLACES) {
        await goesTo(page, place);
        await expect(page.getByRole('heading', { name: text(`${place}.title`, {}, language), exact: true }).first()).toBeVisible();
        await look(place);
      }
      for (const mode of ['verify', 'encrypt', 'decrypt', 'inspect'] as const) {
        await goesTo(page, 'files');
        await page.getByText(text(`files.mode.${mode}`, {}, language), { exact: true }).first().click();
        await look(`files-${mode}`);
      }
      await goesTo(page, 'keys');
      await page.getByRole('row', { name: /Release/ }).click();
      await expect(page.getByRole('heading', { name: /Release/ })).toBeVisible();
      await look('key');
      await page.getByRole('button', { name: text('shell.back', {}, language) }).click();
      for (const [place, keys, title] of DIALOGS) {
        await goesTo(page, place);
        await expect(page.getByRole('heading', { name: text(`${place}.title`, {}, language), exact: true }).first()).toBeVisible();
        await page.keyboard.press(keys);
        await expect(title === undefined ? page.getByRole('dialog') : page.getByRole('dialog', { name: text(title, {}, language) })).toBeVisible();
        await look((title ?? 'palette').replaceAll('.', '-'));
        await page.keyboard.press('Escape');
        await expect(page.getByRole('dialog')).toBeHidden();
      }
    }
  }
});

/** The configuration has the last word on the language. */
async function fetchConfig(page: Page, language: string): Promise<void> {
  await page.evaluate(async (value) => {
    await fetch('/ipc/config.set', { method: 'POST', headers: { 'X-Keywright': '1', 'Content-Type': 'application/json' }, body: JSON.stringify({ key: 'window.language', value }) });
  }, language);
  await expect.poll(() => page.evaluate(() => document.documentElement.lang)).toBe(language);
}

test('who asks for less motion sees none, and colours of the system’s are taken', async ({ program }) => {
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  await ada.makesAKey('Release');
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.keyboard.press('Control+n');
  await expect(page.getByRole('dialog')).toBeVisible();
  const moving = await page.evaluate(() => document.getAnimations().filter(({ effect }) => Number(effect?.getComputedTiming().duration ?? 0) > 1 || effect?.getComputedTiming().iterations === Infinity).length);
  expect(moving).toBe(0);
  const slow = await page.evaluate(() => [...document.querySelectorAll('*')].filter((element) => {
    const { transitionDuration, animationDuration, scrollBehavior } = getComputedStyle(element);
    return [...transitionDuration.split(','), ...animationDuration.split(',')].some((one) => Number.parseFloat(one) > 0.001) || scrollBehavior === 'smooth';
  }).map(({ tagName, className }) => `${tagName} ${String(className)}`));
  expect(slow).toEqual([]);
  await page.emulateMedia({ forcedColors: 'active' });
  await page.screenshot({ path: `e2e/screenshots/${program.kind}-forced-new-key.png` });
  await page.keyboard.press('Escape');
  await page.screenshot({ path: `e2e/screenshots/${program.kind}-forced-keys.png` });
  const grid = page.getByRole('grid', { name: text('keys.title') });
  await grid.focus();
  await page.keyboard.press('Home');
  // What is marked by a colour of ours has the system's pair for what is selected.
  const isMarked = (marked: Locator): Promise<boolean> => marked.evaluate((element) => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.cssText = 'forced-color-adjust: none; background: Highlight; color: HighlightText';
    const colours = (one: Element): string => [getComputedStyle(one).forcedColorAdjust, getComputedStyle(one).backgroundColor, getComputedStyle(one).color].join();
    const same = colours(element) === colours(probe);
    probe.remove();
    return same;
  });
  for (const marked of [page.getByRole('row', { selected: true }), page.locator('nav [aria-current="page"]'), page.getByRole('radio', { name: 'PEM', exact: true })]) expect(await isMarked(marked)).toBe(true);
  expect(await isMarked(page.getByRole('radio', { name: 'JWK', exact: true }))).toBe(false);
  for (const place of ['files', 'settings', 'health'] as const) {
    await ada.goesTo(place);
    await page.screenshot({ path: `e2e/screenshots/${program.kind}-forced-${place}.png` });
  }
});
