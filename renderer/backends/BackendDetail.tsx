import { useNavigate } from '@tanstack/react-router';
import { Ellipsis, PauseCircle, Play, Stethoscope, Trash2, Unplug, Usb } from 'lucide-react';
import { useState } from 'react';
import type { BackendInstance } from '../../app/contract/index.ts';
import { useAction, useOperation } from '../bridge/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import { listOf, saidFinding, useText, type MessageKey, type Text } from '../i18n/index.ts';
import { DetailPane, Section } from '../shell/index.ts';
import { Badge, Button, ConfirmDialog, CopyAsCommand, ErrorNotice, Fact, Facts, Findings, IconButton, Menu, Notice, Sentence, useToast } from '../ui/index.ts';
import { BackendStateBadge } from './BackendStateBadge.tsx';
import { instanceTitle, typeNames } from './names.ts';

/** One backend: its state and remedy, what it can do, its settings. */
export function BackendDetail({ backend }: { backend: BackendInstance }) {
  const t = useText();
  const toast = useToast();
  const { name } = backend;
  const title = instanceTitle(backend, t);
  const diagnose = useAction('backends.diagnose');
  const toggle = useAction(backend.state === 'disabled' ? 'backends.enable' : 'backends.disable');
  const remove = useAction('backends.remove');
  const [removing, setRemoving] = useState(false);
  const settings = Object.entries(backend.settings);

  return (
    <>
      <DetailPane
        title={title}
        subtitle={backend.builtIn ? <span className="font-mono text-12">{name}</span> : typeNames(backend.types, t)}
        actions={
          <>
            <Button icon={Stethoscope} pending={diagnose.pending} onPress={() => void diagnose.run({ name })}>{t('backends.diagnose')}</Button>
            <CopyAsCommand operation="backends.diagnose" input={{ name }} />
          </>
        }
        menu={!backend.builtIn && (
          <Menu
            label={t('common.more')}
            entries={[
              backend.state === 'disabled'
                ? { id: 'enable', label: t('backends.enable'), icon: Play, onAction: () => void toggle.run({ name }) }
                : { id: 'disable', label: t('backends.disable'), icon: PauseCircle, onAction: () => void toggle.run({ name }) },
              null,
              { id: 'remove', label: t('backends.remove'), icon: Trash2, destructive: true, onAction: () => setRemoving(true) },
            ]}
          >
            <IconButton icon={Ellipsis} label={t('common.more')} />
          </Menu>
        )}
      >
        <ErrorNotice error={toggle.error ?? remove.error ?? diagnose.error} />
        {backend.reason !== null && <Notice tone={backend.state === 'unavailable' ? 'danger' : 'info'} title={<Sentence text={backend.reason} />}>{backend.remedy !== null && <Sentence text={backend.remedy} />}</Notice>}
        {diagnose.result !== undefined && (
          <Section title={t('backends.findings')}>
            <Findings findings={diagnose.result.findings.map((finding) => saidFinding(finding, t))} />
          </Section>
        )}
        <Facts>
          <Fact name={t('backends.state')}><BackendStateBadge state={backend.state} /></Fact>
          <Fact name={t('backends.types')}>{typeNames(backend.types, t)}</Fact>
          {settings.map(([key, value]) => <Fact key={key} name={settingName(backend, key, t)}><span className="font-mono text-12">{String(value)}</span></Fact>)}
          <Fact name={t('backends.can')}>{listOf(backend.capabilities.map((capability) => (t.has(`capability.${capability}`) ? t(`capability.${capability}` as MessageKey) : capability)), t)}</Fact>
        </Facts>
        {backend.tokens && <ItsTokens backend={name} />}
        <Section title={t('backends.algorithms')}>
          <div className="flex flex-wrap gap-1.5">{backend.algorithms.map((algorithm) => <Badge key={algorithm}>{algorithmName(algorithm)}</Badge>)}</div>
        </Section>
      </DetailPane>
      <ConfirmDialog
        title={t('backends.removeTitle', { name: title })} open={removing} onClose={() => setRemoving(false)} action={t('backends.remove')} destructive pending={remove.pending}
        onConfirm={() => void remove.run({ name }).then((done) => {
          setRemoving(false);
          if (done !== undefined) toast({ text: t('backends.removed', { name: title }) });
        })}
      >
        {t('backends.removeWhat')}{backend.tokens && <KeysInTokens backend={name} />}
      </ConfirmDialog>
    </>
  );
}

/** @returns what a setting is called in the window's language; one that it does not know by its own name. */
function settingName({ types }: BackendInstance, name: string, t: Text): string {
  const key = types.map((type) => `backendSetting.${type}.${name}`).find((one) => t.has(one));
  return key === undefined ? name : t(key as MessageKey);
}

/** How many keys are not shown any more once it is removed. */
function KeysInTokens({ backend }: { backend: string }) {
  const t = useText();
  const total = useOperation('keys.list', { backend, limit: 1 }).data?.total ?? 0;
  return total === 0 ? null : <> {t('backends.removeKeys', { n: total })}</>;
}

/** What is plugged in that this backend reaches. */
function ItsTokens({ backend }: { backend: string }) {
  const t = useText();
  const navigate = useNavigate();
  const answer = useOperation('tokens.list', {});
  const tokens = answer.data?.tokens.filter((token) => token.backend === backend) ?? [];
  return (
    <Section title={t('tokens.title')}>
      {tokens.length === 0 && <p className="text-13 text-muted">{t('backends.noTokens')}</p>}
      <ul className="flex flex-col gap-1">
        {tokens.map(({ id, name, present }) => (
          <li key={id} className="flex items-center gap-2">
            <Button kind="plain" small icon={Usb} className="-ml-2" onPress={() => void navigate({ to: '/tokens', search: { selected: id } })}>{name}</Button>
            {!present && <Badge icon={Unplug}>{t('keys.notPresent')}</Badge>}
          </li>
        ))}
      </ul>
      <ErrorNotice error={answer.error} />
    </Section>
  );
}
