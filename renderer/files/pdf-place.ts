/** Where a signature is seen on a page of a PDF: between what is drawn and the points that the document counts in. */

/** What is seen of a page, in points of 1/72 inch from wherever the document counts, and by how much readers turn it clockwise. */
export interface PageBox {
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
  readonly top: number;
  readonly turned: 0 | 90 | 180 | 270;
}
/** A place on the page as it is seen: points from its upper left corner, downwards. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const CORNERS = ['top-left', 'top-right', 'bottom-left', 'bottom-right'] as const;
export type Corner = (typeof CORNERS)[number];

/** DIN A4, where nothing is known of the page. */
export const A4: PageBox = { left: 0, bottom: 0, right: 595, top: 842, turned: 0 };
export const RECTANGLE = /^-?\d{1,6}(\.\d{1,3})?(,-?\d{1,6}(\.\d{1,3})?){3}$/;
/** Half an inch from the edges; room for a name, a time and a reason. */
const [MARGIN, WIDTH, HEIGHT] = [36, 180, 45];
/** Less cannot be read; the core refuses half of it. */
const [LEAST_WIDTH, LEAST_HEIGHT] = [40, 20];

/** @returns the size of the page as it is seen. */
export function sizeOf({ left, bottom, right, top, turned }: PageBox): { readonly width: number; readonly height: number } {
  const [width, height] = [right - left, top - bottom];
  return turned % 180 === 0 ? { width, height } : { width: height, height: width };
}

/** @returns the place within the page, no smaller than can be read and no larger than the page. */
export function within(page: PageBox, { x, y, width, height }: Place): Place {
  const size = sizeOf(page);
  const [w, h] = [Math.min(Math.max(width, LEAST_WIDTH), size.width), Math.min(Math.max(height, LEAST_HEIGHT), size.height)];
  return { x: Math.min(Math.max(x, 0), size.width - w), y: Math.min(Math.max(y, 0), size.height - h), width: w, height: h };
}

export function atCorner(page: PageBox, corner: Corner): Place {
  const { width, height } = sizeOf(page);
  const [vertical, horizontal] = corner.split('-');
  return within(page, { x: horizontal === 'left' ? MARGIN : width - MARGIN - WIDTH, y: vertical === 'top' ? MARGIN : height - MARGIN - HEIGHT, width: WIDTH, height: HEIGHT });
}

/** @returns `left,bottom,right,top` in whole points, as operations take it. */
export function rectangleOf(page: PageBox, place: Place): string {
  const [a, b] = [[place.x, place.y], [place.x + place.width, place.y + place.height]].map(([x = 0, y = 0]) => documentPoint(page, x, y)) as [Point, Point];
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])].map((value) => Math.round(value)).join(',');
}

/** @returns where a rectangle is seen; undefined for what is none. */
export function placeOf(page: PageBox, rectangle: string): Place | undefined {
  const text = rectangle.replaceAll(' ', '');
  if (!RECTANGLE.test(text)) return undefined;
  const [left = 0, bottom = 0, right = 0, top = 0] = text.split(',').map(Number);
  const [a, b] = [seenPoint(page, left, bottom), seenPoint(page, right, top)];
  return { x: Math.min(a[0], b[0]), y: Math.min(a[1], b[1]), width: Math.abs(a[0] - b[0]), height: Math.abs(a[1] - b[1]) };
}

type Point = readonly [number, number];

function seenPoint({ left, bottom, right, top, turned }: PageBox, x: number, y: number): Point {
  const [u, v, width, height] = [x - left, y - bottom, right - left, top - bottom];
  switch (turned) {
    case 0: return [u, height - v];
    case 90: return [v, u];
    case 180: return [width - u, v];
    case 270: return [height - v, width - u];
  }
}

function documentPoint({ left, bottom, right, top, turned }: PageBox, x: number, y: number): Point {
  const [width, height] = [right - left, top - bottom];
  const [u, v] = { 0: [x, height - y], 90: [y, x], 180: [width - x, y], 270: [width - y, height - x] }[turned] as [number, number];
  return [left + u, bottom + v];
}
