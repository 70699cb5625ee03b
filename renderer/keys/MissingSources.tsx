import { useNavigate } from '@tanstack/react-router';
import { instanceTitle } from '../backends/names.ts';
import { useOperation } from '../bridge/index.ts';
import { listOf, useText } from '../i18n/index.ts';
import { Button, StateBadge } from '../ui/index.ts';
import type { KeyPages } from './key-pages.ts';
import { missingSources } from './missing-sources.ts';

/** At the foot of the list: whose keys may be missing in it, with the way there. A list that is silently shorter would be taken for all there is. */
export function MissingSources({ pages }: { pages: KeyPages }) {
  const t = useText();
  const navigate = useNavigate();
  const backends = useOperation('backends.list', {}).data?.backends ?? [];
  const missing = missingSources(pages.sources, backends);
  const [first] = missing;
  if (first === undefined) return null;
  const named = (name: string): string => {
    const backend = backends.find((one) => one.name === name);
    return backend === undefined ? name : instanceTitle(backend, t);
  };
  const list = listOf(missing.map(({ name, why }) => t(`keys.missing.${why}`, { name: named(name) })), t);
  return (
    <Button small kind="plain" className="max-w-full" onPress={() => void navigate({ to: '/backends', search: { selected: first.name } })}>
      <StateBadge tone="warning"><span title={list}>{t('keys.missing', { n: missing.length, list })}</span></StateBadge>
    </Button>
  );
}
