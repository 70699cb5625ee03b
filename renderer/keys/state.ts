import type { KeyRecord } from '../../app/contract/index.ts';

/** @returns how a state looks; its word says the same. */
export function stateTone(state: KeyRecord['state']): 'success' | 'warning' | 'danger' | 'neutral' {
  if (state === 'active') return 'success';
  if (state === 'compromised' || state === 'destroyed') return 'danger';
  return state === 'suspended' ? 'warning' : 'neutral';
}
