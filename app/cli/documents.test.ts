import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from './commands.ts';
import { parseCommand } from './parse.ts';
import { PROGRAM_WORDS } from './run.ts';

/** What the documents tell people to type. Other tests run much of it; here all of it is at least read as the program would. */

const ROOT = join(import.meta.dirname, '..', '..');
const DOCUMENTS = ['README.md', ...readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

/** @returns the commands within a script, each as its words: of pipes, lists and substitutions too. Redirections are left out. */
function commandsIn(script: string): string[][] {
  const found: string[][] = [];
  let rest = script.replaceAll('\\\n', ' ');
  for (let inner = /[$<]\(([^()]*)\)/.exec(rest); inner !== null; inner = /[$<]\(([^()]*)\)/.exec(rest)) {
    found.push(...commandsIn(inner[1]!));
    rest = `${rest.slice(0, inner.index)}FILLED-IN${rest.slice(inner.index + inner[0].length)}`;
  }
  let words: string[] = [];
  const end = (): void => {
    if (words.length > 0) found.push(words);
    words = [];
  };
  for (const [token] of rest.matchAll(/(?<=\s|^)#[^\n]*|\n|&&|\|\|?|;|\d?[<>]+\s*\S+|(?:'[^']*'|"[^"]*"|[^\s'"|;&<>])+/g)) {
    if (/^(\n|&&|\|\|?|;)$/.test(token)) end();
    else if (!/^(#|\d?[<>])/.test(token)) words.push(token.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  end();
  return found;
}

/** @returns what is wrong with a command of ours; undefined: nothing. */
function problemOf([, ...words]: readonly string[]): string | undefined {
  if (PROGRAM_WORDS.includes(words[0]!)) return undefined;
  const spec = COMMANDS.filter((command) => command.words.every((word, index) => words[index] === word)).sort((a, b) => b.words.length - a.words.length)[0];
  if (spec === undefined) return 'there is no such command';
  try {
    parseCommand(spec, words.slice(spec.words.length));
    return undefined;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

describe('commands in the documents', () => {
  const shown = DOCUMENTS.flatMap((document) => [...readFileSync(join(ROOT, document), 'utf8').matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, script]) => commandsIn(script!))
    .filter(([program]) => program === 'keywright').map((command): [string, string[]] => [document, command]));

  test('are found, in substitutions too, without what the shell takes for itself', () => {
    expect(commandsIn('a --x "b c" \\\n  d | e >f 2>/dev/null # g\nh "$(i \'j\')" && k <(l)')).toEqual([['i', 'j'], ['l'], ['a', '--x', 'b c', 'd'], ['e'], ['h', 'FILLED-IN'], ['k', 'FILLED-IN']]);
    expect(shown.length).toBeGreaterThan(150);
    expect(problemOf(['keywright', 'keys', 'list', '--no-such-option'])).toContain('--no-such-option');
    expect(problemOf(['keywright', 'keys', 'frobnicate'])).toBe('there is no such command');
  });

  test('are commands that the program has, with options and values that they take', () => {
    const wrong = shown.flatMap(([document, command]) => {
      const problem = problemOf(command);
      return problem === undefined ? [] : [`${document}: ${command.join(' ')}: ${problem}`];
    });
    expect(wrong).toEqual([]);
  });
});
