import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, TYPE, type MessageFormatElement } from '@formatjs/icu-messageformat-parser';
import { expect, test } from 'vitest';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const catalogueOf = (language: string): Map<string, string> =>
  new Map(globSync(`${here(language)}/*.json`).flatMap((file) => Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)));
const english = catalogueOf('en');

/** Names of arguments and tags of a message. */
function names(elements: readonly MessageFormatElement[]): string[] {
  return elements.flatMap((element) => {
    if (element.type === TYPE.literal || element.type === TYPE.pound) return [];
    if (element.type === TYPE.tag) return [`<${element.value}>`, ...names(element.children)];
    if (element.type === TYPE.plural || element.type === TYPE.select) return [element.value, ...Object.values(element.options).flatMap((option) => names(option.value))];
    return [element.value];
  });
}

test('no message is declared twice in a language', () => {
  for (const language of ['en', 'de']) {
    const all = globSync(`${here(language)}/*.json`).flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^\s*"([^"]+)":/gm)].map(([, key]) => key));
    expect(all.filter((key, index) => all.indexOf(key) !== index)).toEqual([]);
  }
});

test('German has exactly the messages that English has', () => {
  expect([...catalogueOf('de').keys()].sort()).toEqual([...english.keys()].sort());
});

test('every message is well-formed, and its arguments are the same in each language', () => {
  const german = catalogueOf('de');
  for (const [key, message] of english) {
    const ours = [...new Set(names(parse(message)))].sort();
    expect([key, [...new Set(names(parse(german.get(key) ?? '')))].sort()]).toEqual([key, ours]);
  }
});

test('every message that the code asks for by name exists, and none lies about unused', () => {
  const files = globSync(here('../**/*.{ts,tsx}')).filter((file) => !file.endsWith('.test.ts'));
  const code = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const asked = [...code.matchAll(/\bt(?:\.rich)?\(\s*'([\w.-]+)'/g)].map(([, key]) => key ?? '');
  expect([...new Set(asked)].filter((key) => !english.has(key))).toEqual([]);
  // Keys made from the contract's names are asked for by a template: `errors.${code}`.
  const prefixes = [...code.matchAll(/`([\w.-]+\.)\$\{/g)].map(([, prefix]) => prefix ?? '');
  const unused = [...english.keys()].filter((key) => !code.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)));
  expect(unused).toEqual([]);
});

/** Text between tags, and attributes that people see or hear. */
const LITERAL_TEXT = /(?:^|[^=<>\w)])>\s*([^<>{}()=;]*\p{L}{2,}[^<>{}()=;]*?)\s*<\/?[A-Za-z]|(?:aria-label|placeholder|title|label|description|alt)="([^"]*\p{L}[^"]*)"/gu;

test('no text stands in a component: all of it comes from the catalogue', () => {
  const found = globSync(here('../**/*.tsx')).flatMap((file) =>
    [...readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/ .*$/gm, '').matchAll(LITERAL_TEXT)].map(([, text, attribute]) => `${file.slice(here('../').length)}: ${text ?? attribute}`));
  expect(found).toEqual([]);
});
