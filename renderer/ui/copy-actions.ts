import { SquareTerminal } from 'lucide-react';
import { useBridge, type OperationId } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { commandOf } from './command.ts';
import type { MenuAction } from './Menu.tsx';
import { useToast } from './Toast.tsx';

/** An operation that asks for nothing more, its name in the menu, and what its input has besides the thing itself. */
type Verb = readonly [operation: OperationId, label: string, more?: Readonly<Record<string, unknown>>];

/** What menus copy. */
export function useCopyActions() {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const copy = (text: string): void => void bridge.copyText(text).then(() => toast({ text: t('common.copied') }));
  /**
   * @param inputs of each thing that is chosen: a command for each, one a line
   * @returns an entry with one below it for each verb; what opens a dialog has its command there
   */
  const asCommand = (inputs: readonly Readonly<Record<string, unknown>>[], verbs: readonly Verb[]): MenuAction => ({
    id: 'command', label: t('common.copyAsCommand'), icon: SquareTerminal, onAction: () => undefined,
    entries: verbs.map(([operation, label, more]) => ({ id: `command ${label}`, label, onAction: () => copy(inputs.map((input) => commandOf(operation, { ...input, ...more } as never)).join('\n')) })),
  });
  return { copy, asCommand };
}
