import type { MessageKey, Text } from './index.ts';

/** A wording of the core, and the message that says it; named groups are the message's values. */
export type Wording = readonly [RegExp, MessageKey];

/** @param inner what a group that is named `what` is said by. @returns the text in the window's language; undefined where no wording fits. */
export function sayBy(wordings: readonly Wording[], text: string, t: Text, inner: readonly Wording[] = []): string | undefined {
  for (const [pattern, key] of wordings) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const { what, ...values } = match.groups ?? {};
    // A number is counted; what has a leading zero is a name.
    return t(key, { ...Object.fromEntries(Object.entries(values).map(([name, value]) => [name, /^(?:0|[1-9]\d*)$/.test(value) ? Number(value) : value])), ...(what !== undefined && { what: sayBy(inner, what, t) ?? what }) });
  }
  return undefined;
}
