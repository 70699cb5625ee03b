import { expect, test } from 'vitest';
import { FACES, OPERATIONS } from '../../app/contract/index.ts';
import { ENGLISH } from './catalogue.ts';
import { deedName, deedOf, faceName } from './deeds.ts';
import { faultPlace } from './fault-place.ts';
import { GERMAN, GERMAN_SENTENCES } from './german.ts';
import { makeText } from './text.tsx';

const english = makeText('en', ENGLISH);
const german = makeText('de', GERMAN, {}, GERMAN_SENTENCES);

test('each operation is told in words, in both languages, and no words are for an operation that is not there', () => {
  const ids: string[] = OPERATIONS.map(({ id }) => id);
  for (const t of [english, german]) expect(ids.filter((id) => deedName(id, t) === id)).toEqual([]);
  expect(Object.keys(ENGLISH).filter((key) => key.startsWith('operation.')).map((key) => key.slice('operation.'.length)).filter((id) => !ids.includes(id))).toEqual([]);
  expect(new Set(ids.map((id) => deedName(id, english))).size).toBe(ids.length);
  expect(new Set(ids.map((id) => deedName(id, german))).size).toBe(ids.length);
});

test('each operation that runs as a job says so in both languages, and each way to call has its name', () => {
  const jobs = OPERATIONS.filter(({ progress, follows }) => progress !== undefined && follows !== true).map(({ id }) => `job.${id}`);
  for (const t of [english, german]) {
    expect(jobs.filter((key) => !t.has(key))).toEqual([]);
    expect(FACES.filter((face) => faceName(face, t) === face)).toEqual([]);
  }
});

test('what failed is told as tried, and what a newer version did by its id', () => {
  expect(deedOf({ operation: 'keys.sign', outcome: 'ok' }, english)).toBe('Signed with a key');
  expect(deedOf({ operation: 'keys.generate', outcome: 'ok' }, german)).toBe('Schlüssel erzeugt');
  expect(deedOf({ operation: 'keys.sign', outcome: 'PIN_INCORRECT' }, english)).toBe('Tried: Signed with a key');
  expect(deedOf({ operation: 'keys.teleport', outcome: 'ok' }, english)).toBe('keys.teleport');
});

test('where a fault is is told in words, and names of members as they are', () => {
  expect(faultPlace('in the private part, line 3', german)).toBe('im privaten Teil, Zeile 3');
  expect(faultPlace('entry 2, offset 14', english)).toBe('entry 2, byte 14');
  expect(faultPlace('/keys/0/d', german)).toBe('/keys/0/d');
});
