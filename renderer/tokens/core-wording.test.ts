import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { GERMAN } from '../i18n/german.ts';
import { makeText } from '../i18n/text.tsx';
import { slotTitle, whyNot } from './core-wording.ts';

const german = makeText('de', GERMAN);
const source = (path: string): string => readFileSync(fileURLToPath(new URL(`../../app/backends/${path}`, import.meta.url)), 'utf8');

test('every slot of a PIV card has a German name', () => {
  const titles = [...source('yubikey/piv.ts').matchAll(/slot\([^,]+, (?:'([^']+)'|`([^`]+)`)/g)].map(([, plain, template]) => plain ?? template?.replaceAll(/\$\{[^}]*\}/g, '7') ?? '');
  expect(titles.length).toBeGreaterThan(5);
  expect(titles.filter((title) => slotTitle(title, german) === title)).toEqual([]);
  expect(slotTitle('My own', german)).toBe('My own');
});

test('every reason why a token cannot do something is said in German', () => {
  const tables = globSync(fileURLToPath(new URL('../../app/backends/{yubikey,smartcardhsm,pkcs11}/*.ts', import.meta.url))).filter((path) => !path.endsWith('.test.ts')).map((path) => readFileSync(path, 'utf8'))
    .flatMap((text) => [...text.matchAll(/(?:Partial<Record<TokenAction, string>> = \{|const reason = |const readOnly = |const fresh = |since\().*?(?:\};|;$|\))/gms)].map(([found]) => found));
  const sentences = tables.flatMap((table) => [...table.matchAll(/'([A-Z][^']+\.)'/g)].map(([, sentence]) => sentence ?? ''));
  const since = [...source('yubikey/manage.ts').matchAll(/since\('([^']+)', '([^']+)'\)/g)].map(([, version, what]) => `${what} from firmware ${version} on; this one has 4.2.8.`);
  expect(sentences.length).toBeGreaterThan(20);
  expect(since.length).toBe(3);
  expect([...sentences, ...since].filter((sentence) => whyNot(sentence, german) === sentence)).toEqual([]);
});
