import { KeyRound, Plus, ScrollText, Trash2 } from 'lucide-react';
import { useAction, useOperation } from '../bridge/index.ts';
import { useText, type Text } from '../i18n/index.ts';
import { AskedElsewhere } from '../store/Doorstep.tsx';
import { Button, ErrorNotice, IconButton, TimeInWords } from '../ui/index.ts';

/** Names that a slot gets when nobody chose one. */
const ORDINARY: readonly string[] = ['Passphrase', 'Recovery code'];
const isOrdinary = ({ label }: { label: string }): boolean => ORDINARY.includes(label);

function slotKind(kind: string, t: Text): string {
  const key = `settings.slot.${kind}`;
  return t.has(key) ? t(key) : kind;
}

/** The ways to unlock the store. Removing one is confirmed in the prompt surface. */
export function Slots() {
  const t = useText();
  const answer = useOperation('store.slots.list', {});
  const add = useAction('store.slots.add');
  const remove = useAction('store.slots.remove');
  const slots = answer.data?.slots ?? [];
  const refresh = (): void => void answer.refetch();
  return (
    <>
      <ul className="flex flex-col divide-y divide-border border-y border-border">
        {slots.map((slot) => {
          const Icon = slot.kind === 'recovery-code' ? ScrollText : KeyRound;
          const kind = slotKind(slot.kind, t);
          return (
            <li key={slot.id} className="flex min-h-10 items-center gap-3 py-1 text-13">
              <Icon aria-hidden className="size-4 shrink-0 text-muted" strokeWidth={1.75} />
              <span className="font-medium">{isOrdinary(slot) ? kind : slot.label}</span>
              {!isOrdinary(slot) && <span className="text-muted">{kind}</span>}
              <span className="ml-auto text-muted"><TimeInWords at={slot.createdAt} /></span>
              <IconButton icon={Trash2} label={t('settings.removeSlot', { label: slot.label })} isDisabled={slots.length < 2 || remove.pending} onPress={() => void remove.run({ id: slot.id }).then(refresh)} />
            </li>
          );
        })}
      </ul>
      {(add.pending || remove.pending) && <AskedElsewhere onCancel={() => (add.cancel(), remove.cancel())}>{t('store.answerElsewhere')}</AskedElsewhere>}
      <ErrorNotice error={add.error ?? remove.error ?? answer.error} />
      <div className="flex flex-wrap gap-2">
        <Button icon={Plus} pending={add.pending} onPress={() => void add.run({ kind: 'recovery-code' }).then(refresh)}>{t('settings.addRecoveryCode')}</Button>
        <Button icon={Plus} pending={add.pending} onPress={() => void add.run({ kind: 'passphrase' }).then(refresh)}>{t('settings.addPassphrase')}</Button>
      </div>
    </>
  );
}
