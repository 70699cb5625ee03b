import { useText, type MessageKey } from '../i18n/index.ts';
import { Dialog, DialogBody, shortcutLabel } from '../ui/index.ts';
import { useAllCommands } from './commands.tsx';

type Rows = readonly (readonly [keys: readonly string[], words: MessageKey])[];

/** What every list understands. */
const IN_LISTS: Rows = [
  [['↑', '↓'], 'shortcuts.move'], [['PageUp', 'PageDown'], 'shortcuts.page'], [['Home', 'End'], 'shortcuts.ends'], [['A … Z'], 'shortcuts.typeAhead'],
  [['Enter'], 'shortcuts.open'], [['Space'], 'shortcuts.preview'], [['Delete'], 'shortcuts.trash'], [['F2'], 'shortcuts.rename'], [['Shift+F10'], 'shortcuts.menu'],
  [['Shift+↓'], 'shortcuts.extend'], [['Mod+Space'], 'shortcuts.toggle'], [['Mod+A'], 'shortcuts.selectAll'], [['Escape'], 'shortcuts.selectNone'],
];
const IN_DIALOGS: Rows = [[['Enter'], 'shortcuts.submit'], [['Escape'], 'shortcuts.close']];
const AT_EDGES: Rows = [[['←', '→'], 'shortcuts.resize']];

export function ShortcutSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText();
  const commands = useAllCommands().filter(({ shortcut }) => shortcut !== undefined);
  const groups = [...new Set(commands.map(({ group }) => group))];
  return (
    <Dialog title={t('shell.shortcuts')} open={open} onClose={onClose} size="large">
      <DialogBody reads>
        <div className="columns-1 gap-x-10 sm:columns-2">
        {groups.map((group) => (
          <Group key={group} title={group} rows={commands.filter((command) => command.group === group).map(({ shortcut, label }) => [[shortcut ?? ''], label])} />
        ))}
        <Group title={t('shortcuts.inLists')} rows={[...IN_LISTS, ...AT_EDGES].map(([keys, words]) => [keys, t(words)])} />
        <Group title={t('shortcuts.inDialogs')} rows={IN_DIALOGS.map(([keys, words]) => [keys, t(words)])} />
        </div>
      </DialogBody>
    </Dialog>
  );
}

function Group({ title, rows }: { title: string; rows: readonly (readonly [keys: readonly string[], words: string])[] }) {
  const t = useText();
  return (
    <section className="mb-5 break-inside-avoid">
      <h3 className="mb-1 text-13 font-semibold">{title}</h3>
      <dl className="grid grid-cols-[1fr_auto] text-13">
        {rows.map(([keys, label]) => (
          <div key={label} className="contents">
            <dt className="border-b border-border py-1">{label}</dt>
            <dd className="border-b border-border py-1 text-right"><kbd className="font-sans text-muted">{keys.map((one) => shortcutLabel(one, t)).join(' / ')}</kbd></dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
