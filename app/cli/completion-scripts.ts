/** What a line may hold. `--label=` in a list of options is one that takes a value; among values, `@files` and `@keys` stand for what is looked up. */
export interface CompletionTables {
  /** Words that name a noun or a command: `keys`, `keys list`. */
  readonly places: readonly string[];
  readonly options: readonly (readonly [place: string, options: readonly string[]])[];
  readonly globals: readonly string[];
  /** By `keys generate --algorithm` or `store slots add 1`, its first argument. */
  readonly values: readonly (readonly [at: string, values: readonly string[]])[];
  /** Of arguments of which there may be any number. */
  readonly many: readonly (readonly [place: string, values: readonly string[]])[];
  /** Options of every command that take a file. */
  readonly files: readonly string[];
}

type Table = readonly (readonly [at: string, words: readonly string[]])[];

/** What has the same answer stands together: most options have the same few lists. @returns the answer, and all that it is for. */
function together(table: Table): [answer: string, at: string[]][] {
  const found = new Map<string, string[]>();
  for (const [at, words] of table) found.set(words.join(' '), [...(found.get(words.join(' ')) ?? []), at]);
  return [...found];
}

const quoted = (text: string): string => `'${text}'`;

/** Functions that bash and zsh both understand. Each sets `REPLY`. */
function tablesForSh({ places, options, globals, values, many, files }: CompletionTables): string {
  const cases = (table: Table, pattern = quoted): string => together(table).map(([answer, at]) => `    ${at.map(pattern).join('|')}) REPLY='${answer}' ;;`).join('\n');
  return `_keywright_known() {
  case $1 in
    ${places.map(quoted).join('|')}) return 0 ;;
  esac
  return 1
}

# The options behind some words; '=' stands behind those that take a value.
_keywright_options() {
  REPLY=''
  case $1 in
${cases(options)}
  esac
  REPLY="$REPLY ${globals.join(' ')}"
}

# What an option takes ('keys generate --algorithm'), or an argument ('store slots add 1').
_keywright_values() {
  REPLY=''
  case $1 in
${cases(values)}
    ${files.map((name) => `*' ${name}'|${quoted(name)}`).join('|')}) REPLY='@files' ;;
${cases(many, (at) => `'${at} '[0-9]*`)}
  esac
}`;
}

/** Goes through the words before the cursor, in \`word\`: which command it is, how many arguments it has, which option waits for its value. */
const NEXT_WORD = `if [[ -n $want ]]; then
      [[ $want == --data-dir ]] && folder=\${word/#\\~/$HOME}
      want=''
    elif [[ $word == -* ]]; then
      _keywright_options "$place"
      [[ " $REPLY " == *" $word= "* ]] && want=$word
    elif ((given == 0)) && _keywright_known "\${place:+$place }$word"; then
      place=\${place:+$place }$word
    else
      given=$((given + 1))
    fi`;

const DECIDE = `if [[ -n $want ]]; then
    _keywright_values "\${place:+$place }$want"
  elif [[ $current == -* ]]; then
    _keywright_options "$place"
    REPLY=\${REPLY//=/}
  else
    _keywright_values "\${place:+$place }$((given + 1))"
  fi`;

/** @returns a script for bash 4 or later; with 3.2 (macOS) labels with blanks are not quoted. */
export function bash(tables: CompletionTables): string {
  return `# keywright completion for bash: source <(keywright completion bash)
${tablesForSh(tables)}

_keywright() {
  local IFS=$' \\t\\n' REPLY='' current=\${COMP_WORDS[COMP_CWORD]} place='' want='' folder='' given=0 at word one typed
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    # bash makes three words of --option=value.
    if [[ $word == '=' ]]; then
      want=\${COMP_WORDS[at - 1]}
      continue
    fi
    word=\${word//[\\"\\'\\\\]/}
    ${NEXT_WORD}
  done
  if [[ $current == '=' ]]; then
    want=\${COMP_WORDS[COMP_CWORD - 1]}
    current=''
  fi
  ${DECIDE}
  typed=\${current#[\\"\\']}
  typed=\${typed//\\\\/}
  for one in $REPLY; do
    case $one in
      @files) compopt -o default 2>/dev/null ;;
      @*)
        while IFS= read -r word; do
          # bash would leave these unquoted, and run what a hostile label says.
          case $word in *'$'*|*'\`'*|*'!'*) continue ;; esac
          [[ $word == "$typed"* ]] && COMPREPLY+=("$word")
        done < <("\${COMP_WORDS[0]/#\\~/$HOME}" completion names "\${one#@}" \${folder:+--data-dir "$folder"} </dev/null 2>/dev/null)
        # Quoted as file names are.
        compopt -o filenames 2>/dev/null
        ;;
      *) [[ $one == "$typed"* ]] && COMPREPLY+=("$one") ;;
    esac
  done
}
complete -F _keywright keywright
`;
}

/** @returns a script to be sourced, or to be kept as \`_keywright\` in a folder of \`fpath\`. */
export function zsh(tables: CompletionTables): string {
  return `#compdef keywright
# keywright completion for zsh: source <(keywright completion zsh)
${tablesForSh(tables)}

_keywright() {
  local REPLY='' current=\${words[CURRENT]} place='' want='' folder='' given=0 word one
  local -a names
  for word in \${(Q)words[2,CURRENT-1]}; do
    ${NEXT_WORD}
  done
  if [[ -z $want && $current == --*=* ]]; then
    want=\${current%%=*}
    compset -P '*='
  fi
  ${DECIDE}
  for one in \${=REPLY}; do
    case $one in
      @files) _files ;;
      @*)
        names=(\${(f)"$("\${(Q)words[1]/#\\~/$HOME}" completion names "\${one#@}" \${folder:+--data-dir} \${folder:+"$folder"} </dev/null 2>/dev/null)"})
        compadd -a names
        ;;
      *) names=(\${=REPLY}); compadd -a names; break ;;
    esac
  done
}

if [[ \${funcstack[1]} == _keywright ]]; then
  _keywright "$@"
else
  (( $+functions[compdef] )) || { autoload -U compinit && compinit }
  compdef _keywright keywright
fi
`;
}

export function fish({ places, options, globals, values, many, files }: CompletionTables): string {
  const answers = (words: string): string => (words === '' ? '' : `printf '%s\\n' ${words}`);
  const cases = (table: Table, pattern = quoted): string => together(table).map(([answer, at]) => `        case ${at.map(pattern).join(' ')}\n            ${answers(answer)}`).join('\n');
  return `# keywright completion for fish: keywright completion fish | source
function __keywright_known
    contains -- "$argv[1]" ${places.map(quoted).join(' ')}
end

# The options behind some words; '=' stands behind those that take a value.
function __keywright_options
    switch "$argv[1]"
${cases(options)}
    end
    ${answers(globals.join(' '))}
end

# What an option takes ('keys generate --algorithm'), or an argument ('store slots add 1').
function __keywright_values
    switch "$argv[1]"
${cases(values)}
        case ${files.map((name) => `'* ${name}' ${quoted(name)}`).join(' ')}
            echo @files
${cases(many, (at) => `'${at} *'`)}
    end
end

function __keywright
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l place
    set -l want
    set -l folder
    set -l given 0
    for word in $words
        if set -q want[1]
            test "$want" = --data-dir; and set folder --data-dir (string replace -r '^~' "$HOME" -- $word)
            set -e want[1]
        else if string match -q -- '-*' $word
            contains -- "$word=" (__keywright_options "$place"); and set want $word
        else if test $given = 0; and __keywright_known (string join ' ' -- $place $word)
            set place (string join ' ' -- $place $word)
        else
            set given (math $given + 1)
        end
    end
    set -l attached
    if not set -q want[1]; and string match -qr '^--[^=]+=' -- $current
        set want (string replace -r '=.*' '' -- $current)
        set attached "$want="
    end
    set -l found
    if set -q want[1]
        set found (__keywright_values (string join ' ' -- $place $want))
    else if string match -q -- '-*' $current
        set found (__keywright_options "$place" | string replace '=' '')
    else
        set found (__keywright_values (string join ' ' -- $place (math $given + 1)))
    end
    for one in $found
        switch $one
            case @files
                __fish_complete_path (string replace -r '^--[^=]+=' '' -- $current)
            case '@*'
                set -l names ($program completion names (string sub -s 2 -- $one) $folder </dev/null 2>/dev/null)
                test (count $names) -gt 0; and printf "$attached%s\\n" $names
            case '*'
                printf '%s\\n' "$attached$one"
        end
    end
end
complete -c keywright -e
complete -c keywright -f -a '(__keywright)'
`;
}
