import { useText, type MessageKey } from '../i18n/index.ts';
import { Dialog, DialogBody, shortcutLabel } from '../ui/index.ts';
import { useAllCommands } from './commands.tsx';

/** What every list understands. */
const IN_LISTS: readonly (readonly [string, MessageKey])[] = [
  ['Enter', 'shortcuts.open'], ['Delete', 'shortcuts.trash'], ['F2', 'shortcuts.rename'], ['Shift+F10', 'shortcuts.menu'],
  ['Mod+A', 'shortcuts.selectAll'], ['Shift+↓', 'shortcuts.extend'], ['A … Z', 'shortcuts.typeAhead'],
];

export function ShortcutSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText();
  const commands = useAllCommands().filter(({ shortcut }) => shortcut !== undefined);
  const groups = [...new Set(commands.map(({ group }) => group))];
  return (
    <Dialog title={t('shell.shortcuts')} open={open} onClose={onClose} size="large">
      <DialogBody reads className="block columns-1 gap-x-10 sm:columns-2">
        {groups.map((group) => (
          <Group key={group} title={group} rows={commands.filter((command) => command.group === group).map(({ shortcut, label }) => [shortcut ?? '', label])} />
        ))}
        <Group title={t('shortcuts.inLists')} rows={IN_LISTS.map(([shortcut, key]) => [shortcut, t(key)])} />
      </DialogBody>
    </Dialog>
  );
}

function Group({ title, rows }: { title: string; rows: readonly (readonly [string, string])[] }) {
  return (
    <section className="mb-5 break-inside-avoid">
      <h3 className="mb-1 text-13 font-semibold">{title}</h3>
      <dl className="grid grid-cols-[1fr_auto] text-13">
        {rows.map(([shortcut, label]) => (
          <div key={label} className="contents">
            <dt className="border-b border-border py-1">{label}</dt>
            <dd className="border-b border-border py-1 text-right"><kbd className="font-sans text-muted">{shortcutLabel(shortcut)}</kbd></dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
