import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ENGLISH } from './catalogue.ts';
import facts from './facts.de.json' with { type: 'json' };
import { GERMAN, GERMAN_REASONS, GERMAN_SENTENCES } from './german.ts';
import { REASONS } from '../../app/contract/index.ts';

/** Every text with what it is in German. */
const pairs: readonly (readonly [string, string])[] = [
  ...Object.entries(GERMAN).map(([key, says]): [string, string] => [ENGLISH[key as keyof typeof ENGLISH], says]),
  ...Object.entries(GERMAN_SENTENCES), ...Object.entries(facts.names), ...Object.entries(facts.values),
  ...Object.entries(REASONS).flatMap(([name, told]: [string, { detail: string; remedy?: string }]): [string, string][] => [[told.detail, GERMAN_REASONS[name]?.detail ?? ''], [told.remedy ?? '', GERMAN_REASONS[name]?.remedy ?? '']]),
];
const offending = (german: RegExp, english: RegExp): string[] => pairs.filter(([en, de]) => german.test(de) && !english.test(en)).map((pair) => pair.join(' => '));

test('one German word stands for one thing', () => {
  expect(pairs.length).toBeGreaterThan(4000);
  expect(offending(/Prüfsumme/, /checksum/i)).toEqual([]);
  expect(offending(/Hashwert/, /digest|hash/i)).toEqual([]);
  expect(offending(/Zust(?:and|änd)(?!ig)/, /\bstate|status\b/i)).toEqual([]);
  expect(offending(/Prägung/, /imprint/i)).toEqual([]);
  expect(offending(/Nutzlast/, /payload|type of the content/i)).toEqual([]);
  expect(offending(/\bloße Bytes/i, /$^/)).toEqual([]);
  expect(offending(/(?:[\d}]|zwei|drei|vier|acht) Bytes\b/, /$^/)).toEqual([]);
  expect(offending(/\b(?:[Dd]em|[Dd]er|[Ee]in|[Kk]ein) PUK (?:ist|wird|der)\b|\b(?:dem|den|des) PUK\b/, /$^/)).toEqual([]);
});

test('German quotation marks stand in pairs, low at first and high at last', () => {
  const wrong = pairs.map(([, de]) => de.replaceAll(/`[^`]*`/g, '')).filter((de) => {
    const marks = [...de.matchAll(/[„“”]/g)].map(([mark]) => mark).join('');
    return !/^(?:„“)*$/.test(marks);
  });
  expect(wrong).toEqual([]);
});

test('what is built holds German apart: the window loads it when it is chosen', () => {
  const sources = globSync(fileURLToPath(new URL('../**/*.{ts,tsx}', import.meta.url))).filter((path) => !/\.test\.tsx?$|\/german\.ts$/.test(path)).map((path) => readFileSync(path, 'utf8'));
  expect(sources.length).toBeGreaterThan(100);
  expect(sources.filter((source) => /from '[^']*(?:\/german\.ts|\.de\.json|\.de\/[^']*|\/de\/[^']*\.json)'/.test(source))).toEqual([]);
});
