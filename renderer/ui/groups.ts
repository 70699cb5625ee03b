/** Rows in groups, each under a heading: positions in the list as it is shown, and back. */

export interface RowGroup {
  readonly name: string;
  readonly title: string;
  /** Position of its first row among all rows. */
  readonly start: number;
  readonly count: number;
}

/** How many lines there are: rows and headings. */
export const linesOf = (rows: number, groups: readonly RowGroup[]): number => rows + groups.length;

/** @returns the line that a row stands on. */
export function lineOfRow(row: number, groups: readonly RowGroup[]): number {
  return row + lastGroup(groups, (group) => group.start <= row) + 1;
}

/** @returns the row on a line, or the group whose heading it is. */
export function atLine(line: number, groups: readonly RowGroup[]): { readonly row: number } | { readonly heading: RowGroup } {
  const index = lastGroup(groups, (group, position) => group.start + position <= line);
  const group = groups[index];
  if (group === undefined) return { row: line };
  return group.start + index === line ? { heading: group } : { row: line - index - 1 };
}

/** @returns the index of the last group for which `holds`, which holds for none after one for which it does not; -1 for none. */
function lastGroup(groups: readonly RowGroup[], holds: (group: RowGroup, index: number) => boolean): number {
  let low = 0;
  let high = groups.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(groups[middle]!, middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
