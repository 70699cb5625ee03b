/** Words for what signatures of an archive cover. */

/** @returns a few names, and how many more there are. */
export function quoted(names: readonly string[]): string {
  return names.slice(0, 3).map((name) => `“${name.slice(0, 200)}”`).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '');
}

/** @param what `entry`, `file`. @returns that nobody signed these. */
export function unsignedSentence(what: 'entry' | 'file', names: readonly string[]): string {
  const several = { entry: 'entries', file: 'files' }[what];
  return names.length === 1 ? `One ${what} is not signed: ${quoted(names)}. Somebody may have added it.` : `${names.length} ${several} are not signed: ${quoted(names)}. Somebody may have added them.`;
}
