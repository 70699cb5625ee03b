import type { Text } from './text.tsx';

/** @returns who calls, in the window's language; programs have the name that a person gave them. */
export function whoName(name: string, t: Text): string {
  const key = `who.${name}`;
  return t.has(key) ? t(key) : name;
}
