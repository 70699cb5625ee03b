import type { Text } from './text.tsx';

/** @returns what an operation does, said in the past: “Signed with a key”. One that this version does not know is named by its id. */
export function deedName(operation: string, t: Text): string {
  const key = `operation.${operation}`;
  return t.has(key) ? t(key) : operation;
}

/** @returns what an entry of the audit trail tells of: what was done, or that it was tried. */
export function deedOf({ operation, outcome }: { readonly operation: string; readonly outcome: string }, t: Text): string {
  if (operation === 'audit.lost') return t('activity.lost');
  const deed = deedName(operation, t);
  return outcome === 'ok' ? deed : t('activity.tried', { deed });
}

/** @returns by which way somebody called, in the window's language. */
export function faceName(face: string, t: Text): string {
  const key = `activity.face.${face}`;
  return t.has(key) ? t(key) : face;
}
