import { KeywrightError } from '../../contract/index.ts';
import { requirePage, requireValue } from '../limits.ts';
import type { IfRevision, Page, PageRequest } from '../storage.ts';
import type { Entry } from './record.ts';

const MAX_SUMMARY_BYTES = 1024 * 1024;

/** @throws INVALID_INPUT */
export function checkRecord(value: Uint8Array, summary: string): void {
  requireValue(value, 0);
  if (summary.length > MAX_SUMMARY_BYTES) throw new KeywrightError('INVALID_INPUT', { detail: 'A summary has at most 1 MiB of JSON.', where: '/summary' });
}

/** @throws ALREADY_EXISTS, CONFLICT */
export function checkRevision(name: string, entry: Entry | undefined, ifRevision: IfRevision): void {
  if (ifRevision === 'any') return;
  if (ifRevision === 'absent') {
    if (entry === undefined) return;
    throw new KeywrightError('ALREADY_EXISTS', { detail: `There is a record ${name} already.`, where: name });
  }
  if (entry?.revision === ifRevision) return;
  throw new KeywrightError('CONFLICT', {
    detail: entry === undefined ? `The record ${name} was deleted meanwhile.` : `The record ${name} was changed meanwhile.`,
    remedy: 'Read it again and repeat the change.',
    where: name,
  });
}

/** Cuts a page from entries that come after the request's cursor, in ascending order. @throws INVALID_INPUT */
export function pageOf<T extends { readonly key: string }>(request: PageRequest, entriesAfter: (name: string | undefined) => Iterable<Entry>, present: (entry: Entry) => T): Page<T> {
  requirePage(request);
  const items: T[] = [];
  for (const entry of entriesAfter(decodeCursor(request.cursor))) {
    if (items.length === request.limit) return { items, cursor: Buffer.from(items.at(-1)?.key ?? '').toString('base64url') };
    items.push(present(entry));
  }
  return { items };
}

function decodeCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const name = Buffer.from(cursor, 'base64url').toString('latin1');
  if (Buffer.from(name, 'latin1').toString('base64url') !== cursor || name === '') {
    throw new KeywrightError('INVALID_INPUT', { detail: 'This cursor is not one of ours.', where: '/page/cursor' });
  }
  return name;
}
