import { Outlet, useNavigate } from '@tanstack/react-router';
import { Command as CommandIcon, Keyboard, Lock, Search, Settings } from 'lucide-react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useAction, useBridge, useInvalidation, useOperation, type ChosenFile } from '../bridge/index.ts';
import { useText, wholeNumber } from '../i18n/index.ts';
import { StoreGate } from '../store/StoreGate.tsx';
import { AboveDialogs, forgetDrafts, isAnyDialogOpen, useClearToasts } from '../ui/index.ts';
import { Banners } from './Banners.tsx';
import { useCommands, useRunCommand } from './commands.tsx';
import { CoreLost, useHeldView } from './CoreLost.tsx';
import { useDropTarget, useOpenedFiles } from './FileDrop.tsx';
import { JobTray } from './JobTray.tsx';
import { Navigation } from './Navigation.tsx';
import { Palette } from './Palette.tsx';
import { PLACES } from './places.ts';
import { ShortcutSheet } from './ShortcutSheet.tsx';
import { useViewFocus } from './view-focus.ts';

const HEALTH_EVERY_MS = 60 * 60_000;

type Sheet = 'palette' | 'shortcuts';

/** The window: navigation and a view while the store is open, else the way into it. */
export function Shell() {
  const t = useText();
  const navigate = useNavigate();
  const [sheet, setSheet] = useState<Sheet>();
  const [open, setOpen] = useState(false);
  const close = (): void => setSheet(undefined);
  const general = t('shell.general');
  const clearToasts = useClearToasts();
  const view = useInvalidation(() => {
    clearToasts();
    forgetDrafts();
  }, isAnyDialogOpen);
  useHeldView(view);
  useMenuCommands();
  useCommands([
    { id: 'palette', label: t('shell.palette'), group: general, icon: CommandIcon, shortcut: 'Mod+Shift+P', onRun: () => setSheet('palette') },
    { id: 'shortcuts', label: t('shell.shortcuts'), group: general, icon: Keyboard, shortcut: 'Mod+/', onRun: () => setSheet('shortcuts') },
  ]);
  return (
    <AboveDialogs value={<CoreLost held={view.held && !view.isOpenAgain} />}>
    <div className="flex h-full flex-col">
      <Banners />
      <StoreGate onOpen={setOpen} held={view.held}>{() => <OpenShell onPalette={() => setSheet('palette')} onLock={view.release} />}</StoreGate>
      <Palette open={sheet === 'palette'} onClose={close} onOpenKey={open ? (id) => void navigate({ to: '/keys', search: { selected: id } }) : undefined} />
      <ShortcutSheet open={sheet === 'shortcuts'} onClose={close} />
    </div>
    </AboveDialogs>
  );
}

function OpenShell({ onPalette, onLock }: { onPalette: () => void; /** The store may be locked already, with this still to be seen. */ onLock: () => void }) {
  const t = useText();
  const navigate = useNavigate();
  const lock = useAction('store.lock');
  const pluggedIn = useOperation('tokens.list', { present: true }).data?.tokens.length ?? 0;
  // As many as the list shows: what the store holds has the trash in it too.
  const keys = useOperation('keys.list', { limit: 1 }, { keepPrevious: true }).data?.total;
  // What is known by itself: nothing is asked of tokens or networks for it. As time passes, more ends.
  const attention = useOperation('health.list', {}, { keepPrevious: true, refetchEvery: HEALTH_EVERY_MS }).data?.attention;
  const lockNow = (): void => {
    void lock.run({});
    onLock();
  };
  const go = t('shell.go');
  const general = t('shell.general');
  useFilesFromSystem();
  useViewFocus();
  useCommands([
    ...PLACES.map(({ to, label, icon, shortcut }) => ({ id: `navigate:${to}`, label: t(label), group: go, icon, shortcut, onRun: () => void navigate({ to }) })),
    { id: 'navigate:/settings', label: t('shell.settings'), group: go, icon: Settings, shortcut: 'Mod+,', onRun: () => void navigate({ to: '/settings' }) },
    { id: 'find', label: t('shell.find'), group: general, icon: Search, shortcut: 'Mod+F', when: () => searchField() !== null, onRun: focusSearch },
    { id: 'lock', label: t('shell.lock'), group: general, icon: Lock, shortcut: 'Mod+L', always: true, onRun: lockNow },
  ]);
  return (
    <div className="flex min-h-0 grow">
      <Navigation counts={{ '/keys': keys, '/health': attention }}
        marks={{
          ...(pluggedIn > 0 && { '/tokens': { tone: 'success', words: t('tokens.pluggedIn', { n: pluggedIn }) } }),
          ...(attention !== undefined && attention > 0 && { '/health': { tone: 'warning', words: t('health.attention', { n: attention, shown: wholeNumber(attention, t.language) }) } }),
        }}
        onLock={lockNow} onPalette={onPalette} />
      <div className="flex min-h-0 min-w-0 grow flex-col">
        <main tabIndex={-1} className="flex min-h-0 min-w-0 grow"><Outlet /></main>
        <JobTray />
      </div>
    </div>
  );
}

/** What the system gives the program to open is looked at among the files. */
function useFilesFromSystem(): void {
  const bridge = useBridge();
  const navigate = useNavigate();
  const t = useText();
  const open = useOpenedFiles();
  const latest = useRef(open);
  useEffect(() => {
    latest.current = open;
  });
  const inFiles = useCallback((files: readonly ChosenFile[]) => void navigate({ to: '/files' }).then(() => setTimeout(() => latest.current(files))), [navigate]);
  useEffect(() => bridge.onOpenedFiles(inFiles), [bridge, inFiles]);
  // So is what is dropped where the view itself takes no files.
  useDropTarget({ hint: (n) => t('files.drop.inspect', { n }), onDrop: inFiles }, 'ofWindow');
}

/** Commands of the application's menu; one that only another view offers waits until that view is there. */
function useMenuCommands(): void {
  const bridge = useBridge();
  const navigate = useNavigate();
  const run = useRunCommand();
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(
    () =>
      bridge.onCommand((command) => {
        if (latest.current(command)) return;
        const place = PLACES.find(({ to }) => command.startsWith(`${to.slice(1)}.`));
        if (place === undefined) return;
        void navigate({ to: place.to }).then(() => setTimeout(() => latest.current(command)));
      }),
    [bridge, navigate],
  );
}

/** The search field of the view. */
const searchField = (): HTMLInputElement | null => document.querySelector<HTMLInputElement>('main input[type="search"]');

function focusSearch(): void {
  const field = searchField();
  field?.focus();
  field?.select();
}
