import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

/** Pairs that occur in the window, with the ratio that WCAG 2.2 asks for (1.4.3 for text, 1.4.11 for controls). */
const TEXT = ['text', 'muted', 'success', 'warning', 'danger', 'accent'];
const GROUNDS = ['canvas', 'surface', 'raised', 'hover', 'selected'];
const PAIRS: readonly (readonly [string, string, number])[] = [
  ...TEXT.flatMap((text) => GROUNDS.map((ground) => [text, ground, 4.5] as const)),
  ...['accent', 'accent-hover'].map((ground) => ['accent-text', ground, 4.5] as const),
  ...['danger', 'danger-hover'].map((ground) => ['danger-text', ground, 4.5] as const),
  ...['edge', 'focus'].flatMap((line) => ['canvas', 'surface', 'raised', 'selected'].map((ground) => [line, ground, 3] as const)),
];

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');
const themes = new Map([...css.matchAll(/\[data-theme='(\w+)'\] \{([^}]*)\}/g)].map(([, name, body]) => [
  name ?? '',
  new Map([...(body ?? '').matchAll(/--([\w-]+): oklch\(([\d.]+) ([\d.]+) ([\d.]+)\);/g)].map(([, token, l, c, h]) => [token ?? '', luminance(Number(l), Number(c), Number(h))])),
]));

/** Relative luminance (WCAG 2.2) of an OKLCH colour, by the matrices of CSS Color 4 §18. */
function luminance(lightness: number, chroma: number, hue: number): number {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (value: number): number => Math.min(1, Math.max(0, value));
  const red = clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test('there is a light, a dark and a high-contrast theme, with the same tokens', () => {
  expect([...themes.keys()]).toEqual(['light', 'dark', 'contrast']);
  for (const tokens of themes.values()) expect([...tokens.keys()]).toEqual([...(themes.get('light')?.keys() ?? [])]);
});

describe.each([...themes.keys()])('%s', (theme) => {
  test.each(PAIRS)('%s can be read on %s', (front, ground, least) => {
    const tokens = themes.get(theme);
    const [one, other] = [tokens?.get(front), tokens?.get(ground)];
    if (one === undefined || other === undefined) throw new Error(`no token ${front} or ${ground}`);
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    expect(ratio).toBeGreaterThanOrEqual(theme === 'contrast' && least === 4.5 ? 7 : least);
  });
});
