import { KeywrightError } from '../contract/index.ts';

/** What lists of all nouns share: their cursors and their filters. */

interface Listed { readonly id: string }

/** A cursor names the last thing given; should that be gone, the place where it was serves. */
export function cursorAfter({ id }: Listed, index: number): string {
  return Buffer.from(JSON.stringify([id, index])).toString('base64url');
}

export function startOf(cursor: string | undefined, found: readonly Listed[]): number {
  if (cursor === undefined) return 0;
  try {
    const [id, index] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as [string, number];
    if (found[index - 1]?.id === id) return index;
    const last = found.findIndex((one) => one.id === id);
    if (last >= 0) return last + 1;
    if (Number.isSafeInteger(index) && index >= 0) return Math.min(index, found.length);
  } catch {
    // Told below, like any other cursor that is not ours.
  }
  throw new KeywrightError('INVALID_INPUT', { detail: 'The cursor is not one of this list.', where: '/cursor', remedy: 'Begin again without a cursor.' });
}

/** @returns the position of the next one whose label begins so, whatever the case of its letters, from `from` on and around; null for none. */
export function positionOf(beginning: string, from: number, found: readonly { readonly label: string }[]): number | null {
  const wanted = beginning.toLowerCase();
  for (let step = 0; step < found.length; step += 1) {
    const at = (from + step) % found.length;
    // Of 100,000 labels only their beginnings are looked at.
    if (found[at]!.label.slice(0, beginning.length).toLowerCase() === wanted) return at;
  }
  return null;
}

/** `field=value`, `field!=value`, `field~part`; values with spaces in double quotes. @throws INVALID_INPUT with the place. */
export function parseFilter<T>(text: string, fields: Readonly<Record<string, (one: T) => readonly string[]>>): ((one: T) => boolean)[] {
  const matchers: ((one: T) => boolean)[] = [];
  const term = /\s*(?:([a-z]+)(!=|=|~)("[^"]*"|[^\s"]+)|(\S+))/gy;
  for (let match = term.exec(text); match !== null; match = term.exec(text)) {
    const [, name, operator, quoted, stray] = match;
    const read = name === undefined ? undefined : fields[name];
    if (stray !== undefined || read === undefined) {
      throw new KeywrightError('INVALID_INPUT', { detail: `The filter is not understood at “${(stray ?? name ?? '').slice(0, 40)}”.`, where: '/filter', remedy: 'Write field=value, field!=value or field~part.', alternatives: Object.keys(fields) });
    }
    const value = (quoted!.startsWith('"') ? quoted!.slice(1, -1) : quoted!).toLowerCase();
    matchers.push((one) => {
      const values = read(one).map((each) => each.toLowerCase());
      return operator === '~' ? values.some((each) => each.includes(value)) : values.includes(value) === (operator === '=');
    });
  }
  return matchers;
}
