import { useState, type ReactNode } from 'react';
import type { TokenRecord } from '../../app/contract/index.ts';
import { asProblem, useAction, type Action, type InputFor, type OperationId } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Button, Checkbox, CopyAsCommand, Dialog, DialogActions, DialogBody, ErrorNotice, forgetDrafts, Notice, Select, TextField, useDraft, useToast } from '../ui/index.ts';

/**
 * A dialog that asks for what an operation on a token needs, and runs it. Secrets come by the prompt afterwards.
 *
 * @param input  what the operation is called with; a function where a file is handed over first
 * @param command  what *Copy as command* is made of, where that is not `input` itself
 * @param draft  of what was typed into it, which is forgotten once it is done
 * @param done  what is said once it is done; left out where the dialog stays to show what came of it
 * @param finished  there is nothing left to do in a dialog that stays
 */
export function TokenDialog<K extends OperationId>({ title, operation, draft, input, command, action, label, done, finished = false, destructive = false, ready = true, onDone, onClose, children }: {
  title: string; operation: K; draft?: string; input: InputFor<K> | (() => Promise<InputFor<K>>); command?: InputFor<K>; action: Action<K>; label: string; done?: string; finished?: boolean; destructive?: boolean; ready?: boolean; onDone?: () => void; onClose: () => void; children: ReactNode;
}) {
  const t = useText();
  const toast = useToast();
  const [unreadable, setUnreadable] = useState<unknown>();
  const submit = async (): Promise<void> => {
    setUnreadable(undefined);
    let given: InputFor<K>;
    try {
      given = typeof input === 'function' ? await input() : input;
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
      return;
    }
    if ((await action.run(given)) === undefined) return;
    if (draft !== undefined) forgetDrafts(draft);
    if (done === undefined) return;
    toast({ text: done });
    onDone?.();
    onClose();
  };
  const shown = command ?? (typeof input === 'function' ? undefined : input);
  const isDone = done === undefined && action.result !== undefined;
  return (
    // What destroys is not done by an Enter in a field.
    <Dialog title={title} open onClose={onClose} onSubmit={() => !destructive && void submit()}>
      <DialogBody>
        {children}
        <ErrorNotice error={unreadable ?? action.error} />
      </DialogBody>
      <DialogActions aside={shown !== undefined && <CopyAsCommand operation={operation} input={shown} />}>
        <Button kind={finished ? 'primary' : 'quiet'} onPress={action.pending ? action.cancel : onClose}>{isDone ? t('common.close') : t('common.cancel')}</Button>
        {!finished && <Button kind={destructive ? 'destructive' : 'primary'} {...(destructive ? { onPress: () => void submit() } : { type: 'submit' as const })} isDisabled={!ready} pending={action.pending}>{label}</Button>}
      </DialogActions>
    </Dialog>
  );
}

interface Asked {
  token: TokenRecord;
  onClose: () => void;
}

/** Verbs that need nothing but what the prompt asks for. */
export const PLAIN = ['change-pin', 'unblock-pin', 'change-puk', 'change-so-pin', 'set-identifiers', 'reset'] as const;
export type Plain = (typeof PLAIN)[number];

/** Says what happens and what will be asked for in the prompt. */
export function PlainDialog({ token, verb, onClose }: Asked & { verb: Plain }) {
  const t = useText();
  const action = useAction(`tokens.${verb}`);
  return (
    <TokenDialog title={t(`tokens.plain.${verb}`, { name: token.name })} operation={`tokens.${verb}`} input={{ token: token.id }} action={action} label={t(`tokens.plainAction.${verb}`)} done={t(`tokens.done.${verb}`)} destructive={verb === 'reset'} onClose={onClose}>
      {verb === 'reset' ? <Notice tone="danger" title={t('tokens.initialize.warning', { name: token.name })}>{t('tokens.plainWhat.reset')}</Notice> : <p className="text-13">{t(`tokens.plainWhat.${verb}`, { type: token.type })}</p>}
    </TokenDialog>
  );
}

export function RenameDialog({ token, onClose }: Asked) {
  const t = useText();
  const rename = useAction('tokens.rename');
  const draft = `tokens.rename ${token.id} ${token.name}`;
  const [{ name }, change] = useDraft(draft, { name: token.name });
  const input = { token: token.id, name: name.trim() === '' ? null : name.trim() };
  return (
    <TokenDialog title={t('tokens.action.rename')} operation="tokens.rename" draft={draft} input={input} action={rename} label={t('tokens.rename.action')} done={t('tokens.done.rename')} onClose={onClose}>
      <TextField label={t('keys.name')} help={t('tokens.rename.help', { name: token.model })} value={name} onChange={(typed) => change({ name: typed })} maxLength={200} autoFocus />
    </TokenDialog>
  );
}

export const inRange = (text: string, least: number, most: number): number | undefined => (/^\d{1,3}$/.test(text.trim()) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined);

export function RetriesDialog({ token, onClose }: Asked) {
  const t = useText();
  const set = useAction('tokens.set-retries');
  const draft = `tokens.set-retries ${token.id}`;
  // How often one may be wrong, not what it is.
  const [{ pin, puk }, change] = useDraft(draft, { pin: '5', puk: '5' });
  const [pinTries, pukTries] = [inRange(pin, 1, 255), inRange(puk, 1, 255)];
  return (
    <TokenDialog
      title={t('tokens.action.set-retries')} operation="tokens.set-retries" draft={draft} input={{ token: token.id, pin: pinTries ?? 5, puk: pukTries ?? 5 }} action={set} label={t('tokens.retries.action')} done={t('tokens.done.set-retries')}
      ready={pinTries !== undefined && pukTries !== undefined} onClose={onClose}
    >
      <Notice tone="warning" title={t('tokens.retries.warning')}>{t('tokens.retries.warningHelp')}</Notice>
      <TextField label={t('tokens.retries.pin')} value={pin} onChange={(typed) => change({ pin: typed })} isInvalid={pinTries === undefined} inputMode="numeric" autoFocus />
      <TextField label={t('tokens.retries.puk')} value={puk} onChange={(typed) => change({ puk: typed })} isInvalid={pukTries === undefined} inputMode="numeric" />
    </TokenDialog>
  );
}

const MANAGEMENT_ALGORITHMS = ['recommended', 'aes-256', 'aes-192', 'aes-128', '3des'] as const;

export function ManagementKeyDialog({ token, onClose }: Asked) {
  const t = useText();
  const set = useAction('tokens.set-management-key');
  const draft = `tokens.set-management-key ${token.id}`;
  const [{ algorithm, protect, touch }, change] = useDraft<{ algorithm: (typeof MANAGEMENT_ALGORITHMS)[number]; protect: boolean; touch: boolean }>(draft, { algorithm: 'recommended', protect: true, touch: false });
  const input: InputFor<'tokens.set-management-key'> = { token: token.id, ...(algorithm !== 'recommended' && { algorithm }), protect, ...(touch && { touch }) };
  return (
    <TokenDialog title={t('tokens.action.set-management-key')} operation="tokens.set-management-key" draft={draft} input={input} action={set} label={t('tokens.managementKey.action')} done={t('tokens.done.set-management-key')} onClose={onClose}>
      <p className="text-13 text-muted">{t('tokens.managementKey.what')}</p>
      <Checkbox isSelected={protect} onChange={(chosen) => change({ protect: chosen })} help={t('tokens.managementKey.protectHelp')}>{t('tokens.managementKey.protect')}</Checkbox>
      <Checkbox isSelected={touch} onChange={(chosen) => change({ touch: chosen })}>{t('tokens.managementKey.touch')}</Checkbox>
      <Select label={t('keys.algorithm')} value={algorithm} onChange={(chosen) => change({ algorithm: chosen })} choices={MANAGEMENT_ALGORITHMS.map((name) => ({ value: name, label: name === 'recommended' ? t('tokens.managementKey.recommended') : name.toUpperCase() }))} />
    </TokenDialog>
  );
}

export function InitializeDialog({ token, onClose }: Asked) {
  const t = useText();
  const initialize = useAction('tokens.initialize');
  const isHsm = token.type === 'smartcardhsm';
  const draft = `tokens.initialize ${token.id}`;
  const [{ label, shares, tries, reset }, change] = useDraft(draft, { label: token.label ?? '', shares: '', tries: '3', reset: true });
  const count = shares.trim() === '' ? undefined : inRange(shares, 0, 255);
  const pinRetries = inRange(tries, 1, 10);
  const bad = (shares.trim() !== '' && count === undefined) || pinRetries === undefined;
  const input: InputFor<'tokens.initialize'> = {
    token: token.id, ...(label.trim() !== '' && { label: label.trim() }), ...(count !== undefined && { dkekShares: count }),
    ...(isHsm && pinRetries !== undefined && pinRetries !== 3 && { pinRetries }), ...(isHsm && !reset && { allowPinReset: false }),
  };
  return (
    <TokenDialog title={t('tokens.action.initialize')} operation="tokens.initialize" draft={draft} input={input} action={initialize} label={t('tokens.initialize.action')} done={t('tokens.done.initialize')} destructive ready={!bad} onClose={onClose}>
      <Notice tone="danger" title={t('tokens.initialize.warning', { name: token.name })}>{t('tokens.initialize.warningHelp')}</Notice>
      <TextField label={t('tokens.label')} value={label} onChange={(typed) => change({ label: typed })} maxLength={32} autoFocus />
      {isHsm && (
        <>
          <TextField label={t('tokens.initialize.shares')} help={t('tokens.initialize.sharesHelp')} value={shares} onChange={(typed) => change({ shares: typed })} isInvalid={shares.trim() !== '' && count === undefined} inputMode="numeric" />
          <TextField label={t('tokens.retries.pin')} help={t('tokens.initialize.triesHelp')} value={tries} onChange={(typed) => change({ tries: typed })} isInvalid={pinRetries === undefined} inputMode="numeric" />
          <Checkbox isSelected={reset} onChange={(chosen) => change({ reset: chosen })} help={t('tokens.initialize.resetHelp')}>{t('tokens.initialize.reset')}</Checkbox>
        </>
      )}
    </TokenDialog>
  );
}
