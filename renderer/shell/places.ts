import { Activity, Award, Blocks, FileSignature, HeartPulse, KeyRound, Usb, type LucideIcon } from 'lucide-react';
import type { MessageKey } from '../i18n/index.ts';

/** The window's main places, in the order of the navigation. */
export const PLACES = [
  { to: '/keys', label: 'shell.keys', icon: KeyRound, shortcut: 'Mod+1' },
  { to: '/certificates', label: 'shell.certificates', icon: Award, shortcut: 'Mod+2' },
  { to: '/files', label: 'shell.files', icon: FileSignature, shortcut: 'Mod+3' },
  { to: '/tokens', label: 'shell.tokens', icon: Usb, shortcut: 'Mod+4' },
  { to: '/backends', label: 'shell.backends', icon: Blocks, shortcut: 'Mod+5' },
  { to: '/health', label: 'shell.health', icon: HeartPulse, shortcut: 'Mod+6' },
  { to: '/activity', label: 'shell.activity', icon: Activity, shortcut: 'Mod+7' },
] as const satisfies readonly { to: string; label: MessageKey; icon: LucideIcon; shortcut: string }[];
