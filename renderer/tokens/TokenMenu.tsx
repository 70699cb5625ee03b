import { Ellipsis, KeyRound, PenLine, RotateCcw, ShieldAlert } from 'lucide-react';
import { useState } from 'react';
import type { TokenRecord } from '../../app/contract/index.ts';
import { useAction, type OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { ErrorNotice, IconButton, Menu, useToast, type MenuAction } from '../ui/index.ts';
import { CreateShareDialog, ImportShareDialog, UnwrapDialog } from './DkekDialog.tsx';
import { MechanismsDialog } from './MechanismsDialog.tsx';
import { InitializeDialog, ManagementKeyDialog, RenameDialog, RetriesDialog } from './TokenDialogs.tsx';

type Actions = OutputFor<'tokens.show'>['actions'];
type Plain = 'change-pin' | 'unblock-pin' | 'change-puk' | 'change-so-pin' | 'set-identifiers' | 'reset';
type Asking = 'rename' | 'set-retries' | 'set-management-key' | 'initialize' | 'create-dkek-share' | 'import-dkek-share' | 'unwrap-key' | 'mechanisms';

/** Everything that can be done with a token; what it cannot do says why. Secrets are asked for in the prompt. */
export function TokenMenu({ token, actions }: { token: TokenRecord; actions: Actions }) {
  const t = useText();
  const toast = useToast();
  const [asking, setAsking] = useState<Asking>();
  const run = {
    'change-pin': useAction('tokens.change-pin'), 'unblock-pin': useAction('tokens.unblock-pin'), 'change-puk': useAction('tokens.change-puk'), 'change-so-pin': useAction('tokens.change-so-pin'),
    'set-identifiers': useAction('tokens.set-identifiers'), reset: useAction('tokens.reset'),
  } satisfies Record<Plain, unknown>;
  const known = new Map(actions.map((action) => [action.action, action]));
  const plain = (action: Plain, more: Partial<MenuAction> = {}): MenuAction[] => entry(action, async () => {
    if ((await run[action].run({ token: token.id })) !== undefined) toast({ text: t(`tokens.done.${action}`, { name: token.name }) });
  }, more);
  const entry = (action: Actions[number]['action'], onAction: () => void | Promise<void>, more: Partial<MenuAction> = {}): MenuAction[] => {
    const state = known.get(action);
    // What this kind of token never has is left out; what this one lacks says why.
    if (state === undefined) return [];
    return [{ id: action, label: t(`tokens.action.${action}` as never), onAction: () => void onAction(), disabled: state.available ? undefined : (state.reason ?? t('tokens.cannot')), ...more }];
  };
  const groups = [
    [{ id: 'rename', label: t('tokens.action.rename'), icon: PenLine, onAction: () => setAsking('rename') }],
    [
      ...plain('change-pin', { icon: KeyRound }), ...plain('unblock-pin'), ...plain('change-puk'), ...plain('change-so-pin'),
      ...entry('set-management-key', () => setAsking('set-management-key')), ...entry('set-retries', () => setAsking('set-retries')), ...plain('set-identifiers'),
    ],
    [...(['create-dkek-share', 'import-dkek-share', 'unwrap-key'] as const).flatMap((action) => entry(action, () => setAsking(action)))],
    token.type === 'yubikey' ? [] : [{ id: 'mechanisms', label: t('tokens.action.mechanisms'), onAction: () => setAsking('mechanisms') }],
    [...entry('initialize', () => setAsking('initialize'), { icon: ShieldAlert, destructive: true }), ...plain('reset', { icon: RotateCcw, destructive: true })],
  ].filter((group) => group.length > 0);
  const failed = Object.values(run).find(({ error }) => error !== undefined)?.error;
  const close = (): void => setAsking(undefined);
  return (
    <>
      <Menu label={t('common.more')} entries={groups.flatMap((group, index) => (index === 0 ? group : [null, ...group]))}>
        <IconButton icon={Ellipsis} label={t('common.more')} />
      </Menu>
      {failed !== undefined && <div className="w-full"><ErrorNotice error={failed} /></div>}
      {asking === 'rename' && <RenameDialog token={token} onClose={close} />}
      {asking === 'set-retries' && <RetriesDialog token={token} onClose={close} />}
      {asking === 'set-management-key' && <ManagementKeyDialog token={token} onClose={close} />}
      {asking === 'initialize' && <InitializeDialog token={token} onClose={close} />}
      {asking === 'create-dkek-share' && <CreateShareDialog token={token} onClose={close} />}
      {asking === 'import-dkek-share' && <ImportShareDialog token={token} onClose={close} />}
      {asking === 'unwrap-key' && <UnwrapDialog token={token} onClose={close} />}
      {asking === 'mechanisms' && <MechanismsDialog token={token} onClose={close} />}
    </>
  );
}
