import { expect, test } from 'vitest';
import { COMMANDS } from './commands.ts';
import { GLOBAL_OPTIONS } from './globals.ts';
import { parseCommand } from './parse.ts';
import { parseShort } from './short.ts';
import type { CommandSpec } from './spec.ts';
import type { Parsed } from './words.ts';

/** The same numbers each time (a linear congruential generator modulo 2³²). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
}

function whole(spec: CommandSpec, line: readonly string[]): Parsed | 'refused' {
  try {
    return parseCommand(spec, line);
  } catch {
    return 'refused';
  }
}

/** Words that a command line may hold: what the command takes, what it does not, and what only looks like it. */
function wordsFor({ arguments: positional, options, outs }: CommandSpec): string[] {
  const choices = [...positional, ...options].flatMap((field) => field.choices ?? []);
  const names = [...options, ...GLOBAL_OPTIONS].map(({ name }) => name).concat(Object.keys(outs ?? {}));
  return [
    ...names.map((name) => `--${name}`), ...options.map(({ name }) => `--no-${name}`), ...choices, ...choices.map((one, index) => `${one},${choices.at(index - 1)}`),
    ...names.slice(0, 5).map((name) => `--${name}=${choices[0] ?? 'x'}`),
    '--no-agent', '--no-color', '--no-json', '--out', '--force', '--out=-', '--agent=', '--', '-', '', 'none', 'word', 'a b', '12', '-12', '-h', '-x', '--help', '--unknown', '--no-', '__proto__', 'key=value',
  ];
}

test('the short way reads a line exactly as the library does, or leaves it to that', () => {
  let read = 0;
  for (const [index, spec] of COMMANDS.entries()) {
    const below = numbers(index + 1);
    const words = wordsFor(spec);
    for (let n = 0; n < 30; n += 1) {
      const line = Array.from({ length: below(6) }, () => words[below(words.length)]!);
      const short = parseShort(spec, line);
      if (short === undefined) continue;
      read += 1;
      expect([spec.id, line, short]).toEqual([spec.id, line, whole(spec, line)]);
    }
  }
  expect(read).toBeGreaterThan(COMMANDS.length);
});

test('the lines of the examples go the short way', () => {
  const lines = COMMANDS.flatMap((spec) => (spec.examples ?? []).flatMap((example) => {
    const plain = new RegExp(`^keywright ${spec.words.join(' ')} ([^"'|<>$\`\\\\;&]+)$`).exec(example);
    return plain === null ? [] : [{ spec, line: plain[1]!.trim().split(/\s+/) }];
  }));
  expect(lines.length).toBeGreaterThan(20);
  for (const { spec, line } of lines) expect([line, parseShort(spec, line)]).toEqual([line, whole(spec, line)]);
});

test('nothing that is wrong, or asks for help, is taken', () => {
  const list = COMMANDS.find(({ id }) => id === 'keys.list')!;
  for (const line of [['--help'], ['-h'], ['--no-such'], ['--search'], ['--search', '--json'], ['--json=yes'], ['--state', 'nothing'], ['surplus']]) expect(parseShort(list, line)).toBeUndefined();
  expect(parseShort(list, ['--search', 'x', '--json', '--no-agent'])).toEqual({ arguments: [], options: { search: 'x', json: true, agent: false } });
});
