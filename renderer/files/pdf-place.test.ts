import { expect, test } from 'vitest';
import { A4, atCorner, CORNERS, placeOf, rectangleOf, sizeOf, within, type PageBox } from './pdf-place.ts';

const PAGES: readonly PageBox[] = ([0, 90, 180, 270] as const).flatMap((turned) => [{ ...A4, turned }, { left: -10, bottom: 20, right: 290, top: 220, turned }]);

test('a corner of an upright page is where the document counts it to be', () => {
  expect(CORNERS.map((corner) => rectangleOf(A4, atCorner(A4, corner)))).toEqual(['36,761,216,806', '379,761,559,806', '36,36,216,81', '379,36,559,81']);
  expect(rectangleOf({ ...A4, turned: 90 }, atCorner({ ...A4, turned: 90 }, 'top-left'))).toBe('36,36,81,216');
});

test.each(PAGES)('what is drawn and what is counted are the same place, on each page however it is turned: %j', (page) => {
  for (const corner of CORNERS) {
    const place = atCorner(page, corner);
    expect(placeOf(page, rectangleOf(page, place))).toEqual(place);
  }
});

test('a place stays on its page, and can be read', () => {
  for (const page of PAGES) {
    const { width, height } = sizeOf(page);
    for (const place of [{ x: -50, y: -50, width: 1, height: 1 }, { x: 9999, y: 9999, width: 100, height: 50 }, { x: 0, y: 0, width: 9999, height: 9999 }]) {
      const there = within(page, place);
      expect([there.x >= 0, there.y >= 0, there.x + there.width <= width, there.y + there.height <= height, there.width >= 40, there.height >= 20]).toEqual([true, true, true, true, true, true]);
    }
  }
  expect(placeOf(A4, 'here')).toBeUndefined();
});
