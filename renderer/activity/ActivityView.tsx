import { useState } from 'react';
import { useText } from '../i18n/index.ts';
import { Segments } from '../ui/index.ts';
import { AuditTrail } from './AuditTrail.tsx';
import { JobList } from './JobList.tsx';

/** What was done, and what is being done. */
export function ActivityView() {
  const t = useText();
  const [shown, setShown] = useState<'audit' | 'jobs'>('audit');
  const choose = <Segments label={t('activity.show')} value={shown} onChange={setShown} options={[{ value: 'audit', label: t('activity.audit') }, { value: 'jobs', label: t('activity.jobs') }]} />;
  return shown === 'audit' ? <AuditTrail choose={choose} /> : <JobList choose={choose} />;
}
