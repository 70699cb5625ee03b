import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { EXTENSION_NAMES } from '../../app/certificates/reading/oids.ts';
import german from './facts.de.json' with { type: 'json' };
import { factSayer } from './facts.ts';
import { sentenceSayer } from './sentences.ts';

const say = factSayer(german, (time) => `am ${time.toISOString().slice(0, 10)}`);
const root = fileURLToPath(new URL('../../app/', import.meta.url));
const sources = ['keychain/inspector/*.ts', 'certificates/words/certificate.ts', 'signing/ssh-certificate-words.ts'].flatMap((path) => globSync(path, { cwd: root })).filter((path) => !path.endsWith('.test.ts')).map((path) => readFileSync(root + path, 'utf8')).join('\n');

/** `['Name', value` and `field('Name', value`, both of those that a condition chooses between, and keys' own. */
const named = [...sources.matchAll(/(?:\[|\bfield\()(?:\w+ \? '([A-Z][^'\n]*)' : )?'([A-Z][^'\n]*)', /g)].flatMap(([, one, other]) => [one, other]).filter((name): name is string => name !== undefined);
const listed = /^(?:MD5|SHA-1|[A-Z]+_[A-Z]+)$/;

test('every name of a fact, and every extension that is known, is said in German', () => {
  const names = [...new Set([...named, ...Object.values(EXTENSION_NAMES)])].filter((name) => !listed.test(name));
  expect(names.length).toBeGreaterThan(100);
  expect(names).toContain('Signature algorithm');
  const known = sentenceSayer(german.names, String);
  expect(names.filter((name) => known(name) === undefined)).toEqual([]);
  expect(say.name('Subject: CN')).toBe('Inhaber: CN');
});

test('a name that nobody has translated is noticed, and shown as it is', () => {
  expect(sentenceSayer(german.names, String)('Colour of the card')).toBeUndefined();
  expect(say.name('Colour of the card')).toBe('Colour of the card');
});

test('values that are words are said, times as people write them, and what others wrote as it stands', () => {
  expect(say.value('Encrypted', 'yes')).toBe('ja');
  expect(say.value('Made', '2026-11-03T10:00:00.000Z')).toBe('am 2026-11-03');
  expect(say.value('Comment', 'yes')).toBe('yes');
  expect(say.value('Subject: CN', 'none')).toBe('none');
  expect(say.value('Subject', 'CN=no (bytes that are no UTF8String), O=yes')).toBe('CN=no (Bytes, die kein UTF8String sind), O=yes');
  expect(say.value('Name constraints', 'allowed below it: dns:example.org')).toBe('darunter erlaubt: dns:example.org');
});
