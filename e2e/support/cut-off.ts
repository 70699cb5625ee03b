import { expect, type Page } from '@playwright/test';

/**
 * What sticks out of the window, or out of a box that neither scrolls nor says with an ellipsis that there is more. Told by tag and words.
 * @returns nothing when all is to be seen
 */
export function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const told = (element: Element): string => `${element.tagName.toLowerCase()} “${(element.textContent ?? '').trim().slice(0, 40)}”`;
    const hides = (style: CSSStyleDeclaration): boolean => ['hidden', 'clip'].includes(style.overflowX);
    for (const element of document.querySelectorAll('body *')) {
      const box = element.getBoundingClientRect();
      // Sideways scrolls only what is made for that, and takes the keyboard for it.
      if (element.scrollWidth > element.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(element).overflowX) && (element as HTMLElement).tabIndex !== 0 && box.width > 1 && element.checkVisibility()) found.push(`${told(element)} scrolls sideways by ${element.scrollWidth - element.clientWidth}`);
      if (box.width <= 1 || box.height <= 1 || !element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || element.closest('[aria-hidden="true"], .sr-only, [data-live-announcer]') !== null) continue;
      const isWords = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && (node.textContent ?? '').trim() !== '') || ['INPUT', 'BUTTON', 'SELECT', 'TEXTAREA'].includes(element.tagName);
      // The real ones lie hidden beneath those that are drawn.
      if (!isWords || (element instanceof HTMLInputElement && ['radio', 'checkbox', 'file'].includes(element.type))) continue;
      // The nearest box that cuts. One with an ellipsis says that there is more; one that scrolls shows it, if it is to be seen itself.
      let [edge, around]: [DOMRect, Element | null] = [box, element];
      while (around !== null) {
        const style = getComputedStyle(around);
        if (style.textOverflow === 'ellipsis') break;
        const outer = around.getBoundingClientRect();
        if (['auto', 'scroll'].includes(style.overflowX)) edge = outer;
        else if (hides(style) && around !== element && (edge.right > outer.right + 1 || edge.left < outer.left - 1)) {
          found.push(`${told(element)} in ${around.tagName.toLowerCase()} by ${Math.round(Math.max(edge.right - outer.right, outer.left - edge.left))}`);
          break;
        }
        around = around.parentElement;
      }
      if (around === null && (edge.right > innerWidth + 1 || edge.left < -1)) found.push(told(element));
    }
    return [...new Set(found)];
  });
}

/** Nothing is cut off at the sides. */
export async function isAllThere(page: Page, what: string): Promise<void> {
  await expect.configure({ soft: true }).poll(() => cutOff(page), { message: what, timeout: 5000 }).toEqual([]);
}
