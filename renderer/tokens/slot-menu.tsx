import { Award, KeyRound, ShieldCheck, Trash2 } from 'lucide-react';
import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import type { SlotRecord, TokenRecord } from '../../app/contract/index.ts';
import { useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { ImportDialog } from '../keys/ImportDialog.tsx';
import { NewKeyDialog } from '../keys/NewKeyDialog.tsx';
import type { MenuAction, MenuEntries } from '../ui/index.ts';
import { AttestDialog } from './AttestDialog.tsx';
import { MakeCertificateDialog } from './CertificateMaking.tsx';
import { whyNot } from './core-wording.ts';
import { DeleteCertificateDialog, DeleteKeyDialog, MoveKeyDialog, PutCertificateDialog, WrapKeyDialog } from './SlotDialogs.tsx';
import { TryDialog } from './TryDialog.tsx';

type Asking = 'generate' | 'import' | 'put-certificate' | 'delete-certificate' | 'move-key' | 'wrap-key' | 'delete-key' | 'attest' | 'try';

/** What can be done with each slot of a token, and the dialogs that ask for more. What the token cannot do says why. */
export function useSlotMenu(token: TokenRecord, slots: readonly SlotRecord[], onDestroyed: (slot: SlotRecord) => void = () => undefined): { menuOf: (slot: SlotRecord) => MenuEntries; ask: (asking: Asking, slot: SlotRecord) => void; dialogs: ReactNode } {
  const t = useText();
  const navigate = useNavigate();
  const detail = useOperation('tokens.show', token.present ? { token: token.id } : undefined);
  const [asking, setAsking] = useState<{ what: Asking; slot: SlotRecord }>();
  const known = new Map(detail.data?.actions.map((action) => [action.action, action]));
  const ask = (what: Asking, slot: SlotRecord): void => setAsking({ what, slot });

  const menuOf = (slot: SlotRecord): MenuEntries => {
    const hasKey = slot.state === 'key' || slot.state === 'unknown' || slot.state === 'unsupported';
    /** A verb of the token: left out where this kind of token never has it, with its reason where this one lacks it, or where the slot gives it nothing to work on. */
    const verb = (action: keyof typeof TOKEN_VERBS, lacking: string | undefined, onAction: () => void, more: Partial<MenuAction> = {}): MenuAction[] => {
      const state = known.get(action);
      if (state === undefined) return [];
      return [{ id: action, label: t(`tokens.slotAction.${action}`), onAction, disabled: state.available ? lacking : (state.reason === null ? t('tokens.cannot') : whyNot(state.reason, t)), ...more }];
    };
    const noKey = hasKey ? undefined : t('tokens.noKeyInSlot');
    const noCertificate = slot.certificate === null && slot.problem === null ? t('tokens.noCertificateInSlot') : undefined;
    const groups: MenuAction[][] = [
      [
        { id: 'generate', label: t(hasKey ? 'tokens.slotAction.generateOver' : 'tokens.slotAction.generate'), icon: KeyRound, onAction: () => ask('generate', slot) },
        { id: 'import', label: t(hasKey ? 'tokens.slotAction.importOver' : 'tokens.slotAction.import'), onAction: () => ask('import', slot) },
      ],
      [
        ...(slot.key === null ? [] : [
          { id: 'try', label: t('tokens.slotAction.try'), icon: ShieldCheck, disabled: slot.key.usages.includes('sign') ? undefined : t('tokens.cannotSign'), onAction: () => ask('try', slot) },
          { id: 'open', label: t('tokens.slotAction.showKey'), onAction: () => void navigate({ to: '/keys', search: { selected: slot.key!.id } }) },
        ]),
        ...verb('attest', noKey, () => ask('attest', slot), { icon: Award }),
      ],
      [
        ...verb('put-certificate', undefined, () => ask('put-certificate', slot)),
        ...verb('delete-certificate', noCertificate, () => ask('delete-certificate', slot)),
      ],
      [
        ...verb('move-key', noKey, () => ask('move-key', slot)),
        ...verb('wrap-key', noKey, () => ask('wrap-key', slot)),
      ],
      verb('delete-key', noKey, () => ask('delete-key', slot), { icon: Trash2, destructive: true }),
    ];
    return groups.filter((group) => group.length > 0).flatMap((group, index) => (index === 0 ? group : [null, ...group]));
  };

  const close = (): void => setAsking(undefined);
  const slot = asking?.slot;
  const place = slot === undefined ? undefined : { token, slot };
  return {
    menuOf, ask,
    dialogs: (
      <>
        {place !== undefined && asking?.what === 'generate' && <NewKeyDialog open into={place} onClose={close} onMade={() => undefined} />}
        {place !== undefined && asking?.what === 'import' && <ImportDialog open into={place} file={undefined} onClose={close} onImported={() => undefined} />}
        {place !== undefined && asking?.what === 'put-certificate' && (place.slot.key === null ? <PutCertificateDialog {...place} onClose={close} /> : <MakeCertificateDialog token={token.id} slot={place.slot.slot} keyRecord={place.slot.key} onClose={close} />)}
        {place !== undefined && asking?.what === 'delete-certificate' && <DeleteCertificateDialog {...place} onClose={close} />}
        {place !== undefined && asking?.what === 'move-key' && <MoveKeyDialog {...place} slots={slots} onClose={close} />}
        {place !== undefined && asking?.what === 'wrap-key' && <WrapKeyDialog {...place} onClose={close} />}
        {place !== undefined && asking?.what === 'delete-key' && <DeleteKeyDialog {...place} onDone={() => onDestroyed(place.slot)} onClose={close} />}
        {place !== undefined && asking?.what === 'attest' && <AttestDialog {...place} onClose={close} />}
        {place?.slot.key && asking?.what === 'try' && <TryDialog keyRecord={place.slot.key} onClose={close} />}
      </>
    ),
  };
}

const TOKEN_VERBS = { attest: true, 'put-certificate': true, 'delete-certificate': true, 'move-key': true, 'wrap-key': true, 'delete-key': true } as const;
