import { Stethoscope } from 'lucide-react';
import { useAction, useOperation } from '../bridge/index.ts';
import { byteSize, saidFinding, useText } from '../i18n/index.ts';
import { Section } from '../shell/index.ts';
import { Button, CopyAsCommand, ErrorNotice, Fact, Facts, Findings, TimeInWords } from '../ui/index.ts';
import { Page } from './Page.tsx';

export function AboutSettings() {
  const t = useText();
  const { data: agent, error } = useOperation('agent.status', {});
  const doctor = useAction('doctor.run');
  return (
    <Page>
      <Section title={t('common.keywright')}>
        <ErrorNotice error={error} />
        {agent !== undefined && (
          <Facts>
            <Fact name={t('settings.version')}>{agent.version}</Fact>
            <Fact name={t('settings.runsOn')}>{t('settings.runsOnWhat', { node: agent.node, openssl: agent.openssl })}</Fact>
            <Fact name={t('settings.process')}>{t('settings.processWhat', { pid: String(agent.pid), kind: agent.kind, memory: byteSize(agent.residentBytes, t.language) })}</Fact>
            <Fact name={t('settings.since')}><TimeInWords at={agent.startedAt} /></Fact>
            {agent.listening.length > 0 && <Fact name={t('settings.listening')}><ul className="font-mono text-12 break-all">{agent.listening.map((address) => <li key={address}>{address}</li>)}</ul></Fact>}
          </Facts>
        )}
      </Section>
      <Section title={t('settings.doctor')}>
        <p className="text-13 text-muted">{t('settings.doctorHelp')}</p>
        <div className="flex flex-wrap gap-2">
          <Button icon={Stethoscope} pending={doctor.pending} onPress={() => void doctor.run({})}>{t('settings.doctorRun')}</Button>
          <CopyAsCommand operation="doctor.run" input={{}} />
        </div>
        <ErrorNotice error={doctor.error} />
        {doctor.result !== undefined && <Findings findings={doctor.result.findings.map((finding) => saidFinding(finding, t))} />}
      </Section>
    </Page>
  );
}
