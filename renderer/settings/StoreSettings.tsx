import { FolderOpen, History, KeyRound, Save, ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { useAction, useBridge, useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Section, useCommands } from '../shell/index.ts';
import { AskedElsewhere } from '../store/Doorstep.tsx';
import { OpenStoreDialog } from '../store/OpenStoreDialog.tsx';
import { RestoreDialog } from '../store/RestoreDialog.tsx';
import { Button, CopyAsCommand, ErrorNotice, ExactTime, Fact, Facts, Notice, Skeleton, useToast } from '../ui/index.ts';
import { Page } from './Page.tsx';
import { Slots } from './Slots.tsx';

export function StoreSettings() {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const { data: status } = useOperation('store.status', {});
  const passphrase = useAction('store.change-passphrase');
  const backup = useAction('store.backup');
  const verify = useAction('store.verify');
  const [dialog, setDialog] = useState<'open' | 'restore'>();

  async function makeBackup(): Promise<void> {
    const target = await bridge.saveTarget(`${status?.name ?? 'store'}-${new Date().toISOString().slice(0, 10)}.keywright-backup`);
    if (target === undefined) return;
    const done = await backup.run({ out: target.out });
    if (done !== undefined) toast({ text: t('settings.backedUp', { n: done.records, where: (await target.finish(done.written)) ?? t('settings.downloads') }) });
  }

  const group = t('settings.store');
  useCommands([
    { id: 'store.backup', label: t('settings.backup'), group, icon: Save, onRun: () => void makeBackup() },
    { id: 'store.verify', label: t('settings.verify'), group, icon: ShieldCheck, onRun: () => void verify.run({}) },
    { id: 'store.change-passphrase', label: t('settings.changePassphrase'), group, icon: KeyRound, onRun: () => void passphrase.run({}) },
  ]);
  if (status === undefined) return <Skeleton />;
  return (
    <Page>
      <Section title={status.name}>
        <Facts>
          <Fact name={t('settings.folder')}><span className="font-mono text-12 break-all">{status.folder}</span></Fact>
          <Fact name={t('settings.kind')}>{status.kind ?? t('common.none')}</Fact>
          <Fact name={t('settings.holds')}>{t('settings.holdsWhat', { keys: status.keys ?? 0, records: status.records ?? 0 })}</Fact>
          {status.createdAt !== null && <Fact name={t('settings.created')}><ExactTime at={status.createdAt} /></Fact>}
        </Facts>
        {status.problems.length > 0 && (
          <Notice tone="danger" title={t('settings.problems', { n: status.problems.length })}>
            <ul className="font-mono text-12">{status.problems.map(({ record, detail }) => <li key={record}>{t('settings.problem', { record, detail: t.sentence(detail) ?? detail })}</li>)}</ul>
          </Notice>
        )}
        <div className="flex flex-wrap gap-2">
          <Button icon={FolderOpen} onPress={() => setDialog('open')}>{t('store.openAnother')}</Button>
        </div>
      </Section>
      <Section title={t('settings.backupAndRestore')}>
        <p className="text-13 text-muted">{t('settings.backupHelp')}</p>
        <div className="flex flex-wrap gap-2">
          <Button icon={Save} pending={backup.pending} onPress={() => void makeBackup()}>{t('settings.backup')}</Button>
          <Button icon={History} onPress={() => setDialog('restore')}>{t('store.restore')}</Button>
        </div>
        <p className="text-13 text-muted">{t('settings.verifyHelp')}</p>
        <div className="flex flex-wrap gap-2">
          <Button icon={ShieldCheck} pending={verify.pending} onPress={() => void verify.run({})}>{t('settings.verify')}</Button>
          <CopyAsCommand operation="store.verify" input={{}} />
        </div>
        <ErrorNotice error={backup.error ?? verify.error} />
        {verify.result !== undefined && (
          <Notice live tone={verify.result.ok ? 'success' : 'danger'} title={verify.result.ok ? t('settings.verified', { n: verify.result.records }) : t('settings.problems', { n: verify.result.problems.length })}>
            {verify.result.problems.length === 0 ? undefined : <ul className="font-mono text-12">{verify.result.problems.map(({ record, detail }) => <li key={record}>{t('settings.problem', { record, detail: t.sentence(detail) ?? detail })}</li>)}</ul>}
          </Notice>
        )}
      </Section>
      <Section title={t('settings.waysToUnlock')}>
        <Slots />
        <div className="flex flex-wrap gap-2">
          <Button icon={KeyRound} pending={passphrase.pending} onPress={() => void passphrase.run({}).then((done) => done !== undefined && toast({ text: t('settings.passphraseChanged') }))}>{t('settings.changePassphrase')}</Button>
          <CopyAsCommand operation="store.change-passphrase" input={{}} />
        </div>
        {passphrase.pending && <AskedElsewhere onCancel={passphrase.cancel}>{t('store.answerElsewhere')}</AskedElsewhere>}
        <ErrorNotice error={passphrase.error} />
      </Section>
      <OpenStoreDialog open={dialog === 'open'} onClose={() => setDialog(undefined)} current={status.folder} />
      <RestoreDialog open={dialog === 'restore'} onClose={() => setDialog(undefined)} replaces />
    </Page>
  );
}

