/** Selection in a long list, as desktop programs do it. Rows are known by index; keys by what the caller gives. */

export interface ListSelection {
  /** Keys that are selected. */
  readonly selected: ReadonlySet<string>;
  /** Row that the keyboard is at. */
  readonly active: number;
  /** Where a range began. */
  readonly anchor: number;
}

export const NO_SELECTION: ListSelection = { selected: new Set(), active: 0, anchor: 0 };

export interface Extend {
  /** Shift: everything from the anchor to here. */
  range?: boolean;
  /** Ctrl or Cmd: this one too, or not any more. */
  toggle?: boolean;
  /** Ctrl with arrows: only the place changes. */
  moveOnly?: boolean;
}

/** @param keyAt the key of a row; undefined while it is not loaded. */
export function select(before: ListSelection, index: number, { range = false, toggle = false, moveOnly = false }: Extend, keyAt: (index: number) => string | undefined): ListSelection {
  const key = keyAt(index);
  if (moveOnly) return { ...before, active: index };
  if (range) {
    const keys = keysBetween(before.anchor, index, keyAt);
    return { selected: new Set(toggle ? [...before.selected, ...keys] : keys), active: index, anchor: before.anchor };
  }
  if (toggle) {
    const selected = new Set(before.selected);
    if (key !== undefined && !selected.delete(key)) selected.add(key);
    return { selected, active: index, anchor: index };
  }
  return { selected: new Set(key === undefined ? [] : [key]), active: index, anchor: index };
}

function keysBetween(one: number, other: number, keyAt: (index: number) => string | undefined): string[] {
  const keys: string[] = [];
  for (let index = Math.min(one, other); index <= Math.max(one, other); index += 1) {
    const key = keyAt(index);
    if (key !== undefined) keys.push(key);
  }
  return keys;
}

/** What typing looks for, and from which row on. One letter again and again goes from row to row. */
export function soughtBy(typed: string, active: number): { readonly beginning: string; readonly from: number } {
  const again = typed.length > 1 && [...typed].every((letter) => letter === typed[0]);
  return { beginning: (again ? (typed[0] ?? '') : typed).toLocaleLowerCase(), from: typed.length === 1 || again ? active + 1 : active };
}

/**
 * Where typing leads: the next row whose text begins so, from the active one on and around.
 * @returns `unsure` where a row that is not loaded may come before it
 */
export function typeAhead(typed: string, active: number, count: number, textAt: (index: number) => string | undefined): number | 'unsure' | undefined {
  const { beginning, from } = soughtBy(typed, active);
  for (let step = 0; step < count; step += 1) {
    const index = (from + step) % count;
    const text = textAt(index);
    if (text === undefined) return 'unsure';
    if (text.toLocaleLowerCase().startsWith(beginning)) return index;
  }
  return undefined;
}
