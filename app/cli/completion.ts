import { dataDirOf } from '../config/places.ts';
import { KeywrightError } from '../contract/errors.ts';
import { findOwner } from '../rpc/find.ts';
import { choices } from './about.ts';
import { COMMANDS } from './commands.ts';
import { bash, fish, zsh, type CompletionTables } from './completion-scripts.ts';
import { GLOBAL_OPTIONS, takesValue } from './globals.ts';
import { printable } from './printable.ts';
import type { ArgumentSpec, CommandSpec, OptionSpec } from './spec.ts';
import { OWNER, type Surroundings } from './surroundings.ts';
import { HelpAsked } from './words.ts';

const SHELLS: Readonly<Record<string, (tables: CompletionTables) => string>> = { bash, zsh, fish };

/** What has names that only the store knows: the operation that lists them, its input, where they stand in its output. */
const NAMED: Readonly<Record<string, { operation: string; input: object; rows: string; name: string }>> = {
  keys: { operation: 'keys.list', input: { limit: 1000 }, rows: 'keys', name: 'label' },
  certificates: { operation: 'certificates.list', input: { limit: 1000 }, rows: 'certificates', name: 'label' },
  backends: { operation: 'backends.list', input: {}, rows: 'backends', name: 'name' },
};
/** Which of them an argument or option of that name stands for. */
const NAMES: Readonly<Record<string, string>> = { key: '@keys', keys: '@keys', target: '@keys', certificate: '@certificates', other: '@certificates', issuer: '@certificates', backend: '@backends' };
const FILES = '@files';

const HELP = `Usage: keywright completion bash|zsh|fish

Commands, options, their values and files are completed without a process of ours; labels of keys and certificates are asked of
whoever holds the open store (\`keywright store unlock\`), and of nobody else.

  bash  source <(keywright completion bash)        in ~/.bashrc
  zsh   source <(keywright completion zsh)         in ~/.zshrc
  fish  keywright completion fish | source         in ~/.config/fish/config.fish
`;

/** `keywright completion bash|zsh|fish`: a script that knows all words; it calls `keywright completion names …` for labels alone. */
export async function completion(argv: readonly string[], around: Surroundings): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) throw new HelpAsked(HELP);
  const [shell = '', kind = ''] = argv;
  if (shell === 'names' && Object.hasOwn(NAMED, kind)) return namesOf(kind, argv.slice(2), around);
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (script === undefined || argv.length > 1) throw new KeywrightError('INVALID_INPUT', { detail: 'Completion is for one of bash, zsh and fish.', remedy: 'For instance: source <(keywright completion bash)' });
  around.stdout.write(script(tables()));
  return 0;
}

/** Prints a name a line, if somebody holds the store open. Whoever presses Tab wants neither a question nor an error. */
async function namesOf(kind: string, rest: readonly string[], { env, stdout }: Surroundings): Promise<number> {
  const { operation, input, rows, name } = NAMED[kind]!;
  const core = await findOwner(dataDirOf(rest[0] === '--data-dir' ? rest[1] : undefined, env)).catch(() => undefined);
  if (core === undefined) return 0;
  try {
    const output = (await core.call(operation, input, { principal: OWNER })) as Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
    const names = (output[rows] ?? []).map((row) => row[name]).filter((one): one is string => typeof one === 'string' && one !== '' && printable(one) === one);
    // A label that two have names neither.
    for (const one of names) if (names.indexOf(one) === names.lastIndexOf(one)) stdout.write(`${one}\n`);
  } catch {
    // locked
  } finally {
    await core[Symbol.asyncDispose]();
  }
  return 0;
}

/** All words that the scripts know. */
function tables(): CompletionTables {
  const groups = new Set<string>(['', ...COMMANDS.flatMap(({ words }) => words.slice(1).map((_, index) => words.slice(0, index + 1).join(' ')))]);
  const programs = ['serve', 'completion', 'version', 'help'];
  return {
    places: [...groups, ...COMMANDS.map(({ words }) => words.join(' ')), ...programs].filter((place) => place !== ''),
    options: [
      ...COMMANDS.map((command): [string, string[]] => [command.words.join(' '), optionsOf(command)]),
      ['serve', ['--listen=', '--socket=', '--ui', '--tls-cert=', '--tls-key=']],
    ],
    globals: ['--help', ...GLOBAL_OPTIONS.flatMap(({ name, value, no }) => [...(no === 'alone' ? [] : [`--${name}${value === undefined ? '' : '='}`]), ...(no === undefined ? [] : [`--no-${name}`])])],
    values: [
      ...COMMANDS.flatMap(({ words, options, out, outs }) => {
        const place = words.join(' ');
        const written = [...(out === undefined ? [] : ['out']), ...Object.keys(outs ?? {})].map((name): [string, string[]] => [`${place} --${name}`, [FILES]]);
        return [...options.filter(({ kind }) => kind !== 'flag').map((option): [string, string[]] => [`${place} --${option.name}`, valuesOf(option, words)]), ...written];
      }),
      ...['--socket', '--tls-cert', '--tls-key'].map((name): [string, string[]] => [`serve ${name}`, [FILES]]),
      ...[...groups].map((place): [string, string[]] => [`${place} 1`.trim(), choices(place === '' ? [] : place.split(' '))]),
      ...Object.entries({ 'completion 1': Object.keys(SHELLS), 'help 1': [...new Set(COMMANDS.map(({ words }) => words[0]!))] }),
      ...COMMANDS.flatMap(({ words, arguments: positional }) => positional.filter(({ many }) => many !== true).map((argument, index): [string, string[]] => [`${words.join(' ')} ${index + 1}`, valuesOf(argument, words)])),
    ].filter(([, words]) => words.length > 0),
    many: COMMANDS.flatMap(({ words, arguments: positional }) => positional.filter(({ many }) => many === true).map((argument): [string, string[]] => [words.join(' '), valuesOf(argument, words)])),
    files: GLOBAL_OPTIONS.filter(({ name }) => takesValue(`--${name}`) && name !== 'agent').map(({ name }) => `--${name}`),
  };
}

/** `--label=` takes a value, `--json` none. */
function optionsOf({ options, out, outs }: CommandSpec): string[] {
  const own = options.map(({ name, kind, default: value }) => (kind === 'flag' ? (value === true ? `--no-${name}` : `--${name}`) : `--${name}=`));
  return [...new Set([...own, ...(out === undefined ? [] : ['--out=', ...(own.includes('--force') ? [] : ['--force'])]), ...Object.keys(outs ?? {}).map((name) => `--${name}=`)])];
}

function valuesOf(field: OptionSpec | ArgumentSpec, words: readonly string[]): string[] {
  const { name, kind, choices: known, nullable } = field;
  if (known !== undefined) return [...known, ...(nullable === true ? ['none'] : [])];
  if (kind === 'bytes' || kind === 'path') return [FILES];
  const isBackend = (name === 'name' && words[0] === 'backends' && words[1] !== 'add') || (name === 'to' && words[0] === 'keys');
  const named = isBackend ? '@backends' : NAMES[name];
  return [...(named === undefined ? [] : [named]), ...('fileOr' in field && field.fileOr !== undefined ? [FILES] : [])];
}
