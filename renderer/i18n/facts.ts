import { sentenceSayer, type Sentences } from './sentences.ts';

/** Names of facts about what a file or certificate holds, and of its extensions, and values that are the core's words: by their English, as sentences are. */
export interface FactWords {
  readonly names: Sentences;
  readonly values: Sentences;
  /** Facts whose values somebody else wrote: shown as they are. */
  readonly givenByPeople: readonly string[];
}

export interface FactSayer {
  /** The name of a fact or an extension; as it is where its wording is not known. */
  name(name: string): string;
  /** What the fact says. Times are said as people write them, in English too. */
  value(name: string, value: string): string;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** What the core says in brackets after a part of a name that is not written as it should be. */
const REMARK = /(?<=[(,] ?)(?:characters that no \w+ has|bytes that are no \w+)(?=\))/g;

export function factSayer({ names, values, givenByPeople }: FactWords, timeOf: (time: Date) => string): FactSayer {
  const sayName = sentenceSayer(names, timeOf);
  const sayValue = sentenceSayer(values, timeOf);
  return {
    name: (name) => sayName(name) ?? name,
    value(name, value) {
      if (TIME.test(value)) return timeOf(new Date(value));
      // A part of a name, as in `Subject: CN`, is its holder's too.
      return givenByPeople.includes(name.split(':', 1)[0] as string) ? value.replaceAll(REMARK, (remark) => sayValue(remark) ?? remark) : (sayValue(value) ?? value);
    },
  };
}

export const ENGLISH_FACTS: FactWords = { names: {}, values: {}, givenByPeople: [] };
