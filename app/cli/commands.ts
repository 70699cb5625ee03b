import generated from './commands.generated.json' with { type: 'json' };
import type { CommandSpec } from './spec.ts';

/** Every command that is an operation, made from the contract by `npm run generate`. */
export const COMMANDS = generated as readonly CommandSpec[];

export function commandNamed(words: readonly string[]): CommandSpec | undefined {
  const name = words.join('.');
  return COMMANDS.find(({ id }) => id === name);
}

/** @returns the one command that a noun has, where it has no other: its name alone means that. */
export function onlyCommandOf(words: readonly string[]): CommandSpec | undefined {
  const [only, ...others] = words.length === 1 ? COMMANDS.filter((command) => command.words[0] === words[0]) : [];
  return others.length === 0 ? only : undefined;
}

/** Whether some command begins with these words. */
export function isCommandPrefix(words: readonly string[]): boolean {
  return COMMANDS.some((command) => words.every((word, index) => command.words[index] === word));
}
