import { KeyRound } from 'lucide-react';
import { useState } from 'react';
import { Autocomplete, Dialog as AriaDialog, Header, Input, Menu, MenuItem, MenuSection, Modal, ModalOverlay, SearchField, Text } from 'react-aria-components';
import { useOperation } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { shortcutLabel } from '../ui/index.ts';
import { useAllCommands, type Command } from './commands.tsx';

const ITEM = 'focus-inside flex cursor-default items-center gap-2.5 rounded-control px-2.5 py-1.5 text-13 text-text focused:bg-selected';
const MOST_KEYS = 6;

/** @returns whether every word that was typed begins or stands in a word of the text. */
function fits(text: string, typed: string): boolean {
  const words = text.toLocaleLowerCase();
  return typed.toLocaleLowerCase().split(/\s+/).every((part) => words.includes(part));
}

/** Everything that can be done, and every key, by typing a part of its name. */
export function Palette({ open, onClose, onOpenKey }: { open: boolean; onClose: () => void; onOpenKey?: ((id: string) => void) | undefined }) {
  return (
    <ModalOverlay isOpen={open} onOpenChange={(next) => !next && onClose()} isDismissable className="fixed inset-0 z-40 flex items-start justify-center bg-scrim p-4 pt-[12vh]">
      <Modal className="flex max-h-[60vh] w-[36rem] max-w-full flex-col rounded-panel border border-border bg-raised shadow-float">
        <PaletteContent onClose={onClose} onOpenKey={onOpenKey} />
      </Modal>
    </ModalOverlay>
  );
}

function PaletteContent({ onClose, onOpenKey }: { onClose: () => void; onOpenKey?: ((id: string) => void) | undefined }) {
  const t = useText();
  const [typed, setTyped] = useState('');
  const commands = useAllCommands().filter((command) => command.id !== 'palette' && fits(`${command.label} ${command.group}`, typed.trim()));
  const found = useOperation('keys.list', onOpenKey !== undefined && typed.trim().length > 1 ? { search: typed.trim(), limit: MOST_KEYS } : undefined, { keepPrevious: true });
  const keys = onOpenKey !== undefined && typed.trim().length > 1 ? (found.data?.keys ?? []) : [];
  const groups = [...new Set(commands.map(({ group }) => group))];

  function run(id: string): void {
    onClose();
    // After the dialog has gone, so that it does not take the focus back from what the command opens.
    setTimeout(() => (id.startsWith('key:') ? onOpenKey?.(id.slice(4)) : commands.find((command) => command.id === id)?.onRun()));
  }

  return (
    <AriaDialog aria-label={t('shell.palette')} className="flex min-h-0 flex-col outline-none">
      <Autocomplete inputValue={typed} onInputChange={setTyped} filter={() => true}>
        <SearchField aria-label={t('shell.palettePlaceholder')} autoFocus className="border-b border-border">
          <Input placeholder={t('shell.palettePlaceholder')} className="focus-inside h-12 w-full rounded-t-panel bg-transparent px-4 text-16 [&::-webkit-search-cancel-button]:hidden" />
        </SearchField>
        <div tabIndex={0} className="focus-inside min-h-0 overflow-y-auto">
          <Menu aria-label={t('shell.palette')} onAction={(id) => run(String(id))} className="p-1.5 outline-none" renderEmptyState={() => <p className="px-2.5 py-3 text-13 text-muted">{t('common.nothingFits')}</p>}>
            {keys.length > 0 && (
              <MenuSection>
                <Header className="px-2.5 pt-2 pb-1 text-12 font-medium text-muted">{t('shell.keys')}</Header>
                {keys.map((key) => (
                  <MenuItem key={key.id} id={`key:${key.id}`} textValue={key.label} className={ITEM}>
                    <KeyRound aria-hidden className="size-4 shrink-0 text-muted" strokeWidth={1.75} />
                    <Text slot="label" className="truncate">{key.label}</Text>
                  </MenuItem>
                ))}
              </MenuSection>
            )}
            {groups.map((group) => (
              <MenuSection key={group}>
                <Header className="px-2.5 pt-2 pb-1 text-12 font-medium text-muted">{group}</Header>
                {commands.filter((command) => command.group === group).map((command) => <CommandItem key={command.id} command={command} />)}
              </MenuSection>
            ))}
          </Menu>
        </div>
      </Autocomplete>
    </AriaDialog>
  );
}

function CommandItem({ command: { id, label, icon: Icon, shortcut } }: { command: Command }) {
  const t = useText();
  return (
    <MenuItem id={id} textValue={label} className={ITEM}>
      {Icon ? <Icon aria-hidden className="size-4 shrink-0 text-muted" strokeWidth={1.75} /> : <span className="size-4" />}
      <Text slot="label" className="flex min-w-0 grow items-center justify-between gap-4">
        <span className="truncate">{label}</span>
        {shortcut !== undefined && <kbd className="shrink-0 font-sans text-12 text-muted">{shortcutLabel(shortcut, t)}</kbd>}
      </Text>
    </MenuItem>
  );
}
