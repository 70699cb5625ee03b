import { useState, type ReactNode } from 'react';
import type { TokenRecord } from '../../app/contract/index.ts';
import { useAction, useOperation, type OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { DetailPane, Section } from '../shell/index.ts';
import { Button, CopyAsCommand, ErrorNotice, Fact, Facts, Notice, Sentence, Skeleton, useToast } from '../ui/index.ts';
import { ImportShareDialog } from './DkekDialog.tsx';
import { SecretBadge, type SecretStatus } from './SecretBadge.tsx';
import { remedyFor, remedyOf, type Remedy } from './remedies.ts';
import { TokenFindings } from './TokenFindings.tsx';
import { TokenMenu } from './TokenMenu.tsx';
import { factIn } from './fact-wording.ts';
import { InitializeDialog, ManagementKeyDialog } from './TokenDialogs.tsx';

type Detail = OutputFor<'tokens.show'>;

/** One token: how its PIN, PUK and keys stand, what is wrong, what can be done with it. */
export function TokenDetail({ token, onSetUp }: { token: TokenRecord; onSetUp: () => void }) {
  const t = useText();
  const shown = useOperation('tokens.show', { token: token.id });
  const detail = shown.data;
  const facts = [token.manufacturer, token.firmware === null ? null : t('tokens.firmware', { version: token.firmware })].filter((fact) => fact !== null);
  return (
    <DetailPane
      title={token.name}
      subtitle={facts.join(' · ')}
      actions={token.present && (
        <>
          <Button kind="primary" isDisabled={detail === undefined} onPress={onSetUp}>{t('tokens.setUp.open')}</Button>
          <CopyAsCommand operation="tokens.show" input={{ token: token.id }} />
        </>
      )}
      menu={<TokenMenu token={token} actions={detail?.actions ?? []} />}
    >
      <ErrorNotice error={shown.error} />
      {!token.present && <Notice tone="warning" title={t('keys.notPresentTitle', { token: token.name })}>{t('tokens.notPresentHelp', { n: token.keys })}</Notice>}
      {token.present && detail === undefined && shown.error === null && <Skeleton lines={4} />}
      {detail?.status && <Status token={token} detail={detail} status={detail.status} />}
      <Section title={t('tokens.about')}>
        <Facts>
          <Fact name={t('tokens.model')}>{token.model}</Fact>
          {token.serial !== null && <Fact name={t('tokens.serial')}>{token.serial}</Fact>}
          {token.label !== null && <Fact name={t('tokens.label')}>{token.label}</Fact>}
          {token.reader !== null && <Fact name={t('tokens.reader')}>{token.reader}</Fact>}
          {detail?.status?.details.map(({ name, value }) => <Fact key={name} name={factIn(name, t).text}><span {...(!factIn(value, t).known && { lang: 'en' })} className="break-words">{factIn(value, t).text}</span></Fact>)}
          <Fact name={t('tokens.id')}><code className="font-mono text-12 break-all">{token.id}</code></Fact>
        </Facts>
      </Section>
    </DetailPane>
  );
}

function Status({ token, detail, status }: { token: TokenRecord; detail: Detail; status: NonNullable<Detail['status']> }) {
  const t = useText();
  const { button, asked, error } = useRemedies(token, detail.actions);
  return (
    <>
      <TokenFindings findings={status.findings} actionOf={(finding) => button(remedyOf(finding))} />
      <ErrorNotice error={error} />
      {status.secrets.length > 0 && (
        <Section title={t('tokens.secrets')}>
          <ul className="flex flex-col gap-1.5">
            {status.secrets.map((secret) => (
              <li key={secret.kind} className="grid min-h-7 grid-cols-[6.5rem_minmax(0,1fr)_auto] items-center gap-x-3 text-13">
                <span className="leading-4 text-muted">{t(`tokens.secret.${secret.kind}`)}</span>
                <span className="min-w-0">
                  <SecretBadge secret={secret} stacked />
                  {secret.note !== null && <span className="block text-12 text-muted"><Sentence text={secret.note} /></span>}
                </span>
                {button(remedyFor(secret), secret)}
              </li>
            ))}
          </ul>
        </Section>
      )}
      {asked}
    </>
  );
}

/** What is chosen in a dialog before. */
type Choosing = Extract<Remedy, 'set-management-key' | 'initialize' | 'import-dkek-share'>;
const choosesFirst = (remedy: Remedy): remedy is Choosing => remedy === 'set-management-key' || remedy === 'initialize' || remedy === 'import-dkek-share';

/** Buttons that set right what is wrong with a token. Each asks in the prompt for what it needs. */
export function useRemedies(token: TokenRecord, actions: Detail['actions']): { button: (remedy: Remedy | undefined, about?: SecretStatus) => ReactNode; asked: ReactNode; error: unknown; all: (remedies: readonly Remedy[]) => Promise<void>; pending: boolean } {
  const t = useText();
  const toast = useToast();
  const [choosing, setChoosing] = useState<Choosing>();
  const run = {
    'change-pin': useAction('tokens.change-pin'), 'unblock-pin': useAction('tokens.unblock-pin'), 'change-puk': useAction('tokens.change-puk'),
    'change-so-pin': useAction('tokens.change-so-pin'), 'set-identifiers': useAction('tokens.set-identifiers'),
  } satisfies Record<Exclude<Remedy, Choosing>, unknown>;
  const protect = useAction('tokens.set-management-key');
  const does = async (remedy: Exclude<Remedy, Choosing>): Promise<boolean> => {
    if ((await run[remedy].run({ token: token.id })) === undefined) return false;
    toast({ text: t(`tokens.done.${remedy}`) });
    return true;
  };
  const act = async (remedy: Remedy): Promise<void> => {
    if (choosesFirst(remedy)) setChoosing(remedy);
    else await does(remedy);
  };
  /** One after the other, until one fails or is given up. The management key becomes a random one behind the PIN, which is what is recommended. */
  const all = async (remedies: readonly Remedy[]): Promise<void> => {
    for (const remedy of remedies) {
      if (remedy === 'set-management-key') {
        if ((await protect.run({ token: token.id, protect: true })) === undefined) return;
        toast({ text: t('tokens.done.set-management-key') });
      } else if (choosesFirst(remedy) || !(await does(remedy))) return;
    }
  };
  return {
    button: (remedy, about) => {
      const state = remedy === undefined ? undefined : actions.find(({ action }) => action === remedy);
      if (remedy === undefined || state?.available !== true) return null;
      const changes = about !== undefined && remedy !== 'unblock-pin';
      return <Button small pending={!choosesFirst(remedy) && run[remedy].pending} {...(changes && { 'aria-label': t('tokens.changeWhat', { what: t(`tokens.secret.${about.kind}`) }) })} onPress={() => void act(remedy)}>{changes ? t('tokens.change') : t(`tokens.action.${remedy}`)}</Button>;
    },
    asked: (
      <>
        {choosing === 'set-management-key' && <ManagementKeyDialog token={token} onClose={() => setChoosing(undefined)} />}
        {choosing === 'initialize' && <InitializeDialog token={token} onClose={() => setChoosing(undefined)} />}
        {choosing === 'import-dkek-share' && <ImportShareDialog token={token} onClose={() => setChoosing(undefined)} />}
      </>
    ),
    error: [...Object.values(run), protect].find(({ error }) => error !== undefined)?.error,
    all, pending: [...Object.values(run), protect].some(({ pending }) => pending),
  };
}
