import { expect, test } from 'vitest';
import { REASONS } from '../../app/contract/index.ts';
import { say as ask } from '../prompt/wording.ts';
import { attestedIn } from '../tokens/attestation-wording.ts';
import { whyNot } from '../tokens/core-wording.ts';
import { factIn } from '../tokens/fact-wording.ts';
import failures from './failures.de.json' with { type: 'json' };
import { GERMAN, GERMAN_SENTENCES } from './german.ts';
import { makeText } from './text.tsx';
import { HOLE, sentencesOfTheCore, type SourceSentence } from './testing/sentences-of-the-core.ts';

const everything = sentencesOfTheCore();
const german = makeText('de', GERMAN, {}, GERMAN_SENTENCES);
/**
 * What exactly is wrong with bytes that somebody gave: hundreds of places of formats, for whoever made the file. The window says in German that the file is
 * damaged or not what it claims (the reason `file.malformed`), gives the remedy in German, and this after “Genauer:” as it is.
 */
const isParticular = ({ within, path }: SourceSentence): boolean => /^malformed(?:At)?$/.test(within) || (within === 'bad' && /(?:cvc|tlv)\.ts$/.test(path));
/** Said in both languages where they stand: before the catalogue is there. */
const OF_THEIR_OWN = ['main/texts.ts', 'app/contract/reasons.ts'];
/** What several wordings are made of, which are known one by one. */
const MADE_UP = [`${HOLE} from firmware ${HOLE} on; this one has ${HOLE}.`];
const reasons = new Set<string>(Object.values(REASONS).flatMap((told: { detail: string; remedy?: string }) => [told.detail, told.remedy ?? told.detail]));

/** Names, numbers and versions as they may be filled in: some wordings take no others. */
const FILLED = ['X', '1', '5.7.1'];
const SAYERS: readonly ((text: string) => string | undefined)[] = [german.sentence, (text) => ask(text, german), (text) => whyNot(text, german), (text) => attestedIn(text, german).text, (text) => factIn(text, german).text];
/** A wording that is too wide takes half a sentence for a name, and leaves it in English. */
const ENGLISH = /\b(?:the|which|that|with|this|from|have|and|of|its|is|there|not)\b/;

function isSaid(text: string): boolean {
  if (reasons.has(text)) return true;
  return FILLED.some((filling) => {
    const filled = text.replaceAll(HOLE, filling);
    return SAYERS.some((say) => {
      const said = say(filled);
      return said !== undefined && said !== filled && !ENGLISH.test(said.replaceAll(/`[^`]*`/g, ''));
    });
  });
}

test('every sentence that the core can send into the window is said in German', () => {
  const all = everything.filter(({ path }) => !OF_THEIR_OWN.includes(path));
  const told = all.filter((sentence) => !isParticular(sentence));
  // The gathering itself would otherwise fail in silence.
  expect(told.length).toBeGreaterThan(2000);
  expect(told.some(({ path, within }) => path === 'app/storage/faults.ts' && within.endsWith('/remedy'))).toBe(true);
  expect(told.filter(({ text }) => !MADE_UP.includes(text) && !isSaid(text)).map(({ path, text }) => `${path}: ${text.replaceAll(HOLE, '…')}`)).toEqual([]);
});

test('no wording of a failure is in vain, and what is filled in stands in both', () => {
  const known = new Set(everything.map(({ text }) => text));
  const holes = (text: string): string[] => [...text.matchAll(/\{[a-z]\}/g)].map(([hole]) => hole).sort();
  const wordings = Object.entries(failures).filter(([wording]) => /[.!?]$/.test(wording));
  expect(wordings.length).toBeGreaterThan(1400);
  expect(wordings.filter(([wording]) => !known.has(wording.replaceAll(/\{[a-z]\}/g, HOLE))).map(([wording]) => wording)).toEqual([]);
  for (const [wording, says] of Object.entries(failures)) expect([wording, holes(says)]).toEqual([wording, holes(wording)]);
});

test('a sentence that nobody has translated is noticed', () => {
  expect(isSaid('The moon is in the wrong house.')).toBe(false);
  expect(isSaid(`There is no key “${HOLE}” in the wrong house.`)).toBe(false);
});

test('an error without a reason is told by its wording, with what is filled in', () => {
  expect(german.said({ detail: 'The token does not make ed448 keys.' }, 'detail')).toBe('Das Token erzeugt keine ed448-Schlüssel.');
  expect(german.said({ detail: 'x', remedy: 'Choose another slot.' }, 'remedy')).toBe('Wählen Sie einen anderen Platz.');
  expect(german.said({ detail: 'The moon is in the wrong house.' }, 'detail')).toBeUndefined();
});
