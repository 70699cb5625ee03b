import { parse, TYPE } from '@formatjs/icu-messageformat-parser';
import { expect, test } from 'vitest';
import { because, KeywrightError, REASONS, toProblem, type ReasonName } from '../../app/contract/index.ts';
import german from './reasons.de.json' with { type: 'json' };
import { sayReason, type Reasons } from './reasons.ts';

const GERMAN: Reasons = german;
/** A remedy that depends on the case, and so stands where the error is thrown. */
const remedyElsewhere = (name: string): boolean => ['certificate.format-needs'].includes(name);
const namesIn = (english: string): string[] => [...new Set([...english.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string))].sort();
const argumentsOf = (message: string): string[] => [...new Set(parse(message, { ignoreTag: true }).flatMap((part) => (part.type === TYPE.argument || part.type === TYPE.plural ? [part.value] : [])))].sort();

test('German has exactly the reasons that the core has, each with its remedy and what is filled in', () => {
  expect(Object.keys(GERMAN).sort()).toEqual(Object.keys(REASONS).sort());
  for (const [name, told] of Object.entries(REASONS)) {
    const { detail, remedy }: { detail: string; remedy?: string } = told;
    expect([name, argumentsOf(GERMAN[name]?.detail ?? '')]).toEqual([name, namesIn(detail)]);
    if (!remedyElsewhere(name)) expect([name, GERMAN[name]?.remedy !== undefined]).toEqual([name, remedy !== undefined]);
    expect(argumentsOf(GERMAN[name]?.remedy ?? '')).toEqual([]);
  }
});

test('an error crosses a boundary with its reason, and is said in German by it', () => {
  const problem = toProblem(new KeywrightError('CAPABILITY_MISSING', because('certificate.ended', { name: 'CN=Ada', key: 'Ada', at: '2026-11-03T10:00:00.000Z' })));
  expect(problem.detail).toBe('The certificate “CN=Ada” for “Ada” ended on 2026-11-03T10:00:00.000Z.');
  expect(sayReason(GERMAN, 'de', problem, 'detail')).toBe('Das Zertifikat „CN=Ada“ für „Ada“ ist am 3. November 2026 abgelaufen.');
  expect(sayReason(GERMAN, 'de', { ...because('key.state-forbids', { key: 'K', state: 'suspended', use: 'sign' }) }, 'detail')).toBe('„K“ ist ausgesetzt. Das geht jetzt nicht: signieren.');
});

test('names are filled in as they are, whatever they look like', () => {
  for (const name of ['<b>{key}</b>', '{', "it's {0}"]) {
    expect(because('key.unknown', { name }).detail).toContain(name);
    expect(sayReason(GERMAN, 'de', because('key.unknown', { name }), 'detail')).toContain(name);
  }
});

test('what has no key is not said in German', () => {
  expect(sayReason(GERMAN, 'de', { detail: 'Something new.' }, 'detail')).toBeUndefined();
  expect(sayReason(GERMAN, 'de', { reason: 'no.such' as ReasonName }, 'detail')).toBeUndefined();
});
