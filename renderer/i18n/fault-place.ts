import type { Text } from './text.tsx';

/** @returns where in a file a fault is, in the window's language: `in the private part, line 3`. Names of members and parts stay as they are. */
export function faultPlace(where: string, t: Text): string {
  return where.split(', ').map((part) => {
    const [, unit, n] = /^(line|offset) (\d+)$/.exec(part) ?? [];
    if (unit !== undefined && n !== undefined) return t(unit === 'line' ? 'errors.line' : 'errors.offset', { n });
    return t.sentence(part) ?? part;
  }).join(', ');
}
