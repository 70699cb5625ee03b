import type { Text } from '../i18n/index.ts';

/** Shortcuts are written `Mod+Shift+P`; Mod is Cmd on a Mac and Ctrl elsewhere. */

const isMac = typeof navigator !== 'undefined' && navigator.platform.startsWith('Mac');
const MAC_SIGNS: Readonly<Record<string, string>> = { Mod: '⌘', Shift: '⇧', Alt: '⌥', Enter: '↩', Delete: '⌫' };

/** @returns how the shortcut is written on this system, with the names that its keys bear. */
export function shortcutLabel(shortcut: string, t: Text, mac = isMac): string {
  const parts = shortcut.split('+');
  return mac ? parts.map((part) => MAC_SIGNS[part] ?? part).join('') : parts.map((part) => nameOf(part === 'Mod' ? 'Ctrl' : part, t)).join('+');
}

function nameOf(part: string, t: Text): string {
  const key = `keyName.${part}`;
  return t.has(key) ? t(key) : part;
}

interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** Whether a key press is the shortcut. Signs such as `/` may need Shift on some keyboards: it is then not looked at. */
export function matchesShortcut(event: Pressed, shortcut: string, mac = isMac): boolean {
  const parts = shortcut.split('+');
  const key = parts.at(-1) ?? '';
  const letter = /^(?:[A-Za-z0-9]|F\d+|\w{2,})$/.test(key);
  return (
    event.key.toLowerCase() === key.toLowerCase() &&
    (mac ? event.metaKey : event.ctrlKey) === parts.includes('Mod') &&
    (mac ? event.ctrlKey : event.metaKey) === false &&
    event.altKey === parts.includes('Alt') &&
    (!letter || event.shiftKey === parts.includes('Shift'))
  );
}
