import { expect, test } from 'vitest';
import { quote } from '../../app/contract/command-line.ts';
import { commandOf } from './command.ts';

test('a command leaves out what has its default and quotes what a shell would split', () => {
  expect(commandOf('keys.generate', { backend: 'software', algorithm: 'ec-p256', label: 'Release signing', tags: ['a', 'b c'] }))
    .toBe('keywright keys generate --algorithm ec-p256 --label "Release signing" --tag a --tag "b c"');
  expect(commandOf('keys.rotate', { key: 'yubikey:serial=12345678;slot=9c' })).toBe('keywright keys rotate "yubikey:serial=12345678;slot=9c"');
});

test('content is named as a file, never written out', () => {
  expect(commandOf('keys.sign', { key: 'k', algorithm: 'ed25519', content: { message: 'c2VjcmV0' } })).toBe('keywright keys sign k --algorithm ed25519 --in FILE');
  expect(commandOf('keys.import', { content: 'c2VjcmV0', label: 'Copy' })).toBe('keywright keys import FILE --label Copy');
});

test('a switch that is off is said by its no-form', () => {
  expect(commandOf('keys.generate', { algorithm: 'ed25519', label: 'x', extractable: false })).toBe('keywright keys generate --algorithm ed25519 --label x --no-extractable');
  expect(commandOf('store.slots.add', { kind: 'recovery-code' })).toBe('keywright store slots add recovery-code');
});

test('what acts within double quotes is put in single ones', () => {
  expect(quote('a $(rm) b')).toBe("'a $(rm) b'");
  expect(quote("it's $5")).toBe(`'it'\\''s $5'`);
});
