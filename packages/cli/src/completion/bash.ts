import {
  allCommands,
  type CommandDescription,
  lastWord,
  type PlaceDescription,
} from '../command-tree.ts';
import { quoted } from './quote.ts';

/** What is offered in a place of the command line, as a call of the script's functions. */
function offer({ choices, paths }: PlaceDescription): string {
  if (choices.length > 0) return `_headstart_words ${quoted(choices.join(' '))}`;
  return paths ? `_headstart_paths ${paths}` : ':';
}

/** `cache` → `cache verify`; options with values swallow the next word; the rest counts places. */
function walkCases(commands: readonly CommandDescription[]): string[] {
  return commands.flatMap((command) => {
    const valued = command.options.filter(({ value }) => value).map(({ flag }) => flag);
    const children = command.commands.map(
      (child) =>
        `${quoted(`${command.name}/${lastWord(child.name)}`)}) command=${quoted(child.name)} ;;`,
    );
    const swallowing = valued.map((flag) => quoted(`${command.name}/${flag}`)).join(' | ');
    return [...children, ...(valued.length > 0 ? [`${swallowing}) i=$((i + 1)) ;;`] : [])];
  });
}

function valueCases(commands: readonly CommandDescription[]): string[] {
  return commands.flatMap(({ name, options }) =>
    options.flatMap(({ flag, value }) =>
      value ? [`${quoted(`${name}/${flag}`)}) ${offer(value)}; return ;;`] : [],
    ),
  );
}

function flagCases(commands: readonly CommandDescription[]): string[] {
  return commands.map(({ name, options }) => {
    const flags = options.map(({ flag }) => flag).join(' ');
    return `${quoted(name)}) _headstart_words ${quoted(flags)} ;;`;
  });
}

function placeCases(commands: readonly CommandDescription[]): string[] {
  return commands.flatMap((command) => {
    if (command.commands.length > 0) {
      const names = command.commands.map(({ name }) => lastWord(name)).join(' ');
      return [`${quoted(`${command.name}/0`)}) _headstart_words ${quoted(names)} ;;`];
    }
    return command.arguments.map((argument, place) => {
      const pattern = argument.variadic
        ? `${quoted(`${command.name}/`)}*`
        : quoted(`${command.name}/${place}`);
      return `${pattern}) ${offer(argument)} ;;`;
    });
  });
}

/** Completion for bash 3.2 and newer, which needs nothing but bash. */
export function bashCompletion(program: CommandDescription): string {
  const commands = allCommands(program);
  const cases = (lines: readonly string[]) => lines.map((line) => `    ${line}`).join('\n');
  return `# Completion of headstart for bash: eval "$(headstart completion bash)"
_headstart_words() {
  COMPREPLY=($(compgen -W "$1" -- "$current"))
}
_headstart_paths() {
  local kind=-f path
  if [[ $1 == folder ]]; then kind=-d; fi
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen $kind -- "$current")
}
_headstart() {
  local command='' place=0 i
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  if [[ $current == = ]]; then current=''; fi
  if [[ $previous == = ]]; then previous="\${COMP_WORDS[COMP_CWORD - 2]}"; fi
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command/\${COMP_WORDS[i]}" in
${cases(walkCases(commands)).replace(/^/gm, '  ')}
      */-* | */=) ;;
      *) place=$((place + 1)) ;;
    esac
  done
  case "$command/$previous" in
${cases(valueCases(commands))}
  esac
  if [[ $current == -* ]]; then
    case "$command" in
${cases(flagCases(commands)).replace(/^/gm, '  ')}
    esac
    return
  fi
  case "$command/$place" in
${cases(placeCases(commands))}
  esac
}
complete -F _headstart headstart
`;
}
