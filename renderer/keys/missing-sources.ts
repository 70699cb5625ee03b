import type { BackendInstance } from '../../app/contract/index.ts';
import type { KeyPages } from './key-pages.ts';

/** A backend whose keys may be missing in the list, and why. */
export interface Missing {
  readonly name: string;
  readonly why: 'failed' | 'disabled';
}

/** @returns the backends that the list of keys says nothing of, or nothing new: those that did not answer, then those that are switched off. */
export function missingSources(sources: KeyPages['sources'], backends: readonly Pick<BackendInstance, 'name' | 'state'>[]): Missing[] {
  return [
    ...sources.filter(({ state }) => state === 'failed').map(({ backend }) => ({ name: backend, why: 'failed' as const })),
    ...backends.filter(({ state }) => state === 'disabled').map(({ name }) => ({ name, why: 'disabled' as const })),
  ];
}
