/**
 * Sentences of verdicts, checks and findings, which the core makes in English where it judges: said in another language by their wording. What is filled in
 * stands in braces: `It ended on {a}.`; the same names stand in the translation. Errors have their reasons instead (`reasons.ts`).
 */
export type Sentences = Readonly<Record<string, string>>;

/** @returns a sentence in the catalogue's language; undefined where its wording is not known. */
type SentenceSayer = (sentence: string) => string | undefined;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
const NAME = /\{([a-z])\}/g;
/** A sentence within a sentence within a sentence. */
const DEEPEST = 3;

interface Wording {
  readonly pattern: RegExp;
  readonly says: string;
  /** What is filled in between quotation marks is somebody's name for something: left as it is, even where it is a word that is known. */
  readonly names: ReadonlySet<string>;
  /** Letters that are the wording's own: the more, the better it fits. */
  readonly own: number;
  /** What it begins and ends with: told without a look at the pattern. */
  readonly head: string;
  readonly tail: string;
}

/** @param timeOf says a time as people of the language write it. */
export function sentenceSayer(sentences: Sentences, timeOf: (time: Date) => string): SentenceSayer {
  let wordings: readonly Wording[] | undefined;
  const say = (sentence: string, depth: number): string | undefined => {
    const whole = sentences[sentence];
    if (whole !== undefined) return whole;
    wordings ??= Object.entries(sentences).filter(([wording]) => wording.includes('{')).map(([wording, says]) => ({ pattern: patternOf(wording), says, names: new Set([...wording.matchAll(/“\{([a-z])\}”/g)].map(([, name]) => name as string)), own: wording.replaceAll(NAME, '').length, head: wording.split(NAME, 1)[0] as string, tail: wording.split(NAME).at(-1) as string })).sort((one, other) => other.own - one.own);
    const fitting = wordings.filter(({ own, head, tail }) => sentence.length >= own && sentence.startsWith(head) && sentence.endsWith(tail));
    // A name hardly has quotation marks in it: what else lies between them is the sentence’s own.
    for (const [{ pattern, says, names }, isStrict] of [...fitting.map((one) => [one, true] as const), ...fitting.map((one) => [one, false] as const)]) {
      const filled = pattern.exec(sentence)?.groups;
      if (filled !== undefined && !(isStrict && [...names].some((name) => /[“”]/.test(filled[name] ?? '')))) return says.replaceAll(NAME, (_, name: string) => (names.has(name) ? (filled[name] ?? '') : value(filled[name] ?? '', depth)));
    }
    return undefined;
  };
  const value = (text: string, depth: number): string => {
    if (TIME.test(text)) return timeOf(new Date(text));
    // Names in a row, each in quotation marks.
    if (/^“[^“”]*”(?:, “[^“”]*”)+$/.test(text)) return text.split(/(?<=”), /).map((name) => value(name, depth)).join(', ');
    // What is filled in is known as it stands within a sentence, and begins as one where the sentence begins with it.
    return (depth < DEEPEST ? (say(text, depth + 1) ?? say(uncapitalised(text), depth + 1)) : undefined) ?? text;
  };
  return (sentence) => say(sentence, 0) ?? say(uncapitalised(sentence), 0);
}

/** @returns a finding with its words in the window's language, where their wordings are known. */
export function saidFinding<F extends { readonly detail: string; readonly remedy: string | null }>(finding: F, t: { sentence(text: string): string | undefined }): F {
  const { detail, remedy } = finding;
  return { ...finding, detail: t.sentence(detail) ?? detail, remedy: remedy === null ? null : (t.sentence(remedy) ?? remedy) };
}

const uncapitalised = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function patternOf(wording: string): RegExp {
  return new RegExp(`^${wording.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(NAME, '(?<$1>.*?)')}$`, 's');
}
