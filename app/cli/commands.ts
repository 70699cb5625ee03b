import generated from './commands.generated.json' with { type: 'json' };
import type { CommandSpec } from './spec.ts';

/** Every command that is an operation, made from the contract by `npm run generate`. */
export const COMMANDS = generated as unknown as readonly CommandSpec[];

export function commandNamed(words: readonly string[]): CommandSpec | undefined {
  const name = words.join('.');
  return COMMANDS.find(({ id }) => id === name);
}

/** Whether some command begins with these words. */
export function isCommandPrefix(words: readonly string[]): boolean {
  return COMMANDS.some((command) => words.every((word, index) => command.words[index] === word));
}
