import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import german from './sentences.de.json' with { type: 'json' };
import { sentenceSayer, type Sentences } from './sentences.ts';

const GERMAN: Sentences = german;
const say = sentenceSayer(GERMAN, (time) => `am ${time.toISOString().slice(0, 10)}`);

/** Where verdicts, checks, findings and what files can become are put into words. */
const MADE_IN = [
  'certificates/verifying/*.ts', 'signing/{vouched,sshsig,cose,dsse,minisign,jws,jws-read,table}.ts', 'signing/{cms,pdf,xml,asic,jar,openpgp,timestamp}/*.ts', 'keychain/files/{verdicts,verifying}.ts',
  'keychain/inspector/*.ts', 'keychain/handlers/{key-findings,key-check}.ts', 'keychain/hygiene/look.ts', 'keychain/conversion/targets.ts', 'keychain/doctor.ts', 'backends/*/diagnose.ts', 'devices/findings.ts',
];
/** What is thrown is an error, with a reason and a code. */
const ERRORS = /\b(?:malformed|malformedAt|notSupported|KeywrightError|refuse|unlike|because)\(|throw /;

/** Sentences in a source, with X for what is filled in; both of those that a condition chooses between. */
function sentencesIn(source: string): string[] {
  const lines = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '').split('\n').filter((line) => !ERRORS.test(line));
  return lines.flatMap((line) => [...line.matchAll(/'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(([, plain, template]) => (plain ?? template ?? '').replaceAll(/\\(['`])/g, '$1')))
    .filter((text) => /^(?:[A-Z]|\$\{)/.test(text) && /[a-z)”]\.$/.test(text) && text.includes(' ') && !/\$\{[^}]*$/.test(text))
    .flatMap((text) => variants(text));
}

function variants(text: string): string[] {
  const hole = /\$\{(?:[^{}]|\{[^{}]*\})*\}/.exec(text);
  if (hole === null) return [text];
  const [, one, other] = /\? '([^']*)' : '([^']*)'\}$/.exec(hole[0]) ?? [];
  return (one === undefined || other === undefined ? ['X'] : [one, other]).flatMap((filled) => variants(text.replace(hole[0], () => filled)));
}

test('every sentence of verdicts, checks and findings is said in German', () => {
  const root = fileURLToPath(new URL('../../app/', import.meta.url));
  const sentences = MADE_IN.flatMap((path) => globSync(path, { cwd: root })).filter((path) => !/(?:\.test|pdf\/sign)\.ts$/.test(path)).flatMap((path) => sentencesIn(readFileSync(root + path, 'utf8')).map((sentence) => ({ path, sentence })));
  expect(sentences.length).toBeGreaterThan(300);
  expect(sentences.filter(({ sentence }) => say(sentence) === undefined || say(sentence) === sentence)).toEqual([]);
});

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
});
