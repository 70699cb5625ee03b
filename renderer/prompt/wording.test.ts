import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { GERMAN } from '../i18n/german.ts';
import { makeText } from '../i18n/text.tsx';
import { say } from './wording.ts';

const german = makeText('de', GERMAN);

test('a question of the core is asked in German, with the names that are in it', () => {
  expect(say('Unlock “Keys”', german)).toBe('„Keys“ entsperren');
  expect(say('Unlock “Keys” with the recovery code', german)).toBe('„Keys“ mit dem Wiederherstellungscode entsperren');
  expect(say('Something that nobody foresaw', german)).toBe('Something that nobody foresaw');
});

test('what a token asks is asked in German, down to what a touch is for', () => {
  expect(say('Sign 3 files with “Release signing”', german)).toBe('3 Dateien mit „Release signing“ signieren');
  expect(say('Touch the YubiKey to sign report.pdf (2 of 3)', german)).toBe('Den YubiKey berühren, um report.pdf zu signieren (2 von 3)');
  expect(say('Touch the YubiKey to do what nobody foresaw', german)).toBe('Den YubiKey berühren, um do what nobody foresaw');
  expect(say('Wrong PIN. 2 tries left.', german)).toBe('Falsche PIN. Noch 2 Versuche.');
  expect(say('Wrong PIN. 1 try left.', german)).toBe('Falsche PIN. Noch 1 Versuch.');
  expect(say('Wrap the key 01', german)).toBe('Schlüssel 01 einpacken');
  expect(say('Wrap “Release signing”', german)).toBe('„Release signing“ einpacken');
  expect(say('Delete the certificate beside “Release signing”', german)).toBe('Das Zertifikat neben „Release signing“ löschen');
  expect(say('Destroy the key “Release signing” in SmartCard-HSM X', german)).toBe('Den Schlüssel „Release signing“ in SmartCard-HSM X vernichten');
});

/** Words of prompts as they stand in the core's sources; a name that is put in is “name”. */
function questionsOfTheCore(): string[] {
  const app = fileURLToPath(new URL('../../app', import.meta.url));
  const sources = globSync(`${app}/{keychain,backends}/**/*.ts`).filter((file) => !file.endsWith('.test.ts')).map((file) => readFileSync(file, 'utf8'));
  const asking = sources.flatMap((source) => [...source.matchAll(/kind: '(?:secret|new-secret|show-secret)'[^}]*|askToConfirm\(\{[^}]*|askNewPassphrase\('[^']*'/g)].map(([call]) => call));
  // Drivers hand their titles to what asks: those that begin with what is to be done.
  const drivers = globSync(`${app}/backends/*/*.ts`).filter((file) => !/\.test\.ts$|\/software\//.test(file)).flatMap((file) => readFileSync(file, 'utf8')).flatMap((source) => [
    ...(source.match(/title: (['`])(?:Change|Choose|Make|Set|Touch|Write|Move|Destroy|Put|Delete|Reset|Sign|Unblock).*?\1/g) ?? []),
    ...[...source.matchAll(/(?:withPin|askFor\w+|askNewSecret)\((?:'new-\w+', )?(?:\w+, )?((['`])[A-Z].*?\2)(?:, ('[A-Z].*?'))?/g)].flatMap(([, title, , note]) => [`title: ${title}`, ...(note === undefined ? [] : [`note: ${note}`])]),
    ...[...source.matchAll(/confirmDestruction\(\{.*?\}, call\)/gs)].map(([call]) => call),
  ]);
  return [...asking, ...drivers].flatMap((call) => [...call.matchAll(/(?:(?:title|note|action): |askNewPassphrase\()(?:'([^']*)'|`([^`]*)`)/g)].map(([, plain, template]) => plain ?? (template ?? '').replaceAll(/\$\{[^}]*\}?/g, 'name')));
}

test('every question that the core asks is known in German', () => {
  const questions = questionsOfTheCore();
  expect(questions.length).toBeGreaterThan(10);
  expect(questions.filter((question) => say(question, german) === question)).toEqual([]);
});
