import { Download, Ellipsis, PenLine } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import type { KeyRecord, Mending } from '../../app/contract/index.ts';
import { decodeText, useOperation } from '../bridge/index.ts';
import { deedOf, listOf, saidFinding, type Text, useText, whoName } from '../i18n/index.ts';
import { actionsWith } from '../mending/MendActions.tsx';
import { MendDialog } from '../mending/MendDialog.tsx';
import { DetailPane, Section } from '../shell/Panes.tsx';
import { Badge, Button, CopyAsCommand, CopyButton, cx, ErrorNotice, ExactTime, Fact, Facts, Findings, IconButton, Menu, Notice, Segments, Skeleton, StateBadge, TimeInWords } from '../ui/index.ts';
import { algorithmName } from './algorithms.ts';
import { useKeyActions } from './key-actions.tsx';
import { stateTone } from './state.ts';
import { usesOf } from './UseDialog.tsx';

/** Everything about one key, and what can be done with it. */
export function KeyDetail({ id, onGone }: { id: string; onGone: () => void }) {
  const key = useOperation('keys.show', { key: id });
  // A key that is known stays, with the dialogs over it, when the core is lost for a moment.
  if (key.error !== null && (key.data === undefined || key.error.code === 'NOT_FOUND')) return <div className="p-4"><ErrorNotice error={key.error} /></div>;
  if (key.data === undefined) return <Skeleton />;
  return (
    <KnownKey key={key.data.id} record={key.data} onGone={onGone}>
      <About record={key.data} />
      {key.data.findings !== undefined && key.data.findings.length > 0 && <KeyFindings findings={key.data.findings} />}
      {key.data.fingerprint !== null && <PublicKey record={key.data} />}
      <Versions record={key.data} />
      <History record={key.data} />
    </KnownKey>
  );
}

function KeyFindings({ findings }: { findings: NonNullable<KeyRecord['findings']> }) {
  const t = useText();
  const [mending, setMending] = useState<Mending>();
  return (
    <>
      <Findings findings={findings.map((finding) => saidFinding(finding, t))} actionsOf={actionsWith(setMending)} />
      {mending !== undefined && <MendDialog action={mending} onClose={() => setMending(undefined)} />}
    </>
  );
}

/** @returns where a key lives, as a word. */
export function placeName(record: KeyRecord, t: Text): string {
  if (record.hardware !== null) return record.hardware.tokenTitle;
  return record.backend === 'software' ? t('keys.thisComputer') : record.backend;
}

/** A key with what can be done with it, above the facts about it. */
function KnownKey({ record, onGone, children }: { record: KeyRecord; onGone: () => void; children: ReactNode }) {
  const t = useText();
  const does = useKeyActions(onGone);
  const [first] = usesOf(record);
  const menu = <Menu label={t('common.more')} entries={does.menuOf([record])}><IconButton icon={Ellipsis} label={t('common.more')} /></Menu>;
  const actions = (
    <>
      {record.trashedUntil !== null ? (
        <>
          <Notice tone="warning">{t.rich('keys.inTrash', { until: <ExactTime at={record.trashedUntil} /> })}</Notice>
          <Button kind="primary" pending={does.restoring} onPress={() => void does.restoreAll([record])}>{t('keys.restore')}</Button>
          <Button kind="destructive" className="ml-auto" pending={does.destroying} onPress={() => void does.destroy(record)}>{t('keys.purge')}</Button>
        </>
      ) : (
        <>
          {first !== undefined && <Button kind="primary" icon={PenLine} onPress={() => does.use(record, first)}>{t(`keys.useButton.${first}`)}</Button>}
          <Button icon={Download} isDisabled={!record.extractable} onPress={() => does.exportKey(record)}>{t('keys.export.open')}</Button>
        </>
      )}
      {!record.present && <Notice tone="warning" title={t('keys.notPresentTitle', { token: record.hardware?.tokenTitle ?? record.backend })}>{t('keys.notPresentHelp')}</Notice>}
      {!record.extractable && record.trashedUntil === null && <p className="text-12 text-muted">{t('keys.export.notExtractable')}</p>}
      <ErrorNotice error={does.error} />
      {does.dialogs}
    </>
  );
  return <DetailPane title={record.label} subtitle={t('keys.summary', { algorithm: algorithmName(record.algorithm), place: placeName(record, t) })} menu={menu} actions={actions}>{children}</DetailPane>;
}

function About({ record }: { record: KeyRecord }) {
  const t = useText();
  return (
    <Facts>
      <Fact name={t('keys.state')}><StateBadge tone={stateTone(record.state)}>{t(`keys.stateName.${record.state}`)}</StateBadge></Fact>
      <Fact name={t('keys.uses')}>{listOf(record.usages.map((usage) => t(`keys.usage.${usage}`)), t)}</Fact>
      <Fact name={t('keys.protection')}>{t(`keys.protectionName.${record.protection.replace('+', '-')}` as never)}</Fact>
      <Fact name={t('keys.created')}><TimeInWords at={record.createdAt} /></Fact>
      <Fact name={t('keys.validUntil')}>{record.notAfter === null ? t('keys.noEnd') : <TimeInWords at={record.notAfter} />}</Fact>
      {record.tags.length > 0 && <Fact name={t('keys.tags')}><span className="flex flex-wrap gap-1">{record.tags.map((tag) => <Badge key={tag}>{tag}</Badge>)}</span></Fact>}
      {record.hardware !== null && <InToken hardware={record.hardware} />}
      {record.alsoAt !== undefined && record.alsoAt.length > 0 && <Fact name={t('keys.alsoAt')}><code className="font-mono text-12 break-all">{record.alsoAt.join(', ')}</code></Fact>}
      <Fact name={t('keys.uri')}><code className="font-mono text-12 break-all">{record.uri}</code></Fact>
    </Facts>
  );
}

function InToken({ hardware }: { hardware: NonNullable<KeyRecord['hardware']> }) {
  const t = useText();
  return (
    <>
      {hardware.slot !== null && <Fact name={t('keys.slot')}>{hardware.slotTitle === null ? hardware.slot : t('keys.slotNamed', { slot: hardware.slot, title: hardware.slotTitle })}</Fact>}
      <Fact name={t('keys.pinPolicy')}>{t(`keys.pinPolicyName.${hardware.pinPolicy}`)}</Fact>
      <Fact name={t('keys.touchPolicy')}>{t(`keys.touchPolicyName.${hardware.touchPolicy}`)}</Fact>
      {hardware.madeOnDevice !== null && <Fact name={t('keys.origin')}>{hardware.madeOnDevice ? t('keys.madeOnDevice') : t('keys.broughtIn')}</Fact>}
    </>
  );
}

const PUBLIC_FORMATS = ['pem', 'jwk', 'openssh', 'der'] as const;

function PublicKey({ record }: { record: KeyRecord }) {
  const t = useText();
  const [format, setFormat] = useState<(typeof PUBLIC_FORMATS)[number]>('pem');
  const answer = useOperation('keys.public', { key: record.id, format });
  const text = answer.data === undefined ? undefined : format === 'der' ? answer.data.content : decodeText(answer.data.content);
  return (
    <Section title={t('keys.publicKey')}>
      <p className="font-mono text-12 break-all text-muted">{record.fingerprint}</p>
      <Segments label={t('keys.format')} value={format} onChange={setFormat} options={PUBLIC_FORMATS.map((name) => ({ value: name, label: t(`keys.publicFormat.${name}`) }))} />
      {text !== undefined && <pre tabIndex={0} aria-label={t('keys.publicKey')} className={cx('max-h-48 overflow-auto rounded-control border border-border bg-canvas p-2 font-mono text-12', format === 'pem' ? 'whitespace-pre' : 'break-all whitespace-pre-wrap')}>{text}</pre>}
      <ErrorNotice error={answer.error} />
      {text !== undefined && (
        <div className="flex flex-wrap gap-2">
          <CopyButton small text={text} />
          <CopyAsCommand small operation="keys.public" input={{ key: record.uri, format }} />
        </div>
      )}
    </Section>
  );
}

function Versions({ record }: { record: KeyRecord }) {
  const t = useText();
  const answer = useOperation('keys.versions', { key: record.id });
  return (
    <Section title={t('keys.versions')}>
      <ul className="flex flex-col gap-1 text-13">
        {answer.data?.versions.toReversed().map(({ version, state, createdAt }) => (
          <li key={version} className="flex items-center gap-3">
            <span className="w-12 font-medium">{t('keys.versionNumber', { version })}</span>
            <span className="grow text-muted">{t(`keys.versionState.${state}`)}</span>
            <span className="text-muted"><TimeInWords at={createdAt} /></span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function outcomeName(outcome: string, t: Text): string {
  const key = `errors.${outcome}`;
  return t.has(key) ? t(key) : outcome;
}

function History({ record }: { record: KeyRecord }) {
  const t = useText();
  const answer = useOperation('audit.list', { subject: record.uri, limit: 10 }, { keepPrevious: true });
  return (
    <Section title={t('keys.history')}>
      <ul className="flex flex-col gap-1 text-13">
        {answer.data?.entries.map((entry) => (
          <li key={entry.number} className="flex items-center gap-3">
            <span className="min-w-0 grow truncate"><span title={entry.operation}>{deedOf(entry, t)}</span> <span className="text-muted">{entry.outcome === 'ok' ? whoName(entry.principalName, t) : outcomeName(entry.outcome, t)}</span></span>
            <span className="shrink-0 text-muted"><TimeInWords at={entry.at} /></span>
          </li>
        ))}
      </ul>
      <ErrorNotice error={answer.error} />
    </Section>
  );
}
