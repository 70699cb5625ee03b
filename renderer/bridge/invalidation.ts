import type { CoreEvent } from '../../app/contract/index.ts';
import type { OperationId } from './bridge.ts';

const ABOUT_KEYS = ['keys.list', 'keys.show', 'keys.versions', 'keys.public', 'keys.capabilities', 'files.formats', 'files.recipients', 'store.status', 'health.list'] as const;

/** Which answers each event makes stale; 'all': whatever was read. */
export const STALE_AFTER: Readonly<Record<CoreEvent['type'], readonly OperationId[] | 'all'>> = {
  'keys.changed': ABOUT_KEYS,
  'store.changed': 'all',
  'backends.changed': ['backends.list', 'backends.show', 'keys.list', 'keys.capabilities', 'health.list'],
  'tokens.changed': ['tokens.list', 'tokens.show', 'tokens.slots', 'tokens.get-certificate', 'tokens.mechanisms', 'backends.list', 'keys.list', 'keys.show', 'keys.capabilities', 'health.list'],
  'certificates.changed': ['certificates.list', 'certificates.show', 'certificates.chain', 'certificates.compare', 'keys.list', 'keys.show', 'health.list'],
  'certificates.expiring': ['certificates.expiring', 'health.list'],
  'health.changed': ['health.list'],
  'jobs.changed': ['jobs.list', 'jobs.show'],
  'audit.changed': ['audit.list'],
  'access.changed': ['access.list'],
  'config.changed': ['config.show', 'config.explain', 'store.status', 'health.list'],
  'prompts.changed': [],
  'core.restarted': 'all',
  'core.failing': [],
};
