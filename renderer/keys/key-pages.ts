import type { KeyRecord } from '../../app/contract/index.ts';
import { usePages, type InputFor, type OutputFor, type Pages } from '../bridge/index.ts';

const NO_GROUPS: OutputFor<'keys.list'>['groups'] = [];

export type KeyQuery = Pick<InputFor<'keys.list'>, 'search' | 'filter' | 'sort' | 'group' | 'trash' | 'backend'>;

export interface KeyPages extends Omit<Pages<OutputFor<'keys.list'>, KeyRecord>, 'answer'> {
  /** undefined until the first answer. */
  readonly total: number | undefined;
  readonly groups: OutputFor<'keys.list'>['groups'];
  readonly sources: OutputFor<'keys.list'>['sources'];
}

const keysIn = ({ keys }: OutputFor<'keys.list'>): readonly KeyRecord[] => keys;

/** The keys that a query finds, by pages. */
export function useKeyPages(query: KeyQuery): KeyPages {
  const { answer, ...pages } = usePages('keys.list', query, keysIn);
  return { ...pages, total: answer?.total, groups: answer?.groups ?? NO_GROUPS, sources: answer?.sources ?? [] };
}
