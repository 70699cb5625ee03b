import { GLOBAL_OPTIONS } from './globals.ts';
import type { OptionSpec } from './spec.ts';

/** `--help` was asked for: its text, an answer and not an error. */
export class HelpAsked extends Error {
  readonly text: string;
  constructor(text: string) {
    super('help');
    this.text = text;
  }
}

/** What a command line said, before it means anything: by option and argument name. */
export interface Parsed {
  readonly arguments: readonly (string | readonly string[] | undefined)[];
  /** Only what was given. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Several names of a list may stand in one word, since they hold no commas. @returns each. */
export function wordsIn({ many, choices }: Pick<OptionSpec, 'many' | 'choices'>, text: string): string[] {
  return many === true && choices !== undefined ? text.split(',') : [text];
}

/** Splits off the words that name the command: `keys`, `list`. Global options may stand between them. */
export function splitWords(argv: readonly string[], isPrefix: (words: readonly string[]) => boolean): { words: string[]; rest: string[] } {
  const words: string[] = [];
  const rest: string[] = [];
  let next = 0;
  for (; next < argv.length; next += 1) {
    const word = argv[next]!;
    if (!word.startsWith('-')) {
      if (!isPrefix([...words, word])) break;
      words.push(word);
      continue;
    }
    const option = GLOBAL_OPTIONS.find(({ name }) => word === `--${name}` || word === `--no-${name}` || word.startsWith(`--${name}=`));
    if (option === undefined && word !== '--help' && word !== '-h') break;
    rest.push(word);
    if (option?.value !== undefined && word === `--${option.name}` && next + 1 < argv.length) {
      next += 1;
      rest.push(argv[next]!);
    }
  }
  return { words, rest: [...rest, ...argv.slice(next)] };
}
