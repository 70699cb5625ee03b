import { expect, test } from 'vitest';
import { ENGLISH, makeText } from '../i18n/index.ts';
import { GERMAN } from '../i18n/german.ts';
import { matchesShortcut, shortcutLabel } from './shortcut.ts';

const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey', boolean>> = {}) =>
  ({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...held });

const english = makeText('en', ENGLISH);

test('Mod is Ctrl, and Cmd on a Mac', () => {
  expect(matchesShortcut(press('p', { ctrlKey: true, shiftKey: true }), 'Mod+Shift+P', false)).toBe(true);
  expect(matchesShortcut(press('p', { metaKey: true, shiftKey: true }), 'Mod+Shift+P', true)).toBe(true);
  expect(matchesShortcut(press('p', { ctrlKey: true, shiftKey: true }), 'Mod+Shift+P', true)).toBe(false);
  expect(shortcutLabel('Mod+Shift+P', english, false)).toBe('Ctrl+Shift+P');
  expect(shortcutLabel('Mod+Shift+P', english, true)).toBe('⌘⇧P');
});

test('another modifier makes another shortcut', () => {
  expect(matchesShortcut(press('n', { ctrlKey: true, shiftKey: true }), 'Mod+N', false)).toBe(false);
  expect(matchesShortcut(press('n', { ctrlKey: true, altKey: true }), 'Mod+N', false)).toBe(false);
  expect(matchesShortcut(press('n'), 'Mod+N', false)).toBe(false);
});

test('a sign counts however the keyboard makes it', () => {
  expect(matchesShortcut(press('/', { ctrlKey: true, shiftKey: true }), 'Mod+/', false)).toBe(true);
  expect(matchesShortcut(press('/', { ctrlKey: true }), 'Mod+/', false)).toBe(true);
});

test('keys have the names that they bear in the window’s language', () => {
  const german = makeText('de', GERMAN);
  expect(shortcutLabel('Mod+Shift+P', german, false)).toBe('Strg+Umschalt+P');
  expect(shortcutLabel('Delete', german, false)).toBe('Entf');
});
