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

/** Words of prompts as they stand in the core's sources; a name that is put in is “name”. */
function questionsOfTheCore(): string[] {
  const app = fileURLToPath(new URL('../../app', import.meta.url));
  const sources = globSync(`${app}/{keychain,backends}/**/*.ts`).filter((file) => !file.endsWith('.test.ts')).map((file) => readFileSync(file, 'utf8'));
  const asking = sources.flatMap((source) => [...source.matchAll(/kind: '(?:secret|new-secret|show-secret)'[^}]*|askToConfirm\(\{[^}]*|askNewPassphrase\('[^']*'/g)].map(([call]) => call));
  return asking.flatMap((call) => [...call.matchAll(/(?:(?:title|note|action): |askNewPassphrase\()(?:'([^']*)'|`([^`]*)`)/g)].map(([, plain, template]) => plain ?? (template ?? '').replaceAll(/\$\{[^}]*\}?/g, 'name')));
}

test('every question that the core asks is known in German', () => {
  const questions = questionsOfTheCore();
  expect(questions.length).toBeGreaterThan(10);
  expect(questions.filter((question) => say(question, german) === question)).toEqual([]);
});
