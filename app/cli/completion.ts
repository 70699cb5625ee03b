import { KeywrightError } from '../contract/errors.ts';
import { choices } from './about.ts';
import { COMMANDS, commandNamed } from './commands.ts';
import { GLOBAL_OPTIONS } from './globals.ts';
import { HelpAsked } from './words.ts';
import type { Surroundings } from './surroundings.ts';

const SHELLS: Readonly<Record<string, () => string>> = { bash, zsh, fish };

/** `keywright completion bash|zsh|fish`: a script with everything in it, so that completing starts no process. */
export async function completion(argv: readonly string[], around: Surroundings): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    throw new HelpAsked('Usage: keywright completion bash|zsh|fish\n\n  bash  source <(keywright completion bash)\n  zsh   source <(keywright completion zsh)\n  fish  keywright completion fish | source\n');
  }
  const script = SHELLS[argv[0] ?? ''];
  if (script === undefined || argv.length > 1) throw new KeywrightError('INVALID_INPUT', { detail: 'Completion is for one of bash, zsh and fish.', remedy: 'For instance: source <(keywright completion bash)' });
  around.stdout.write(script());
  return 0;
}

/** What may follow each sequence of words: further words, or a command's options. */
function table(): { words: string; next: string[] }[] {
  const prefixes = new Set(['', ...COMMANDS.flatMap(({ words }) => words.map((_, index) => words.slice(0, index + 1).join(' ')))]);
  return [...prefixes].map((prefix) => {
    const words = prefix === '' ? [] : prefix.split(' ');
    const command = commandNamed(words);
    return { words: prefix, next: command === undefined ? choices(words) : [...optionsOf(command), ...GLOBAL_OPTIONS.map(({ name, no }) => (no === 'alone' ? `--no-${name}` : `--${name}`))] };
  });
}

function optionsOf({ options, out, outs }: (typeof COMMANDS)[number]): string[] {
  const own = options.map(({ name, kind, default: value }) => (kind === 'flag' && value === true ? `--no-${name}` : `--${name}`));
  return [...own, ...(out !== undefined && !own.includes('--out') ? ['--out', '--force'] : []), ...Object.keys(outs ?? {}).map((name) => `--${name}`)];
}

function cases(indent: string): string {
  return table().map(({ words, next }) => `${indent}'${words}') next='${next.join(' ')}' ;;`).join('\n');
}

function bash(): string {
  return `# keywright completion for bash: source <(keywright completion bash)
_keywright() {
  local word words='' next='' at
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    [[ $word == -* ]] && break
    case "$words $word" in
${[...table()].filter(({ words }) => words !== '').map(({ words }) => `      ' ${words}') words=' ${words}' ;;`).join('\n')}
      *) break ;;
    esac
  done
  case "\${words# }" in
${cases('    ')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _keywright keywright
`;
}

function zsh(): string {
  return `#compdef keywright
# keywright completion for zsh: source <(keywright completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash()}`;
}

function fish(): string {
  const lines = table().flatMap(({ words, next }) => {
    const named = words === '' ? [] : words.split(' ');
    const commands = next.filter((one) => !one.startsWith('-'));
    const options = next.filter((one) => one.startsWith('--'));
    const here = named.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    const notYet = commands.length === 0 ? '' : `${here === '' ? '' : '; and '}not __fish_seen_subcommand_from ${commands.join(' ')}`;
    return [
      ...(commands.length === 0 ? [] : [`complete -c keywright -f -n '${here}${notYet}' -a '${commands.join(' ')}'`]),
      ...options.map((option) => `complete -c keywright -n '${here}' -l ${option.slice(2)}`),
    ];
  });
  return `# keywright completion for fish: keywright completion fish | source\n${lines.join('\n')}\n`;
}
