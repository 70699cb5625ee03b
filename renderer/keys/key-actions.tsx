import { useNavigate } from '@tanstack/react-router';
import { Download, PenLine, RotateCw, Tags, Trash2, Usb } from 'lucide-react';
import { useRef, useState, type ReactNode } from 'react';
import type { KeyRecord } from '../../app/contract/index.ts';
import { useAction } from '../bridge/index.ts';
import { keptUntil, useText, wholeNumber } from '../i18n/index.ts';
import { Button, ProgressBar, useCopyActions, useToast, type MenuEntries } from '../ui/index.ts';
import { EditDialog } from './EditDialog.tsx';
import { ExportDialog } from './ExportDialog.tsx';
import { PublicKeysDialog } from './PublicKeysDialog.tsx';
import { hasPublicKey } from './selection-summary.ts';
import { TagDialog } from './TagDialog.tsx';
import { UseDialog, usesOf, type Use } from './UseDialog.tsx';

/** What is in a token that is plugged in can only be destroyed there. */
export const isInToken = ({ hardware, present }: KeyRecord): boolean => hardware !== null && present;

/** So many keys are in the trash before anybody could read how far it is. */
const A_FEW = 20;

type Asking = { what: 'use'; use: Use; key: KeyRecord } | { what: 'export' | 'edit'; key: KeyRecord } | { what: 'tags' | 'public'; keys: readonly KeyRecord[] };

/**
 * What can be done with keys: the same in the menu of the list, in that of a detail and with the keyboard, with the dialogs that ask for more.
 * @param onGone  told of keys that are not in the list any more
 */
export function useKeyActions(onGone: (keys: readonly KeyRecord[]) => void) {
  const t = useText();
  const { copy, asCommand } = useCopyActions();
  const toast = useToast();
  const navigate = useNavigate();
  const remove = useAction('keys.delete');
  const restore = useAction('keys.restore');
  const purge = useAction('keys.purge');
  const rotate = useAction('keys.rotate');
  const [asking, setAsking] = useState<Asking>();
  const [trashing, setTrashing] = useState<{ done: number; total: number }>();
  const stopped = useRef(false);
  const use = (key: KeyRecord, name: Use): void => setAsking({ what: 'use', use: name, key });
  const edit = (key: KeyRecord): void => setAsking({ what: 'edit', key });
  const exportKey = (key: KeyRecord): void => setAsking({ what: 'export', key });
  const tag = (keys: readonly KeyRecord[]): void => setAsking({ what: 'tags', keys });
  const exportPublic = (keys: readonly KeyRecord[]): void => setAsking({ what: 'public', keys });

  const rotateNow = async (key: KeyRecord): Promise<void> => {
    const after = await rotate.run({ key: key.uri });
    if (after !== undefined) toast({ text: t('keys.rotated', { name: key.label, version: after.version }) });
  };
  const restoreAll = async (keys: readonly KeyRecord[]): Promise<void> => {
    for (const { uri } of keys) if ((await restore.run({ key: uri })) === undefined) return;
  };
  const trash = async (keys: readonly KeyRecord[]): Promise<void> => {
    const moved: KeyRecord[] = [];
    stopped.current = false;
    // What is in a token comes last: there the core says why not.
    for (const key of [...keys.filter((one) => !isInToken(one)), ...keys.filter(isInToken)]) {
      if (key.trashedUntil !== null) continue;
      if (stopped.current) break;
      if (keys.length > A_FEW) setTrashing({ done: moved.length, total: keys.length });
      const after = await remove.run({ key: key.uri });
      // The first that fails tells why; what is moved by then can be taken back.
      if (after === undefined) break;
      moved.push(after);
    }
    setTrashing(undefined);
    const [first] = moved;
    if (first === undefined) return;
    const until = keptUntil(first, t);
    toast({ text: moved.length === 1 ? t('keys.trashed', { name: first.label, until }) : t('keys.trashedMany', { n: moved.length, until }), action: { label: t('common.undo'), onAction: () => void restoreAll(moved) } });
    onGone(moved);
  };
  const destroy = async (key: KeyRecord): Promise<void> => {
    if ((await purge.run({ key: key.uri })) !== undefined) onGone([key]);
  };
  const inputsOf = (keys: readonly KeyRecord[]) => keys.map(({ uri }) => ({ key: uri }));

  const menuOf = (keys: readonly KeyRecord[]): MenuEntries => {
    const [only] = keys;
    if (only === undefined) return [];
    const one = keys.length === 1;
    if (only.trashedUntil !== null) {
      return [
        { id: 'restore', label: t('keys.restore'), onAction: () => void restoreAll(keys) },
        asCommand(inputsOf(keys), [['keys.restore', t('keys.restore')], ...(one ? [['keys.purge', t('keys.purge')] as const] : [])]),
        ...(one ? [null, { id: 'purge', label: t('keys.purge'), icon: Trash2, destructive: true, onAction: () => void destroy(only) }] : []),
      ];
    }
    const inToken = keys.some(isInToken);
    const canRotate = one && only.hardware === null;
    return [
      ...(one ? [
        ...usesOf(only).map((name, index) => ({ id: name, label: t(`keys.useButton.${name}`), ...(index === 0 && { icon: PenLine }), onAction: () => use(only, name) })),
        { id: 'export', label: t('keys.export.open'), icon: Download, disabled: only.extractable ? undefined : t('keys.export.notExtractable'), onAction: () => exportKey(only) },
        null,
        { id: 'edit', label: t('keys.edit.open'), shortcut: 'F2', onAction: () => edit(only) },
        ...(canRotate ? [{ id: 'rotate', label: t('keys.rotate'), icon: RotateCw, onAction: () => void rotateNow(only) }] : []),
      ] : [
        { id: 'tags', label: t('keys.tag'), icon: Tags, onAction: () => tag(keys) },
        { id: 'public', label: t('keys.publicSet.open'), icon: Download, disabled: keys.some(hasPublicKey) ? undefined : t('keys.publicSet.none'), onAction: () => exportPublic(keys) },
        null,
      ]),
      { id: 'copy-uri', label: t('keys.copyUri'), onAction: () => copy(keys.map(({ uri }) => uri).join('\n')) },
      ...(inToken ? [] : [asCommand(inputsOf(keys), [...(canRotate ? [['keys.rotate', t('keys.rotate')] as const] : []), ['keys.delete', t('keys.trash')]])]),
      null,
      ...(one && inToken ? [{ id: 'token', label: t('keys.showToken'), icon: Usb, onAction: () => void navigate({ to: '/tokens', search: { selected: only.hardware!.token, ...(only.hardware!.slot !== null && { slot: only.hardware!.slot }) } }) }] : []),
      { id: 'trash', label: t('keys.trash'), icon: Trash2, destructive: true, shortcut: 'Delete', disabled: inToken ? t('keys.inTokenNoTrash') : undefined, onAction: () => void trash(keys) },
    ];
  };

  /** What many keys take a while for: how far it is, and how to end it. */
  const underWay: ReactNode = trashing !== undefined && (
    <div className="flex h-9 shrink-0 items-center gap-3 border-t border-border px-4 text-13">
      <span role="status" className="tabular-nums">{t('keys.trashing', { done: wholeNumber(trashing.done, t.language), total: wholeNumber(trashing.total, t.language) })}</span>
      <div className="ml-auto w-40 shrink-0"><ProgressBar label={t('keys.trash')} fraction={trashing.done / trashing.total} /></div>
      <Button small kind="plain" onPress={() => (stopped.current = true)}>{t('common.cancel')}</Button>
    </div>
  );
  const done = (): void => setAsking(undefined);
  const dialogs: ReactNode = asking !== undefined && (
    <>
      {asking.what === 'use' && <UseDialog keyRecord={asking.key} use={asking.use} onUse={(name) => use(asking.key, name)} open onClose={done} />}
      {asking.what === 'export' && <ExportDialog keyRecord={asking.key} open onClose={done} />}
      {asking.what === 'edit' && <EditDialog keyRecord={asking.key} open onClose={done} />}
      {asking.what === 'tags' && <TagDialog keys={asking.keys} onClose={done} />}
      {asking.what === 'public' && <PublicKeysDialog keys={asking.keys} onClose={done} />}
    </>
  );
  return { menuOf, use, edit, exportKey, tag, exportPublic, trash, restoreAll, destroy, dialogs, underWay, restoring: restore.pending, destroying: purge.pending, error: remove.error ?? restore.error ?? purge.error ?? rotate.error };
}
