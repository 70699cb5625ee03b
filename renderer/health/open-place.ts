import { useNavigate } from '@tanstack/react-router';
import type { HealthFinding } from '../../app/contract/index.ts';

/** @returns goes to where the thing is that a finding concerns. */
export function useOpenPlace(): (finding: Pick<HealthFinding, 'about'>) => void {
  const navigate = useNavigate();
  return ({ about: { place, id } }) => {
    const search = id === null ? {} : { selected: id };
    switch (place) {
      case 'key': return void navigate({ to: '/keys', search });
      case 'certificate': return void navigate({ to: '/certificates', search });
      case 'token': return void navigate({ to: '/tokens', search });
      case 'backend': return void navigate({ to: '/backends', search });
      case 'store': return void navigate({ to: '/settings', search: { tab: 'store' } });
      case 'computer': return void navigate({ to: '/settings', search: { tab: 'about' } });
    }
  };
}
