import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FIELD_TEXTS, fieldText } from '../contract/field-texts.ts';
import { OPERATIONS } from '../contract/index.ts';
import { nounSummary } from './about.ts';
import { COMMANDS, commandNamed, isCommandPrefix } from './commands.ts';
import { commandTable, describeCommands } from './describe.ts';
import { GLOBAL_OPTIONS, SECRET_FILES } from './globals.ts';
import { parseCommand } from './parse.ts';
import { HelpAsked, splitWords } from './words.ts';
import { PROGRAM_WORDS } from './run.ts';
import { ran } from './testing/around.ts';

const FRESH = describeCommands();

describe('parity with the list of operations', () => {
  test('every operation is a command, but for those whose record says why not', () => {
    expect(FRESH.map(({ id }) => id).sort()).toEqual(OPERATIONS.filter(({ notOn }) => notOn?.cli === undefined).map(({ id }) => id).sort());
  });

  test('the generated table is what the contract makes of it (else: npm run generate)', () => {
    expect(readFileSync(new URL('./commands.generated.json', import.meta.url), 'utf8')).toBe(commandTable());
  });

  test('no command hides behind another’s first words, nor behind one of the program’s', () => {
    for (const { words } of FRESH) {
      expect(FRESH.filter((other) => other.words.length > words.length && words.every((word, index) => other.words[index] === word))).toEqual([]);
      expect(PROGRAM_WORDS).not.toContain(words[0]);
    }
  });

  test('no option means two things', () => {
    const common = new Set(GLOBAL_OPTIONS.map(({ name }) => name));
    for (const { id, options, outs } of FRESH) {
      const names = [...options.map(({ name }) => name), ...Object.keys(outs ?? {})];
      expect(new Set(names).size, id).toBe(names.length);
      expect(names.filter((name) => common.has(name)), id).toEqual([]);
    }
  });

  test('each argument and option says what it is for, and no text is of a field that is none', () => {
    const fields = FRESH.flatMap(({ id, arguments: positional, options }) => [...positional, ...options].map(({ path }) => [id, path] as const));
    expect(fields.filter(([id, path]) => fieldText(id, path) === undefined)).toEqual([]);
    const used = new Set(fields.flatMap(([id, path]) => [path, `${id}:${path}`]));
    expect(FIELD_TEXTS.filter((name) => !used.has(name))).toEqual([]);
  });

  test('options that answer prompts are options there are', () => {
    for (const { prompts } of FRESH) for (const option of Object.values(prompts ?? {})) expect(Object.keys(SECRET_FILES)).toContain(option);
  });
});

describe.each(FRESH.map((spec) => [spec.words.join(' '), spec] as const))('keywright %s', (_name, spec) => {
  test('has a help that tells what it does and takes', () => {
    let help = '';
    try {
      parseCommand(spec, ['--help'], fieldText);
    } catch (thrown) {
      if (!(thrown instanceof HelpAsked)) throw thrown;
      help = thrown.text;
    }
    const words = help.replaceAll(/\s+/g, ' ');
    expect(words).toContain(spec.summary);
    for (const { name, kind, default: value } of spec.options) expect(words).toContain(kind === 'flag' && value === true ? `--no-${name}` : `--${name}`);
    for (const { name } of spec.arguments) expect(words).toContain(name);
    for (const example of spec.examples ?? []) expect(help).toContain(example);
  });

  test('refuses an option that it does not have', async () => {
    const { code, stderr, stdout } = await ran([...spec.words, '--no-such-option'], { env: { KEYWRIGHT_DATA_DIR: '/nonexistent/keywright' } });
    expect([code, stdout.length]).toEqual([2, 0]);
    expect(stderr).toContain('--no-such-option');
  });
});

describe('finding the command', () => {
  test('global options may stand before, between and behind its words', () => {
    const split = (line: string) => splitWords(line.split(' '), isCommandPrefix);
    expect(split('keys list --json')).toEqual({ words: ['keys', 'list'], rest: ['--json'] });
    expect(split('--json --data-dir keys keys list')).toEqual({ words: ['keys', 'list'], rest: ['--json', '--data-dir', 'keys'] });
    expect(split('store --data-dir=x slots --no-agent list')).toEqual({ words: ['store', 'slots', 'list'], rest: ['--data-dir=x', '--no-agent'] });
    expect(split('keys show list')).toEqual({ words: ['keys', 'show'], rest: ['list'] });
    expect(split('keys show -- --json')).toEqual({ words: ['keys', 'show'], rest: ['--', '--json'] });
    expect(commandNamed(['store', 'slots', 'list'])?.id).toBe('store.slots.list');
    expect(COMMANDS.length).toBe(FRESH.length);
  });

  test.each([['kyes'], ['keys', 'lst'], ['keys', 'lst', '--json']])('%j is an error that names the one that was meant', async (...argv) => {
    const { code, stderr } = await ran(argv);
    expect(code).toBe(2);
    expect(stderr).toMatch(/Did you mean `keywright keys( list)?`\?/);
  });

  test('every noun says what it is about', () => {
    const nouns = new Set(COMMANDS.flatMap(({ words }) => words.slice(1).map((_, index) => words.slice(0, index + 1).join(' '))));
    expect([...nouns].filter((noun) => nounSummary(noun.split(' ')) === '')).toEqual([]);
  });

  test('the program, a noun and a noun’s noun show what there is', async () => {
    for (const [argv, known] of [[['--help'], 'backends …'], [['keys', '--help'], 'verify-mac'], [['store', 'slots', '-h'], 'remove'], [['help', 'keys', 'sign'], '--signature-encoding']] as const) {
      const { code, stdout } = await ran(argv);
      expect(code).toBe(0);
      expect(stdout.toString()).toContain(known);
    }
    const bare = await ran(['keys']);
    expect([bare.code, bare.stdout.length]).toEqual([2, 0]);
    expect(bare.stderr).toContain('rotate');
  });

  test.each([['--nope', '--json'], ['keys', '--nope', '--json'], ['version', '--nope', '--json'], ['serve', '--nope', '--json'], ['keys', 'list', '--nope', '--json']])('an unknown option is an error, one record with --json: %j', async (...argv) => {
    const { code, stdout, stderr } = await ran(argv);
    expect([code, stdout.length]).toEqual([2, 0]);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'INVALID_INPUT', detail: "Unknown option '--nope'." });
  });

  test('a narrow terminal gets a narrow list of commands, and one that is dumb no colours', async () => {
    const { stdout } = await ran(['keys', '--help'], { tty: true, columns: 60 });
    expect(Math.max(...stdout.toString().split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
    const colours = async (env: Record<string, string>) => (await ran(['keys', 'lst'], { tty: true, env })).stderr.includes('\x1b[');
    expect([await colours({ TERM: 'xterm' }), await colours({ TERM: 'dumb' }), await colours({ TERM: 'xterm', NO_COLOR: '1' })]).toEqual([true, false, false]);
  });

  test('the version is told', async () => {
    for (const argv of [['version'], ['--version'], ['--data-dir', 'anywhere', 'version']]) expect((await ran(argv)).stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
