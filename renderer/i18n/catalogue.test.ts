import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, TYPE, type MessageFormatElement } from '@formatjs/icu-messageformat-parser';
import { parseAst } from 'vite';
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

/** Attributes that people see or hear. */
const SPOKEN = new Set(['aria-label', 'aria-description', 'aria-valuetext', 'placeholder', 'title', 'label', 'description', 'help', 'alt', 'action']);
const HAS_WORD = /\p{L}{2,}/u;

interface Node {
  type: string;
  [member: string]: unknown;
}

/** Literal text in the elements of a syntax tree. */
function literals(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(literals);
  if (typeof value !== 'object' || value === null || !('type' in value)) return [];
  const node = value as Node;
  if (node.type === 'JSXText') return HAS_WORD.test(String(node['value'])) ? [String(node['value']).trim()] : [];
  if (node.type === 'JSXAttribute') {
    const name = (node['name'] as { name?: unknown }).name;
    const given = node['value'] as { type?: string; value?: unknown; expression?: { type: string; value?: unknown } } | null;
    const literal = given?.type === 'Literal' ? given.value : given?.expression?.type === 'Literal' ? given.expression.value : undefined;
    if (typeof name === 'string' && SPOKEN.has(name) && typeof literal === 'string' && HAS_WORD.test(literal)) return [literal];
  }
  return Object.values(node).flatMap(literals);
}

test('no text stands in a component: all of it comes from the catalogue', () => {
  const found = globSync(here('../**/*.tsx')).flatMap((file) => literals(parseAst(readFileSync(file, 'utf8'), { lang: 'tsx' })).map((text) => `${file.slice(here('../').length)}: ${text}`));
  expect(found).toEqual([]);
  expect(literals(parseAst('const x = <p title="A title">Some text</p>', { lang: 'tsx' }))).toEqual(['A title', 'Some text']);
});
