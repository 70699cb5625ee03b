import { expect, test } from 'vitest';
import { REASONS } from '../../app/contract/index.ts';
import { say as ask } from '../prompt/wording.ts';
import { attestedIn } from '../tokens/attestation-wording.ts';
import { whyNot } from '../tokens/core-wording.ts';
import { factIn } from '../tokens/fact-wording.ts';
import failures from './failures.de.json' with { type: 'json' };
import { faultPlace } from './fault-place.ts';
import { GERMAN, GERMAN_FACTS, GERMAN_PARTICULARS, GERMAN_PARTS, GERMAN_SENTENCES } from './german.ts';
import { makeText } from './text.tsx';
import { partsOfTheCore, type SourcePart } from './testing/parts-of-the-core.ts';
import { HOLE, isSentence, sentencesOfTheCore, textsOf } from './testing/sentences-of-the-core.ts';

const german = makeText('de', GERMAN, {}, GERMAN_SENTENCES, GERMAN_FACTS);
/** Said in both languages where they stand: before the catalogue is there. */
const OF_THEIR_OWN = ['main/texts.ts', 'app/contract/reasons.ts'];
/** What several wordings are made of, which are known one by one; and a value of a reason (`reasons.ts`). */
const MADE_UP = [
  `${HOLE} from firmware ${HOLE} on; this one has ${HOLE}.`, `${HOLE} left out.`, `${HOLE} ${HOLE} left out.`, `${HOLE}The signature does not fit.`,
  `${HOLE}The file is as it was signed, but the signer is not trusted. Nothing that you trust says whose key it is.`,
  'unknown fault',
];
/** A calendar is read by other programs, and what tests crash by nobody. */
const FOR_OTHERS = ['app/keychain/expiry-files.ts', 'app/storage/sealed/crash-writer.ts'];
/** Headers of PEM, what a share is typed as, and what is written into a document. */
const AS_IT_IS = /^(?:DEK-Info|Proc-Type|Prime|Reason): /;
const everything = sentencesOfTheCore();
const told = everything.filter(({ path, text }) => ![...OF_THEIR_OWN, ...FOR_OTHERS].includes(path) && !AS_IT_IS.test(text));
const spoken = new Set(told.map(({ path, text }) => `${path} ${text}`));
/** What is called by one word: elsewhere one word is the name of an algorithm, a member or a file. */
const ONE_WORD = ['readAll 1', 'byte 0'];
const parts = partsOfTheCore((path, template) => textsOf(template).some((text) => spoken.has(`${path} ${text}`))).filter(({ path, text, into }: SourcePart) => !FOR_OTHERS.includes(path) && into !== 'set 0' && !isSentence(text) && (ONE_WORD.includes(into) || new RegExp(`\\p{L}[\\p{L}’0-9]* [\\p{L}${HOLE}“]`, 'u').test(text)));

const reasons = new Set<string>(Object.values(REASONS).flatMap((reason: { detail: string; remedy?: string }) => [reason.detail, reason.remedy ?? reason.detail]));
/** Names, numbers and versions as they may be filled in: some wordings take no others. */
const FILLED = ['X', '1', '5.7.1'];
const SAYERS: readonly ((text: string) => string | undefined)[] = [german.sentence, (text) => ask(text, german), (text) => whyNot(text, german), (text) => attestedIn(text, german).text, (text) => factIn(text, german).text, german.fact.name, (text) => faultPlace(text, german)];
/** Not said in German, whatever is filled in; and what an English sentence hardly does without. */
const ENGLISH = /\b(?:the|which|that|with|this|from|have|and|of|its|is|there|not)\b/;
const ENGLISH_WORD = /^(?:a|an|or|for|to|be|are|by|as|it|no|one|than|but|has|was|on|at|only|alone)$/;

/** Three words in a row that are no name and no command. */
function runsOf(text: string): string[] {
  const words = text.replaceAll(/`[^`]*`/g, '|').split(/\s+/);
  return words.slice(2).map((_, at) => words.slice(at, at + 3)).filter((run) => run.every((word) => /^\p{L}+$/u.test(word)) && run.some((word) => ENGLISH_WORD.test(word))).map((run) => run.join(' '));
}

/** A wording that is too wide takes half a sentence for a name, and leaves it in English. */
function isHalf(said: string, english: string): boolean {
  const left = runsOf(english);
  return ENGLISH.test(said.replaceAll(/`[^`]*`/g, '')) || runsOf(said).some((run) => left.includes(run));
}

function isSaid(text: string): boolean {
  if (reasons.has(text)) return true;
  return FILLED.some((filling) => {
    const filled = text.replaceAll(HOLE, filling);
    return SAYERS.some((say) => {
      const said = say(filled);
      return said !== undefined && said !== filled && !isHalf(said, filled);
    });
  });
}

const unsaid = (sentences: readonly { path: string; text: string }[]): string[] => sentences.filter(({ text }) => !MADE_UP.includes(text) && !isSaid(text)).map(({ path, text }) => `${path}: ${text.replaceAll(HOLE, '…')}`);

test('every sentence that the core can send into the window is said in German', () => {
  // The gathering itself would otherwise fail in silence.
  expect(told.length).toBeGreaterThan(2800);
  expect(told.some(({ path, within }) => path === 'app/storage/faults.ts' && within.endsWith('/remedy'))).toBe(true);
  expect(told.some(({ path, within }) => path === 'app/formats/der.ts' && within === 'malformed')).toBe(true);
  expect(unsaid(told)).toEqual([]);
});

test('what such a sentence names is said in German too: “the serial number”, “it is blocked”', () => {
  expect(parts.length).toBeGreaterThan(1000);
  expect(parts.some(({ into, text }) => into === 'integer 0' && text === 'the serial number')).toBe(true);
  expect(parts.some(({ into, text }) => into === 'says' && text === 'it is blocked')).toBe(true);
  expect([...new Set(unsaid(parts))]).toEqual([]);
});

test('no wording of a failure is in vain, and what is filled in stands in both', () => {
  const known = new Set([...everything, ...parts].map(({ text }) => text));
  const holes = (text: string): string[] => [...text.matchAll(/\{[a-z]\}/g)].map(([hole]) => hole).sort();
  const isWhole = ([wording]: [string, string]): boolean => /[.!?]$/.test(wording);
  const wordings = [...Object.entries(failures).filter(isWhole), ...Object.entries(GERMAN_PARTICULARS), ...Object.entries(GERMAN_PARTS)];
  expect(wordings.length).toBeGreaterThan(2400);
  expect(wordings.filter(([wording]) => !known.has(wording.replaceAll(/\{[a-z]\}/g, HOLE))).map(([wording]) => wording)).toEqual([]);
  for (const [wording, says] of [...Object.entries(failures), ...wordings]) expect([wording, holes(says)]).toEqual([wording, holes(wording)]);
});

test('a sentence that nobody has translated is noticed, and one of which half is', () => {
  expect(isSaid('The moon is in the wrong house.')).toBe(false);
  expect(isSaid(`There is no key “${HOLE}” in the wrong house.`)).toBe(false);
  expect(isHalf('Es ist am a day long past abgelaufen.', 'It expired on a day long past.')).toBe(true);
  expect(isHalf('Wandeln Sie es um: openssl pkey -in a.pem.', 'Convert it: openssl pkey -in a.pem.')).toBe(false);
});

test('an error without a reason is told by its wording, with what is filled in', () => {
  expect(german.said({ detail: 'The token does not make ed448 keys.' }, 'detail')).toBe('Das Token erzeugt keine ed448-Schlüssel.');
  expect(german.said({ detail: 'x', remedy: 'Choose another slot.' }, 'remedy')).toBe('Wählen Sie einen anderen Platz.');
  expect(german.said({ detail: 'The moon is in the wrong house.' }, 'detail')).toBeUndefined();
});

test('each name has quotation marks of its own, and one that has some in it is said all the same', () => {
  expect(german.sentence('“Ada”: “Ada” issued itself, and is not among the roots.')).toBe('„Ada“: „Ada“ hat sich selbst ausgestellt und ist keine der Wurzeln.');
  expect(german.sentence('“A ”x“ b” issued itself, and is not among the roots.')).toBe('„A ”x“ b“ hat sich selbst ausgestellt und ist keine der Wurzeln.');
});

test('what is wrong with a file is told by where it is, within a name or at the beginning of the sentence', () => {
  expect(german.sentence('The serial number claims 70 bytes, but 3 remain.')).toBe('Seriennummer: Angegeben sind 70 Byte, übrig sind aber 3.');
  expect(german.sentence('It ends where the value of an attribute of the issuer should begin.')).toBe('Die Daten enden, wo dies beginnen muss: Aussteller, Wert eines Attributs.');
  expect(german.sentence('Signify has pure Ed25519 signatures alone.')).toBe('signify kennt nur reine Ed25519-Signaturen.');
  expect(german.sentence('It signs all that the container holds: “a.txt”, “b.txt” and 37 more.')).toBe('Sie signiert alles, was der Container enthält: „a.txt“, „b.txt“ und 37 weitere.');
  expect(german.sentence('The key in slot 9a was not made: it is blocked (status 6983).')).toBe('Der Schlüssel an Platz 9a wurde nicht erzeugt: gesperrt (Status 6983).');
});
