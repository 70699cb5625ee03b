import { KeywrightError } from '../../contract/index.ts';
import { primary, recordOf, stateOf, type SortField, type StoredKey } from '../inventory.ts';
import { cursorAfter, parseFilter, positionOf, startOf } from '../listing.ts';
import type { Session } from '../session.ts';
import type { HandlersOf } from './handlers.ts';

export const keyListHandler: Pick<HandlersOf<'keys'>, 'keys.list'> = {
  async 'keys.list'(input, { session, services }) {
    // A command that runs by itself has watched nothing: it looks now.
    if (services.about.kind === 'cli') await session.found.settled();
    if (input.backend !== undefined) requireBackend(input.backend, session);
    const filter = parseFilter(input.filter ?? '', FIELDS);
    const words = (input.search ?? '').toLowerCase().split(/\s+/).filter((word) => word !== '');
    const descending = input.sort.startsWith('-');
    const field = (descending ? input.sort.slice(1) : input.sort) as SortField;
    const found = session.inventory.select(field, descending, words, (key) =>
      (key.trashedUntil !== null) === input.trash && isReached(key, session) && (input.backend === undefined || key.backend === input.backend || session.backends.instanceOf(key.backend) === input.backend) && filter.every((matches) => matches(key)));
    const groups = input.group === undefined ? [] : arrange(found, input.group, session);
    const start = input.offset ?? startOf(input.cursor, found);
    const end = start + input.limit;
    const fetchedAt = new Date().toISOString();
    return {
      keys: found.slice(start, end).map((key) => recordOf(key, session)),
      cursor: end < found.length ? cursorAfter(found[end - 1]!, end) : null,
      total: found.length,
      ...(input.seek !== undefined && { position: positionOf(input.seek, input.seekFrom ?? 0, found) }),
      groups,
      sources: session.backends.list().filter(({ name, state }) => state !== 'disabled' && session.backends.matters(name)).map(({ name, title, state, reason, remedy }) => ({
        backend: name, title, state: state === 'ready' ? 'ready' as const : 'failed' as const, detail: reason, remedy, fetchedAt,
      })),
    };
  },
};

/** @throws NOT_FOUND for what is neither a backend, nor one of its tokens, nor a place of keys: a slip of the pen is no empty list. */
function requireBackend(name: string, { backends, inventory }: Session): void {
  if (backends.instanceOf(name) !== undefined || inventory.all().some(({ backend }) => backend === name)) return;
  throw new KeywrightError('NOT_FOUND', { detail: `There is no backend “${name}”.`, where: '/backend', remedy: 'See `keywright backends list`.', alternatives: backends.list().map((one) => one.name) });
}

/** Keys in the tokens of a backend that was removed are not gone: they come back with it. */
const isReached = ({ hardware, backend }: StoredKey, { backends }: Session): boolean => hardware === null || backends.instanceOf(backend) !== undefined;

type Grouping = NonNullable<Parameters<HandlersOf<'keys'>['keys.list']>[0]['group']>;

/** Puts the keys of each group together, groups by title and keys as they were. @returns the groups, in order. */
function arrange(found: StoredKey[], grouping: Grouping, session: Session): { name: string; title: string; start: number; count: number }[] {
  const members = new Map<string, StoredKey[]>();
  for (const key of found) {
    const name = groupOf(key, grouping);
    const known = members.get(name);
    if (known === undefined) members.set(name, [key]);
    else known.push(key);
  }
  const titled = [...members].map(([name, keys]) => ({ name, keys, title: titleOf(name, keys, grouping, session) }));
  titled.sort((a, b) => (a.title.toLowerCase() < b.title.toLowerCase() ? -1 : 1));
  found.length = 0;
  return titled.map(({ name, title, keys }) => {
    const start = found.length;
    for (const key of keys) found.push(key);
    return { name, title, start, count: keys.length };
  });
}

function groupOf(key: StoredKey, grouping: Grouping): string {
  if (grouping === 'publicKey') return primary(key).fingerprint ?? key.id;
  return grouping === 'state' ? stateOf(key) : key[grouping];
}

function titleOf(name: string, keys: readonly StoredKey[], grouping: Grouping, { backends }: Session): string {
  const [first] = keys as [StoredKey];
  if (grouping === 'backend') return first.hardware?.tokenTitle ?? (backends.has(name) ? backends.show(name).title : name);
  return grouping === 'publicKey' ? first.label : name;
}

const FIELDS: Readonly<Record<string, (key: StoredKey) => readonly string[]>> = {
  algorithm: (key) => [key.algorithm],
  backend: (key) => [key.backend],
  state: (key) => [stateOf(key)],
  usage: (key) => key.usages,
  tag: (key) => key.tags,
  label: (key) => [key.label],
  protection: (key) => [key.protection],
  extractable: (key) => [String(key.extractable)],
  token: ({ hardware }) => (hardware === null ? [] : [hardware.token, hardware.tokenTitle]),
  slot: ({ hardware }) => (hardware === null || hardware.slot === null ? [] : [hardware.slot]),
};
