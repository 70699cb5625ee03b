import { Ellipsis, KeyRound, PenLine, RotateCcw, ShieldAlert } from 'lucide-react';
import { useState } from 'react';
import type { TokenRecord } from '../../app/contract/index.ts';
import type { OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { IconButton, Menu, type MenuAction } from '../ui/index.ts';
import { whyNot } from './core-wording.ts';
import { CreateShareDialog, ImportShareDialog, UnwrapDialog } from './DkekDialog.tsx';
import { MechanismsDialog } from './MechanismsDialog.tsx';
import { InitializeDialog, ManagementKeyDialog, PLAIN, PlainDialog, RenameDialog, RetriesDialog, type Plain } from './TokenDialogs.tsx';

type Actions = OutputFor<'tokens.show'>['actions'];
type Asking = Plain | 'rename' | 'set-retries' | 'set-management-key' | 'initialize' | 'create-dkek-share' | 'import-dkek-share' | 'unwrap-key' | 'mechanisms';

/** Everything that can be done with a token; what it cannot do says why. Secrets are asked for in the prompt. */
export function TokenMenu({ token, actions }: { token: TokenRecord; actions: Actions }) {
  const t = useText();
  const [asking, setAsking] = useState<Asking>();
  const known = new Map(actions.map((action) => [action.action, action]));
  const entry = (action: Asking & Actions[number]['action'], more: Partial<MenuAction> = {}): MenuAction[] => {
    const state = known.get(action);
    // What this kind of token never has is left out; what this one lacks says why.
    if (state === undefined) return [];
    return [{ id: action, label: t(`tokens.action.${action}`), onAction: () => setAsking(action), disabled: state.available ? undefined : (state.reason === null ? t('tokens.cannot') : whyNot(state.reason, t)), ...more }];
  };
  const groups = [
    [{ id: 'rename', label: t('tokens.action.rename'), icon: PenLine, onAction: () => setAsking('rename') }],
    [...entry('change-pin', { icon: KeyRound }), ...(['unblock-pin', 'change-puk', 'change-so-pin', 'set-management-key', 'set-retries', 'set-identifiers'] as const).flatMap((action) => entry(action))],
    (['create-dkek-share', 'import-dkek-share', 'unwrap-key'] as const).flatMap((action) => entry(action)),
    token.type === 'yubikey' || !token.present ? [] : [{ id: 'mechanisms', label: t('tokens.action.mechanisms'), onAction: () => setAsking('mechanisms') }],
    [...entry('initialize', { icon: ShieldAlert, destructive: true }), ...entry('reset', { icon: RotateCcw, destructive: true })],
  ].filter((group) => group.length > 0);
  const close = (): void => setAsking(undefined);
  return (
    <>
      <Menu label={t('common.more')} entries={groups.flatMap((group, index) => (index === 0 ? group : [null, ...group]))}>
        <IconButton icon={Ellipsis} label={t('common.more')} />
      </Menu>
      {asking !== undefined && isPlain(asking) && <PlainDialog token={token} verb={asking} onClose={close} />}
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

const isPlain = (asking: Asking): asking is Plain => (PLAIN as readonly string[]).includes(asking);
