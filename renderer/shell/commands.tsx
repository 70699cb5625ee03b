import type { LucideIcon } from 'lucide-react';
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { matchesShortcut } from '../ui/index.ts';

/** Something that can be done from the palette, by a shortcut, and from the application's menu. */
export interface Command {
  /** The menu sends it: `keys.new`. */
  id: string;
  label: string;
  /** Heading in the palette and in the shortcut sheet. */
  group: string;
  icon?: LucideIcon;
  shortcut?: string;
  /** Not while a dialog is open, unless so. */
  always?: boolean;
  /** Whether there is something for it to do now; else its keys are left to others. Without it: always. */
  when?: () => boolean;
  onRun: () => void;
}

class Registry {
  readonly #sets = new Map<symbol, readonly Command[]>();
  readonly #listeners = new Set<() => void>();

  set(owner: symbol, commands: readonly Command[] | undefined): void {
    if (commands === undefined) this.#sets.delete(owner);
    else this.#sets.set(owner, commands);
    for (const listener of this.#listeners) listener();
  }

  all(): Command[] {
    return [...this.#sets.values()].flat();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const RegistryContext = createContext<Registry>(new Registry());

/** Takes care of shortcuts for all within. */
export function CommandProvider({ children }: { children: ReactNode }) {
  const registry = useMemo(() => new Registry(), []);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented) return;
      const command = registry.all().find(({ shortcut }) => shortcut !== undefined && matchesShortcut(event, shortcut));
      if (command === undefined || (isDialogOpen() && !command.always) || command.when?.() === false) return;
      if (command.shortcut?.includes('Mod') !== true && isTyping(event.target)) return;
      event.preventDefault();
      command.onRun();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [registry]);
  return <RegistryContext value={registry}>{children}</RegistryContext>;
}

export function isDialogOpen(): boolean {
  return document.querySelector('[role="dialog"][aria-labelledby], [role="alertdialog"]') !== null;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

/** Offers commands for as long as the component is there. */
export function useCommands(commands: readonly Command[]): void {
  const registry = useContext(RegistryContext);
  const owner = useRef(Symbol('commands'));
  const latest = useRef(commands);
  useEffect(() => {
    latest.current = commands;
  });
  const shape = commands.map(({ id, label, shortcut }) => `${id}|${label}|${shortcut ?? ''}`).join('\n');
  useEffect(() => {
    const key = owner.current;
    registry.set(key, latest.current.map((command, index) => ({ ...command, onRun: () => latest.current[index]?.onRun() })));
    return () => registry.set(key, undefined);
  }, [registry, shape]);
}

/** @returns all commands that there are now. */
export function useAllCommands(): readonly Command[] {
  const registry = useContext(RegistryContext);
  const [commands, setCommands] = useState(() => registry.all());
  useEffect(() => {
    setCommands(registry.all());
    return registry.onChange(() => setCommands(registry.all()));
  }, [registry]);
  return commands;
}

/** @returns runs a command by its id; false when it is not offered now. */
export function useRunCommand(): (id: string) => boolean {
  const registry = useContext(RegistryContext);
  return (id) => {
    const command = registry.all().find((one) => one.id === id);
    command?.onRun();
    return command !== undefined;
  };
}
