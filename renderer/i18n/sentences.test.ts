import { expect, test } from 'vitest';
import german from './sentences.de.json' with { type: 'json' };
import { sentenceSayer, type Sentences } from './sentences.ts';

const GERMAN: Sentences = german;
const say = sentenceSayer(GERMAN, (time) => `am ${time.toISOString().slice(0, 10)}`);

test('what is filled in stands in both, once, and no wording is in vain', () => {
  const names = (text: string): string[] => [...text.matchAll(/\{([a-z])\}/g)].map(([, name]) => name as string).sort();
  for (const [wording, says] of Object.entries(GERMAN)) expect([wording, names(says)]).toEqual([wording, [...new Set(names(wording))]]);
});

test('times are said as people write them, sentences within sentences too, and names as they are', () => {
  expect(say('It ended on 2026-11-03T10:00:00Z.')).toBe('Es endete am am 2026-11-03.');
  expect(say('Not trusted: “CN=A. B.”: It ended on 2026-11-03T10:00:00Z.')).toBe('Nicht vertrauenswürdig: „CN=A. B.“: Es endete am am 2026-11-03.');
  expect(say('The file is as it was signed by “$1 {a} (x)”, a key held here.')).toBe('Die Datei ist, wie „$1 {a} (x)“, ein Schlüssel von hier, sie signiert hat.');
  expect(say('“Bob”: There is no root to trust.')).toBe('„Bob“: Es gibt keine Wurzel, der vertraut würde.');
  expect(say('Something that nobody wrote.')).toBeUndefined();
  // A key that somebody called “nothing” is not renamed; the word where it is none of a name is said.
  expect(say('“nobody”: There is no root to trust.')).toBe('„nobody“: Es gibt keine Wurzel, der vertraut würde.');
  expect(say('Timestamp 7 by nobody under the policy 1.2.')).toBe('Zeitstempel 7 von niemand nach der Richtlinie 1.2.');
});
