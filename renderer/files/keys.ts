import type { KeyRecord } from '../../app/contract/index.ts';
import { useOperation } from '../bridge/index.ts';

/** @returns keys that can do something with files now. */
export function useKeysThat(use: 'sign' | 'verify' | 'agree' | 'decrypt'): KeyRecord[] {
  const keys = useOperation('keys.list', { filter: `usage=${use}${use === 'sign' ? ' state=active' : ''}`, limit: 1000 }, { keepPrevious: true });
  return keys.data?.keys ?? [];
}
