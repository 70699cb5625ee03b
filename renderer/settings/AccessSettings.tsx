import { Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useAction, useOperation, type OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Section } from '../shell/index.ts';
import { Badge, Button, ConfirmDialog, EmptyState, ErrorNotice, IconButton, TimeInWords, useToast } from '../ui/index.ts';
import { GrantDialog } from './GrantDialog.tsx';
import { Page } from './Page.tsx';

type Grant = OutputFor<'access.list'>['grants'][number];

/** Tokens with which programs reach the agent. */
export function AccessSettings() {
  const t = useText();
  const toast = useToast();
  const answer = useOperation('access.list', {});
  const revoke = useAction('access.revoke');
  const [granting, setGranting] = useState(false);
  const [revoking, setRevoking] = useState<Grant>();
  const grants = answer.data?.grants ?? [];
  return (
    <Page>
      <Section title={t('settings.tokens')} actions={grants.length > 0 && <Button kind="primary" icon={Plus} onPress={() => setGranting(true)}>{t('settings.grant')}</Button>}>
        <p className="text-13 text-muted">{t('settings.tokensHelp')}</p>
        <ErrorNotice error={answer.error ?? revoke.error} />
        {answer.data !== undefined && grants.length === 0 && <div className="h-40"><EmptyState action={<Button kind="primary" icon={Plus} onPress={() => setGranting(true)}>{t('settings.grant')}</Button>}>{t('settings.noTokens')}</EmptyState></div>}
        <ul className="flex flex-col divide-y divide-border">
          {grants.map((grant) => (
            <li key={grant.id} className="flex items-start gap-3 py-2.5 text-13">
              <div className="flex min-w-0 grow flex-col gap-1">
                <span className="font-medium">{grant.name}</span>
                <span className="flex flex-wrap gap-1">{grant.scope.map((permission) => <Badge key={permission}><span title={permission}>{t(`permission.${permission}`)}</span></Badge>)}</span>
                <span className="flex flex-wrap gap-x-4 text-12 text-muted">
                  <span>{t('settings.expires')} {grant.expiresAt === null ? t('settings.never') : <TimeInWords at={grant.expiresAt} />}</span>
                  <span>{t('settings.lastUsed')} {grant.lastUsedAt === null ? t('settings.notYet') : <TimeInWords at={grant.lastUsedAt} />}</span>
                </span>
              </div>
              <IconButton icon={Trash2} label={t('settings.revoke', { name: grant.name })} onPress={() => setRevoking(grant)} />
            </li>
          ))}
        </ul>
      </Section>
      <GrantDialog open={granting} onClose={() => setGranting(false)} />
      <ConfirmDialog
        title={t('settings.revokeTitle', { name: revoking?.name ?? '' })} open={revoking !== undefined} onClose={() => setRevoking(undefined)} action={t('settings.revokeNow')} destructive pending={revoke.pending}
        onConfirm={() => revoking && void revoke.run({ id: revoking.id }).then((done) => {
          if (done !== undefined) toast({ text: t('settings.revoked', { name: revoking.name }) });
          setRevoking(undefined);
        })}
      >
        {t('settings.revokeWhat')}
      </ConfirmDialog>
    </Page>
  );
}
