import { useState } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { useAction, useBridge, useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, ErrorNotice, Notice, ProgressBar } from '../ui/index.ts';

/**
 * The token was pulled while files were signed: how many are signed, and the way on once it is back. In the desktop what is signed
 * lies beside its file and is not signed again; a browser was handed nothing, so there all are signed.
 */
export function TokenGone({ keyRecord, files, onAgain }: { keyRecord: KeyRecord; files: number; onAgain: () => void }) {
  const t = useText();
  const bridge = useBridge();
  const jobs = useOperation('jobs.list', {});
  const key = useOperation('keys.show', { key: keyRecord.uri });
  const resume = useAction('jobs.resume');
  const [resumed, setResumed] = useState(false);
  const job = bridge.kind === 'desktop' && files > 1 ? jobs.data?.jobs.find(({ operation, state, resumable, items }) => operation === 'files.sign' && state === 'failed' && resumable && items?.total === files) : undefined;
  const isBack = key.data?.present === true;
  const token = keyRecord.hardware?.tokenTitle ?? keyRecord.backend;
  const goOn = async (): Promise<void> => {
    if (job === undefined) onAgain();
    else if ((await resume.run({ id: job.id })) !== undefined) setResumed(true);
  };
  if (resumed) return <Notice tone="success" live title={t('files.signedTitle', { n: files })}>{t('files.besideEach')}</Notice>;
  return (
    <>
      <Notice
        tone="warning" live title={t('files.tokenGone', { token })}
        actions={<Button kind="primary" isDisabled={!isBack} pending={resume.pending} onPress={() => void goOn()}>{t('files.goOn')}</Button>}
      >
        <p>{job?.items ? t('files.signedSoFar', { n: job.items.done, total: job.items.total }) : t('files.nothingSigned')} {isBack ? t('files.isBack') : t('files.putBack')}</p>
      </Notice>
      {resume.pending && <ProgressBar label={t('files.signFiles')} fraction={resume.progress?.fraction ?? null} />}
      <ErrorNotice error={resume.error} />
    </>
  );
}
