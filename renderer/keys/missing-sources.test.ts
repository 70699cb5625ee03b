import { expect, test } from 'vitest';
import { missingSources } from './missing-sources.ts';

const source = (backend: string, state: 'ready' | 'failed') => ({ backend, title: backend, state, detail: null, remedy: null, fetchedAt: '2026-01-01T00:00:00.000Z' });

test('a backend that did not answer and one that is switched off are missing; one that answered, or that nobody waits for, is not', () => {
  const sources = [source('software', 'ready'), source('archive', 'failed')];
  const backends = [{ name: 'software', state: 'ready' }, { name: 'archive', state: 'unavailable' }, { name: 'yubikey', state: 'unavailable' }, { name: 'hsm', state: 'disabled' }] as const;
  expect(missingSources(sources, backends)).toEqual([{ name: 'archive', why: 'failed' }, { name: 'hsm', why: 'disabled' }]);
  expect(missingSources([source('software', 'ready')], [])).toEqual([]);
});
