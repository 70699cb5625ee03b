import { NOUNS, OPERATIONS, type Face, type Operation } from '../contract/index.ts';

/** All operations, by noun and id: the order of the list itself is that of an engine's module objects. */
export const SORTED_OPERATIONS: readonly Operation[] = [...OPERATIONS].sort((one, other) => NOUNS.indexOf(nounOf(one)) - NOUNS.indexOf(nounOf(other)) || (one.id < other.id ? -1 : 1));

/** The operations of a face: what no record keeps from it. The prompt surface has those that are its own alone. */
export function operationsOn(face: Face): readonly Operation[] {
  return SORTED_OPERATIONS.filter(({ notOn, permission }) => notOn?.[face] === undefined && (face !== 'prompt' || permission === 'prompts:admin'));
}

export function nounOf({ id }: Operation): (typeof NOUNS)[number] {
  return id.split('.', 1)[0] as (typeof NOUNS)[number];
}
