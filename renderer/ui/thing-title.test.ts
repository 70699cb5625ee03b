import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ENGLISH } from '../i18n/index.ts';
import { GERMAN, GERMAN_FACTS, GERMAN_SENTENCES } from '../i18n/german.ts';
import { makeText } from '../i18n/text.tsx';
import { hasTitle, thingTitle } from './thing-title.ts';

const german = makeText('de', GERMAN, {}, GERMAN_SENTENCES, GERMAN_FACTS);
const thing = (kind: string, title: string, detail = 'A certificate.') => ({ kind, title, detail });

test('a thing that is called nothing is told by what it is', () => {
  expect(hasTitle(thing('certificate', 'certificate'))).toBe(false);
  expect(thingTitle(thing('certificate', 'certificate'), german)).toBe('Ein Zertifikat.');
  expect(thingTitle(thing('certificate', ''), makeText('en', ENGLISH))).toBe('A certificate.');
});

test('what others wrote stays as it is, and what the core says is said in German', () => {
  expect(thingTitle(thing('certificate', 'yes'), german)).toBe('yes');
  expect(thingTitle(thing('signer', 'a signer whose certificate is not in it'), german)).toBe('Unterzeichner, dessen Zertifikat nicht dabei ist');
  expect(thingTitle(thing('jwk', '3 keys'), german)).toBe('3 Schlüssel');
  expect(thingTitle(thing('sshsig', 'namespace git'), german)).toBe('Namensraum git');
});

test('every title that is the core’s own is said in German', () => {
  const folder = fileURLToPath(new URL('../../app/keychain/inspector/', import.meta.url));
  const sources = globSync('*.ts', { cwd: folder }).filter((path) => !path.endsWith('.test.ts')).map((path) => readFileSync(folder + path, 'utf8'));
  const given = sources.flatMap((source) => [...source.matchAll(/kind: '?([\w-]+)[^\n]*?, title: (.*?), (?:detail|where|facts|findings)\b/g)]).flatMap(([, kind, title]) => [...(title as string).matchAll(/'([^']*)'|`([^`]*)`/g)].map(([, text, template]) => [kind as string, text ?? (template as string).replaceAll(/\$\{[^}]*\}/g, '7')] as const));
  const words = given.flatMap(([kind, title]) => (title.startsWith('7 7') ? ['7 key', '7 keys', '7 signature', '7 signatures', '7 recipients'] : [title]).map((one) => [kind, one] as const)).filter(([, title]) => / /.test(title));
  expect(words.length).toBeGreaterThan(8);
  expect(words.filter(([kind, title]) => thingTitle(thing(kind, title), german) === title)).toEqual([]);
});
